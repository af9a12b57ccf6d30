"""What no state machine can put in an order: many at the same instant, on a real database.

Each round begins at a barrier. There are as many as fit into some seconds, for what they look for
is a matter of luck; on SQLite, which lets one writer in at a time, some are enough.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from typing import Any
from uuid import UUID, uuid4

import pytest
from django.db import connection

from chatkit_app.engine import events
from chatkit_app.exceptions import AnswerDuplicate, RunConflict
from chatkit_app.log.batches import Batch, RowsHeld, RunLog, commit_once
from chatkit_app.log.statements import Fence
from chatkit_app.models import Command, Part, Run, Thread, ToolCall
from chatkit_app.runs.claiming import Held, claim_run
from chatkit_app.runs.closing import move_run
from chatkit_app.runs.recorder import record
from tests.history_rows import make_thread
from tests.runs.desk import (
    WAIT,
    a_command_id,
    a_visitor,
    answer,
    assert_no_holes,
    cancel,
    fresh,
    log_of,
    say,
    statuses_told,
    together,
    waiting_run,
)
from tests.runs.recording_runner import RecordingRunner

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.usefixtures("recorded"),
]

MOST_ROUNDS = 100
MOST_SECONDS = 8.0
ON_SQLITE = 15


def rounds() -> Iterator[int]:
    until = time.monotonic() + MOST_SECONDS
    most = MOST_ROUNDS if connection.vendor == "postgresql" else ON_SQLITE
    for number in range(most):
        if number >= ON_SQLITE and time.monotonic() > until:
            return
        yield number


def test_of_answers_at_once_one_is_the_calls_result(recorded: RecordingRunner) -> None:
    for _ in rounds():
        recorded.submitted.clear()
        viewer = a_visitor()
        run, [call] = waiting_run(viewer)
        texts = [str(n) for n in range(5)]

        found = together([partial(answer, viewer, call, {"text": t}) for t in texts])

        [taken] = [n for n, one in enumerate(found) if isinstance(one, dict)]
        assert sum(isinstance(one, AnswerDuplicate) for one in found) == 4, found
        call.refresh_from_db()
        assert call.output == {"text": texts[taken]}
        assert results_of(call) == 1
        assert statuses_told(run) == ["queued"]
        assert recorded.submitted == [run.pk]
        assert_no_holes(run.thread_id)


def test_one_answer_sent_many_times_at_once_is_accepted_each_time() -> None:
    for _ in rounds():
        viewer, name = a_visitor(), a_command_id()
        run, [call] = waiting_run(viewer)

        found = together([partial(answer, viewer, call, name=name)] * 4)

        assert found == [found[0]] * 4
        assert isinstance(found[0], dict)
        assert results_of(call) == 1
        assert statuses_told(run) == ["queued"]


def test_the_last_answers_of_a_step_at_once_let_the_run_go_on_exactly_once(
    recorded: RecordingRunner,
) -> None:
    for _ in rounds():
        recorded.submitted.clear()
        viewer = a_visitor()
        run, calls = waiting_run(viewer, calls=3)

        found = together([partial(answer, viewer, call) for call in calls])

        assert all(isinstance(one, dict) for one in found), found
        assert fresh(run).status == "queued"
        assert statuses_told(run) == ["queued"]
        assert recorded.submitted == [run.pk]
        assert_no_holes(run.thread_id)


def test_an_answer_that_comes_as_the_run_pauses_never_leaves_it_stuck(
    recorded: RecordingRunner,
) -> None:
    for _ in rounds():
        recorded.submitted.clear()
        viewer = a_visitor()
        run, [call] = waiting_run(viewer)
        held = held_again(run)

        paused, answered = together(
            [partial(pause, held), partial(answer, viewer, call)]
        )

        assert isinstance(answered, dict), answered
        row = fresh(run)
        if paused is True:  # the answer came after it, and is the last
            assert (row.status, recorded.submitted) == ("queued", [run.pk])
        else:  # who holds it goes on with it
            assert paused is False, paused
            assert (row.status, recorded.submitted) == ("in_progress", [])
            assert row.owner == held.owner
        assert_no_holes(run.thread_id)


def test_of_messages_at_once_one_starts_a_run_and_the_others_are_refused() -> None:
    for _ in range(3):
        viewer = a_visitor()
        thread = make_thread(viewer.visitor, assistant="test")

        found = together(
            [partial(say, viewer, f"say {n}.", thread.pk) for n in range(20)]
        )

        assert sum(isinstance(one, dict) for one in found) == 1, found
        assert sum(isinstance(one, RunConflict) for one in found) == 19, found
        assert Run.objects.filter(thread=thread).count() == 1
        assert Thread.objects.get(pk=thread.pk).messages.count() == 2
        assert_no_holes(thread.pk)


@pytest.mark.parametrize("is_in_thread", [True, False])
def test_one_message_sent_many_times_at_once_is_one_message(
    is_in_thread: bool, recorded: RecordingRunner
) -> None:
    for _ in range(5):
        recorded.submitted.clear()
        viewer, name = a_visitor(), a_command_id()
        thread = (
            make_thread(viewer.visitor, assistant="test").pk if is_in_thread else None
        )

        found = together([partial(say, viewer, "say Hi.", thread, name=name)] * 8)

        assert found == [found[0]] * 8, found
        assert recorded.submitted == [UUID(found[0]["run"])]
        assert Command.objects.filter(owner_key=viewer.key).count() == 1
        assert Run.objects.filter(thread__owner_key=viewer.key).count() == 1


def test_cancels_at_once_end_a_run_once() -> None:
    for _ in range(10):
        viewer = a_visitor()
        run, _calls = waiting_run(viewer)

        found = together([partial(cancel, viewer, run)] * 4)

        assert all(isinstance(one, dict) for one in found), found
        assert statuses_told(run) == ["cancelled"]


def test_a_batch_that_is_committed_twice_at_once_is_written_once() -> None:
    for _ in range(20):
        run, _calls = waiting_run(a_visitor())
        held = held_again(run)

        together([partial(commit, a_batch(held))] * 3)

        assert len(log_of(run.thread_id, "tool_call.progressed")) == 1
        assert fresh(run).batch == held.batch + 1


def test_who_takes_a_run_over_and_who_comes_back_never_both_write() -> None:
    for _ in rounds():
        run, _calls = waiting_run(a_visitor())
        held = held_again(run)
        Run.objects.filter(pk=run.pk).update(lease_until="2020-01-01T00:00:00Z")

        taken, _ = together(
            [partial(claim_run, run.pk, uuid4()), partial(commit, a_batch(held))]
        )

        # Who came first has it: a write that was first has renewed the lease.
        written = len(log_of(run.thread_id, "tool_call.progressed"))
        assert isinstance(taken, Held) != bool(written), (taken, written)
        assert_no_holes(run.thread_id)


def results_of(call: ToolCall) -> int:
    return Part.objects.filter(tool_call=call, kind="tool-result").count()


def held_again(run: Run) -> Held:
    """The run in progress, its calls with the pages: as it is a moment before it pauses."""
    Run.objects.filter(pk=run.pk).update(status="queued")
    held = claim_run(run.pk, uuid4())
    assert held is not None
    return held


def a_batch(held: Held, prepare: Callable[[], Sequence[Any]] | None = None) -> Batch:
    log = RunLog(
        run=held.run,
        thread=held.thread,
        owner=held.owner,
        attempt=held.attempt,
        batch=held.batch,
        record=record,
        on_cancel=lambda: None,
        on_lost=lambda _error: None,
    )
    fence = Fence(
        run=held.run, owner=held.owner, attempt=held.attempt, batch=held.batch + 1
    )
    news = events.ToolCallProgressed(tool_call_id=str(uuid4()), text="working")
    found = [] if prepare else [news]
    return Batch(log=log, fence=fence, events=found, prepare=prepare, waiting=[])


def pause(held: Held) -> bool:
    """As the executor does it, inside the fence: unless the last page has answered."""
    is_paused = False

    def prepare() -> Sequence[events.AnyEvent]:
        nonlocal is_paused
        run = Run.objects.get(pk=held.run)
        is_paused = ToolCall.objects.filter(run=run, status="waiting").exists()
        return [move_run(run, events.RunStatus.REQUIRES_ACTION)] if is_paused else []

    commit(a_batch(held, prepare))
    return is_paused


def commit(batch: Batch) -> None:
    """As the writer does it: again, while somebody else holds the run's rows."""
    until = time.monotonic() + WAIT
    while True:
        try:
            return commit_once(batch)
        except RowsHeld:
            assert time.monotonic() < until
