"""Pages and their calls: one of them runs it, one answer is taken, and the run goes on exactly once."""

from __future__ import annotations

from datetime import timedelta
from functools import partial
from uuid import uuid4

import pytest
from django.db import connection
from django.utils import timezone
from pytest_django import Settings

from chatkit_app.engine.viewer import Viewer
from chatkit_app.exceptions import (
    AnswerDuplicate,
    AnswerInvalid,
    AnswerLate,
    CallNotFound,
    ClaimHeld,
    CommandConflict,
)
from chatkit_app.models import Event, Interrupt, Part, Run, Thread, ToolCall
from chatkit_app.runs import answering, recovery, replies
from chatkit_app.runs.claiming import claim_run
from tests.runs.desk import (
    a_command_id,
    a_visitor,
    answer,
    assert_no_holes,
    calls_of,
    cancel,
    carried,
    carry,
    claim,
    fresh,
    release,
    statuses_told,
    together,
    waiting_run,
)
from tests.runs.recording_runner import RecordingRunner

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.usefixtures("recorded"),
]

LONG_AGO = timedelta(seconds=60)


def interrupt_of(call: ToolCall) -> Interrupt:
    return Interrupt.objects.get(tool_call=call)


def pass_time(call: ToolCall, **until: timedelta) -> None:
    """Let an interrupt be older, or its claim or its call's deadline be over."""
    now = timezone.now()
    Interrupt.objects.filter(tool_call=call).update(
        **{name: now - past for name, past in until.items() if name != "deadline_at"}
    )
    if "deadline_at" in until:
        Interrupt.objects.filter(tool_call=call).update(
            expires_at=now - until["deadline_at"]
        )
        ToolCall.objects.filter(pk=call.pk).update(
            deadline_at=now - until["deadline_at"]
        )


def test_the_last_answer_queues_the_run_and_its_output_is_read() -> None:
    viewer = a_visitor()
    run = carried(viewer, "call read_selection\ncall read_selection")
    first, second = calls_of(run)

    answer(viewer, first, {"text": "fox"})
    assert fresh(run).status == "requires_action"
    answer(viewer, second, {"text": "hen"})
    assert fresh(run).status == "queued"

    done = carry(run)
    assert done.status == "completed"
    done.answer.refresh_from_db()
    assert done.answer.text == 'Results: {"text":"fox"} | {"text":"hen"}'
    assert_no_holes(run.thread_id)


def test_two_answers_to_two_calls_at_the_same_instant_queue_the_run_once(
    recorded: RecordingRunner,
) -> None:
    for _ in range(100):
        recorded.submitted.clear()
        viewer = a_visitor()
        run, calls = waiting_run(viewer, calls=2)

        found = together([partial(answer, viewer, call) for call in calls])

        assert all(isinstance(one, dict) for one in found), found
        assert fresh(run).status == "queued"
        assert recorded.submitted == [run.pk]
        assert statuses_told(run) == ["queued"]
        assert_no_holes(run.thread_id)


def test_of_many_answers_to_one_call_at_the_same_instant_one_is_accepted() -> None:
    for _ in range(25):
        viewer = a_visitor()
        _, [call] = waiting_run(viewer)
        texts = ["a", "b", "c", "d"]

        found = together(
            [partial(answer, viewer, call, {"text": text}) for text in texts]
        )

        taken = [n for n, one in enumerate(found) if isinstance(one, dict)]
        assert len(taken) == 1, found
        assert sum(isinstance(one, AnswerDuplicate) for one in found) == 3, found
        call.refresh_from_db()
        assert call.output == {"text": texts[taken[0]]}
        assert Part.objects.filter(tool_call=call, kind="tool-result").count() == 1


def test_the_same_answer_again_is_accepted_again() -> None:
    viewer, name = a_visitor(), a_command_id()
    run, [call] = waiting_run(viewer)
    first = answer(viewer, call, name=name)

    assert answer(viewer, call, name=name, tab="the reloaded page") == first
    carry(run)
    assert answer(viewer, call, name=name) == first
    with pytest.raises(CommandConflict):
        answer(viewer, call, {"text": "another"}, name=name)


def test_another_answer_to_an_answered_call_is_a_duplicate() -> None:
    viewer = a_visitor()
    _, [call] = waiting_run(viewer)
    answer(viewer, call)

    with pytest.raises(AnswerDuplicate):
        answer(viewer, call)
    with pytest.raises(AnswerDuplicate):
        claim(viewer, call)


def test_what_a_page_threw_is_the_calls_error() -> None:
    viewer = a_visitor()
    run = carried(viewer, "call read_selection")
    [call] = calls_of(run)

    answer(viewer, call, error="TypeError: no selection\0")

    call.refresh_from_db()
    assert (call.status, call.error_code) == ("failed", "client_error")
    assert call.error_text == "TypeError: no selection"
    done = carry(run)
    done.answer.refresh_from_db()
    assert done.answer.text == "Results: Error: TypeError: no selection"


def test_an_output_that_does_not_fit_leaves_the_call_open() -> None:
    viewer = a_visitor()
    run, [call] = waiting_run(viewer)

    with pytest.raises(AnswerInvalid):
        answer(viewer, call, {"colour": "red"})

    assert fresh(run).status == "requires_action"
    answer(viewer, call)
    assert fresh(run).status == "queued"


def test_the_third_output_that_does_not_fit_is_the_calls_error() -> None:
    viewer, name = a_visitor(), a_command_id()
    run, [call] = waiting_run(viewer)
    for _ in range(2):
        with pytest.raises(AnswerInvalid):
            answer(viewer, call, [])

    outcome = answer(viewer, call, [], name=name)

    call.refresh_from_db()
    assert (call.status, call.error_code) == ("failed", "client_error")
    assert fresh(run).status == "queued"
    assert answer(viewer, call, [], name=name) == outcome  # its reply had been lost


def test_an_output_over_the_limit_is_the_calls_error(settings: Settings) -> None:
    settings.CHATKIT_MAX_OUTPUT_BYTES = 50
    viewer = a_visitor()
    _, [call] = waiting_run(viewer)

    answer(viewer, call, {"text": "x" * 100})

    call.refresh_from_db()
    assert (call.status, call.error_code) == ("failed", "output_too_large")


def test_another_owners_call_and_an_unknown_one_are_refused_alike() -> None:
    viewer, stranger = a_visitor(), a_visitor()
    _, [call] = waiting_run(viewer)
    _, [own] = waiting_run(stranger)
    unknown = ToolCall(pk=uuid4(), run=call.run)

    refusals = set()
    for act in (answer, claim, release):
        for asker, asked in ((stranger, call), (viewer, unknown)):
            with pytest.raises(CallNotFound) as refused:
                act(asker, asked)
            refusals.add(str(refused.value))
    assert len(refusals) == 1
    own.run.thread_id = call.run.thread_id  # one's own call, in somebody else's thread
    with pytest.raises(CallNotFound):
        answer(stranger, own)


def test_a_servers_call_is_not_a_pages_to_answer() -> None:
    viewer = a_visitor()
    run = carried(viewer, 'call add {"a": 1, "b": 2}')
    [call] = calls_of(run)

    with pytest.raises(CallNotFound):
        answer(viewer, call)


@pytest.mark.parametrize("act", [answer, claim])
def test_a_cancelled_runs_calls_are_closed(act) -> None:
    viewer = a_visitor()
    run, [call] = waiting_run(viewer)
    cancel(viewer, run)

    with pytest.raises(AnswerLate):
        act(viewer, call)


@pytest.mark.parametrize("act", [answer, claim])
def test_an_answer_after_the_cancel_is_late_though_the_owner_is_still_stopping(
    act,
) -> None:
    viewer = a_visitor()
    run, [call] = waiting_run(viewer)
    answer(viewer, call)
    claim_run(run.pk, uuid4())
    # The run goes on while another of its calls is still a page's to answer.
    second = ToolCall.objects.create(
        run=run, step=call.step, index=1, name="read_selection", status="waiting"
    )
    Interrupt.objects.create(run=run, tool_call=second, kind="client_tool")
    cancel(viewer, run)

    with pytest.raises(AnswerLate):
        act(viewer, second)


def test_a_deadline_is_true_by_the_clock() -> None:
    viewer = a_visitor()
    _, [call] = waiting_run(viewer)
    pass_time(call, deadline_at=timedelta(seconds=0.001))

    with pytest.raises(AnswerLate):
        answer(viewer, call)
    with pytest.raises(AnswerLate):
        claim(viewer, call)


def test_an_expired_call_lets_the_run_go_on() -> None:
    viewer = a_visitor()
    run = carried(viewer, "call read_selection")
    [call] = calls_of(run)
    pass_time(call, deadline_at=LONG_AGO)

    answering.expire(call.pk)
    answering.expire(call.pk)

    call.refresh_from_db()
    assert (call.status, call.error_code) == ("failed", "deadline")
    assert interrupt_of(call).status == "expired"
    done = carry(run)
    done.answer.refresh_from_db()
    assert done.answer.text == "Results: Error: No page answered in time."


def test_an_answer_and_its_deadline_at_the_same_instant_give_one_result() -> None:
    for _ in range(25):
        viewer = a_visitor()
        run, [call] = waiting_run(viewer)

        answered, _ = together(
            [partial(answer, viewer, call), partial(answering.expire, call.pk)]
        )

        assert isinstance(answered, dict | AnswerLate), answered
        call.refresh_from_db()
        expected = "completed" if isinstance(answered, dict) else "failed"
        assert call.status == expected
        assert fresh(run).status == "queued"
        assert Event.objects.filter(
            thread=run.thread_id, type="tool_call.ended"
        ).count() == (1)


def test_the_page_that_sent_the_message_goes_first() -> None:
    viewer = a_visitor()
    _, [call] = waiting_run(viewer)
    Run.objects.update(context={"tab": "sender"})

    with pytest.raises(ClaimHeld) as refused:
        claim(viewer, call, tab="another")
    assert 0 < refused.value.retry_after <= 2
    claim(viewer, call, tab="sender")


def test_when_the_sender_is_gone_another_page_may() -> None:
    viewer = a_visitor()
    _, [call] = waiting_run(viewer)
    Run.objects.update(context={"tab": "sender"})
    pass_time(call, created_at=timedelta(seconds=2.1))

    claim(viewer, call, tab="another")

    assert interrupt_of(call).claimed_by == "another"


def test_of_many_pages_at_the_same_instant_one_holds_the_claim() -> None:
    for _ in range(25):
        viewer = a_visitor()
        run, [call] = waiting_run(viewer)

        found = together([partial(claim, viewer, call, tab=tab) for tab in "abcd"])

        taken = [n for n, one in enumerate(found) if isinstance(one, dict)]
        assert len(taken) == 1, found
        assert interrupt_of(call).claimed_by == "abcd"[taken[0]]
        claimed = Event.objects.filter(thread=run.thread_id, type="tool_call.claimed")
        assert claimed.count() == 1


def test_a_held_claim_keeps_other_pages_from_claiming_and_answering() -> None:
    viewer = a_visitor()
    _, [call] = waiting_run(viewer)
    claim(viewer, call, tab="one")

    for act in (claim, answer):
        with pytest.raises(ClaimHeld) as refused:
            act(viewer, call, tab="two")
        assert 0 < refused.value.retry_after <= 3
    answer(viewer, call, tab="one")


def test_a_claim_that_ran_out_is_anybodys() -> None:
    viewer = a_visitor()
    _, [call] = waiting_run(viewer)
    claim(viewer, call, tab="one")
    pass_time(call, claim_until=timedelta(seconds=0.001))

    claim(viewer, call, tab="two")

    with pytest.raises(ClaimHeld):
        answer(viewer, call, tab="one")


def test_claiming_again_is_no_news() -> None:
    viewer = a_visitor()
    _, [call] = waiting_run(viewer)

    claim(viewer, call)
    claim(viewer, call)

    assert Event.objects.filter(type="tool_call.claimed").count() == 1


def test_a_released_claim_is_free_and_only_its_holder_gives_it_back() -> None:
    viewer = a_visitor()
    _, [call] = waiting_run(viewer)
    claim(viewer, call, tab="one")

    release(viewer, call, tab="two")
    assert interrupt_of(call).claimed_by == "one"
    release(viewer, call, tab="one")
    release(viewer, call, tab="one")

    assert interrupt_of(call).claimed_by == ""
    claim(viewer, call, tab="two")
    assert Event.objects.filter(type="tool_call.claimed").count() == 3


def test_a_pong_renews_only_the_pages_own_claims() -> None:
    viewer = a_visitor()
    _, [mine, other] = waiting_run(viewer, calls=2)
    claim(viewer, mine, tab="one")
    claim(viewer, other, tab="two")
    for call in (mine, other):
        pass_time(call, claim_until=LONG_AGO)

    answering.renew("one", [mine.pk, other.pk])

    now = timezone.now()
    assert interrupt_of(mine).claim_until > now
    assert interrupt_of(other).claim_until < now


def test_a_renewal_does_not_wake_an_answered_call() -> None:
    viewer = a_visitor()
    _, [call] = waiting_run(viewer)
    claim(viewer, call)
    answer(viewer, call)

    answering.renew("tab", [call.pk])

    assert interrupt_of(call).status == "answered"


def test_the_claim_of_an_erased_thread_is_nobodys() -> None:
    viewer = a_visitor()
    _, [call] = waiting_run(viewer)
    Thread.objects.update(deleted_at=timezone.now())

    with pytest.raises(CallNotFound):
        claim(viewer, call)


def once_call(viewer: Viewer) -> tuple[Run, ToolCall]:
    run = carried(viewer, "call order_once")
    [call] = calls_of(run)
    return run, call


def test_a_tool_that_must_run_once_is_never_begun_by_a_second_page() -> None:
    viewer = a_visitor()
    _, call = once_call(viewer)
    claim(viewer, call, tab="tab")
    pass_time(call, claim_until=LONG_AGO, created_at=LONG_AGO)
    release(viewer, call, tab="tab")

    with pytest.raises(ClaimHeld):
        claim(viewer, call, tab="other")
    with pytest.raises(ClaimHeld):
        answer(viewer, call, tab="other")
    assert interrupt_of(call).claimed_by == "tab"


def test_a_page_that_went_with_a_tool_that_must_run_once_leaves_its_outcome_unknown() -> (
    None
):
    viewer = a_visitor()
    run, call = once_call(viewer)
    claim(viewer, call)
    assert recovery.calls_past_deadline(10) == []
    pass_time(call, claim_until=LONG_AGO)
    assert recovery.calls_past_deadline(10) == [call.pk]

    answering.expire(call.pk)

    call.refresh_from_db()
    assert (call.status, call.error_code) == ("failed", "outcome_unknown")
    assert fresh(run).status == "queued"


def test_a_page_that_shows_itself_in_time_keeps_its_call() -> None:
    viewer = a_visitor()
    run, call = once_call(viewer)
    claim(viewer, call)
    pass_time(call, claim_until=LONG_AGO)
    claim(viewer, call)  # it has reconnected

    answering.expire(call.pk)

    assert fresh(run).status == "requires_action"
    answer(viewer, call)
    assert fresh(run).status == "queued"


def test_the_sites_code_runs_before_anything_is_locked(monkeypatch) -> None:
    viewer = a_visitor()
    run = carried(viewer, "call read_selection")
    [call] = calls_of(run)
    inside: list[bool] = []
    original = replies.tools_of_run

    def tools_of_run(run):
        inside.append(connection.in_atomic_block)
        return original(run)

    monkeypatch.setattr(replies, "tools_of_run", tools_of_run)
    answer(viewer, call)

    assert inside == [False]
