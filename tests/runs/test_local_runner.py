"""The runner of this process: it carries what it is told, and finds what nobody told."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from datetime import timedelta
from uuid import UUID, uuid4

import pytest
from django.utils import timezone
from pytest_django import Settings

from chatkit_app.background import background
from chatkit_app.models import Event, Run, Step, Thread, ToolCall
from chatkit_app.runs import local_runner as module
from chatkit_app.runs.local_runner import LocalRunner
from tests.runs.desk import (
    WAIT,
    a_visitor,
    calls_of,
    cancel,
    carried,
    fresh,
    started,
    statuses_told,
)

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.usefixtures("recorded"),
]


@pytest.fixture
def runner(monkeypatch: pytest.MonkeyPatch) -> Iterator[LocalRunner]:
    monkeypatch.setattr(module, "SWEEP_SECONDS", 0.01)
    monkeypatch.setattr(module, "PRUNE_SECONDS", 0.02)
    runner = LocalRunner()
    yield runner
    runner.stop()
    background.stop()


def until(is_so: Callable[[], bool]) -> None:
    end = time.monotonic() + WAIT
    while not is_so():
        assert time.monotonic() < end, "it did not come to that"
        time.sleep(0.005)


def status_of(run: Run) -> str:
    return str(fresh(run).status)


def test_what_is_submitted_is_carried(runner: LocalRunner) -> None:
    run = started(a_visitor(), "say Hi.")

    runner.submit(run.pk)

    until(lambda: status_of(run) == "completed")


def test_submitting_twice_is_carrying_once(runner: LocalRunner) -> None:
    run = started(a_visitor(), "say Hi.")

    for _ in range(5):
        runner.submit(run.pk)
    until(lambda: status_of(run) == "completed")

    assert statuses_told(run) == ["queued", "in_progress", "completed"]


def test_runs_over_the_bound_wait_their_turn(
    runner: LocalRunner, settings: Settings
) -> None:
    settings.CHATKIT_RUNS_PER_PROCESS = 2
    viewers = [a_visitor() for _ in range(4)]
    runs = [started(viewer, "stall") for viewer in viewers[:2]]
    for run in runs:
        runner.submit(run.pk)
    until(lambda: Step.objects.count() == 2)
    late = [started(viewer, "say Hi.") for viewer in viewers[2:]]
    for run in late:
        runner.submit(run.pk)

    assert [status_of(run) for run in late] == ["queued", "queued"]
    cancel(viewers[0], runs[0])
    runner.cancel(runs[0].pk)
    for run in late:
        until(lambda run=run: status_of(run) == "completed")
    assert status_of(runs[1]) == "in_progress"


def test_a_cancel_is_done_at_once(runner: LocalRunner) -> None:
    viewer = a_visitor()
    run = started(viewer, "stall")
    runner.submit(run.pk)
    until(lambda: Step.objects.exists())

    cancel(viewer, run)
    runner.cancel(run.pk)

    until(lambda: status_of(run) == "cancelled")


def test_cancelling_what_is_not_carried_here_is_nothing(runner: LocalRunner) -> None:
    runner.cancel(uuid4())


def test_the_sweep_carries_what_nobody_submitted(runner: LocalRunner) -> None:
    run = started(a_visitor(), "say Hi.")
    Run.objects.update(ready_at=timezone.now() - timedelta(seconds=2))

    runner.start()
    runner.start()

    until(lambda: status_of(run) == "completed")


def test_the_sweep_takes_over_orphans(runner: LocalRunner) -> None:
    run = started(a_visitor(), "say Hi.")
    Run.objects.update(
        status="in_progress",
        owner=uuid4(),
        attempt=1,
        lease_until=timezone.now() - timedelta(seconds=1),
    )

    runner.start()

    until(lambda: status_of(run) == "completed")
    assert fresh(run).takeovers == 1


def test_the_sweep_ends_calls_that_nobody_answered(runner: LocalRunner) -> None:
    run = carried(a_visitor(), "call read_selection")
    ToolCall.objects.update(deadline_at=timezone.now() - timedelta(seconds=1))

    runner.start()

    until(lambda: calls_of(run)[0].error_code == "deadline")
    assert status_of(run) == "queued"


def test_a_call_that_can_t_be_ended_keeps_no_other_from_its_end_and_is_logged_once(
    runner: LocalRunner,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    odd, other = (carried(a_visitor(), "call read_selection") for _ in range(2))
    cause, original = calls_of(odd)[0].pk, module.answering.expire
    tries: list[UUID] = []

    def expire(call_id: UUID) -> None:
        if call_id == cause:
            tries.append(call_id)
            raise ValueError("an odd row")
        original(call_id)

    monkeypatch.setattr(module.answering, "expire", expire)
    past = timezone.now() - timedelta(seconds=1)
    ToolCall.objects.filter(pk=cause).update(deadline_at=past - timedelta(seconds=1))
    ToolCall.objects.exclude(pk=cause).update(deadline_at=past)

    runner.start()

    until(lambda: calls_of(other)[0].error_code == "deadline")
    until(lambda: len(tries) > 2)
    assert caplog.text.count("can't be ended at its deadline") == 1
    assert "The sweep failed." not in caplog.text


def test_the_sweep_prunes_quiet_threads(runner: LocalRunner) -> None:
    run = carried(a_visitor(), "say Hi.")
    old = timezone.now() - timedelta(hours=1)
    Event.objects.update(at=old)
    Thread.objects.update(last_activity_at=old)

    runner.start()

    until(lambda: not Event.objects.exists())
    thread = Thread.objects.get(pk=run.thread_id)
    assert thread.floor == thread.position


def test_a_sweep_that_fails_is_not_the_last(
    runner: LocalRunner,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    failed, original = threading.Event(), module.recovery.runs_to_claim

    def fail_once(limit: int) -> list[object]:
        if not failed.is_set():
            failed.set()
            raise RuntimeError("the database is away")
        return list(original(limit))

    monkeypatch.setattr(module.recovery, "runs_to_claim", fail_once)
    run = started(a_visitor(), "say Hi.")
    Run.objects.update(ready_at=timezone.now() - timedelta(seconds=2))

    runner.start()

    until(lambda: status_of(run) == "completed")
    assert "The sweep failed." in caplog.text
