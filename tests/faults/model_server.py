"""A fake of an OpenAI-compatible server, in a process of its own: ``-m tests.faults.model_server PORT LEDGER``.

It speaks Chat Completions over plain sockets, so that it can break off, reset and refuse as real
servers do. Whatever it sends and whatever it was asked stands in its ledger.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import socket
import struct
import sys
from collections import Counter
from pathlib import Path
from typing import Any

from tests.faults.history import asked
from tests.faults.ledger import Ledger
from tests.faults.plan import Fault, Plan, Step, token

REFUSED_FOR = 0.4
"""Seconds during which nobody listens, where a plan wants a refused connection."""
STALLED_FOR = 30.0
HEADERS = "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nConnection: close\r\n"
REFUSALS = {
    "429": (429, "Too Many Requests", ""),
    "429_after": (429, "Too Many Requests", "Retry-After: 1\r\n"),
    "500": (500, "Internal Server Error", ""),
    "400": (400, "Bad Request", ""),
    "401": (401, "Unauthorized", ""),
}


class Model:
    """Answers as the plans say. ``attempts`` counts the requests for each step of each key."""

    def __init__(self, port: int, ledger: Ledger) -> None:
        self.port = port
        self.ledger = ledger
        self.attempts: Counter[tuple[str, int]] = Counter()
        self._server: asyncio.Server | None = None
        self._closing: asyncio.Task[None] | None = None
        for fact in ledger.facts():
            if fact["kind"] == "begin":
                self.attempts[fact["key"], fact["step"]] += 1

    async def serve(self) -> None:
        """For ever."""
        await self.listen()
        await asyncio.Event().wait()

    async def listen(self) -> None:
        """Take connections."""
        self._server = await asyncio.start_server(
            self.answer, "127.0.0.1", self.port, reuse_address=True
        )

    async def answer(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        """One request, one answer, one connection."""
        try:
            head = (await reader.readuntil(b"\r\n\r\n")).decode("latin1")
            fields = dict(
                line.lower().split(": ", 1) for line in head.splitlines()[1:] if line
            )
            body = await reader.readexactly(int(fields.get("content-length", "0")))
            await self.say(json.loads(body), fields, reader, writer)
        except (ConnectionError, asyncio.IncompleteReadError):
            pass  # whoever asked has died
        finally:
            writer.close()

    async def say(
        self,
        body: dict[str, Any],
        fields: dict[str, str],
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
    ) -> None:
        """Find out which step of which plan is asked for, and play it."""
        found = asked(body["messages"])
        plan, number = found.plan, found.step
        self.attempts[plan.key, number] += 1
        attempt = self.attempts[plan.key, number]
        name = {"key": plan.key, "step": number, "attempt": attempt}
        is_beyond = number >= len(plan.steps)
        complaints = [*found.complaints, *(["more steps than planned"] * is_beyond)]
        self.ledger.note(
            "begin",
            **name,
            site=int(fields.get("authorization", "x-0").rsplit("-", 1)[1]),
            turns=found.turns,
            complaints=complaints,
        )
        step = Step(size=0, delay=0.0) if is_beyond else plan.steps[number]
        is_faulty = step.fault is not None and attempt <= step.fault.times
        fault = step.fault if is_faulty else None
        if fault:
            self.ledger.note("fault", fault=fault.kind, **name)
        spoken = Spoken(self, reader, writer, plan, number, attempt, body["model"])
        try:
            await spoken.play(step, fault)
        finally:
            self.ledger.note(
                "end", **name, sent=spoken.sent, whole=spoken.is_whole, calls=spoken.ids
            )

    def refuse_for_a_while(self) -> None:
        """Close the door: the next connections are refused by the kernel."""
        if self._closing is None or self._closing.done():
            self._closing = asyncio.create_task(self._reopen())

    async def _reopen(self) -> None:
        if self._server is not None:
            self._server.close()
        await asyncio.sleep(REFUSED_FOR)
        await self.listen()


class Spoken:
    """One answer on its way."""

    def __init__(
        self,
        model: Model,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
        plan: Plan,
        number: int,
        attempt: int,
        name: str,
    ) -> None:
        self.model, self.reader, self.writer = model, reader, writer
        self.plan, self.number = plan, number
        self.attempt, self.name = attempt, name
        self.sent = 0
        self.is_whole = False
        self.ids: list[str] = []
        self._is_begun = False

    async def play(self, step: Step, fault: Fault | None) -> None:
        """Say the step, with its fault."""
        kind = fault.kind if fault else ""
        if kind == "refuse":
            self.model.refuse_for_a_while()
            self.abort()
            return
        if kind in REFUSALS:
            await self.refuse(*REFUSALS[kind])
            return
        if fault and kind in ("reset", "stall", "cut", "error_event"):
            await self.tokens(step, until=min(fault.at, step.size))
            await self.break_off(kind)
            return
        if kind == "huge":
            text = "".join(self.text(i) for i in range(step.size))
            self.sent = step.size
            await self.delta(content=text)
        elif kind == "tiny":
            await self.crumbs(step)
        elif kind != "empty":
            await self.tokens(step, until=step.size)
        await self.calls(step, kind)
        self.sent = step.size
        self.is_whole = True
        self.model.ledger.note("whole", key=self.plan.key, step=self.number)
        await self.chunk({}, "tool_calls" if self.ids else "stop")
        await self.write(b"data: [DONE]\n\n")

    def text(self, index: int) -> str:
        return token(self.plan.key, self.number, index, self.attempt)

    async def tokens(self, step: Step, until: int) -> None:
        for index in range(until):
            self.sent = index + 1  # before: what was sent is never more than this
            await self.delta(content=self.text(index))
            if step.delay:
                await asyncio.sleep(step.delay)

    async def crumbs(self, step: Step) -> None:
        text = "".join(self.text(index) for index in range(step.size))
        self.sent = step.size
        for at in range(0, len(text), 3):
            await self.delta(content=text[at : at + 3])

    async def break_off(self, kind: str) -> None:
        if kind == "reset":
            self.abort()
        elif kind == "stall":
            # Until whoever asks has had enough of it: then the ledger knows what was sent.
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(STALLED_FOR):
                    await self.reader.read()
        elif kind == "error_event":
            error = {"message": "The server had an error.", "type": "server_error"}
            await self.event({"error": {**error, "code": "server_error"}})
        # "cut": the body simply ends, as if it were whole

    async def calls(self, step: Step, kind: str) -> None:
        names = [call.tool for call in step.calls]
        if kind == "unknown_tool":
            names.append("no_such_tool")
        for index, name in enumerate(names):
            number = 0 if kind == "duplicate_ids" else index
            call_id = f"{self.plan.key}-{self.number}-{self.attempt}-{number}"
            seconds = step.calls[index].seconds if index < len(step.calls) else 0.0
            place = {"key": self.plan.key, "place": f"{self.number}.{index}"}
            arguments = json.dumps({**place, "seconds": seconds})
            if kind == "bad_json" and index == len(names) - 1:
                arguments = '{"key": "' + self.plan.key
            self.ids.append(call_id)
            await self.call(index, call_id, name, arguments)

    async def call(self, index: int, call_id: str, name: str, arguments: str) -> None:
        head = {"index": index, "id": call_id, "type": "function"}
        function = {"name": name, "arguments": ""}
        await self.delta(tool_calls=[{**head, "function": function}])
        for at in range(0, len(arguments), 20):
            piece = {"arguments": arguments[at : at + 20]}
            await self.delta(tool_calls=[{"index": index, "function": piece}])

    async def refuse(self, status: int, reason: str, extra: str) -> None:
        error = {"message": reason, "type": "fake", "param": None, "code": "fake"}
        body = json.dumps({"error": error}).encode()
        head = (
            f"HTTP/1.1 {status} {reason}\r\nContent-Type: application/json\r\n{extra}"
        )
        head += f"Content-Length: {len(body)}\r\nConnection: close\r\n\r\n"
        self.writer.write(head.encode() + body)
        await self.writer.drain()

    async def delta(self, **delta: Any) -> None:
        await self.chunk(delta, None)

    async def chunk(self, delta: dict[str, Any], finish: str | None) -> None:
        choice = {"index": 0, "delta": delta, "finish_reason": finish}
        chunk = {"id": "fake", "object": "chat.completion.chunk", "created": 1}
        await self.event({**chunk, "model": self.name, "choices": [choice]})

    async def event(self, data: dict[str, Any]) -> None:
        await self.write(b"data: " + json.dumps(data).encode() + b"\n\n")

    async def write(self, data: bytes) -> None:
        if not self._is_begun:
            self._is_begun = True
            # no length and no chunks: the body ends where the connection does
            self.writer.write(HEADERS.encode() + b"\r\n")
        self.writer.write(data)
        await self.writer.drain()

    def abort(self) -> None:
        """RST instead of FIN."""
        found = self.writer.get_extra_info("socket")
        found.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.writer.transport.abort()


def main() -> None:
    """Serve until somebody ends it."""
    port, path = int(sys.argv[1]), Path(sys.argv[2])
    with contextlib.suppress(KeyboardInterrupt):
        asyncio.run(Model(port, Ledger(path)).serve())


if __name__ == "__main__":
    main()
