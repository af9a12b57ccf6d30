"""A process that only executes runs: claims what is queued or orphaned, until it is told to end."""

from __future__ import annotations

import gc
import os
import signal
import time
from collections.abc import Callable
from contextlib import suppress
from queue import Empty, SimpleQueue
from types import FrameType

from chatkit_app.background import background
from chatkit_app.conf import settings
from chatkit_app.runs.carrying import Carrier
from chatkit_app.runs.draining import (
    DRAIN_SHARE,
    SIGNALS,
    TOGETHER_SECONDS,
    end_hard,
)
from chatkit_app.runs.local_runner import LocalRunner
from chatkit_app.runs.runner import runner
from chatkit_app.runs.sweeping import Sweeper
from chatkit_app.runs.working_jobs import WorkingJobs

LOOK_SECONDS = 0.2
"""How often the main thread looks whether it was told to end."""


class Worker:
    """Lives in the main thread of its process: signals are heard nowhere else.

    ``runs`` are carried at once, ``CHATKIT_RUNS_PER_PROCESS`` if it isn't said. ``grace``: seconds
    that they get to end by themselves when the process is told to. ``say``: where it tells what it does.
    """

    def __init__(
        self, *, runs: int | None = None, grace: float = 0.0, say: Callable[[str], None]
    ) -> None:
        self._bound = runs or settings.RUNS_PER_PROCESS
        self._grace = grace
        self._say = say
        self._signals: SimpleQueue[int] = SimpleQueue()
        self._told_at: float | None = None

    def run(self) -> None:
        """Work until SIGTERM or SIGINT, then hand over what has not ended. A second one kills."""
        for signum in SIGNALS:
            signal.signal(signum, self._hear)
        # Nobody else is asked first where there are workers, so nothing is left to others.
        local = LocalRunner(runs=self._bound, patience=0.0)
        runner.use(local)
        local.start()
        self._say(f"Worker {os.getpid()}: up to {self._bound} runs at once.")
        told = signal.Signals(self._await_signal())
        end_hard(after=self._grace)
        self._say(f"Worker {os.getpid()}: {told.name}, handing over.")
        local.drain(settings.EXIT_SECONDS * DRAIN_SHARE, grace=self._grace)
        self._say(f"Worker {os.getpid()}: ended.")
        gc.freeze()  # see draining: nothing is worth another half second

    def _await_signal(self) -> int:
        """The first signal. One that comes in the moment before the wait does not break it off."""
        while True:
            with suppress(Empty):
                return self._signals.get(timeout=LOOK_SECONDS)

    def _hear(self, signum: int, _frame: FrameType | None) -> None:
        if self._told_at is None:
            self._told_at = time.monotonic()
            self._signals.put(signum)
        elif time.monotonic() > self._told_at + TOGETHER_SECONDS:
            signal.signal(signum, signal.SIG_DFL)
            signal.raise_signal(signum)

    def once(self) -> int:
        """Do what is due now (deadlines, old events, jobs, runs that nobody carries); how many runs.

        Returns when these jobs have ended and these runs have ended or pause.
        """
        local = LocalRunner(runs=self._bound)
        return background.spawn(self._once(local.carrier, local.jobs)).result()

    async def _once(self, carrier: Carrier, jobs: WorkingJobs) -> int:
        sweeper = Sweeper(carrier, jobs)
        await sweeper.expire()
        await jobs.end_lost()
        while await jobs.claim():
            await jobs.wait()
        await sweeper.prune()
        seen = set(await sweeper.claim())
        count = 0
        while count < len(seen):
            count = len(seen)
            await carrier.wait()
            seen |= set(await sweeper.claim())
        await carrier.wait()
        return count
