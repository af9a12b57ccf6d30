"""A page that follows one thread: its cursor, what it shows, and what it may be sent."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncGenerator, Coroutine
from copy import deepcopy
from typing import Any, TypeVar
from uuid import UUID

from chatkit_app.runs.subscription import Subscription
from tests.log.telling import Page, comparable

T = TypeVar("T")

WAIT = 10.0
"""Real seconds; a frame that does not come in this time never comes."""


class Listener:
    """Reads frames until it is level with the log, and checks each against what the log held."""

    def __init__(self, thread: UUID, loop: asyncio.AbstractEventLoop) -> None:
        self.thread = thread
        self.page = Page()
        self.epoch: str | None = None
        self.position: int | None = None
        self._loop = loop
        self._frames: AsyncGenerator[str, None] | None = None
        self._subscription: Subscription | None = None

    def connect(self) -> None:
        """Subscribe from the cursor; without one a snapshot comes first."""
        self.leave()
        self._run(self._subscribe())

    async def _subscribe(self) -> None:
        self._subscription = Subscription(self.thread)
        self._frames = self._subscription.frames(self.epoch, self.position)

    def leave(self) -> None:
        if self._frames is not None:
            self._run(self._frames.aclose())
        self._frames = None

    def catch_up(self, log: dict[int, str], position: int, floor: int) -> None:
        """Read to ``position``; each event must be the next one, as the log has it."""
        if self._frames is None:
            self.connect()
        is_first = True
        while is_first or self.position != position:
            if not is_first or self.position is None or self._is_new():
                self._take(self._next(), log, position, floor)
            is_first = False
        assert self._subscription is not None
        self._subscription.acknowledge(position)

    def _is_new(self) -> bool:
        """Has nothing been read of this subscription? Its first frame says where the thread is."""
        return self._subscription is not None and not self._subscription._epoch

    def _take(self, text: str, log: dict[int, str], position: int, floor: int) -> None:
        frame: dict[str, Any] = json.loads(text)
        assert frame["thread"] == str(self.thread)
        if frame["type"] == "reset":
            is_needed = self.position is None or self.position < floor
            assert is_needed, "a reset that nothing asked for"
            self.epoch, self.position = frame["epoch"], frame["position"]
            self.page = page_of(frame["snapshot"])
        elif frame["type"] == "position":
            assert frame["epoch"] == self.epoch
            assert self.position is not None
            assert self.position <= frame["position"] <= position
        else:
            assert self.position is not None
            assert frame["position"] == self.position + 1, "a hole or a repetition"
            assert frame["event"] == json.loads(log[frame["position"]])
            self.page.apply(deepcopy(frame["event"]))
            self.position = frame["position"]

    def _next(self) -> str:
        return self._run(self._anext())

    async def _anext(self) -> str:
        assert self._frames is not None
        async with asyncio.timeout(WAIT):
            return await anext(self._frames)

    def _run(self, work: Coroutine[Any, Any, T]) -> T:
        return self._loop.run_until_complete(work)


def page_of(snapshot: dict[str, Any]) -> Page:
    """A page that begins with a snapshot."""
    page = Page()
    content = comparable(deepcopy(snapshot))
    page.messages = {message["id"]: message for message in content["messages"]}
    page.run = content["run"]
    return page


def differences(one: Any, other: Any, path: str = "") -> list[str]:
    """Where two pages are not the same, for people to read."""
    if isinstance(one, dict) and isinstance(other, dict):
        pairs = [(key, one.get(key), other.get(key)) for key in {**one, **other}]
    elif isinstance(one, list) and isinstance(other, list) and len(one) == len(other):
        pairs = [(str(n), *both) for n, both in enumerate(zip(one, other, strict=True))]
    else:
        return [] if one == other else [f"{path}: {one!r} is not {other!r}"]
    return [text for key, a, b in pairs for text in differences(a, b, f"{path}/{key}")]
