"""The SQL by hand, on the database that the tests run on."""

from __future__ import annotations

from datetime import timedelta
from uuid import uuid4

import pytest
from django.db import connection, transaction
from django.utils import timezone

from chatkit_app.log.statements import (
    INSERT_ROWS,
    Fence,
    insert_events,
    move_positions,
    pass_fences,
)
from chatkit_app.models import Event, Run, Thread
from tests.history_rows import make_thread
from tests.runs.desk import a_visitor, assert_no_holes, waiting_run

pytestmark = pytest.mark.django_db

LEASE = 3600.0  # seconds
SKEW = timedelta(
    seconds=60
)  # between our clock and the database's, and for a slow machine


def held_run(**fields: object) -> tuple[Run, Fence]:
    run, _ = waiting_run(a_visitor())
    owner = uuid4()
    values = {"status": "in_progress", "owner": owner, "attempt": 3, "batch": 7}
    Run.objects.filter(pk=run.pk).update(**{**values, **fields})
    return run, Fence(run=run.pk, owner=owner, attempt=3, batch=8)


def passed(*fences: Fence) -> dict[object, bool]:
    return dict(pass_fences(connection, fences, LEASE))


def test_the_holder_passes_and_the_lease_is_renewed() -> None:
    run, fence = held_run()
    asked_at = timezone.now()

    assert passed(fence) == {run.pk: False}
    run.refresh_from_db()
    assert run.batch == 8
    assert abs(run.lease_until - asked_at - timedelta(seconds=LEASE)) < SKEW


@pytest.mark.parametrize(
    "fields",
    [
        {"owner": uuid4()},
        {"owner": None},
        {"attempt": 4},
        {"attempt": 2},
        {"batch": 8},
        {"batch": 6},
        {"status": "queued"},
        {"status": "completed"},
        {"status": "failed"},
        {"status": "cancelled"},
        {"status": "requires_action", "owner": None},
    ],
)
def test_nobody_else_passes(fields: dict[str, object]) -> None:
    run, fence = held_run(**fields)
    was = Run.objects.values().get(pk=run.pk)

    assert passed(fence) == {}
    assert Run.objects.values().get(pk=run.pk) == was


def test_a_run_that_is_to_be_cancelled_passes_and_tells() -> None:
    asked, fence = held_run(status="cancelling", cancel_requested_at=timezone.now())
    other, other_fence = held_run()

    assert passed(fence, other_fence) == {asked.pk: True, other.pk: False}


def test_of_a_group_those_are_named_who_passed() -> None:
    runs = [held_run() for _ in range(3)]
    Run.objects.filter(pk=runs[1][0].pk).update(attempt=9)

    found = passed(*[fence for _run, fence in runs])

    assert set(found) == {runs[0][0].pk, runs[2][0].pk}


def test_each_thread_gets_as_many_numbers_as_it_needs() -> None:
    one, two = (make_thread(a_visitor().visitor).pk for _ in range(2))

    assert move_positions(connection, {one: 3, two: 1}) == {one: 3, two: 1}
    assert move_positions(connection, {two: 2}) == {two: 3}
    assert Thread.objects.get(pk=one).position == 3


def test_a_change_that_a_list_shows_is_counted() -> None:
    one, two = (make_thread(a_visitor().visitor).pk for _ in range(2))

    move_positions(connection, {one: 3, two: 1}, listed={one})
    move_positions(connection, {one: 1}, listed={one})

    found = dict(Thread.objects.values_list("pk", "revision"))
    assert (found[one], found[two]) == (2, 0)


def test_a_thread_that_is_gone_gets_none() -> None:
    assert move_positions(connection, {uuid4(): 1}) == {}


def test_more_rows_than_one_insert_takes_arrive_as_they_are() -> None:
    thread = make_thread(a_visitor().visitor).pk
    count, now, run = 2 * INSERT_ROWS + 1, timezone.now(), uuid4()
    rows = [
        Event(
            thread_id=thread,
            position=number + 1,
            type="part.delta",
            run_id=run if number % 2 else None,
            data='{"delta":"100 % ü 🙂"}',
            at=now,
        )
        for number in range(count)
    ]

    with transaction.atomic():
        move_positions(connection, {thread: count})
        insert_events(connection, rows)

    assert_no_holes(thread)
    last = Event.objects.get(thread=thread, position=2)
    assert (last.data, last.at, last.run_id, last.version) == (
        '{"delta":"100 % ü 🙂"}',
        now,
        run,
        1,
    )


def test_no_rows_are_no_statement() -> None:
    insert_events(connection, [])
    assert not Event.objects.exists()
