"""What owners do with a thread apart from talking: make, rename, archive, delete, take back, read."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from django.db import IntegrityError, transaction
from django.db.models import F
from django.utils import timezone
from pydantic import JsonValue

from chatkit_app import clock
from chatkit_app.access import Action, policy
from chatkit_app.conf import settings
from chatkit_app.engine import events
from chatkit_app.engine.commands import Cancel
from chatkit_app.engine.states import ACTIVE_RUN_STATUSES, ThreadStatus, TitleSource
from chatkit_app.engine.viewer import Viewer
from chatkit_app.exceptions import CommandConflict, NotAllowed, ThreadNotFound
from chatkit_app.log.append import append
from chatkit_app.log.owner_bell import owner_bell
from chatkit_app.log.ring import ring
from chatkit_app.models import Run, Thread
from chatkit_app.models.base import new_epoch
from chatkit_app.registry import assistants
from chatkit_app.runs import service
from chatkit_app.runs.recorder import record
from chatkit_app.runs.redacting import redaction

TITLE_CHARS = 200
"""What the column holds: a redactor may make a title longer."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Changes:
    """What is to be another than it is; None: it stays."""

    title: str | None = None
    metadata: Mapping[str, JsonValue] | None = None
    status: ThreadStatus | None = None
    is_pinned: bool | None = None


def create(
    viewer: Viewer,
    assistant: str,
    *,
    title: str = "",
    metadata: Mapping[str, JsonValue] | None = None,
    external_id: str | None = None,
) -> tuple[Thread, bool]:
    """An empty thread, and whether it is new: theirs with this external id may be there already.

    Raises:
        UnknownAssistant: There is none of this name.
        NotAllowed: It is not for this viewer.
        CommandConflict: A thread of theirs has this external id, and they don't see it (any more).
    """
    found = assistants.get(assistant)
    if not policy().can_start(viewer, found.name):
        raise NotAllowed("This assistant is not for you.")
    title = redaction().text(title)[:TITLE_CHARS]
    thread = Thread(
        assistant=found.name,
        tenant=viewer.tenant,
        user=viewer.user,
        visitor=None if viewer.user is not None else viewer.visitor,
        owner_key=viewer.key,
        external_id=external_id,
        title=title,
        title_source=TitleSource.PERSON if title else TitleSource.MESSAGE,
        metadata=dict(metadata or {}),
        last_activity_at=timezone.now(),
    )
    try:
        with transaction.atomic():
            thread.save(force_insert=True)
            _ring(thread)
    except IntegrityError as error:
        if external_id is None:
            raise
        known = policy().threads(viewer).filter(external_id=external_id).first()
        if known is None:
            raise CommandConflict("This external id is taken.") from error
        return known, False
    return thread, True


def change(viewer: Viewer, thread_id: UUID, changes: Changes) -> Thread:
    """Rename, archive, take out of the archive, note, pin to the top of its owner's list.

    Raises:
        ThreadNotFound: It is not theirs.
        NotAllowed: The site has locked the thread, so that it can't be archived or opened.
    """
    with transaction.atomic():
        thread = _locked(viewer, thread_id, Action.WRITE)
        told = (thread.title, thread.status)
        if changes.title is not None:
            thread.title = redaction().text(changes.title)[:TITLE_CHARS]
            thread.title_source = TitleSource.PERSON
        if changes.metadata is not None:
            thread.metadata = dict(changes.metadata)
        if changes.status is not None:
            _move(thread, changes.status)
        if changes.is_pinned is not None:
            _pin(thread, is_pinned=changes.is_pinned)
        thread.save(
            update_fields=["title", "title_source", "metadata", "status", "pinned_at"]
        )
        if told != (thread.title, thread.status):
            tell(thread)
        else:
            _ring(thread)
        return thread


def tell(thread: Thread) -> None:
    """Let whoever watches the thread know its title and status; in the transaction of the change."""
    event = events.ThreadChanged(title=thread.title, status=ThreadStatus(thread.status))
    append(thread.pk, [event], record=record)


def delete(viewer: Viewer, thread_id: UUID) -> Thread:
    """Take it out of everybody's sight, and end what runs in it; ``undo_until`` it can be restored.

    Raises:
        ThreadNotFound: It is not theirs.
    """
    deleted = None
    while deleted is None:
        deleted = _delete(viewer, thread_id)
    return deleted


def _delete(viewer: Viewer, thread_id: UUID) -> Thread | None:
    """The deleted thread; None if a run has begun between the two locks, so that it is not ours."""
    active = Run.objects.filter(thread=thread_id, status__in=ACTIVE_RUN_STATUSES)
    mine = active.filter(thread__in=policy().threads(viewer))
    with transaction.atomic():
        mine.update(
            takeovers=F("takeovers")
        )  # the lock of runs comes before a thread's
        held = set(mine.values_list("pk", flat=True))
        thread = _locked(viewer, thread_id, Action.DELETE)
        running = set(active.values_list("pk", flat=True))
        if not running <= held:
            return None
        for run in running:
            cancel = Cancel(id=f"deleted-{run}", thread_id=thread_id, run_id=run)
            service.handle(viewer, cancel)
        tell(thread)
        thread.deleted_at, thread.epoch = timezone.now(), new_epoch()
        thread.save(update_fields=["deleted_at", "epoch"])
        # Another epoch: whoever watches it has to begin anew, and may not.
        transaction.on_commit(lambda: ring.ring(thread_id))
        return thread


def undo_until(thread: Thread) -> datetime:
    """How long a deletion can be taken back."""
    deleted_at = thread.deleted_at or timezone.now()
    return deleted_at + timedelta(seconds=settings.UNDO_SECONDS)


def restore(viewer: Viewer, thread_id: UUID) -> Thread:
    """Take a deletion back; what ran stays ended. One that is not deleted stays as it is.

    Raises:
        ThreadNotFound: It is not theirs, or its time is over.
    """
    since = timezone.now() - timedelta(seconds=settings.UNDO_SECONDS)
    with transaction.atomic():
        deleted = policy().deleted_threads(viewer).filter(deleted_at__gt=since)
        if not deleted.filter(pk=thread_id).update(position=F("position")):
            return _locked(viewer, thread_id, Action.DELETE)
        thread = Thread.objects.select_for_update().get(pk=thread_id)
        thread.deleted_at = None
        if _is_taken(thread):
            thread.external_id = None
        thread.save(update_fields=["deleted_at", "external_id"])
        _ring(thread)
        return thread


def mark_read(viewer: Viewer, thread_id: UUID) -> Thread:
    """Its owner has seen what is in it.

    Raises:
        ThreadNotFound: It is not theirs.
    """
    with transaction.atomic():
        thread = _locked(viewer, thread_id, Action.READ)
        if not thread.is_unread:
            return thread
        now = clock.read()  # by which it was noted when the thread was answered
        thread.read_at = max(now, thread.answered_at or now)
        thread.save(update_fields=["read_at"])
        _ring(thread)
        return thread


def _ring(thread: Thread) -> None:
    """Let the owner's other pages know that their list is another one; in the transaction of the change."""
    Thread.objects.filter(pk=thread.pk).update(revision=F("revision") + 1)
    transaction.on_commit(lambda: owner_bell.ring_thread(thread.pk))


def _locked(viewer: Viewer, thread_id: UUID, action: Action) -> Thread:
    """Their thread, locked by a write that changes nothing: on SQLite a read would lock nothing."""
    mine = policy().threads(viewer).filter(pk=thread_id)
    if not mine.update(position=F("position")):
        raise ThreadNotFound("No such thread.")
    thread = Thread.objects.get(pk=thread_id)
    if not policy().can(viewer, action, thread):
        raise NotAllowed("You may not do this with the thread.")
    return thread


def _move(thread: Thread, status: ThreadStatus) -> None:
    if ThreadStatus.LOCKED in (thread.status, status) and thread.status != status:
        raise NotAllowed("Only the site locks threads, and opens them again.")
    thread.status = status


def _pin(thread: Thread, *, is_pinned: bool) -> None:
    """Pinned again, it stays where it was put first."""
    thread.pinned_at = (thread.pinned_at or timezone.now()) if is_pinned else None


def _is_taken(thread: Thread) -> bool:
    """Has another thread of theirs got its external id meanwhile?"""
    return (
        thread.external_id is not None
        and Thread.objects.filter(
            tenant=thread.tenant,
            owner_key=thread.owner_key,
            external_id=thread.external_id,
            deleted_at__isnull=True,
        ).exists()
    )
