from __future__ import annotations

import pytest
from django.contrib.auth import get_user_model
from django.test import RequestFactory

from chatkit_app.admin.rights import Rights
from tests.approvals import make_staff
from tests.history_rows import make_thread

pytestmark = pytest.mark.django_db


def rights(*names: str) -> Rights:
    request = RequestFactory().get("/")
    request.user = make_staff("eve", *[f"chatkit_app.{name}" for name in names])
    return Rights(request, make_thread(get_user_model().objects.create_user("anna")))


@pytest.mark.parametrize(
    ("permission", "right"),
    [
        ("answer_interrupt", "answer"),
        ("expire_interrupt", "expire"),
        ("cancel_run", "cancel"),
        ("retry_run", "retry"),
        ("reply_thread", "reply"),
        ("erase_thread", "erase"),
        ("view_run", "open_runs"),
        ("view_toolcall", "open_calls"),
    ],
)
def test_each_right_is_one_permission(permission, right) -> None:
    known = ("answer", "expire", "cancel", "retry", "reply", "export", "erase")
    may = rights("view_thread", permission)

    held = {name for name in (*known, "open_runs", "open_calls") if getattr(may, name)}
    assert held == {right}


@pytest.mark.parametrize(
    ("permission", "right"),
    [("export_thread", "export"), ("view_event", "open_events")],
)
def test_what_shows_content_needs_the_permission_to_read_it(permission, right) -> None:
    assert not getattr(rights("view_thread", permission), right)


def test_asking_costs_nothing_until_it_is_asked(django_assert_num_queries) -> None:
    request = RequestFactory().get("/")
    with django_assert_num_queries(0):
        Rights(request, None)  # type: ignore[arg-type]  # nothing is asked of it
