"""What open calls tell of themselves, on its way to whoever watches: at a bearable pace.

Of progress, notices and preliminary output only the newest is shown, together, in one event; effects
are kept one by one, in order. A tool may tell from any thread and never waits for anybody.
"""

from __future__ import annotations

import asyncio
import logging
import math
import re
import threading
import time
from collections import deque
from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import Literal, Protocol, get_args
from uuid import UUID

from pydantic import JsonValue

from chatkit_app.engine import events
from chatkit_app.engine.assembler import sound, sound_json
from chatkit_app.engine.schema import dump_json

logger = logging.getLogger(__name__)

PROGRESS_SECONDS = 0.1
"""A call that tells more often is shown at this pace, and always at last."""
TEXT_CHARS = 300
NOTICE_CHARS = 1000
JSON_BYTES = 16_384
"""What is larger as JSON, of preliminary output or of an effect's data, is left out."""
EFFECTS_PER_SECOND = 20
EFFECTS_PER_CALL = 200
EFFECT_NAME = re.compile(r"^[a-zA-Z0-9_.:-]{1,64}\Z")

Level = Literal["info", "warning", "danger"]
News = events.ToolCallProgressed | events.EffectTold


class Told(Protocol):
    """What a tool's context hands on. Each returns at once, from any thread."""

    def progress(self, text: str, fraction: float | None) -> None:
        """How far it is; ``fraction`` is 0..1, None where it does not know."""

    def notice(self, level: str, title: str, text: str) -> None:
        """Words for the visitor.

        Raises:
            ValueError: There is no such level.
        """

    def effect(self, name: str, data: JsonValue) -> None:
        """Something for the page to do.

        Raises:
            ValueError: The name is none.
        """

    def preliminary(self, output: JsonValue) -> None:
        """The output as far as it has come."""


class Voice:
    """The teller of one call: noted from any thread, taken when it may be shown.

    ``tab`` is the page that effects are meant for. ``ring`` is called, in whatever thread, when there
    is something new.
    """

    def __init__(
        self,
        tool_call_id: UUID,
        *,
        tab: str = "",
        ring: Callable[[], object] = lambda: None,
    ) -> None:
        self._id, self._tab, self._ring = str(tool_call_id), tab, ring
        self._lock = threading.Lock()
        self._text = ""
        self._fraction: float | None = None
        self._notice: events.Notice | None = None
        self._preliminary: JsonValue = None
        self._is_new = self._is_ended = False
        self._shown_at = -math.inf
        self._effects: deque[events.EffectTold] = deque()
        self._effect_times: deque[float] = deque(maxlen=EFFECTS_PER_SECOND)
        self._effect_count = 0
        self._warned: set[str] = set()

    def resume(self, progress: Mapping[str, JsonValue] | None) -> None:
        """Go on from what was told in another process: the row's ``progress``."""
        told = progress or {}
        fraction, notice = told.get("fraction"), told.get("notice")
        self._text = str(told.get("text") or "")
        self._fraction = fraction if isinstance(fraction, float) else None
        self._preliminary = told.get("preliminary")
        if isinstance(notice, dict):
            self._notice = _notice(*(str(notice.get(k) or "") for k in _NOTICE_KEYS))

    def progress(self, text: str, fraction: float | None) -> None:
        """How far it is."""
        if fraction is not None:
            fraction = float(fraction)
            fraction = min(1.0, max(0.0, fraction)) if math.isfinite(fraction) else None
        with self._lock:
            self._text, self._fraction = sound(str(text))[:TEXT_CHARS], fraction
            self._note()

    def notice(self, level: str, title: str, text: str) -> None:
        """Words for the visitor.

        Raises:
            ValueError: There is no such level.
        """
        found = _notice(level, title, text)
        with self._lock:
            self._notice = found
            self._note()

    def preliminary(self, output: JsonValue) -> None:
        """The output as far as it has come."""
        with self._lock:
            fits, found = self._fit(output, "preliminary output")
            if fits:
                self._preliminary = found
                self._note()

    def effect(self, name: str, data: JsonValue) -> None:
        """Something for the page to do.

        Raises:
            ValueError: The name is none.
        """
        if not EFFECT_NAME.match(name):
            raise ValueError(
                f"{name!r} is no effect's name: letters, digits, _ . : and -, at most 64."
            )
        with self._lock:
            fits, found = self._fit(data, "effects")
            if fits and self._may_effect():
                self._effects.append(
                    events.EffectTold(
                        tool_call_id=self._id, name=name, data=found, tab=self._tab
                    )
                )
                self._note(is_new=self._is_new)

    @property
    def due_at(self) -> float | None:
        """When there is something that may be shown, monotonic seconds; None: there is nothing."""
        with self._lock:
            is_due = self._is_new or self._effects
            return self._shown_at + PROGRESS_SECONDS if is_due else None

    def take(self, *, at_once: bool = False) -> list[News]:
        """What is new, if it may be shown by now; ``at_once``: whether or not."""
        now = time.monotonic()
        with self._lock:
            is_early = now < self._shown_at + PROGRESS_SECONDS
            if not (self._is_new or self._effects) or (is_early and not at_once):
                return []
            found: list[News] = [self._newest()] if self._is_new else []
            found += self._effects
            self._effects.clear()
            self._is_new, self._shown_at = False, now
            return found

    def end(self) -> list[News]:
        """Its last words; hear no more of it, though its function may still run."""
        found = self.take(at_once=True)
        with self._lock:
            self._is_ended = True
        return found

    def _note(self, *, is_new: bool = True) -> None:
        """Something is there to be shown; the lock is held."""
        if self._is_ended:
            self._effects.clear()
        else:
            self._is_new = is_new
            self._ring()

    def _newest(self) -> events.ToolCallProgressed:
        return events.ToolCallProgressed(
            tool_call_id=self._id,
            text=self._text,
            fraction=self._fraction,
            preliminary=self._preliminary,
            notice=self._notice,
        )

    def _may_effect(self) -> bool:
        now, times = time.monotonic(), self._effect_times
        is_fast = len(times) == EFFECTS_PER_SECOND and now < times[0] + 1
        if is_fast or self._effect_count >= EFFECTS_PER_CALL:
            self._warn("effects", "too many")
            return False
        times.append(now)
        self._effect_count += 1
        return True

    def _fit(self, value: JsonValue, what: str) -> tuple[bool, JsonValue]:
        """A copy of the value, if it is JSON of a bearable size."""
        try:
            found = sound_json(value)
            size = len(dump_json(found).encode())
        except (TypeError, ValueError, RecursionError):
            self._warn(what, "no JSON")
            return False, None
        if size > JSON_BYTES:
            self._warn(what, f"{size} bytes")
        return size <= JSON_BYTES, found

    def _warn(self, what: str, why: str) -> None:
        """Once a call, so that a loop in a tool does not fill the log."""
        if what not in self._warned:
            self._warned.add(what)
            logger.warning("Call %s: %s left out (%s).", self._id, what, why)


_NOTICE_KEYS = ("level", "title", "text")


def _notice(level: str, title: str, text: str) -> events.Notice:
    if level not in get_args(Level):
        raise ValueError(f"{level!r} is no level: {', '.join(get_args(Level))}.")
    return events.Notice(
        level=level,  # type: ignore[arg-type]  # looked up just now
        title=sound(str(title))[:TEXT_CHARS],
        text=sound(str(text))[:NOTICE_CHARS],
    )


class Telling:
    """What the calls of a step tell while their functions run here; made on the loop that listens.

    ``tab`` is the page that has sent the message.
    """

    def __init__(self, *, tab: str = "") -> None:
        self._tab = tab
        self._loop = asyncio.get_running_loop()
        self._news = asyncio.Event()
        self._is_rung = False
        self._voices: dict[UUID, Voice] = {}

    def teller(self, tool_call_id: UUID) -> Told:
        """Where this call tells; the same one each time."""
        if tool_call_id not in self._voices:
            self._voices[tool_call_id] = Voice(
                tool_call_id, tab=self._tab, ring=self._ring
            )
        return self._voices[tool_call_id]

    def _ring(self) -> None:
        """Wake whoever waits, from any thread; once for many."""
        if not self._is_rung:
            self._is_rung = True
            with suppress(
                RuntimeError
            ):  # the loop is closed: a tool that was left behind
                self._loop.call_soon_threadsafe(self._news.set)

    async def wait(self) -> None:
        """Until there is something new that may be shown."""
        while True:
            await self._news.wait()
            due = [at for v in self._voices.values() if (at := v.due_at) is not None]
            if due:
                await asyncio.sleep(min(due) - time.monotonic())
                return
            self._clear()

    def take(self) -> list[News]:
        """What is new and may be shown by now."""
        self._clear()
        voices = list(self._voices.values())
        found = [event for voice in voices for event in voice.take()]
        if any(voice.due_at is not None for voice in voices):
            self._news.set()  # too early for these
        return found

    def end(self, tool_call_id: UUID) -> list[News]:
        """The call's last words, to be shown before its end; nothing more is heard of it."""
        voice = self._voices.get(tool_call_id)
        return voice.end() if voice is not None else []

    def _clear(self) -> None:
        """Before one looks: what comes while one looks rings again."""
        self._news.clear()
        self._is_rung = False
