"""Each event leaves the rows that it stands for."""

from __future__ import annotations

import pytest

from chatkit_app.engine.events import StepVoided
from chatkit_app.engine.states import ToolCallStatus
from chatkit_app.exceptions import IllegalMove
from chatkit_app.models import Interrupt, Message, Part, Step
from chatkit_app.runs.closing import call_ended
from chatkit_app.runs.recorder import record
from tests.runs.desk import a_visitor, answer, calls_of, carried, carry

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.usefixtures("recorded"),
]


def test_a_step_counts_its_tokens_and_its_time() -> None:
    run = carried(a_visitor(), "think Hm.\nsay Hello there.")

    step = Step.objects.get(run=run)
    assert (step.status, step.finish_reason) == ("complete", "stop")
    assert (step.provider, step.index) == ("scripted", 0)
    assert step.input_tokens > 0
    assert step.output_tokens > 0
    assert step.reasoning_tokens > 0
    assert step.created_at <= step.first_token_at <= step.finished_at


def test_parts_are_whole_and_in_order() -> None:
    run = carried(a_visitor(), 'think Hm.\nsay Look:\ncall add {"a": 1, "b": 2}')

    parts = list(Part.objects.filter(message=run.answer_id).order_by("index"))
    assert [(p.index, p.kind, p.state) for p in parts] == [
        (0, "reasoning", "complete"),
        (1, "text", "complete"),
        (2, "tool-call", "complete"),
        (3, "tool-result", "complete"),
        (4, "text", "complete"),
    ]
    assert parts[1].text == "Look:"
    assert Message.objects.get(pk=run.answer_id).text == 'Look:\n\nResults: {"total":3}'


def test_a_servers_call_is_written_from_its_arguments_to_its_output() -> None:
    run = carried(a_visitor(), 'call add {"a": 1, "b": 2}')

    [call] = calls_of(run)
    assert (call.arguments, call.input) == ('{"a": 1, "b": 2}', {"a": 1, "b": 2})
    assert (call.executor, call.effect, call.starts) == ("server", "read", 1)
    assert (call.status, call.output) == ("completed", {"total": 3})
    assert call.output_size == len('{"total":3}')
    assert call.started_at <= call.finished_at


def test_a_call_that_failed_says_why_and_has_no_output() -> None:
    run = carried(a_visitor(), "call boom\ncall refuse")

    first, second = calls_of(run)
    assert (first.status, first.error_code) == ("failed", "tool_failed")
    assert second.error_text == "That is not possible on Sundays."
    assert (first.output, first.output_size) == (None, 0)


def test_a_pages_call_becomes_an_interrupt_until_it_is_answered() -> None:
    viewer = a_visitor()
    run = carried(viewer, "call read_selection")
    [call] = calls_of(run)

    interrupt = Interrupt.objects.get(tool_call=call)
    assert (interrupt.status, interrupt.kind) == ("open", "client_tool")
    assert interrupt.request == {"name": "read_selection", "input": call.input}
    assert interrupt.response_schema
    assert interrupt.expires_at == call.deadline_at is not None

    answer(viewer, call, name="its-id")
    interrupt.refresh_from_db()
    assert (interrupt.status, interrupt.submission_id) == ("answered", "its-id")
    carry(run)


def test_what_a_tool_told_of_its_progress_is_kept() -> None:
    run = carried(a_visitor(), 'call slow_report {"steps": 1, "seconds": 0.0}')

    [call] = calls_of(run)
    assert call.status == "completed"
    assert call.progress in ({"text": "step 1 of 1", "fraction": 1.0}, None)


def test_of_two_results_the_second_is_refused_and_changes_nothing() -> None:
    run = carried(a_visitor(), 'call add {"a": 1, "b": 2}')
    [call] = calls_of(run)
    again = call_ended(
        call,
        status=ToolCallStatus.FAILED,
        message=run.answer_id,
        index=99,
        code="late",
        text="Too late.",
    )

    with pytest.raises(IllegalMove):
        record(again, 1)

    call.refresh_from_db()
    assert (call.status, call.output, call.error_code) == (
        "completed",
        {"total": 3},
        "",
    )


@pytest.mark.parametrize("status", ["void", "complete", "failed"])
def test_a_step_that_has_ended_is_not_taken_back(status: str) -> None:
    run = carried(a_visitor(), "say Hi.")
    step = Step.objects.get(run=run)
    Step.objects.filter(pk=step.pk).update(status=status)
    event = StepVoided(
        run_id=str(run.pk), step_id=str(step.pk), index=0, attempt=1, error_code="x"
    )

    with pytest.raises(IllegalMove):
        record(event, 1)

    assert Step.objects.get(pk=step.pk).status == status
