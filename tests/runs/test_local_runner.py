"""The runner of this process: it carries what it is told, and finds what nobody told."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from uuid import UUID, uuid4

import pytest
from pytest_django import Settings

from chatkit_app.background import background
from chatkit_app.log.doorbell import MESSAGE_TYPE, doorbell
from chatkit_app.models import Run, Step
from chatkit_app.runs import sweeping as module
from chatkit_app.runs.local_runner import LocalRunner
from tests.runs.desk import (
    WAIT,
    a_visitor,
    calls_of,
    cancel,
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
    monkeypatch.setattr(module, "CLAIM_SECONDS", 0.01)
    runner = LocalRunner()
    yield runner
    runner.stop()
    background.stop()


@pytest.fixture
def rung(monkeypatch: pytest.MonkeyPatch) -> list[UUID]:
    """The runs that others are told of."""
    rung: list[UUID] = []
    monkeypatch.setattr(doorbell, "ring_run", rung.append)
    return rung


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


def test_cancelling_what_is_carried_elsewhere_rings_there(
    runner: LocalRunner, rung: list[UUID]
) -> None:
    run = uuid4()

    runner.cancel(run)

    assert rung == [run]


def test_a_bell_for_a_run_that_nobody_carries_brings_it_here(
    runner: LocalRunner,
) -> None:
    run = started(a_visitor(), "say Hi.")
    runner.start()

    background.start().call_soon_threadsafe(doorbell._hear, told(run))

    until(lambda: status_of(run) == "completed")


def test_a_bell_for_a_run_that_is_carried_here_has_its_row_read(
    runner: LocalRunner,
) -> None:
    viewer = a_visitor()
    run = started(viewer, "stall")
    runner.submit(run.pk)
    until(lambda: Step.objects.exists())
    cancel(viewer, run)

    background.start().call_soon_threadsafe(doorbell._hear, told(run))

    until(lambda: status_of(run) == "cancelled")


def told(run: Run) -> dict[str, str]:
    return {"type": MESSAGE_TYPE, "run": str(run.pk)}


def test_draining_hands_over_and_leaves_what_comes_to_the_others(
    runner: LocalRunner, rung: list[UUID]
) -> None:
    begun, late = (started(a_visitor(), "stall") for _ in range(2))
    runner.submit(begun.pk)
    until(lambda: Step.objects.exists())

    runner.drain(WAIT)
    runner.submit(late.pk)
    runner.start()

    assert (status_of(begun), fresh(begun).owner) == ("in_progress", None)
    assert (status_of(late), fresh(late).attempt) == ("queued", 0)
    assert rung == [begun.pk, late.pk]


def test_draining_what_has_never_carried_is_nothing(runner: LocalRunner) -> None:
    runner.drain(WAIT)


def test_draining_takes_no_longer_than_it_may(
    runner: LocalRunner, caplog: pytest.LogCaptureFixture
) -> None:
    run = started(a_visitor(), 'call book {"seconds": 3}')
    runner.submit(run.pk)
    until(lambda: bool(calls_of(run)) and calls_of(run)[0].status == "running")
    began = time.monotonic()

    runner.drain(0.1)

    assert time.monotonic() - began < 0.4
    assert "their leases will run out" in caplog.text
