"""A bell for each owner: "something in your list of threads has changed"; and one for the staff's approvals.

Rung after the commit, and only by the few events that a list shows: a delta rings nothing. Whose the
thread is, is read afterwards, for all threads that have rung in a moment, in one query, so that no
token waits for it. Between processes the channel layer carries the ring; losing it costs the time
until the lists that somebody watches here are looked at again.
"""

from __future__ import annotations

import asyncio
import logging
import threading
from collections.abc import AsyncGenerator, Callable, Collection, Iterable, Sequence
from concurrent.futures import Future
from contextlib import asynccontextmanager
from uuid import UUID

from chatkit_app.background import background
from chatkit_app.db import in_thread
from chatkit_app.engine import events
from chatkit_app.log.doorbell import Doorbell, doorbell
from chatkit_app.log.lists import (
    Bell,
    Standing,
    bells_of,
    is_listed,
    is_of_approvals,
    standings,
)

logger = logging.getLogger(__name__)

TOGETHER_SECONDS = 0.05
"""What rings so close together is one."""
LOOK_SECONDS = 1.0
"""How often watched lists are looked at where no layer reaches other processes."""
LOOK_SHARED_SECONDS = 5.0
"""How often where one does: for the rings that it has lost."""

UNREAD: Standing = ("unread",)
"""Of a list that could not be read: whatever is read then is news."""

Wake = Callable[[], object]


class OwnerBell:
    """Safe to use from any thread. A ``wake`` is called on the background loop."""

    def __init__(self, others: Doorbell) -> None:
        self._others = others
        self._lock = threading.Lock()
        self._forget()

    def _forget(self) -> None:
        self._wakes: dict[Bell, set[Wake]] = {}
        self._groups: dict[str, Bell] = {}  # of those that somebody watches
        self._threads: dict[UUID, bool] = {}
        self._bells: set[Bell] = set()
        self._heard: set[Bell] = set()
        self._is_planned = False
        self._seen: dict[Bell, Standing] = {}  # the background loop's
        self._looking: Future[None] | None = None

    def stop(self) -> None:
        """Forget it; the background loop's end has ended the task."""
        with self._lock:
            self._forget()

    def ring_events(self, thread: UUID, told: Sequence[events.AnyEvent]) -> None:
        """Ring for what has happened in a thread, if a list shows it. Only after the commit."""
        approvals = is_of_approvals(told)
        if approvals or is_listed(told):
            self.ring_thread(thread, approvals=approvals)

    def ring_thread(self, thread: UUID, *, approvals: bool = False) -> None:
        """Ring for the thread's owner, whoever that is. Returns at once; only after the commit."""
        if not self._can_be_heard():
            return
        with self._lock:
            self._threads[thread] = approvals or self._threads.get(thread, False)
        self._plan()

    def ring(self, bells: Iterable[Bell]) -> None:
        """Ring these. Returns at once; only after the commit."""
        if not self._can_be_heard():
            return
        with self._lock:
            self._bells.update(bells)
        self._plan()

    @asynccontextmanager
    async def watched(self, bell: Bell, wake: Wake) -> AsyncGenerator[None, None]:
        """Within, ``wake`` is called whenever the bell has rung: no change is missed from here on."""
        with self._lock:
            self._wakes.setdefault(bell, set()).add(wake)
            self._groups[bell.group] = bell
            if self._looking is None:
                self._others.hear_owners(self._followed, self._hear)
                self._looking = background.spawn(self._look_again_and_again())
        try:
            await asyncio.wrap_future(background.spawn(self._begin(bell)))
            yield
        finally:
            self._unwatch(bell, wake)

    def _unwatch(self, bell: Bell, wake: Wake) -> None:
        with self._lock:
            wakes = self._wakes.get(bell, set())
            wakes.discard(wake)
            if wakes:
                return
            self._wakes.pop(bell, None)
            self._groups.pop(bell.group, None)
        self._others.follow(bell.group)

    async def _begin(self, bell: Bell) -> None:
        """From here on the ring is heard, and how the list stands is known."""
        await asyncio.wrap_future(self._others.follow(bell.group))
        # Known of another socket: that one's page has not heard of what is new since.
        if bell not in self._seen:
            await self._note({bell})

    def _can_be_heard(self) -> bool:
        return bool(self._wakes) or self._others.reaches_others

    def _watched(self) -> set[Bell]:
        with self._lock:
            return set(self._wakes)

    def _followed(self) -> set[str]:
        with self._lock:
            return set(self._groups)

    def _plan(self) -> None:
        with self._lock:
            if self._is_planned:
                return
            self._is_planned = True
        background.spawn(self._ring())

    def _hear(self, group: str) -> None:
        """Another process has rung."""
        with self._lock:
            if bell := self._groups.get(group):
                self._heard.add(bell)
        if bell:
            self._plan()

    async def _ring(self) -> None:
        await asyncio.sleep(TOGETHER_SECONDS)
        with self._lock:
            threads, self._threads = self._threads, {}
            bells, self._bells = self._bells, set()
            heard, self._heard = self._heard, set()
            self._is_planned = False
        try:
            bells |= await in_thread(bells_of, threads) if threads else set()
        except Exception:
            logger.warning("Whose threads have changed can't be read.", exc_info=True)
        for bell in bells:
            self._others.ring_owner(bell.group)
        if rung := (bells | heard) & self._watched():
            await self._note(rung)  # so that a look wakes nobody again
            self._wake(rung)

    def _wake(self, bells: Collection[Bell]) -> None:
        with self._lock:
            wakes = [wake for bell in bells for wake in self._wakes.get(bell, ())]
        for wake in wakes:
            wake()

    async def _note(self, bells: Collection[Bell]) -> set[Bell]:
        """Read how the lists stand; those that stand otherwise than was known here."""
        try:
            found = await in_thread(standings, bells)
        except Exception:
            logger.warning("How lists of threads stand can't be read.", exc_info=True)
            self._seen.update(dict.fromkeys(bells, UNREAD))
            return set()
        # One that was never read has nothing to differ from: its page reads the list to begin with.
        known = self._seen.keys()
        changed = {b for b in bells if b in known and self._seen[b] != found[b]}
        self._seen.update(found)
        return changed

    async def _look_again_and_again(self) -> None:
        while True:
            is_shared = self._others.reaches_others
            await asyncio.sleep(LOOK_SHARED_SECONDS if is_shared else LOOK_SECONDS)
            watched = self._watched()
            self._seen = {b: seen for b, seen in self._seen.items() if b in watched}
            if watched:
                self._wake(await self._note(watched))


owner_bell = OwnerBell(doorbell)
