"""The last committed frames of the threads that somebody watches in this process, and who watches.

A cache in front of the log and nothing more: what is not here is read from the database.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Sequence
from itertools import islice
from uuid import UUID

LENGTH = 1000
"""Frames that are kept of a watched thread."""

Wake = Callable[[], None]


class _Watched:
    """One thread's frames: plain strings and the number of the last, to spare the garbage collector."""

    __slots__ = ("frames", "last", "rings", "wakes")

    def __init__(self) -> None:
        self.frames: deque[str] = deque(maxlen=LENGTH)
        self.last = 0
        self.rings = 0
        self.wakes: set[Wake] = set()


class Ring:
    """Safe to use from any thread. A ``wake`` is called from the thread that committed."""

    def __init__(self) -> None:
        self._threads: dict[UUID, _Watched] = {}
        self._lock = threading.Lock()

    def watch(self, thread: UUID, wake: Wake) -> None:
        """Call ``wake`` whenever something may be new in this thread."""
        with self._lock:
            self._threads.setdefault(thread, _Watched()).wakes.add(wake)

    def unwatch(self, thread: UUID, wake: Wake) -> None:
        """Undo it; with the last watcher the thread's frames go."""
        with self._lock:
            watched = self._threads.get(thread)
            if watched is not None:
                watched.wakes.discard(wake)
                if not watched.wakes:
                    del self._threads[thread]

    def watched(self) -> list[UUID]:
        """The threads that somebody watches."""
        with self._lock:
            return list(self._threads)

    def is_watched(self, thread: UUID) -> bool:
        """Does anybody here?"""
        with self._lock:
            return thread in self._threads

    def add(self, thread: UUID, first: int, frames: Sequence[str]) -> None:
        """Keep committed frames, the first at position ``first``, and wake who watches."""
        with self._lock:
            watched = self._threads.get(thread)
            if watched is None:
                return
            if watched.last >= first:
                # Two commits were published out of order; the readers go to the log.
                watched.frames.clear()
                watched.last = max(watched.last, first + len(frames) - 1)
            else:
                if watched.last != first - 1:
                    watched.frames.clear()
                watched.frames.extend(frames)
                watched.last = first + len(frames) - 1
            wakes = list(watched.wakes)
        for wake in wakes:
            wake()

    def ring(self, thread: UUID) -> None:
        """Another process may have committed: wake who watches, the log will tell."""
        with self._lock:
            watched = self._threads.get(thread)
            if watched is None:
                return
            watched.frames.clear()
            watched.last = 0
            watched.rings += 1
            wakes = list(watched.wakes)
        for wake in wakes:
            wake()

    def rings(self, thread: UUID) -> int:
        """How often others have rung for it: what is read from now on is not older than this."""
        with self._lock:
            watched = self._threads.get(thread)
            return watched.rings if watched else 0

    def note(self, thread: UUID, position: int, *, rings: int) -> None:
        """A reader has found the log to reach this position, in a reading begun after ``rings``.

        What was rung for since it may have missed: then it says nothing.
        """
        with self._lock:
            watched = self._threads.get(thread)
            if watched is None or watched.rings != rings:
                return
            if watched.last < position:
                watched.frames.clear()
                watched.last = position

    def last(self, thread: UUID) -> int:
        """The newest position that this process knows of."""
        with self._lock:
            watched = self._threads.get(thread)
            return watched.last if watched else 0

    def after(self, thread: UUID, position: int) -> list[str] | None:
        """The frames that follow ``position``; None where only the log can tell."""
        with self._lock:
            watched = self._threads.get(thread)
            if watched is None or not watched.last:
                return None
            missing = watched.last - position
            if missing <= 0:
                return []
            if missing > len(watched.frames):
                return None
            return list(islice(watched.frames, len(watched.frames) - missing, None))


ring = Ring()
