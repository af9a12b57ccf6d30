"""What nobody has told us of is found: runs, deadlines, old events."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from datetime import timedelta
from uuid import UUID, uuid4

import pytest
from django.db.models import Sum
from django.utils import timezone

from chatkit_app.background import background
from chatkit_app.models import Event, Run, Thread, ToolCall, Usage
from chatkit_app.runs import sweeping as module
from chatkit_app.runs import usage
from chatkit_app.runs.carrying import Carrier
from chatkit_app.runs.sweeping import Sweeper
from chatkit_app.runs.working_jobs import WorkingJobs
from tests.runs.desk import WAIT, a_visitor, calls_of, carried, fresh, started

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.usefixtures("recorded"),
]


class Sweep:
    """A sweeper that is started when the test wants it."""

    def __init__(self, places: int = 5, patience: float = 1.0) -> None:
        self.jobs = WorkingJobs()
        self.sweeper = Sweeper(Carrier(lambda: places), self.jobs, patience=patience)

    def start(self) -> None:
        background.spawn(self.sweeper.run())


@pytest.fixture
def sweep(monkeypatch: pytest.MonkeyPatch) -> Iterator[Sweep]:
    for name in (
        "CLAIM_SECONDS",
        "EXPIRE_SECONDS",
        "PRUNE_SECONDS",
        "COUNT_SECONDS",
        "LONGEST_REST",
    ):
        monkeypatch.setattr(module, name, 0.01)
    yield Sweep()
    background.stop()


def until(is_so: Callable[[], bool]) -> None:
    end = time.monotonic() + WAIT
    while not is_so():
        assert time.monotonic() < end, "it did not come to that"
        time.sleep(0.005)


def status_of(run: Run) -> str:
    return str(fresh(run).status)


def test_the_sweep_carries_what_nobody_submitted(sweep: Sweep) -> None:
    run = started(a_visitor(), "say Hi.")
    Run.objects.update(ready_at=timezone.now() - timedelta(seconds=2))

    sweep.start()

    until(lambda: status_of(run) == "completed")


def test_the_sweep_takes_over_orphans(sweep: Sweep) -> None:
    run = started(a_visitor(), "say Hi.")
    Run.objects.update(
        status="in_progress",
        owner=uuid4(),
        attempt=1,
        lease_until=timezone.now() - timedelta(seconds=1),
    )

    sweep.start()

    until(lambda: status_of(run) == "completed")
    assert fresh(run).attempt == 2


def test_the_sweep_ends_calls_that_nobody_answered(sweep: Sweep) -> None:
    run = carried(a_visitor(), "call read_selection")
    ToolCall.objects.update(deadline_at=timezone.now() - timedelta(seconds=1))

    sweep.start()

    until(lambda: calls_of(run)[0].error_code == "deadline")
    assert status_of(run) == "queued"


def test_a_call_that_can_t_be_ended_keeps_no_other_from_its_end_and_is_logged_once(
    sweep: Sweep,
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

    sweep.start()

    until(lambda: calls_of(other)[0].error_code == "deadline")
    until(lambda: len(tries) > 2)
    assert caplog.text.count("can't be ended at its deadline") == 1
    assert "The sweep failed" not in caplog.text


def test_the_sweep_prunes_quiet_threads(sweep: Sweep) -> None:
    run = carried(a_visitor(), "say Hi.")
    old = timezone.now() - timedelta(hours=1)
    Event.objects.update(at=old)
    Thread.objects.update(last_activity_at=old)

    sweep.start()

    until(lambda: not Event.objects.exists())
    thread = Thread.objects.get(pk=run.thread_id)
    assert thread.floor == thread.position


def test_a_sweep_that_fails_is_not_the_last(
    sweep: Sweep,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    failed, original = threading.Event(), module.recovery.runs_to_claim

    def fail_once(limit: int, **options: float) -> list[object]:
        if not failed.is_set():
            failed.set()
            raise RuntimeError("the database is away")
        return list(original(limit, **options))

    monkeypatch.setattr(module.recovery, "runs_to_claim", fail_once)
    run = started(a_visitor(), "say Hi.")
    Run.objects.update(ready_at=timezone.now() - timedelta(seconds=2))

    sweep.start()

    until(lambda: status_of(run) == "completed")
    assert "The sweep failed" in caplog.text


def test_a_queued_run_is_left_to_who_was_asked_first(sweep: Sweep) -> None:
    started(a_visitor(), "say Hi.")

    patient = background.spawn(sweep.sweeper.claim()).result(WAIT)
    at_once = background.spawn(Sweep(patience=0.0).sweeper.claim()).result(WAIT)

    assert (len(patient), len(at_once)) == (0, 1)


def test_no_more_is_claimed_than_there_are_places_for(sweep: Sweep) -> None:
    for _ in range(4):
        started(a_visitor(), "stall")
    small = Sweep(places=2, patience=0.0)

    first = background.spawn(small.sweeper.claim()).result(WAIT)
    second = background.spawn(small.sweeper.claim()).result(WAIT)

    assert (len(first), len(second)) == (2, 0)


def test_processes_that_begin_together_do_not_sweep_in_step() -> None:
    pauses = {module._about(1.0) for _ in range(20)}

    assert len(pauses) == 20
    assert all(0.8 <= pause <= 1.2 for pause in pauses)


def test_what_a_dead_process_has_not_counted_is_counted(
    sweep: Sweep, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patched:
        patched.setattr(usage, "count", lambda _run: None)
        runs = [carried(a_visitor(), "say Hi.") for _ in range(2)]
    count, tried = usage.count, []

    def one_fails(run_id: UUID) -> None:
        tried.append(run_id)
        if run_id == runs[0].pk and tried.count(run_id) == 1:
            raise RuntimeError("not now")
        count(run_id)

    monkeypatch.setattr(usage, "LEFT_SECONDS", -1.0)
    monkeypatch.setattr(module.usage, "count", one_fails)

    sweep.start()
    until(lambda: Usage.objects.aggregate(found=Sum("steps"))["found"] == 2)

    assert Usage.objects.aggregate(found=Sum("messages"))["found"] == 2
