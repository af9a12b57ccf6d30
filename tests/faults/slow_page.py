"""A page that does not read for long, while much is said: the server may close it, never choke on it."""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass

from tests.faults.plan import Plan, Step
from tests.faults.tab import Tab
from tests.faults.visitor import CALM_SECONDS, Visitor

FAULT = "client: does not read for 42 s"
ASLEEP_SECONDS = 42.0
"""A full window that is not acknowledged for thirty seconds is closed with 4008."""
TOKENS = 1400
DELAY = 0.015


@dataclass(frozen=True, slots=True)
class OneDoor:
    """Always the same web process."""

    cookie: str
    number: int

    def port(self) -> int:
        return self.number


class SlowVisitor(Visitor):
    """One thread, one page that reads, and one at each web process that does not."""

    async def live_slowly(self) -> None:
        """Until the pages that slept have caught up."""
        await self._patiently(self._enter)
        record = await self._begin()
        assert record is not None
        slow = [
            Tab(
                OneDoor(self.cookie, web.port),
                self.scene.complaints,
                self.random,
                record=record,
                is_small=True,
            )
            for web in self.scene.stage.webs
        ]
        self._tabs += slow
        try:
            await asyncio.gather(*(self._sleep(tab) for tab in slow))
            await self._await_end(record)
            await self.compare(record)
        finally:
            await asyncio.gather(*(tab.close() for tab in self._tabs))
            self._tabs.clear()

    def _first_plan(self) -> Plan:
        plan = self.scene.new_plan()
        return Plan(key=plan.key, steps=(Step(size=TOKENS, delay=DELAY),))

    def _cancels(self) -> bool:
        return False

    async def _sleep(self, tab: Tab) -> None:
        await asyncio.wait_for(tab.is_told.wait(), CALM_SECONDS)
        self.scene.inject(FAULT)
        tab.is_reading.clear()
        await asyncio.sleep(ASLEEP_SECONDS)
        begun = time.monotonic()
        tab.is_reading.set()
        record = tab.record
        while record and tab.position < max(record.events, default=0):
            await asyncio.sleep(0.02)
            if time.monotonic() - begun > CALM_SECONDS:
                record.complain("agreement", "a page that slept does not catch up")
                return
        self.scene.recoveries[FAULT].append(time.monotonic() - begun)
