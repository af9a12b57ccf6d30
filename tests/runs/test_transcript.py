"""From rows to what the model is told: complete, in order, each call with exactly one result."""

from __future__ import annotations

from collections import Counter
from uuid import uuid4

import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from chatkit_app.engine.messages import (
    Message,
    ReasoningPart,
    TextPart,
    ToolCallPart,
    ToolResultPart,
)
from chatkit_app.engine.provider import ProviderRequest
from chatkit_app.models import Part, Step, ToolCall
from chatkit_app.registry import providers
from chatkit_app.runs import transcript
from chatkit_app.runs.transcript import load_work
from tests.assistants import spelled_out
from tests.history_rows import Turn, make_thread
from tests.runs.desk import (
    a_visitor,
    answer,
    calls_of,
    cancel,
    carried,
    carry,
    started,
)

BUDGET = 100_000


def history_of(run, *, tokens: int = BUDGET) -> tuple[Message, ...]:
    return load_work(run, history_tokens=tokens).history


def assert_each_call_has_one_result(parts) -> None:
    calls = Counter(part.id for part in parts if isinstance(part, ToolCallPart))
    results = Counter(
        part.tool_call_id for part in parts if isinstance(part, ToolResultPart)
    )
    assert calls == results
    seen: set[str] = set()
    for part in parts:
        if isinstance(part, ToolCallPart):
            seen.add(part.id)
        elif isinstance(part, ToolResultPart):
            assert part.tool_call_id in seen


@pytest.mark.django_db(transaction=True)
@pytest.mark.usefixtures("recorded")
@pytest.mark.parametrize(
    "text",
    [
        'say Look:\ncall add {"a": 1, "b": 2}\ncall boom\ncall refuse',
        'think Hm.\ncall no_such_tool\ncall add {"a": "x"}\ncall add {"a',
        'call add {"a": 1, "b": 2}\n---\nsay Then\ncall whoami\n---\nsay Done.',
        'call read_selection\ncall add {"a": 1, "b": 2}\ncall read_selection',
    ],
)
def test_the_rows_tell_what_the_loop_kept_in_memory(text: str, monkeypatch) -> None:
    asked: list[ProviderRequest] = []
    provider = providers.get("default")
    monkeypatch.setattr(
        provider, "_rule", lambda request: asked.append(request) or spelled_out(request)
    )
    viewer = a_visitor()
    run = carried(viewer, text)
    for call in calls_of(run):
        if call.status == "waiting":
            answer(viewer, call)
    if run.status == "requires_action":
        carry(run)
    in_memory = asked[-1].messages[-1].parts

    started(viewer, "say Next.", run.thread_id)
    rows = load_work(
        type(run).objects.get(thread=run.thread_id, status="queued"),
        history_tokens=BUDGET,
    ).history

    assert rows[1].parts[: len(in_memory)] == in_memory
    assert_each_call_has_one_result(rows[1].parts)


@pytest.mark.django_db(transaction=True)
@pytest.mark.usefixtures("recorded")
def test_a_cancelled_runs_calls_have_results_in_the_next_one() -> None:
    viewer = a_visitor()
    run = carried(viewer, "say Look:\ncall read_selection\ncall read_selection")
    answer(viewer, calls_of(run)[0])
    cancel(viewer, run)

    [_, reply, question] = history_of(started(viewer, "say Next.", run.thread_id))

    assert question.parts == (TextPart(text="say Next."),)
    assert_each_call_has_one_result(reply.parts)
    assert reply.parts[-1].content == "Error: The call was cancelled."
    assert reply.parts[-1].is_error


@pytest.mark.django_db
def test_a_void_step_is_never_told_and_of_a_broken_one_only_its_text() -> None:
    thread = make_thread(uuid4(), assistant="test")
    turn = Turn.begin(thread, "Why?", depth=0)
    turn.say("void")
    turn.call("add", output=1)
    Step.objects.update(status="void")
    turn.begin_step(1, status="failed")
    turn.say("thought", kind="reasoning")
    turn.say("half")
    turn.call("add", output=1)
    turn.end("failed")
    after = Turn.begin(thread, "Again?", depth=2)

    [_, reply, _] = history_of(after.run)

    assert reply.parts == (TextPart(text="half"),)


@pytest.mark.django_db
def test_the_oldest_messages_are_left_out_and_the_newest_never(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(transcript, "PAGE", 2)
    thread = make_thread(uuid4(), assistant="test")
    for number in range(5):
        turn = Turn.begin(thread, f"Question {number} " + "x" * 350, depth=2 * number)
        turn.say("y" * 350)
        turn.end()

    all_of_it = history_of(turn.run)
    some = history_of(turn.run, tokens=250)

    assert len(all_of_it) == 9
    assert some == all_of_it[-len(some) :]
    assert 1 <= len(some) < 9


STATUSES = st.sampled_from(
    ["completed", "failed", "cancelled", "waiting", "running", "queued", "streaming"]
)
PIECES = st.one_of(
    st.tuples(st.just("text"), st.sampled_from(["Hello.", ""])),
    st.tuples(st.just("reasoning"), st.just("Hm.")),
    st.tuples(st.just("call"), STATUSES),
)
STEPS = st.tuples(
    st.sampled_from(["complete", "complete", "failed", "void", "open"]),
    st.lists(PIECES, max_size=4),
)
TURNS = st.lists(st.lists(STEPS, max_size=3), min_size=1, max_size=3)


@pytest.mark.django_db
@hypothesis_settings(
    max_examples=40,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(turns=TURNS)
def test_whatever_has_happened_each_call_has_one_result(turns) -> None:
    thread = make_thread(uuid4(), assistant="test")
    for number, steps in enumerate(turns):
        turn = Turn.begin(thread, "Why?", depth=2 * number)
        turn.run.steps.all().delete()
        for index, (status, pieces) in enumerate(steps):
            turn.begin_step(index, status=status)
            for kind, value in pieces:
                if kind == "call":
                    turn.call("add", status=value, output=1, error_text="no")
                else:
                    turn.say(value, kind=kind)
        turn.end("failed")
    last = Turn.begin(thread, "And now?", depth=2 * len(turns))

    history = history_of(last.run)

    assert history[-1].parts == (TextPart(text="And now?"),)
    for message in history:
        assert message.parts
        assert_each_call_has_one_result(message.parts)
    told = [part for message in history for part in message.parts]
    whole = Part.objects.filter(
        message__thread=thread, step__status="complete", kind="reasoning"
    ).count()
    assert sum(isinstance(part, ReasoningPart) for part in told) == whole
    called = ToolCall.objects.filter(
        run__thread=thread, step__status="complete"
    ).count()
    assert sum(isinstance(part, ToolCallPart) for part in told) == called
