from __future__ import annotations

import pytest
from django.template import Context, Template
from django.test import RequestFactory

from tests.admin.lists import make_user
from tests.admin.tallied import tallied

pytestmark = pytest.mark.django_db

TEMPLATE = "{% load chatkit_dashboard %}{% chatkit_dashboard %}"


@pytest.fixture
def request_(rf: RequestFactory):
    request = rf.get("/")
    request.user = make_user("root", is_staff=True, is_superuser=True)
    request.session = {}
    return request


def draw(request, **context: object) -> str:
    return Template(TEMPLATE).render(Context({"request": request, **context}))


def test_it_is_drawn_wherever_a_site_puts_it(request_) -> None:
    tallied("run", "completed", 7)

    html = draw(request_)

    assert "answered" in html
    assert "<b>7</b>" in html


def test_it_leads_to_the_lists_that_the_index_shows(request_) -> None:
    run = {"object_name": "Run", "admin_url": "/backstage/chatkit_app/run/"}
    theirs = {"object_name": "Run", "admin_url": "/elsewhere/"}
    apps = [
        {"app_label": "chatkit_app", "models": [run]},
        {"app_label": "shop", "models": [theirs]},
    ]

    html = draw(request_, app_list=apps)

    assert "/backstage/chatkit_app/run/?what=active" in html
    assert "/elsewhere/" not in html
