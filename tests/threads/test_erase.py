from __future__ import annotations

from uuid import uuid4

import pytest
from django.contrib.auth import get_user_model
from django.contrib.auth.models import Permission
from django.db import transaction
from django.db.models import Q
from django.utils import timezone

from chatkit_app.access import AccessPolicy, Action
from chatkit_app.engine.commands import Send
from chatkit_app.engine.states import RunStatus
from chatkit_app.engine.viewer import Viewer
from chatkit_app.exceptions import LeaseLost, NotAllowed, RateLimited, ThreadNotFound
from chatkit_app.log.batches import Batch, commit_once
from chatkit_app.log.ring import ring
from chatkit_app.log.statements import Fence
from chatkit_app.models import AccessLog, Attachment, Message, Run, Tally, Thread, Usage
from chatkit_app.runs import service, usage
from chatkit_app.runs.claiming import Held, claim_run
from chatkit_app.threads import erase
from chatkit_app.threads.erase import Owner
from tests.history_rows import add_turns, make_thread
from tests.log.writing import line_of
from tests.remains import remains
from tests.runs.desk import a_visitor, say
from tests.threads.killing import killed
from tests.threads.owned_rows import fill, make_attachment, viewer_of

pytestmark = pytest.mark.django_db(transaction=True)

MARK, OTHERS = "m4rk", "0ther5"


@pytest.fixture(autouse=True)
def media(settings, tmp_path):
    settings.MEDIA_ROOT = str(tmp_path)
    return tmp_path


@pytest.fixture
def ann():
    return get_user_model().objects.create_user("ann")


@pytest.fixture
def bob():
    return get_user_model().objects.create_user("bob")


def owner_of(who: object) -> Owner:
    return Owner(key=viewer_of(who).key)


def test_a_thread_goes_with_everything_in_it_and_nothing_else(ann) -> None:
    thread, other = fill(ann, MARK), fill(ann, OTHERS)
    Attachment.objects.filter(thread=None, name__contains=MARK).delete()
    before = remains(OTHERS)

    assert erase.erase_thread(thread.pk)

    assert remains(str(thread.pk)) == []
    # What is the owner's and in no thread stays: it may be another's.
    assert remains(MARK) == ["chatkit_app_command.outcome"]
    assert remains(OTHERS) == before
    assert Thread.objects.get() == other
    assert not erase.erase_thread(thread.pk)


def test_all_of_a_visitor_s_goes_from_every_table_and_the_storage(ann, media) -> None:
    visitor = uuid4()
    ids = [str(fill(visitor, MARK).pk) for _ in range(2)]
    fill(ann, OTHERS)
    before = remains(OTHERS)
    assert len(remains(MARK)) > 15

    assert erase.erase_owner(owner_of(visitor)) == 2

    assert remains(MARK, str(visitor), *ids) == []
    assert remains(OTHERS) == before
    assert len([path for path in media.rglob("*") if path.is_file()]) == 2


def test_what_was_used_stays_in_the_sums_under_a_pseudonym(ann, bob) -> None:
    fill(ann, MARK, turns=3)
    fill(ann, MARK, turns=4)
    fill(bob, OTHERS, turns=5)
    key = viewer_of(ann).key

    erase.erase_owner(owner_of(ann))

    rows = Usage.objects.exclude(owner_key=viewer_of(bob).key).order_by("messages")
    assert [row.messages for row in rows] == [3, 4]
    pseudonyms = {row.owner_key for row in rows}
    assert len(pseudonyms) == 1
    assert key not in pseudonyms
    # One who comes back and is erased again is not known to be the same.
    fill(ann, MARK)
    erase.erase_owner(owner_of(ann))
    assert len(set(Usage.objects.values_list("owner_key", flat=True))) == 3


def test_what_is_counted_while_its_owner_is_erased_is_nobodys(ann, monkeypatch) -> None:
    thread = fill(ann, MARK)
    key, erase_all = viewer_of(ann).key, erase._erase_all

    def counted_first(*what) -> int:
        """Another process counts what it has carried, before the rows of it are gone."""
        monkeypatch.undo()
        runs = Run.objects.filter(thread=thread)
        runs.update(started_by=ann, counted_at=None)
        for run in runs:
            usage.count(run.pk)
        # And one that had read whose it was a moment earlier.
        day = timezone.now().date()
        Usage.objects.get_or_create(owner_key=key, assistant="test", day=day)
        return erase_all(*what)

    monkeypatch.setattr(erase, "_erase_all", counted_first)
    erase.erase_owner(owner_of(ann))

    assert Usage.objects.filter(messages=2).exists(), "none was counted"
    assert remains(key) == []


def test_what_is_erased_before_anybody_has_counted_it_is_counted_all_the_same(
    recorded, settings
) -> None:
    settings.CHATKIT_VISITOR_MESSAGES_PER_MINUTE = 2
    for _ in range(2):
        viewer = a_visitor()
        say(viewer, "say Hi")
        erase.erase_own(viewer)
        assert remains(str(viewer.visitor)) == []

    row = Usage.objects.get()
    assert (row.messages, row.owner_key) == (2, "x:v:nobody")
    assert Tally.objects.get(metric="run", label="cancelled").count == 2
    with pytest.raises(RateLimited):
        say(a_visitor(), "say Hi")


def test_a_thread_whose_erasing_broke_off_goes_when_it_is_erased_again(
    ann, monkeypatch
) -> None:
    thread = fill(ann, MARK)

    def breaks_off(*_what: object) -> None:
        raise OSError("The storage is away.")

    with monkeypatch.context() as patch:
        patch.setattr(erase, "_erase_what_is_in", breaks_off)
        with pytest.raises(OSError, match="away"):
            erase.erase_thread(thread.pk)
    assert Message.objects.filter(thread=thread).exists()

    assert erase.erase_thread(thread.pk)
    assert not Thread.objects.exists()
    assert not erase.erase_thread(thread.pk)


def test_what_is_counted_while_its_user_is_deleted_is_nobodys(ann) -> None:
    fill(ann, MARK)
    key, day = viewer_of(ann).key, timezone.now().date()

    with transaction.atomic():
        ann.delete()
        # By another process, which had read whose it was.
        Usage.objects.create(owner_key=key, assistant="late", day=day)

    assert not Usage.objects.filter(owner_key=key).exists()


def test_an_owner_of_several_tenants_is_erased_in_one_or_in_all(ann) -> None:
    first, second = fill(ann, MARK), fill(ann, MARK)
    Thread.objects.filter(pk=second.pk).update(tenant="two")

    assert erase.erase_owner(Owner(key=viewer_of(ann).key, tenant="")) == 1
    assert Thread.objects.get() == second
    assert erase.erase_owner(owner_of(ann)) == 1
    assert remains(MARK, str(first.pk), str(second.pk)) == []


def test_a_run_is_ended_first_and_its_process_cannot_write_any_more(
    ann, recorded
) -> None:
    service.handle(
        Viewer(user=ann), Send(id="c", thread_id=None, assistant="test", text=MARK)
    )
    held = claim_run(Run.objects.get().pk, uuid4())
    assert held is not None
    ring.watch(held.thread, nothing_to_do)
    try:
        erase.disown(held.thread)
        last = ring.after(held.thread, ring.last(held.thread) - 1) or [""]
        with pytest.raises(LeaseLost):
            write_as(held)
        assert Run.objects.get().status == RunStatus.CANCELLED
        erase.finish()
        with pytest.raises(LeaseLost):
            write_as(held)
        # Nothing of it is kept for those who watch, either.
        assert ring.after(held.thread, 0) is None
    finally:
        ring.unwatch(held.thread, nothing_to_do)

    assert '"status":"cancelled"' in last[0]
    assert recorded.cancelled == [held.run]
    assert remains(str(held.thread), str(held.run), MARK) == []


def nothing_to_do() -> None:
    """What a watcher does who only counts as one."""


def write_as(held: Held) -> None:
    """What the process that carried the run would write next."""
    log = line_of(held).log
    fence = Fence(
        run=held.run, owner=held.owner, attempt=held.attempt, batch=held.batch + 1
    )
    commit_once(Batch(log=log, fence=fence, events=[], prepare=None, waiting=[]))


def test_what_is_being_erased_is_nobody_s_at_once(ann) -> None:
    thread = fill(ann, MARK)

    assert erase.disown(thread.pk)

    thread.refresh_from_db()
    assert (thread.user, thread.title, thread.metadata) == (None, "", {})
    with pytest.raises(ThreadNotFound):
        service.handle(
            Viewer(user=ann),
            Send(id="c", thread_id=thread.pk, assistant="test", text="Hello?"),
        )
    assert not erase.disown(thread.pk)
    assert erase.finish() == 1
    assert not Thread.objects.exists()


def test_long_threads_go_some_rows_at_a_time(ann, monkeypatch) -> None:
    monkeypatch.setattr(erase, "MESSAGES", 3)
    monkeypatch.setattr(erase, "ROWS", 2)
    monkeypatch.setattr(erase, "FILES", 1)
    thread = fill(ann, MARK, turns=5)
    fill(ann, MARK)

    assert erase.erase_owner(owner_of(ann)) == 2

    assert remains(MARK, str(thread.pk)) == []


def test_a_file_that_can_t_go_keeps_nobody_else_s_waiting(
    ann, bob, monkeypatch
) -> None:
    fill(ann, MARK)
    fill(bob, OTHERS)
    # What nobody has sent is the first in its list.
    stuck = Attachment.objects.get(owner_key=viewer_of(ann).key, thread=None)
    storage = type(stuck.file.storage)
    delete = storage.delete

    def refuses(self, name: str) -> None:
        if name == stuck.file.name:
            raise PermissionError("It is held.")
        delete(self, name)

    with monkeypatch.context() as patch:
        patch.setattr(storage, "delete", refuses)
        with pytest.raises(PermissionError, match="held"):
            erase.erase_owner(owner_of(ann))
        assert erase.erase_owner(owner_of(bob)) == 1  # told nothing of hers

        assert list(Attachment.objects.all()) == [stuck]
    erase.finish()

    assert not Attachment.objects.exists()


class Keeps(AccessPolicy):
    """One thread may not go."""

    def can(self, viewer, action, thread=None):
        is_kept = thread is not None and thread.metadata.get("note") == MARK
        if action is Action.DELETE and is_kept:
            return False
        return super().can(viewer, action, thread)


def test_nothing_is_erased_by_an_owner_of_whom_the_policy_keeps_a_thread(
    ann, bob, settings
) -> None:
    fill(ann, OTHERS)
    fill(ann, MARK)
    fill(bob, OTHERS)
    before = remains(MARK, OTHERS)
    settings.CHATKIT_ACCESS_POLICY = f"{__name__}.{Keeps.__name__}"

    with pytest.raises(NotAllowed):
        erase.erase_own(viewer_of(ann))
    assert remains(MARK, OTHERS) == before

    assert erase.erase_own(viewer_of(bob)) == 1


def test_a_storage_that_is_away_is_told_and_the_rest_goes(ann, monkeypatch) -> None:
    stuck, other = fill(ann, MARK), fill(ann, OTHERS)
    Attachment.objects.filter(thread=None).delete()
    row = Attachment.objects.get(thread=stuck)
    storage = type(row.file.storage)
    delete = storage.delete

    def away(self, name) -> None:
        if name == row.file.name:
            raise OSError("The storage is away.")
        delete(self, name)

    with monkeypatch.context() as patch:
        patch.setattr(storage, "delete", away)
        with pytest.raises(OSError, match="away"):
            erase.erase_owner(owner_of(ann))

    assert remains(str(other.pk), OTHERS) == []
    assert Attachment.objects.get() == row
    assert erase.erase_owner(owner_of(ann)) == 0
    assert remains(str(stuck.pk), MARK) == []


KILLED = """
import os, signal
from chatkit_app.threads import erase
from chatkit_app.models import Message
erase.MESSAGES = 2
whole = erase._some_messages
def killed(thread):
    found = whole(thread)
    if Message.objects.filter(thread=thread).count() <= 4:
        os.kill(os.getpid(), signal.SIGKILL)
    return found
erase._some_messages = killed
erase.erase_owner(erase.Owner(key={key!r}))
"""


def test_an_erase_that_was_killed_in_the_middle_is_ended_by_the_next(ann) -> None:
    thread = fill(ann, MARK, turns=5)
    fill(ann, MARK, turns=5)
    key = viewer_of(ann).key

    assert killed(KILLED.format(key=key))
    assert Message.objects.exists()
    assert not Thread.objects.exclude(owner_key=erase.NOBODY).exists()
    # Those that had begun are nobody's already: none of theirs is counted, all of them go.
    assert erase.erase_owner(Owner(key=key)) == 0
    assert remains(MARK, str(thread.pk)) == []


def test_with_a_user_goes_all_that_is_theirs(ann, bob, media) -> None:
    thread, key = fill(ann, MARK), viewer_of(ann).key
    fill(bob, OTHERS)
    before = remains(OTHERS)

    ann.delete()

    assert remains(MARK, str(thread.pk)) == []
    assert not Usage.objects.filter(owner_key=key).exists()
    assert remains(OTHERS) == before
    assert Thread.objects.get().user == bob
    assert len([path for path in media.rglob("*") if path.is_file()]) == 2


def test_users_that_are_deleted_together_are_all_forgotten(ann, bob) -> None:
    fill(ann, MARK)
    fill(bob, MARK)

    get_user_model().objects.all().delete()

    assert remains(MARK) == []


def test_a_deletion_of_a_user_that_is_undone_has_erased_nothing(ann) -> None:
    fill(ann, MARK)
    before = remains(MARK)

    with transaction.atomic():
        get_user_model().objects.filter(pk=ann.pk).delete()
        transaction.set_rollback(True)

    assert remains(MARK) == before
    assert Thread.objects.get().user == ann


def test_the_staff_erase_with_their_permission_and_it_is_noted(ann, bob) -> None:
    thread = fill(ann, MARK)
    bob.is_staff = True
    bob.save()
    with pytest.raises(ThreadNotFound):
        erase.erase_as_staff(Viewer(user=bob), thread.pk)
    bob.user_permissions.add(Permission.objects.get(codename="erase_thread"))
    bob = get_user_model().objects.get(pk=bob.pk)

    erase.erase_as_staff(Viewer(user=bob), thread.pk)

    noted = AccessLog.objects.get()
    assert (noted.user, noted.thread_id, noted.action) == (bob, thread.pk, "erase")
    assert not Thread.objects.exists()


def test_a_thread_that_is_not_so_any_more_stays(ann) -> None:
    thread = make_thread(ann)
    add_turns(thread, 1)

    assert not erase.erase_thread(thread.pk, still=Q(deleted_at__isnull=False))

    assert thread.messages.count() == 2


def test_files_that_never_were_sent_go_as_well(ann) -> None:
    row = make_attachment(ann, MARK)

    assert erase.erase_owner(owner_of(ann)) == 0

    assert not Attachment.objects.filter(pk=row.pk).exists()
    assert remains(MARK) == []
