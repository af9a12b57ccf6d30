"""The run itself: ask the model, run what it calls, ask again; stop where a page must answer.

Pure: it yields what happens and never waits for a browser. Whoever drives it records each event
before it asks for the next one, so that nothing is done that isn't written down.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping
from contextlib import aclosing
from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

from chatkit_app.engine import events
from chatkit_app.engine.asking import Asking, Retries
from chatkit_app.engine.assembler import Assembler, GrowingPart
from chatkit_app.engine.calls import Call
from chatkit_app.engine.history import estimate_tokens, fit
from chatkit_app.engine.limits import Limits, Spent
from chatkit_app.engine.messages import (
    Message,
    Part,
    ProviderData,
    ReasoningPart,
    TextPart,
    ToolCallPart,
)
from chatkit_app.engine.performing import InThread
from chatkit_app.engine.provider import (
    Provider,
    ProviderEvent,
    ProviderRequest,
)
from chatkit_app.engine.reading import ReadFile, Reading, no_file
from chatkit_app.engine.redacting import NO_REDACTION, Redaction
from chatkit_app.engine.schema import load_json
from chatkit_app.engine.settling import Calls, MakeContext, permits_all, utc_now
from chatkit_app.engine.states import PartKind, Role
from chatkit_app.engine.tools import Tool
from chatkit_app.exceptions import (
    ProviderContextExceeded,
    StepLimitExceeded,
    ToolError,
)

SHRINKS = 4
"""How often the history is halved when the model says that it is too long."""


class Outcome(StrEnum):
    """How the loop came to its end."""

    FINISHED = "finished"
    WAITING = "waiting"


@dataclass(frozen=True, slots=True, kw_only=True)
class Brief:
    """What the assistant is for this viewer on this page.

    ``withheld``: names of tools that the assistant has, and that this viewer may not use; ``permits``
    asks again for one, and may block. ``tab`` is
    the page that has sent the message, ``page`` what it has told of itself (the assistant's own
    model), ``dependencies`` what the site has made for this drive of the run. ``read_file`` finds the
    bytes of a file, of which a request may hold ``file_bytes``.
    """

    instructions: str
    tools: Mapping[str, Tool]
    model_name: str
    options: Mapping[str, object]
    max_steps: int
    history_tokens: int
    safety_key: str = ""
    withheld: frozenset[str] = frozenset()
    permits: Callable[[Tool], bool] = permits_all
    limits: Limits = field(default_factory=Limits)
    page: Any = None
    dependencies: Any = None
    read_file: ReadFile = no_file
    file_bytes: int = 0
    tab: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Work:
    """Where a run stands: from its rows, at its start as after each pause.

    ``history`` ends with what the run answers to; ``answer`` holds the parts of its own finished
    steps, results included. ``calls`` are those of the last step (``step_id``) if some of them have
    no result yet: then all results of that step are theirs, so that they stay in order.
    ``is_answered``: the last step called nothing, so there is nothing more to ask. ``next_attempt``
    is more than 1 where the next step was asked before and came to nothing; ``retry_at`` is when it
    may be asked again. ``spent`` is what the run has used up so far.
    """

    run_id: UUID
    message_id: UUID
    history: tuple[Message, ...]
    answer: tuple[Part, ...] = ()
    calls: tuple[Call, ...] = ()
    step_id: UUID | None = None
    is_answered: bool = False
    next_step: int = 0
    next_attempt: int = 1
    retry_at: datetime | None = None
    next_index: int = 0
    spent: Spent = field(default_factory=Spent)


@dataclass(slots=True, kw_only=True)
class Loop:
    """One drive from a start or a pause to the next pause or the end. Not frozen: it moves on.

    ``check`` is asked before the model is, and before what it has called begins: it raises what ends
    the run where nothing is left to pay for it.
    """

    work: Work
    brief: Brief
    provider: Provider
    in_thread: InThread
    context: MakeContext
    new_id: Callable[[], UUID]
    retries: Retries = field(default_factory=Retries)
    sleep: Callable[[float], Awaitable[None]] = asyncio.sleep
    now: Callable[[], datetime] = utc_now
    max_parallel: int = 8
    max_output_bytes: int = 65_536
    redaction: Redaction = NO_REDACTION
    check: Callable[[], Awaitable[None]] | None = None
    outcome: Outcome | None = None
    _answer: list[Part] = field(default_factory=list)
    _next_index: int = 0
    _budget: int = 0
    _spent: Spent = field(default_factory=Spent)

    async def run(self) -> AsyncGenerator[events.AnyEvent, None]:
        """Yield what happens.

        Raises:
            RunError: The provider did not give a whole answer, or a limit of the assistant's is passed,
                or a budget is spent.
        """
        self._spent = replace(self.work.spent)
        async with aclosing(self._drive()) as happening:
            async for event in happening:
                self._spent.note(event, self.now())
                yield self.redaction.event(event)

    async def _drive(self) -> AsyncGenerator[events.AnyEvent, None]:
        self._answer = list(self.work.answer)
        self._next_index = self.work.next_index
        self._budget = self.brief.history_tokens
        index, attempt = self.work.next_step, self.work.next_attempt
        step_id, calls = self.work.step_id, self.work.calls
        if self.work.retry_at is not None:
            # Promised to the provider by a process that is gone.
            left = (self.work.retry_at - self.now()).total_seconds()
            await self.sleep(max(0.0, left))
        while not self.work.is_answered:
            if calls:
                self.brief.limits.check_calls(self._spent)
                settled = self._calls(str(step_id))
                async with aclosing(settled.run(calls)) as happening:
                    async for event in happening:
                        yield event
                if settled.is_waiting:
                    self.outcome = Outcome.WAITING
                    return
                self._answer += [settled.results[call.tool_call_id] for call in calls]
            if index >= self.brief.max_steps:
                raise StepLimitExceeded(
                    f"The run took {index} steps, which is the limit."
                )
            self.brief.limits.check_step(self._spent)
            await self._check()
            asking = self._asking(index, attempt)
            async with aclosing(asking.run()) as happening:
                async for event in happening:
                    yield event
            step_id, calls = asking.step_id, self._take(asking.assembler)
            index, attempt = index + 1, 1
            if not calls:
                break
            await self._check()
        self.outcome = Outcome.FINISHED

    async def _check(self) -> None:
        if self.check is not None:
            await self.check()

    def _take(self, assembler: Assembler) -> tuple[Call, ...]:
        """Keep what the model has said in a step; its calls."""
        base = assembler.next_index
        calls = tuple(_call(part, base + n) for n, part in enumerate(assembler.calls))
        self._next_index = base + len(calls)
        self._answer += [_part(part) for part in assembler.parts]
        return calls

    def _calls(self, step_id: str) -> Calls:
        return Calls(
            tools=self.brief.tools,
            withheld=self.brief.withheld,
            permits=self.brief.permits,
            tab=self.brief.tab,
            context=self.context,
            in_thread=self.in_thread,
            message_id=str(self.work.message_id),
            step_id=step_id,
            new_id=self.new_id,
            now=self.now,
            max_parallel=self.max_parallel,
            max_output_bytes=self.max_output_bytes,
            told_bytes=self.brief.limits.output_bytes,
            redaction=self.redaction,
        )

    def _asking(self, index: int, attempt: int) -> Asking:
        return Asking(
            run_id=self.work.run_id,
            message_id=self.work.message_id,
            index=index,
            attempt=attempt,
            next_index=self._next_index,
            provider_name=self.provider.name,
            model_name=self.brief.model_name,
            ask=self._ask,
            new_id=self.new_id,
            sleep=self.sleep,
            now=self.now,
            retries=self.retries,
            redaction=self.redaction,
        )

    async def _ask(self) -> AsyncGenerator[ProviderEvent, None]:
        """The provider's events; a history that is too long is halved and asked again."""
        for shrink in range(SHRINKS + 1):
            is_silent = True
            request = await self._reading().told(self._request())
            try:
                async with aclosing(self.provider.stream(request)) as stream:
                    async for found in stream:
                        is_silent = False
                        yield found
            except ProviderContextExceeded:
                if not is_silent or shrink == SHRINKS:
                    raise
                told = sum(map(estimate_tokens, request.messages))
                self._budget = min(self._budget, told) // 2
            else:
                return

    def _reading(self) -> Reading:
        return Reading(
            read=self.brief.read_file,
            in_thread=self.in_thread,
            types=self.provider.file_types,
            max_bytes=self.brief.file_bytes,
            text_bytes=self.brief.limits.output_bytes,
        )

    def _request(self) -> ProviderRequest:
        messages = [*self.work.history]
        if self._answer:
            messages.append(Message(role=Role.ASSISTANT, parts=tuple(self._answer)))
        return ProviderRequest(
            model_name=self.brief.model_name,
            instructions=self.brief.instructions,
            messages=fit(messages, self._budget),
            tools=tuple(tool.definition.spec for tool in self.brief.tools.values()),
            options=self.brief.options,
            safety_key=self.brief.safety_key,
        )


def _call(part: GrowingPart, result_index: int) -> Call:
    assert part.tool_call_id is not None  # noqa: S101 (every call's part has one)
    return Call(
        tool_call_id=part.tool_call_id,
        provider_call_id=part.provider_call_id,
        name=part.name,
        arguments=part.text,
        result_index=result_index,
        is_cut=part.is_cut,
    )


def _part(part: GrowingPart) -> Part:
    return said(
        part.kind,
        part.text,
        provider_data=part.provider_data,
        call=(part.provider_call_id, part.name),
    )


def said(
    kind: PartKind,
    text: str,
    *,
    provider_data: ProviderData | None,
    call: tuple[str, str] = ("", ""),
) -> Part:
    """What the model said, as it is told again; ``call`` is a tool call's provider id and name."""
    if kind is PartKind.TOOL_CALL:
        return ToolCallPart(
            id=call[0],
            name=call[1],
            arguments=readable_arguments(text),
            provider_data=provider_data,
        )
    if kind is PartKind.REASONING:
        return ReasoningPart(text=text, provider_data=provider_data)
    return TextPart(text=text, provider_data=provider_data)


def readable_arguments(text: str) -> str:
    """Arguments that every provider takes back: the JSON text of an object.

    What the model wrote otherwise it reads in the call's error; some servers parse the history and
    fail on it.
    """
    try:
        return text if isinstance(load_json(text), dict) else "{}"
    except ToolError:
        return "{}"
