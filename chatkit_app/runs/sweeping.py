"""Looking after what nobody has told us of: orphaned runs, calls past their deadline, sums to add up.

Losing any message costs a moment, for the rows are looked at again and again. Each process does it
at its own pace: what is begun together would always meet at the database together.
"""

from __future__ import annotations

import asyncio
import logging
import random
from collections.abc import Awaitable, Callable
from datetime import timedelta
from uuid import UUID

from chatkit_app.conf import settings
from chatkit_app.db import AWAY, in_thread
from chatkit_app.log.fold import prune
from chatkit_app.runs import answering, recovery, tallying, usage
from chatkit_app.runs.carrying import Carrier
from chatkit_app.runs.working_jobs import WorkingJobs

logger = logging.getLogger(__name__)

CLAIM_SECONDS = 0.25
"""How often the runs are looked for that nobody carries."""
EXPIRE_SECONDS = 1.0
"""How often calls are looked for that are past their deadline."""
PRUNE_SECONDS = 60.0
"""How often old events are cut."""
COUNT_SECONDS = 5.0
"""How often it is looked for what a dead process has used and not counted, and for ends not tallied."""
LONGEST_REST = 1.0
"""How long a sweep rests at most that fails again and again: the database is away."""
JITTER = 0.2
ROWS = 50


class Sweeper:
    """Finds what a carrier should take. ``patience``: seconds that a queued run is left to others."""

    def __init__(
        self, carrier: Carrier, jobs: WorkingJobs, *, patience: float = 1.0
    ) -> None:
        self._carrier = carrier
        self._jobs = jobs
        self._patience = patience
        self._unexpired: set[UUID] = set()
        self._uncounted: set[UUID] = set()
        self._untallied: set[UUID] = set()

    async def run(self) -> None:
        """Sweep until this is cancelled."""
        await asyncio.gather(
            _every(lambda: CLAIM_SECONDS, self.claim),
            _every(lambda: CLAIM_SECONDS, self._jobs.claim),
            _every(lambda: EXPIRE_SECONDS, self._jobs.end_lost),
            _every(lambda: EXPIRE_SECONDS, self.expire),
            _every(lambda: PRUNE_SECONDS, self.prune, is_first=False),
            _every(lambda: COUNT_SECONDS, self.count, is_first=False),
            _every(lambda: COUNT_SECONDS, self.tally, is_first=False),
        )

    async def claim(self) -> list[UUID]:
        """Give the carrier as many runs as it has places for; those that it was given."""
        found: list[UUID] = []
        if free := self._carrier.free:
            limit = min(free, ROWS)
            found = await in_thread(
                recovery.runs_to_claim, limit, patience=self._patience
            )
        new = [run_id for run_id in found if not self._carrier.has(run_id)]
        for run_id in new:
            self._carrier.take(run_id)
        return new

    async def expire(self) -> None:
        """End the calls that are past their deadline."""
        for call_id in await in_thread(recovery.calls_past_deadline, ROWS):
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

    async def count(self) -> None:
        """Count what nobody has counted; one run that can't be stops none of the others."""
        for run_id in await in_thread(usage.uncounted, ROWS):
            await _add_up(usage.count, run_id, self._uncounted, "counted")

    async def tally(self) -> None:
        """Tally the runs that nobody has tallied, likewise."""
        for run_id in await in_thread(tallying.untallied, ROWS):
            await _add_up(tallying.tally, run_id, self._untallied, "tallied")

    async def prune(self) -> None:
        """Cut the old events of some quiet threads."""
        await in_thread(_prune_old)


async def _add_up(
    add_up: Callable[[UUID], None], run_id: UUID, failing: set[UUID], done: str
) -> None:
    """Of one run; where that fails, it is logged once."""
    try:
        await in_thread(add_up, run_id)
    except Exception:
        if run_id not in failing:
            failing.add(run_id)
            logger.exception("Run %s can't be %s", run_id, done)
    else:
        failing.discard(run_id)


def _prune_old() -> None:
    retention = timedelta(seconds=settings.EVENT_RETENTION_SECONDS)
    for thread in recovery.threads_to_prune(retention, ROWS):
        prune(thread)


async def _every(
    seconds: Callable[[], float],
    look: Callable[[], Awaitable[object]],
    *,
    is_first: bool = True,
) -> None:
    """Look again and again; an error is logged when it begins and is not the last look."""
    is_failing, rest = False, 0.0
    if not is_first:
        await asyncio.sleep(_about(seconds()))
    while True:
        try:
            await look()
            is_failing, rest = False, seconds()
        except Exception as error:
            if not is_failing:
                is_away = isinstance(error, AWAY)
                logger.warning("The sweep failed: %s", error, exc_info=not is_away)
            rest = (
                min(LONGEST_REST, 2 * rest)
                if is_failing
                else min(LONGEST_REST, seconds())
            )
            is_failing = True
        await asyncio.sleep(_about(rest))


def _about(seconds: float) -> float:
    return seconds * random.uniform(1 - JITTER, 1 + JITTER)  # noqa: S311 (not a secret)
