"""An answer of the Responses API in the making."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from chatkit_app.engine.messages import ProviderData
from chatkit_app.engine.provider import (
    PartDelta,
    PartEnded,
    PartStarted,
    ProviderEvent,
    StepFinished,
    Usage,
)
from chatkit_app.engine.states import FinishReason, PartKind
from chatkit_app.exceptions import ProviderError, ProviderUnavailable
from chatkit_app.providers.openai_errors import error_of_code
from chatkit_app.providers.openai_fields import (
    Json,
    number_in,
    object_in,
    objects_in,
    text_in,
)

NAME = "openai_responses"
SUMMARY_BREAK = "\n\n"  # between the paragraphs of a summary, which come apart


@dataclass(slots=True)
class _Item:
    """An output item that is open. ``sent`` counts the characters of each of its parts, by key."""

    key: str
    kind: PartKind
    provider_data: ProviderData | None = None
    sent: dict[str, int] = field(default_factory=dict)
    paragraph: int = 0

    def start(self, key: str, *, call_id: str = "", name: str = "") -> PartStarted:
        self.sent[key] = 0
        return PartStarted(key=key, kind=self.kind, provider_call_id=call_id, name=name)

    def add(self, key: str, delta: str) -> Iterator[ProviderEvent]:
        if not delta:
            return
        if key not in self.sent:
            yield self.start(key)
        self.sent[key] += len(delta)
        yield PartDelta(key=key, delta=delta)

    def complete(self, key: str, text: str) -> Iterator[ProviderEvent]:
        """What the deltas left out of the whole text."""
        return self.add(key, text[self.sent.get(key, 0) :])

    def end(self) -> Iterator[ProviderEvent]:
        for key in self.sent:
            yield PartEnded(key=key, provider_data=self.provider_data)


class ResponsesAnswer:
    """Reads the events of one response.

    A part's key is its item's ``output_index``, with the ``content_index`` for texts. What came
    without deltas is taken from the whole item: some servers send no more than that.
    """

    def __init__(self, model_name: str) -> None:
        self._model_name = model_name
        self._response: Json = {}
        self._reason: FinishReason | None = None
        self._items: dict[int, _Item] = {}
        self._has_parts = False
        self._has_calls = False

    @property
    def is_finished(self) -> bool:
        """Has ``response.completed`` or ``response.incomplete`` come?"""
        return self._reason is not None

    def read(self, event: Json) -> Iterator[ProviderEvent]:
        """What this event brings.

        Raises:
            ProviderError: The response failed.
        """
        index = number_in(event, "output_index")
        match text_in(event, "type"):
            case "response.output_text.delta" | "response.refusal.delta":
                yield from self._say(index, event)
            case (
                "response.function_call_arguments.delta"
                | "response.reasoning_text.delta"
            ):
                yield from self._add(index, text_in(event, "delta"))
            case "response.reasoning_summary_text.delta":
                yield from self._summarise(index, event)
            case "response.output_item.added":
                yield from self._open(index, object_in(event, "item"))
            case "response.output_item.done":
                yield from self._close(index, object_in(event, "item"))
            case "response.completed" | "response.incomplete":
                yield from self._finish(object_in(event, "response"))
            case "response.failed":
                raise _failure_of(object_in(event, "response"))
            case "error":
                raise _failure(event)

    def end(self) -> Iterator[ProviderEvent]:
        """The finish.

        Raises:
            ProviderUnavailable: None came, or it came before a tool call was whole.
        """
        if self._reason is None:
            raise ProviderUnavailable("The provider's answer broke off.")
        for item in self._items.values():
            if item.kind != PartKind.TOOL_CALL:
                yield from item.end()
            elif self._reason in (FinishReason.STOP, FinishReason.TOOL_CALLS):
                raise ProviderUnavailable(
                    "The provider's answer broke off within a tool call."
                )
        yield StepFinished(
            reason=self._reason,
            usage=_usage(object_in(self._response, "usage")),
            response_id=text_in(self._response, "id"),
            model_name=text_in(self._response, "model") or self._model_name,
        )

    def _open(self, index: int, item: Json) -> Iterator[ProviderEvent]:
        key = str(index)
        match text_in(item, "type"):
            case "message":
                phase = text_in(item, "phase")
                data = (
                    ProviderData(provider=NAME, data={"phase": phase})
                    if phase
                    else None
                )
                self._items[index] = _Item(key, PartKind.TEXT, data)
            case "reasoning":
                opened = self._items[index] = _Item(key, PartKind.REASONING)
                yield opened.start(key)
            case "function_call":
                opened = self._items[index] = _Item(key, PartKind.TOOL_CALL)
                call_id = text_in(item, "call_id") or text_in(item, "id")
                yield opened.start(key, call_id=call_id, name=text_in(item, "name"))
            case _:
                return
        self._has_parts = True

    def _say(self, index: int, event: Json) -> Iterator[ProviderEvent]:
        if index not in self._items:
            yield from self._open(index, {"type": "message"})
        item = self._items[index]
        yield from item.add(
            _text_key(item, number_in(event, "content_index")), text_in(event, "delta")
        )

    def _add(self, index: int, delta: str) -> Iterator[ProviderEvent]:
        if item := self._items.get(index):
            yield from item.add(item.key, delta)

    def _summarise(self, index: int, event: Json) -> Iterator[ProviderEvent]:
        if item := self._items.get(index):
            paragraph = number_in(event, "summary_index")
            if paragraph != item.paragraph and item.sent[item.key]:
                yield from item.add(item.key, SUMMARY_BREAK)
            item.paragraph = paragraph
            yield from item.add(item.key, text_in(event, "delta"))

    def _close(self, index: int, whole: Json) -> Iterator[ProviderEvent]:
        if index not in self._items:
            yield from self._open(index, whole)
        item = self._items.get(index)
        if item is None:
            return
        is_cut = text_in(whole, "status") == "incomplete"
        match item.kind:
            case PartKind.TEXT:
                yield from _complete_texts(item, whole)
            case PartKind.REASONING:
                yield from _complete_reasoning(item, whole, is_cut=is_cut)
            case PartKind.TOOL_CALL:
                yield from item.complete(item.key, text_in(whole, "arguments"))
                if is_cut:
                    return
                yield from _complete_call(item)
                self._has_calls = True
        yield from item.end()
        del self._items[index]

    def _finish(self, response: Json) -> Iterator[ProviderEvent]:
        is_bare = not self._has_parts
        for index, item in enumerate(objects_in(response, "output")):
            if is_bare or index in self._items:
                yield from self._close(index, item)
        self._response = response
        self._reason = self._reason_of(response)

    def _reason_of(self, response: Json) -> FinishReason:
        details = object_in(response, "incomplete_details")
        if text_in(details, "reason") == "content_filter":
            return FinishReason.CONTENT_FILTER
        if details or text_in(response, "status") == "incomplete":
            return FinishReason.LENGTH
        return FinishReason.TOOL_CALLS if self._has_calls else FinishReason.STOP


def _text_key(item: _Item, content_index: int) -> str:
    return f"{item.key}.{content_index}"


def _complete_texts(item: _Item, whole: Json) -> Iterator[ProviderEvent]:
    for index, content in enumerate(objects_in(whole, "content")):
        text = text_in(content, "text") or text_in(content, "refusal")
        yield from item.complete(_text_key(item, index), text)


def _complete_reasoning(
    item: _Item, whole: Json, *, is_cut: bool
) -> Iterator[ProviderEvent]:
    if not item.sent[item.key]:
        texts = [*objects_in(whole, "summary"), *objects_in(whole, "content")]
        yield from item.add(
            item.key, SUMMARY_BREAK.join(text_in(text, "text") for text in texts)
        )
    if not is_cut:
        sent_back = {key: value for key, value in whole.items() if key != "status"}
        item.provider_data = ProviderData(provider=NAME, data={"item": sent_back})


def _complete_call(item: _Item) -> Iterator[ProviderEvent]:
    if not item.sent[item.key]:  # a tool without arguments; ours are always an object
        yield from item.add(item.key, "{}")


def _failure_of(response: Json) -> ProviderError:
    """Why it failed, and what it has counted until then, if it says so."""
    error = _failure(object_in(response, "error"))
    if counted := object_in(response, "usage"):
        error.usage = _usage(counted)
    return error


def _failure(error: Json) -> ProviderError:
    return error_of_code(text_in(error, "code"), text_in(error, "message"))


def _usage(usage: Json) -> Usage:
    return Usage(
        input_tokens=number_in(usage, "input_tokens"),
        cached_tokens=number_in(
            object_in(usage, "input_tokens_details"), "cached_tokens"
        ),
        output_tokens=number_in(usage, "output_tokens"),
        reasoning_tokens=number_in(
            object_in(usage, "output_tokens_details"), "reasoning_tokens"
        ),
    )
