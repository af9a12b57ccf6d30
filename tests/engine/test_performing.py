"""One server tool at work, apart from the step that it belongs to."""

from __future__ import annotations

import asyncio

from chatkit_app.engine import performing as module
from chatkit_app.engine.calls import Result
from chatkit_app.engine.performing import Input, Performing
from chatkit_app.engine.tools import tool, tool_definition
from chatkit_app.exceptions import ToolError
from tests.engine.drive import SOON, call, context_of, in_thread


def made() -> Performing:
    return Performing(in_thread=in_thread, max_output_bytes=100, tasks=set())


@tool
def double(number: int) -> int:
    return 2 * number


async def test_arguments_are_read_as_the_tool_s_input_and_as_json() -> None:
    read = await made().read(double, call("double", '{"number": "4"}'))

    assert isinstance(read, Input)
    assert (read.value.number, read.dumped) == (4, {"number": 4})


async def test_arguments_that_do_not_fit_are_a_result() -> None:
    read = await made().read(double, call("double"))

    assert isinstance(read, Result)
    assert read.error_code == "invalid_arguments"


async def test_types_that_take_too_long_to_read_are_over_their_time() -> None:
    class Slow:
        """Stands in for a thread's pool in which nothing is free."""

        async def __call__(self, function):
            await asyncio.Event().wait()

    @tool(timeout=0.01)
    def impatient() -> None:
        pass

    performing = Performing(in_thread=Slow(), max_output_bytes=100, tasks=set())
    read = await performing.read(impatient, call("impatient"))

    assert isinstance(read, Result)
    assert read.error_code == "tool_timeout"


async def test_a_client_tool_s_input_is_read_where_it_is_asked() -> None:
    asked = tool_definition(name="ask", description="")

    read = await made().read(asked, call("ask"))

    assert isinstance(read, Input)
    assert read.dumped == {}


async def test_what_the_function_says_is_the_result() -> None:
    @tool
    async def refuse() -> None:
        raise ToolError("No.")

    asked = call("x")
    context = context_of(asked)
    value = double.definition.read_input('{"number": 4}')
    done = await made().run(double, asked, context, value)
    refused = await made().run(
        refuse, asked, context, refuse.definition.read_input("{}")
    )

    assert (done.output, done.error_code) == (8, None)
    assert (refused.output, refused.error_text) == (None, "No.")


async def test_leaving_cancels_what_works_and_forgets_it() -> None:
    begun = asyncio.Event()

    @tool
    async def stall() -> None:
        begun.set()
        await asyncio.Event().wait()

    performing, asked = made(), call("stall")
    value = stall.definition.read_input("{}")
    context = context_of(asked)
    running = asyncio.create_task(performing.run(stall, asked, context, value))
    async with asyncio.timeout(SOON):
        await begun.wait()
        await performing.leave()
        result = await running

    assert result.error_code == "tool_failed"
    assert module._working == set()
