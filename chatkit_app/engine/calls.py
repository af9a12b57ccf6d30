"""Running the calls of one step: arguments are read, server tools run, client tools are asked for.

Whatever goes wrong becomes a result that the model reads; nothing here raises but cancellation.
"""

from __future__ import annotations

import asyncio
import logging
import math
import time
from collections.abc import (
    AsyncGenerator,
    Awaitable,
    Callable,
    Iterator,
    Mapping,
    Sequence,
)
from contextlib import aclosing
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from pydantic import JsonValue

from chatkit_app.engine import events
from chatkit_app.engine.assembler import sound, sound_json
from chatkit_app.engine.messages import ToolResultPart
from chatkit_app.engine.schema import dump_json
from chatkit_app.engine.states import ToolCallState, ToolCallStatus
from chatkit_app.engine.tools import ServerTool, Tool, ToolContext
from chatkit_app.exceptions import ToolError

logger = logging.getLogger(__name__)

PROGRESS_SECONDS = 0.1
"""A tool that reports more often is shown at this pace, and always at last."""
PROGRESS_CHARS = 300
ERROR_CHARS = 2000

Perform = Callable[[ServerTool, ToolContext, Any], Awaitable[object]]
"""Runs the function: an async one here, a sync one in a thread (Any: the tool's own input)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """One call of a finished step.

    ``result`` is there if it has one already (the run comes back to the step's other calls).
    ``result_index`` is the place of its result's part: reserved when the step ended, since a page and
    the server may come with theirs at once. ``is_asked``: a page has been asked for it already;
    ``is_cut``: the provider stopped before the arguments were whole.
    """

    tool_call_id: UUID
    provider_call_id: str
    name: str
    arguments: str
    result_index: int
    is_asked: bool = False
    is_cut: bool = False
    result: ToolResultPart | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """What came of a call: for the row, and in words for the model."""

    status: ToolCallStatus
    output: JsonValue = None
    error_code: str | None = None
    error_text: str | None = None

    @property
    def content(self) -> str:
        """What the model reads."""
        if self.status is not ToolCallStatus.COMPLETED:
            return f"Error: {self.error_text}"
        return self.output if isinstance(self.output, str) else dump_json(self.output)


def failed(code: str, text: str) -> Result:
    """A call that did not succeed, with the words for the model."""
    return Result(
        status=ToolCallStatus.FAILED,
        error_code=code,
        error_text=sound(text)[:ERROR_CHARS],
    )


def completed(output: JsonValue, *, max_bytes: int) -> Result:
    """A call that succeeded, unless its output is too large to keep."""
    size = len(dump_json(output).encode("utf-8", "replace"))
    if size > max_bytes:
        return failed(
            "output_too_large", f"The tool's output has {size} bytes, over {max_bytes}."
        )
    return Result(status=ToolCallStatus.COMPLETED, output=sound_json(output))


@dataclass(slots=True, kw_only=True)
class Calls:
    """The calls of a step on their way. Not frozen: results come in."""

    tools: Mapping[str, Tool]
    context: Callable[[Call, Callable[[str, float | None], None]], ToolContext]
    perform: Perform
    message_id: str
    step_id: str
    new_id: Callable[[], UUID]
    max_parallel: int
    max_output_bytes: int
    results: dict[UUID, ToolResultPart] = field(default_factory=dict)
    is_waiting: bool = False

    async def run(self, calls: Sequence[Call]) -> AsyncGenerator[events.AnyEvent, None]:
        """Settle what can be settled here; ``is_waiting`` tells whether a page must answer."""
        ready: list[tuple[Call, ServerTool, Any]] = []
        for call in calls:
            for event in self._prepare(call, ready):
                yield event
        async with aclosing(self._run_server_tools(ready)) as happening:
            async for event in happening:
                yield event

    def _prepare(
        self, call: Call, ready: list[tuple[Call, ServerTool, Any]]
    ) -> Iterator[events.AnyEvent]:
        """Whatever can be said of a call before any tool runs."""
        if call.result is not None:
            self.results[call.tool_call_id] = call.result
        elif call.is_asked:
            self.is_waiting = True
        else:
            yield self._begin(call, ready)

    def _begin(
        self, call: Call, ready: list[tuple[Call, ServerTool, Any]]
    ) -> events.AnyEvent:
        """A call's first event: queued, asked for, or ended for what is wrong with it."""
        tool = self.tools.get(call.name)
        if call.is_cut:
            text = "The call was cut off before it was whole."
            return self._end(call, failed("cut_off", text))
        if tool is None:
            known = ", ".join(sorted(self.tools)) or "none"
            text = f"No such tool; there are: {known}."
            return self._end(call, failed("unknown_tool", text))
        try:
            value = tool.definition.read_input(sound(call.arguments))
            dumped = tool.definition.dump_input(value)
        except ToolError as error:
            return self._end(call, failed("invalid_arguments", str(error)))
        except Exception:  # the site's own validators and serializers
            logger.exception("Tool %s can't read call %s", call.name, call.tool_call_id)
            return self._end(call, failed("tool_failed", "The tool failed."))
        if isinstance(tool, ServerTool):
            ready.append((call, tool, value))
            return self._changed(call, tool, ToolCallStatus.QUEUED, dumped)
        self.is_waiting = True
        return self._changed(call, tool, ToolCallStatus.WAITING, dumped)

    def _changed(
        self, call: Call, tool: Tool, status: ToolCallStatus, value: JsonValue
    ) -> events.ToolCallChanged:
        definition = tool.definition
        is_waiting = status is ToolCallStatus.WAITING
        deadline = datetime.now(UTC) + timedelta(seconds=definition.deadline)
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
        self, ready: Sequence[tuple[Call, ServerTool, Any]]
    ) -> AsyncGenerator[events.AnyEvent, None]:
        """Start them all, bounded; yield what happens, in the order in which it does."""
        if not ready:
            return
        for call, _tool, _value in ready:
            # Committed before the function starts: a tool that must run once is never begun twice.
            yield events.ToolCallChanged(
                tool_call_id=str(call.tool_call_id),
                status=ToolCallStatus.RUNNING,
                state=ToolCallState.INPUT_COMPLETE,
            )
        progress = Progress()
        bound = asyncio.Semaphore(self.max_parallel)
        tasks = {
            asyncio.create_task(self._run_one(call, tool, value, progress, bound)): call
            for call, tool, value in ready
        }
        try:
            async with aclosing(self._watch(tasks, progress)) as happening:
                async for event in happening:
                    yield event
        finally:
            for task in tasks:
                task.cancel()
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
                    yield self._end(call, task.result())

    async def _run_one(
        self,
        call: Call,
        tool: ServerTool,
        value: object,
        progress: Progress,
        bound: asyncio.Semaphore,
    ) -> Result:
        """Run one tool's function.

        ``BaseException``, because a tool's ``SystemExit`` is the tool's error, not the process's
        end; the cancelling of this task is the one exception to it.
        """
        context = self.context(call, progress.reporter(call.tool_call_id))
        async with bound:
            limit = asyncio.timeout(tool.definition.timeout)
            try:
                async with limit:
                    output = await self.perform(tool, context, value)
                return completed(
                    tool.definition.dump_output(output), max_bytes=self.max_output_bytes
                )
            except ToolError as error:
                return failed("tool_error", str(error))
            except BaseException as error:
                if isinstance(error, asyncio.CancelledError) and _is_being_cancelled():
                    raise
                if isinstance(error, TimeoutError) and limit.expired():
                    seconds = f"{tool.definition.timeout:g}"
                    return failed(
                        "tool_timeout", f"The tool took longer than {seconds} seconds."
                    )
                logger.exception(
                    "Tool %s failed in call %s", tool.name, call.tool_call_id
                )
                if isinstance(error, KeyboardInterrupt):
                    raise
                return failed("tool_failed", "The tool failed.")

    def _end(self, call: Call, result: Result) -> events.ToolCallEnded:
        self.results[call.tool_call_id] = ToolResultPart(
            tool_call_id=call.provider_call_id,
            name=call.name,
            content=result.content,
            is_error=result.status is not ToolCallStatus.COMPLETED,
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


def _is_being_cancelled() -> bool:
    """Has somebody asked this task to end? A tool may also let a cancellation of its own out."""
    task = asyncio.current_task()
    return task is not None and task.cancelling() > 0


class Progress:
    """What running tools report: the newest of each call, at a bearable pace, from any thread."""

    def __init__(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._news = asyncio.Event()
        self._newest: dict[UUID, tuple[str, float | None]] = {}
        self._shown_at = -math.inf

    def reporter(self, tool_call_id: UUID) -> Callable[[str, float | None], None]:
        """The function that a tool calls."""

        def report(text: str, fraction: float | None) -> None:
            self._loop.call_soon_threadsafe(self._note, tool_call_id, text, fraction)

        return report

    def _note(self, tool_call_id: UUID, text: str, fraction: float | None) -> None:
        if fraction is not None:
            fraction = min(1.0, max(0.0, fraction)) if math.isfinite(fraction) else None
        self._newest[tool_call_id] = (sound(str(text))[:PROGRESS_CHARS], fraction)
        self._news.set()

    async def wait(self) -> None:
        """Until there is something new that may be shown."""
        await self._news.wait()
        await asyncio.sleep(self._shown_at + PROGRESS_SECONDS - time.monotonic())

    def take(self) -> list[events.ToolCallProgressed]:
        """What is new."""
        newest, self._newest = self._newest, {}
        self._news.clear()
        if newest:
            self._shown_at = time.monotonic()
        return [
            events.ToolCallProgressed(
                tool_call_id=str(call), text=text, fraction=fraction
            )
            for call, (text, fraction) in newest.items()
        ]
