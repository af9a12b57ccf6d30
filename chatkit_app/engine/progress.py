"""What running tools report of themselves, on its way to whoever watches."""

from __future__ import annotations

import asyncio
import math
import time
from collections.abc import Callable
from uuid import UUID

from chatkit_app.engine import events
from chatkit_app.engine.assembler import sound

PROGRESS_SECONDS = 0.1
"""A tool that reports more often is shown at this pace, and always at last."""
PROGRESS_CHARS = 300


class Progress:
    """What running tools report: the newest of each call, at a bearable pace, from any thread."""

    def __init__(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._news = asyncio.Event()
        self._newest: dict[UUID, tuple[str, float | None]] = {}
        self._ended: set[UUID] = set()
        self._shown_at = -math.inf

    def reporter(self, tool_call_id: UUID) -> Callable[[str, float | None], None]:
        """The function that a tool calls."""

        def report(text: str, fraction: float | None) -> None:
            self._loop.call_soon_threadsafe(self._note, tool_call_id, text, fraction)

        return report

    def _note(self, tool_call_id: UUID, text: str, fraction: float | None) -> None:
        if tool_call_id in self._ended:
            return
        if fraction is not None:
            fraction = min(1.0, max(0.0, fraction)) if math.isfinite(fraction) else None
        self._newest[tool_call_id] = (sound(str(text))[:PROGRESS_CHARS], fraction)
        self._news.set()

    def end(self, tool_call_id: UUID) -> None:
        """Hear no more of this call, though its function may still run."""
        self._ended.add(tool_call_id)
        self._newest.pop(tool_call_id, None)

    async def wait(self) -> None:
        """Until there is something new that may be shown."""
        await self._news.wait()
        await asyncio.sleep(self._shown_at + PROGRESS_SECONDS - time.monotonic())

    def take(self) -> list[events.ToolCallProgressed]:
        """What is new."""
        newest, self._newest = self._newest, {}
        self._news.clear()
        if newest:
            self._shown_at = time.monotonic()
        return [
            events.ToolCallProgressed(
                tool_call_id=str(call), text=text, fraction=fraction
            )
            for call, (text, fraction) in newest.items()
        ]
