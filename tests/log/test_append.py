"""Numbering: the order of the numbers is the order of the commits, and there are no holes."""

from __future__ import annotations

from functools import partial
from uuid import UUID

import pytest
from django.db import transaction

from chatkit_app.engine import events
from chatkit_app.log.append import append
from chatkit_app.log.ring import ring
from chatkit_app.models import Event, Thread
from tests.history_rows import make_thread
from tests.log.writing import delta, nothing
from tests.runs.desk import a_visitor, assert_no_holes, log_of, together

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.usefixtures("recorded"),
]


@pytest.fixture
def thread() -> UUID:
    return make_thread(a_visitor().visitor).pk


def write(thread: UUID, *texts: str, record=nothing) -> int:
    with transaction.atomic():
        return append(thread, [delta(text) for text in texts], record=record)


def test_positions_follow_one_another(thread: UUID) -> None:
    assert write(thread, "a", "b") == 2
    assert write(thread, "c") == 3
    assert_no_holes(thread)


def test_each_event_is_recorded_at_its_position(thread: UUID) -> None:
    found: list[tuple[str, int]] = []

    def record(event: events.AnyEvent, position: int) -> None:
        assert isinstance(event, events.PartDelta)
        found.append((event.delta, position))

    write(thread, "a", "b", record=record)

    assert found == [("a", 1), ("b", 2)]


def test_a_rollback_leaves_nothing(thread: UUID) -> None:
    woken: list[bool] = []

    def wake() -> None:
        woken.append(True)

    ring.watch(thread, wake)
    try:
        with pytest.raises(ZeroDivisionError):
            write(thread, "a", record=lambda _e, _p: 1 // 0)
        assert ring.last(thread) == 0
    finally:
        ring.unwatch(thread, wake)

    assert woken == []
    assert Thread.objects.get(pk=thread).position == 0
    assert not Event.objects.exists()
    assert write(thread, "b") == 1


def test_watchers_see_it_after_the_commit_and_not_before(thread: UUID) -> None:
    woken: list[int] = []

    def wake() -> None:
        woken.append(ring.last(thread))

    ring.watch(thread, wake)
    try:
        with transaction.atomic():
            append(thread, [delta("a"), delta("b")], record=nothing)
            assert woken == []
        assert woken == [2]
        assert len(ring.after(thread, 0) or []) == 2
    finally:
        ring.unwatch(thread, wake)


def test_many_who_append_at_once_leave_no_hole_and_no_double(thread: UUID) -> None:
    def write_some(name: int) -> None:
        for number in range(15):
            write(thread, *[f"{name}.{number}"] * (1 + number % 3))

    found = together([partial(write_some, name) for name in range(8)])

    assert found == [None] * 8
    assert_no_holes(thread)
    assert len(log_of(thread)) == 8 * sum(1 + number % 3 for number in range(15))


def test_what_is_stored_is_what_every_frame_carries(thread: UUID) -> None:
    write(thread, 'ü 🙂 "quoted" </script>')

    [data] = log_of(thread)
    assert '"delta":"ü 🙂 \\"quoted\\" </script>"' in data
