"""Settling the calls of one step: arguments are read, server tools run, client tools are asked for.

Whatever goes wrong becomes a result that the model reads; nothing here raises but cancellation.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Callable, Iterator, Mapping, Sequence
from contextlib import aclosing
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from uuid import UUID

from pydantic import JsonValue

from chatkit_app.engine import events
from chatkit_app.engine.calls import Call, Result, failed, result_part
from chatkit_app.engine.messages import ToolResultPart
from chatkit_app.engine.performing import Input, InThread, Performing
from chatkit_app.engine.progress import Progress
from chatkit_app.engine.states import ToolCallState, ToolCallStatus
from chatkit_app.engine.tools import ServerTool, Tool, ToolContext

Ready = tuple[Call, ServerTool, Input]
"""A call whose function may begin."""


def utc_now() -> datetime:
    """This machine's time; whoever drives a run has a clock that all processes share."""
    return datetime.now(UTC)


@dataclass(slots=True, kw_only=True)
class Calls:
    """The calls of a step on their way. Not frozen: results come in."""

    tools: Mapping[str, Tool]
    context: Callable[[Call, Callable[[str, float | None], None]], ToolContext]
    in_thread: InThread
    message_id: str
    step_id: str
    new_id: Callable[[], UUID]
    max_parallel: int
    max_output_bytes: int
    now: Callable[[], datetime] = utc_now
    results: dict[UUID, ToolResultPart] = field(default_factory=dict)
    is_waiting: bool = False

    async def run(self, calls: Sequence[Call]) -> AsyncGenerator[events.AnyEvent, None]:
        """Settle what can be settled here; ``is_waiting`` tells whether a page must answer."""
        performing = Performing(
            in_thread=self.in_thread,
            max_output_bytes=self.max_output_bytes,
            tasks=set(),
        )
        try:
            found = await asyncio.gather(
                *(self._read(performing, call) for call in calls)
            )
            ready: list[Ready] = []
            for call, read in zip(calls, found, strict=True):
                for event in self._begin(call, read, ready):
                    yield event
            async with aclosing(self._run_server_tools(performing, ready)) as happening:
                async for event in happening:
                    yield event
        finally:
            await performing.leave()

    async def _read(self, performing: Performing, call: Call) -> Input | Result | None:
        """The call's input, or what is wrong with it; None where it has begun before."""
        if call.result is not None or call.is_asked:
            return None
        if call.is_cut:
            return failed("cut_off", "The call was cut off before it was whole.")
        tool = self.tools.get(call.name)
        if tool is None:
            known = ", ".join(sorted(self.tools)) or "none"
            return failed("unknown_tool", f"No such tool; there are: {known}.")
        return await performing.read(tool, call)

    def _begin(
        self, call: Call, read: Input | Result | None, ready: list[Ready]
    ) -> Iterator[events.AnyEvent]:
        """A call's first event: queued, asked for, or ended for what is wrong with it."""
        if call.result is not None:
            self.results[call.tool_call_id] = call.result
        elif read is None:
            self.is_waiting = True
        elif isinstance(read, Result):
            yield self._end(call, read)
        else:
            yield self._accept(call, self.tools[call.name], read, ready)

    def _accept(
        self, call: Call, tool: Tool, read: Input, ready: list[Ready]
    ) -> events.ToolCallChanged:
        if isinstance(tool, ServerTool):
            ready.append((call, tool, read))
            return self._changed(call, tool, ToolCallStatus.QUEUED, read.dumped)
        self.is_waiting = True
        return self._changed(call, tool, ToolCallStatus.WAITING, read.dumped)

    def _changed(
        self, call: Call, tool: Tool, status: ToolCallStatus, value: JsonValue
    ) -> events.ToolCallChanged:
        definition = tool.definition
        is_waiting = status is ToolCallStatus.WAITING
        deadline = self.now() + timedelta(seconds=definition.deadline)
        return events.ToolCallChanged(
            tool_call_id=str(call.tool_call_id),
            status=status,
            state=ToolCallState.INPUT_COMPLETE,
            executor=tool.executor,
            input=value,
            deadline_at=deadline if is_waiting else None,
            effect=tool.effect,
            schema_digest=definition.digest,
            response_schema=definition.output_schema if is_waiting else None,
        )

    async def _run_server_tools(
        self, performing: Performing, ready: Sequence[Ready]
    ) -> AsyncGenerator[events.AnyEvent, None]:
        """Start them all, bounded; yield what happens, in the order in which it does."""
        for call, _tool, _input in ready:
            # Committed before the function starts: a tool that must run once is never begun twice.
            yield events.ToolCallChanged(
                tool_call_id=str(call.tool_call_id),
                status=ToolCallStatus.RUNNING,
                state=ToolCallState.INPUT_COMPLETE,
            )
        progress = Progress()
        bound = asyncio.Semaphore(self.max_parallel)
        tasks = {
            asyncio.create_task(self._run_one(performing, one, progress, bound)): one[0]
            for one in ready
        }
        try:
            async with aclosing(self._watch(tasks, progress)) as happening:
                async for event in happening:
                    yield event
        finally:
            for task in tasks:
                task.cancel()
            # They end at once: what a tool does with its cancellation is not theirs to wait for.
            await asyncio.gather(*tasks, return_exceptions=True)

    async def _watch(
        self, tasks: Mapping[asyncio.Task[Result], Call], progress: Progress
    ) -> AsyncGenerator[events.AnyEvent, None]:
        pending = set(tasks)
        while pending:
            news = asyncio.create_task(progress.wait())
            try:
                done, _ = await asyncio.wait(
                    {*pending, news}, return_when=asyncio.FIRST_COMPLETED
                )
            finally:
                news.cancel()
            for event in progress.take():
                yield event
            for task, call in tasks.items():
                if task in done and task in pending:
                    pending.discard(task)
                    progress.end(call.tool_call_id)
                    yield self._end(call, task.result())

    async def _run_one(
        self,
        performing: Performing,
        one: Ready,
        progress: Progress,
        bound: asyncio.Semaphore,
    ) -> Result:
        call, tool, read = one
        context = self.context(call, progress.reporter(call.tool_call_id))
        async with bound:
            return await performing.run(tool, call, context, read.value)

    def _end(self, call: Call, result: Result) -> events.ToolCallEnded:
        self.results[call.tool_call_id] = result_part(
            call.provider_call_id, call.name, result
        )
        return events.ToolCallEnded(
            tool_call_id=str(call.tool_call_id),
            message_id=self.message_id,
            part_id=str(self.new_id()),
            index=call.result_index,
            step_id=self.step_id,
            status=result.status,
            state=ToolCallState.INPUT_COMPLETE,
            output=result.output,
            error_code=result.error_code,
            error_text=result.error_text,
        )
