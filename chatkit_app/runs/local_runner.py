"""Runs executed in this process, on its background loop, bounded in number.

Also the sweeper: any process that has served a request looks again and again for runs that nobody
carries and for calls whose time is over, since neither Daphne nor Channels has a start-up hook.
"""

from __future__ import annotations

import asyncio
import logging
import threading
from concurrent.futures import Future
from uuid import UUID

from chatkit_app.background import background
from chatkit_app.conf import settings
from chatkit_app.log.doorbell import doorbell
from chatkit_app.runs.carrying import Carrier
from chatkit_app.runs.runner import Runner
from chatkit_app.runs.sweeping import Sweeper
from chatkit_app.runs.working_jobs import WorkingJobs

logger = logging.getLogger(__name__)


class LocalRunner(Runner):
    """Carries runs; safe to use from any thread.

    ``runs`` are carried at once, ``CHATKIT_RUNS_PER_PROCESS`` if it isn't said. ``patience``:
    seconds that a queued run is left to the process that was asked for it.
    """

    def __init__(self, *, runs: int | None = None, patience: float = 1.0) -> None:
        self._runs, self._patience = runs, patience
        self._lock = threading.Lock()
        self.carrier, self.jobs = self._make_carrier(), WorkingJobs()
        self._is_started = False
        self._is_draining = False
        self._sweeping: Future[None] | None = None

    def _make_carrier(self) -> Carrier:
        return Carrier(lambda: self._runs or settings.RUNS_PER_PROCESS)

    def start(self) -> None:
        """Begin to sweep and to hear of runs, once a process."""
        with self._lock:
            if self._is_started or self._is_draining:
                return
            self._is_started = True
            sweeper = Sweeper(self.carrier, self.jobs, patience=self._patience)
            self._sweeping = background.spawn(sweeper.run())
        doorbell.hear_runs(self._hear, hear_job=self.jobs.take)
        doorbell.start()

    def stop(self) -> None:
        """Forget it; the background loop's end has ended the tasks."""
        with self._lock:
            self._is_started = self._is_draining = False
            self.carrier, self._sweeping = self._make_carrier(), None
            jobs, self.jobs = self.jobs, WorkingJobs()
        jobs.stop()

    def submit(self, run_id: UUID) -> None:
        """Carry this run; returns at once."""
        if self._is_draining:
            doorbell.ring_run(run_id)  # it is queued: whoever stays may have it
            return
        self.start()
        background.start().call_soon_threadsafe(self.carrier.take, run_id)

    def submit_job(self, tool_call_id: UUID) -> None:
        """Begin it here, or let another process, where there is no place for it."""
        if self._is_draining or not self.jobs.free:
            doorbell.ring_job(tool_call_id)
            return
        self.start()
        background.start().call_soon_threadsafe(self.jobs.take, tool_call_id)

    def cancel(self, run_id: UUID) -> None:
        """Stop it, here or wherever it is carried; if the bell isn't heard, with its next write."""
        if not self.carrier.cancel(run_id):
            doorbell.ring_run(run_id)

    def drain(self, seconds: float, *, grace: float = 0.0) -> None:
        """Claim nothing more; hand over what has not ended after ``grace`` seconds."""
        with self._lock:
            self._is_draining = True
            sweeping = self._sweeping
        if sweeping is None:
            return
        sweeping.cancel()
        try:
            background.spawn(self._leave(grace)).result(grace + seconds)
        except TimeoutError:
            logger.warning("Some runs can't be handed over: their leases will run out.")

    async def _leave(self, grace: float) -> None:
        await asyncio.gather(self.carrier.leave(grace), self.jobs.leave(grace))

    def _hear(self, run_id: UUID) -> None:
        """Another process has news of a run: it is to be carried, or somebody wants it cancelled.

        The rows say which: a bell that rings for nothing, or twice, changes nothing.
        """
        if not self.carrier.look(run_id) and self.carrier.free:
            self.carrier.take(run_id)
