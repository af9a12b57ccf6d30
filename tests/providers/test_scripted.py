from __future__ import annotations

import asyncio
import time
from dataclasses import replace

import pytest

from chatkit_app.engine.provider import PartDelta, Purpose
from chatkit_app.engine.states import FinishReason
from chatkit_app.exceptions import (
    ProviderRateLimited,
    ProviderRejected,
    ProviderUnavailable,
)
from chatkit_app.providers.scripted import (
    BreakOff,
    Call,
    Fail,
    Line,
    Pause,
    Say,
    ScriptedProvider,
    Stall,
    Think,
    scripts,
)
from tests.providers.streams import (
    Streamed,
    asking,
    assistant,
    call,
    result,
    results_of,
    stream,
)


async def play(*lines: Line, text: str = "Hello") -> Streamed:
    return await stream(ScriptedProvider(lambda request: lines), asking(text))


async def test_it_says_that_it_is_no_model() -> None:
    assert ScriptedProvider.is_simulated


async def test_a_script_streams_word_by_word() -> None:
    got = await play(Think("Hm, well."), Say("Good  day\nto you. "))
    deltas = [event.delta for event in got.events if isinstance(event, PartDelta)]
    assert deltas == ["Hm,", " well.", "Good", "  day", "\nto", " you.", " "]
    assert got.texts == [("reasoning", "Hm, well."), ("text", "Good  day\nto you. ")]
    assert got.end.reason == FinishReason.STOP


async def test_pieces_are_the_deltas() -> None:
    got = await play(Say("ab", pieces=("a", "b")))
    assert [event.delta for event in got.events if isinstance(event, PartDelta)] == [
        "a",
        "b",
    ]


async def test_calls_end_the_step_for_their_results_and_have_ids_of_their_own() -> None:
    got = await play(
        Say("I look."),
        Call("now"),
        Call("now", {"ü": 1}),
        Call("now", '{"brok', id="c"),
    )
    assert got.calls == [("now", "{}"), ("now", '{"ü": 1}'), ("now", '{"brok')]
    assert got.end.reason == FinishReason.TOOL_CALLS
    ids = [part.call_id for part in got.parts[1:]]
    assert ids[2] == "c"
    assert len(set(ids)) == 3


async def test_usage_is_a_quarter_of_the_characters() -> None:
    got = await play(Think("1234"), Say("12345678"), text="x" * 10)
    usage = got.end.usage
    assert (usage.input_tokens, usage.output_tokens, usage.reasoning_tokens) == (
        3,
        3,
        1,
    )


async def test_a_fault_leaves_a_part_that_is_not_whole_open() -> None:
    got = await play(Say("Good", is_whole=False), BreakOff(), Say("never"))
    assert isinstance(got.failure, ProviderUnavailable)
    assert got.texts == [("text", "Good")]
    assert not got.parts[0].is_whole


async def test_the_error_of_the_script_is_raised_as_often_as_it_is_asked() -> None:
    error = ProviderRateLimited("Slow down.", retry_after=3)
    provider = ScriptedProvider(lambda request: (Fail(error),))
    for _ in range(2):
        got = await stream(provider, asking("Hello"))
        assert got.failure.retry_after == 3


async def test_a_stall_lasts_until_it_is_cancelled() -> None:
    task = asyncio.create_task(play(Stall()))
    done, _ = await asyncio.wait({task}, timeout=0.05)
    assert not done
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task


async def test_delay_and_pauses_are_seconds() -> None:
    provider = ScriptedProvider(lambda request: (Say("a b"), Pause(0.05)), delay=0.05)
    began = time.monotonic()
    await stream(provider, asking("Hello"))
    assert time.monotonic() - began >= 0.14


async def test_scripts_are_played_in_order_through_the_steps_of_a_thread() -> None:
    rule = scripts(
        (Call("one"), Call("two")),
        (Call("three"),),
        (Say("Done."),),
        (Say("Welcome."),),
    )
    first = await stream(ScriptedProvider(rule), asking("Hello"))
    parts = (*first.said(), *results_of(first, str))
    second = await stream(ScriptedProvider(rule), asking("Hello", assistant(*parts)))
    parts = (*parts, *second.said(), *results_of(second, str))
    third = await stream(ScriptedProvider(rule), asking("Hello", assistant(*parts)))
    parts = (*parts, *third.said())
    fourth = await stream(
        ScriptedProvider(rule), asking("Hello", assistant(*parts), "Thanks")
    )
    assert [call for call, _ in (*first.calls, *second.calls)] == [
        "one",
        "two",
        "three",
    ]
    assert third.texts == [("text", "Done.")]
    assert fourth.texts == [("text", "Welcome.")]


async def test_a_step_that_is_asked_again_gets_the_same_script() -> None:
    provider = ScriptedProvider(scripts((Call("one"),), (Say("Two."),)))
    history = ("Hello", assistant(call("a"), result("a")))
    for _ in range(2):
        assert (await stream(provider, asking(*history))).texts == [("text", "Two.")]


async def test_past_the_last_script_the_step_is_refused() -> None:
    got = await stream(ScriptedProvider(scripts((Say("Hi"),))), asking("One", "Two"))
    assert isinstance(got.failure, ProviderRejected)


async def test_titles_have_a_rule_of_their_own() -> None:
    told = replace(asking("Hello"), purpose=Purpose.TITLE)
    answers = scripts((Say("Hi."),))

    named = ScriptedProvider(answers, title=lambda _request: (Say("Greetings"),))

    assert (await stream(named, told)).texts == [("text", "Greetings")]
    assert (await stream(named, asking("Hello"))).texts == [("text", "Hi.")]
    assert (await stream(ScriptedProvider(answers), told)).texts == []
