"""The one writer of a process: a thread that commits what is pending of all its runs at once.

Each commit is fenced: one conditional update moves every run's batch on, and only if its owner and
attempt are still ours. A batch of unknown outcome (the connection broke at COMMIT) is safe to repeat
by its number. When one run spoils a group, the group is committed run by run: it costs that run only.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field, replace
from datetime import timedelta
from uuid import UUID

from django.db import InterfaceError, OperationalError, connections, router, transaction
from django.db.backends.base.base import BaseDatabaseWrapper
from django.utils import timezone

from chatkit_app.conf import settings
from chatkit_app.db import keep_connections
from chatkit_app.engine.events import AnyEvent, PartDelta
from chatkit_app.exceptions import LeaseLost
from chatkit_app.log.append import Record, event_rows, publish
from chatkit_app.log.ring import ring
from chatkit_app.log.statements import Fence, insert_events, move_positions, pass_fences
from chatkit_app.models import Event, Run
from chatkit_app.protocols.native import encode_event

logger = logging.getLogger(__name__)

WINDOW_PER_RUN = 0.00025
"""Seconds that a commit waits for company, for each streaming run."""
LONGEST_WINDOW = 0.025
"""Seconds."""
REPEAT_FOR = 30.0
"""Seconds that a commit is repeated while the database is away."""
REPEAT_EVERY = 0.25
"""Seconds."""

ENDED = "The run has ended here."

Prepare = Callable[[], Sequence[AnyEvent]]
"""Events that depend on what the rows say once the fence is passed; inside the transaction."""


@dataclass(slots=True, kw_only=True)
class RunLog:
    """One run's way into the log while this process holds it.

    Not frozen: it carries the number of the last batch and what is pending. Both calls come from the
    writer's thread: ``on_cancel`` when somebody wants the run cancelled, ``on_lost`` when nothing
    can be written for it any more.
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


@dataclass(frozen=True, slots=True, kw_only=True)
class _Batch:
    log: RunLog
    fence: Fence
    events: list[AnyEvent]
    prepare: Prepare | None
    waiting: list[Future[None]]


class Writer:
    """Safe to use from any thread."""

    def __init__(self) -> None:
        self._condition = threading.Condition()
        self._logs: set[UUID] = set()
        self._dirty: dict[UUID, RunLog] = {}
        self._urgent = False
        self._thread: threading.Thread | None = None
        self._is_stopping = False

    def open(self, log: RunLog) -> None:
        """Count the run among those that stream: the window follows their number."""
        with self._condition:
            self._logs.add(log.run)
            if self._thread is None:
                self._is_stopping = False
                self._thread = threading.Thread(
                    target=self._work, name="chatkit-writer", daemon=True
                )
                self._thread.start()

    def close(self, log: RunLog) -> None:
        """The run writes no more here."""
        self._close(log, LeaseLost(ENDED))

    def _close(self, log: RunLog, error: Exception) -> None:
        with self._condition:
            self._logs.discard(log.run)
            self._dirty.pop(log.run, None)
            late, log.waiting = log.waiting, []
        for waiting in late:
            if waiting.set_running_or_notify_cancel():
                waiting.set_exception(error)

    def add(self, log: RunLog, event: AnyEvent, *, urgent: bool = False) -> None:
        """Write it soon; nobody waits."""
        with self._condition:
            if log.run not in self._logs:
                return  # the run has ended here: it was cancelled or lost
            log.pending.append(event)
            self._mark(log, urgent=urgent)

    def commit(
        self,
        log: RunLog,
        events: Sequence[AnyEvent] = (),
        *,
        prepare: Prepare | None = None,
    ) -> Future[None]:
        """Write all that is pending and these events now.

        The future ends when it is committed; with ``LeaseLost`` when another process has the run,
        with the database's error when it can't be written at all.
        """
        done: Future[None] = Future()
        with self._condition:
            if log.run not in self._logs:
                done.set_exception(LeaseLost(ENDED))
                return done
            log.pending.extend(events)
            log.prepare = prepare or log.prepare
            log.waiting.append(done)
            self._mark(log, urgent=True)
        return done

    def renew(self, log: RunLog) -> None:
        """Keep the lease although nothing happens."""
        with self._condition:
            if log.run in self._logs:
                log.renew = True
                self._mark(log, urgent=False)

    def stop(self) -> None:
        """Commit what is pending and end the thread; the runs write no more here."""
        with self._condition:
            self._is_stopping = True
            thread, self._thread = self._thread, None
            self._logs.clear()
            self._condition.notify_all()
        if thread is not None:
            thread.join(10)

    def _mark(self, log: RunLog, *, urgent: bool) -> None:
        self._dirty[log.run] = log
        self._urgent = self._urgent or urgent
        self._condition.notify_all()

    def _work(self) -> None:
        last = 0.0
        while True:
            with self._condition:
                while not self._dirty and not self._is_stopping:
                    self._condition.wait()
                if not self._dirty:
                    break
                self._await_company(last)
                batches = self._take()
            last = time.monotonic()
            self._commit_group(batches)
        connections.close_all()

    def _await_company(self, last: float) -> None:
        """Wait until the window since the last commit has passed, or something can't wait."""
        until = last + min(LONGEST_WINDOW, WINDOW_PER_RUN * len(self._logs))
        while not self._urgent and not self._is_stopping:
            left = until - time.monotonic()
            if left <= 0:
                return
            self._condition.wait(left)

    def _take(self) -> list[_Batch]:
        self._urgent = False
        dirty, self._dirty = self._dirty, {}
        return [self._take_one(log) for log in dirty.values()]

    def _take_one(self, log: RunLog) -> _Batch:
        log.batch += 1
        fence = Fence(
            run=log.run, owner=log.owner, attempt=log.attempt, batch=log.batch
        )
        batch = _Batch(
            log=log,
            fence=fence,
            events=join_deltas(log.pending),
            prepare=log.prepare,
            # From here on they can't be cancelled: who waits gets an outcome.
            waiting=[
                done for done in log.waiting if done.set_running_or_notify_cancel()
            ],
        )
        log.pending, log.waiting, log.prepare, log.renew = [], [], None, False
        return batch

    def _commit_group(self, batches: list[_Batch]) -> None:
        try:
            transact(batches)
        except Exception:  # noqa: BLE001 (supervisor: each run's own commit tells what is wrong)
            for batch in batches:
                self._commit_alone(batch)
        else:
            for batch in batches:
                _settle(batch)

    def _commit_alone(self, batch: _Batch) -> None:
        """Commit one run's batch by itself; while the database is away, again and again.

        It may be committed already, by a commit whose outcome we never heard.
        """
        until = time.monotonic() + REPEAT_FOR
        while True:
            try:
                keep_connections()
                if _is_committed(batch.fence):
                    ring.ring(batch.log.thread)
                else:
                    transact([batch])
            except (OperationalError, InterfaceError) as error:
                if self._is_stopping or time.monotonic() > until:
                    self._fail(batch, error)
                    return
                logger.warning(
                    "Run %s waits for the database: %s", batch.log.run, error
                )
                self._pause()
            except Exception as error:  # noqa: BLE001 (supervisor: it costs this run, not the process)
                self._fail(batch, error)
                return
            else:
                _settle(batch)
                return

    def _pause(self) -> None:
        with self._condition:
            self._condition.wait_for(lambda: self._is_stopping, REPEAT_EVERY)

    def _fail(self, batch: _Batch, error: Exception) -> None:
        if not isinstance(error, LeaseLost):
            logger.error("Run %s can't be written.", batch.log.run, exc_info=error)
        for waiting in batch.waiting:
            waiting.set_exception(error)
        self._close(batch.log, error)
        batch.log.on_lost(error)


def _settle(batch: _Batch) -> None:
    for waiting in batch.waiting:
        waiting.set_result(None)


def _is_committed(fence: Fence) -> bool:
    """Has this very batch been written before? Each claim is an attempt of its own.

    Not asked by the owner: a batch that suspends or ends the run takes it off the row.
    """
    return Run.objects.filter(
        pk=fence.run, attempt=fence.attempt, batch=fence.batch
    ).exists()


def transact(batches: Sequence[_Batch]) -> None:
    """Write the batches of several runs in one transaction.

    Raises:
        LeaseLost: One of the runs is not ours any more, or has its batch already.
        Error: The database's.
    """
    keep_connections()
    alias = router.db_for_write(Event)
    with transaction.atomic(using=alias):
        connection = connections[alias]
        lease_until = timezone.now() + timedelta(seconds=settings.LEASE_SECONDS)
        passed = pass_fences(
            connection, [batch.fence for batch in batches], lease_until
        )
        if len(passed) < len(batches):
            raise LeaseLost("Another process has the run.")
        written = _write(connection, [(batch, batch.events) for batch in batches])
        # Only now: what is prepared depends on rows that the events before it have changed.
        prepared = [(batch, batch.prepare()) for batch in batches if batch.prepare]
        written += _write(connection, prepared)
    for thread, first, texts in written:
        publish(thread, first, texts)
    for batch in batches:
        if passed[batch.fence.run]:
            batch.log.on_cancel()


def _write(
    connection: BaseDatabaseWrapper, found: Sequence[tuple[_Batch, Sequence[AnyEvent]]]
) -> list[tuple[UUID, int, list[str]]]:
    """Number, insert and record events; what is to be published: thread, first position, texts."""
    found = [(batch, events) for batch, events in found if events]
    if not found:
        return []
    counts = {batch.log.thread: len(events) for batch, events in found}
    lasts = move_positions(connection, counts)
    firsts = {thread: lasts[thread] - count + 1 for thread, count in counts.items()}
    now = timezone.now()
    rows: list[Event] = []
    written = []
    for batch, events in found:
        thread, texts = batch.log.thread, [encode_event(event) for event in events]
        rows += event_rows(thread, firsts[thread], events, texts, batch.fence.run, now)
        written.append((thread, firsts[thread], texts))
    insert_events(connection, rows)
    for batch, events in found:
        for position, event in enumerate(events, firsts[batch.log.thread]):
            batch.log.record(event, position)
    return written


def join_deltas(events: Sequence[AnyEvent]) -> list[AnyEvent]:
    """The same events, neighbouring deltas of one part made one."""
    joined: list[AnyEvent] = []
    run_of: list[PartDelta] = []
    for event in events:
        if run_of and not (
            isinstance(event, PartDelta) and event.part_id == run_of[0].part_id
        ):
            joined.append(_join(run_of))
            run_of = []
        if isinstance(event, PartDelta):
            run_of.append(event)
        else:
            joined.append(event)
    return [*joined, _join(run_of)] if run_of else joined


def _join(deltas: list[PartDelta]) -> PartDelta:
    if len(deltas) == 1:
        return deltas[0]
    return replace(deltas[0], delta="".join(delta.delta for delta in deltas))


writer = Writer()
