"""One server tool at work: its function in time, and whatever comes of it as a value.

The site's sync code (a sync tool's function, the types of its input and its output) runs in a thread:
it may block, and its lazy relations may ask the database.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Coroutine
from dataclasses import dataclass
from inspect import isawaitable
from typing import Any, Protocol, TypeVar

from pydantic import JsonValue

from chatkit_app.engine.assembler import sound
from chatkit_app.engine.calls import Call, Result, completed, failed
from chatkit_app.engine.tools import ServerTool, Tool, ToolContext
from chatkit_app.exceptions import ToolError

logger = logging.getLogger(__name__)

T = TypeVar("T")

FAILED_TEXT = "The tool failed."

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
class Performing:
    """Reads and runs the calls of one step, each in a task of its own."""

    in_thread: InThread
    max_output_bytes: int
    tasks: set[asyncio.Task[Any]]

    async def read(self, tool: Tool, call: Call) -> Input | Result:
        """The model's arguments as the tool's own input, or what is wrong with them."""
        return await self._in_time(tool, call, self._read(tool, call))

    async def run(
        self, tool: ServerTool, call: Call, context: ToolContext, value: Any
    ) -> Result:
        """Run the function; ``value`` is the tool's own input."""
        return await self._in_time(tool, call, self._run(tool, context, value))

    async def leave(self) -> None:
        """Cancel what still works here, and give it a moment to clean up."""
        for task in self.tasks:
            task.cancel()
        if self.tasks:
            await asyncio.wait(self.tasks, timeout=LEAVE_SECONDS)

    async def _read(self, tool: Tool, call: Call) -> Input | Result:
        def read() -> Input:
            value = tool.definition.read_input(sound(call.arguments))
            return Input(value=value, dumped=tool.definition.dump_input(value))

        try:
            if isinstance(tool, ServerTool) and not tool.is_async:
                return await self.in_thread(read)
            return read()
        except ToolError as error:
            return failed("invalid_arguments", str(error))

    async def _run(self, tool: ServerTool, context: ToolContext, value: Any) -> Result:
        try:
            output = await self._output(tool, context, value)
        except ToolError as error:
            return failed("tool_error", str(error))
        return completed(output, max_bytes=self.max_output_bytes)

    async def _output(
        self, tool: ServerTool, context: ToolContext, value: Any
    ) -> JsonValue:
        """What the function returned, as JSON; it is awaited here if it can be."""
        dump = tool.definition.dump_output
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
        self, tool: Tool, call: Call, work: Coroutine[Any, Any, T | Result]
    ) -> T | Result:
        """What the work comes to; over its time it is cancelled and, if need be, left to itself."""
        task = asyncio.create_task(_guarded(tool, call, work))
        _keep(task)
        self.tasks.add(task)
        try:
            await asyncio.wait({task}, timeout=tool.definition.timeout)
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
