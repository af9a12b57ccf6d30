"""A page of the harness against a server that lies: it notices, and it comes back as it should."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass

from websockets.asyncio.server import ServerConnection, serve

from tests.faults.complaints import Complaints
from tests.faults.fold import Json
from tests.faults.record import Record
from tests.faults.tab import Tab
from tests.faults.telling import EMPTY, THREAD, chance, good_events, run_changed

Answer = Callable[[ServerConnection, Json], Awaitable[None]]


@dataclass
class Door:
    number: int
    cookie: str = ""

    def port(self) -> int:
        return self.number


@asynccontextmanager
async def page(answer: Answer) -> AsyncIterator[Tab]:
    """A page of a thread at a server that answers each frame so."""

    async def converse(line: ServerConnection) -> None:
        await line.send(json.dumps({"type": "hello"}))
        async for text in line:
            await answer(line, json.loads(text))

    async with serve(converse, "127.0.0.1", 0) as server:
        complaints = Complaints()
        record = Record(THREAD, complaints, lambda _record, _event: None)
        port = next(iter(server.sockets)).getsockname()[1]
        tab = Tab(Door(port), complaints, chance(), record=record)
        try:
            yield tab
        finally:
            await tab.close()


async def tell(line: ServerConnection, **frame: object) -> None:
    await line.send(json.dumps({"thread": THREAD, **frame}))


async def tell_reset(line: ServerConnection, position: int = 0) -> None:
    await tell(line, type="reset", epoch="e", position=position, snapshot=EMPTY)


async def tell_events(line: ServerConnection, events: list[Json], first: int) -> None:
    for position, event in enumerate(events, first):
        await tell(line, type="event", position=position, event=event)


async def broken_rules(tab: Tab) -> set[str]:
    """The rules that the page finds broken, once it has found one."""
    async with asyncio.timeout(10):
        while not tab.complaints.found:  # noqa: ASYNC110 (a list is no event)
            await asyncio.sleep(0.01)
    return {f"{one.rule}: {one.text.split(' ')[0]}" for one in tab.complaints.found}


async def test_a_gap_is_found() -> None:
    async def answer(line: ServerConnection, frame: Json) -> None:
        if frame["type"] == "subscribe":
            await tell_reset(line)
            await tell_events(line, good_events()[:1], 2)

    async with page(answer) as tab:
        assert "frames: Unfit:" in await broken_rules(tab)


async def test_an_event_that_comes_twice_is_found() -> None:
    async def answer(line: ServerConnection, frame: Json) -> None:
        if frame["type"] == "subscribe":
            await tell_reset(line)
            await tell_events(line, good_events()[:1], 1)
            await tell_events(line, good_events()[:1], 1)

    async with page(answer) as tab:
        assert "frames: Unfit:" in await broken_rules(tab)


async def test_a_doubled_delta_is_found() -> None:
    events = good_events()
    delta = next(n for n, e in enumerate(events) if e["type"] == "part.delta")

    async def answer(line: ServerConnection, frame: Json) -> None:
        if frame["type"] == "subscribe":
            await tell_reset(line)
            doubled = [*events[: delta + 1], events[delta], *events[delta + 1 :]]
            await tell_events(line, doubled, 1)

    async with page(answer) as tab:
        assert "frames: Unfit:" in await broken_rules(tab)


async def test_what_was_shown_and_is_gone_after_a_crash_is_found() -> None:
    async def answer(line: ServerConnection, frame: Json) -> None:
        if frame["type"] == "subscribe" and "position" in frame:
            await tell(line, type="position", epoch="e", position=1)
        elif frame["type"] == "subscribe":
            await tell_reset(line)
            await tell_events(line, good_events()[:3], 1)
            await line.close(1001)

    async with page(answer) as tab:
        assert "committed first: the" in await broken_rules(tab)


async def test_a_command_that_was_accepted_and_is_refused_later_is_found() -> None:
    async def answer(line: ServerConnection, frame: Json) -> None:
        if frame["type"] == "cancel":
            await tell(line, type="accepted", id=frame["id"])
            await tell(line, type="error", id=frame["id"], code="run_conflict")

    async with page(answer) as tab:
        await tab.ask("cancel", run="run")
        assert {rule.split(":")[0] for rule in await broken_rules(tab)} == {"commands"}


async def test_an_undocumented_close_is_found() -> None:
    async def answer(line: ServerConnection, frame: Json) -> None:
        await line.close(4999)

    async with page(answer) as tab:
        assert "closes: the" in await broken_rules(tab)


async def test_it_resumes_from_where_it_is_and_repeats_what_was_not_answered() -> None:
    asked: list[Json] = []

    async def answer(line: ServerConnection, frame: Json) -> None:
        asked.append(frame)
        if frame["type"] == "subscribe" and "position" not in frame:
            await tell_reset(line)
            await tell_events(line, good_events()[:2], 1)
        elif frame["type"] == "cancel":
            if sum(one["type"] == "cancel" for one in asked) < 2:
                line.transport.abort()
            else:
                await tell(line, type="accepted", id=frame["id"])

    async with page(answer) as tab:
        async with asyncio.timeout(5):
            while tab.position < 2:  # noqa: ASYNC110 (a number is no event)
                await asyncio.sleep(0.01)
        outcome = await tab.ask("cancel", run="run")

        first, second = (one for one in asked if one["type"] == "cancel")
        cursor = [one for one in asked if one["type"] == "subscribe"][-1]
        assert outcome["type"] == "accepted"
        assert first == second
        assert (cursor["epoch"], cursor["position"]) == ("e", 2)
        assert tab.complaints.found == []


async def test_two_pages_that_are_told_different_things_are_found() -> None:
    record = Record(THREAD, Complaints(), lambda _record, _event: None)
    record.see_event(1, run_changed("queued"))
    record.see_event(1, run_changed("failed"))

    assert [one.rule for one in record.complaints.found] == ["positions"]
