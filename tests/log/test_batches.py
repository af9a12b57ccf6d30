"""Batches of several runs in one transaction: all or nothing, and no larger than a frame."""

from __future__ import annotations

from uuid import uuid4

import pytest

from chatkit_app.engine import events
from chatkit_app.engine.assembler import DELTA_UNITS, utf16_length
from chatkit_app.exceptions import LeaseLost
from chatkit_app.log.batches import (
    Batch,
    commit_once,
    is_committed,
    join_deltas,
    transact,
)
from chatkit_app.log.statements import Fence
from chatkit_app.models import Run, Thread
from tests.log.writing import Line, delta, held_run, line_of, news, row_of
from tests.runs.desk import assert_no_holes

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.usefixtures("recorded"),
]


def batch_of(line: Line, *found: events.AnyEvent, prepare=None) -> Batch:
    log = line.log
    fence = Fence(
        run=log.run, owner=log.owner, attempt=log.attempt, batch=log.batch + 1
    )
    return Batch(log=log, fence=fence, events=[*found], prepare=prepare, waiting=[])


def test_the_batches_of_several_runs_are_written_at_once() -> None:
    lines = [line_of(held_run()) for _ in range(3)]

    held = transact([batch_of(line, delta("A"), news(line)) for line in lines])

    assert held == set()
    for line in lines:
        assert line.told() == ["A"]
        assert row_of(line).batch == 1
        assert_no_holes(line.thread)


def test_one_that_is_lost_lets_none_of_its_group_be_written() -> None:
    lost, other = (line_of(held_run()) for _ in range(2))
    Run.objects.filter(pk=lost.log.run).update(owner=uuid4())

    with pytest.raises(LeaseLost):
        transact([batch_of(lost, delta("A")), batch_of(other, delta("A"))])

    assert (other.told(), row_of(other).batch) == ([], 0)


def test_a_run_that_is_gone_is_lost() -> None:
    line = line_of(held_run())
    batch = batch_of(line, delta("A"))
    Thread.objects.filter(pk=line.thread).delete()

    with pytest.raises(LeaseLost):
        commit_once(batch)


def test_what_is_prepared_comes_last_and_an_error_in_it_undoes_all() -> None:
    line = line_of(held_run())

    def fail() -> list[events.AnyEvent]:
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        transact([batch_of(line, delta("A"), prepare=fail)])
    assert line.told() == []
    transact([batch_of(line, delta("A"), prepare=lambda: [delta("B")])])

    assert line.told() == ["A", "B"]


def test_a_batch_is_written_once_however_often_it_is_committed() -> None:
    line = line_of(held_run())
    batch = batch_of(line, delta("A"))
    assert not is_committed(batch.fence)

    commit_once(batch)
    commit_once(batch)

    assert is_committed(batch.fence)
    assert line.told() == ["A"]


def test_neighbouring_deltas_of_a_part_are_one() -> None:
    start = events.MessageHidden(message_id="m")
    found = join_deltas(
        [
            delta("A"),
            delta("🙂", offset=1),
            delta("B", offset=3),
            delta("x", part="other"),
            delta("C", offset=4),
            start,
            delta("D", offset=5),
        ]
    )

    assert found == [
        delta("A🙂B"),
        delta("x", part="other"),
        delta("C", offset=4),
        start,
        delta("D", offset=5),
    ]
    assert join_deltas([]) == []


def test_joining_stops_where_an_event_would_be_too_large_for_a_frame() -> None:
    piece = "🙂" * (DELTA_UNITS // 8)
    units = utf16_length(piece)
    found = join_deltas([delta(piece, offset=n * units) for n in range(10)])

    assert [event.offset for event in found] == [0, 4 * units, 8 * units]
    assert "".join(event.delta for event in found) == piece * 10
    assert all(utf16_length(event.delta) <= DELTA_UNITS for event in found)
