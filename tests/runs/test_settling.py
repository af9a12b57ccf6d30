"""When a run goes on: nothing open is left, or something may run here."""

from __future__ import annotations

import pytest
from django.db import transaction

from chatkit_app.engine.calls import failed
from chatkit_app.models import ToolCall
from chatkit_app.runs.settling import ended, go_on, lock_run
from tests.runs.desk import a_visitor, assert_no_holes, calls_of, fresh, waiting_run
from tests.runs.recording_runner import RecordingRunner

pytestmark = pytest.mark.django_db(transaction=True)


def end(call: ToolCall) -> int:
    with transaction.atomic():
        run = lock_run(call.run_id)
        return go_on(run, [ended(run, call, failed("tool_error", "No."))])


def test_the_last_end_queues_the_run_and_an_earlier_one_does_not(
    recorded: RecordingRunner,
) -> None:
    run, [first, second] = waiting_run(a_visitor(), calls=2)

    end(first)
    assert fresh(run).status == "requires_action"
    assert recorded.submitted == []
    last = end(second)

    assert fresh(run).status == "queued"
    assert recorded.submitted == [run.pk]
    assert fresh(run).thread.position == last
    assert_no_holes(run.thread_id)


def test_a_call_that_may_run_here_does_not_wait_for_the_others(
    recorded: RecordingRunner,
) -> None:
    run, [first, second, _third] = waiting_run(a_visitor(), calls=3)
    ToolCall.objects.filter(pk=second.pk).update(status="queued")

    end(first)

    assert fresh(run).status == "queued"
    assert [c.status for c in calls_of(run)] == ["failed", "queued", "waiting"]


def test_the_runner_is_told_after_the_commit_alone(recorded: RecordingRunner) -> None:
    run, [call] = waiting_run(a_visitor())

    class Undone(Exception):
        pass

    @transaction.atomic
    def go_on_and_fail() -> None:
        go_on(lock_run(run.pk), [ended(run, call, failed("tool_error", "No."))])
        raise Undone

    with pytest.raises(Undone):
        go_on_and_fail()

    assert recorded.submitted == []
    assert fresh(run).status == "requires_action"
