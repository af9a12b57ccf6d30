"""What a socket asks for a viewer who may be somebody else by now."""

from __future__ import annotations

from functools import partial
from typing import Any

import pytest
from django.contrib.auth.models import Permission, User
from django.contrib.sessions.backends.db import SessionStore
from django.test import Client

from chatkit_app import viewing
from chatkit_app.engine.commands import Send
from chatkit_app.engine.viewer import Viewer
from chatkit_app.exceptions import NoViewer, ThreadNotFound
from tests.history_rows import make_thread
from tests.runs.conftest import recorded  # noqa: F401 (a fixture)
from tests.runs.desk import a_visitor, carried

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.usefixtures("recorded"),
]


@pytest.fixture
def user() -> User:
    return User.objects.create_user("ann")


@pytest.fixture
def scope(user: User) -> dict[str, Any]:
    """A socket of a user who has logged in, as its handshake has found them."""
    client = Client()
    client.force_login(user)
    return {"user": user, "session": client.session, "headers": [], "cookies": {}}


@pytest.fixture
def viewer(user: User) -> Viewer:
    return Viewer(user=user)


def log_out(scope: dict[str, Any]) -> None:
    SessionStore(scope["session"].session_key).flush()


def test_they_are_asked_for_as_they_are_now_and_not_as_they_came(
    scope: dict[str, Any], viewer: Viewer, user: User
) -> None:
    assert not viewing.check_viewer(scope, viewer).user.is_staff
    User.objects.update(is_staff=True)

    assert viewing.check_viewer(scope, viewer).user.is_staff


def test_their_tenant_and_language_are_those_of_the_handshake(
    scope: dict[str, Any], user: User
) -> None:
    viewer = Viewer(user=user, tenant="shop", language="de")

    now = viewing.check_viewer(scope, viewer)

    assert (now.tenant, now.language) == ("shop", "de")


@pytest.mark.parametrize("ask", ["check", "read", "handle", "see", "approvals"])
def test_whoever_has_logged_out_is_nobody_whatever_is_asked(
    scope: dict[str, Any], viewer: Viewer, user: User, ask: str
) -> None:
    thread = make_thread(user)
    send = Send(id="1", thread_id=thread.pk, assistant="test", text="Hi", tab="tab")
    asks = {
        "check": partial(viewing.check_viewer, scope, viewer),
        "read": partial(viewing.read, scope, viewer, send),
        "handle": partial(viewing.handle, scope, viewer, send, None),
        "see": partial(viewing.check_may_see, scope, viewer, thread.pk),
        "approvals": partial(viewing.waiting_approvals, scope, viewer),
    }
    asks[ask]()
    log_out(scope)

    with pytest.raises(NoViewer):
        asks[ask]()


def test_anothers_thread_can_not_be_seen(scope: dict[str, Any], viewer: Viewer) -> None:
    theirs = make_thread(a_visitor().visitor)

    with pytest.raises(ThreadNotFound):
        viewing.check_may_see(scope, viewer, theirs.pk)


def test_what_waits_for_them_is_what_they_may_decide_on_by_now(
    scope: dict[str, Any], viewer: Viewer, user: User
) -> None:
    run = carried(a_visitor(), 'call staff_refund {"amount": 5}')
    before = viewing.waiting_approvals(scope, viewer)
    user.user_permissions.add(Permission.objects.get(codename="change_group"))

    assert before == frozenset()
    assert viewing.waiting_approvals(scope, viewer) == {run.interrupts.get().pk}


def test_what_is_asked_of_the_owner_does_not_wait_for_others(
    scope: dict[str, Any], viewer: Viewer
) -> None:
    User.objects.update(is_superuser=True)
    carried(a_visitor(), 'call refund {"amount": 70}')

    assert viewing.waiting_approvals(scope, viewer) == frozenset()
