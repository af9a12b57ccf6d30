from __future__ import annotations

import asyncio
import functools
import logging
import threading
from contextlib import aclosing, suppress
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from pydantic import BaseModel, field_validator
from typing_extensions import TypedDict

from chatkit_app.engine import events, performing, telling
from chatkit_app.engine.calls import ERROR_CHARS
from chatkit_app.engine.states import (
    Effect,
    Executor,
    InterruptKind,
    ToolCallState,
    ToolCallStatus,
    WaitsFor,
)
from chatkit_app.engine.tools import ToolContext, tool, tool_definition
from chatkit_app.exceptions import ToolError
from tests.engine.drive import SOON, call, collect, make_calls, only


class Selection(TypedDict):
    text: str


read_selection = tool_definition(
    name="read_selection", description="", output=Selection, deadline=30
)


@tool
def add(a: int, b: int) -> int:
    return a + b


async def end_of(made, *, arguments: str = "{}", **limits):
    """How the one call of a tool ends, and what the model reads of it."""
    calls = make_calls(made, **limits)
    found = await collect(calls.run([call(made.definition.name, arguments)]))
    [ended] = only(found, events.ToolCallEnded)
    return ended, calls.results[UUID(int=1)]


def moves(found, number: int = 1) -> list[str]:
    """The statuses that a call goes through."""
    return [
        event.status
        for event in found
        if isinstance(event, events.ToolCallChanged | events.ToolCallEnded)
        and event.tool_call_id == str(UUID(int=number))
    ]


class Stubborn:
    """A tool that hears no cancellation, and ends when the test says so."""

    def __init__(self) -> None:
        self.begun, self.release = asyncio.Event(), asyncio.Event()
        self.ended = asyncio.Event()
        self.error: Exception | None = None

        @tool(timeout=0.01)
        async def refuse_to_leave() -> str:
            self.begun.set()
            while not self.release.is_set():
                with suppress(asyncio.CancelledError):
                    await self.release.wait()
            self.ended.set()
            if self.error:
                raise self.error
            return "late"

        self.tool = refuse_to_leave

    async def end(self) -> None:
        self.release.set()
        async with asyncio.timeout(SOON):
            await self.ended.wait()
            await asyncio.gather(*performing._working)


@pytest.fixture
async def stubborn(monkeypatch):
    monkeypatch.setattr(performing, "LEAVE_SECONDS", 0.01)
    stubborn = Stubborn()
    yield stubborn
    await stubborn.end()


# The way of one call


async def test_a_server_tool_is_queued_runs_and_ends_with_its_output() -> None:
    calls = make_calls(add)
    found = await collect(calls.run([call("add", '{"a": 1, "b": "2"}')]))
    queued, running, ended = found

    assert moves(found) == ["queued", "running", "completed"]
    assert queued.input == {"a": 1, "b": 2}
    assert (queued.executor, queued.effect) == (Executor.SERVER, Effect.ONCE)
    assert queued.schema_digest == add.definition.digest
    assert (queued.deadline_at, queued.interrupt) == (None, None)
    assert (running.input, running.executor) == (None, None)
    assert (ended.output, ended.error_code) == (3, None)
    assert (ended.message_id, ended.step_id, ended.index) == ("message", "step", 1)
    assert not calls.is_waiting


async def test_the_model_reads_the_output_under_its_own_id_of_the_call() -> None:
    _, result = await end_of(add, arguments='{"a": 1, "b": 2}')

    assert (result.tool_call_id, result.name) == ("call_1", "add")
    assert (result.content, result.is_error) == ("3", False)


async def test_text_is_read_as_it_is_and_all_else_as_json() -> None:
    @tool
    def say() -> str:
        return 'plain "text"'

    @tool
    def show() -> dict[str, str]:
        return {"a": "ü"}

    assert (await end_of(say))[1].content == 'plain "text"'
    assert (await end_of(show))[1].content == '{"a":"ü"}'


async def test_nothing_is_begun_before_all_that_begins_is_told() -> None:
    begun = []

    @tool
    async def note() -> None:
        begun.append(1)

    calls = make_calls(note)
    stream = calls.run([call("note"), call("note", number=2)])
    async with aclosing(stream):
        for _ in range(4):
            event = await anext(stream)
        assert event.status is ToolCallStatus.RUNNING
        assert begun == []


async def test_no_calls_are_no_events() -> None:
    calls = make_calls(add)

    assert await collect(calls.run([])) == []
    assert not calls.is_waiting


# What goes wrong is read by the model, and the run goes on


async def test_an_unknown_tool_is_answered_with_those_that_there_are() -> None:
    calls = make_calls(add, read_selection)
    [ended] = await collect(calls.run([call("substract")]))

    assert (ended.status, ended.error_code) == ("failed", "unknown_tool")
    assert calls.results[UUID(int=1)].is_error
    assert calls.results[UUID(int=1)].content == (
        "Error: No such tool; there are: add, read_selection."
    )


async def test_without_any_tool_an_unknown_one_is_told_so() -> None:
    [ended] = await collect(make_calls().run([call("add")]))

    assert ended.error_text == "No such tool; there are: none."


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ('{"a": 1', "not valid JSON"),
        ('{"a": 1e999, "b": 1}', "not valid JSON"),
        ('{"a": 1}', "b: Field required"),
        ('{"a": 1, "b": "x"}', "b: Input should be a valid integer"),
        ('{"a": 1, "b": 2, "c": 3}', "c: Extra inputs are not permitted"),
    ],
)
@pytest.mark.parametrize("where", ["server", "page"])
async def test_arguments_that_do_not_fit_are_told_and_run_nowhere(
    arguments, words, where
) -> None:
    made = add if where == "server" else add.definition
    calls = make_calls(made)
    [ended] = await collect(calls.run([call("add", arguments)]))

    assert ended.error_code == "invalid_arguments"
    assert words in ended.error_text
    assert not calls.is_waiting


async def test_a_number_by_name_is_told_to_the_model_and_not_stored() -> None:
    @tool
    def half(of: float) -> float:
        return of / 2

    ended, _ = await end_of(half, arguments='{"of": "NaN"}')

    assert ended.error_code == "invalid_arguments"


async def test_a_check_of_the_site_that_crashes_is_the_tool_s_failure(caplog) -> None:
    class Fragile(BaseModel):
        a: int

        @field_validator("a")
        @classmethod
        def look_up(cls, value: int) -> int:
            raise LookupError("secret")

    ended, result = await end_of(
        tool_definition(name="fragile", description="", input=Fragile),
        arguments='{"a": 1}',
    )

    assert ended.error_code == "tool_failed"
    assert "secret" not in result.content
    assert "secret" in caplog.text


async def test_a_call_that_was_cut_off_does_not_run_though_its_json_fits() -> None:
    calls = make_calls(add)
    [ended] = await collect(calls.run([call("add", '{"a": 1, "b": 2}', is_cut=True)]))

    assert ended.error_code == "cut_off"


async def test_the_text_of_an_exception_goes_to_the_log_and_not_to_the_model(
    caplog,
) -> None:
    @tool
    def boom() -> None:
        raise RuntimeError("secret-of-the-server")

    ended, result = await end_of(boom)

    assert (ended.status, ended.error_code) == ("failed", "tool_failed")
    assert result.content == "Error: The tool failed."
    assert "secret-of-the-server" in caplog.text
    assert [record.levelno for record in caplog.records] == [logging.ERROR]


async def test_the_text_of_a_tool_error_is_what_the_model_reads(caplog) -> None:
    @tool
    async def refuse() -> None:
        raise ToolError("Not on Sundays.\0" + "x" * ERROR_CHARS)

    ended, result = await end_of(refuse)

    assert ended.error_code == "tool_error"
    assert result.content.startswith("Error: Not on Sundays.x")
    assert len(ended.error_text) == ERROR_CHARS
    assert caplog.records == []


@pytest.mark.parametrize("is_async", [True, False])
async def test_a_tool_that_wants_to_end_the_process_fails(is_async) -> None:
    def leave() -> None:
        raise SystemExit(1)

    async def aleave() -> None:
        raise SystemExit(1)

    ended, _ = await end_of(tool(name="leave")(aleave if is_async else leave))

    assert ended.error_code == "tool_failed"


async def test_a_tool_that_takes_too_long_is_told_so_and_ended() -> None:
    ended_at_all = asyncio.Event()

    @tool(timeout=0.01)
    async def never() -> None:
        try:
            await asyncio.Event().wait()
        finally:
            ended_at_all.set()

    ended, result = await end_of(never)

    assert ended.error_code == "tool_timeout"
    assert result.content == "Error: The tool took longer than 0.01 seconds."
    assert ended_at_all.is_set()


async def test_a_tool_that_hears_no_cancellation_is_left_behind_by_its_timeout(
    stubborn,
) -> None:
    ended, _ = await end_of(stubborn.tool)

    assert ended.error_code == "tool_timeout"


async def test_what_a_tool_raises_after_its_timeout_is_logged_and_nothing_more(
    stubborn, caplog
) -> None:
    await end_of(stubborn.tool)
    stubborn.error = RuntimeError("too late")
    await stubborn.end()

    assert "too late" in caplog.text
    assert "never retrieved" not in caplog.text


async def test_a_timeout_of_something_that_the_tool_asked_is_its_own(caplog) -> None:
    @tool
    async def ask_the_warehouse() -> None:
        raise TimeoutError("warehouse")

    ended, _ = await end_of(ask_the_warehouse)

    assert ended.error_code == "tool_failed"
    assert "warehouse" in caplog.text


async def test_a_tool_that_cancels_its_own_task_fails_and_ends_no_run() -> None:
    @tool
    async def leave() -> None:
        asyncio.current_task().cancel()
        await asyncio.Event().wait()

    ended, _ = await end_of(leave)

    assert ended.error_code == "tool_failed"


async def test_a_cancellation_within_the_tool_is_its_failure_and_ends_no_run() -> None:
    @tool
    async def give_up() -> None:
        inner = asyncio.create_task(asyncio.Event().wait())
        asyncio.get_running_loop().call_soon(inner.cancel)
        await inner

    ended, _ = await end_of(give_up)

    assert ended.error_code == "tool_failed"


@pytest.mark.parametrize(
    ("kind", "output"),
    [
        pytest.param(Any, object(), id="an object"),
        (float, float("nan")),
        (dict[str, float], {"a": float("inf")}),
        (Any, b"\xff"),
        (int, "many"),
    ],
    ids=str,
)
async def test_an_output_that_is_not_what_was_promised_fails(kind, output) -> None:
    definition = tool_definition(name="odd", description="", output=kind)
    ended, result = await end_of(definition.server(lambda _: output))

    assert (ended.error_code, ended.output) == ("tool_failed", None)
    assert result.content == "Error: The tool failed."


async def test_an_output_over_the_limit_is_told_and_not_kept() -> None:
    @tool
    def much(count: int) -> str:
        return "ü" * count

    fits, _ = await end_of(much, arguments='{"count": 49}', max_output_bytes=100)
    over, _ = await end_of(much, arguments='{"count": 50}', max_output_bytes=100)

    assert fits.status is ToolCallStatus.COMPLETED
    assert (over.error_code, over.output) == ("output_too_large", None)
    assert "102 bytes, over 100" in over.error_text


async def test_an_output_is_made_sound() -> None:
    @tool
    def odd() -> dict[str, list[str]]:
        return {"a\0": ["b\0", "\ud83d"]}

    ended, _ = await end_of(odd)

    assert ended.output == {"a": ["b", "\ufffd"]}


# Several at once


async def test_calls_of_a_step_run_at_the_same_time() -> None:
    meeting = asyncio.Barrier(3)

    @tool
    async def meet() -> None:
        await meeting.wait()

    calls = make_calls(meet)
    found = await collect(calls.run([call("meet", number=n) for n in (1, 2, 3)]))

    assert [e.status for e in only(found, events.ToolCallEnded)] == ["completed"] * 3


async def test_sync_tools_run_at_the_same_time_too() -> None:
    meeting = threading.Barrier(2, timeout=SOON)

    @tool
    def meet() -> None:
        meeting.wait()

    calls = make_calls(meet)
    found = await collect(calls.run([call("meet"), call("meet", number=2)]))

    assert [e.status for e in only(found, events.ToolCallEnded)] == ["completed"] * 2


async def test_no_more_run_at_once_than_are_allowed() -> None:
    running, most = 0, 0

    @tool
    async def count() -> None:
        nonlocal running, most
        running += 1
        most = max(most, running)
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        running -= 1

    calls = make_calls(count, max_parallel=2)
    found = await collect(calls.run([call("count", number=n) for n in range(1, 8)]))

    assert len(list(only(found, events.ToolCallEnded))) == 7
    assert most == 2


async def test_whichever_is_ready_first_is_shown_first() -> None:
    go = asyncio.Event()

    @tool
    async def wait() -> None:
        await go.wait()

    @tool
    async def quick() -> None:
        pass

    calls = make_calls(wait, quick)
    ended = []
    async with asyncio.timeout(SOON):
        async for event in calls.run([call("wait"), call("quick", number=2)]):
            if isinstance(event, events.ToolCallEnded):
                ended.append(event.index)
                go.set()

    assert ended == [2, 1]


async def test_one_that_fails_leaves_the_others_alone() -> None:
    @tool
    async def boom() -> None:
        raise RuntimeError

    calls = make_calls(add, boom)
    await collect(calls.run([call("boom"), call("add", '{"a": 1, "b": 1}', number=2)]))

    assert [r.is_error for r in calls.results.values()].count(True) == 1
    assert calls.results[UUID(int=2)].content == "2"


# Calls for a page


async def test_a_client_tool_waits_with_a_deadline_and_what_it_may_answer() -> None:
    calls = make_calls(read_selection)
    before = datetime.now(UTC)
    [waiting] = await collect(calls.run([call("read_selection")]))

    assert calls.is_waiting
    assert (waiting.status, waiting.state) == (
        ToolCallStatus.WAITING,
        ToolCallState.INPUT_COMPLETE,
    )
    assert (waiting.executor, waiting.effect) == (Executor.CLIENT, Effect.IDEMPOTENT)
    assert waiting.input == {}
    assert waiting.waits_for is WaitsFor.CLIENT
    assert waiting.interrupt.kind is InterruptKind.CLIENT_TOOL
    assert waiting.interrupt.schema == read_selection.output_schema
    after = datetime.now(UTC)
    assert before <= waiting.deadline_at - timedelta(seconds=30) <= after


async def test_server_tools_beside_a_client_tool_run_to_their_end() -> None:
    calls = make_calls(add, read_selection)
    found = await collect(
        calls.run([call("read_selection"), call("add", '{"a": 1, "b": 2}', number=2)])
    )

    assert calls.is_waiting
    assert moves(found, 1) == ["waiting"]
    assert moves(found, 2) == ["queued", "running", "completed"]
    assert list(calls.results) == [UUID(int=2)]


async def test_the_page_is_asked_before_the_server_tools_begin() -> None:
    calls = make_calls(add, read_selection)
    found = await collect(
        calls.run([call("add", '{"a": 1, "b": 2}'), call("read_selection", number=2)])
    )

    assert [event.status for event in found[:3]] == ["queued", "waiting", "running"]


async def test_a_call_that_a_page_was_asked_for_is_not_asked_again() -> None:
    calls = make_calls(read_selection)

    assert await collect(calls.run([call("read_selection", is_asked=True)])) == []
    assert calls.is_waiting


# Progress


async def test_a_tool_s_progress_is_shown_between_its_start_and_its_end() -> None:
    @tool
    def work(context: ToolContext) -> str:
        context.progress(0.5, "half")
        return "done"

    found = await collect(make_calls(work).run([call("work")]))
    [progress] = only(found, events.ToolCallProgressed)

    assert (progress.text, progress.fraction) == ("half", 0.5)
    assert progress.tool_call_id == str(UUID(int=1))
    assert found.index(progress) == len(found) - 2


async def test_of_many_reports_few_are_shown_and_always_the_last() -> None:
    @tool
    async def work(context: ToolContext) -> None:
        for number in range(500):
            context.progress(number / 500, f"{number}")
            if number % 50 == 0:
                await asyncio.sleep(0)

    found = await collect(make_calls(work).run([call("work")]))
    shown = [event.text for event in only(found, events.ToolCallProgressed)]

    assert shown[-1] == "499"
    assert 1 <= len(shown) <= 3


async def test_each_call_s_own_last_report_is_shown() -> None:
    @tool
    async def work(context: ToolContext, name: str) -> None:
        for number in range(3):
            context.progress(text=f"{name}{number}")

    found = await collect(
        make_calls(work).run(
            [call("work", '{"name": "a"}'), call("work", '{"name": "b"}', number=2)]
        )
    )
    shown = {e.tool_call_id: e.text for e in only(found, events.ToolCallProgressed)}

    assert shown == {str(UUID(int=1)): "a2", str(UUID(int=2)): "b2"}


async def test_what_is_reported_later_is_shown_while_the_tool_still_runs(
    monkeypatch,
) -> None:
    monkeypatch.setattr(telling, "PROGRESS_SECONDS", 0.001)
    seen = asyncio.Event()

    @tool
    async def work(context: ToolContext) -> None:
        for text in ("one", "two"):
            context.progress(text=text)
            await seen.wait()
            seen.clear()

    shown = []
    async with asyncio.timeout(SOON):
        async for event in make_calls(work).run([call("work")]):
            if isinstance(event, events.ToolCallProgressed):
                shown.append(event.text)
                seen.set()

    assert shown == ["one", "two"]


@pytest.mark.parametrize(
    ("given", "shown"),
    [
        (-1, 0.0),
        (0, 0.0),
        (0.25, 0.25),
        (7, 1.0),
        (None, None),
        (float("nan"), None),
        (float("inf"), None),
    ],
)
async def test_a_fraction_is_held_between_nothing_and_all(given, shown) -> None:
    @tool
    async def work(context: ToolContext) -> None:
        context.progress(given, "…")

    found = await collect(make_calls(work).run([call("work")]))
    [progress] = only(found, events.ToolCallProgressed)

    assert progress.fraction == shown


async def test_the_words_of_a_report_are_sound_and_bounded() -> None:
    @tool
    async def work(context: ToolContext) -> None:
        context.progress(text="\0\ud83d" + "x" * 1000)

    found = await collect(make_calls(work).run([call("work")]))
    [progress] = only(found, events.ToolCallProgressed)

    assert progress.text == "\ufffd" + "x" * 299


async def test_what_a_timed_out_tool_still_reports_is_not_shown() -> None:
    timed_out, reported = threading.Event(), threading.Event()

    @tool(timeout=0.01)
    def late(context: ToolContext) -> None:
        timed_out.wait(SOON)
        context.progress(text="still here")
        reported.set()

    @tool
    def other() -> None:
        reported.wait(SOON)

    found = []
    stream = make_calls(late, other).run([call("late"), call("other", number=2)])
    async with asyncio.timeout(SOON), aclosing(stream):
        async for event in stream:
            found.append(event)
            if isinstance(event, events.ToolCallEnded):
                timed_out.set()

    assert [event.index for event in only(found, events.ToolCallEnded)] == [1, 2]
    assert list(only(found, events.ToolCallProgressed)) == []


# Where the site's code runs


def names_its_thread(seen: list[int]):
    class Told(BaseModel):
        word: str = ""

        @field_validator("word")
        @classmethod
        def look(cls, word: str) -> str:
            seen.append(threading.get_ident())
            return word

    return Told


async def test_a_sync_tool_s_types_are_held_against_its_values_in_a_thread_too() -> (
    None
):
    seen: list[int] = []
    told = names_its_thread(seen)
    definition = tool_definition(name="echo", description="", input=told, output=told)

    ended, _ = await end_of(
        definition.server(lambda given: {"word": given.word}),
        arguments='{"word": "a"}',
    )

    assert ended.output == {"word": "a"}
    assert len(seen) == 2
    assert threading.get_ident() not in seen


async def test_a_sync_wrapper_of_an_async_function_is_awaited() -> None:
    async def ask(word: str) -> str:
        await asyncio.sleep(0)
        return word

    @tool
    @functools.wraps(ask)
    def wrapped(word: str):
        return ask(word)

    ended, _ = await end_of(wrapped, arguments='{"word": "a"}')

    assert ended.output == "a"


async def test_a_sync_wrapper_may_have_an_event_loop_of_its_own() -> None:
    async def ask() -> str:
        return "a"

    @tool
    @functools.wraps(ask)
    def wrapped():
        return asyncio.run(ask())

    assert (await end_of(wrapped))[0].output == "a"


async def test_the_log_says_what_is_wrong_with_an_output_and_not_what_it_says(
    caplog,
) -> None:
    @tool
    def reveal() -> dict[str, int]:
        return {"age": "what somebody said"}

    ended, _ = await end_of(reveal)

    assert ended.error_code == "tool_failed"
    assert "age: int_parsing" in caplog.text
    assert "what somebody said" not in caplog.text


# The end from outside


async def test_cancelling_the_run_waits_only_a_moment_for_a_stubborn_tool(
    stubborn,
) -> None:
    slow = replace(
        stubborn.tool, definition=replace(stubborn.tool.definition, timeout=60)
    )
    calls = make_calls(slow)
    drive = asyncio.create_task(collect(calls.run([call(slow.name)])))
    async with asyncio.timeout(SOON):
        await stubborn.begun.wait()
        drive.cancel()
        with pytest.raises(asyncio.CancelledError):
            await drive

    assert not stubborn.ended.is_set()


@pytest.fixture
def stalled():
    """A tool that never ends by itself, and what it tells of its beginning and its end."""
    begun, ended = asyncio.Event(), asyncio.Event()

    @tool
    async def stall() -> None:
        begun.set()
        try:
            await asyncio.Event().wait()
        finally:
            ended.set()

    return stall, begun, ended


async def test_cancelling_the_run_cancels_its_tools_and_leaves_no_task(stalled) -> None:
    stall, begun, ended = stalled
    calls = make_calls(stall)
    drive = asyncio.create_task(collect(calls.run([call("stall")])))
    async with asyncio.timeout(SOON):
        await begun.wait()
    drive.cancel()
    with pytest.raises(asyncio.CancelledError):
        await drive

    assert ended.is_set()
    assert calls.results == {}
    assert asyncio.all_tasks() == {asyncio.current_task()}


async def test_closing_the_stream_ends_the_tools_before_it_returns(stalled) -> None:
    stall, begun, ended = stalled

    @tool
    async def quick() -> None:
        await begun.wait()

    stream = make_calls(stall, quick).run([call("stall"), call("quick", number=2)])
    async with asyncio.timeout(SOON), aclosing(stream):
        async for event in stream:
            if isinstance(event, events.ToolCallEnded):
                break

    assert ended.is_set()
    assert asyncio.all_tasks() == {asyncio.current_task()}


async def test_a_call_whose_turn_has_not_come_never_begins_when_cancelled(
    stalled,
) -> None:
    stall, begun, _ = stalled
    started = []

    @tool
    async def second() -> None:
        started.append(1)

    calls = make_calls(stall, second, max_parallel=1)
    drive = asyncio.create_task(
        collect(calls.run([call("stall"), call("second", number=2)]))
    )
    async with asyncio.timeout(SOON):
        await begun.wait()
    drive.cancel()
    with suppress(asyncio.CancelledError):
        await drive

    assert started == []
