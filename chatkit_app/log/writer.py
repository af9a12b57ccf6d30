"""The one writer of a process: a thread that commits what is pending of all its runs at once.

Each commit is fenced: one conditional update moves every run's batch on, and only if its owner and
attempt are still ours. A batch of unknown outcome (the connection broke at COMMIT) is safe to repeat
by its number. When one run spoils a group, the group is committed run by run: it costs that run only.

No run waits for another: a batch whose rows somebody else holds, or that finds the database away, is
deferred. It is tried again by itself, and what its run says meanwhile waits behind it.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Sequence
from concurrent.futures import Future
from dataclasses import dataclass
from uuid import UUID

from django.db import connections

from chatkit_app.db import AWAY
from chatkit_app.engine.events import AnyEvent
from chatkit_app.exceptions import LeaseLost
from chatkit_app.log.batches import (
    HELD,
    Batch,
    Prepare,
    RowsHeld,
    RunLog,
    commit_once,
    join_deltas,
    transact,
)
from chatkit_app.log.statements import Fence

logger = logging.getLogger(__name__)

WINDOW_PER_RUN = 0.00025
"""Seconds that a commit waits for company, for each streaming run."""
LONGEST_WINDOW = 0.025
"""Seconds."""
REPEAT_FOR = 30.0
"""Seconds that a batch is tried again while the database is away or somebody holds its rows."""
REPEAT_FIRST = 0.005
"""Seconds until it is tried again; then twice as long each time."""
REPEAT_EVERY = 0.25
"""Seconds between two tries at most."""

ENDED = "The run has ended here."


@dataclass(frozen=True, slots=True, kw_only=True)
class Deferred:
    """A batch that can't be written now: when it is tried again, and until when. Monotonic seconds."""

    batch: Batch
    at: float
    until: float
    delay: float


class Writer:
    """Safe to use from any thread."""

    def __init__(self) -> None:
        self._condition = threading.Condition()
        self._logs: dict[UUID, RunLog] = {}
        self._dirty: dict[UUID, RunLog] = {}
        self._deferred: dict[UUID, Deferred] = {}
        self._urgent = False
        self._thread: threading.Thread | None = None
        self._is_stopping = False

    def open(self, log: RunLog) -> None:
        """Count the run among those that stream: the window follows their number."""
        with self._condition:
            self._logs[log.run] = log
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
            if self._has(log):
                # Not another attempt of this run, which the same process has claimed since.
                del self._logs[log.run]
                self._dirty.pop(log.run, None)
            deferred = self._deferred.get(log.run)
            if deferred is not None and deferred.batch.log is log:
                del self._deferred[log.run]  # a lease that nobody uses is not renewed
                for waiting in deferred.batch.waiting:
                    waiting.set_exception(error)
            late, log.waiting = log.waiting, []
        _refuse(late, error)

    def _has(self, log: RunLog) -> bool:
        return self._logs.get(log.run) is log

    def add(self, log: RunLog, event: AnyEvent, *, urgent: bool = False) -> None:
        """Write it soon; nobody waits."""
        with self._condition:
            if not self._has(log) or log.spoiled:
                return  # the run has ended here, or is about to
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
        with the database's error when it can't be written at all. After a batch that could not be
        written only an end is taken: what has ``prepare``.
        """
        done: Future[None] = Future()
        with self._condition:
            if not self._has(log):
                done.set_exception(LeaseLost(ENDED))
                return done
            if log.spoiled and prepare is None:
                done.set_exception(log.spoiled)
                return done
            log.pending.extend(events)
            log.prepare = prepare or log.prepare
            log.waiting.append(done)
            self._mark(log, urgent=True)
        return done

    def renew(self, log: RunLog) -> None:
        """Keep the lease although nothing happens."""
        with self._condition:
            if self._has(log):
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
                self._await_work()
                if not self._dirty and not self._deferred:
                    break  # only when stopping there is no work
                self._await_company(last)
                batches, due = self._take(), self._take_due()
            last = time.monotonic()
            if batches:
                self._commit_group(batches)
            for deferred in due:
                self._commit_alone(deferred.batch, deferred)
        connections.close_all()

    def _await_work(self) -> None:
        """Wait until a run has something to write that nothing of its own is waiting before."""
        while not self._is_stopping and not self._dirty.keys() - self._deferred.keys():
            due_at = min((d.at for d in self._deferred.values()), default=None)
            left = None if due_at is None else due_at - time.monotonic()
            if left is not None and left <= 0:
                return
            self._condition.wait(left)

    def _await_company(self, last: float) -> None:
        """Wait until the window since the last commit has passed, or something can't wait."""
        until = last + min(LONGEST_WINDOW, WINDOW_PER_RUN * len(self._logs))
        while not self._urgent and not self._is_stopping:
            left = until - time.monotonic()
            if left <= 0:
                return
            self._condition.wait(left)

    def _take(self) -> list[Batch]:
        self._urgent = False
        free = [log for run, log in self._dirty.items() if run not in self._deferred]
        for log in free:
            del self._dirty[log.run]
        return [self._take_one(log) for log in free]

    def _take_due(self) -> list[Deferred]:
        now = time.monotonic()
        due = [d for d in self._deferred.values() if self._is_stopping or d.at <= now]
        for deferred in due:
            del self._deferred[deferred.batch.fence.run]
        return due

    def _take_one(self, log: RunLog) -> Batch:
        log.batch += 1
        fence = Fence(
            run=log.run, owner=log.owner, attempt=log.attempt, batch=log.batch
        )
        batch = Batch(
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

    def _commit_group(self, batches: list[Batch]) -> None:
        try:
            held = transact(batches)
        except Exception:  # noqa: BLE001 (supervisor: each run's own commit tells what is wrong)
            for batch in batches:
                self._commit_alone(batch)
            return
        for batch in batches:
            if batch.fence.run in held:
                self._defer(batch, RowsHeld(HELD))
            else:
                _settle(batch)

    def _commit_alone(self, batch: Batch, before: Deferred | None = None) -> None:
        """Commit one run's batch by itself, or defer it (once more)."""
        try:
            commit_once(batch)
        except AWAY as error:
            self._defer(batch, error, before)
        except Exception as error:  # noqa: BLE001 (supervisor: it costs this run, not the process)
            self._fail(batch, error)
        else:
            _settle(batch)

    def _defer(
        self, batch: Batch, error: Exception, before: Deferred | None = None
    ) -> None:
        now = time.monotonic()
        until = before.until if before else now + REPEAT_FOR
        if self._is_stopping or now > until:
            self._fail(batch, error)
            return
        last = before.delay if before else 0.0
        delay = min(REPEAT_EVERY, 2 * last or REPEAT_FIRST)
        if last < delay == REPEAT_EVERY:
            logger.warning("Run %s waits for the database: %s", batch.log.run, error)
        with self._condition:
            self._deferred[batch.fence.run] = Deferred(
                batch=batch, at=now + delay, until=until, delay=delay
            )

    def _fail(self, batch: Batch, error: Exception) -> None:
        if not isinstance(error, LeaseLost):
            logger.error("Run %s can't be written.", batch.log.run, exc_info=error)
        for waiting in batch.waiting:
            waiting.set_exception(error)
        if isinstance(error, (LeaseLost, *AWAY)):
            self._close(batch.log, error)
        else:
            self._spoil(batch, error)
        batch.log.on_lost(error)

    def _spoil(self, batch: Batch, error: Exception) -> None:
        """Drop what can't be written and what builds on it; an end is still taken.

        The fence was not passed, so the next batch bears the same number.
        """
        log = batch.log
        with self._condition:
            log.batch, log.spoiled = batch.fence.batch - 1, error
            log.pending = []
            if log.prepare is not None:
                return  # an end is waiting already
            late, log.waiting = log.waiting, []
            if self._has(log):
                self._dirty.pop(log.run, None)
        _refuse(late, error)


def _refuse(late: Sequence[Future[None]], error: Exception) -> None:
    for waiting in late:
        if waiting.set_running_or_notify_cancel():
            waiting.set_exception(error)


def _settle(batch: Batch) -> None:
    for waiting in batch.waiting:
        waiting.set_result(None)


writer = Writer()
