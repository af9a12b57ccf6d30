"""What a run may use up; and how much of an output the model is told."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chatkit_app.engine import events
from chatkit_app.engine.calls import completed, failed, result_part
from chatkit_app.engine.limits import CUT, Limits, Spent, cut_for_model
from chatkit_app.engine.loop import Loop
from chatkit_app.engine.messages import ToolResultPart
from chatkit_app.engine.provider import ProviderRequest
from chatkit_app.engine.states import (
    FinishReason,
    PartKind,
    ToolCallState,
    ToolCallStatus,
)
from chatkit_app.engine.tools import tool
from chatkit_app.exceptions import (
    CallLimitExceeded,
    RunError,
    TimeLimitExceeded,
    TokenLimitExceeded,
)
from chatkit_app.providers.scripted import (
    Call,
    Say,
    Script,
    ScriptedProvider,
    rounds_of_calls,
)
from tests.engine.drive import RememberingProvider, collect, make_loop, only, unhurried

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)


@tool(effect="read")
def look() -> str:
    """Look."""
    return "seen"


def calling(*rounds: int) -> RememberingProvider:
    """A model that makes so many calls in each step, and then says that it is done."""

    def rule(request: ProviderRequest) -> Script:
        said = [message for message in request.messages if message.role == "assistant"]
        step = sum(rounds_of_calls(message) for message in said)
        if step < len(rounds):
            return tuple(Call("look", "{}") for _ in range(rounds[step]))
        return (Say("Done."),)

    return RememberingProvider(ScriptedProvider(rule))


def loop_within(provider: RememberingProvider, **more: Any) -> Loop:
    limits, spent = more.pop("limits"), more.pop("spent", Spent())
    loop = make_loop(provider, look, **more)
    loop.brief = replace(loop.brief, limits=limits)
    loop.work = replace(loop.work, spent=spent)
    return loop


async def test_calls_beyond_the_limit_are_not_begun() -> None:
    found: list[events.AnyEvent] = []
    loop = loop_within(calling(2, 2), limits=Limits(calls=3))

    with pytest.raises(CallLimitExceeded) as caught:
        await collect(loop.run(), found)

    begun = [
        event
        for event in only(found, events.ToolCallChanged)
        if event.status is ToolCallStatus.RUNNING
    ]
    assert len(begun) == 2
    assert caught.value.code == "call_limit_exceeded"


async def test_as_many_calls_as_the_limit_says_are_made() -> None:
    found = await collect(loop_within(calling(2, 1), limits=Limits(calls=3)).run())

    ended = list(only(found, events.ToolCallEnded))
    assert [event.status for event in ended] == [ToolCallStatus.COMPLETED] * 3


async def test_calls_that_another_process_made_count() -> None:
    loop = loop_within(calling(1), limits=Limits(calls=3), spent=Spent(calls=3))

    with pytest.raises(CallLimitExceeded):
        await collect(loop.run())


@pytest.mark.parametrize(
    ("limits", "spent", "error"),
    [
        (Limits(tokens=100), Spent(tokens=100), TokenLimitExceeded),
        (Limits(seconds=60), Spent(seconds=60.0), TimeLimitExceeded),
    ],
)
async def test_a_run_that_has_used_up_what_it_may_asks_the_model_no_more(
    limits: Limits, spent: Spent, error: type[RunError]
) -> None:
    provider = calling()

    with pytest.raises(error):
        await collect(loop_within(provider, limits=limits, spent=spent).run())

    assert provider.requests == []


async def test_tokens_of_a_step_count_before_the_next_one() -> None:
    provider = calling(1, 1)
    loop = loop_within(provider, limits=Limits(tokens=1))

    with pytest.raises(TokenLimitExceeded):
        await collect(loop.run())

    assert len(provider.requests) == 1


async def test_the_last_words_may_pass_the_limit() -> None:
    """Nothing is left to be spent: the answer is there."""
    found = await collect(loop_within(calling(), limits=Limits(tokens=1)).run())

    assert any(isinstance(event, events.StepFinished) for event in found)


async def test_the_time_of_steps_and_tools_adds_up() -> None:
    ticks = iter(range(1000))
    loop = loop_within(
        calling(1, 1),
        limits=Limits(seconds=1),
        now=lambda: NOON + timedelta(seconds=next(ticks)),
    )

    with pytest.raises(TimeLimitExceeded, match="the limit is 1"):
        await collect(loop.run())


def step(kind: str, name: str = "s") -> events.AnyEvent:
    if kind == "started":
        return events.StepStarted(run_id="r", step_id=name, index=0)
    if kind == "voided":
        return events.StepVoided(
            run_id="r", step_id=name, index=0, attempt=1, error_code="x"
        )
    return events.StepFinished(
        run_id="r",
        step_id=name,
        finish_reason=FinishReason.STOP,
        input_tokens=70,
        output_tokens=7,
    )


def wants(call: str) -> events.AnyEvent:
    return events.PartStarted(
        message_id="m",
        part_id=call,
        index=0,
        step_id="s",
        kind=PartKind.TOOL_CALL,
        tool_call_id=call,
        tool_call_name="look",
        provider_call_id=call,
    )


def runs(call: str) -> events.AnyEvent:
    return events.ToolCallChanged(
        tool_call_id=call,
        status=ToolCallStatus.RUNNING,
        state=ToolCallState.INPUT_COMPLETE,
    )


def waits(call: str) -> events.AnyEvent:
    return events.ToolCallChanged(
        tool_call_id=call,
        status=ToolCallStatus.WAITING,
        state=ToolCallState.INPUT_COMPLETE,
    )


def ends(call: str) -> events.AnyEvent:
    return events.ToolCallEnded(
        tool_call_id=call,
        message_id="m",
        part_id="p",
        index=1,
        step_id="s",
        status=ToolCallStatus.COMPLETED,
        state=ToolCallState.INPUT_COMPLETE,
    )


def noted(*told: tuple[float, events.AnyEvent]) -> Spent:
    spent = Spent()
    for second, event in told:
        spent.note(event, NOON + timedelta(seconds=second))
    return spent


def test_a_step_counts_from_the_question_to_the_end_of_the_answer() -> None:
    spent = noted((0, step("started")), (1, wants("a")), (4, step("finished")))

    assert (spent.calls, spent.tokens, spent.seconds) == (1, 77, 4.0)


def test_what_an_attempt_that_was_taken_back_wanted_was_never_called() -> None:
    spent = noted(
        (0, step("started")),
        (1, wants("a")),
        (2, step("voided")),
        (10, step("started", "t")),
        (11, step("finished", "t")),
    )

    assert (spent.calls, spent.seconds) == (0, 3.0)


def test_tools_that_work_at_the_same_time_count_once() -> None:
    spent = noted((0, runs("a")), (1, runs("b")), (3, ends("a")), (5, ends("b")))

    assert spent.seconds == 5.0


def test_the_waiting_for_a_person_does_not_count() -> None:
    spent = noted((0, runs("a")), (2, waits("a")), (1000, runs("a")), (1003, ends("a")))

    assert spent.seconds == 5.0


def test_what_fits_is_told_whole() -> None:
    assert cut_for_model("äöü", 6) == "äöü"


def test_what_is_too_large_is_cut_between_characters_and_says_so() -> None:
    assert cut_for_model("äöü", 5) == "äö" + CUT.format(size=6, shown=4)


@given(st.text(), st.integers(min_value=0, max_value=40))
@unhurried
def test_what_is_told_is_a_beginning_within_the_limit(text: str, limit: int) -> None:
    told = cut_for_model(text, limit)

    if len(text.encode()) <= limit:
        assert told == text
    else:
        begin = told[: told.rindex("\n[The output is cut here")]
        assert text.startswith(begin)
        assert limit - 4 < len(begin.encode()) <= limit


def test_the_model_reads_the_cut_result_and_the_row_has_it_whole() -> None:
    result = completed("x" * 500, max_bytes=1000)

    part = result_part("call_1", "look", result, max_bytes=100)

    assert part.content == "x" * 100 + CUT.format(size=500, shown=100)
    assert result.output == "x" * 500


def test_an_errors_words_are_not_cut_at_the_usual_limit() -> None:
    part = result_part("call_1", "look", failed("tool_error", "No."))

    assert part.content == "Error: No."


async def test_the_assistants_limit_is_the_one_that_counts() -> None:
    provider = calling(1)

    await collect(loop_within(provider, limits=Limits(output_bytes=2)).run())

    told = [
        part
        for message in provider.requests[-1].messages
        for part in message.parts
        if isinstance(part, ToolResultPart)
    ]
    assert [part.content for part in told] == ["se" + CUT.format(size=4, shown=2)]
