"""One listener of one thread: a cursor in the log, a window of what is not acknowledged, a wake-up."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncGenerator, Awaitable, Callable
from uuid import UUID

from django.db.models import Q

from chatkit_app.db import in_thread
from chatkit_app.exceptions import ChatKitError, ThreadNotFound
from chatkit_app.log.doorbell import doorbell
from chatkit_app.log.ring import ring
from chatkit_app.log.snapshot import read_frames, take_snapshot
from chatkit_app.models import Thread
from chatkit_app.protocols.native import (
    error_frame,
    event_frame,
    event_type,
    position_frame,
    reset_frame,
)

READ_ROWS = 300
"""Events that are read from the log at once."""
MAX_REPLAY = 5000
"""Events behind which a snapshot is cheaper for everybody."""
WINDOW = 400
"""Frames that may be on their way to a listener who acknowledges."""
ACKNOWLEDGE_SECONDS = 30.0
"""A listener who has a full window and says nothing for so long is too slow."""
ROOM_BYTES = 1_000_000
"""Unacknowledged bytes of a socket at which its events wait."""
UNREAD_BYTES = 4_000_000
"""Unacknowledged bytes of a socket at which it is too slow: snapshots don't wait."""
ANOTHER_BRANCH = "branch.shown"
"""The event after which a listener needs a snapshot: other messages are shown now."""
POSITION_SECONDS = 2.0
"""How often a quiet thread's position is told: whoever has missed the last event learns of it."""

Check = Callable[[], Awaitable[None]]


class TooSlow(ChatKitError):
    """The listener does not keep up; it may come back with its cursor."""

    code = "too_slow"


class Unread:
    """What one socket was sent and has not acknowledged, in the order in which it was sent.

    Frames arrive in order: whoever acknowledges one has read all that was sent before it, of
    whichever thread.
    """

    def __init__(self) -> None:
        self.size = 0
        self.news = asyncio.Event()
        self._sent: deque[tuple[UUID, int, int]] = deque()

    def add(self, thread: UUID, position: int, frame: str) -> None:
        """A frame is about to be sent.

        Raises:
            TooSlow: So much is never left unread by a page that keeps up.
        """
        size = len(frame.encode())
        self._sent.append((thread, position, size))
        self.size += size
        if self.size > UNREAD_BYTES:
            raise TooSlow("The page does not read.")

    def acknowledge(self, thread: UUID, position: int) -> None:
        """The page has applied everything of this thread up to here."""
        known = [
            place
            for place, (of, at, _size) in enumerate(self._sent)
            if of == thread and at <= position
        ]
        for _ in range(known[-1] + 1 if known else 0):
            self.size -= self._sent.popleft()[2]
        self.news.set()


class Subscription:
    """Frames of one thread, from a position on; lives on the loop of its listener.

    ``check`` is asked before the thread is shown anew: it raises ``ThreadNotFound`` where the listener
    may not see it any more, is told so, and that was it.
    """

    def __init__(
        self, thread: UUID, unread: Unread | None = None, check: Check | None = None
    ) -> None:
        self.thread = thread
        self._unread = unread or Unread()
        self._check = check
        self._epoch = ""
        self._position = 0
        self._acknowledged = 0
        self._news = asyncio.Event()
        self._loop = asyncio.get_running_loop()

    def acknowledge(self, position: int) -> None:
        """The listener has applied everything up to here."""
        if self._acknowledged <= position <= self._position:
            self._acknowledged = position
            self._unread.acknowledge(self.thread, position)

    async def frames(
        self, epoch: str | None, position: int | None
    ) -> AsyncGenerator[str, None]:
        """The frames that bring the listener up to date, then all that come.

        Raises:
            TooSlow: The listener does not acknowledge.
        """
        ring.watch(self.thread, self._wake)
        doorbell.watch(self.thread)
        try:
            yield await self._first_frame(epoch, position)
            while True:
                self._news.clear()
                frames = await self._next()
                if frames is None:
                    yield await self._reset()
                    continue
                if not frames:
                    if not await self._wait():
                        yield position_frame(self.thread, self._epoch, self._position)
                    continue
                for frame in frames:
                    await self._make_room()
                    self._position += 1
                    self._unread.add(self.thread, self._position, frame)
                    yield frame
                    if event_type(frame) == ANOTHER_BRANCH:
                        yield await self._reset()
                        break
        except ThreadNotFound as error:
            yield error_frame(error, thread=self.thread)
        finally:
            ring.unwatch(self.thread, self._wake)
            doorbell.unwatch(self.thread)

    def _wake(self) -> None:
        """Called in whichever thread has committed."""
        if not self._loop.is_closed():
            self._loop.call_soon_threadsafe(self._news.set)

    async def _first_frame(self, epoch: str | None, position: int | None) -> str:
        """Where the listener stands if it can go on from there; else a snapshot to begin with."""
        known = await in_thread(_standing, self.thread)
        can_resume = (
            position is not None
            and epoch == known.epoch
            and known.floor <= position <= known.position
            and known.position - position <= MAX_REPLAY
        )
        if can_resume and position is not None:
            self._epoch = known.epoch
            self._position = self._acknowledged = position
            return position_frame(self.thread, known.epoch, known.position)
        return await self._reset()

    async def _reset(self) -> str:
        if self._epoch and self._check is not None:  # else they were asked just now
            await self._check()
        snapshot = await in_thread(take_snapshot, self.thread)
        self._epoch = snapshot.epoch
        self._position = self._acknowledged = snapshot.position
        frame = reset_frame(
            self.thread, snapshot.epoch, snapshot.position, snapshot.content
        )
        self._unread.add(self.thread, self._position, frame)
        return frame

    async def _next(self) -> list[str] | None:
        """Frames that follow the cursor: from the ring, else from the log; None: pruned meanwhile."""
        rings = ring.rings(self.thread)
        frames = ring.after(self.thread, self._position)
        if frames is not None:
            return frames
        rows = await in_thread(
            read_frames, self.thread, self._position, READ_ROWS, self._epoch
        )
        if rows and rows[0][0] != self._position + 1:
            return None
        if not rows and await in_thread(
            _is_cut, self.thread, self._epoch, self._position
        ):
            return None
        if len(rows) < READ_ROWS:
            ring.note(self.thread, self._position + len(rows), rings=rings)
        return [event_frame(self.thread, position, text) for position, text in rows]

    async def _wait(self) -> bool:
        """Wait for news; False when none came for a while."""
        try:
            async with asyncio.timeout(POSITION_SECONDS):
                await self._news.wait()
        except TimeoutError:
            return False
        return True

    async def _make_room(self) -> None:
        """Wait until the listener has acknowledged enough."""
        if not self._is_full():
            return  # nearly always; a timeout costs as much as the frame's own way
        try:
            async with asyncio.timeout(ACKNOWLEDGE_SECONDS):
                while self._is_full():
                    self._unread.news.clear()
                    await self._unread.news.wait()
        except TimeoutError:
            raise TooSlow("The page does not keep up.") from None

    def _is_full(self) -> bool:
        is_behind = self._position - self._acknowledged >= WINDOW
        return is_behind or self._unread.size >= ROOM_BYTES


def _standing(thread: UUID) -> Thread:
    return Thread.objects.only("epoch", "position", "floor").get(pk=thread)


def _is_cut(thread: UUID, epoch: str, position: int) -> bool:
    """Is what follows the position gone, and with it every event that would tell so?"""
    goes_on = Q(epoch=epoch, floor__lte=position)
    return Thread.objects.filter(~goes_on, pk=thread).exists()
