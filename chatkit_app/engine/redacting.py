"""Taking out of texts what must not be kept, before anybody keeps them.

A site's redactor reads one stream of text piece by piece and gives back what may be stored of it; what
it is not sure of yet it holds back. Nothing else is stored, shown, or told to the model.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any, Protocol, TypeVar

from pydantic import JsonValue

from chatkit_app.engine import events
from chatkit_app.engine.messages import ProviderData
from chatkit_app.engine.schema import dump_json, load_json
from chatkit_app.exceptions import RedactionFailed, ToolError

logger = logging.getLogger(__name__)

FAILED_TEXT = "What was said could not be checked, so it was not kept."

E = TypeVar("E")


class Redactor(Protocol):
    """One stream of text. Made anew for each; called from one thread at a time, on a busy loop."""

    def feed(self, text: str, /) -> str:
        """More of the text; what may be stored by now."""

    def close(self) -> str:
        """The stream has ended; the rest of what may be stored."""


@dataclass(frozen=True, slots=True)
class Redaction:
    """The site's redactor, or none. Each method raises ``RedactionFailed`` where it fails."""

    make: Callable[[], Redactor] | None = None

    def stream(self) -> Redactor | None:
        """A new stream; None where nothing is redacted."""
        return None if self.make is None else _Guarded(self.make)

    def text(self, text: str) -> str:
        """A whole text."""
        stream = self.stream()
        return (
            text if stream is None or not text else stream.feed(text) + stream.close()
        )

    def json(self, value: Any) -> Any:
        """JSON (Any: of what shape it was) with each text, key and number in it redacted.

        A number of which something is taken out becomes a text.
        """
        return value if self.make is None else self._json(value)

    def _json(self, value: Any) -> Any:
        if isinstance(value, str):
            return self.text(value)
        if isinstance(value, int | float) and not isinstance(value, bool):
            written = dump_json(value)
            said = self.text(written)
            return value if said == written else said
        if isinstance(value, Mapping):
            return {
                self.text(str(key)): self._json(item) for key, item in value.items()
            }
        if isinstance(value, list | tuple):
            return [self._json(item) for item in value]
        return value

    def arguments(self, text: str) -> str:
        """The model's arguments: JSON may spell with escapes what no redactor knows again."""
        if self.make is None:
            return text
        try:
            found = load_json(text)
        except ToolError:
            return text
        said = self.json(found)
        return text if said == found else dump_json(said)

    def result(self, result: E) -> E:
        """What came of a call: ``calls.Result``."""
        if self.make is None:
            return result
        said = self._texts(result, "error_text")
        output: JsonValue = self.json(getattr(result, "output", None))
        return replace(said, output=output)  # type: ignore[type-var]  # as in _texts

    def data(self, data: ProviderData | None) -> ProviderData | None:
        """What a provider wants back: it may repeat what was said."""
        if self.make is None or data is None:
            return data
        return replace(data, data=self.json(dict(data.data)))

    def event(self, event: events.AnyEvent) -> events.AnyEvent:
        """An event with what a tool, a person or the site says in it redacted.

        What the model says, and a call's result, are redacted before they become events.
        """
        if self.make is None:
            return event
        match event:
            case events.ToolCallChanged():
                return self._changed(event)
            case events.ToolCallProgressed():
                return replace(
                    event,
                    text=self.text(event.text),
                    preliminary=self.json(event.preliminary),
                    notice=self._texts(event.notice, "title", "text"),
                )
            case events.EffectTold():
                return replace(event, data=self.json(event.data))
            case _:
                return event

    def _changed(self, event: events.ToolCallChanged) -> events.ToolCallChanged:
        asked = self._texts(event.interrupt, "message", "form")
        if asked is not None:
            asked = replace(asked, schema=self.json(asked.schema))
        return replace(
            event,
            input=self.json(event.input),
            edited_input=self.json(event.edited_input),
            request=self.json(event.request),
            approval=self._texts(event.approval, "reason"),
            interrupt=asked,
        )

    def _texts(self, told: E, *names: str) -> E:
        """A value with the texts of these names redacted; None stays None."""
        if told is None:
            return told
        said = {name: getattr(told, name) for name in names}
        changes = {name: self.text(text) for name, text in said.items() if text}
        return replace(told, **changes)  # type: ignore[type-var]  # each is one of our values


NO_REDACTION = Redaction()


class _Guarded:
    """The site's stream; what it raises is logged without its words: they may hold what was said."""

    def __init__(self, make: Callable[[], Redactor]) -> None:
        self._redactor = self._asked(make)

    def feed(self, text: str, /) -> str:
        return self._said(lambda: self._redactor.feed(text))

    def close(self) -> str:
        return self._said(self._redactor.close)

    def _said(self, function: Callable[[], str]) -> str:
        found: object = self._asked(function)
        if isinstance(found, str):
            return found
        logger.error("The redactor gave no text but %s.", type(found).__name__)
        raise RedactionFailed(FAILED_TEXT)

    def _asked(self, function: Callable[[], Any]) -> Any:
        try:
            return function()
        except Exception as error:  # noqa: BLE001 (the site's code; logged without its words)
            logger.error("The redactor failed: %s", type(error).__name__)
            raise RedactionFailed(FAILED_TEXT) from None
