"""Batches of several runs' events, and the one transaction that writes them: all or nothing."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field, replace
from uuid import UUID

from django.db import OperationalError, connections, router, transaction
from django.db.backends.base.base import BaseDatabaseWrapper
from django.utils import timezone

from chatkit_app.conf import settings
from chatkit_app.db import keep_connections
from chatkit_app.engine.assembler import DELTA_UNITS, utf16_length
from chatkit_app.engine.events import AnyEvent, PartDelta
from chatkit_app.exceptions import LeaseLost
from chatkit_app.log.append import Record, event_rows, publish
from chatkit_app.log.lists import is_listed
from chatkit_app.log.ring import ring
from chatkit_app.log.statements import (
    Fence,
    insert_events,
    lock_free,
    move_positions,
    pass_fences,
)
from chatkit_app.models import Event, Run
from chatkit_app.protocols.native import encode_event

Prepare = Callable[[], Sequence[AnyEvent]]
"""Events that depend on what the rows say once the fence is passed; inside the transaction."""


@dataclass(slots=True, kw_only=True)
class RunLog:
    """One run's way into the log while this process holds it.

    Not frozen: it carries the number of the last batch and what is pending. Both calls come from the
    writer's thread: ``on_cancel`` when somebody wants the run cancelled, ``on_lost`` when what was
    to be written is not and won't be. With ``LeaseLost`` the run is another process's; with the
    database's error after a long wait nothing can be written; with any other error a batch could
    not be written as it was: its events are gone, and all that is still taken is an end of the run
    (``Writer.commit`` with ``prepare``).
    """

    run: UUID
    thread: UUID
    owner: UUID
    attempt: int
    batch: int
    record: Record
    on_cancel: Callable[[], None]
    on_lost: Callable[[Exception], None]
    pending: list[AnyEvent] = field(default_factory=list)
    prepare: Prepare | None = None
    waiting: list[Future[None]] = field(default_factory=list)
    renew: bool = False
    spoiled: Exception | None = None


HELD = "Somebody else holds the run's rows."


class RowsHeld(OperationalError):
    """Somebody else has locked the rows of the run or of its thread."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Batch:
    """What one run has to write, and who waits for it."""

    log: RunLog
    fence: Fence
    events: list[AnyEvent]
    prepare: Prepare | None
    waiting: list[Future[None]]


def is_committed(fence: Fence) -> bool:
    """Has this very batch been written before? Each claim is an attempt of its own.

    Not asked by the owner: a batch that suspends or ends the run takes it off the row.
    """
    return Run.objects.filter(
        pk=fence.run, attempt=fence.attempt, batch=fence.batch
    ).exists()


def commit_once(batch: Batch) -> None:
    """Write one batch, unless it was by a commit whose outcome we never heard.

    Raises:
        RowsHeld: Not now.
        LeaseLost: The run is not ours any more.
        Error: The database's.
    """
    keep_connections()
    if is_committed(batch.fence):
        ring.ring(batch.log.thread)
    elif transact([batch]):
        raise RowsHeld(HELD)


def transact(batches: Sequence[Batch]) -> set[UUID]:
    """Write the batches of several runs in one transaction.

    Returns the runs whose rows somebody else holds: theirs are not written.

    Raises:
        LeaseLost: One of the runs is not ours any more, or has its batch already.
        Error: The database's.
    """
    keep_connections()
    alias = router.db_for_write(Event)
    with transaction.atomic(using=alias):
        connection = connections[alias]
        held = lock_free(connection, [batch.fence.run for batch in batches])
        batches = [batch for batch in batches if batch.fence.run not in held]
        if not batches:
            return held
        fences = [batch.fence for batch in batches]
        passed = pass_fences(connection, fences, settings.LEASE_SECONDS)
        if len(passed) < len(batches):
            raise LeaseLost("Another process has the run.")
        written = _write(connection, [(batch, batch.events) for batch in batches])
        # Only now: what is prepared depends on rows that the events before it have changed.
        prepared = [(batch, batch.prepare()) for batch in batches if batch.prepare]
        written += _write(connection, prepared)
    for thread, first, events, texts in written:
        publish(thread, first, events, texts)
    for batch in batches:
        if passed[batch.fence.run]:
            batch.log.on_cancel()
    return held


def _write(
    connection: BaseDatabaseWrapper, found: Sequence[tuple[Batch, Sequence[AnyEvent]]]
) -> list[tuple[UUID, int, Sequence[AnyEvent], list[str]]]:
    """Number, insert and record events; what is to be published, as ``publish`` takes it."""
    found = [(batch, events) for batch, events in found if events]
    if not found:
        return []
    counts = {batch.log.thread: len(events) for batch, events in found}
    listed = {batch.log.thread for batch, events in found if is_listed(events)}
    lasts = move_positions(connection, counts, listed=listed)
    firsts = {thread: lasts[thread] - count + 1 for thread, count in counts.items()}
    now = timezone.now()
    rows: list[Event] = []
    written = []
    for batch, events in found:
        thread, texts = batch.log.thread, [encode_event(event) for event in events]
        rows += event_rows(thread, firsts[thread], events, texts, batch.fence.run, now)
        written.append((thread, firsts[thread], events, texts))
    insert_events(connection, rows)
    for batch, events in found:
        for position, event in enumerate(events, firsts[batch.log.thread]):
            batch.log.record(event, position)
    return written


def join_deltas(events: Sequence[AnyEvent]) -> list[AnyEvent]:
    """The same events, neighbouring deltas of one part made one up to ``DELTA_UNITS``."""
    joined: list[AnyEvent] = []
    run_of: list[PartDelta] = []
    for event in events:
        if run_of and not _fits(run_of, event):
            joined.append(_join(run_of))
            run_of = []
        if isinstance(event, PartDelta):
            run_of.append(event)
        else:
            joined.append(event)
    return [*joined, _join(run_of)] if run_of else joined


def _fits(run_of: list[PartDelta], event: AnyEvent) -> bool:
    """May this event be one with the deltas before it?"""
    if not isinstance(event, PartDelta) or event.part_id != run_of[0].part_id:
        return False
    end = event.offset + utf16_length(event.delta)
    return end - run_of[0].offset <= DELTA_UNITS


def _join(deltas: list[PartDelta]) -> PartDelta:
    if len(deltas) == 1:
        return deltas[0]
    return replace(deltas[0], delta="".join(delta.delta for delta in deltas))
