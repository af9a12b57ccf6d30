from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from uuid import UUID, uuid4

import pytest
from django.contrib.auth import get_user_model
from django.db import connection
from django.utils import timezone

from chatkit_app.engine.commands import Send
from chatkit_app.engine.viewer import Viewer
from chatkit_app.exceptions import CommandConflict
from chatkit_app.models import (
    AccessLog,
    Attachment,
    Command,
    Message,
    Run,
    Share,
    Tally,
    Thread,
    Usage,
)
from chatkit_app.runs import service
from chatkit_app.threads import erase
from chatkit_app.threads.editing import delete, restore
from chatkit_app.threads.prune import due, prune
from tests.remains import remains
from tests.threads.killing import killed, python
from tests.threads.owned_rows import fill, make_attachment

pytestmark = pytest.mark.django_db(transaction=True)

MARK = "m4rk"
KEPT = {
    "deleted_threads": None,
    "threads": None,
    "visitor_threads": None,
    "commands": None,
    "access_log": None,
    "usage": None,
    "tallies": None,
}


@pytest.fixture(autouse=True)
def media(settings, tmp_path):
    settings.MEDIA_ROOT = str(tmp_path)
    return tmp_path


@pytest.fixture
def ann():
    return get_user_model().objects.create_user("ann")


@pytest.fixture
def only(settings):
    """Keep this for so many days, and everything else for ever."""

    def keep(**days: float) -> None:
        settings.CHATKIT_RETENTION_DAYS = {**KEPT, **days}

    return keep


def ago(days: float):
    return timezone.now() - timedelta(days=days)


def quiet_since(thread: Thread, days: float) -> Thread:
    Thread.objects.filter(pk=thread.pk).update(last_activity_at=ago(days))
    return thread


def pruned() -> dict[str, int]:
    found: dict[str, int] = {}
    prune(lambda name, count: found.update({name: count}))
    return {name: count for name, count in found.items() if count}


def test_a_deleted_thread_is_erased_when_its_time_is_over(ann, only) -> None:
    only(deleted_threads=30)
    old, young, alive = (quiet_since(fill(ann, MARK), 400) for _ in range(3))
    Thread.objects.filter(pk=old.pk).update(deleted_at=ago(31))
    Thread.objects.filter(pk=young.pk).update(deleted_at=ago(29))

    assert pruned() == {"deleted_threads": 1}

    assert {*Thread.objects.all()} == {young, alive}
    assert remains(str(old.pk)) == []
    assert pruned() == {}


def test_a_deletion_can_be_taken_back_for_as_long_as_it_says(
    ann, only, settings, recorded
) -> None:
    settings.CHATKIT_UNDO_SECONDS = 3600.0
    only(deleted_threads=0.001)
    thread = fill(ann, MARK)
    delete(Viewer(user=ann), thread.pk)
    Thread.objects.filter(pk=thread.pk).update(
        deleted_at=timezone.now() - timedelta(minutes=30)
    )

    assert pruned() == {}
    assert restore(Viewer(user=ann), thread.pk) == thread


def test_quiet_threads_go_where_the_site_says_so_and_a_visitor_s_sooner(
    ann, only
) -> None:
    mine, visitors = (quiet_since(fill(who, MARK), 100) for who in (ann, uuid4()))
    only(visitor_threads=90)
    assert pruned() == {"visitor_threads": 1}
    assert Thread.objects.get() == mine

    only(threads=101)
    assert pruned() == {}
    only(threads=99)
    assert pruned() == {"threads": 1}
    assert remains(str(mine.pk), str(visitors.pk)) == []


def test_a_thread_in_which_something_waits_is_not_quiet(ann, only, recorded) -> None:
    only(threads=1)
    service.handle(
        Viewer(user=ann), Send(id="c", thread_id=None, assistant="test", text=MARK)
    )
    thread = quiet_since(Thread.objects.get(), 100)

    assert due()["threads"] == 0
    assert pruned() == {}
    assert Thread.objects.get() == thread


def test_one_that_is_taken_back_while_others_go_stays(ann, only, monkeypatch) -> None:
    only(deleted_threads=30)
    threads = [fill(ann, MARK) for _ in range(2)]
    Thread.objects.update(deleted_at=ago(31))
    last = max(threads, key=lambda thread: thread.pk)
    whole = erase._erase_what_is_in

    def meanwhile(pk) -> None:
        Thread.objects.filter(pk=last.pk).update(deleted_at=None)
        whole(pk)

    monkeypatch.setattr(erase, "_erase_what_is_in", meanwhile)

    assert pruned() == {"deleted_threads": 1}
    assert Thread.objects.get() == last
    assert last.messages.exists()


def test_what_is_told_and_counted_goes_after_its_days(ann, only) -> None:
    thread = fill(ann, MARK)
    fill(ann, MARK)
    for days in (8, 6):
        AccessLog.objects.create(
            thread_id=thread.pk, action="read_content", created_at=ago(days)
        )
    Command.objects.filter(thread=None).update(created_at=ago(8))
    Usage.objects.filter(pk=Usage.objects.first().pk).update(day=ago(8).date())
    only(commands=7, access_log=7, usage=7)

    assert pruned() == {"commands": 2, "access_log": 1, "usage": 1}

    assert (Command.objects.count(), AccessLog.objects.count()) == (2, 1)
    assert Usage.objects.count() == 1
    assert Thread.objects.count() == 2


def test_sums_of_the_dashboard_go_by_their_hour(only) -> None:
    for days in (1, 9):
        Tally.objects.create(
            hour=ago(days), assistant="test", metric="run", label="completed", count=1
        )
    only(tallies=7)
    assert due()["tallies"] == 1

    assert pruned() == {"tallies": 1}

    assert Tally.objects.get().hour > ago(7)


def test_uploads_that_nobody_sent_go_with_their_files(ann, only, media) -> None:
    only()
    late, early = make_attachment(ann, MARK), make_attachment(ann, MARK)
    Attachment.objects.filter(pk=late.pk).update(expires_at=ago(0.1))

    assert pruned() == {"attachments": 1}

    assert Attachment.objects.get() == early
    assert len([path for path in media.rglob("*") if path.is_file()]) == 1


def test_links_whose_time_is_over_go_whatever_else_is_kept(ann, only) -> None:
    only()
    late, early = fill(ann, MARK), fill(ann, MARK)
    Share.objects.filter(thread=late).update(expires_at=ago(0.1))
    Share.objects.filter(thread=early).update(revoked_at=ago(0.1))
    assert due()["shares"] == 1

    assert pruned() == {"shares": 1}

    assert Share.objects.get().thread == early


def test_a_file_that_is_held_keeps_nothing_else(ann, only, monkeypatch) -> None:
    thread = fill(ann, MARK)
    held = Attachment.objects.get(thread=thread)
    erase.disown(thread.pk)
    AccessLog.objects.create(thread_id=thread.pk, action="read", created_at=ago(8))
    only(access_log=7)

    def refuses(self, name: str) -> None:
        raise PermissionError("It is held.")

    with monkeypatch.context() as patch:
        patch.setattr(type(held.file.storage), "delete", refuses)
        with pytest.raises(PermissionError, match="held"):
            prune()

    assert not AccessLog.objects.exists()
    assert due()["unfinished"] == 1
    prune()
    assert due()["unfinished"] == 0


def test_what_is_due_is_told_without_changing_anything(ann, only) -> None:
    only(threads=90, commands=7)
    quiet_since(fill(ann, MARK), 100)
    erase.disown(quiet_since(fill(ann, MARK), 100).pk)
    Command.objects.update(created_at=ago(8))
    before = remains(MARK)

    assert due() == {
        "unfinished": 1,
        "attachments": 0,
        "shares": 0,
        "threads": 1,
        "commands": 4,
    }

    assert remains(MARK) == before
    assert pruned() == {"unfinished": 1, "threads": 1, "commands": 2}


def test_by_default_what_people_keep_is_kept(ann) -> None:
    quiet_since(fill(ann, MARK), 4000)

    assert pruned() == {}


KILLED = """
import os, signal
from chatkit_app.threads import erase, prune
from chatkit_app.models import Message
erase.MESSAGES = 2
whole = erase._some_messages
def killed(thread):
    found = whole(thread)
    if Message.objects.filter(thread=thread).count() <= 4:
        os.kill(os.getpid(), signal.SIGKILL)
    return found
erase._some_messages = killed
prune.prune()
"""


def test_a_pruning_that_was_killed_in_the_middle_is_ended_by_the_next(
    ann, only
) -> None:
    threads = [fill(ann, MARK, turns=5) for _ in range(3)]
    Thread.objects.update(deleted_at=ago(31))

    assert killed(KILLED)
    only(deleted_threads=30)
    assert 0 < Message.objects.count() < 30
    assert due()["unfinished"] == 1
    assert pruned() == {"unfinished": 1, "deleted_threads": 2}
    assert remains(*(str(thread.pk) for thread in threads)) == []


TWO = """
from chatkit_app.threads import erase, prune
erase.MESSAGES, erase.ROWS, erase.FILES = 2, 3, 1
prune.prune()
"""


@pytest.mark.skipif("connection.vendor != 'postgresql'", reason="SQLite has one writer")
def test_two_at_once_do_it_together(ann) -> None:
    threads = [fill(ann, MARK, turns=6) for _ in range(12)]
    Thread.objects.update(deleted_at=ago(31))
    Command.objects.update(created_at=ago(8))
    Attachment.objects.filter(thread=None).update(expires_at=ago(1))

    both = [python(TWO) for _ in range(2)]
    told = [process.communicate(timeout=120)[0] for process in both]

    assert [process.returncode for process in both] == [0, 0], told
    assert connection.vendor == "postgresql"
    assert remains(MARK, *(str(thread.pk) for thread in threads)) == []


def test_what_was_said_before_is_not_said_again_when_its_command_is_pruned(
    ann, only, recorded
) -> None:
    viewer = Viewer(user=ann)
    said = Send(id="c", thread_id=None, assistant="test", text=MARK)
    thread = UUID(str(service.handle(viewer, said)["thread"]))
    Run.objects.update(status="completed")
    Command.objects.update(created_at=ago(8))
    only(commands=7)
    assert pruned() == {"commands": 1}

    with pytest.raises(CommandConflict):
        service.handle(viewer, replace(said, thread_id=thread))

    assert Message.objects.filter(role="user").count() == 1
    assert not Command.objects.exists()
