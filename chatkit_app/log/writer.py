"""The one writer of a process: a thread that commits what is pending of all its runs at once.

Each commit is fenced: one conditional update moves every run's batch on, and only if its owner and
attempt are still ours. A batch of unknown outcome (the connection broke at COMMIT) is safe to repeat
by its number. When one run spoils a group, the group is committed run by run: it costs that run only.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Sequence
from concurrent.futures import Future
from uuid import UUID

from django.db import InterfaceError, OperationalError, connections

from chatkit_app.db import keep_connections
from chatkit_app.engine.events import AnyEvent
from chatkit_app.exceptions import LeaseLost
from chatkit_app.log.batches import (
    Batch,
    Prepare,
    RunLog,
    is_committed,
    join_deltas,
    transact,
)
from chatkit_app.log.ring import ring
from chatkit_app.log.statements import Fence

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

    def _take(self) -> list[Batch]:
        self._urgent = False
        dirty, self._dirty = self._dirty, {}
        return [self._take_one(log) for log in dirty.values()]

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
            transact(batches)
        except Exception:  # noqa: BLE001 (supervisor: each run's own commit tells what is wrong)
            for batch in batches:
                self._commit_alone(batch)
        else:
            for batch in batches:
                _settle(batch)

    def _commit_alone(self, batch: Batch) -> None:
        """Commit one run's batch by itself; while the database is away, again and again.

        It may be committed already, by a commit whose outcome we never heard.
        """
        until = time.monotonic() + REPEAT_FOR
        while True:
            try:
                keep_connections()
                if is_committed(batch.fence):
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

    def _fail(self, batch: Batch, error: Exception) -> None:
        if not isinstance(error, LeaseLost):
            logger.error("Run %s can't be written.", batch.log.run, exc_info=error)
        for waiting in batch.waiting:
            waiting.set_exception(error)
        self._close(batch.log, error)
        batch.log.on_lost(error)


def _settle(batch: Batch) -> None:
    for waiting in batch.waiting:
        waiting.set_result(None)


writer = Writer()
