"""One page: a socket that follows docs/protocol.md to the letter and comes back whatever happens."""

from __future__ import annotations

import asyncio
import contextlib
import json
import socket
import struct
import time
import uuid
from collections.abc import Callable, Coroutine
from random import Random
from typing import Any, Protocol

import websockets
from websockets.asyncio.client import ClientConnection, connect

from tests.faults.complaints import Complaints
from tests.faults.fold import Fold, Json, Unfit
from tests.faults.record import Record

LOST = (OSError, TimeoutError, EOFError, websockets.WebSocketException)
ACKNOWLEDGE_EVENTS = 20
ACKNOWLEDGE_SECONDS = 1.0
LONGEST_PAUSE = 1.0
"""Seconds between two attempts; a page waits up to thirty, but we want to see much."""
SILENCE_SECONDS = 8.0
"""A server that tells positions every few seconds and is silent for so long is gone."""
ANSWER_SECONDS = 60.0
"""How long a command may take, with all the resending that faults make necessary."""
DOCUMENTED_CLOSES = {1000, 1001, 1005, 1006, 1011, 1012, 4008, 4012, 4500}
NOT_REPEATED = ("claim", "release")


class Door(Protocol):
    """Where a page can reach the site, and with which cookie."""

    cookie: str

    def port(self) -> int:
        """Of one of its web processes."""


class Tab:
    """A page that watches one thread; ``thread`` is empty until a message has made it."""

    def __init__(
        self,
        door: Door,
        complaints: Complaints,
        random: Random,
        *,
        record: Record | None = None,
        is_small: bool = False,
        on_change: Callable[[Tab], None] = lambda _tab: None,
    ) -> None:
        self.name = uuid.uuid4().hex
        self.door, self.complaints, self.random = door, complaints, random
        self.record = record
        self.fold: Fold | None = None
        self.epoch = ""
        self.position = 0
        self.is_told = asyncio.Event()
        self.is_reading = asyncio.Event()
        self.is_reading.set()
        self.is_closed = False
        self.outcomes: dict[str, list[Json]] = {}
        self.reused: set[str] = set()
        """Ids that were used for another command as well, on purpose."""
        self._is_small = is_small
        self._on_change = on_change
        self._outbox: dict[str, Json] = {}
        self._waiting: dict[str, asyncio.Future[Json | None]] = {}
        self._socket: ClientConnection | None = None
        self._unacknowledged = 0
        self._behind_since: float | None = None
        self._asked_from: int | None = None
        self._task = asyncio.create_task(self._live())

    # -- what a test does with it ------------------------------------------------

    async def ask(self, type: str, *, twice: bool = False, **fields: Any) -> Json:  # noqa: A002
        """Send a command, again and again with its id until it is answered; its outcome.

        A claim is not repeated: if the line is lost first, the outcome's type is ``lost``.
        """
        command_id = str(fields.pop("id", None) or uuid.uuid4())
        frame = {"type": type, "id": command_id, **fields}
        until = time.monotonic() + ANSWER_SECONDS
        while time.monotonic() < until:
            if self.is_closed:
                raise asyncio.CancelledError
            outcome = await self._outcome(frame, until, twice=twice)
            if outcome is None:
                break
            if not _is_passing(outcome):
                return outcome
            self.complaints.count(f"{outcome['code']} answered, asked again")
            if type in NOT_REPEATED:
                return {"type": "lost"}
            await asyncio.sleep(max(0.3, outcome.get("retryMs", 0) / 1000))
        self.complaints.add("commands", f"{type} was never answered", id=command_id)
        return {"type": "lost"}

    async def _outcome(self, frame: Json, until: float, *, twice: bool) -> Json | None:
        command_id = frame["id"]
        future: asyncio.Future[Json | None] = asyncio.get_running_loop().create_future()
        self._waiting[command_id] = future
        if frame["type"] not in NOT_REPEATED:
            self._outbox[command_id] = frame
        elif self._socket is None:
            return {"type": "lost"}
        for _ in range(1 + twice):
            await self._send(frame)
        try:
            async with asyncio.timeout(max(0.1, until - time.monotonic())):
                return await future
        except TimeoutError:
            return None
        finally:
            self._outbox.pop(command_id, None)
            self._waiting.pop(command_id, None)

    @property
    def is_busy(self) -> bool:
        """Does it wait for the outcome of something?"""
        return bool(self._waiting)

    def watch(self, record: Record) -> None:
        """The thread is known now: subscribe to it."""
        self.record = record
        self._soon(self._subscribe())

    def reset(self) -> None:
        """RST: the line is lost without a word."""
        if self._socket is None:
            return
        found = self._socket.transport.get_extra_info("socket")
        with contextlib.suppress(OSError):
            linger = struct.pack("ii", 1, 0)
            found.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
        self._socket.transport.abort()

    async def close(self) -> None:
        """The page is closed."""
        self.is_closed = True
        self._task.cancel()
        # Not awaited itself: a cancellation of whoever closes would be taken for the task's own.
        await asyncio.gather(self._task, return_exceptions=True)
        for future in self._waiting.values():
            if not future.done():
                future.cancel()

    # -- the line ---------------------------------------------------------------

    async def _live(self) -> None:
        pause = 0.1
        while not self.is_closed:
            begun = time.monotonic()
            try:
                await self._visit()
            except LOST as error:
                if self._socket is not None and isinstance(error, TimeoutError):
                    self.complaints.count("left a silent server")
            except (Unfit, KeyError, ValueError) as error:
                self._complain("frames", f"{type(error).__name__}: {error}")
                self._forget()
            finally:
                self._leave()
            if time.monotonic() - begun > 5:
                pause = 0.1
            await asyncio.sleep(self.random.uniform(0, pause))
            pause = min(LONGEST_PAUSE, pause * 2)

    async def _visit(self) -> None:
        port = self.door.port()
        async with connect(
            f"ws://127.0.0.1:{port}/chatkit/ws/",
            sock=await _line(port, is_small=self._is_small),  # the connection's, now
            origin=f"http://127.0.0.1:{port}",  # type: ignore[arg-type]
            additional_headers={"Cookie": self.door.cookie},
            max_size=None,
            max_queue=4,
            open_timeout=4,
            close_timeout=1,
            ping_interval=None,
        ) as found:
            await self._converse(found)

    async def _converse(self, found: ClientConnection) -> None:
        hello = json.loads(await asyncio.wait_for(found.recv(), 5))
        if hello["type"] != "hello":
            self._complain("frames", f"the first frame is {hello['type']}")
        self._socket = found
        await self._subscribe()
        for frame in list(self._outbox.values()):
            await self._send(frame)
        ticking = asyncio.create_task(self._tick())
        try:
            while True:
                await self.is_reading.wait()
                patience = SILENCE_SECONDS if self.record else None
                async with asyncio.timeout(patience):
                    text = await found.recv()
                await self._take(json.loads(text))
        finally:
            ticking.cancel()

    def _leave(self) -> None:
        found, self._socket = self._socket, None
        self._behind_since = self._asked_from = None
        self.is_told.clear()
        if self.is_closed:
            return  # it is us who went
        if found is not None and found.close_code is not None:
            code = found.close_code
            self.complaints.count(f"closed with {code}")
            if code not in DOCUMENTED_CLOSES:
                self._complain("closes", f"the socket was closed with {code}")
        for command_id, future in list(self._waiting.items()):
            if command_id not in self._outbox and not future.done():
                future.set_result({"type": "lost"})

    def _forget(self) -> None:
        """Begin from a snapshot: what is here is not to be trusted."""
        self.fold, self.epoch, self.position = None, "", 0

    async def _subscribe(self) -> None:
        if self.record is None:
            return
        cursor = {"epoch": self.epoch, "position": self.position} if self.epoch else {}
        frame = {"type": "subscribe", "thread": self.record.thread, **cursor}
        await self._send(frame)

    async def _send(self, frame: Json) -> None:
        if self._socket is not None:
            with contextlib.suppress(*LOST):
                async with asyncio.timeout(5):
                    await self._socket.send(json.dumps(frame))

    def _soon(self, doing: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(doing)
        task.add_done_callback(lambda done: done.cancelled() or done.exception())

    async def _tick(self) -> None:
        while True:
            await asyncio.sleep(ACKNOWLEDGE_SECONDS)
            if self.is_reading.is_set():
                await self._acknowledge()
            since = self._behind_since
            if since is not None and time.monotonic() - since > 2.0:
                self.complaints.count("asked again: a position was ahead")
                self._behind_since, self._asked_from = None, self.position
                await self._subscribe()

    async def _acknowledge(self) -> None:
        if self._unacknowledged and self.record is not None:
            self._unacknowledged = 0
            thread = self.record.thread
            await self._send(
                {"type": "acknowledge", "thread": thread, "position": self.position}
            )

    # -- what comes -------------------------------------------------------------

    async def _take(self, frame: Json) -> None:
        kind = frame["type"]
        if kind in ("accepted", "error") and frame.get("id"):
            self._answered(frame)
        elif kind == "event":
            self._event(frame)
            if self._unacknowledged >= ACKNOWLEDGE_EVENTS:
                await self._acknowledge()
        elif kind == "reset":
            self._reset(frame)
        elif kind == "position":
            self._stands(frame)
        elif kind == "ping":
            await self._send({"type": "pong"})
        elif kind == "error":
            self._refused(frame)
        self._on_change(self)

    def _answered(self, frame: Json) -> None:
        command_id = frame["id"]
        earlier = self.outcomes.setdefault(command_id, [])
        for other in earlier:
            is_conflict = frame.get("code") == "command_conflict"
            if not _may_follow(other, frame) and not (
                is_conflict and command_id in self.reused
            ):
                self._complain("commands", f"{other} and then {frame}")
        earlier.append(frame)
        future = self._waiting.get(command_id)
        if future is not None and not future.done():
            future.set_result(frame)

    def _event(self, frame: Json) -> None:
        position = frame["position"]
        if self.fold is None or self.record is None:
            raise Unfit(f"an event at {position} before a snapshot")
        if (
            self._asked_from is not None
            and self._asked_from < position <= self.position
        ):
            return  # was on its way when we asked again
        if position != self.position + 1:
            raise Unfit(f"the event at {position} came after {self.position}")
        self.record.see_event(position, frame["event"])
        self.fold.apply(frame["event"])
        self.position = position
        self._behind_since = None
        self._unacknowledged += 1

    def _reset(self, frame: Json) -> None:
        assert self.record is not None
        if self.epoch:
            self.complaints.count("resets of a page that had a cursor")
        if self.epoch == frame["epoch"] and frame["position"] < self.position:
            text = f"reset to {frame['position']} of a page that was shown"
            self._complain("committed first", f"{text} {self.position}")
        self.record.see_snapshot(frame["epoch"], frame["position"], frame["snapshot"])
        self.fold = Fold(frame["snapshot"])
        self.epoch, self.position = frame["epoch"], frame["position"]
        self._unacknowledged += 1
        self._asked_from = None
        self.is_told.set()

    def _stands(self, frame: Json) -> None:
        self.is_told.set()
        if frame["epoch"] != self.epoch:
            self._complain("epochs", f"{self.epoch} became {frame['epoch']}")
        if frame["position"] > self.position:
            self._behind_since = self._behind_since or time.monotonic()
        elif frame["position"] < self.position:
            text = f"the thread is at {frame['position']}, the page was shown"
            self._complain("committed first", f"{text} {self.position}")

    def _refused(self, frame: Json) -> None:
        if frame["code"] == "internal":  # the database is away
            self.complaints.count("subscribe answered with internal")
            self.reset()
        else:
            self._complain("frames", f"refused: {frame}")

    def _complain(self, rule: str, text: str) -> None:
        thread = self.record.thread if self.record else "-"
        self.complaints.add(rule, text, thread=thread, tab=self.name[:8])


def _is_passing(outcome: Json) -> bool:
    return outcome.get("code") in ("internal", "rate_limited")


def _may_follow(first: Json, second: Json) -> bool:
    """May the same command have these two outcomes? Once accepted, it stays accepted."""
    if first["type"] == "accepted":
        return second == first or _is_passing(second)
    return True


async def _line(port: int, *, is_small: bool) -> socket.socket:
    """A socket; a small one buffers so little that whoever does not read is noticed."""
    line = socket.socket()
    try:
        if is_small:
            line.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        line.setblocking(False)
        async with asyncio.timeout(3):
            loop = asyncio.get_running_loop()
            await loop.sock_connect(line, ("127.0.0.1", port))
    except BaseException:
        line.close()
        raise
    return line
