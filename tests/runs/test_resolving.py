"""Approvals, questions and client tools' outputs: answered by whoever may, in any process and order."""

from __future__ import annotations

from datetime import timedelta
from functools import partial
from uuid import uuid4

import pytest
from django.contrib.auth.models import Permission, User
from django.utils import timezone

from chatkit_app.engine.viewer import Viewer
from chatkit_app.exceptions import (
    AnswerDuplicate,
    AnswerInvalid,
    AnswerLate,
    ApprovalPending,
    CallNotFound,
    ClaimHeld,
    CommandConflict,
    InterruptNotFound,
    InvalidCommand,
    NotAllowed,
    NotKnownHere,
)
from chatkit_app.log.snapshot import take_snapshot
from chatkit_app.models import Interrupt, Message, Run, ToolCall
from chatkit_app.runs import answering, replies
from chatkit_app.runs.replies import STRIKES
from tests.runs.desk import (
    a_visitor,
    asked_of,
    calls_of,
    cancel,
    carried,
    carry,
    claim,
    fresh,
    resolve,
    said,
    say,
    statuses_told,
    together,
)

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.usefixtures("recorded"),
]


def results_told(run: Run) -> str:
    """What the model has read of the calls: the script quotes it."""
    return Message.objects.get(pk=run.answer_id).text


def staff(*, may: bool = True) -> Viewer:
    user = User.objects.create_user(f"staff-{uuid4().hex[:8]}", is_staff=True)
    if may:
        codename = Permission.objects.get(codename="change_group")
        user.user_permissions.add(codename)
    return Viewer(user=User.objects.get(pk=user.pk))


def refund_run(viewer: Viewer, amount: int = 80) -> tuple[Run, Interrupt]:
    run = carried(viewer, f'call refund {{"amount": {amount}}}')
    [asked] = asked_of(run)
    return run, asked


def expire_all(run: Run) -> None:
    past = timezone.now() - timedelta(seconds=1)
    Interrupt.objects.filter(run=run).update(expires_at=past)
    ToolCall.objects.filter(run=run).update(deadline_at=past)


# Approvals


def test_an_approved_call_runs_and_the_model_reads_its_result() -> None:
    viewer = a_visitor()
    run, asked = refund_run(viewer)
    assert (run.status, calls_of(run)[0].starts) == ("requires_action", 0)

    outcome = resolve(viewer, said(asked, "approve"), thread=run.thread_id)

    assert outcome == {"thread": str(run.thread_id), "interrupts": [str(asked.pk)]}
    assert fresh(run).status == "queued"
    run = carry(run)
    assert run.status == "completed"
    assert results_told(run) == "Results: refunded 80"
    [call] = calls_of(run)
    assert (call.status, call.starts, call.edited_input) == ("completed", 1, None)


def test_edited_arguments_are_held_against_the_schema_and_told_to_the_model() -> None:
    viewer = a_visitor()
    run, asked = refund_run(viewer)

    with pytest.raises(AnswerInvalid) as refused:
        resolve(viewer, said(asked, "edit", input={"amount": -1, "more": 2}))
    assert {fault.field for fault in refused.value.errors} == {"amount", "more"}
    assert {fault.interrupt for fault in refused.value.errors} == {str(asked.pk)}
    assert asked_of(run)[0].status == "open"

    resolve(viewer, said(asked, "edit", input={"amount": 60}))
    run = carry(run)

    [call] = calls_of(run)
    assert call.input == {"amount": 80, "note": ""}
    assert call.edited_input == {"amount": 60, "note": ""}
    assert "a person changed the arguments" in results_told(run)
    assert "refunded 60" in results_told(run)


def test_whoever_approves_can_not_edit_past_what_the_rule_denies() -> None:
    viewer = a_visitor()
    run, asked = refund_run(viewer)

    resolve(viewer, said(asked, "edit", input={"amount": 5000}))
    run = carry(run)

    [call] = calls_of(run)
    assert (call.status, call.error_code, call.starts) == ("failed", "denied", 0)
    assert "Nobody refunds that much." in results_told(run)


def test_a_denial_is_told_with_its_reason_and_nothing_runs() -> None:
    viewer = a_visitor()
    run, asked = refund_run(viewer)

    resolve(viewer, said(asked, "deny", text="Not today."))
    run = carry(run)

    [call] = calls_of(run)
    assert (call.status, call.error_code, call.starts) == ("failed", "denied", 0)
    assert "Their reason: Not today." in results_told(run)


def test_words_instead_are_told_as_words_and_not_as_a_result() -> None:
    viewer = a_visitor()
    run, asked = refund_run(viewer)

    resolve(viewer, said(asked, "respond", text="Make it a voucher."))
    run = carry(run)

    [call] = calls_of(run)
    assert (call.error_code, call.output) == ("answered_instead", None)
    assert "answered instead: Make it a voucher." in results_told(run)


def test_words_instead_without_words_are_none() -> None:
    viewer = a_visitor()
    _run, asked = refund_run(viewer)
    with pytest.raises(AnswerInvalid):
        resolve(viewer, said(asked, "respond", text="  "))


def test_who_and_when_is_in_the_row() -> None:
    user = User.objects.create_user("owner")
    viewer = Viewer(user=user)
    _run, asked = refund_run(viewer)

    resolve(viewer, said(asked, "deny", text="No."), name="its-id")

    asked.refresh_from_db()
    assert (asked.status, asked.decision) == ("answered", "deny")
    assert asked.answered_by == user
    assert asked.answered_at is not None
    assert asked.submission_id == "its-id"


def test_denying_one_of_several_leaves_the_others_alone() -> None:
    viewer = a_visitor()
    run = carried(
        viewer, 'call refund {"amount": 80}\ncall refund {"amount": 90}\ncall add {}'
    )
    first, second = asked_of(run)

    resolve(viewer, said(first, "deny"))
    assert fresh(run).status == "requires_action"
    assert [c.status for c in calls_of(run)] == ["failed", "waiting", "failed"]

    resolve(viewer, said(second, "approve"))
    run = carry(run)
    assert run.status == "completed"
    denied, refunded, _ = results_told(run).split(" | ")
    assert "did not allow" in denied
    assert refunded == "refunded 90"


def test_what_is_approved_runs_though_others_are_still_asked() -> None:
    viewer = a_visitor()
    run = carried(viewer, 'call refund {"amount": 80}\ncall refund {"amount": 90}')
    first, second = asked_of(run)

    resolve(viewer, said(second, "approve"))
    run = carry(run)

    assert run.status == "requires_action"
    assert [c.status for c in calls_of(run)] == ["waiting", "completed"]
    resolve(viewer, said(first, "approve"))
    run = carry(run)
    assert results_told(run) == "Results: refunded 80 | refunded 90"


def test_an_approval_that_comes_while_others_run_is_not_lost(monkeypatch) -> None:
    """The run is in progress: whoever carries it finds the approved call before it pauses."""
    viewer = a_visitor()
    run = carried(viewer, 'call refund {"amount": 80}\ncall refund {"amount": 90}')
    first, second = asked_of(run)
    resolve(viewer, said(second, "approve"))
    Run.objects.filter(pk=run.pk).update(status="in_progress", owner=None)
    resolve(viewer, said(first, "approve"))
    assert fresh(run).status == "in_progress"

    run = carry(run)

    assert run.status == "completed"
    assert [call.starts for call in calls_of(run)] == [1, 1]


def test_an_approved_call_of_the_page_is_a_pages_then() -> None:
    viewer = a_visitor()
    run = carried(viewer, "call erase_notes")
    [asked] = asked_of(run)
    with pytest.raises(CallNotFound):
        claim(viewer, calls_of(run)[0])

    resolve(viewer, said(asked, "approve"))
    run = carry(run)

    assert run.status == "requires_action"
    _approval, client_tool = asked_of(run)
    assert client_tool.kind == "client_tool"
    resolve(viewer, said(client_tool, "answer", output={"text": "gone"}))
    assert carry(run).status == "completed"


# Whose it is


def test_a_visitor_can_not_answer_what_is_for_the_staff() -> None:
    viewer = a_visitor()
    run = carried(viewer, 'call staff_refund {"amount": 1}')
    [asked] = asked_of(run)
    assert asked.permission == "auth.change_group"

    with pytest.raises(NotAllowed):
        resolve(viewer, said(asked, "approve"))
    assert asked_of(run)[0].status == "open"


def test_somebody_with_the_permission_approves_in_anybodys_thread() -> None:
    run = carried(a_visitor(), 'call staff_refund {"amount": 1}')
    [asked] = asked_of(run)
    approver = staff()

    resolve(approver, said(asked, "approve"))

    assert carry(run).status == "completed"
    asked.refresh_from_db()
    assert asked.answered_by == approver.user
    snapshot = take_snapshot(run.thread_id).content
    [call] = [p for p in snapshot["messages"][1]["parts"] if p["type"] == "tool-call"]
    assert call["approval"] == {
        "id": str(asked.pk),
        "needsApproval": True,
        "approved": True,
        "decision": "approve",
        "reason": None,
        "by": "staff",
    }
    assert call["state"] == "approval-responded"


def test_staff_without_the_permission_and_strangers_find_nothing() -> None:
    run = carried(a_visitor(), 'call staff_refund {"amount": 1}')
    [theirs] = asked_of(run)
    _run, visitors = refund_run(a_visitor())

    for viewer in (staff(may=False), a_visitor()):
        for asked in (theirs, visitors):
            with pytest.raises(InterruptNotFound):
                resolve(viewer, said(asked, "approve"))
    with pytest.raises(InterruptNotFound):
        resolve(staff(), said(visitors, "approve"))


def test_an_interrupt_of_another_thread_is_not_found_there() -> None:
    viewer = a_visitor()
    _run, asked = refund_run(viewer)
    other, _ = refund_run(viewer)
    with pytest.raises(InterruptNotFound):
        resolve(viewer, said(asked, "approve"), thread=other.thread_id)


# Twice, late, at once


def test_the_same_command_again_is_accepted_again() -> None:
    viewer = a_visitor()
    run, asked = refund_run(viewer)
    once = resolve(viewer, said(asked, "approve"), name="its-id")

    assert resolve(viewer, said(asked, "approve"), name="its-id") == once
    carry(run)
    assert resolve(viewer, said(asked, "approve"), name="its-id") == once
    with pytest.raises(CommandConflict):
        resolve(viewer, said(asked, "deny"), name="its-id")


def test_another_answer_is_a_duplicate() -> None:
    viewer = a_visitor()
    _run, asked = refund_run(viewer)
    resolve(viewer, said(asked, "deny"))
    with pytest.raises(AnswerDuplicate):
        resolve(viewer, said(asked, "approve"))


def test_after_the_cancel_it_is_late() -> None:
    viewer = a_visitor()
    run, asked = refund_run(viewer)
    cancel(viewer, run)
    with pytest.raises(AnswerLate):
        resolve(viewer, said(asked, "approve"))


def test_an_expiry_is_true_by_the_clock_and_is_told_to_the_model() -> None:
    viewer = a_visitor()
    run, asked = refund_run(viewer)
    expire_all(run)
    with pytest.raises(AnswerLate):
        resolve(viewer, said(asked, "approve"))

    [call] = calls_of(run)
    answering.expire(call.pk)
    run = carry(run)

    asked.refresh_from_db()
    assert asked.status == "expired"
    assert calls_of(run)[0].error_code == "approval_expired"
    assert "Nobody has approved this in time." in results_told(run)


def test_of_many_answers_at_the_same_instant_one_is_accepted() -> None:
    viewer = a_visitor()
    run, asked = refund_run(viewer)
    answers = [said(asked, "approve"), said(asked, "deny")] * 4

    found = together([partial(resolve, viewer, answer) for answer in answers])

    accepted = [one for one in found if isinstance(one, dict)]
    refused = [one for one in found if isinstance(one, AnswerDuplicate)]
    assert (len(accepted), len(refused)) == (1, 7)
    assert statuses_told(run).count("queued") == 2


def test_a_new_message_supersedes_what_is_asked_of_the_visitor() -> None:
    viewer = a_visitor()
    run, asked = refund_run(viewer)

    say(viewer, "say Never mind.", run.thread_id)

    assert fresh(run).status == "cancelled"
    assert calls_of(run)[0].error_code == "superseded"
    with pytest.raises(AnswerLate):
        resolve(viewer, said(asked, "approve"))


def test_what_the_staff_is_asked_is_not_thrown_away_by_a_message() -> None:
    viewer = a_visitor()
    run = carried(viewer, 'call staff_refund {"amount": 1}')
    with pytest.raises(ApprovalPending):
        say(viewer, "say Never mind.", run.thread_id)
    assert fresh(run).status == "requires_action"

    cancel(viewer, run)
    say(viewer, "say Now.", run.thread_id)


# Batches


def test_a_batch_is_matched_by_id_in_any_order() -> None:
    viewer = a_visitor()
    run = carried(viewer, 'call refund {"amount": 80}\ncall read_selection')
    approval, selection = asked_of(run)

    outcome = resolve(
        viewer,
        said(selection, "answer", output={"text": "fox"}),
        said(approval, "deny"),
    )

    assert outcome["interrupts"] == [str(selection.pk), str(approval.pk)]
    assert fresh(run).status == "queued"
    denied, selected = results_told(carry(run)).split(" | ")
    assert "did not allow" in denied
    assert "fox" in selected


def test_a_batch_is_taken_whole_or_not_at_all() -> None:
    viewer = a_visitor()
    run = carried(viewer, 'call refund {"amount": 80}\ncall refund {"amount": 90}')
    first, second = asked_of(run)

    with pytest.raises(AnswerInvalid) as refused:
        resolve(
            viewer,
            said(first, "approve"),
            said(second, "edit", input={"amount": "much"}),
        )

    assert [f.interrupt for f in refused.value.errors] == [str(second.pk)]
    assert [asked.status for asked in asked_of(run)] == ["open", "open"]
    assert fresh(run).status == "requires_action"


@pytest.mark.parametrize("decision", ["answer", "skip", "fail"])
def test_a_decision_that_is_none_for_what_is_asked_is_refused(decision: str) -> None:
    viewer = a_visitor()
    _run, asked = refund_run(viewer)
    with pytest.raises(InvalidCommand):
        resolve(viewer, said(asked, decision))


def test_one_interrupt_twice_none_at_all_and_two_runs_are_refused() -> None:
    viewer = a_visitor()
    _run, asked = refund_run(viewer)
    _other, elsewhere = refund_run(viewer)
    for answers in (
        [],
        [said(asked, "approve"), said(asked, "deny")],
        [said(asked, "approve"), said(elsewhere, "approve")],
    ):
        with pytest.raises(InvalidCommand):
            resolve(viewer, *answers)


# Client tools


def test_a_page_that_has_the_claim_is_the_one_that_answers() -> None:
    viewer = a_visitor()
    run = carried(viewer, "call read_selection")
    [asked] = asked_of(run)
    claim(viewer, calls_of(run)[0], tab="tab")

    output = {"text": "fox"}
    with pytest.raises(ClaimHeld):
        resolve(viewer, said(asked, "answer", output=output), tab="other")
    resolve(viewer, said(asked, "answer", output=output), tab="tab")


def test_what_a_page_threw_is_the_calls_error() -> None:
    viewer = a_visitor()
    run = carried(viewer, "call read_selection")
    [asked] = asked_of(run)

    resolve(viewer, said(asked, "fail", text="no selection"))

    assert "Error: no selection" in results_told(carry(run))


def test_the_third_output_that_does_not_fit_is_the_calls_error() -> None:
    viewer = a_visitor()
    run = carried(viewer, "call read_selection")
    [asked] = asked_of(run)
    wrong = said(asked, "answer", output={"text": 1})
    for _ in range(STRIKES - 1):
        with pytest.raises(AnswerInvalid) as refused:
            resolve(viewer, wrong)
        assert refused.value.errors[0].field == "text"

    resolve(viewer, wrong)

    assert calls_of(carry(run))[0].error_code == "client_error"


# Questions


def test_a_tool_asks_and_is_entered_again_with_the_answers() -> None:
    viewer = a_visitor()
    run = carried(viewer, "call order_shirt")
    [size] = asked_of(run)
    assert (size.kind, size.key) == ("question", "Size")

    with pytest.raises(AnswerInvalid) as refused:
        resolve(viewer, said(size, "answer", output={"size": "XXL"}))
    assert refused.value.errors[0].field == "size"

    resolve(viewer, said(size, "answer", output={"size": "M"}))
    run = carry(run)
    assert run.status == "requires_action"
    _, address = asked_of(run)
    assert address.request["form"]
    assert address.response_schema["properties"].keys() >= {"street", "country"}

    with pytest.raises(AnswerInvalid) as refused:
        resolve(viewer, said(address, "answer", output={"street": "", "country": "XX"}))
    assert {fault.field for fault in refused.value.errors} == {"street", "country"}

    given = {"street": "Lane 1", "country": "DE"}
    resolve(viewer, said(address, "answer", output=given))
    run = carry(run)
    assert results_told(run) == "Results: M to Lane 1, DE"
    assert calls_of(run)[0].starts == 3


def test_skipping_is_an_answer() -> None:
    viewer = a_visitor()
    run = carried(viewer, "call order_shirt")
    resolve(viewer, said(asked_of(run)[0], "skip"))
    run = carry(run)
    resolve(viewer, said(asked_of(run)[1], "skip"))

    assert results_told(carry(run)) == "Results: any to the shop"


def test_a_question_that_nobody_answers_expires() -> None:
    viewer = a_visitor()
    run = carried(viewer, "call order_shirt")
    expire_all(run)
    answering.expire(calls_of(run)[0].pk)

    assert calls_of(carry(run))[0].error_code == "question_expired"


def test_what_was_allowed_to_begin_may_end_though_the_right_was_withdrawn() -> None:
    user = staff().user
    viewer = Viewer(user=user)
    run = carried(viewer, "call ring_bell")
    [asked] = asked_of(run)
    user.user_permissions.clear()

    output = {"text": "dong"}
    resolve(viewer, said(asked, "answer", output=output), thread=run.thread_id)

    assert calls_of(carry(run))[0].output == output


def test_a_right_that_was_withdrawn_while_it_waited_for_a_yes_is_gone() -> None:
    user = staff().user
    viewer = Viewer(user=user)
    run = carried(viewer, "call close_shop_if_agreed")
    [asked] = asked_of(run)
    user.user_permissions.clear()

    resolve(viewer, said(asked, "approve"), thread=run.thread_id)

    [call] = calls_of(carry(run))
    assert (call.error_code, call.starts) == ("not_permitted", 0)


def test_an_answer_that_only_newer_code_can_read_leaves_all_open(monkeypatch) -> None:
    viewer = a_visitor()
    run = carried(viewer, "call read_selection")
    [asked] = asked_of(run)
    said_so = said(asked, "answer", output={"text": "fox"})
    with monkeypatch.context() as patch:
        patch.setattr(replies.Tools, "of", lambda self, row: None)
        with pytest.raises(NotKnownHere):
            resolve(viewer, said_so)
    assert asked_of(run)[0].status == "open"

    resolve(viewer, said_so)
    assert carry(run).status == "completed"
