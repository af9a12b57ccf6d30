"""A process has died, or seems to: what the next one finds, and what the old one may still do."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from uuid import uuid4

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from chatkit_app.engine import events
from chatkit_app.exceptions import LeaseLost
from chatkit_app.log.writer import Writer
from chatkit_app.models import Run, Step, Thread, ToolCall
from chatkit_app.runs import recovery
from chatkit_app.runs.briefing import viewer_of_run
from chatkit_app.runs.claiming import Held, claim_run
from chatkit_app.runs.closing import run_changed
from chatkit_app.runs.recorder import record
from tests.log.writing import Line, open_line
from tests.runs.desk import (
    WAIT,
    a_visitor,
    assert_no_holes,
    calls_of,
    cancel,
    carried,
    carry,
    fresh,
    say,
    started,
    statuses_told,
    waiting_run,
)

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.usefixtures("recorded"),
]

PAST = timedelta(seconds=0.01)


@pytest.fixture
def writer() -> Iterator[Writer]:
    writer = Writer()
    yield writer
    writer.stop()


def abandoned(run: Run, **fields: object) -> Run:
    """The run, as if its process had stopped without a word."""
    was = {"status": "in_progress", "owner": uuid4(), "attempt": 1, **fields}
    Run.objects.filter(pk=run.pk).update(lease_until=timezone.now() - PAST, **was)
    return fresh(run)


def orphan_with_tool(status: str, effect: str) -> tuple[Run, ToolCall]:
    """Its step is whole; the process died while its one server tool stood so."""
    run, [call] = waiting_run(a_visitor())
    call.parts.update(text='{"a": 1, "b": 2}')
    ToolCall.objects.filter(pk=call.pk).update(
        name="add" if effect == "read" else "pay",
        arguments='{"a": 1, "b": 2}' if effect == "read" else "{}",
        executor="server",
        effect=effect,
        status=status,
        starts=int(status == "running"),
    )
    call.interrupts.all().delete()
    return abandoned(run), call


def test_a_queued_run_is_claimed_once() -> None:
    run = started(a_visitor(), "say Hi.")

    held = claim_run(run.pk, uuid4())

    assert (held.attempt, held.thread) == (1, run.thread_id)
    assert claim_run(run.pk, uuid4()) is None
    assert fresh(run).status == "in_progress"


@pytest.mark.parametrize(
    "status", ["requires_action", "completed", "failed", "cancelled"]
)
def test_what_nobody_needs_to_carry_is_not_claimed(status: str) -> None:
    run = started(a_visitor(), "say Hi.")
    Run.objects.update(status=status, lease_until=timezone.now() - PAST)

    assert claim_run(run.pk, uuid4()) is None
    assert recovery.runs_to_claim(10) == []


def test_a_run_whose_process_is_alive_is_left_to_it() -> None:
    run = abandoned(started(a_visitor(), "say Hi."))
    Run.objects.update(lease_until=timezone.now() + timedelta(seconds=5))

    assert claim_run(run.pk, uuid4()) is None
    assert recovery.runs_to_claim(10) == []


def test_the_sweeper_finds_orphans_and_forgotten_runs() -> None:
    orphan = abandoned(started(a_visitor(), "say Hi."))
    stopping = abandoned(started(a_visitor(), "say Hi."), status="cancelling")
    forgotten, new = started(a_visitor(), "say Hi."), started(a_visitor(), "say Hi.")
    Run.objects.filter(pk=forgotten.pk).update(
        ready_at=timezone.now() - timedelta(seconds=2)
    )

    assert set(recovery.runs_to_claim(10)) == {orphan.pk, stopping.pk, forgotten.pk}
    assert new.pk not in recovery.runs_to_claim(10)
    assert len(recovery.runs_to_claim(2)) == 2


def test_a_run_that_was_claimed_and_nothing_more_is_carried_anew() -> None:
    run = abandoned(started(a_visitor(), "say Hi."))

    done = carry(run)

    assert (done.status, done.attempt) == ("completed", 2)
    assert_no_holes(run.thread_id)


def half_answered(writer: Writer, **fields: object) -> tuple[Run, str, str]:
    """A run whose process has died in the middle of its answer; the ids of its step and part."""
    run = abandoned(started(a_visitor(), "say Hi."), **fields)
    line = open_line(
        writer,
        Held(
            run=run.pk,
            thread=run.thread_id,
            owner=run.owner,
            attempt=run.attempt,
            batch=run.batch,
        ),
        record=record,
    )
    step, part = write_half(writer, line, run)
    Run.objects.update(lease_until=timezone.now() - PAST)
    return fresh(run), step, part


def test_an_answer_that_broke_off_is_taken_back_and_asked_again(
    writer: Writer,
) -> None:
    run, step, part = half_answered(writer)

    done = carry(run)

    assert (done.status, done.attempt) == ("completed", 2)
    done.answer.refresh_from_db()
    assert (done.answer.status, done.answer.text) == ("complete", "Hi.")
    void = Step.objects.get(pk=step)
    assert (void.status, void.error_code) == ("void", "run_interrupted")
    kept = done.answer.parts.get(pk=part)
    assert (kept.state, kept.text) == ("interrupted", "Half a")
    [again] = Step.objects.filter(run=run).exclude(pk=step)
    assert (again.index, again.attempt, again.status) == (0, 2, "complete")
    assert_no_holes(run.thread_id)


def test_where_nothing_is_taken_back_an_answer_that_broke_off_is_closed_as_interrupted(
    writer: Writer, settings
) -> None:
    settings.CHATKIT_BROKEN_STEP = "keep"
    run, step, part = half_answered(writer)

    assert claim_run(run.pk, uuid4()) is None

    closed = fresh(run)
    assert (closed.status, closed.error_code) == ("failed", "run_interrupted")
    closed.answer.refresh_from_db()
    assert (closed.answer.status, closed.answer.text) == ("interrupted", "Half a")
    assert Step.objects.get(pk=step).status == "failed"
    assert closed.answer.parts.get(pk=part).state == "interrupted"
    say(viewer_of_run(closed, closed.thread), "say Next.", run.thread_id)


def test_a_run_that_was_handed_over_is_free_at_once_and_counts_as_no_crash(
    writer: Writer, settings
) -> None:
    settings.CHATKIT_MAX_TAKEOVERS = 1
    run, step, _ = half_answered(writer, takeovers=1)
    Run.objects.update(owner=None, lease_until=timezone.now() + timedelta(hours=1))

    assert recovery.runs_to_claim(10) == [run.pk]
    done = carry(run)

    assert done.status == "completed"
    assert Step.objects.get(pk=step).status == "void"


def test_takeovers_that_got_further_are_not_held_against_a_run() -> None:
    run = abandoned(started(a_visitor(), "say Hi."), takeovers=2)

    assert carry(run).takeovers == 0


def test_a_call_that_a_takeover_itself_has_ended_is_no_progress() -> None:
    run, _ = orphan_with_tool("running", "once")

    claim_run(run.pk, uuid4())

    assert fresh(run).takeovers == 1


def write_half(writer: Writer, line: Line, run: Run) -> tuple[str, str]:
    """The beginning of an answer, in the log."""
    step, part = str(uuid4()), str(uuid4())
    found = [
        events.StepStarted(run_id=str(run.pk), step_id=step, index=0),
        events.PartStarted(
            message_id=str(run.answer_id),
            part_id=part,
            index=0,
            kind=events.PartKind.TEXT,
            step_id=step,
        ),
        events.PartDelta(part_id=part, offset=0, delta="Half"),
        events.PartDelta(part_id=part, offset=4, delta=" a"),
    ]
    writer.commit(line.log, found).result(WAIT)
    return step, part


@pytest.mark.parametrize("status", ["queued", "running"])
def test_a_tool_that_only_reads_runs_again_under_its_id(status: str) -> None:
    run, call = orphan_with_tool(status, "read")

    done = carry(run)

    call.refresh_from_db()
    assert (done.status, call.status, call.output) == (
        "completed",
        "completed",
        {"total": 3},
    )
    assert call.starts == (2 if status == "running" else 1)
    assert len(calls_of(run)) == 1


def test_a_tool_that_must_run_once_and_had_begun_is_never_begun_again() -> None:
    run, call = orphan_with_tool("running", "once")

    done = carry(run)

    call.refresh_from_db()
    assert (call.status, call.error_code, call.starts) == (
        "failed",
        "outcome_unknown",
        1,
    )
    assert done.status == "completed"
    done.answer.refresh_from_db()
    assert "whether it took effect is unknown" in done.answer.text


def test_a_tool_that_must_run_once_and_had_not_begun_is_begun() -> None:
    run, call = orphan_with_tool("queued", "once")

    carry(run)

    call.refresh_from_db()
    assert (call.status, call.output, call.starts) == ("completed", "paid", 1)


def test_a_cancel_that_its_process_did_not_live_to_see_is_done() -> None:
    viewer = a_visitor()
    run = started(viewer, "say Hi.")
    claim_run(run.pk, uuid4())
    cancel(viewer, run)
    Run.objects.update(lease_until=timezone.now() - PAST)

    assert carry(run).status == "cancelled"
    assert statuses_told(run)[-1] == "cancelled"


def test_a_run_that_takes_its_process_down_again_and_again_is_given_up() -> None:
    run = abandoned(started(a_visitor(), "say Hi."), takeovers=3)

    done = carry(run)

    assert (done.status, done.error_code) == ("failed", "run_interrupted")


def test_a_run_that_paused_goes_on_in_another_process_as_if_nothing_were() -> None:
    run = carried(a_visitor(), "call read_selection")

    assert recovery.runs_to_claim(10) == []
    assert fresh(run).takeovers == 0


def test_a_process_that_wakes_after_the_takeover_can_write_nothing(
    writer: Writer,
) -> None:
    run = started(a_visitor(), "say Hi.")
    zombie = claim_run(run.pk, uuid4())
    line = open_line(writer, zombie)
    Run.objects.update(lease_until=timezone.now() - PAST)
    new = claim_run(run.pk, uuid4())
    before = Thread.objects.get(pk=run.thread_id).position

    with pytest.raises(LeaseLost):
        writer.commit(line.log, [run_changed(run)]).result(WAIT)
    with pytest.raises(LeaseLost):
        writer.commit(line.log, [run_changed(run)]).result(WAIT)

    assert new.attempt == zombie.attempt + 1
    assert Thread.objects.get(pk=run.thread_id).position == before


def test_the_same_process_can_not_write_for_its_own_earlier_attempt(
    writer: Writer,
) -> None:
    owner = uuid4()
    run = started(a_visitor(), "say Hi.")
    line = open_line(writer, claim_run(run.pk, owner))
    Run.objects.update(lease_until=timezone.now() - PAST)
    claim_run(run.pk, owner)

    with pytest.raises(LeaseLost):
        writer.commit(line.log, [run_changed(run)]).result(WAIT)


def test_calls_past_their_deadline_are_found() -> None:
    _, [late, early] = waiting_run(a_visitor(), calls=2)
    now = timezone.now()
    ToolCall.objects.filter(pk=late.pk).update(deadline_at=now - PAST)
    ToolCall.objects.filter(pk=early.pk).update(deadline_at=now + timedelta(seconds=9))

    assert recovery.calls_past_deadline(10) == [late.pk]


def test_what_is_looked_for_again_and_again_is_found_by_an_index() -> None:
    if connection.vendor != "sqlite":
        pytest.skip("PostgreSQL's planner goes by the number of rows")
    with CaptureQueriesContext(connection) as asked:
        recovery.runs_to_claim(10)
        recovery.calls_past_deadline(10)

    for query in asked.captured_queries:
        with connection.cursor() as cursor:
            cursor.execute("EXPLAIN QUERY PLAN " + query["sql"])
            plan = [str(row[3]) for row in cursor.fetchall()]
        assert not [line for line in plan if line.startswith("SCAN")], plan


def test_only_quiet_threads_are_pruned() -> None:
    quiet, busy = carried(a_visitor(), "say Hi."), started(a_visitor(), "say Hi.")
    new = carried(a_visitor(), "say Hi.")
    for run in (quiet, busy):
        Thread.objects.filter(pk=run.thread_id).update(
            last_activity_at=timezone.now() - timedelta(hours=1)
        )

    found = recovery.threads_to_prune(timedelta(seconds=600), 10)

    assert found == [quiet.thread_id]
    assert new.thread_id not in found
