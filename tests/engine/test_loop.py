from __future__ import annotations

import asyncio
from contextlib import aclosing
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest

from chatkit_app.engine import calls, events
from chatkit_app.engine.asking import Retries
from chatkit_app.engine.loop import SHRINKS, Loop, Outcome, Work, readable_arguments
from chatkit_app.engine.messages import (
    Message,
    ProviderData,
    ReasoningPart,
    TextPart,
    ToolCallPart,
    ToolResultPart,
)
from chatkit_app.engine.provider import (
    PartDelta,
    PartEnded,
    PartStarted,
    ProviderRequest,
    StepFinished,
    Usage,
)
from chatkit_app.engine.states import FinishReason, PartKind, PartState, Role
from chatkit_app.engine.tools import tool, tool_definition
from chatkit_app.exceptions import (
    BudgetSpent,
    ProviderContextExceeded,
    ProviderRateLimited,
    ProviderUnavailable,
    StepLimitExceeded,
)
from chatkit_app.providers.scripted import (
    BreakOff,
    Call,
    Fail,
    Say,
    Script,
    ScriptedProvider,
    Stall,
    Think,
    scripts,
)
from tests.engine.drive import (
    SOON,
    ListedProvider,
    RememberingProvider,
    assistant_says,
    call,
    collect,
    ids,
    make_loop,
    only,
    user_says,
)

read_selection = tool_definition(name="read_selection", description="Read it.")
ADD = Call("add", {"a": 1, "b": 2}, id="call_add")
READ = Call("read_selection", id="call_read")


@tool
def add(a: int, b: int) -> int:
    """Add."""
    return a + b


def remembering(*steps: Script) -> RememberingProvider:
    return RememberingProvider(ScriptedProvider(scripts(*steps)))


def types(found) -> list[str]:
    return [event.type for event in found]


# One step


async def test_an_answer_without_calls_is_one_step() -> None:
    provider = remembering((Think("Hm."), Say("Hello you")))
    loop = make_loop(provider, add)
    found = await collect(loop.run())

    assert loop.outcome is Outcome.FINISHED
    assert types(found) == [
        "step.started",
        "part.started",
        "part.delta",
        "part.ended",
        "part.started",
        "part.delta",
        "part.delta",
        "part.ended",
        "step.finished",
    ]
    assert [e.kind for e in only(found, events.PartStarted)] == ["reasoning", "text"]


async def test_the_provider_is_told_what_the_brief_says() -> None:
    provider = remembering((Say("Hello"),))
    await collect(make_loop(provider, add, read_selection).run())
    [request] = provider.requests

    assert request == ProviderRequest(
        model_name="model-1",
        instructions="Be brief.",
        messages=(user_says("Hi"),),
        tools=(add.definition.spec, read_selection.spec),
        options={"temperature": 0},
        safety_key="",
    )


async def test_the_end_of_a_step_tells_what_the_provider_told() -> None:
    usage = Usage(input_tokens=1, cached_tokens=2, output_tokens=3, reasoning_tokens=4)
    provider = ListedProvider(
        StepFinished(
            reason=FinishReason.STOP,
            usage=usage,
            response_id="r" * 500,
            model_name="m" * 500,
        )
    )
    started, finished = await collect(make_loop(provider).run())

    assert (started.provider, started.model_name, started.index) == (
        "listed",
        "model-1",
        0,
    )
    assert started.step_id == finished.step_id
    assert finished == events.StepFinished(
        run_id=str(UUID(int=2)),
        step_id=started.step_id,
        finish_reason=FinishReason.STOP,
        input_tokens=1,
        cached_tokens=2,
        output_tokens=3,
        reasoning_tokens=4,
        response_id="r" * 200,
        model_name="m" * 200,
    )


# Several steps


async def test_the_results_of_a_step_are_told_in_the_next() -> None:
    provider = remembering((Think("Hm."), Say("Wait."), ADD), (Say("3"),))
    loop = make_loop(provider, add)
    found = await collect(loop.run())

    assert loop.outcome is Outcome.FINISHED
    assert [e.index for e in only(found, events.StepStarted)] == [0, 1]
    assert provider.requests[1].messages == (
        user_says("Hi"),
        Message(
            role=Role.ASSISTANT,
            parts=(
                ReasoningPart(text="Hm."),
                TextPart(text="Wait."),
                ToolCallPart(id="call_add", name="add", arguments='{"a": 1, "b": 2}'),
                ToolResultPart(tool_call_id="call_add", name="add", content="3"),
            ),
        ),
    )


async def test_results_are_told_in_the_order_in_which_the_model_asked() -> None:
    second_is_done = asyncio.Event()

    @tool
    async def slow() -> str:
        await second_is_done.wait()
        return "slow"

    @tool
    async def quick() -> str:
        second_is_done.set()
        return "quick"

    provider = remembering((Call("slow"), Call("quick")), (Say("Done"),))
    await collect(make_loop(provider, slow, quick).run())
    parts = provider.requests[1].messages[-1].parts

    assert [part.name for part in parts if isinstance(part, ToolResultPart)] == [
        "slow",
        "quick",
    ]


async def test_no_two_parts_of_an_answer_have_one_index() -> None:
    provider = remembering(
        (Say("a"), ADD, replace(ADD, id="call_2")), (Say("b"), ADD), (Say("c"),)
    )
    found = await collect(make_loop(provider, add).run())
    indexes = [
        event.index
        for event in found
        if isinstance(event, events.PartStarted | events.ToolCallEnded)
    ]

    assert sorted(indexes) == list(range(9))


async def test_what_the_provider_wants_back_it_gets_back() -> None:
    data = ProviderData(provider="listed", data={"id": "rs_1"})

    class Reasoning(ListedProvider):
        async def stream(self, request: ProviderRequest):
            requests.append(request)
            if len(requests) == 1:
                yield PartStarted(key="r", kind=PartKind.REASONING)
                yield PartEnded(key="r", provider_data=data)
                yield PartStarted(
                    key="c",
                    kind=PartKind.TOOL_CALL,
                    provider_call_id="call_1",
                    name="add",
                )
                yield PartDelta(key="c", delta='{"a": 1, "b": 2}')
                yield PartEnded(key="c", provider_data=data)
            yield StepFinished(reason=FinishReason.STOP)

    requests: list[ProviderRequest] = []
    await collect(make_loop(Reasoning(), add).run())
    reasoning, called, _ = requests[1].messages[-1].parts

    assert reasoning.provider_data == data
    assert called.provider_data == data


async def test_a_call_that_goes_wrong_is_told_to_the_model_and_the_run_goes_on() -> (
    None
):
    provider = remembering(
        (Call("add", '{"a": 1', id="c1"), Call("gone", id="c2")), (Say("Sorry"),)
    )
    loop = make_loop(provider, add)
    await collect(loop.run())
    broken, _, first, second = provider.requests[1].messages[-1].parts

    assert loop.outcome is Outcome.FINISHED
    assert broken.arguments == "{}"
    assert (first.is_error, second.is_error) == (True, True)
    assert "not valid JSON" in first.content
    assert "No such tool" in second.content


async def test_a_call_that_the_model_could_not_finish_is_not_run() -> None:
    ran = []

    @tool
    def note() -> None:
        ran.append(1)

    class Cut(ListedProvider):
        async def stream(self, request: ProviderRequest):
            if len(request.messages) == 1:
                yield PartStarted(
                    key="c", kind=PartKind.TOOL_CALL, provider_call_id="c", name="note"
                )
                yield PartDelta(key="c", delta="{}")
                yield StepFinished(reason=FinishReason.LENGTH)
            else:
                yield StepFinished(reason=FinishReason.STOP)

    found = await collect(make_loop(Cut(), note).run())
    [part] = only(found, events.PartEnded)
    [ended] = only(found, events.ToolCallEnded)

    assert part.state is PartState.INTERRUPTED
    assert ended.error_code == "cut_off"
    assert ran == []


async def test_a_model_that_calls_and_calls_is_stopped() -> None:
    provider = remembering(*[(replace(ADD, id=f"c{n}"),) for n in range(9)])
    loop = make_loop(provider, add, max_steps=3)

    with pytest.raises(StepLimitExceeded, match="3 steps"):
        await collect(loop.run())
    assert len(provider.requests) == 3
    assert loop.outcome is None


async def test_the_last_step_that_is_allowed_may_still_answer() -> None:
    provider = remembering((ADD,), (Say("3"),))
    loop = make_loop(provider, add, max_steps=2)
    await collect(loop.run())

    assert loop.outcome is Outcome.FINISHED


async def test_steps_before_a_pause_count_too() -> None:
    provider = remembering((Say("no more"),))
    loop = make_loop(provider, max_steps=3)
    loop.work = replace(loop.work, next_step=3)

    with pytest.raises(StepLimitExceeded):
        await collect(loop.run())
    assert provider.requests == []


# A pause, and on from its rows


async def test_a_client_tool_ends_the_drive_and_asks_the_provider_nothing_more() -> (
    None
):
    provider = remembering((READ,), (Say("Done"),))
    loop = make_loop(provider, read_selection)
    found = await collect(loop.run())

    assert loop.outcome is Outcome.WAITING
    assert len(provider.requests) == 1
    assert types(found)[-1] == "tool_call.changed"


def rows_of(found, work: Work) -> Work:
    """The work as its rows would have it once the page has answered "answered"."""
    started = {e.part_id: e for e in only(found, events.PartStarted)}
    ended = {e.tool_call_id: e for e in only(found, events.ToolCallEnded)}
    parts, calls = [], []
    for event in only(found, events.PartEnded):
        begun = started[event.part_id]
        if begun.tool_call_id is None:
            parts.append(TextPart(text=event.text))
            continue
        parts.append(
            ToolCallPart(
                id=begun.provider_call_id,
                name=begun.tool_call_name,
                arguments=event.text,
            )
        )
        calls.append(begun)
    for begun in calls:
        end = ended.get(begun.tool_call_id)
        parts.append(
            ToolResultPart(
                tool_call_id=begun.provider_call_id,
                name=begun.tool_call_name,
                content=str(end.output) if end else "answered",
            )
        )
    steps = len(list(only(found, events.StepFinished)))
    return replace(work, answer=tuple(parts), next_step=steps, next_index=len(parts))


async def test_a_run_that_paused_asks_the_same_as_one_that_never_did() -> None:
    steps = [(Say("Wait."), READ, ADD), (Say("Done"),)]
    here = remembering(*steps)
    await collect(
        make_loop(
            here,
            add,
            tool_definition(name="read_selection", description="Read it.").server(
                lambda _: "answered"
            ),
        ).run()
    )
    apart = remembering(*steps)
    first = make_loop(apart, add, read_selection)
    before = await collect(first.run())
    second = make_loop(
        apart, add, read_selection, work=rows_of(before, first.work), new_id=ids(900)
    )
    after = await collect(second.run())

    assert (first.outcome, second.outcome) == (Outcome.WAITING, Outcome.FINISHED)
    assert apart.requests == here.requests
    assert [e.index for e in only(after, events.StepStarted)] == [1]
    assert [e.index for e in only(after, events.PartStarted)] == [5]


async def test_calls_without_a_result_are_run_before_the_provider_is_asked() -> None:
    provider = remembering((ADD,), (Say("3"),))
    asked = ToolCallPart(id="call_1", name="add", arguments='{"a": 1, "b": 2}')
    loop = make_loop(provider, add)
    loop.work = replace(
        loop.work,
        answer=(asked,),
        calls=(call("add", asked.arguments),),
        step_id=UUID(int=50),
        next_step=1,
        next_index=2,
    )
    found = await collect(loop.run())

    assert types(found)[:4] == [
        "tool_call.changed",
        "tool_call.changed",
        "tool_call.ended",
        "step.started",
    ]
    assert found[2].step_id == str(UUID(int=50))
    assert found[3].index == 1
    [request] = provider.requests
    assert request.messages[-1].parts == (
        asked,
        ToolResultPart(tool_call_id="call_1", name="add", content="3"),
    )


async def test_while_a_page_is_still_asked_the_run_waits_without_a_word() -> None:
    provider = remembering((Say("no"),))
    loop = make_loop(provider, read_selection)
    loop.work = replace(
        loop.work, calls=(call("read_selection", is_asked=True),), step_id=UUID(int=50)
    )

    assert await collect(loop.run()) == []
    assert loop.outcome is Outcome.WAITING
    assert provider.requests == []


# What the provider does wrong


@pytest.mark.parametrize("error", [ProviderRateLimited("…"), ProviderUnavailable("…")])
async def test_an_error_of_the_provider_ends_the_run_and_closes_the_stream(
    error,
) -> None:
    provider = remembering((Say("Half", is_whole=False), Fail(error)))
    loop = make_loop(provider)
    found = []

    with pytest.raises(type(error)):
        await collect(loop.run(), into=found)
    assert types(found) == ["step.started", "part.started", "part.delta"]
    assert provider.open_streams == 0
    assert loop.outcome is None


async def test_a_stream_that_breaks_off_is_never_a_whole_answer() -> None:
    loop = make_loop(remembering((Say("Half"), BreakOff())))

    with pytest.raises(ProviderUnavailable):
        await collect(loop.run())
    assert loop.outcome is None


async def test_a_stream_that_just_ends_is_no_whole_answer_either() -> None:
    provider = ListedProvider(
        PartStarted(key="a", kind=PartKind.TEXT), PartEnded(key="a")
    )

    with pytest.raises(ProviderUnavailable, match="without a finish"):
        await collect(make_loop(provider).run())


async def test_a_step_that_broke_off_is_asked_again_with_the_same_history() -> None:
    scripts_in_turn = iter(
        [(Say("Half", is_whole=False), BreakOff()), (Say("Whole."), ADD), (Say("3"),)]
    )
    provider = RememberingProvider(ScriptedProvider(lambda _: next(scripts_in_turn)))
    pauses: list[float] = []

    async def sleep(seconds: float) -> None:
        pauses.append(seconds)

    loop = make_loop(provider, add, retries=Retries(tries=2), sleep=sleep)
    found = await collect(loop.run())

    first, again, after = provider.requests
    assert first == again
    assert "Half" not in str(after.messages)
    assert "Whole." in str(after.messages)
    assert len(pauses) == 1
    steps = [(e.index, e.attempt) for e in only(found, events.StepStarted)]
    assert steps == [(0, 1), (0, 2), (1, 1)]
    indexes = [event.index for event in only(found, events.PartStarted)]
    assert sorted(set(indexes)) == indexes
    assert loop.outcome is Outcome.FINISHED


async def test_a_pause_that_was_promised_to_the_provider_outlives_the_process() -> None:
    noon = datetime(2026, 3, 1, 12, tzinfo=UTC)
    pauses: list[float] = []

    async def sleep(seconds: float) -> None:
        pauses.append(seconds)

    loop = make_loop(remembering((Say("Hi."),)), sleep=sleep, now=lambda: noon)
    later = noon + timedelta(seconds=17)
    loop.work = replace(loop.work, next_attempt=2, retry_at=later)
    found = await collect(loop.run())

    assert pauses == [17.0]
    assert next(only(found, events.StepStarted)).attempt == 2


async def test_a_stream_that_is_out_of_order_ends_the_run() -> None:
    provider = RememberingProvider(ListedProvider(PartDelta(key="a", delta="x")))

    with pytest.raises(ProviderUnavailable, match="out of order"):
        await collect(make_loop(provider).run())
    assert provider.open_streams == 0


async def test_what_comes_after_the_finish_is_not_heard() -> None:
    provider = RememberingProvider(
        ListedProvider(
            StepFinished(reason=FinishReason.STOP),
            PartStarted(key="a", kind=PartKind.TEXT),
        )
    )
    found = await collect(make_loop(provider).run())

    assert types(found) == ["step.started", "step.finished"]
    assert provider.open_streams == 0


# A history that is too long


def thread_of(turns: int) -> tuple[Message, ...]:
    said = [
        message
        for n in range(turns - 1)
        for message in (user_says(f"Question {n}"), assistant_says(f"Answer {n}"))
    ]
    return (*said, user_says("The last question"))


def takes_at_most(messages: int):
    """A rule that finds everything longer than this too long."""

    def rule(request: ProviderRequest) -> Script:
        if len(request.messages) > messages:
            return (Fail(ProviderContextExceeded("too long")),)
        return (Say("Fine"),)

    return rule


def long_loop(provider, *, turns: int, history_tokens: int = 100_000) -> Loop:
    loop = make_loop(provider, history_tokens=history_tokens)
    loop.work = replace(loop.work, history=thread_of(turns))
    return loop


async def test_a_history_beyond_the_budget_is_told_from_its_newest_turns() -> None:
    provider = RememberingProvider(ScriptedProvider(takes_at_most(99)))
    await collect(long_loop(provider, turns=20, history_tokens=100).run())
    [request] = provider.requests

    assert 1 < len(request.messages) < 20
    assert request.messages == thread_of(20)[-len(request.messages) :]


async def test_a_history_that_the_model_finds_too_long_is_halved_and_told_again() -> (
    None
):
    provider = RememberingProvider(ScriptedProvider(takes_at_most(10)))
    loop = long_loop(provider, turns=16)
    found = await collect(loop.run())
    lengths = [len(request.messages) for request in provider.requests]

    assert loop.outcome is Outcome.FINISHED
    assert len(lengths) == 3
    assert lengths == sorted(lengths, reverse=True)
    assert provider.requests[-1].messages[-1] == user_says("The last question")
    assert types(found).count("step.started") == 1


async def test_a_short_thread_of_a_small_model_is_halved_too() -> None:
    provider = RememberingProvider(ScriptedProvider(takes_at_most(1)))
    loop = long_loop(provider, turns=3, history_tokens=1_000_000)
    await collect(loop.run())

    assert loop.outcome is Outcome.FINISHED


async def test_what_was_found_too_long_once_stays_short_in_the_next_step() -> None:
    def rule(request: ProviderRequest) -> Script:
        if len(request.messages) > 5:
            return (Fail(ProviderContextExceeded("too long")),)
        has_result = isinstance(request.messages[-1].parts[-1], ToolResultPart)
        return (Say("3"),) if has_result else (ADD,)

    provider = RememberingProvider(ScriptedProvider(rule))
    loop = long_loop(provider, turns=8)
    loop.brief = replace(loop.brief, tools={"add": add})
    await collect(loop.run())
    failures = sum(len(r.messages) > 5 for r in provider.requests)

    assert loop.outcome is Outcome.FINISHED
    assert len(provider.requests) == failures + 2
    assert len(provider.requests[-1].messages) <= 5


async def test_a_last_turn_that_is_too_long_alone_ends_the_run() -> None:
    provider = RememberingProvider(ScriptedProvider(takes_at_most(0)))

    with pytest.raises(ProviderContextExceeded):
        await collect(long_loop(provider, turns=4).run())
    assert 1 < len(provider.requests) <= SHRINKS + 1
    assert provider.open_streams == 0


async def test_nothing_is_told_again_once_the_answer_has_begun() -> None:
    provider = remembering(
        (Say("Half"), Fail(ProviderContextExceeded("too long"))), (Say("Again"),)
    )

    with pytest.raises(ProviderContextExceeded):
        await collect(make_loop(provider).run())
    assert len(provider.requests) == 1


# The end from outside


async def test_closing_the_run_closes_the_provider_s_stream_before_it_returns() -> None:
    provider = remembering((Say("one two three four"),))
    async with asyncio.timeout(SOON), aclosing(make_loop(provider).run()) as stream:
        async for event in stream:
            if isinstance(event, events.PartDelta):
                break
        assert provider.open_streams == 1

    assert provider.open_streams == 0


async def test_cancelling_a_stalled_run_closes_the_provider_s_stream() -> None:
    provider = remembering((Say("one"), Stall()))
    begun = asyncio.Event()

    async def drive() -> None:
        async with aclosing(make_loop(provider).run()) as stream:
            async for event in stream:
                if isinstance(event, events.PartEnded):
                    begun.set()

    task = asyncio.create_task(drive())
    async with asyncio.timeout(SOON):
        await begun.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task

    assert provider.open_streams == 0


async def test_closing_the_run_ends_its_tools_before_it_returns() -> None:
    begun, ended = asyncio.Event(), asyncio.Event()

    @tool
    async def stall() -> None:
        begun.set()
        try:
            await asyncio.Event().wait()
        finally:
            ended.set()

    @tool
    async def quick() -> None:
        await begun.wait()

    provider = remembering((Call("stall"), Call("quick")))
    loop = make_loop(provider, stall, quick)
    async with asyncio.timeout(SOON), aclosing(loop.run()) as stream:
        async for event in stream:
            if isinstance(event, events.ToolCallEnded):
                break

    assert ended.is_set()
    assert asyncio.all_tasks() == {asyncio.current_task()}


# What goes back to the model


@pytest.mark.parametrize("text", ["{}", '{"a": 1}', ' {"a": [null]} '])
def test_arguments_that_are_an_object_go_back_as_they_came(text) -> None:
    assert readable_arguments(text) == text


@pytest.mark.parametrize(
    "text", ["", "{", "[]", "null", "1", '{"a": NaN}', '{"a": 1e999}', "{'a': 1}"]
)
def test_arguments_that_some_servers_choke_on_go_back_as_none(text) -> None:
    assert readable_arguments(text) == "{}"


async def test_a_run_that_was_answered_already_asks_nothing_more() -> None:
    provider = RememberingProvider(ScriptedProvider(lambda _request: (Say("Done."),)))
    loop = make_loop(
        provider,
        work=Work(
            run_id=UUID(int=2),
            message_id=UUID(int=3),
            history=(user_says("Hi"),),
            answer=(TextPart(text="Hello."),),
            step_id=UUID(int=4),
            next_step=1,
            next_index=1,
            is_answered=True,
        ),
    )

    assert await collect(loop.run()) == []
    assert loop.outcome is Outcome.FINISHED
    assert provider.requests == []


async def test_a_late_result_is_read_in_its_place_before_one_that_was_there() -> None:
    provider = RememberingProvider(ScriptedProvider(lambda _request: (Say("Done."),)))
    late = calls.Call(
        tool_call_id=UUID(int=5),
        provider_call_id="late",
        name="nowhere",
        arguments="{}",
        result_index=2,
    )
    there = ToolResultPart(tool_call_id="there", name="nowhere", content="there")
    loop = make_loop(
        provider,
        work=Work(
            run_id=UUID(int=2),
            message_id=UUID(int=3),
            history=(user_says("Hi"),),
            answer=(
                ToolCallPart(id="late", name="nowhere", arguments="{}"),
                ToolCallPart(id="there", name="nowhere", arguments="{}"),
            ),
            calls=(
                late,
                replace(
                    late,
                    tool_call_id=UUID(int=6),
                    provider_call_id="there",
                    result=there,
                ),
            ),
            step_id=UUID(int=4),
            next_step=1,
            next_index=4,
        ),
    )
    await collect(loop.run())

    told = provider.requests[0].messages[-1].parts
    assert [part.tool_call_id for part in told if isinstance(part, ToolResultPart)] == [
        "late",
        "there",
    ]


@pytest.mark.parametrize(
    ("told", "kept"),
    [(-1, 0), (0, 0), (7, 7), (2**31 - 1, 2**31 - 1), (2**40, 2**31 - 1)],
)
async def test_token_counts_are_kept_as_far_as_a_column_holds_them(told, kept) -> None:
    usage = Usage(
        input_tokens=told,
        cached_tokens=told,
        output_tokens=told,
        reasoning_tokens=told,
    )
    provider = ListedProvider(StepFinished(reason=FinishReason.STOP, usage=usage))

    found = await collect(make_loop(provider).run())
    [finished] = only(found, events.StepFinished)

    assert {
        finished.input_tokens,
        finished.cached_tokens,
        finished.output_tokens,
        finished.reasoning_tokens,
    } == {kept}


async def test_the_provider_s_names_are_made_sound_and_bounded() -> None:
    odd = "a\0\ud800" + "x" * 300
    provider = ListedProvider(
        StepFinished(reason=FinishReason.STOP, response_id=odd, model_name=odd)
    )

    found = await collect(make_loop(provider).run())
    [finished] = only(found, events.StepFinished)

    assert finished.response_id == finished.model_name == "a\ufffd" + "x" * 198


# What pays for it


async def test_it_is_asked_before_the_model_is_and_before_what_it_calls_begins() -> (
    None
):
    asked: list[int] = []
    provider = remembering((Call("add", {"a": 1, "b": 2}),), (Say("3"),))

    async def check() -> None:
        asked.append(len(provider.requests))

    loop = make_loop(provider, add, check=check)
    await collect(loop.run())

    assert asked == [0, 1, 1]


async def test_where_nothing_is_left_what_was_called_does_not_begin() -> None:
    began: list[str] = []
    provider = remembering((Call("note"),), (Say("Noted."),))

    @tool(effect="read")
    def note() -> str:
        """Note that it began."""
        began.append("note")
        return "noted"

    async def check() -> None:
        if provider.requests:
            raise BudgetSpent("Nothing is left.", retry_after=1.0)

    with pytest.raises(BudgetSpent):
        await collect(make_loop(provider, note, check=check).run())

    assert began == []
    assert len(provider.requests) == 1
