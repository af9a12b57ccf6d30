"""Asking a provider in a test, and reading what it streams."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass

from chatkit_app.engine.messages import (
    Message,
    Part,
    ProviderData,
    ReasoningPart,
    TextPart,
    ToolCallPart,
    ToolResultPart,
)
from chatkit_app.engine.provider import (
    PartDelta,
    PartEnded,
    PartStarted,
    Provider,
    ProviderEvent,
    ProviderRequest,
    StepFinished,
    ToolSpec,
)
from chatkit_app.engine.states import PartKind, Role
from chatkit_app.exceptions import ProviderError

SECONDS = 5.0  # a stream on loopback that takes longer hangs

WEATHER = ToolSpec(
    name="weather",
    description="The weather of a town.",
    parameters={"type": "object", "properties": {"town": {"type": "string"}}},
)
STRICT_WEATHER = ToolSpec(
    name="weather",
    description="The weather of a town.",
    parameters={
        "type": "object",
        "properties": {"town": {"type": "string"}},
        "required": ["town"],
        "additionalProperties": False,
    },
    is_strict=True,
)


@dataclass(slots=True)
class Read:
    """A part as its events made it."""

    kind: PartKind
    text: str = ""
    name: str = ""
    call_id: str = ""
    is_whole: bool = False
    provider_data: ProviderData | None = None


@dataclass(slots=True)
class Streamed:
    """Everything that came of one stream."""

    parts: list[Read]
    finish: StepFinished | None
    error: ProviderError | None
    events: list[ProviderEvent]

    @property
    def texts(self) -> list[tuple[str, str]]:
        return [(part.kind.value, part.text) for part in self.parts]

    @property
    def calls(self) -> list[tuple[str, str]]:
        return [
            (part.name, part.text)
            for part in self.parts
            if part.kind == PartKind.TOOL_CALL
        ]

    @property
    def failure(self) -> ProviderError:
        assert self.error is not None, "the stream did not fail"
        return self.error

    @property
    def end(self) -> StepFinished:
        assert self.finish is not None, f"the stream did not finish: {self.error!r}"
        return self.finish

    def said(self) -> tuple[Part, ...]:
        """The parts as a transcript holds them."""
        return tuple(_part(part) for part in self.parts)


def _part(read: Read) -> Part:
    match read.kind:
        case PartKind.TEXT:
            return TextPart(text=read.text, provider_data=read.provider_data)
        case PartKind.REASONING:
            return ReasoningPart(text=read.text, provider_data=read.provider_data)
        case _:
            return ToolCallPart(id=read.call_id, name=read.name, arguments=read.text)


async def stream(provider: Provider, request: ProviderRequest) -> Streamed:
    """The stream read to its end or its error. What is no sound order of events fails."""
    events: list[ProviderEvent] = []
    error = None
    try:
        async with asyncio.timeout(SECONDS):
            async for event in provider.stream(request):  # kept also when it fails
                events.append(event)  # noqa: PERF401  # a comprehension would lose them
    except ProviderError as exc:
        error = exc
    return fold(events, error)


def fold(events: list[ProviderEvent], error: ProviderError | None = None) -> Streamed:
    parts: dict[str, Read] = {}
    finish = None
    for event in events:
        assert finish is None, "an event behind the finish"
        match event:
            case PartStarted(key=key):
                assert key not in parts, "a key used twice"
                parts[key] = Read(
                    event.kind, name=event.name, call_id=event.provider_call_id
                )
            case PartDelta(key=key, delta=delta):
                assert not parts[key].is_whole, "a delta behind its end"
                assert delta, "an empty delta"
                parts[key].text += delta
            case PartEnded(key=key):
                assert not parts[key].is_whole, "an end twice"
                parts[key].is_whole = True
                parts[key].provider_data = event.provider_data
            case StepFinished():
                finish = event
    return Streamed(list(parts.values()), finish, error, events)


def asking(*messages: Message | str, **fields: object) -> ProviderRequest:
    """A request; a plain string is a message of the user."""
    whole = tuple(
        user(message) if isinstance(message, str) else message for message in messages
    )
    given = {"model_name": "gpt-5", "instructions": "", "messages": whole, **fields}
    return ProviderRequest(**given)  # type: ignore[arg-type]  # tests name the fields that they mean


def user(text: str) -> Message:
    return Message(role=Role.USER, parts=(TextPart(text=text),))


def assistant(*parts: Part) -> Message:
    return Message(role=Role.ASSISTANT, parts=parts)


def call(call_id: str, name: str = "weather", arguments: str = "{}") -> ToolCallPart:
    return ToolCallPart(id=call_id, name=name, arguments=arguments)


def result(
    call_id: str, content: str = "sunny", name: str = "weather"
) -> ToolResultPart:
    return ToolResultPart(tool_call_id=call_id, name=name, content=content)


def results_of(
    streamed: Streamed, answer: Callable[[str], str]
) -> tuple[ToolResultPart, ...]:
    """A result for each call that was streamed."""
    calls = [part for part in streamed.parts if part.kind == PartKind.TOOL_CALL]
    return tuple(result(part.call_id, answer(part.text), part.name) for part in calls)
