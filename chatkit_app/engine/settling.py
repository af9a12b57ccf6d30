"""Settling the calls of one step: arguments are read, server tools run, client tools and people are asked.

Whatever goes wrong becomes a result that the model reads; nothing here raises but cancellation.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncGenerator, Callable, Iterator, Mapping, Sequence
from contextlib import aclosing
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from uuid import UUID

from chatkit_app.engine import events
from chatkit_app.engine.approvals import Allow, Ask, Deny
from chatkit_app.engine.asked_for import approval, client_tool, job, question, state_of
from chatkit_app.engine.calls import (
    UNKNOWN_OUTCOME,
    Call,
    Result,
    failed,
    result_part,
)
from chatkit_app.engine.context import ToolContext
from chatkit_app.engine.jobs import HandedOver, JobTool
from chatkit_app.engine.limits import TOLD_BYTES
from chatkit_app.engine.messages import ToolResultPart
from chatkit_app.engine.performing import Input, InThread, Pending, Performing
from chatkit_app.engine.redacting import NO_REDACTION, Redaction
from chatkit_app.engine.states import Effect, ToolCallStatus
from chatkit_app.engine.telling import Telling, Told
from chatkit_app.engine.tools import AnyJob, ServerTool, Tool

Ready = tuple[Call, ServerTool | AnyJob, Input]
"""A call whose function may begin."""

DENIED = "This call was not allowed."
NOT_PERMITTED = "This tool is not for this user."
HANDED_OVER = (
    "This was handed over to something that is not there any more; whether it took effect is"
    " unknown."
)

MakeContext = Callable[[Call, Told, Callable[[], bool]], ToolContext]
"""Makes a tool's context of the call, where it tells, and what says that it is cancelled."""


def utc_now() -> datetime:
    """This machine's time; whoever drives a run has a clock that all processes share."""
    return datetime.now(UTC)


@dataclass(frozen=True, slots=True, kw_only=True)
class ToApprove:
    """A call that somebody has to approve first, with the words for them."""

    read: Input
    ask: Ask


Happened = Result | Pending | HandedOver
"""What has come of a call's function."""

Reading = Input | ToApprove | Result
"""What is known of a call before it begins: what it is called with, or why it is not."""


def permits_all(_tool: Tool) -> bool:
    """Where nobody asks for a tool's permission: in tests."""
    return True


@dataclass(slots=True, kw_only=True)
class Calls:
    """The calls of a step on their way. Not frozen: results come in."""

    tools: Mapping[str, Tool]
    withheld: frozenset[str] = frozenset()
    permits: Callable[[Tool], bool] = permits_all
    context: MakeContext
    in_thread: InThread
    message_id: str
    step_id: str
    new_id: Callable[[], UUID]
    max_parallel: int
    max_output_bytes: int
    told_bytes: int = TOLD_BYTES
    redaction: Redaction = NO_REDACTION
    tab: str = ""
    now: Callable[[], datetime] = utc_now
    results: dict[UUID, ToolResultPart] = field(default_factory=dict)
    is_waiting: bool = False

    async def run(self, calls: Sequence[Call]) -> AsyncGenerator[events.AnyEvent, None]:
        """Settle what can be settled here; ``is_waiting`` tells whether the outside must answer."""
        calls = [
            replace(call, arguments=self.redaction.arguments(call.arguments))
            for call in calls
        ]
        performing = Performing(
            in_thread=self.in_thread,
            max_output_bytes=self.max_output_bytes,
            tasks=set(),
        )
        telling = Telling(tab=self.tab)
        try:
            found = await asyncio.gather(
                *(self._read(performing, telling, call) for call in calls)
            )
            ready: list[Ready] = []
            for call, read in zip(calls, found, strict=True):
                for event in self._begin(call, read, ready):
                    yield event
            working = self._run_server_tools(performing, telling, ready)
            async with aclosing(working) as happening:
                async for event in happening:
                    yield event
        finally:
            await performing.leave()

    async def _read(
        self, performing: Performing, telling: Telling, call: Call
    ) -> Reading | None:
        """What the call is to be; None where it has begun before."""
        if call.result is not None or call.is_asked:
            return None
        tool = await self._tool(call)
        if isinstance(tool, Result):
            return tool
        if call.is_handed_over and not _may_begin_again(call, tool):
            return failed(UNKNOWN_OUTCOME, HANDED_OVER)
        read = await performing.read(tool, call)
        # What a person has made of the arguments the rule has not seen: it may still deny them.
        is_edited = call.edited_input is not None
        is_reviewed = call.has_begun or (call.is_approved and not is_edited)
        if isinstance(read, Result) or is_reviewed:
            return read
        context = self.context(call, telling.teller(call.tool_call_id), lambda: False)
        said = await performing.review(tool, call, context, read.value)
        match said:
            case Ask() if not call.is_approved:
                return ToApprove(read=read, ask=said)
            case Allow() | Ask():
                return read
            case Deny():
                return failed("denied", said.reason or DENIED)
            case Result():
                return said

    def _begin(
        self, call: Call, read: Reading | None, ready: list[Ready]
    ) -> Iterator[events.AnyEvent]:
        """A call's first event: queued, asked for, or ended for what is wrong with it."""
        if call.result is not None:
            self.results[call.tool_call_id] = call.result
        elif read is None:
            self.is_waiting = True
        elif isinstance(read, Result):
            yield self._end(call, read)
        else:
            tool = self.tools[call.name]
            if (
                isinstance(read, Input)
                and isinstance(tool, JobTool)
                and _is_at_work(call, tool)
            ):
                # Handed over once more, not queued: its job must find the call as it left it.
                ready.append((call, tool, read))
            else:
                yield self._accept(call, tool, read, ready)

    def _accept(
        self, call: Call, tool: Tool, read: Input | ToApprove, ready: list[Ready]
    ) -> events.ToolCallChanged:
        if isinstance(read, ToApprove):
            self.is_waiting = True
            event = approval(self.new_id(), call, tool, read.ask, now=self.now())
            return self._known(call, event, tool, read.read)
        if isinstance(tool, JobTool) and tool.is_ours:
            self.is_waiting = True
            return self._known(call, job(call, tool, now=self.now()), tool, read)
        if isinstance(tool, ServerTool | JobTool):
            ready.append((call, tool, read))
            return self._known(
                call, self._changed(call, ToolCallStatus.QUEUED), tool, read
            )
        self.is_waiting = True
        event = client_tool(self.new_id(), call, tool, read.dumped, now=self.now())
        return self._known(call, event, tool, read)

    def _known(
        self, call: Call, event: events.ToolCallChanged, tool: Tool, read: Input
    ) -> events.ToolCallChanged:
        """The event with what is said of a call once it is read; its input stays the model's."""
        return replace(
            event,
            executor=tool.executor,
            input=None if call.is_approved else read.dumped,
            effect=tool.effect,
            schema_digest=tool.definition.digest,
        )

    def _changed(self, call: Call, status: ToolCallStatus) -> events.ToolCallChanged:
        return events.ToolCallChanged(
            tool_call_id=str(call.tool_call_id), status=status, state=state_of(call)
        )

    async def _run_server_tools(
        self, performing: Performing, telling: Telling, ready: Sequence[Ready]
    ) -> AsyncGenerator[events.AnyEvent, None]:
        """Start them all, bounded; yield what happens, in the order in which it does."""
        for call, tool, _input in ready:
            # Committed before the function starts: a tool that must run once is never begun twice.
            if not _is_at_work(call, tool):
                yield self._changed(call, ToolCallStatus.RUNNING)
        bound = asyncio.Semaphore(self.max_parallel)
        tasks = {
            asyncio.create_task(self._run_one(performing, one, telling, bound)): one
            for one in ready
        }
        try:
            async with aclosing(self._watch(tasks, telling)) as happening:
                async for event in happening:
                    yield event
        finally:
            for task in tasks:
                task.cancel()
            # They end at once: what a tool does with its cancellation is not theirs to wait for.
            await asyncio.gather(*tasks, return_exceptions=True)

    async def _watch(
        self, tasks: Mapping[asyncio.Task[Happened], Ready], telling: Telling
    ) -> AsyncGenerator[events.AnyEvent, None]:
        pending = set(tasks)
        while pending:
            news = asyncio.create_task(telling.wait())
            try:
                done, _ = await asyncio.wait(
                    {*pending, news}, return_when=asyncio.FIRST_COMPLETED
                )
            finally:
                news.cancel()
            for event in telling.take():
                yield event
            for task, one in tasks.items():
                if task in done and task in pending:
                    pending.discard(task)
                    for event in telling.end(one[0].tool_call_id):
                        yield event
                    yield self._outcome(one, task.result())

    async def _run_one(
        self,
        performing: Performing,
        one: Ready,
        telling: Telling,
        bound: asyncio.Semaphore,
    ) -> Happened:
        call, tool, read = one
        left = threading.Event()  # asked of by the tool, perhaps from a thread
        teller = telling.teller(call.tool_call_id)
        context = replace(
            self.context(call, teller, left.is_set),
            is_approved=call.is_approved,
            questions=tool.definition.questions,
            answers=call.answers,
        )
        try:
            async with bound:
                if isinstance(tool, JobTool):
                    return await performing.hand_over(tool, call, context, read.value)
                return await performing.run(tool, call, context, read.value)
        finally:
            left.set()

    def _outcome(
        self, one: Ready, found: Happened
    ) -> events.ToolCallChanged | events.ToolCallEnded:
        """What has come of a tool's function: its result, a question, or work for somebody else."""
        call, tool, _read = one
        if isinstance(found, Result):
            return self._end(call, found)
        self.is_waiting = True
        if isinstance(found, HandedOver):
            assert isinstance(tool, JobTool)  # noqa: S101 (nothing else is handed over)
            return job(call, tool, now=self.now())
        return question(self.new_id(), call, tool, found, now=self.now())

    async def _tool(self, call: Call) -> Tool | Result:
        """The tool that is called, or why it can't be."""
        if call.is_cut:
            return failed("cut_off", "The call was cut off before it was whole.")
        if call.name in self.withheld:
            return failed("not_permitted", NOT_PERMITTED)
        tool = self.tools.get(call.name)
        if tool is None:
            known = ", ".join(sorted(self.tools)) or "none"
            return failed("unknown_tool", f"No such tool; there are: {known}.")
        if not await self._is_permitted(tool):
            return failed("not_permitted", NOT_PERMITTED)
        return tool

    async def _is_permitted(self, tool: Tool) -> bool:
        """Asked again now: the right may be gone since the tool was offered. No answer is a no."""
        if not tool.definition.permission:
            return True
        try:
            async with asyncio.timeout(tool.definition.timeout):
                return await self.in_thread(lambda: self.permits(tool))
        except TimeoutError:
            return False

    def _end(self, call: Call, result: Result) -> events.ToolCallEnded:
        result = replace(self.redaction.result(result), edited_input=call.edited_input)
        self.results[call.tool_call_id] = result_part(
            call.provider_call_id, call.name, result, max_bytes=self.told_bytes
        )
        return events.ToolCallEnded(
            tool_call_id=str(call.tool_call_id),
            message_id=self.message_id,
            part_id=str(self.new_id()),
            index=call.result_index,
            step_id=self.step_id,
            status=result.status,
            state=state_of(call),
            output=result.output,
            error_code=result.error_code,
            error_text=result.error_text,
        )


def _is_at_work(call: Call, tool: ServerTool | AnyJob) -> bool:
    """May the call's job have begun, though nobody has written down that it was handed over?"""
    return call.is_handed_over and isinstance(tool, JobTool) and not tool.is_ours


def _may_begin_again(call: Call, tool: Tool) -> bool:
    """May a call whose job was handed over be begun by this tool?

    By a job, whose queue knows the call; by any other, which newer code has put in its place, only
    if it may be repeated: the job may be at work. A tool that says nothing is taken as a job's.
    """
    declared = tool.definition.declared_effect or Effect.ONCE
    is_same = isinstance(tool, ServerTool | JobTool) and _is_at_work(call, tool)
    return is_same or declared is not Effect.ONCE
