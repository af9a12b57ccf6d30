"""The channel layer, as a doorbell between processes: "something is new in this thread", or run.

Losing, repeating or reordering a ring changes latency only: once a second all watched threads'
positions are read in one query, and whoever is behind is woken.
"""

from __future__ import annotations

import asyncio
import logging
import threading
from collections.abc import Callable, Collection
from concurrent.futures import Future
from typing import Any
from uuid import UUID, uuid4

from channels.layers import InMemoryChannelLayer, get_channel_layer

from chatkit_app.background import background
from chatkit_app.db import in_thread
from chatkit_app.log.ring import ring
from chatkit_app.models import Thread

logger = logging.getLogger(__name__)

POLL_SECONDS = 1.0
RETRY_SECONDS = 1.0
MESSAGE_TYPE = "chatkit.bell"
"""One type for ever: a process of another version must know it."""
JOIN_SECONDS = 1.0
"""What the layer may take until an owner's rings are heard."""
RUNS = "chatkit.runs"
"""The group of those who carry runs."""


def _group(thread: UUID) -> str:
    return f"chatkit.{thread.hex}"


class Doorbell:
    """Rings at the other processes' doors and listens at this one's, on the background loop."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._is_started = False
        self._channel = ""
        self._joining = asyncio.Lock()
        self._hear_run: Callable[[UUID], object] | None = None
        self._hear_job: Callable[[UUID], object] | None = None
        self._hear_owner: Callable[[str], object] | None = None
        self._owners: Callable[[], Collection[str]] = tuple
        self._is_up = asyncio.Event()
        self._by = uuid4().hex  # a process does not heed its own ring for an owner

    def start(self) -> None:
        """Listen and poll, once a process."""
        with self._lock:
            if self._is_started:
                return
            self._is_started = True
        background.spawn(self._poll())
        if self._shared_layer() is not None:
            background.spawn(self._listen())

    def stop(self) -> None:
        """Forget it; the background loop's end has ended the tasks."""
        with self._lock:
            self._is_started = False
            self._channel, self._joining = "", asyncio.Lock()
            self._is_up, self._hear_owner, self._owners = asyncio.Event(), None, tuple
            self._hear_run = None

    @property
    def reaches_others(self) -> bool:
        """Is there a layer that other processes hear?"""
        return self._shared_layer() is not None

    def ring(self, thread: UUID, position: int) -> None:
        """Tell the other processes that the thread has come to this position.

        Returns at once, from any thread; errors cost a second.
        """
        if self._shared_layer() is not None:
            background.spawn(self._send(thread, position))

    def watch(self, thread: UUID) -> None:
        """Hear the rings for this thread from now on."""
        if self._shared_layer() is not None:
            background.spawn(self._join(thread))

    def unwatch(self, thread: UUID) -> None:
        """Hear them no more, unless somebody else here still watches."""
        if self._shared_layer() is not None:
            background.spawn(self._join(thread))

    def ring_run(self, run: UUID) -> None:
        """Tell those who carry runs that this one is to be carried, or to be cancelled.

        Its row says which. Returns at once, from any thread; errors cost a moment.
        """
        if self._shared_layer() is not None:
            background.spawn(self._ring(RUNS, run=str(run)))

    def ring_job(self, tool_call: UUID) -> None:
        """Tell those who carry runs that this job of theirs may begin. Returns at once."""
        if self._shared_layer() is not None:
            background.spawn(self._ring(RUNS, job=str(tool_call)))

    def ring_owner(self, group: str) -> None:
        """Tell the other processes that an owner's list is another one. Returns at once."""
        if self._shared_layer() is not None:
            background.spawn(self._ring(group, owner=group, by=self._by))

    def hear_owners(
        self, groups: Callable[[], Collection[str]], hear: Callable[[str], object]
    ) -> None:
        """Call ``hear`` on the background loop when another process rings for one of the groups."""
        self._owners, self._hear_owner = groups, hear

    def follow(self, group: str) -> Future[None]:
        """Be in an owner's group as long as it is one of theirs; ends when the rings are heard."""
        if self._shared_layer() is not None:
            return background.spawn(self._follow(group))
        heard: Future[None] = Future()
        heard.set_result(None)
        return heard

    def hear_runs(
        self,
        hear: Callable[[UUID], object],
        *,
        hear_job: Callable[[UUID], object] | None = None,
    ) -> None:
        """Call these on the background loop when somebody rings for a run, or for a job."""
        self._hear_run, self._hear_job = hear, hear_job
        if self._shared_layer() is not None:
            background.spawn(self._join_runs())

    def _shared_layer(self) -> Any:
        """The layer, where it reaches other processes; within this one the ring wakes by itself."""
        layer = get_channel_layer()
        return (
            None if layer is None or isinstance(layer, InMemoryChannelLayer) else layer
        )

    async def _send(self, thread: UUID, position: int) -> None:
        await self._ring(_group(thread), thread=str(thread), position=position)

    async def _ring(self, group: str, **told: object) -> None:
        try:
            await self._shared_layer().group_send(group, {"type": MESSAGE_TYPE, **told})
        except Exception:  # noqa: BLE001 (border to the layer: a lost ring costs a second)
            logger.debug("The doorbell of %s did not ring.", group)

    async def _join_runs(self) -> None:
        if not self._channel:
            return  # the listener joins when it comes up
        try:
            await self._shared_layer().group_add(RUNS, self._channel)
        except Exception:  # noqa: BLE001 (border to the layer: the sweeps go on)
            logger.debug("The doorbell of the runs can't be watched.")

    async def _join(self, thread: UUID) -> None:
        """Be in the thread's group if it is watched, else not: so the order of calls can't matter."""
        if not self._channel:
            return  # the listener joins all watched threads when it comes up
        layer = self._shared_layer()
        try:
            async with self._joining:
                if ring.is_watched(thread):
                    await layer.group_add(_group(thread), self._channel)
                else:
                    await layer.group_discard(_group(thread), self._channel)
        except Exception:  # noqa: BLE001 (border to the layer: polling goes on)
            logger.debug("The doorbell of thread %s can't be watched.", thread)

    async def _follow(self, group: str) -> None:
        layer = self._shared_layer()
        try:
            async with asyncio.timeout(JOIN_SECONDS):
                await self._is_up.wait()
                async with self._joining:
                    if group in self._owners():
                        await layer.group_add(group, self._channel)
                    else:
                        await layer.group_discard(group, self._channel)
        except Exception:  # noqa: BLE001 (border to the layer: the lists are looked at)
            logger.debug("The doorbell of %s can't be watched.", group)

    async def _listen(self) -> None:
        while True:
            try:
                await self._receive(self._shared_layer())
            except Exception as error:  # noqa: BLE001 (border to the layer: polling goes on)
                logger.warning(
                    "The channel layer failed (%s); polling goes on.",
                    type(error).__name__,
                )
                await asyncio.sleep(RETRY_SECONDS)

    async def _receive(self, layer: Any) -> None:
        self._channel = await layer.new_channel("chatkit.process")
        for thread in ring.watched():
            await layer.group_add(_group(thread), self._channel)
        for group in self._owners():
            await layer.group_add(group, self._channel)
        if self._hear_run is not None:
            await layer.group_add(RUNS, self._channel)
        self._is_up.set()
        while True:
            self._hear(await layer.receive(self._channel))

    def _hear(self, message: Any) -> None:
        """Wake whom it concerns. What another version means by its message is passed over."""
        if not isinstance(message, dict) or message.get("type") != MESSAGE_TYPE:
            return
        if thread := _id(message.get("thread")):
            position = message.get("position")
            _heard(thread, position if isinstance(position, int) else None)
        if self._hear_run is not None and (run := _id(message.get("run"))):
            self._hear_run(run)
        if self._hear_job is not None and (job := _id(message.get("job"))):
            self._hear_job(job)
        owner, is_others = message.get("owner"), message.get("by") != self._by
        if self._hear_owner is not None and is_others and isinstance(owner, str):
            self._hear_owner(owner)

    async def _poll(self) -> None:
        while True:
            await asyncio.sleep(POLL_SECONDS)
            watched = ring.watched()
            if not watched:
                continue
            try:
                positions = await in_thread(_positions, watched)
            except Exception:
                logger.warning(
                    "The positions of watched threads can't be read.", exc_info=True
                )
                continue
            for thread, position in positions:
                if position > ring.last(thread):
                    ring.ring(thread)


def _heard(thread: UUID, position: int | None) -> None:
    """Wake who watches, unless it is known here: a process hears its own bell, too."""
    if position is None or position > ring.last(thread):
        ring.ring(thread)


def _id(value: object) -> UUID | None:
    try:
        return UUID(value) if isinstance(value, str) else None
    except ValueError:
        return None


def _positions(threads: list[UUID]) -> list[tuple[UUID, int]]:
    return list(Thread.objects.filter(pk__in=threads).values_list("pk", "position"))


doorbell = Doorbell()
