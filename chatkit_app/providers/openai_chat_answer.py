"""An answer of Chat Completions in the making, also of servers that speak it loosely."""

from __future__ import annotations

import json
import uuid
from collections.abc import Iterator
from dataclasses import dataclass

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
from chatkit_app.exceptions import ProviderUnavailable
from chatkit_app.providers.openai_fields import (
    Json,
    is_whole_object,
    number_in,
    object_in,
    objects_in,
    text_in,
)

NAME = "openai_chat"
REASONING_FIELDS = (
    "reasoning_content",
    "reasoning",
)  # DeepSeek, vLLM; OpenRouter, newer vLLM
CUT_REASONS = {
    "length": FinishReason.LENGTH,
    "content_filter": FinishReason.CONTENT_FILTER,
}


@dataclass(slots=True)
class _Prose:
    """The text or reasoning that is open."""

    key: str
    kind: PartKind
    provider_data: ProviderData | None


@dataclass(slots=True)
class _Call:
    """A tool call that is open. ``vendor_id`` is the server's, which may be missing or repeated."""

    key: str
    vendor_id: str = ""
    name: str = ""
    arguments: str = ""
    is_started: bool = False

    def is_another(self, vendor_id: str, name: str) -> bool:
        """Does a delta with this id and name begin another call, and not go on with this one?"""
        if vendor_id and self.vendor_id and vendor_id != self.vendor_id:
            return True
        if name and self.name and name != self.name:
            return True
        return bool(name) and is_whole_object(self.arguments)


class ChatAnswer:
    """Reads the chunks of one completion.

    Calls are told apart by their index where it helps, else by their ids, names and by whether the
    one before is whole. An id that is missing or taken (in ``taken_ids``, the transcript's, or in
    this answer) is replaced by one of ours.
    """

    def __init__(self, model_name: str, *, taken_ids: set[str]) -> None:
        self._model_name = model_name
        self._taken_ids = taken_ids
        self._response_id = ""
        self._finish = ""
        self._usage: Json = {}
        self._prose: _Prose | None = None
        self._calls: list[_Call] = []
        self._by_index: dict[int, _Call] = {}
        self._parts = 0

    @property
    def is_finished(self) -> bool:
        """Has a ``finish_reason`` come?"""
        return bool(self._finish)

    def read(self, event: Json) -> Iterator[ProviderEvent]:
        """What this chunk brings.

        Raises:
            ProviderUnavailable: The server says that it failed.
        """
        self._response_id = self._response_id or text_in(event, "id")
        self._model_name = text_in(event, "model") or self._model_name
        self._usage = object_in(event, "usage") or self._usage
        for choice in objects_in(event, "choices"):
            if number_in(choice, "index") == 0:
                yield from self._read_delta(object_in(choice, "delta"))
                self._read_finish(text_in(choice, "finish_reason"))

    def end(self) -> Iterator[ProviderEvent]:
        """What is open ends, then the finish.

        Raises:
            ProviderUnavailable: No ``finish_reason`` came.
        """
        if not self._finish:
            error = ProviderUnavailable("The provider's answer broke off.")
            error.usage = _usage(self._usage) if self._usage else None
            raise error
        yield from self._end_prose()
        cut = CUT_REASONS.get(self._finish)
        for call in self._calls:
            yield from _end_call(call, is_cut=cut is not None)
        whole = FinishReason.TOOL_CALLS if self._calls else FinishReason.STOP
        yield StepFinished(
            reason=cut or whole,
            usage=_usage(self._usage),
            response_id=self._response_id,
            model_name=self._model_name,
        )

    def _read_finish(self, reason: str) -> None:
        if reason == "error":
            raise ProviderUnavailable("The provider failed in its answer.")
        self._finish = self._finish or reason

    def _read_delta(self, delta: Json) -> Iterator[ProviderEvent]:
        for name in REASONING_FIELDS:
            if text := text_in(delta, name):
                yield from self._add_prose(PartKind.REASONING, text, field=name)
                break
        if text := _content(delta) or text_in(delta, "refusal"):
            yield from self._add_prose(PartKind.TEXT, text)
        for call in objects_in(delta, "tool_calls"):
            yield from self._end_prose()
            yield from self._read_call(call)

    def _add_prose(
        self, kind: PartKind, text: str, *, field: str = ""
    ) -> Iterator[ProviderEvent]:
        if self._prose is None or self._prose.kind != kind:
            yield from self._end_prose()
            data = ProviderData(provider=NAME, data={"field": field}) if field else None
            self._prose = _Prose(self._new_key(), kind, data)
            yield PartStarted(key=self._prose.key, kind=kind)
        yield PartDelta(key=self._prose.key, delta=text)

    def _end_prose(self) -> Iterator[ProviderEvent]:
        if self._prose is not None:
            yield PartEnded(
                key=self._prose.key, provider_data=self._prose.provider_data
            )
            self._prose = None

    def _read_call(self, delta: Json) -> Iterator[ProviderEvent]:
        function = object_in(delta, "function")
        call = self._call_of(delta, text_in(delta, "id"), text_in(function, "name"))
        call.vendor_id = call.vendor_id or text_in(delta, "id")
        call.name = call.name or text_in(function, "name")
        arguments = _arguments(function)
        call.arguments += arguments
        if not call.name:
            return  # what came before the name is sent with it
        if not call.is_started:
            call.is_started = True
            yield self._start(call)
            arguments = call.arguments
        if arguments:
            yield PartDelta(key=call.key, delta=arguments)

    def _call_of(self, delta: Json, vendor_id: str, name: str) -> _Call:
        index = delta.get("index")
        if isinstance(index, int):
            call = self._by_index.get(index)
        else:
            same = (
                call
                for call in self._calls
                if vendor_id and call.vendor_id == vendor_id
            )
            call = next(same, self._calls[-1] if self._calls else None)
        if call is None or call.is_another(vendor_id, name):
            call = _Call(key=self._new_key())
            self._calls.append(call)
            if isinstance(index, int):
                self._by_index[index] = call
        return call

    def _start(self, call: _Call) -> PartStarted:
        call_id = call.vendor_id
        if not call_id or call_id in self._taken_ids:
            call_id = f"call_{uuid.uuid4().hex}"
        self._taken_ids.add(call_id)
        return PartStarted(
            key=call.key,
            kind=PartKind.TOOL_CALL,
            provider_call_id=call_id,
            name=call.name,
        )

    def _new_key(self) -> str:
        self._parts += 1
        return str(self._parts)


def _content(delta: Json) -> str:
    """The text: a string, or a list of objects with text (Mistral)."""
    texts = (text_in(item, "text") for item in objects_in(delta, "content"))
    return text_in(delta, "content") or "".join(texts)


def _arguments(function: Json) -> str:
    """A piece of JSON text; some servers send the object itself."""
    arguments = function.get("arguments")
    return (
        json.dumps(arguments)
        if isinstance(arguments, dict)
        else text_in(function, "arguments")
    )


def _end_call(call: _Call, *, is_cut: bool) -> Iterator[ProviderEvent]:
    """A cut answer may have cut the call too: then its part stays open."""
    if is_cut and not (call.is_started and is_whole_object(call.arguments)):
        return
    if not call.is_started:
        raise ProviderUnavailable("The provider sent a tool call without a name.")
    if (
        not call.arguments.strip()
    ):  # a tool without arguments; ours are always an object
        yield PartDelta(key=call.key, delta="{}")
    yield PartEnded(key=call.key)


def _usage(usage: Json) -> Usage:
    return Usage(
        input_tokens=number_in(usage, "prompt_tokens"),
        cached_tokens=number_in(
            object_in(usage, "prompt_tokens_details"), "cached_tokens"
        ),
        output_tokens=number_in(usage, "completion_tokens"),
        reasoning_tokens=number_in(
            object_in(usage, "completion_tokens_details"), "reasoning_tokens"
        ),
    )
