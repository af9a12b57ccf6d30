"""Tools whose work outlives the run's process."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import Any
from uuid import UUID

import pytest
from pydantic import BaseModel

from chatkit_app.engine import events
from chatkit_app.engine.context import ToolContext
from chatkit_app.engine.jobs import JOB_DEADLINE, JobTool
from chatkit_app.engine.settling import Calls
from chatkit_app.engine.states import Effect, Executor, ToolCallStatus, WaitsFor
from chatkit_app.engine.tools import Tool, tool, tool_definition
from chatkit_app.exceptions import ToolError
from tests.engine.drive import call, collect, make_calls, only


class Wanted(BaseModel):
    rows: int = 1


definition = tool_definition(
    name="export", description="Export.", input=Wanted, output=str
)


def nothing(_wanted: Wanted) -> None:
    """Hand over to nobody."""


@tool(background=True)
def crunch(context: ToolContext, rows: int = 1) -> str:
    """Crunch rows."""
    raise AssertionError("not here, and not now")


def changes_of(found: list[Any]) -> list[ToolCallStatus]:
    return [event.status for event in only(found, events.ToolCallChanged)]


async def test_a_call_is_handed_over_when_it_is_written_down_that_it_begins() -> None:
    seen: list[tuple[UUID, int, list[ToolCallStatus]]] = []
    found: list[Any] = []

    def enqueue(context: ToolContext, wanted: Wanted) -> None:
        seen.append((context.tool_call_id, wanted.rows, changes_of(found)))

    calls = make_calls(definition.job(enqueue))
    await collect(calls.run([call("export", '{"rows": 7}')]), found)

    assert seen == [(UUID(int=1), 7, [ToolCallStatus.QUEUED, ToolCallStatus.RUNNING])]
    assert changes_of(found)[-1] is ToolCallStatus.WAITING
    assert calls.is_waiting


async def test_what_a_page_is_told_of_a_job() -> None:
    calls = make_calls(definition.job(nothing))
    *_, waiting = await collect(calls.run([call("export")]))

    assert waiting.waits_for is WaitsFor.JOB
    assert waiting.executor is Executor.JOB
    assert waiting.interrupt is None
    assert not waiting.is_our_job
    left = (waiting.deadline_at - calls.now()).total_seconds()
    assert left == pytest.approx(JOB_DEADLINE, abs=5)


async def test_an_async_function_hands_over_too() -> None:
    seen = []

    async def enqueue(wanted: Wanted) -> None:
        await asyncio.sleep(0)
        seen.append(wanted.rows)

    await collect(make_calls(definition.job(enqueue)).run([call("export")]))

    assert seen == [1]


@pytest.mark.parametrize(
    ("error", "code", "text"),
    [
        (ToolError("The queue is full."), "tool_error", "The queue is full."),
        (ConnectionError("redis:6379"), "tool_failed", "The tool failed."),
    ],
)
async def test_what_can_not_be_handed_over_is_a_result(
    error: Exception, code: str, text: str
) -> None:
    def enqueue(_wanted: Wanted) -> None:
        raise error

    calls = make_calls(definition.job(enqueue))
    *_, ended = await collect(calls.run([call("export")]))

    assert (ended.error_code, ended.error_text) == (code, text)
    assert not calls.is_waiting


async def test_a_queue_that_does_not_answer_is_not_waited_for() -> None:
    async def enqueue(_wanted: Wanted) -> None:
        await asyncio.Event().wait()

    slow = replace(definition, timeout=0.01).job(enqueue)
    *_, ended = await collect(make_calls(slow).run([call("export")]))

    assert ended.error_code == "tool_timeout"


async def test_a_call_whose_handing_over_broke_off_is_handed_over_again_and_not_queued() -> (
    None
):
    """Its job may be at work already, and must find the call as it left it."""
    seen = []

    def enqueue(context: ToolContext, _wanted: Wanted) -> None:
        seen.append(context.tool_call_id)

    calls = make_calls(definition.job(enqueue))
    found = await collect(calls.run([call("export", is_handed_over=True)]))

    assert seen == [UUID(int=1)]
    assert changes_of(found) == [ToolCallStatus.WAITING]


async def test_newer_code_without_the_job_begins_such_a_call_anew() -> None:
    repeatable = replace(definition, declared_effect=Effect.IDEMPOTENT)
    calls = make_calls(repeatable.server(lambda _wanted: "here"))
    found = await collect(calls.run([call("export", is_handed_over=True)]))

    assert changes_of(found) == [ToolCallStatus.QUEUED, ToolCallStatus.RUNNING]
    assert found[-1].output == "here"


@pytest.mark.parametrize(
    "tool",
    [
        definition.server(lambda _wanted: "here"),
        definition.background(nothing),
        definition,
    ],
    ids=["server", "background", "client"],
)
async def test_newer_code_does_not_begin_one_that_must_run_once(tool: Tool) -> None:
    """Its job may be at work: whatever has taken its place would do it twice."""
    calls = make_calls(tool)
    [ended] = await collect(calls.run([call("export", is_handed_over=True)]))

    assert ended.error_code == "outcome_unknown"
    assert not calls.is_waiting


async def test_a_background_tool_s_call_waits_at_once_for_a_process_of_ours() -> None:
    calls = make_calls(crunch)
    [waiting] = await collect(calls.run([call("crunch", '{"rows": 7}')]))

    assert waiting.status is ToolCallStatus.WAITING
    assert (waiting.waits_for, waiting.is_our_job) == (WaitsFor.JOB, True)
    assert waiting.input == {"rows": 7}
    assert waiting.effect is Effect.ONCE
    assert calls.is_waiting


async def test_arguments_of_a_job_are_read_as_any_other() -> None:
    calls = make_calls(crunch)
    [ended] = await collect(calls.run([call("crunch", '{"rows": "many"}')]))

    assert ended.error_code == "invalid_arguments"


async def test_jobs_and_tools_of_one_step_have_each_their_own_outcome() -> None:
    @tool
    def add(a: int) -> int:
        return a + 1

    calls: Calls = make_calls(add, crunch)
    await collect(calls.run([call("crunch"), call("add", '{"a": 1}', number=2)]))

    assert calls.is_waiting
    assert calls.results[UUID(int=2)].content == "2"


def test_one_definition_may_be_a_job_a_server_tool_or_a_page_s() -> None:
    given: list[Any] = [definition, definition.server(nothing), definition.job(nothing)]
    background = definition.background(nothing)

    assert [str(one.executor) for one in given] == ["client", "server", "job"]
    assert (background.executor, background.is_ours) == (Executor.JOB, True)
    assert background.name == "export"


def test_a_job_has_the_deadline_that_its_tool_says() -> None:
    short = tool_definition(name="export", description="Export.", deadline=5)

    assert short.job(nothing).deadline == 5
    assert definition.job(nothing).deadline == JOB_DEADLINE
    assert (short.deadline, definition.deadline) == (5, 300)


def test_a_repetition_is_what_the_tool_says_or_nothing_that_may_be() -> None:
    reading = tool_definition(name="export", description="Export.", effect="read")

    assert reading.job(nothing).effect is Effect.READ
    assert definition.job(nothing).effect is Effect.ONCE


def test_a_job_can_not_ask() -> None:
    asking = tool_definition(
        name="export", description="Export.", questions=[Wanted], effect="read"
    )

    with pytest.raises(ValueError, match="outlives its run"):
        asking.job(nothing)


@pytest.mark.parametrize("function", [lambda: None, lambda a, b, c: None])
def test_a_job_s_function_takes_the_input_and_perhaps_the_context(
    function: Any,
) -> None:
    with pytest.raises(TypeError, match="export"):
        definition.job(function)


def test_a_tool_in_the_background_is_a_job() -> None:
    assert isinstance(crunch, JobTool)
    assert crunch.definition.description == "Crunch rows."
    assert "context" not in str(crunch.definition.input_schema)
