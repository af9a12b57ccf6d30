from __future__ import annotations

from uuid import uuid4

import pytest
from django.test import Client

from chatkit_app.access import VISITOR_KEY, AccessPolicy, Action
from chatkit_app.models import Thread
from tests.api.people import ask, client_of
from tests.remains import remains
from tests.threads.owned_rows import fill

pytestmark = pytest.mark.django_db(transaction=True)


class Keeping(AccessPolicy):
    """A site that has to keep what was said."""

    def can(self, viewer, action, thread=None) -> bool:
        return action is not Action.DELETE and super().can(viewer, action, thread)


@pytest.fixture(autouse=True)
def media(settings, tmp_path):
    settings.MEDIA_ROOT = str(tmp_path)


def test_all_of_mine_is_erased_and_nothing_of_another_s(page, anna, berta) -> None:
    thread = fill(anna, "m4rk")
    theirs = fill(berta, "0ther5")
    Thread.objects.filter(pk=fill(anna, "m4rk").pk).update(deleted_at=thread.created_at)
    before = remains("0ther5")

    answer = ask(page, "post", "erase/", {"confirm": True})

    assert (answer.status_code, answer.json()) == (200, {"threads": 2})
    assert remains("m4rk", str(thread.pk)) == []
    assert remains("0ther5") == before
    assert Thread.objects.get() == theirs
    assert ask(page, "post", "erase/", {"confirm": True}).json() == {"threads": 0}


def test_a_visitor_is_nobody_after_it(db) -> None:
    visitor = uuid4()
    fill(visitor, "m4rk")
    client = client_of(visitor)

    assert ask(client, "post", "erase/", {"confirm": True}).json() == {"threads": 1}

    assert remains("m4rk", str(visitor)) == []
    assert VISITOR_KEY not in client.session
    assert ask(client, "post", "erase/", {"confirm": True}).status_code == 403


@pytest.mark.parametrize(
    "body", [None, {}, {"confirm": False}, {"confirm": 1}, {"confirm": "yes"}, []]
)
def test_nobody_erases_by_mistake(page, anna, body) -> None:
    fill(anna, "m4rk")

    refused = ask(page, "post", "erase/", body)

    assert (refused.status_code, refused.json()["code"]) == (400, "invalid_command")
    assert Thread.objects.exists()


def test_a_cookie_alone_erases_nothing(anna) -> None:
    visitor = uuid4()
    for who in (anna, visitor):
        fill(who, "m4rk")
        foreign = client_of(who, enforce_csrf_checks=True)
        assert ask(foreign, "post", "erase/", {"confirm": True}).status_code == 403
    assert Thread.objects.count() == 2


def test_nobody_has_nothing_to_erase(db) -> None:
    refused = ask(Client(), "post", "erase/", {"confirm": True})

    assert (refused.status_code, refused.json()["code"]) == (403, "no_viewer")


def test_the_site_s_policy_may_keep_it(page, anna, settings) -> None:
    settings.CHATKIT_ACCESS_POLICY = "tests.api.test_erasing.Keeping"
    fill(anna, "m4rk")

    refused = ask(page, "post", "erase/", {"confirm": True})

    assert (refused.status_code, refused.json()["code"]) == (403, "not_allowed")
    assert Thread.objects.exists()
