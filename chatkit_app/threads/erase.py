"""Erasing for good: a thread with everything in it, or all that an owner has left.

First a thread becomes nobody's, in one transaction with the end of what runs in it: from then on it is
as good as missing, and no process can write for its runs. Then its files and rows go, some at a time,
the thread's own row last. What breaks off in the middle is known by that row, and ended by whoever
erases or prunes next.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Any, TypeVar
from uuid import UUID, uuid4

from django.db import transaction
from django.db.models import F, Model, Q, QuerySet
from django.utils import timezone

from chatkit_app.access import Action, policy
from chatkit_app.engine.events import AnyEvent
from chatkit_app.engine.states import ACTIVE_RUN_STATUSES, RunStatus
from chatkit_app.engine.viewer import Viewer
from chatkit_app.exceptions import NotAllowed, ThreadNotFound
from chatkit_app.log.append import append
from chatkit_app.log.doorbell import doorbell
from chatkit_app.log.lists import Bell
from chatkit_app.log.owner_bell import owner_bell
from chatkit_app.log.ring import ring
from chatkit_app.models import (
    Attachment,
    Command,
    Event,
    Feedback,
    Message,
    Run,
    Thread,
    Usage,
)
from chatkit_app.runs.budgets import VISITORS, pseudonym
from chatkit_app.runs.closing import close_run, move_run
from chatkit_app.runs.counting import count_thread
from chatkit_app.runs.recorder import record
from chatkit_app.runs.remembering import unname
from chatkit_app.runs.runner import runner
from chatkit_app.threads.accesses import note
from chatkit_app.threads.attachments import throw_away

logger = logging.getLogger(__name__)

M = TypeVar("M", bound=Model)

NOBODY = ""
"""The owner's key of what is being erased."""
MESSAGES = 200
"""Messages that go in one transaction, each with its parts and with the run that wrote it."""
ROWS = 1000
"""Rows of other tables that do."""
FILES = 50


@dataclass(frozen=True, slots=True, kw_only=True)
class Owner:
    """Whose things are meant: ``u:<pk>`` or ``v:<uuid>``; those of all tenants, where none is named."""

    key: str
    tenant: str | None = None

    @property
    def owned(self) -> Q:
        """What is theirs, in the tables that have a tenant and an owner's key."""
        theirs = Q(owner_key=self.key)
        return theirs if self.tenant is None else theirs & Q(tenant=self.tenant)


def erase_own(viewer: Viewer) -> int:
    """Erase all that a viewer has here; how many threads it were.

    Raises:
        NotAllowed: The site's policy does not let them, or keeps a thread of theirs: nothing is erased.
    """
    can = policy().can
    if not can(viewer, Action.DELETE):
        raise NotAllowed("You may not erase this.")
    for thread in policy().threads(viewer).iterator(chunk_size=ROWS):
        if thread.owner_key == viewer.key and not can(viewer, Action.DELETE, thread):
            raise NotAllowed("A thread of yours may not be erased.")
    return erase_owner(Owner(key=viewer.key, tenant=viewer.tenant))


def erase_as_staff(viewer: Viewer, thread_id: UUID) -> None:
    """Erase somebody else's thread; who has done it is noted.

    Raises:
        ThreadNotFound: It is missing, or they may not.
    """
    thread = policy().get_queryset(viewer).filter(pk=thread_id).first()
    if thread is None or not policy().can(viewer, Action.ERASE, thread):
        raise ThreadNotFound("No such thread.")
    note(viewer.user, thread_id, Action.ERASE)
    erase_thread(thread_id)


def erase_thread(thread_id: UUID, *, still: Q | None = None) -> bool:
    """Erase a thread; False where there is none, or ``still`` does not hold of it (any more)."""
    is_mine = disown(thread_id, still=still)
    # Asked again, it ends what broke off.
    if not is_mine and (still or not unfinished().filter(pk=thread_id).exists()):
        return False
    _erase_what_is_in(thread_id)
    return True


def erase_owner(owner: Owner) -> int:
    """Erase all that somebody has left; how many threads it were.

    What was used stays in the sums, under a pseudonym. To be called again where it broke off: what it
    has left then is nobody's, and goes with the next erase of anybody's, or with ``chatkit_prune``.

    Raises:
        Exception: What a storage has said that can't erase a file of theirs now.
    """
    mine = _let_go(owner)
    _erase_all(mine.threads, Attachment.objects.filter(pk__in=mine.files))
    # What another process was just counting is there by now, for its run is gone.
    _unname_usage(owner)
    try:
        finish()
    except Exception:  # noqa: BLE001 (the storage's, told of by now; and it was not about theirs)
        logger.warning("Something of others is still to be erased")
    return len(mine.threads)


def finish() -> int:
    """Erase what is nobody's any more; how many threads it were.

    One that can't be erased now, for its files can't, stops none of the others.

    Raises:
        Exception: What stopped the last of those.
    """
    return _erase_all(pages_of(unfinished()), unfinished_files())


def _erase_all(threads: Iterable[UUID], files: QuerySet[Attachment]) -> int:
    count, failed = 0, None
    for pk in threads:
        try:
            _erase_what_is_in(pk)
            count += 1
        except Exception as error:
            logger.exception("Thread %s can't be erased now", pk)
            failed = error
    erase_files(files)  # what it raises says as much as what failed before
    if failed is not None:
        raise failed
    return count


def unfinished() -> QuerySet[Thread]:
    """Threads whose erasing has begun and not ended."""
    return Thread.objects.filter(owner_key=NOBODY)


def unfinished_files() -> QuerySet[Attachment]:
    """Those of them that no message has taken."""
    return Attachment.objects.filter(owner_key=NOBODY, thread=None)


def forget_user(sender: object, instance: Any, **kwargs: object) -> None:
    """Receive ``pre_delete`` of the site's user: what is theirs goes with them.

    In the transaction that deletes the user it becomes nobody's; it is erased when that is committed.
    """
    owner = Owner(key=Viewer(user=instance).key)
    _let_go(owner)
    transaction.on_commit(finish, robust=True)
    # What another process was just counting is there by then.
    transaction.on_commit(lambda: _unname_usage(owner), robust=True)


def disown(thread_id: UUID, *, still: Q | None = None) -> bool:
    """Make the thread nobody's and end what runs in it; False where it is nobody's already.

    Whoever watches it hears of its run's end, and then nothing any more.
    """
    someones = ~Q(owner_key=NOBODY)
    return bool(
        _alone_with(
            thread_id,
            lambda: _make_nobodys(thread_id),
            still=someones if still is None else someones & still,
        )
    )


def _make_nobodys(thread_id: UUID) -> int:
    thread = Thread.objects.filter(pk=thread_id)
    [(tenant, owner)] = thread.values_list("tenant", "owner_key")
    bells = [Bell(tenant=tenant, owner=owner), Bell(tenant=tenant)]
    transaction.on_commit(lambda: owner_bell.ring(bells))
    return thread.update(
        user=None,
        visitor=None,
        owner_key=NOBODY,
        external_id=None,
        title="",
        metadata={},
        deleted_at=timezone.now(),
    )


def pages_of(rows: QuerySet[M]) -> Iterator[UUID]:
    """The keys of these rows, read some at a time: rows may go and come meanwhile."""
    last = UUID(int=0)
    while pks := list(
        rows.filter(pk__gt=last).order_by("pk").values_list("pk", flat=True)[:ROWS]
    ):
        yield from pks
        last = pks[-1]


def throw_rows(rows: QuerySet[Any]) -> int:
    """Delete rows that nothing else refers to, some at a time; how many there were."""
    count = 0
    while pks := list(rows.order_by().values_list("pk", flat=True)[:ROWS]):
        gone, _by_table = rows.model._default_manager.filter(pk__in=pks).delete()
        count += gone
    return count


def erase_files(rows: QuerySet[Attachment]) -> int:
    """The file before its row: a row whose file is gone is found again, a file without one never is.

    Returns how many went. One that can't go now stops none of the others; where none of many can, the
    storage is away.

    Raises:
        Exception: What the storage has said of the last of those.
    """
    count, failed, last = 0, None, UUID(int=0)
    while some := list(rows.filter(pk__gt=last).order_by("pk")[:FILES]):
        gone: list[UUID] = []
        for row in some:
            try:
                _drop_file(row)
                gone.append(row.pk)
            except Exception as error:
                logger.exception(
                    "The file of attachment %s can't be erased now", row.pk
                )
                failed = error
        count += throw_away(rows.filter(pk__in=gone))
        last = some[-1].pk
        if failed is not None and not gone:
            break
    if failed is not None:
        raise failed
    return count


def _drop_file(row: Attachment) -> None:
    if row.file.name:
        row.file.storage.delete(row.file.name)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Left:
    """What has become nobody's: threads, and files that no message has taken."""

    threads: list[UUID]
    files: list[UUID]


def _let_go(owner: Owner) -> _Left:
    theirs = Thread.objects.filter(owner.owned)
    threads = [pk for pk in pages_of(theirs) if disown(pk)]
    unname(Command.objects.filter(owner.owned))
    throw_rows(Command.objects.filter(owner.owned))
    rated = Feedback.objects.filter(owner_key=owner.key)
    if owner.tenant is not None:
        rated = rated.filter(message__thread__tenant=owner.tenant)
    throw_rows(rated)
    files = Attachment.objects.filter(owner.owned)
    waiting = list(files.filter(thread=None).values_list("pk", flat=True))
    files.update(owner_key=NOBODY, external_id=None)
    _unname_usage(owner)
    return _Left(threads=threads, files=waiting)


def _unname_usage(owner: Owner) -> None:
    is_visitor = owner.key.startswith(VISITORS)
    # A new one each time, so that it clashes with nobody's rows and leads back to nobody.
    name = pseudonym(str(uuid4()), is_visitor=is_visitor)
    Usage.objects.filter(owner.owned).update(owner_key=name)


def _erase_what_is_in(thread_id: UUID) -> None:
    """Everything of a thread that is nobody's, then itself; what was used in it is counted first."""
    count_thread(thread_id)
    while True:
        erase_files(Attachment.objects.filter(thread=thread_id))
        for some in (_some_events, _some_commands, _some_messages):
            while _alone_with(thread_id, lambda some=some: some(thread_id)):  # type: ignore[misc]  # bound to this one
                pass
        # Whoever was at the door when it became nobody's may have come in since.
        if _alone_with(thread_id, lambda: _erase_empty(thread_id)) is not False:
            break
    tell_gone(thread_id)


def tell_gone(thread_id: UUID) -> None:
    """Let no process keep what it has committed in it; whoever watches hears nothing any more."""
    ring.ring(thread_id)
    doorbell.ring(thread_id, ring.last(thread_id) + 1)


T = TypeVar("T")


def _alone_with(
    thread_id: UUID, act: Callable[[], T], *, still: Q | None = None
) -> T | None:
    """Do it in a transaction that has locked the thread and ended its runs; None: no such thread."""
    while True:
        with transaction.atomic():
            held = _lock_runs(thread_id)
            there = Thread.objects.filter(still or Q(), pk=thread_id)
            if not there.update(floor=F("floor")):
                return None
            running = list(_active(thread_id))
            # One that has begun between the two locks is not ours: runs are locked before threads.
            if held >= {run.pk for run in running}:
                for run in running:
                    _end(run)
                return act()


def _active(thread_id: UUID) -> QuerySet[Run]:
    return Run.objects.filter(thread=thread_id, status__in=ACTIVE_RUN_STATUSES)


def _lock_runs(thread_id: UUID) -> set[UUID]:
    """By a write that changes nothing: on SQLite a read would lock nothing."""
    active = _active(thread_id)
    return (
        set(active.values_list("pk", flat=True))
        if active.update(takeovers=F("takeovers"))
        else set()
    )


def _end(run: Run) -> None:
    """Take it from whoever carries it: without an owner its process can't write any more."""
    found: list[AnyEvent] = []
    if run.status == RunStatus.IN_PROGRESS:
        found.append(move_run(run, RunStatus.CANCELLING))
    found += close_run(run, RunStatus.CANCELLED)
    append(run.thread_id, found, record=record, run=run.pk)
    transaction.on_commit(lambda: runner.cancel(run.pk))


def _some_events(thread_id: UUID) -> int:
    return _some(Event.objects.filter(thread=thread_id).order_by("position"))


def _some_commands(thread_id: UUID) -> int:
    unname(Command.objects.filter(thread=thread_id))
    return _some(Command.objects.filter(thread=thread_id))


def _some(rows: QuerySet[Any]) -> int:
    pks = list(rows.values_list("pk", flat=True)[:ROWS])
    rows.model._default_manager.filter(pk__in=pks).delete()
    return len(pks)


def _some_messages(thread_id: UUID) -> int:
    """From the end, so that none goes before those that follow it; a site's own tables as well."""
    rows = Message.objects.filter(thread=thread_id).order_by("-depth", "-id")
    pks = list(rows.values_list("pk", flat=True)[:MESSAGES])
    Message.objects.filter(pk__in=pks).delete()
    return len(pks)


def _erase_empty(thread_id: UUID) -> bool:
    """The thread's own row, unless something is in it again."""
    # As a whole row: who inserts something waits for it here, and not we for them below.
    Thread.objects.select_for_update().get(pk=thread_id)
    for table in (Message, Attachment, Command, Event):
        if table._default_manager.filter(thread=thread_id).exists():
            return False
    Thread.objects.filter(pk=thread_id).delete()
    return True
