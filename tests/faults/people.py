"""The people at the pages: they approve, change, deny and answer, one thing or several, or too late."""

from __future__ import annotations

import asyncio
import uuid
from typing import Any

from tests.faults.fold import Json
from tests.faults.scene import Scene
from tests.faults.tab import Tab

REFUSED = {"answer_duplicate", "answer_late"}
APPROVAL = ("approve", "approve", "approve", "edit", "deny", "respond")
QUESTION = ("answer", "answer", "answer", "skip")


class People:
    """At one visitor's pages: in each sits somebody who sees what is asked, and decides alone."""

    def __init__(self, scene: Scene) -> None:
        self.scene = scene
        self.random = scene.random
        self._seen: set[tuple[str, str]] = set()
        self._tasks: set[asyncio.Task[None]] = set()

    def look(self, tab: Tab) -> None:
        """Something has happened in a page: is somebody asked?"""
        if tab.record is None:
            return
        found = [
            told
            for told in tab.record.asked_of_people()
            if (tab.name, told["id"]) not in self._seen
        ]
        if not found:
            return
        self._seen |= {(tab.name, told["id"]) for told in found}
        task = asyncio.create_task(self._decide(tab, found))
        self._tasks.add(task)
        task.add_done_callback(self._done)

    def _done(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and (error := task.exception()):
            self.scene.complaints.add("harness", f"somebody at a page: {error!r}")

    async def leave(self) -> None:
        """The pages are closed."""
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _decide(self, tab: Tab, found: list[Json]) -> None:
        """After a moment: all that is open then at once, or this alone."""
        assert tab.record is not None
        await asyncio.sleep(self.random.uniform(0, 0.8))
        open_now = tab.record.asked_of_people()
        self.random.shuffle(open_now)
        if self.random.random() < 0.6:
            if len(open_now) > 1:
                self.scene.inject("answers: several at once")
            await self._resolve(tab, open_now)
            return
        mine = {told["id"] for told in found}
        for told in open_now:
            if told["id"] in mine:
                await self._resolve(tab, [told])

    async def _resolve(self, tab: Tab, found: list[Json]) -> None:
        if not found:
            return
        record, command = tab.record, str(uuid.uuid4())
        assert record is not None
        answers = {told["id"]: self._answer(tab, told) for told in found}
        for interrupt, answer in answers.items():
            record.sent[interrupt][command] = answer
        outcome = await tab.ask(
            "resolve",
            id=command,
            twice=True,
            thread=record.thread,
            tab=tab.name,
            answers=[{"interrupt": id_, **said} for id_, said in answers.items()],
        )
        if outcome["type"] == "accepted":
            if sorted(outcome["interrupts"]) != sorted(answers):
                record.complain("answers", f"of {answers} were taken: {outcome}")
            for interrupt in answers:
                record.accepted[interrupt].add(command)
            self.scene.accepted_in = record.thread
            self.scene.accepted.set()
        elif outcome["type"] == "error":
            for interrupt in answers:  # all or none: nothing of it may ever show
                del record.sent[interrupt][command]
            if outcome["code"] not in REFUSED:
                record.complain("answers", f"answers were refused with {outcome}")

    def _answer(self, tab: Tab, told: Json) -> Json:
        """What somebody says, with a word of its own by which it is known again."""
        word = uuid.uuid4().hex
        if told["kind"] == "question":
            decision = self.random.choice(QUESTION)
            answer: Json = {"output": {"word": word}} if decision == "answer" else {}
            return {"decision": decision, **answer}
        decision = self.random.choice(APPROVAL)
        if decision == "edit":
            return {"decision": decision, "input": self._edited(tab, told, word)}
        if decision in ("deny", "respond"):
            return {"decision": decision, "text": word}
        return {"decision": decision}

    def _edited(self, tab: Tab, told: Json, word: str) -> Json:
        """The call's own arguments, with a note or another time."""
        assert tab.fold is not None
        call: dict[str, Any] = next(
            part
            for message in tab.fold.messages
            for part in message["parts"]
            if part.get("id") == told["toolCallId"]
        )
        seconds = round(self.random.uniform(0, 1), 2)
        edited = {**call["input"], "seconds": seconds}
        return {**edited, "note": word} if call["name"] == "pay" else edited
