"""What a bad or a broken page sends: it must be refused, with the code that the protocol names."""

from __future__ import annotations

import uuid
from collections.abc import Awaitable, Callable
from random import Random

from tests.faults.fold import ENDED, Json
from tests.faults.plan import CLIENT_TOOLS, SERVER_TOOLS
from tests.faults.record import Record
from tests.faults.scene import Scene
from tests.faults.tab import Tab

FAULT = "answers: forged, late, foreign"
OUTPUT = {"seen": "forged"}


class Mischief:
    """Of one visitor; ``others`` are threads of other visitors."""

    def __init__(self, scene: Scene, random: Random) -> None:
        self.scene, self.random = scene, random
        self._struck: set[str] = set()

    async def do_something(self, tab: Tab, others: list[Record]) -> None:
        """One bad command, of a kind by chance."""
        if tab.record is None:
            return
        kinds: list[Callable[[Tab, list[Record]], Awaitable[None]]] = [
            self._unknown_call,
            self._foreign_call,
            self._foreign_cancel,
            self._late,
            self._servers_call,
            self._other_command,
            self._unfit,
            self._unknown_interrupt,
            self._foreign_interrupt,
            self._unfit_arguments,
        ]
        await self.random.choice(kinds)(tab, others)

    async def _answer(
        self,
        tab: Tab,
        thread: str,
        call: str,
        allowed: set[str],
        what: str,
        **more: object,
    ) -> None:
        self.scene.inject(FAULT)
        frame = {"toolCall": call, "tab": tab.name, "output": OUTPUT, **more}
        outcome = await tab.ask("answer", thread=thread, **frame)
        self._expect(tab, outcome, allowed, what)

    def _expect(self, tab: Tab, outcome: Json, allowed: set[str], what: str) -> None:
        if outcome["type"] == "lost":
            return
        if outcome.get("code") not in allowed:
            assert tab.record is not None
            tab.record.complain(
                "refusals",
                f"{what}: {outcome}, not one of {sorted(allowed)}",
                fault=FAULT,
            )

    async def _unknown_call(self, tab: Tab, others: list[Record]) -> None:
        assert tab.record is not None
        call = str(uuid.uuid4())
        await self._answer(
            tab, tab.record.thread, call, {"call_not_found"}, "a call that is not there"
        )

    async def _foreign_call(self, tab: Tab, others: list[Record]) -> None:
        assert tab.record is not None
        found = [(r, call) for r in others for call in r.calls]
        if not found:
            return
        record, call = self.random.choice(found)
        thread = self.random.choice((record.thread, tab.record.thread))
        await self._answer(tab, thread, call, {"call_not_found"}, "a foreign call")

    async def _foreign_cancel(self, tab: Tab, others: list[Record]) -> None:
        found = [(r, run) for r in others for run in r.runs]
        if not found:
            return
        record, run = self.random.choice(found)
        self.scene.inject(FAULT)
        outcome = await tab.ask("cancel", thread=record.thread, run=run)
        self._expect(tab, outcome, {"thread_not_found"}, "a foreign run's cancel")

    async def _late(self, tab: Tab, others: list[Record]) -> None:
        assert tab.record is not None
        call = self._call(tab.record, CLIENT_TOOLS, ENDED)
        if call:
            allowed = {"answer_late", "answer_duplicate", "call_not_found"}
            await self._answer(tab, tab.record.thread, call, allowed, "a late answer")

    async def _servers_call(self, tab: Tab, others: list[Record]) -> None:
        assert tab.record is not None
        call = self._call(tab.record, SERVER_TOOLS, ("running", "queued", *ENDED))
        if call:
            allowed = {"call_not_found", "answer_late", "answer_duplicate"}
            await self._answer(
                tab, tab.record.thread, call, allowed, "an answer for a server's tool"
            )

    async def _unfit(self, tab: Tab, others: list[Record]) -> None:
        assert tab.record is not None
        call = self._call(tab.record, ("look",), ("waiting",))
        if call and call not in self._struck:
            self._struck.add(call)
            allowed = {
                *("answer_invalid", "claim_held", "answer_late", "answer_duplicate"),
            }
            await self._answer(
                tab, tab.record.thread, call, allowed, "an unfit answer", output=[1]
            )

    async def _resolve(
        self, tab: Tab, answer: Json, allowed: set[str], what: str
    ) -> None:
        self.scene.inject(FAULT)
        assert tab.record is not None
        outcome = await tab.ask(
            "resolve", thread=tab.record.thread, tab=tab.name, answers=[answer]
        )
        self._expect(tab, outcome, allowed, what)

    async def _unknown_interrupt(self, tab: Tab, others: list[Record]) -> None:
        answer = {"interrupt": str(uuid.uuid4()), "decision": "approve"}
        allowed = {"interrupt_not_found"}
        await self._resolve(tab, answer, allowed, "an approval that is not there")

    async def _foreign_interrupt(self, tab: Tab, others: list[Record]) -> None:
        found = [told["id"] for r in others for told in r.approvals.values()]
        if found:
            answer = {"interrupt": self.random.choice(found), "decision": "approve"}
            allowed = {"interrupt_not_found"}
            await self._resolve(tab, answer, allowed, "a foreign approval")

    async def _unfit_arguments(self, tab: Tab, others: list[Record]) -> None:
        assert tab.record is not None
        found = [told["id"] for told in tab.record.approvals.values()]
        if found:
            interrupt, unfit = self.random.choice(found), {"seconds": "many"}
            answer = {"interrupt": interrupt, "decision": "edit", "input": unfit}
            allowed = {"answer_invalid", "answer_late", "answer_duplicate"}
            await self._resolve(tab, answer, allowed, "unfit arguments")

    async def _other_command(self, tab: Tab, others: list[Record]) -> None:
        assert tab.record is not None
        if not tab.record.used_ids:
            return
        self.scene.inject(FAULT)
        used = self.random.choice(tab.record.used_ids)
        tab.reused.add(used)
        outcome = await tab.ask(
            "send",
            id=used,
            thread=tab.record.thread,
            assistant="faults",
            text="plan of another command",
            tab=tab.name,
        )
        self._expect(tab, outcome, {"command_conflict"}, "an id used again")

    def _call(
        self, record: Record, tools: tuple[str, ...], statuses: tuple[str, ...]
    ) -> str:
        found = [
            call_id
            for call_id, call in record.calls.items()
            if call["name"] in tools and call["status"] in statuses
        ]
        return self.random.choice(found) if found else ""
