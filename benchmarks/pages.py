"""The pages: WebSocket clients that ask, read, acknowledge and run the client tool."""

from __future__ import annotations

import asyncio
import json
import time
import urllib.request
import uuid
from abc import ABC, abstractmethod
from http.cookies import SimpleCookie
from typing import Any, Self

import websockets

from benchmarks.servers import Server
from benchmarks.tokens import Answer, NotWhole

Frame = dict[str, Any]

WAIT = 30.0  # seconds until an answer that does not end fails the run
OUTPUT = {"text": "A page."}


class Page(ABC):
    """A page that stays for some answers."""

    def __init__(self, server: Server, path: str, headers: dict[str, str]) -> None:
        self._url = server.url.replace("http", "ws") + path
        self._headers = headers
        self._origin = server.url
        self._socket: Any = None

    async def __aenter__(self) -> Self:
        self._socket = await websockets.connect(
            self._url,
            origin=self._origin,  # type: ignore[arg-type]
            additional_headers=self._headers,
            max_size=None,
            compression=None,  # Daphne has none
        )
        await self.open()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._socket.close()

    async def open(self) -> None:
        """Have one answer that nobody measures."""
        await self.ask("burst 1")

    async def ask(self, text: str) -> Answer:
        """Ask, and read the whole answer.

        Raises:
            NotWhole: The answer is not as the provider has given it.
        """
        try:
            async with asyncio.timeout(WAIT):
                return await self._ask(text)
        except (TimeoutError, websockets.ConnectionClosed) as error:
            raise NotWhole(f"{text!r} was not answered.") from error

    @abstractmethod
    async def _ask(self, text: str) -> Answer: ...

    async def check_kept(self, answer: Answer) -> None:
        """Is what was shown also what is kept? Nothing, where nothing is kept."""

    async def _send(self, **frame: Any) -> None:
        await self._socket.send(json.dumps(frame))

    async def _next(self) -> Frame:
        frame: Frame = json.loads(await self._socket.recv())
        return frame


class LimitPage(Page):
    """Speaks with the bare consumers."""

    async def _ask(self, text: str) -> Answer:
        answer = Answer(time.monotonic_ns())
        await self._send(type="send", text=text)
        while True:
            frame = await self._next()
            if frame["type"] == "delta":
                answer.add(frame["delta"])
            elif frame["type"] == "call":
                answer.shown_at = time.monotonic_ns()
                await self._send(type="answer", id=frame["id"], output=OUTPUT)
            else:
                return answer


class OurPage(Page):
    """Speaks the app's protocol as its own client does: claims a call before it answers it."""

    def __init__(self, server: Server) -> None:
        super().__init__(server, "/chatkit/ws/", {})
        self._server = server
        self._tab = uuid.uuid4().hex
        self._thread: str | None = None
        self._position = self._acknowledged = 0
        self._is_text = False
        self._call = self._claim = ""
        self._acknowledging: asyncio.Task[None] | None = None

    async def __aenter__(self) -> Self:
        # Each page is another visitor: nobody is near the limits, whose cost grows with what one asks.
        cookie = await asyncio.to_thread(visitor_cookie, self._server)
        self._headers["Cookie"] = cookie
        return await super().__aenter__()

    async def __aexit__(self, *_: object) -> None:
        if self._acknowledging is not None:
            self._acknowledging.cancel()
        await super().__aexit__()

    async def open(self) -> None:
        """Make the thread, and watch it when its first answer has ended."""
        await self._next()
        accepted = await self._command(
            type="send", assistant="bench", text="burst 1", thread=None
        )
        self._thread = accepted["thread"]
        async with asyncio.timeout(WAIT):
            await self._snapshot()
        self._acknowledging = asyncio.create_task(self._acknowledge())

    async def _snapshot(self) -> Frame:
        """Watch the thread from a snapshot whose run has ended."""
        while True:
            await self._send(type="subscribe", thread=self._thread)
            while (frame := await self._next())["type"] != "reset":
                pass
            self._position = self._acknowledged = frame["position"]
            found: Frame = frame["snapshot"]
            if found["run"]["status"] == "completed":
                return found

    async def _command(self, **frame: Any) -> Frame:
        command = uuid.uuid4().hex
        await self._send(**frame, id=command, tab=self._tab)
        while (found := await self._next()).get("id") != command:
            pass
        return _accepted(found)

    async def _ask(self, text: str) -> Answer:
        answer = Answer(time.monotonic_ns())
        await self._send(
            type="send",
            id=uuid.uuid4().hex,
            assistant="bench",
            text=text,
            thread=self._thread,
            tab=self._tab,
        )
        self._claim = self._call = ""
        while True:
            frame = await self._next()
            if frame["type"] == "event":
                if await self._apply(frame, answer):
                    return answer
            elif frame["type"] != "position":
                _accepted(frame)
                if frame["id"] == self._claim:
                    await self._about_call("answer", output=OUTPUT)

    async def _apply(self, frame: Frame, answer: Answer) -> bool:
        """Take an event in; is it the end of the run?"""
        if frame["position"] != self._position + 1:
            raise NotWhole(f"Event {self._position + 1} did not come.")
        self._position += 1
        event = frame["event"]
        match event["type"]:
            case "part.started":
                self._is_text = event["kind"] == "text"
            case "part.delta" if self._is_text:
                answer.add(event["delta"])
            case "tool_call.changed" if event["status"] == "waiting":
                answer.shown_at = time.monotonic_ns()
                self._call = event["toolCallId"]
                self._claim = await self._about_call("claim")
            case "run.changed" if event["status"] in ("failed", "cancelled"):
                raise NotWhole(f"The run has {event['status']}.")
            case "run.changed":
                return bool(event["status"] == "completed")
        return False

    async def _about_call(self, kind: str, **fields: Any) -> str:
        command = uuid.uuid4().hex
        await self._send(
            type=kind,
            id=command,
            thread=self._thread,
            toolCall=self._call,
            tab=self._tab,
            **fields,
        )
        return command

    async def _acknowledge(self) -> None:
        """Every 20 events or every second, and at most ten times a second."""
        told_at = time.monotonic()
        while True:
            await asyncio.sleep(0.1)
            behind = self._position - self._acknowledged
            is_due = behind >= 20 or (behind and time.monotonic() - told_at >= 1)
            if is_due:
                told_at, self._acknowledged = time.monotonic(), self._position
                await self._send(
                    type="acknowledge", thread=self._thread, position=self._position
                )

    async def check_kept(self, answer: Answer) -> None:
        """The newest message of a new snapshot says what was shown.

        Raises:
            NotWhole: It does not.
        """
        async with asyncio.timeout(WAIT):
            snapshot = await self._snapshot()
        parts = snapshot["messages"][-1]["parts"]
        kept = "".join(part["content"] for part in parts if part["type"] == "text")
        if kept != answer.text:
            raise NotWhole("What was shown is not what is kept.")


def _accepted(frame: Frame) -> Frame:
    if frame["type"] != "accepted":
        raise NotWhole(f"Not accepted: {frame}")
    return frame


def visitor_cookie(server: Server) -> str:
    """Become an anonymous visitor of the app's site."""
    request = urllib.request.Request(
        f"{server.url}/chatkit/visitor/", data=b"{}", method="POST"
    )
    with urllib.request.urlopen(request, timeout=10) as answer:
        found = SimpleCookie(answer.headers["Set-Cookie"])
    return "; ".join(f"{name}={cookie.value}" for name, cookie in found.items())
