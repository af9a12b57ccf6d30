"""From what a provider yields to parts with ids, offsets and digests, and whole at the end.

Text is made sound here, once: a surrogate pair that the provider's chunking has cut is carried to
the next delta, lone surrogates become U+FFFD and NUL goes, for neither UTF-8 nor every database
holds them.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from uuid import UUID

from pydantic import JsonValue

from chatkit_app.engine import events
from chatkit_app.engine.messages import ProviderData
from chatkit_app.engine.provider import PartDelta, PartEnded, PartStarted
from chatkit_app.engine.redacting import NO_REDACTION, Redaction, Redactor
from chatkit_app.engine.states import FinishReason, PartKind, PartState
from chatkit_app.exceptions import ProviderError, ProviderUnavailable

DELTA_UNITS = 16_384
"""UTF-16 units of text in one event: none is too large for a frame."""
STEP_UNITS = 250_000
"""UTF-16 units that a model may say in one step, all parts together.

Open parts are never clipped in a snapshot, for the deltas to come count on their length. So this, at
three bytes a unit, and a snapshot's own budget must fit into one frame together.
"""
STEP_CALLS = 128
"""Tool calls that a model may ask for in one step."""


def utf16_length(text: str) -> int:
    """How long a browser says that the text is."""
    return (
        len(text)
        if text.isascii()
        else len(text) + sum(char > "\uffff" for char in text)
    )


def sound(text: str) -> str:
    """The text without NUL, cut pairs joined and lone surrogates replaced."""
    if text.isascii():
        return text.replace("\0", "") if "\0" in text else text
    joined = text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")
    return joined.replace("\0", "")


def split(text: str, units: int) -> Iterator[str]:
    """Pieces of at most so many UTF-16 units (two at least); no pair is cut."""
    start = length = 0
    for place, char in enumerate(text):
        width = 2 if char > "\uffff" else 1
        if length + width > units:
            yield text[start:place]
            start, length = place, 0
        length += width
    if start < len(text):
        yield text[start:]


def sound_json(value: JsonValue) -> JsonValue:
    """The same with every text in it made sound: JSON may bring those characters as escapes.

    NaN and the infinities, which Python reads and no database takes, are null.
    """
    if isinstance(value, str):
        return sound(value)
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, list):
        return [sound_json(item) for item in value]
    if isinstance(value, dict):
        return {sound(key): sound_json(item) for key, item in value.items()}
    return value


@dataclass(slots=True, kw_only=True)
class GrowingPart:
    """A part that is still open. Not frozen: it grows.

    What its ``redactor`` holds back is no part of the text yet.
    """

    part_id: UUID
    kind: PartKind
    provider_call_id: str = ""
    name: str = ""
    tool_call_id: UUID | None = None
    pieces: list[str] = field(default_factory=list)
    length: int = 0
    carried: str = ""
    provider_data: ProviderData | None = None
    is_cut: bool = False
    redactor: Redactor | None = None

    def grow(self, delta: str) -> list[events.PartDelta]:
        """Take more text: none where nothing whole has come yet, several where it is long."""
        text = self.carried + delta
        self.carried = ""
        if text and "\ud800" <= text[-1] <= "\udbff":
            self.carried, text = text[-1], text[:-1]
        text = sound(text)
        if self.redactor is not None:
            text = sound(self.redactor.feed(text))
        return [self._append(piece) for piece in split(text, DELTA_UNITS)]

    def close(self) -> list[events.PartDelta]:
        """No more text comes: what was held back of it."""
        redactor, self.redactor = self.redactor, None
        if redactor is None:
            return []
        rest = sound(redactor.close())
        return [self._append(piece) for piece in split(rest, DELTA_UNITS)]

    def _append(self, text: str) -> events.PartDelta:
        event = events.PartDelta(
            part_id=str(self.part_id), offset=self.length, delta=text
        )
        self.pieces.append(text)
        self.length += utf16_length(text)
        return event

    @property
    def text(self) -> str:
        """All of it so far."""
        return "".join(self.pieces)

    def end(self) -> events.PartEnded:
        """The event of its end."""
        state = PartState.INTERRUPTED if self.is_cut else PartState.COMPLETE
        return part_ended(
            str(self.part_id), self.text, state, provider_data=self.provider_data
        )


def part_ended(
    part_id: str,
    text: str,
    state: PartState,
    *,
    provider_data: ProviderData | None = None,
) -> events.PartEnded:
    """The end of a part with this text."""
    return events.PartEnded(
        part_id=part_id,
        state=state,
        length=utf16_length(text),
        digest=hashlib.sha256(text.encode()).hexdigest(),
        text=text,
        provider_data=provider_data,
    )


class Assembler:
    """The parts of one step."""

    def __init__(
        self,
        *,
        message_id: str,
        step_id: str,
        next_index: int,
        new_id: Callable[[], UUID],
        redaction: Redaction = NO_REDACTION,
    ) -> None:
        self.next_index = next_index
        self.parts: list[GrowingPart] = []
        self._message_id = message_id
        self._step_id = step_id
        self._new_id = new_id
        self._redaction = redaction
        self._open: dict[str, GrowingPart] = {}
        self._units = 0

    def feed(
        self, event: PartStarted | PartDelta | PartEnded
    ) -> Iterator[events.AnyEvent]:
        """Turn one event of the provider into ours.

        Raises:
            ProviderUnavailable: It speaks of a part that isn't open: the stream is broken.
            ProviderError: It says more than a step may have.
            RedactionFailed: The site's redactor has failed.
        """
        if isinstance(event, PartStarted):
            yield self._start(event)
            return
        part = self._open.get(event.key)
        if part is None:
            raise ProviderUnavailable("The provider's stream is out of order.")
        if isinstance(event, PartDelta):
            self._charge(event.delta)
            yield from part.grow(event.delta)
        else:
            data = self._redaction.data(event.provider_data)
            part.provider_data = _sound_data(data)
            del self._open[event.key]
            yield from part.close()
            yield part.end()

    def finish(self, reason: FinishReason) -> Iterator[events.AnyEvent]:
        """End what the provider has left open; where it was stopped short, that is cut off."""
        for key in list(self._open):
            part = self._open.pop(key)
            part.is_cut = reason in (FinishReason.LENGTH, FinishReason.CONTENT_FILTER)
            yield from part.close()
            yield part.end()

    @property
    def calls(self) -> list[GrowingPart]:
        """The tool calls, in the order in which the model asked."""
        return [part for part in self.parts if part.kind is PartKind.TOOL_CALL]

    def _charge(self, delta: str) -> None:
        self._units += utf16_length(delta)
        if self._units > STEP_UNITS:
            raise ProviderError("The provider's answer is too long.")

    def _start(self, event: PartStarted) -> events.PartStarted:
        if event.key in self._open:
            raise ProviderUnavailable("The provider's stream is out of order.")
        is_call = event.kind is PartKind.TOOL_CALL
        if is_call and len(self.calls) >= STEP_CALLS:
            raise ProviderError("The provider asks for too many tool calls at once.")
        part = GrowingPart(
            part_id=self._new_id(),
            kind=event.kind,
            provider_call_id=sound(event.provider_call_id)[:200],
            name=self._redaction.text(sound(event.name)[:200])[:200],
            tool_call_id=self._new_id() if is_call else None,
            redactor=self._redaction.stream(),
        )
        self._open[event.key] = part
        call_index = len(self.calls)
        self.parts.append(part)
        self.next_index += 1
        return events.PartStarted(
            message_id=self._message_id,
            part_id=str(part.part_id),
            index=self.next_index - 1,
            kind=part.kind,
            step_id=self._step_id,
            tool_call_id=str(part.tool_call_id) if is_call else None,
            tool_call_name=part.name if is_call else None,
            tool_call_index=call_index,
            provider_call_id=part.provider_call_id,
        )


def _sound_data(data: ProviderData | None) -> ProviderData | None:
    if data is None:
        return None
    found = {sound(key): sound_json(item) for key, item in data.data.items()}  # type: ignore[arg-type]  # JSON, from a provider
    return replace(data, data=found)
