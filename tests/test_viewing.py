"""What a socket asks for a viewer who may be somebody else by now."""

from __future__ import annotations

from functools import partial
from typing import Any

import pytest
from channels.testing import WebsocketCommunicator
from django.contrib.auth.models import Permission, User
from django.contrib.sessions.backends.db import SessionStore
from django.test import Client

from chatkit_app import consumers, viewing
from chatkit_app.db import in_thread
from chatkit_app.engine.commands import Send
from chatkit_app.engine.viewer import Viewer
from chatkit_app.exceptions import NoViewer, ThreadNotFound
from chatkit_app.models import AccessLog, Thread
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


def test_what_may_not_be_watched_any_more_is_told_apart(
    scope: dict[str, Any], viewer: Viewer, user: User
) -> None:
    mine, theirs = make_thread(user), make_thread(a_visitor().visitor)
    watched = [mine.pk, theirs.pk]
    User.objects.update(is_staff=True)
    rights = Permission.objects.filter(codename__in=["view_thread", "view_content"])
    user.user_permissions.set(rights)

    assert viewing.not_seen_any_more(scope, viewer, watched) == frozenset()
    user.user_permissions.clear()
    assert viewing.not_seen_any_more(scope, viewer, watched) == {theirs.pk}
    Thread.objects.filter(pk=mine.pk).delete()
    assert viewing.not_seen_any_more(scope, viewer, watched) == {mine.pk, theirs.pk}
    assert not AccessLog.objects.exists()


async def test_an_open_socket_stops_to_watch_what_may_not_be_seen_any_more(
    scope: dict[str, Any], user: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(consumers, "SESSION_SECONDS", 0)
    monkeypatch.setattr(consumers, "PING_SECONDS", 0.05)

    def make() -> list[str]:
        rights = Permission.objects.filter(codename__in=["view_thread", "view_content"])
        User.objects.update(is_staff=True)
        user.user_permissions.set(rights)
        user.refresh_from_db()
        threads = [make_thread(user), make_thread(a_visitor().visitor)]
        return [str(thread.pk) for thread in threads]

    mine, theirs = await in_thread(make)
    headers = [(b"host", b"testserver"), (b"origin", b"http://testserver")]
    socket = WebsocketCommunicator(
        consumers.ChatKitConsumer.as_asgi(), "/chatkit/ws/", headers
    )
    socket.scope |= {"user": user, "session": scope["session"], "cookies": {}}
    assert (await socket.connect())[0]

    async def frame(type_: str) -> dict[str, Any]:
        """The next frame of this type; positions are told all the time."""
        while True:
            told = await socket.receive_json_from(10)
            if told["type"] == type_:
                return told

    for thread in (mine, theirs):
        await socket.send_json_to({"type": "subscribe", "thread": thread})
        assert (await frame("reset"))["thread"] == thread
    await in_thread(user.user_permissions.clear)

    gone = await frame("error")
    assert (gone["code"], gone["thread"]) == ("thread_not_found", theirs)
    assert (await frame("position"))["thread"] == mine
    await socket.disconnect()


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
