"""One server tool at work: its function in time, and whatever comes of it as a value.

The site's sync code (a sync tool's function, the types of its input and its output) runs in a thread:
it may block, and its lazy relations may ask the database.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Coroutine, Mapping
from dataclasses import dataclass
from inspect import isawaitable
from typing import Any, Protocol, TypeVar

from pydantic import JsonValue

from chatkit_app.engine.approvals import Verdict, verdict_of
from chatkit_app.engine.assembler import sound
from chatkit_app.engine.calls import Call, Result, completed, failed
from chatkit_app.engine.context import Asked, Suspended, ToolContext
from chatkit_app.engine.jobs import HandedOver, JobTool
from chatkit_app.engine.questions import with_initial
from chatkit_app.engine.schema import dump_json, is_async
from chatkit_app.engine.tools import AnyJob, ServerTool, Tool
from chatkit_app.exceptions import ToolError

logger = logging.getLogger(__name__)

T = TypeVar("T")

FAILED_TEXT = "The tool failed."

MAX_QUESTIONS = 32
"""How many questions one call may ask: it is entered again for each."""

LEAVE_SECONDS = 1.0
"""How long a tool that is cancelled with its run may take to clean up before it is left alone."""

_working: set[asyncio.Task[Any]] = set()
"""Holds each task until it ends, also one that nobody waits for any more."""


class InThread(Protocol):
    """Runs a sync function where it may block; the caller's context variables come along."""

    def __call__(self, function: Callable[[], T], /) -> Awaitable[T]: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Input:
    """What a tool is called with: its own type, and the same as JSON."""

    value: Any
    dumped: JsonValue


@dataclass(frozen=True, slots=True, kw_only=True)
class Pending:
    """A question that a tool asks, as whoever is asked will see it."""

    key: str
    message: str
    name: str
    arguments: Mapping[str, JsonValue] | None
    schema: Mapping[str, JsonValue]
    form: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Performing:
    """Reads and runs the calls of one step, each in a task of its own."""

    in_thread: InThread
    max_output_bytes: int
    tasks: set[asyncio.Task[Any]]

    async def read(self, tool: Tool, call: Call) -> Input | Result:
        """The model's arguments as the tool's own input, or what is wrong with them."""
        return await self._in_time(tool, call, self._read(tool, call))

    async def review(
        self, tool: Tool, call: Call, context: ToolContext, value: Any
    ) -> Verdict | Result:
        """Whether the call may run; a rule that fails lets nothing pass."""
        rule = tool.definition.needs_approval
        if isinstance(rule, bool):
            return verdict_of(rule)

        async def review() -> Verdict | Result:
            try:
                said = await self._called(rule, value, context.user, context)
            except ToolError as error:
                return failed("tool_error", str(error))
            return verdict_of(said)

        return await self._in_time(tool, call, review())

    async def run(
        self, tool: ServerTool, call: Call, context: ToolContext, value: Any
    ) -> Result | Pending:
        """Run the function; ``value`` is the tool's own input."""
        return await self._in_time(tool, call, self._run(tool, call, context, value))

    async def hand_over(
        self, tool: AnyJob, call: Call, context: ToolContext, value: Any
    ) -> Result | HandedOver:
        """Give the work to the site's queue."""
        return await self._in_time(tool, call, self._hand_over(tool, context, value))

    async def work(
        self, tool: AnyJob, call: Call, context: ToolContext, value: Any
    ) -> Result:
        """Do the work of a job here, as long as it takes."""
        found = await self._in_time(
            tool, call, self._run(tool, call, context, value), is_bound=False
        )
        return (
            found if isinstance(found, Result) else failed("tool_failed", FAILED_TEXT)
        )

    async def leave(self) -> None:
        """Cancel what still works here, and give it a moment to clean up."""
        for task in self.tasks:
            task.cancel()
        if self.tasks:
            await asyncio.wait(self.tasks, timeout=LEAVE_SECONDS)

    async def _read(self, tool: Tool, call: Call) -> Input | Result:
        edited = call.edited_input
        arguments = sound(call.arguments) if edited is None else dump_json(edited)

        def read() -> Input:
            value = tool.definition.read_input(arguments)
            return Input(value=value, dumped=tool.definition.dump_input(value))

        try:
            if isinstance(tool, ServerTool | JobTool) and tool.is_async:
                return read()
            return await self.in_thread(read)
        except ToolError as error:
            return failed("invalid_arguments", str(error))

    async def _run(
        self, tool: ServerTool | AnyJob, call: Call, context: ToolContext, value: Any
    ) -> Result | Pending:
        try:
            output = await self._output(tool, context, value)
        except (Suspended, BaseExceptionGroup) as left:
            return await self._suspended(call, left)
        except ToolError as error:
            return failed("tool_error", str(error))
        return completed(output, max_bytes=self.max_output_bytes)

    async def _hand_over(
        self, tool: AnyJob, context: ToolContext, value: Any
    ) -> Result | HandedOver:
        try:
            if tool.is_async:
                found = tool.call(context, value)
            else:
                found = await self.in_thread(lambda: tool.call(context, value))
            if isawaitable(found):
                await found
        except ToolError as error:
            return failed("tool_error", str(error))
        return HandedOver()

    async def _suspended(self, call: Call, left: BaseException) -> Result | Pending:
        """The question with which a tool was left, also out of a task group."""
        suspended = _first_suspended(left)
        if suspended is None:
            raise left
        if len(call.answers) >= MAX_QUESTIONS:
            return failed("too_many_questions", "The tool asked too many questions.")
        return await self.in_thread(lambda: _pending(suspended.asked))

    async def _called(self, function: Callable[..., Any], *args: object) -> object:
        """What a function of the site says: a sync one may block."""
        if is_async(function):
            return await function(*args)
        found: object = await self.in_thread(lambda: function(*args))
        return await found if isawaitable(found) else found

    async def _output(
        self, tool: ServerTool | AnyJob, context: ToolContext, value: Any
    ) -> JsonValue:
        """What the function returned, as JSON; it is awaited here if it can be."""
        dump = tool.definition.dump_output
        if context.answers:
            context = await self.in_thread(context.with_values)
        if tool.is_async:
            found = tool.call(context, value)
            return dump(await found if isawaitable(found) else found)

        def work() -> _Later | JsonValue:
            found = tool.call(context, value)
            return _Later(found) if isawaitable(found) else dump(found)

        output = await self.in_thread(work)
        if not isinstance(output, _Later):
            return output
        found = await output.awaited
        return await self.in_thread(lambda: dump(found))

    async def _in_time(
        self,
        tool: Tool,
        call: Call,
        work: Coroutine[Any, Any, T | Result],
        *,
        is_bound: bool = True,
    ) -> T | Result:
        """What the work comes to; over its time it is cancelled and, if need be, left to itself.

        What is not ``is_bound`` has a deadline that somebody else looks after.
        """
        limit = tool.definition.timeout if is_bound else None
        task = asyncio.create_task(_guarded(tool, call, work))
        _keep(task)
        self.tasks.add(task)
        try:
            await asyncio.wait({task}, timeout=limit)
        except asyncio.CancelledError:
            task.cancel()
            raise
        self.tasks.discard(task)
        if task.cancelled():
            logger.error("%s cancelled itself", _name(tool, call))
            return failed("tool_failed", FAILED_TEXT)
        if task.done():
            return task.result()
        task.cancel()
        seconds = f"{tool.definition.timeout:g}"
        return failed("tool_timeout", f"The tool took longer than {seconds} seconds.")


@dataclass(frozen=True, slots=True)
class _Later:
    """What a sync function returned, to be awaited on the event loop."""

    awaited: Awaitable[object]


def _first_suspended(left: BaseException) -> Suspended | None:
    """The question of a tool; of several that a task group has left at once, one comes first."""
    if isinstance(left, Suspended):
        return left
    if isinstance(left, BaseExceptionGroup):
        found = map(_first_suspended, left.exceptions)
        return next((one for one in found if one is not None), None)
    return None


def _pending(asked: Asked) -> Pending:
    question = asked.question
    return Pending(
        key=asked.key,
        message=asked.message,
        name=question.name,
        arguments=asked.arguments,
        schema=with_initial(question.schema(asked.arguments), asked.initial),
        form=question.html(asked.arguments, asked.initial),
    )


async def _guarded(
    tool: Tool, call: Call, work: Coroutine[Any, Any, T | Result]
) -> T | Result:
    """The work's value, or its failure for the model and its error for the log.

    ``BaseException``, because a tool's ``SystemExit`` is the tool's error, not the process's end; the
    cancelling of this task is the one exception to it.
    """
    try:
        return await work
    except BaseException as error:
        if isinstance(error, asyncio.CancelledError) and _is_being_cancelled():
            raise
        logger.exception("%s failed", _name(tool, call))
        if isinstance(error, KeyboardInterrupt):
            raise
        return failed("tool_failed", FAILED_TEXT)


def _name(tool: Tool, call: Call) -> str:
    return f"Tool {tool.definition.name} in call {call.tool_call_id}"


def _is_being_cancelled() -> bool:
    """Has somebody asked this task to end? A tool may also let a cancellation of its own out."""
    task = asyncio.current_task()
    return task is not None and task.cancelling() > 0


def _keep(task: asyncio.Task[Any]) -> None:
    _working.add(task)
    task.add_done_callback(_let_go)


def _let_go(task: asyncio.Task[Any]) -> None:
    _working.discard(task)
    if not task.cancelled():
        task.exception()  # logged where it happened; so that asyncio does not complain of it
