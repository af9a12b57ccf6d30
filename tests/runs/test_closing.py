"""The end of a run closes whatever is open in it."""

from __future__ import annotations

import pytest
from django.db import transaction

from chatkit_app.engine import events
from chatkit_app.engine.states import RunStatus
from chatkit_app.exceptions import IllegalMove
from chatkit_app.models import Message, Part, Run, Step, Thread, ToolCall
from chatkit_app.runs.closing import close_run, move_run
from chatkit_app.runs.recorder import record
from chatkit_app.threads.editing import mark_read
from tests.runs.desk import (
    a_visitor,
    calls_of,
    carried,
    carry,
    fresh,
    started,
    waiting_run,
)

pytestmark = pytest.mark.django_db


def close(run: Run, status: RunStatus, **said: str) -> list[events.AnyEvent]:
    with transaction.atomic():
        found = close_run(run, status, **said)
        for position, event in enumerate(found, 1):
            record(event, position)
    return found


def running_run() -> tuple[Run, list[ToolCall]]:
    """One that a process carries; its calls are open."""
    run, calls = waiting_run(a_visitor())
    Run.objects.filter(pk=run.pk).update(status="in_progress")
    return fresh(run), calls


def test_a_run_that_somebody_wants_cancelled_ends_as_that() -> None:
    run, _ = running_run()
    Run.objects.filter(pk=run.pk).update(status="cancelling")

    close(fresh(run), RunStatus.COMPLETED)

    assert (fresh(run).status, fresh(run).error_code) == ("cancelled", "")


@pytest.mark.parametrize("status", ["completed", "failed", "cancelled"])
def test_what_has_ended_can_not_end_again(status: str) -> None:
    run, _ = running_run()
    Run.objects.filter(pk=run.pk).update(status=status)

    with pytest.raises(IllegalMove):
        close(fresh(run), RunStatus.COMPLETED)


@pytest.mark.parametrize(
    ("status", "kept"),
    [
        ("completed", "complete"),
        ("failed", "interrupted"),
        ("cancelled", "interrupted"),
    ],
)
def test_the_message_ends_with_its_run(status: str, kept: str) -> None:
    run, _ = running_run()
    if status == "cancelled":
        move_run(run, RunStatus.CANCELLING)

    close(run, RunStatus(status), code="" if status == "completed" else "why")

    assert Message.objects.get(pk=run.answer_id).status == kept
    assert fresh(run).status == status
    assert fresh(run).finished_at is not None


def test_every_open_call_gets_one_result_behind_what_was_said() -> None:
    run, calls = waiting_run(a_visitor(), calls=3)
    ToolCall.objects.filter(pk=calls[1].pk).update(status="running")

    found = close(run, RunStatus.CANCELLED, why="Because.")

    assert {(c.status, c.error_text) for c in calls_of(run)} == {
        ("cancelled", "Because.")
    }
    results = Part.objects.filter(message=run.answer_id, kind="tool-result")
    said = Part.objects.filter(message=run.answer_id, kind="tool-call")
    assert results.count() == 3
    assert min(p.index for p in results) > max(p.index for p in said)
    types = [event.type for event in found]
    assert types == ["tool_call.ended"] * 3 + ["message.ended", "run.changed"]


def test_parts_and_steps_that_were_not_finished_are_marked() -> None:
    run, _ = running_run()
    Part.objects.filter(message=run.answer_id).update(state="streaming")
    Step.objects.filter(run=run).update(status="open")

    close(run, RunStatus.FAILED, code="provider_unavailable")

    part = Part.objects.get(message=run.answer_id, kind="tool-call")
    step = Step.objects.get(run=run)
    assert part.state == "interrupted"
    assert (step.status, step.error_code) == ("failed", "provider_unavailable")


def test_what_has_ended_before_is_left_as_it_is() -> None:
    run, [call] = running_run()
    ToolCall.objects.filter(pk=call.pk).update(status="completed", output=1)

    close(run, RunStatus.COMPLETED)

    call.refresh_from_db()
    assert (call.status, call.output) == ("completed", 1)
    assert not Part.objects.filter(tool_call=call, kind="tool-result").exists()


def test_a_run_that_is_queued_again_is_free_and_ready() -> None:
    run, _ = waiting_run(a_visitor())

    told = move_run(run, RunStatus.QUEUED)

    now = fresh(run)
    assert (now.status, now.owner, now.lease_until) == ("queued", None, None)
    assert now.ready_at is not None
    assert (told.status, told.run_id) == (RunStatus.QUEUED, str(run.pk))


@pytest.mark.django_db(transaction=True)
@pytest.mark.usefixtures("recorded")
@pytest.mark.parametrize(
    ("text", "is_for_owner"),
    [
        ("say Hello.", True),
        ("fail rejected", True),
        ('call refund {"amount": 70}', True),
        ("call order_shirt", True),
        ("call read_selection", True),
        ('call staff_refund {"amount": 5}', False),
        ("call export {}", False),
    ],
)
def test_a_thread_is_unread_when_there_is_something_for_its_owner(
    text: str, is_for_owner: bool
) -> None:
    run = started(a_visitor(), text)
    asked = Thread.objects.get(pk=run.thread_id)
    after = Thread.objects.get(pk=carry(run).thread_id)

    assert not asked.is_unread
    assert after.is_unread is is_for_owner


@pytest.mark.django_db(transaction=True)
@pytest.mark.usefixtures("recorded")
def test_what_was_read_is_unread_again_with_the_next_answer() -> None:
    viewer = a_visitor()
    thread = carried(viewer, "say One.").thread_id
    mark_read(viewer, thread)
    read = Thread.objects.get(pk=thread)
    carried(viewer, "say Two.", thread)

    assert not read.is_unread
    assert Thread.objects.get(pk=thread).is_unread
