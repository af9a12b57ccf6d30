"""What a socket that watches is told: its viewer's list of threads, or what waits for them, has changed."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Callable, Mapping
from contextlib import suppress
from typing import Any

from chatkit_app.db import patiently
from chatkit_app.engine.viewer import Viewer
from chatkit_app.log.lists import Bell, approvals_of, list_of
from chatkit_app.log.owner_bell import owner_bell
from chatkit_app.protocols import native
from chatkit_app.viewing import check_viewer, waiting_approvals

EVERY_SECONDS = 1.0
"""How far two frames of a kind are apart, at the least."""


def news_of(scope: Mapping[str, Any], viewer: Viewer) -> list[News]:
    """All that this viewer may hear of; whoever is not logged in approves nothing of others'."""

    async def is_theirs() -> bool:
        await patiently(check_viewer, scope, viewer)
        return True

    found = [News(list_of(viewer), native.threads_changed_frame(), is_theirs)]
    if viewer.user is not None:
        approvals = Approvals(scope, viewer)
        frame = native.approvals_changed_frame()
        found.append(News(approvals_of(viewer), frame, approvals.are_others))
    return found


class News:
    """A bell's rings as frames of a socket's; lives on the loop of its listener."""

    def __init__(self, bell: Bell, frame: str, is_told: Callable[[], Any]) -> None:
        self._bell = bell
        self._frame = frame
        self._is_told = is_told
        self._rung = asyncio.Event()
        self._loop = asyncio.get_running_loop()

    async def frames(self) -> AsyncGenerator[str, None]:
        """One to begin with, for nothing is missed from then on; then one for each change or several.

        Raises:
            NoViewer: The cookie does not stand for the viewer any more.
        """
        async with owner_bell.watched(self._bell, self._wake):
            self._rung.set()
            while True:
                await self._rung.wait()
                self._rung.clear()
                if await self._is_told():
                    yield self._frame
                await asyncio.sleep(EVERY_SECONDS)

    def _wake(self) -> None:
        # The loop of a listener who has gone may be closed.
        with suppress(RuntimeError):
            self._loop.call_soon_threadsafe(self._rung.set)


class Approvals:
    """What has waited for one viewer when they were last told."""

    def __init__(self, scope: Mapping[str, Any], viewer: Viewer) -> None:
        self._scope = scope
        self._viewer = viewer
        self._told: object = None

    async def are_others(self) -> bool:
        """Do others wait now? The first time as well: what the page has read may be older."""
        now = await patiently(waiting_approvals, self._scope, self._viewer)
        before, self._told = self._told, now
        return now != before
