"""The runs that a process carries at this moment, bounded in number; and carrying a single one."""

from __future__ import annotations

import asyncio
import logging
import threading
from collections.abc import Callable
from contextlib import suppress
from uuid import UUID, uuid4

from chatkit_app.background import background
from chatkit_app.conf import settings
from chatkit_app.log.doorbell import doorbell
from chatkit_app.runs.executor import Execution

logger = logging.getLogger(__name__)

LEAVE_SECONDS = 1.0
"""How long a task of somebody else's queue may take to let go of its run."""


class Carrier:
    """Carries runs on the background loop. All but ``cancel`` and ``look`` is called there."""

    def __init__(self, bound: Callable[[], int]) -> None:
        self.owner = uuid4()
        self._bound = bound
        self._places: asyncio.Semaphore | None = None
        self._tasks: dict[UUID, asyncio.Task[None]] = {}
        self._executions: dict[UUID, Execution] = {}
        self._is_leaving = False

    @property
    def free(self) -> int:
        """How many more runs it may take now."""
        return 0 if self._is_leaving else max(0, self._bound() - len(self._tasks))

    def take(self, run_id: UUID) -> None:
        """Carry this run as soon as there is a place for it."""
        if self._is_leaving:
            return
        if run_id in self._tasks:
            # It pauses at this moment, or waits for a place: look again afterwards.
            self._tasks[run_id].add_done_callback(lambda _task: self._again(run_id))
            return
        task = asyncio.get_running_loop().create_task(self._execute(run_id))
        self._tasks[run_id] = task
        task.add_done_callback(lambda _task: self._tasks.pop(run_id, None))

    def _again(self, run_id: UUID) -> None:
        if run_id not in self._tasks:
            self.take(run_id)

    def has(self, run_id: UUID) -> bool:
        """Is it carried here, or about to be?"""
        return run_id in self._tasks

    def cancel(self, run_id: UUID) -> bool:
        """Stop the run, if it is carried here: somebody has asked for it."""
        execution = self._executions.get(run_id)
        if execution is not None:
            execution.cancel()
        return execution is not None

    def look(self, run_id: UUID) -> bool:
        """Read its row soon, if it is carried here: somebody may want it cancelled."""
        execution = self._executions.get(run_id)
        if execution is not None:
            execution.look()
        return execution is not None

    async def finish(self, run_id: UUID) -> None:
        """Carry this run; returns when it pauses or has ended."""
        self.take(run_id)
        if (task := self._tasks.get(run_id)) is not None:
            await asyncio.wait({task})

    async def wait(self, seconds: float | None = None) -> None:
        """Until nothing is carried any more, or so many seconds have passed."""
        if self._tasks:
            await asyncio.wait(set(self._tasks.values()), timeout=seconds)

    async def leave(self, grace: float = 0.0) -> None:
        """Take nothing more, and hand over what has not ended after ``grace`` seconds.

        Another process may go on at once with what is handed over.
        """
        self._is_leaving = True
        if grace:
            await self.wait(grace)
        for run_id in list(self._tasks):
            if run_id not in self._executions:
                self._tasks[run_id].cancel()  # it waits for a place: it is nobody's
        handed = list(self._executions)
        await asyncio.gather(*map(self.hand_over, handed))

    async def hand_over(self, run_id: UUID) -> None:
        """Let go of this run, and tell the others that it is theirs."""
        if (execution := self._executions.get(run_id)) is None:
            return
        task = self._tasks[run_id]
        await execution.hand_over()
        await asyncio.wait({task})
        doorbell.ring_run(run_id)

    async def _execute(self, run_id: UUID) -> None:
        if self._places is None:
            self._places = asyncio.Semaphore(self._bound())
        async with self._places:
            execution = Execution(run_id, self.owner)
            self._executions[run_id] = execution
            try:
                await execution.run()
            except Exception:
                logger.exception("Run %s can't be carried", run_id)
            finally:
                self._executions.pop(run_id, None)


class _Alone:
    """The carrier of a process in which something else decides what is carried: a task queue."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._carrier: Carrier | None = None

    def start(self) -> Carrier:
        with self._lock:
            if self._carrier is None:
                self._carrier = Carrier(lambda: settings.RUNS_PER_PROCESS)
                doorbell.hear_runs(self._carrier.look)
                doorbell.start()
            return self._carrier

    def stop(self) -> None:
        self._carrier = None


alone = _Alone()


def carry(run_id: UUID) -> None:
    """Execute one run in this process, to its next pause or its end; returns then.

    For a queue of the site's: Celery's, Django's tasks. A run that is another process's by now, or
    has ended, is left alone, so a task may be repeated and may come late. Where the waiting is
    broken off (a time limit, Ctrl-C) the run is handed over, and the exception goes on.
    """
    carrier = alone.start()
    future = background.spawn(carrier.finish(run_id))
    try:
        future.result()
    except BaseException:
        leaving = background.spawn(carrier.hand_over(run_id))
        with suppress(TimeoutError):
            leaving.result(LEAVE_SECONDS)
        raise
