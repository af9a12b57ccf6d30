"""Runs executed in this process, on its background loop, bounded in number.

Also the sweeper: any process that has served a request looks once a second for runs that nobody
carries and for calls whose time is over, since neither Daphne nor Channels has a start-up hook.
"""

from __future__ import annotations

import asyncio
import logging
import threading
from datetime import timedelta
from uuid import UUID, uuid4

from chatkit_app.background import background
from chatkit_app.conf import settings
from chatkit_app.db import in_thread
from chatkit_app.log.fold import prune
from chatkit_app.runs import answering, recovery
from chatkit_app.runs.executor import Execution
from chatkit_app.runs.runner import Runner

logger = logging.getLogger(__name__)

SWEEP_SECONDS = 1.0
PRUNE_SECONDS = 60.0
SWEEP_ROWS = 50


class LocalRunner(Runner):
    """Carries runs; safe to use from any thread."""

    def __init__(self) -> None:
        self.owner = uuid4()
        self._lock = threading.Lock()
        self._is_started = False
        self._tasks: dict[UUID, asyncio.Task[None]] = {}
        self._executions: dict[UUID, Execution] = {}
        self._bound: asyncio.Semaphore | None = None
        self._unexpired: set[UUID] = set()

    def start(self) -> None:
        """Begin to sweep, once a process."""
        with self._lock:
            if self._is_started:
                return
            self._is_started = True
        background.spawn(self._sweep())

    def stop(self) -> None:
        """Forget it; the background loop's end has ended the tasks."""
        with self._lock:
            self._is_started = False
            self._tasks.clear()
            self._executions.clear()
            self._unexpired.clear()
            self._bound = None

    def submit(self, run_id: UUID) -> None:
        """Carry this run; returns at once."""
        self.start()
        background.start().call_soon_threadsafe(self._carry, run_id)

    def cancel(self, run_id: UUID) -> None:
        """Stop it, if this process carries it; another one hears of it with its next write."""
        execution = self._executions.get(run_id)
        if execution is not None:
            execution.cancel()

    def _carry(self, run_id: UUID) -> None:
        if run_id in self._tasks:
            # It pauses at this moment, or is in the queue: the sweeper looks again.
            self._tasks[run_id].add_done_callback(
                lambda _task: self._carry_again(run_id)
            )
            return
        task = asyncio.get_running_loop().create_task(self._execute(run_id))
        self._tasks[run_id] = task
        task.add_done_callback(lambda _task: self._tasks.pop(run_id, None))

    def _carry_again(self, run_id: UUID) -> None:
        if self._is_started and run_id not in self._tasks:
            self._carry(run_id)

    async def _execute(self, run_id: UUID) -> None:
        if self._bound is None:
            self._bound = asyncio.Semaphore(settings.RUNS_PER_PROCESS)
        async with self._bound:
            execution = Execution(run_id, self.owner)
            self._executions[run_id] = execution
            try:
                await execution.run()
            except Exception:
                logger.exception("Run %s can't be carried", run_id)
            finally:
                self._executions.pop(run_id, None)

    async def _sweep(self) -> None:
        sweeps = 0
        while True:
            await asyncio.sleep(SWEEP_SECONDS)
            sweeps += 1
            try:
                await self._look()
                if sweeps % round(PRUNE_SECONDS / SWEEP_SECONDS) == 0:
                    await in_thread(prune_old)
            except Exception:
                logger.warning("The sweep failed.", exc_info=True)

    async def _look(self) -> None:
        for run_id in await in_thread(recovery.runs_to_claim, SWEEP_ROWS):
            if run_id not in self._tasks:
                self._carry(run_id)
        for call_id in await in_thread(recovery.calls_past_deadline, SWEEP_ROWS):
            await self._expire(call_id)

    async def _expire(self, call_id: UUID) -> None:
        """End the call; one that can't be ended stops none of the others, and is logged once."""
        try:
            await in_thread(answering.expire, call_id)
        except Exception:
            if call_id not in self._unexpired:
                self._unexpired.add(call_id)
                logger.exception("Call %s can't be ended at its deadline", call_id)
        else:
            self._unexpired.discard(call_id)


def prune_old() -> None:
    """Cut the old events of some quiet threads."""
    retention = timedelta(seconds=settings.EVENT_RETENTION_SECONDS)
    for thread in recovery.threads_to_prune(retention, SWEEP_ROWS):
        prune(thread)
