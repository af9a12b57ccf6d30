"""The tools that pages have: every page of a thread wants to run each call, one may."""

from __future__ import annotations

import asyncio
import uuid
from typing import Any

from tests.faults.fold import Json
from tests.faults.scene import Scene
from tests.faults.tab import Tab

REFUSED = {"answer_duplicate", "answer_late", "call_not_found", "claim_held"}


class PageTools:
    """Of one visitor's pages."""

    def __init__(self, scene: Scene) -> None:
        self.scene = scene
        self.random = scene.random
        self._begun: set[tuple[str, str]] = set()
        self._tasks: set[asyncio.Task[None]] = set()

    def look(self, tab: Tab) -> None:
        """Something has happened in a page: is there a call to run?"""
        if tab.record is None:
            return
        for call in tab.record.open_calls():
            if (tab.name, call) not in self._begun:
                self._begun.add((tab.name, call))
                task = asyncio.create_task(self._perform(tab, call))
                self._tasks.add(task)
                task.add_done_callback(self._done)

    def _done(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and (error := task.exception()):
            self.scene.complaints.add("harness", f"a page's tool: {error!r}")

    async def leave(self) -> None:
        """The pages are closed."""
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _perform(self, tab: Tab, call: str) -> None:
        record = tab.record
        assert record is not None
        if not await self._claim(tab, call):
            return
        if record.calls[call]["name"] == "touch":
            record.begun[call].add(tab.name)
        await asyncio.sleep(self.random.uniform(0, 0.6))
        chance = self.random.random()
        if chance > 0.88:
            await asyncio.gather(self._answer(tab, call), self._cancel(tab))
        elif chance < 0.3:
            others = [
                self._answer(tab, call) for _ in range(self.random.choice((1, 2)))
            ]
            self.scene.inject("answers: at the same instant")
            await asyncio.gather(self._answer(tab, call), *others)
        else:
            await self._answer(tab, call)

    async def _cancel(self, tab: Tab) -> None:
        """At the same instant as an answer: one of the two comes first."""
        assert tab.record is not None
        run = tab.record.active_run
        if run is None:
            return
        for prompt in tab.record.prompts:
            prompt.may_be_cancelled |= run in prompt.runs
        self.scene.inject("cancel")
        outcome = await tab.ask("cancel", twice=True, thread=tab.record.thread, run=run)
        if outcome["type"] == "error":
            tab.record.complain("commands", f"a cancel was answered with {outcome}")

    async def _claim(self, tab: Tab, call: str) -> bool:
        """Until it is ours, or there is nothing to claim any more."""
        assert tab.record is not None
        while call in tab.record.open_calls() and not tab.is_closed:
            outcome = await tab.ask(
                "claim", thread=tab.record.thread, toolCall=call, tab=tab.name
            )
            if outcome["type"] == "accepted":
                return True
            code = outcome.get("code")
            if code in ("answer_duplicate", "answer_late", "call_not_found"):
                return False
            if code not in (None, "claim_held"):
                tab.record.complain("claims", f"a claim was answered with {outcome}")
                return False
            retry = outcome.get("retryMs", 200) / 1000
            await asyncio.sleep(min(0.5, retry) + self.random.uniform(0, 0.1))
        return False

    async def _answer(self, tab: Tab, call: str) -> None:
        assert tab.record is not None
        command, output = str(uuid.uuid4()), {"seen": uuid.uuid4().hex}
        tab.record.sent[call][command] = output
        frame: dict[str, Any] = {"toolCall": call, "tab": tab.name, "output": output}
        while not tab.is_closed:
            outcome = await tab.ask(
                "answer", id=command, thread=tab.record.thread, twice=True, **frame
            )
            if outcome.get("code") != "claim_held":
                break
            if call not in tab.record.open_calls():
                return
            await asyncio.sleep(0.5)
        else:
            return
        self._judge(tab, call, command, outcome)

    def _judge(self, tab: Tab, call: str, command: str, outcome: Json) -> None:
        assert tab.record is not None
        if outcome["type"] == "accepted":
            tab.record.accepted[call].add(command)
            self.scene.accepted_in = tab.record.thread
            self.scene.accepted.set()
        elif outcome["type"] == "error" and outcome["code"] not in REFUSED:
            tab.record.complain("answers", f"an answer was refused with {outcome}")
