"""Commands to rows: who may have a run, when, and what a repetition gets."""

from __future__ import annotations

from datetime import timedelta
from functools import partial
from uuid import uuid4

import pytest
from django.contrib.auth import get_user_model
from django.db import transaction
from django.utils import timezone
from pytest_django import Settings

from chatkit_app.access import AccessPolicy
from chatkit_app.engine.viewer import Viewer
from chatkit_app.exceptions import (
    AnswerLate,
    CommandConflict,
    InvalidCommand,
    NotAllowed,
    RateLimited,
    RunConflict,
    ThreadNotFound,
)
from chatkit_app.models import Command, Event, Message, Run, Thread, ToolCall
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
    fresh,
    retry,
    say,
    started,
    statuses_told,
    together,
    waiting_run,
)
from tests.runs.recording_runner import RecordingRunner

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.usefixtures("recorded"),
]

ROUNDS = 50


def test_a_message_without_a_thread_makes_one_and_names_it() -> None:
    viewer = a_visitor()

    outcome = say(viewer, "say  Hello\n there.")

    thread = Thread.objects.get(pk=outcome["thread"])
    assert (thread.owner_key, thread.visitor) == (viewer.key, viewer.visitor)
    assert thread.title == "say Hello there."
    assert Run.objects.get(pk=outcome["run"]).status == "queued"
    assert Message.objects.get(pk=outcome["message"]).text == "say  Hello\n there."


def test_a_users_thread_is_the_users() -> None:
    ann = get_user_model().objects.create(username="ann")
    viewer = Viewer(user=ann, visitor=uuid4())

    thread = Thread.objects.get(pk=say(viewer, "say Hi.")["thread"])

    assert (thread.user, thread.visitor, thread.owner_key) == (ann, None, f"u:{ann.pk}")


def test_the_runner_hears_of_a_run_only_after_the_commit(
    recorded: RecordingRunner,
) -> None:
    viewer = a_visitor()

    with transaction.atomic():
        outcome = say(viewer, "say Hi.")
        assert recorded.submitted == []

    assert [str(run) for run in recorded.submitted] == [outcome["run"]]


def test_a_host_that_rolls_back_leaves_nothing(recorded: RecordingRunner) -> None:
    def hosts_view() -> None:
        with transaction.atomic():
            say(a_visitor(), "say Hi.")
            raise RuntimeError("the host's view failed")

    with pytest.raises(RuntimeError):
        hosts_view()

    assert not Thread.objects.exists()
    assert not Command.objects.exists()
    assert recorded.submitted == []


def test_the_same_command_again_gets_the_same_outcome_and_no_second_run() -> None:
    viewer, name = a_visitor(), a_command_id()
    first = say(viewer, "say Hi.", name=name)

    assert say(viewer, "say Hi.", name=name, tab="another") == first
    assert Run.objects.count() == 1
    assert Message.objects.count() == 2


def test_the_same_id_for_something_else_is_a_conflict() -> None:
    viewer, name = a_visitor(), a_command_id()
    say(viewer, "say Hi.", name=name)

    with pytest.raises(CommandConflict):
        say(viewer, "say Bye.", name=name)


def test_the_same_id_of_another_viewer_is_another_command() -> None:
    name = a_command_id()

    assert (
        say(a_visitor(), "say Hi.", name=name)["run"]
        != (say(a_visitor(), "say Hi.", name=name)["run"])
    )


def test_a_refused_command_may_be_tried_again_with_its_id() -> None:
    viewer, name = a_visitor(), a_command_id()
    run = started(viewer, "say Hi.")
    with pytest.raises(RunConflict):
        say(viewer, "say More.", run.thread_id, name=name)
    carry(run)

    assert say(viewer, "say More.", run.thread_id, name=name)["run"] != str(run.pk)


@pytest.mark.parametrize("text", ["", "  \n ", "x" * 101])
def test_an_empty_or_too_long_message_is_refused(text: str, settings: Settings) -> None:
    settings.CHATKIT_MAX_MESSAGE_CHARS = 100

    with pytest.raises(InvalidCommand):
        say(a_visitor(), text)
    assert not Thread.objects.exists()


def test_an_unknown_assistant_is_refused() -> None:
    with pytest.raises(InvalidCommand):
        say(a_visitor(), "say Hi.", assistant="nobody")


def test_a_locked_thread_takes_no_messages() -> None:
    viewer = a_visitor()
    run = carried(viewer, "say Hi.")
    Thread.objects.update(status="locked")

    with pytest.raises(NotAllowed):
        say(viewer, "say More.", run.thread_id)


def test_another_owners_thread_is_as_good_as_missing() -> None:
    run = started(a_visitor(), "say Hi.")

    for act in (
        partial(say, a_visitor(), "say Hi.", run.thread_id),
        partial(cancel, a_visitor(), run),
        partial(retry, a_visitor(), run),
    ):
        with pytest.raises(ThreadNotFound):
            act()
    assert fresh(run).status == "queued"


def test_a_run_of_another_thread_can_not_be_cancelled_through_ones_own() -> None:
    viewer = a_visitor()
    mine, foreign = started(viewer, "say Hi."), started(a_visitor(), "say Hi.")
    foreign.thread_id = mine.thread_id

    with pytest.raises(ThreadNotFound):
        cancel(viewer, foreign)
    assert fresh(foreign).status == "queued"


@pytest.mark.parametrize("status", ["queued", "in_progress", "cancelling"])
def test_a_message_while_an_answer_is_written_is_a_conflict(status: str) -> None:
    viewer = a_visitor()
    run = started(viewer, "say Hi.")
    Run.objects.update(status=status)

    with pytest.raises(RunConflict):
        say(viewer, "say More.", run.thread_id)
    assert Message.objects.count() == 2


def test_two_messages_at_the_same_instant_start_one_run() -> None:
    viewer = a_visitor()
    for _ in range(ROUNDS):
        thread = carried(viewer, "say Hi.").thread_id

        found = together([partial(say, viewer, "say A.", thread)] * 2)

        runs = [one for one in found if isinstance(one, dict)]
        assert len(runs) == 1, found
        assert sum(isinstance(one, RunConflict) for one in found) == 1, found
        active = Run.objects.filter(thread=thread, status="queued")
        assert [str(run.pk) for run in active] == [runs[0]["run"]]
        assert_no_holes(thread)
        Thread.objects.filter(pk=thread).delete()


def test_the_same_command_twice_at_the_same_instant_is_one() -> None:
    viewer = a_visitor()
    for _ in range(ROUNDS):
        found = together([partial(say, viewer, "say A.", name=a_command_id())] * 2)

        assert found[0] == found[1], found
        assert Run.objects.count() == 1
        Thread.objects.all().delete()


def test_two_retries_at_the_same_instant_start_one_run() -> None:
    viewer = a_visitor()
    for _ in range(ROUNDS):
        run = started(viewer, "say Hi.")
        cancel(viewer, run)

        found = together([partial(retry, viewer, run), partial(retry, viewer, run)])

        assert sum(isinstance(one, dict) for one in found) == 1, found
        refused = [one for one in found if not isinstance(one, dict)]
        assert isinstance(refused[0], RunConflict | NotAllowed), found
        assert Run.objects.filter(status="queued").count() == 1
        Thread.objects.all().delete()


def test_a_message_and_an_answer_at_the_same_instant_leave_one_run_to_carry(
    recorded: RecordingRunner,
) -> None:
    viewer = a_visitor()
    for _ in range(ROUNDS):
        recorded.submitted.clear()
        run, [call] = waiting_run(viewer)

        sent, answered = together(
            [
                partial(say, viewer, "say A.", run.thread_id),
                partial(answer, viewer, call),
            ]
        )

        active = Run.objects.get(thread=run.thread_id, status="queued")
        assert recorded.submitted == [active.pk], (sent, answered)
        if isinstance(sent, dict):
            assert isinstance(answered, AnswerLate)
            assert fresh(run).status == "cancelled"
        else:
            assert isinstance(sent, RunConflict), sent
            assert active.pk == run.pk
        Thread.objects.all().delete()


def test_a_new_message_supersedes_a_run_that_waits_for_a_page() -> None:
    viewer = a_visitor()
    waiting = carried(viewer, "say Look.\ncall read_selection")
    assert waiting.status == "requires_action"

    started(viewer, "say More.", waiting.thread_id)

    superseded, [call] = fresh(waiting), calls_of(waiting)
    assert (superseded.status, superseded.error_code) == ("cancelled", "superseded")
    assert (call.status, call.error_code) == ("cancelled", "superseded")
    assert "new message" in call.error_text
    assert Message.objects.get(pk=waiting.answer_id).status == "interrupted"
    with pytest.raises(AnswerLate):
        answer(viewer, call)
    assert_no_holes(waiting.thread_id)


def test_the_limit_of_messages_a_minute_names_the_time_to_wait(
    settings: Settings,
) -> None:
    settings.CHATKIT_MESSAGES_PER_MINUTE = 2
    settings.CHATKIT_ACTIVE_RUNS_PER_VIEWER = 99
    viewer = a_visitor()
    for _ in range(2):
        say(viewer, "say Hi.")

    with pytest.raises(RateLimited) as refused:
        say(viewer, "say Hi.")

    assert 50 < refused.value.retry_after <= 60
    say(a_visitor(), "say Hi.")  # somebody else's limit is another one
    Command.objects.update(created_at=timezone.now() - timedelta(seconds=61))
    say(viewer, "say Hi.")


def test_a_refused_message_does_not_count_against_the_limit(
    settings: Settings,
) -> None:
    settings.CHATKIT_MESSAGES_PER_MINUTE = 2
    viewer = a_visitor()
    run = started(viewer, "say Hi.")
    for _ in range(5):
        with pytest.raises(RunConflict):
            say(viewer, "say Hi.", run.thread_id)

    say(viewer, "say Hi.")


def test_only_so_many_runs_of_a_viewer_are_written_at_once(
    settings: Settings,
) -> None:
    settings.CHATKIT_ACTIVE_RUNS_PER_VIEWER = 2
    viewer = a_visitor()
    first = started(viewer, "say Hi.")
    started(viewer, "say Hi.")

    with pytest.raises(RateLimited):
        say(viewer, "say Hi.")
    carry(first)
    say(viewer, "say Hi.")


def test_a_run_that_waits_for_a_page_does_not_count_as_being_written(
    settings: Settings,
) -> None:
    settings.CHATKIT_ACTIVE_RUNS_PER_VIEWER = 1
    viewer = a_visitor()
    carried(viewer, "call read_selection")

    say(viewer, "say Hi.")


def test_cancelling_a_queued_run_ends_it() -> None:
    viewer = a_visitor()
    run = started(viewer, "say Hi.")

    cancel(viewer, run)

    assert fresh(run).status == "cancelled"
    assert carry(run).status == "cancelled"
    assert statuses_told(run) == ["queued", "cancelled"]


def test_cancelling_a_run_that_waits_ends_its_calls() -> None:
    viewer = a_visitor()
    run = carried(viewer, "call read_selection\ncall paint {}")

    cancel(viewer, run)

    ended = {call.name: call.status for call in calls_of(run)}
    assert ended == {"read_selection": "cancelled", "paint": "failed"}
    assert fresh(run).finished_at is not None


def test_cancelling_a_run_in_progress_asks_its_owner_and_keeps_the_lease(
    recorded: RecordingRunner,
) -> None:
    viewer = a_visitor()
    run = started(viewer, "say Hi.")
    held = claim_run(run.pk, uuid4())

    cancel(viewer, run)

    asked = fresh(run)
    assert (asked.status, asked.owner) == ("cancelling", held.owner)
    assert asked.cancel_requested_at is not None
    assert recorded.cancelled == [run.pk]


def test_cancelling_twice_is_cancelling_once(recorded: RecordingRunner) -> None:
    viewer = a_visitor()
    run = started(viewer, "say Hi.")
    claim_run(run.pk, uuid4())

    assert cancel(viewer, run) == cancel(viewer, run)
    assert statuses_told(run) == ["queued", "in_progress", "cancelling"]
    assert recorded.cancelled == [run.pk]


@pytest.mark.parametrize(
    ("text", "status"), [("say Hi.", "completed"), ("fail rejected", "failed")]
)
def test_what_has_ended_can_not_be_cancelled(text: str, status: str) -> None:
    viewer = a_visitor()
    run = carried(viewer, text)

    cancel(viewer, run)

    assert fresh(run).status == status
    assert statuses_told(run)[-1] == status


def test_a_cancel_and_an_answer_at_the_same_instant_agree() -> None:
    viewer = a_visitor()
    for _ in range(ROUNDS):
        run, [call] = waiting_run(viewer)

        cancelled, answered = together(
            [partial(cancel, viewer, run), partial(answer, viewer, call)]
        )

        assert isinstance(cancelled, dict), cancelled
        assert fresh(run).status == "cancelled"
        was = ToolCall.objects.get(pk=call.pk).status
        if isinstance(answered, dict):
            assert was == "completed"
        else:
            assert isinstance(answered, AnswerLate), answered
            assert was == "cancelled"
        Thread.objects.all().delete()


def test_an_answer_that_failed_is_tried_again_in_its_place() -> None:
    viewer = a_visitor()
    failed = carried(viewer, "say Half\nfail rejected")
    assert failed.status == "failed"

    again = Run.objects.get(pk=retry(viewer, failed)["run"])

    assert again.prompt_id == failed.prompt_id
    assert not Message.objects.get(pk=failed.answer_id).is_shown
    shown = Message.objects.filter(is_shown=True).order_by("depth")
    assert [message.pk for message in shown] == [again.prompt_id, again.answer_id]
    assert Event.objects.filter(type="message.hidden").count() == 1


@pytest.mark.parametrize("text", ["say Hi.", "call read_selection"])
def test_only_an_answer_that_has_failed_can_be_tried_again(text: str) -> None:
    viewer = a_visitor()
    run = carried(viewer, text)

    with pytest.raises(RunConflict):
        retry(viewer, run)


def test_only_the_newest_answer_can_be_tried_again() -> None:
    viewer = a_visitor()
    failed = carried(viewer, "fail rejected")
    started(viewer, "say Hi.", failed.thread_id)

    with pytest.raises(NotAllowed):
        retry(viewer, failed)


def test_the_positions_of_a_command_are_those_of_its_events() -> None:
    viewer = a_visitor()
    run = carried(viewer, "say Hi.")

    say(viewer, "say More.", run.thread_id, name="second")

    row = Command.objects.get(client_id="second")
    asked = Event.objects.filter(
        thread=run.thread_id,
        position__range=(row.first_position, row.last_position),
    ).order_by("position")
    told = [event.type for event in asked]
    assert told == ["message.created", "run.changed", "message.created"]


def test_a_thread_that_takes_no_messages_takes_no_retries_either() -> None:
    viewer = a_visitor()
    run = carried(viewer, "say One\nbreak")
    Thread.objects.filter(pk=run.thread_id).update(status="locked")

    with pytest.raises(NotAllowed):
        retry(viewer, run)


def test_who_may_not_start_an_assistant_can_not_go_on_with_it(monkeypatch) -> None:
    viewer = a_visitor()
    run = carried(viewer, "say One\nbreak")
    monkeypatch.setattr(AccessPolicy, "can_start", lambda *_: False)

    for ask in (
        lambda: say(viewer, "say Two", run.thread_id),
        lambda: retry(viewer, run),
    ):
        with pytest.raises(NotAllowed):
            ask()


def test_the_same_id_for_another_kind_of_command_is_a_conflict() -> None:
    viewer = a_visitor()
    run = carried(viewer, "say One\nbreak")
    cancel(viewer, run, name="same")

    with pytest.raises(CommandConflict):
        retry(viewer, run, name="same")


def test_all_visitors_together_have_a_limit_which_users_do_not_share(settings) -> None:
    settings.CHATKIT_VISITOR_MESSAGES_PER_MINUTE = 2
    say(a_visitor(), "say One.")
    say(a_visitor(), "say Two.")

    with pytest.raises(RateLimited) as refused:
        say(a_visitor(), "say Three.")
    assert refused.value.retry_after > 1
    ann = get_user_model().objects.create_user("ann")
    assert say(Viewer(user=ann), "say Four.")["run"]


def test_messages_of_one_viewer_at_the_same_instant_count_each_other(settings) -> None:
    settings.CHATKIT_ACTIVE_RUNS_PER_VIEWER = 3
    viewer = a_visitor()

    found = together([partial(say, viewer, f"say {n}.") for n in range(8)])

    assert sum(isinstance(one, dict) for one in found) == 3, found
    assert sum(isinstance(one, RateLimited) for one in found) == 5, found
