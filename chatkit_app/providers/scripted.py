"""Plays a script instead of asking a model: the demo without a key, the double in tests.

A *rule* turns a request into a *script*, the lines of one step::

    def greet(request: ProviderRequest) -> Script:
        return (Think("They said hello."), Say("Hello!"), Call("get_page", {}))

    provider = ScriptedProvider(greet, delay=0.03)

A rule that has no state answers the same after a restart, and in every process.
"""

from __future__ import annotations

import asyncio
import json
import re
import uuid
from collections.abc import AsyncGenerator, Callable, Iterator, Mapping
from dataclasses import dataclass, field
from itertools import pairwise

from chatkit_app.engine.files import IMAGE_TYPES, PDF
from chatkit_app.engine.messages import (
    Message,
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
    Purpose,
    StepFinished,
    Usage,
)
from chatkit_app.engine.states import FinishReason, PartKind, Role
from chatkit_app.exceptions import ProviderError, ProviderRejected, ProviderUnavailable

CHARACTERS_PER_TOKEN = 4  # an estimate: a script has no tokens


@dataclass(frozen=True, slots=True)
class Say:
    """Text of the answer.

    ``pieces`` are its deltas (one a word, if not given). ``is_whole=False`` leaves the part open,
    as a stream does that breaks in the middle of it: put a fault behind it.
    """

    text: str
    pieces: tuple[str, ...] = field(default=(), kw_only=True)
    is_whole: bool = field(default=True, kw_only=True)


@dataclass(frozen=True, slots=True)
class Think:
    """Reasoning that is shown; the fields are those of ``Say``."""

    text: str
    pieces: tuple[str, ...] = field(default=(), kw_only=True)
    is_whole: bool = field(default=True, kw_only=True)


@dataclass(frozen=True, slots=True)
class Call:
    """A tool call. ``arguments`` as text are sent as they stand, so they may be broken JSON.

    Without an ``id`` it gets a random one, new each time, as from a model.
    """

    name: str
    arguments: Mapping[str, object] | str = field(default_factory=dict)
    id: str = field(default="", kw_only=True)
    pieces: tuple[str, ...] = field(default=(), kw_only=True)
    is_whole: bool = field(default=True, kw_only=True)


@dataclass(frozen=True, slots=True)
class Pause:
    """Nothing comes for a while."""

    seconds: float


@dataclass(frozen=True, slots=True)
class Fail:
    """The provider raises this error here."""

    error: ProviderError


@dataclass(frozen=True, slots=True)
class BreakOff:
    """The stream ends here without a finish, so the provider raises ``ProviderUnavailable``."""


@dataclass(frozen=True, slots=True)
class Stall:
    """Nothing comes any more, for ever: until the stream is closed or its task cancelled."""


Line = Say | Think | Call | Pause | Fail | BreakOff | Stall
Script = tuple[Line, ...]
Rule = Callable[[ProviderRequest], Script]


class ScriptedProvider(Provider):
    """Streams what the rule's script says, one word a delta, ``delay`` seconds between deltas.

    It ends with ``tool_calls`` if the script made a call, else with ``stop``. Its usage is an
    estimate: a quarter of the characters. ``title`` is the rule for titles of threads; without one
    they have none.
    """

    name = "scripted"
    is_simulated = True
    file_types = frozenset((*IMAGE_TYPES, PDF))

    def __init__(
        self, rule: Rule, *, delay: float = 0.0, title: Rule | None = None
    ) -> None:
        self._rule = rule
        self._delay = delay
        self._title = title or _no_title

    async def stream(self, request: ProviderRequest) -> AsyncGenerator[ProviderEvent]:
        """Play the script of this request.

        Raises:
            ProviderError: The script says ``Fail`` or ``BreakOff``.
        """
        is_title = request.purpose is Purpose.TITLE
        script = (self._title if is_title else self._rule)(request)
        for number, line in enumerate(script):
            match line:
                case Say() | Think() | Call():
                    for event in _part(str(number), line):
                        if isinstance(event, PartDelta):
                            await asyncio.sleep(self._delay)
                        yield event
                case _:
                    await _act(line)
        yield _finish(request, script)


def _no_title(_request: ProviderRequest) -> Script:
    return ()


async def _act(line: Pause | Fail | BreakOff | Stall) -> None:
    match line:
        case Pause(seconds):
            await asyncio.sleep(seconds)
        case Fail(error):
            raise error.with_traceback(
                None
            )  # the same object may be raised again and again
        case BreakOff():
            raise ProviderUnavailable("The answer broke off.")
        case Stall():
            await asyncio.Event().wait()


def _part(key: str, line: Say | Think | Call) -> Iterator[ProviderEvent]:
    match line:
        case Say():
            yield PartStarted(key=key, kind=PartKind.TEXT)
        case Think():
            yield PartStarted(key=key, kind=PartKind.REASONING)
        case Call():
            call_id = line.id or f"call_{uuid.uuid4().hex}"
            yield PartStarted(
                key=key,
                kind=PartKind.TOOL_CALL,
                provider_call_id=call_id,
                name=line.name,
            )
    for piece in line.pieces or re.findall(r"\s*\S+|\s+", _text(line)):
        yield PartDelta(key=key, delta=piece)
    if line.is_whole:
        yield PartEnded(key=key)


def _text(line: Line) -> str:
    match line:
        case Say() | Think():
            return line.text
        case Call(arguments=str() as arguments):
            return arguments
        case Call():
            return json.dumps(line.arguments, ensure_ascii=False)
        case _:
            return ""


def _finish(request: ProviderRequest, script: Script) -> StepFinished:
    has_calls = any(isinstance(line, Call) for line in script)
    return StepFinished(
        reason=FinishReason.TOOL_CALLS if has_calls else FinishReason.STOP,
        usage=Usage(
            input_tokens=_tokens([request.instructions, *_said(request.messages)]),
            output_tokens=_tokens([_text(line) for line in script]),
            reasoning_tokens=_tokens(
                [line.text for line in script if isinstance(line, Think)]
            ),
        ),
        model_name=request.model_name,
    )


def _tokens(texts: list[str]) -> int:
    return -(-sum(map(len, texts)) // CHARACTERS_PER_TOKEN)


def _said(messages: tuple[Message, ...]) -> Iterator[str]:
    for message in messages:
        for part in message.parts:
            match part:
                case TextPart() | ReasoningPart():
                    yield part.text
                case ToolCallPart():
                    yield part.arguments
                case ToolResultPart():
                    yield part.content


def scripts(*steps: Script) -> Rule:
    """A rule that plays these scripts in order, one a step, through a whole thread.

    Which one is due is counted from the messages: one for each user's message but the last, and
    one for each round of tool calls that has its results. So it has no state, and a step that is
    asked again gets the same script again. (A turn that was cut off counts as if it had ended.)
    Past the last one the step is refused with ``ProviderRejected``.
    """

    def rule(request: ProviderRequest) -> Script:
        due = steps_taken(request.messages)
        if due >= len(steps):
            raise ProviderRejected(
                f"There is no script for step {due + 1} of this thread."
            )
        return steps[due]

    return rule


def steps_taken(messages: tuple[Message, ...]) -> int:
    """How many steps this thread has behind it, as ``scripts`` counts them."""
    asked = sum(message.role == Role.USER for message in messages)
    return max(asked - 1, 0) + sum(rounds_of_calls(message) for message in messages)


def rounds_of_calls(message: Message) -> int:
    """How many times a message's calls were answered, calls of one step counted once."""
    return sum(
        isinstance(after, ToolResultPart) and not isinstance(before, ToolResultPart)
        for before, after in pairwise(message.parts)
    )
