from __future__ import annotations

from datetime import timedelta
from uuid import uuid4

import pytest
from django.contrib.auth import get_user_model

from chatkit_app.access import Action
from chatkit_app.engine.viewer import Viewer
from chatkit_app.exceptions import ThreadNotFound
from chatkit_app.models import AccessLog, Thread
from chatkit_app.threads.accesses import check_may_watch, note, note_reading
from tests.approvals import make_staff
from tests.history_rows import make_thread

pytestmark = pytest.mark.django_db


@pytest.fixture
def anna():
    return get_user_model().objects.create_user("anna")


@pytest.fixture
def thread(anna) -> Thread:
    return make_thread(anna)


@pytest.fixture
def eve():
    return make_staff("eve", "chatkit_app.view_thread", "chatkit_app.view_content")


def test_reading_on_is_the_same_opening_for_a_while(eve, thread) -> None:
    for _ in range(3):
        note_reading(eve, thread.pk)
    assert AccessLog.objects.count() == 1

    row = AccessLog.objects.get()
    AccessLog.objects.update(created_at=row.created_at - timedelta(minutes=11))
    note_reading(eve, thread.pk)

    assert AccessLog.objects.count() == 2


def test_a_second_click_is_noted_once(eve, thread) -> None:
    key = uuid4()

    assert note(eve, thread.pk, Action.CANCEL, key=key)
    assert not note(eve, thread.pk, Action.CANCEL, key=key)
    assert AccessLog.objects.count() == 1


def test_nobody_hides_behind_the_key_of_something_else(eve, thread) -> None:
    key = uuid4()
    note(make_staff("joe"), thread.pk, Action.CANCEL, key=key)

    assert note(eve, thread.pk, Action.CANCEL, key=key)
    assert note(eve, thread.pk, Action.ERASE, key=key)
    assert AccessLog.objects.count() == 3


def test_an_owner_watches_without_being_noted(anna, thread) -> None:
    check_may_watch(Viewer(user=anna, visitor=None), thread.pk)

    assert not AccessLog.objects.exists()


def test_the_staff_who_may_read_watch_and_are_noted(eve, thread) -> None:
    check_may_watch(Viewer(user=eve, visitor=None), thread.pk)

    assert AccessLog.objects.get().user == eve


@pytest.mark.parametrize(
    "held", ["chatkit_app.view_thread", "chatkit_app.view_content"]
)
def test_who_may_not_read_may_not_watch(thread, held) -> None:
    joe = Viewer(user=make_staff("joe", held), visitor=None)

    with pytest.raises(ThreadNotFound):
        check_may_watch(joe, thread.pk)
    with pytest.raises(ThreadNotFound):
        check_may_watch(joe, uuid4())
    assert not AccessLog.objects.exists()
