"""Carrying runs: as many as there are places for, and one for a queue of the site's."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Callable
from uuid import UUID, uuid4

import pytest

from chatkit_app.background import background
from chatkit_app.models import Run, Step
from chatkit_app.runs import carrying as module
from chatkit_app.runs.carrying import Carrier, alone, carry
from tests.runs.desk import WAIT, a_visitor, answer, calls_of, cancel, fresh, started

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.usefixtures("recorded"),
]


@pytest.fixture(autouse=True)
def nobody_left() -> object:
    yield
    alone.stop()


def until(is_so: Callable[[], bool]) -> None:
    end = time.monotonic() + WAIT
    while not is_so():
        assert time.monotonic() < end, "it did not come to that"
        time.sleep(0.005)


def on_loop(work: Callable[[], object]) -> object:
    """Do this where a carrier lives."""

    async def do() -> object:
        found = work()
        return await found if asyncio.iscoroutine(found) else found

    return background.spawn(do()).result(WAIT)


def carrier(places: int = 5) -> Carrier:
    return Carrier(lambda: places)


def test_one_run_is_carried_to_its_end_for_a_queue_of_the_sites() -> None:
    run = started(a_visitor(), "say Hi.")

    carry(run.pk)

    assert fresh(run).status == "completed"


def test_one_run_is_carried_to_its_pause_and_on_from_there() -> None:
    viewer = a_visitor()
    run = started(viewer, "call read_selection")

    carry(run.pk)
    paused = fresh(run).status
    answer(viewer, calls_of(run)[0])
    carry(run.pk)

    assert paused == "requires_action"
    assert fresh(run).status == "completed"


@pytest.mark.parametrize("run_id", [uuid4()])
def test_a_run_that_is_not_there_or_has_ended_is_left_alone(run_id: UUID) -> None:
    run = started(a_visitor(), "say Hi.")
    carry(run.pk)

    carry(run.pk)
    carry(run_id)

    assert fresh(run).attempt == 1


def test_who_breaks_off_the_waiting_hands_the_run_over(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    run = started(a_visitor(), "say Well\nstall")
    original = background.spawn

    class Impatient:
        def __init__(self, future) -> None:
            self.future = future

        def result(self, timeout: float | None = None) -> object:
            if timeout is None:
                until(lambda: Step.objects.exists())
                raise KeyboardInterrupt
            return self.future.result(timeout)

    class Background:
        spawn = staticmethod(lambda work: Impatient(original(work)))

    monkeypatch.setattr(module, "background", Background)

    with pytest.raises(KeyboardInterrupt):
        carry(run.pk)

    assert (fresh(run).status, fresh(run).owner) == ("in_progress", None)


def test_it_has_no_more_places_than_it_was_given() -> None:
    full = carrier(1)
    runs = [started(a_visitor(), "stall") for _ in range(2)]

    for run in runs:
        on_loop(lambda run=run: full.take(run.pk))
    until(lambda: Step.objects.count() == 1)

    assert full.free == 0
    assert sorted(Run.objects.values_list("status", flat=True)) == [
        "in_progress",
        "queued",
    ]


def test_a_look_at_the_row_finds_that_somebody_wants_it_cancelled() -> None:
    viewer, one = a_visitor(), carrier()
    run = started(viewer, "stall")
    on_loop(lambda: one.take(run.pk))
    until(lambda: Step.objects.exists())
    cancel(viewer, run)

    known = on_loop(lambda: one.look(run.pk))

    assert known is True
    until(lambda: fresh(run).status == "cancelled")


def test_a_bell_that_rings_for_nothing_cancels_nothing() -> None:
    one, run = carrier(), started(a_visitor(), "pause 0.2\nsay Hi.")
    on_loop(lambda: one.take(run.pk))
    until(lambda: Step.objects.exists())

    on_loop(lambda: one.look(run.pk))

    until(lambda: fresh(run).status == "completed")


def test_who_leaves_hands_over_what_has_begun_and_begins_nothing() -> None:
    leaver = carrier(1)
    begun, waiting = (started(a_visitor(), "stall") for _ in range(2))
    on_loop(lambda: leaver.take(begun.pk))
    until(lambda: Step.objects.exists())
    on_loop(lambda: leaver.take(waiting.pk))

    on_loop(leaver.leave)
    on_loop(lambda: leaver.take(waiting.pk))

    assert (fresh(begun).status, fresh(begun).owner) == ("in_progress", None)
    assert (fresh(waiting).status, fresh(waiting).attempt) == ("queued", 0)
    assert leaver.free == 0


def test_who_leaves_with_grace_lets_its_runs_end() -> None:
    leaver, run = carrier(), started(a_visitor(), "pause 0.3\nsay Hi.")
    on_loop(lambda: leaver.take(run.pk))
    until(lambda: Step.objects.exists())

    on_loop(lambda: leaver.leave(WAIT))

    assert fresh(run).status == "completed"


def test_many_threads_may_carry_at_once() -> None:
    runs = [started(a_visitor(), "say Hi.") for _ in range(4)]
    threads = [threading.Thread(target=carry, args=(run.pk,)) for run in runs]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(WAIT)

    assert {fresh(run).status for run in runs} == {"completed"}
