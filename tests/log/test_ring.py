"""The ring of committed frames: a cache that never lies, whatever order the commits are told in."""

from __future__ import annotations

import threading
from uuid import UUID, uuid4

import pytest
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from chatkit_app.log import ring as module
from chatkit_app.log.ring import Ring


def frame(position: int) -> str:
    return f"frame {position}"


def frames(first: int, last: int) -> list[str]:
    return [frame(position) for position in range(first, last + 1)]


@pytest.fixture
def thread() -> UUID:
    return uuid4()


@pytest.fixture
def ring(thread: UUID) -> Ring:
    ring = Ring()
    ring.watch(thread, nobody)
    return ring


def nobody() -> None:
    """Wakes nobody."""


def test_a_thread_that_nobody_watches_is_not_kept(thread: UUID) -> None:
    ring = Ring()

    ring.add(thread, 1, frames(1, 3))
    ring.ring(thread)
    ring.note(thread, 3, rings=ring.rings(thread))

    assert (ring.after(thread, 0), ring.last(thread), ring.watched()) == (None, 0, [])
    assert not ring.is_watched(thread)


def test_a_new_ring_knows_nothing(ring: Ring, thread: UUID) -> None:
    assert ring.after(thread, 0) is None
    assert ring.is_watched(thread)


def test_what_follows_a_position(ring: Ring, thread: UUID) -> None:
    ring.add(thread, 8, frames(8, 10))
    ring.add(thread, 11, frames(11, 11))

    assert ring.after(thread, 7) == frames(8, 11)
    assert ring.after(thread, 10) == frames(11, 11)
    assert ring.after(thread, 11) == []
    assert ring.after(thread, 6) is None


def test_only_so_many_frames_are_kept(
    thread: UUID, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "LENGTH", 3)
    ring = Ring()
    ring.watch(thread, nobody)

    ring.add(thread, 1, frames(1, 5))

    assert ring.after(thread, 2) == frames(3, 5)
    assert ring.after(thread, 1) is None


def test_a_gap_is_left_to_the_log(ring: Ring, thread: UUID) -> None:
    ring.add(thread, 1, frames(1, 2))
    ring.add(thread, 5, frames(5, 5))

    assert ring.after(thread, 2) is None
    assert ring.after(thread, 4) == frames(5, 5)


def test_commits_that_are_told_in_the_wrong_order_are_left_to_the_log(
    ring: Ring, thread: UUID
) -> None:
    ring.add(thread, 3, frames(3, 4))
    ring.add(thread, 1, frames(1, 2))

    assert ring.after(thread, 0) is None
    assert ring.after(thread, 2) is None
    assert ring.after(thread, 4) == []


def test_what_another_process_has_written_is_left_to_the_log(
    ring: Ring, thread: UUID
) -> None:
    ring.add(thread, 1, frames(1, 2))
    ring.ring(thread)
    assert ring.after(thread, 2) is None

    ring.note(thread, 4, rings=ring.rings(thread))
    assert ring.after(thread, 4) == []
    assert ring.after(thread, 2) is None
    ring.add(thread, 5, frames(5, 5))
    assert ring.after(thread, 4) == frames(5, 5)


def test_what_was_read_before_a_ring_says_nothing_after_it(
    ring: Ring, thread: UUID
) -> None:
    before = ring.rings(thread)
    ring.ring(thread)

    ring.note(thread, 4, rings=before)

    assert ring.after(thread, 4) is None


def test_a_note_of_what_is_known_changes_nothing(ring: Ring, thread: UUID) -> None:
    ring.add(thread, 1, frames(1, 3))
    ring.note(thread, 2, rings=ring.rings(thread))

    assert ring.after(thread, 0) == frames(1, 3)


def test_all_who_watch_are_woken_and_those_who_left_are_not(thread: UUID) -> None:
    ring, woken = Ring(), []

    def one() -> None:
        woken.append("one")

    def two() -> None:
        woken.append("two")

    ring.watch(thread, one)
    ring.watch(thread, two)
    ring.add(thread, 1, frames(1, 1))
    assert sorted(woken) == ["one", "two"]
    woken.clear()
    ring.unwatch(thread, one)
    ring.ring(thread)
    assert woken == ["two"]


def test_with_its_last_watcher_a_threads_frames_go(thread: UUID) -> None:
    ring = Ring()
    ring.watch(thread, nobody)
    ring.add(thread, 1, frames(1, 3))

    ring.unwatch(thread, nobody)
    ring.unwatch(thread, nobody)

    assert (ring.watched(), ring.last(thread)) == ([], 0)
    ring.watch(thread, nobody)
    assert ring.after(thread, 0) is None


def test_watchers_come_and_go_while_others_commit(thread: UUID) -> None:
    ring = Ring()

    def come_and_go() -> None:
        for _ in range(300):
            wake = threading.Event()
            ring.watch(thread, wake.set)
            ring.unwatch(thread, wake.set)

    def commit() -> None:
        for position in range(1, 300):
            ring.add(thread, position, frames(position, position))
            ring.after(thread, position - 1)

    workers = [threading.Thread(target=f) for f in (come_and_go, commit) * 2]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join(30)

    assert ring.watched() == []


class Reader:
    """Reads as a subscription does: the ring, else the log."""

    def __init__(self, position: int) -> None:
        self.position = position
        self.seen: list[str] = []
        self.began = position

    def read(self, ring: Ring, thread: UUID, log: int, rows: int) -> None:
        rings = ring.rings(thread)
        found = ring.after(thread, self.position)
        if found is None:
            until = min(log, self.position + rows)
            found = frames(self.position + 1, until)
            if len(found) < rows:
                ring.note(thread, self.position + len(found), rings=rings)
        self.seen += found
        self.position += len(found)


class Watching(RuleBasedStateMachine):
    """Commits here are told late and in any order, others ring or don't; readers come and go.

    However that goes, each reader has seen exactly what follows its beginning; and after the poll,
    which compares positions once a second, all of it.
    """

    def __init__(self) -> None:
        super().__init__()
        self.thread = uuid4()
        self.ring = Ring()
        self.log = 0
        self.untold: list[tuple[int, int]] = []
        self.readers: list[Reader] = []
        self.ring.watch(self.thread, nobody)

    @rule(count=st.integers(1, 5))
    def commit_here(self, count: int) -> None:
        self.untold.append((self.log + 1, self.log + count))
        self.log += count

    @rule(count=st.integers(1, 5), is_heard=st.booleans())
    def commit_elsewhere(self, count: int, is_heard: bool) -> None:
        self.log += count
        if is_heard:
            self.ring.ring(self.thread)

    @precondition(lambda self: self.untold)
    @rule(data=st.data())
    def tell(self, data: st.DataObject) -> None:
        place = data.draw(st.integers(0, len(self.untold) - 1))
        first, last = self.untold.pop(place)
        self.ring.add(self.thread, first, frames(first, last))

    @rule()
    def hear_a_late_ring(self) -> None:
        self.ring.ring(self.thread)

    @rule()
    def join_with_a_snapshot(self) -> None:
        self.readers.append(Reader(self.log))

    @rule(data=st.data())
    def resume(self, data: st.DataObject) -> None:
        self.readers.append(Reader(data.draw(st.integers(0, self.log))))

    @precondition(lambda self: self.readers)
    @rule(data=st.data(), rows=st.integers(1, 4))
    def read(self, data: st.DataObject, rows: int) -> None:
        data.draw(st.sampled_from(self.readers)).read(
            self.ring, self.thread, self.log, rows
        )

    @rule()
    def poll(self) -> None:
        """All that was committed is told by now; then whoever is behind is woken."""
        for first, last in self.untold:
            self.ring.add(self.thread, first, frames(first, last))
        self.untold.clear()
        if self.log > self.ring.last(self.thread):
            self.ring.ring(self.thread)
        for reader in self.readers:
            for _ in range(self.log + 2):
                reader.read(self.ring, self.thread, self.log, 4)
            assert reader.position == self.log

    @invariant()
    def nothing_is_lost_or_doubled(self) -> None:
        for reader in self.readers:
            assert reader.seen == frames(reader.began + 1, reader.position)
            assert reader.position <= self.log


Watching.TestCase.settings = hypothesis_settings(
    max_examples=60, stateful_step_count=40, deadline=None
)
test_a_reader_never_loses_or_doubles_a_frame = Watching.TestCase
