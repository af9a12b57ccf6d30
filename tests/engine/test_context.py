"""A tool's context: what it tells, and asking in the middle of the work."""

from __future__ import annotations

import asyncio
import threading
from dataclasses import dataclass, replace
from uuid import UUID

import pytest
from pydantic import BaseModel

from chatkit_app.engine import events
from chatkit_app.engine.context import Answered, Asked, Suspended
from chatkit_app.engine.performing import MAX_QUESTIONS
from chatkit_app.engine.states import InterruptKind, ToolCallStatus, WaitsFor
from chatkit_app.engine.tools import ToolContext, tool
from chatkit_app.exceptions import ToolCancelled
from tests.engine.drive import SOON, call, collect, context_of, make_calls, only


class Size(BaseModel):
    size: int


class Colour(BaseModel):
    colour: str


@dataclass
class Shop:
    name: str


entered: list[object] = []


@tool(effect="idempotent", questions=[Size, Colour])
def order(context: ToolContext) -> str:
    """Order a shirt."""
    entered.append("start")
    size = context.ask(Size, "Which size?")
    colour = context.ask(Colour, "Which colour?")
    return f"{size.size if size else 'any'}/{colour.colour if colour else 'any'}"


@pytest.fixture(autouse=True)
def _not_entered():
    entered.clear()


async def settle(made, asked):
    calls = make_calls(made)
    return calls, await collect(calls.run([asked]))


async def test_a_tool_that_asks_waits_for_a_person() -> None:
    calls, found = await settle(order, call("order"))

    asked = found[-1]
    assert calls.is_waiting
    assert [event.status for event in found] == ["queued", "running", "waiting"]
    assert asked.waits_for is WaitsFor.PERSON
    told = asked.interrupt
    assert (told.kind, told.key) == (InterruptKind.QUESTION, "Size")
    assert told.message == "Which size?"
    assert told.schema["properties"].keys() == {"size"}
    assert asked.request["question"] == "Size"


async def test_it_is_entered_again_from_its_start_with_the_answers_so_far() -> None:
    one = replace(call("order"), answers={"Size": Answered(answer={"size": 40})})
    _calls, found = await settle(order, one)
    assert found[-1].interrupt.key == "Colour"

    answers = {**one.answers, "Colour": Answered(is_skipped=True)}
    _calls, found = await settle(order, replace(one, answers=answers))

    assert found[-1].status is ToolCallStatus.COMPLETED
    assert found[-1].output == "40/any"
    assert entered == ["start", "start"]


async def test_an_async_tool_asks_alike_and_its_own_except_sees_nothing() -> None:
    @tool(effect="read", questions=[Size])
    async def measure(context: ToolContext) -> int:
        try:
            return context.ask(Size, key="first").size
        except Exception:  # noqa: BLE001 (as a site's tool may)
            return -1

    _calls, found = await settle(measure, call("measure"))

    assert found[-1].interrupt.key == "first"


async def test_what_was_not_declared_can_not_be_asked(caplog) -> None:
    @tool(effect="read", questions=[Size])
    def measure(context: ToolContext) -> None:
        context.ask(Colour)

    _calls, found = await settle(measure, call("measure"))

    assert found[-1].error_code == "tool_failed"
    assert "does not declare Colour" in caplog.text


async def test_a_tool_that_asks_for_ever_is_ended() -> None:
    answers = {str(n): Answered(is_skipped=True) for n in range(MAX_QUESTIONS)}
    asked = replace(call("order"), answers=answers)
    _calls, found = await settle(order, asked)

    assert found[-1].error_code == "too_many_questions"


def test_a_tool_that_must_run_once_may_not_ask() -> None:
    def buy(context: ToolContext) -> None: ...

    with pytest.raises(ValueError, match='effect="idempotent"'):
        tool(questions=[Size])(buy)


def test_asking_leaves_the_function() -> None:
    context = replace(context_of(call("x")), questions=(Size,))
    with pytest.raises(Suspended) as suspended:
        context.ask(Size, "Which?", initial={"size": 1})

    asked = suspended.value.asked
    assert isinstance(asked, Asked)
    assert (asked.key, asked.message, asked.initial) == ("Size", "Which?", {"size": 1})


async def test_telling_may_be_awaited_and_need_not_be() -> None:
    @tool
    async def work(context: ToolContext) -> None:
        await context.progress(0.5, "half")
        context.notice("Slow today.", "warning")
        await context.preliminary([1])
        await context.effect("confetti", {"n": 1})

    _calls, found = await settle(work, call("work"))

    [told] = only(found, events.ToolCallProgressed)
    assert (told.fraction, told.text, told.preliminary) == (0.5, "half", [1])
    assert told.notice == events.Notice(level="warning", text="Slow today.")
    [effect] = only(found, events.EffectTold)
    assert (effect.name, effect.data) == ("confetti", {"n": 1})


async def test_a_sync_tool_sees_that_its_time_is_over() -> None:
    noticed = threading.Event()

    @tool(timeout=0.05)
    def work(context: ToolContext) -> None:
        while not context.is_cancelled:
            threading.Event().wait(0.01)
        noticed.set()
        context.check_cancelled()

    _calls, found = await settle(work, call("work"))

    assert found[-1].error_code == "tool_timeout"
    assert await asyncio.to_thread(noticed.wait, SOON)


def test_checking_leaves_a_tool_that_nobody_waits_for() -> None:
    context = replace(context_of(call("x")), cancelled=lambda: True)
    with pytest.raises(ToolCancelled):
        context.check_cancelled()


async def test_dependencies_are_the_sites_own_and_typed() -> None:
    @tool
    def name_of(context: ToolContext[Shop]) -> str:
        return context.dependencies.name

    calls = make_calls(name_of)
    make = calls.context
    calls.context = lambda *given: replace(make(*given), dependencies=Shop(name="Kiln"))
    found = await collect(calls.run([call("name_of")]))

    assert found[-1].output == "Kiln"
    assert calls.results[UUID(int=1)].content == "Kiln"


async def test_a_long_key_is_told_apart_all_the_same() -> None:
    @tool(effect="read", questions=[Size])
    def measure(context: ToolContext, item: str) -> int:
        return context.ask(Size, key=f"width of {item}").size

    long = '{"item": "%s"}' % ("x" * 500)
    _calls, found = await settle(measure, call("measure", long))
    key = found[-1].interrupt.key
    assert len(key) == 64

    answers = {key: Answered(answer={"size": 4})}
    _calls, found = await settle(
        measure, replace(call("measure", long), answers=answers)
    )
    assert found[-1].output == 4


@pytest.mark.parametrize(
    "more",
    [
        {"initial": {"size": object()}},
        {"initial": {"size": float("nan")}},
        {"arguments": {"id": UUID(int=1)}},
    ],
)
async def test_what_is_no_json_is_the_tools_error_and_not_the_runs(
    more, caplog
) -> None:
    @tool(effect="read", questions=[Size])
    def measure(context: ToolContext) -> None:
        context.ask(Size, **more)

    _calls, found = await settle(measure, call("measure"))

    assert found[-1].error_code == "tool_failed"
    assert "must be plain JSON" in caplog.text


async def test_a_task_group_asks_one_question_after_the_other() -> None:
    @tool(effect="read", questions=[Size, Colour])
    async def both(context: ToolContext) -> str:
        async def ask(kind: type) -> object:
            return context.ask(kind)

        async with asyncio.TaskGroup() as group:
            size = group.create_task(ask(Size))
            colour = group.create_task(ask(Colour))
        return f"{size.result().size} {colour.result().colour}"

    answers: dict[str, Answered] = {}
    given = {"Size": {"size": 4}, "Colour": {"colour": "red"}}
    for _ in range(2):
        _calls, found = await settle(both, replace(call("both"), answers=answers))
        key = found[-1].interrupt.key
        answers = {**answers, key: Answered(answer=given[key])}
    _calls, found = await settle(both, replace(call("both"), answers=answers))

    assert found[-1].output == "4 red"


async def test_a_group_of_other_errors_is_the_tools_failure(caplog) -> None:
    @tool
    async def broken() -> None:
        raise ExceptionGroup("several", [ValueError("one"), TypeError("two")])

    _calls, found = await settle(broken, call("broken"))

    assert found[-1].error_code == "tool_failed"
