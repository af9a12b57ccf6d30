"""People, messages and clocks at the same instant, on a real database: one of them comes first."""

from __future__ import annotations

from functools import partial

import pytest

from chatkit_app.exceptions import AnswerDuplicate, AnswerLate, RunConflict
from chatkit_app.models import Interrupt, Run
from chatkit_app.runs import answering
from tests.properties.test_at_once import results_of, rounds
from tests.runs.desk import (
    a_command_id,
    a_visitor,
    asked_of,
    assert_no_holes,
    calls_of,
    cancel,
    carried,
    fresh,
    resolve,
    said,
    say,
    statuses_told,
    together,
)
from tests.runs.recording_runner import RecordingRunner

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.usefixtures("recorded"),
]

REFUND = 'call refund {"amount": 70}'


def test_of_all_that_can_be_said_at_once_to_an_approval_one_thing_counts() -> None:
    for _ in rounds():
        viewer = a_visitor()
        run = carried(viewer, REFUND)
        [approval] = asked_of(run)
        answers = [
            said(approval, "approve"),
            said(approval, "edit", input={"amount": 60}),
            said(approval, "deny", text="No."),
            said(approval, "respond", text="Rather not."),
        ]

        found = together([partial(resolve, viewer, answer) for answer in answers])

        [taken] = [n for n, one in enumerate(found) if isinstance(one, dict)]
        assert sum(isinstance(one, AnswerDuplicate) for one in found) == 3, found
        [row], [call] = asked_of(run), calls_of(run)
        assert row.decision == answers[taken].decision
        assert call.status == ("queued" if taken < 2 else "failed")
        assert call.edited_input == (
            {"amount": 60.0, "note": ""} if taken == 1 else None
        )
        assert results_of(call) == (taken >= 2)
        assert statuses_told(run)[-1] == "queued"
        assert_no_holes(run.thread_id)


def test_of_batches_that_cross_one_is_taken_whole_and_the_other_not_at_all(
    recorded: RecordingRunner,
) -> None:
    for _ in rounds():
        viewer = a_visitor()
        run = carried(viewer, "\n".join([REFUND] * 3))
        first, second, third = asked_of(run)
        recorded.submitted.clear()
        batches = [
            [said(first, "approve"), said(second, "approve")],
            [said(third, "deny"), said(second, "deny"), said(first, "deny")],
        ]

        found = together([partial(resolve, viewer, *batch) for batch in batches])

        [taken] = [n for n, one in enumerate(found) if isinstance(one, dict)]
        assert isinstance(found[1 - taken], AnswerDuplicate), found
        decisions = [row.decision for row in asked_of(run)]
        assert decisions == (["approve", "approve", ""], ["deny"] * 3)[taken]
        assert recorded.submitted == [run.pk]
        assert_no_holes(run.thread_id)


def test_a_new_message_and_an_answer_never_both_have_the_run(
    recorded: RecordingRunner,
) -> None:
    for _ in rounds():
        viewer = a_visitor()
        run = carried(viewer, REFUND)
        [approval] = asked_of(run)

        answered, sent = together(
            [
                partial(resolve, viewer, said(approval, "approve")),
                partial(say, viewer, "say Else.", run.thread_id),
            ]
        )

        [row] = asked_of(run)
        if isinstance(sent, dict):
            assert isinstance(answered, AnswerLate), answered
            assert (row.status, fresh(run).error_code) == ("cancelled", "superseded")
        else:
            assert isinstance(sent, RunConflict), sent
            assert isinstance(answered, dict)
            assert (row.status, fresh(run).status) == ("answered", "queued")
        active = Run.objects.filter(thread=run.thread_id, status="queued")
        assert active.count() == 1
        assert_no_holes(run.thread_id)


def test_a_cancel_and_an_answer_leave_nothing_that_could_still_run() -> None:
    for _ in rounds():
        viewer = a_visitor()
        run = carried(viewer, REFUND)
        [approval] = asked_of(run)

        together(
            [
                partial(resolve, viewer, said(approval, "approve")),
                partial(cancel, viewer, run),
            ]
        )

        [call] = calls_of(run)
        assert (fresh(run).status, call.status) == ("cancelled", "cancelled")
        assert results_of(call) == 1
        assert_no_holes(run.thread_id)


def test_an_answer_in_the_instant_in_which_its_time_runs_out_is_in_time_or_late() -> (
    None
):
    for _ in rounds():
        viewer = a_visitor()
        run = carried(viewer, REFUND)
        [approval], [call] = asked_of(run), calls_of(run)
        past = "2020-01-01T00:00:00Z"
        type(call).objects.filter(pk=call.pk).update(deadline_at=past)

        answered, *_ = together(
            [
                partial(resolve, viewer, said(approval, "deny"), name=a_command_id()),
                *[partial(answering.expire, call.pk)] * 2,
            ]
        )

        status = Interrupt.objects.get(pk=approval.pk).status
        is_taken = isinstance(answered, dict)
        assert is_taken or isinstance(answered, AnswerLate), answered
        assert status == ("answered" if is_taken else "expired")
        assert results_of(call) == 1
        assert statuses_told(run)[-2:] == ["requires_action", "queued"]
        assert_no_holes(run.thread_id)
