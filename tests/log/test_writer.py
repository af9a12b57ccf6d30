"""The one writer of a process: in order, once, fenced, whatever the database does meanwhile."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from datetime import timedelta
from uuid import UUID, uuid4

import pytest
from django.db import IntegrityError, OperationalError, connection, transaction
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.models import F
from django.utils import timezone

from chatkit_app.engine import events
from chatkit_app.engine.states import RunStatus
from chatkit_app.exceptions import LeaseLost
from chatkit_app.log import batches as transactions
from chatkit_app.log import statements
from chatkit_app.log import writer as module
from chatkit_app.log.batches import Batch
from chatkit_app.log.ring import ring
from chatkit_app.log.writer import Writer
from chatkit_app.models import Run, Thread
from chatkit_app.runs.closing import move_run
from chatkit_app.runs.recorder import record
from tests.log.writing import (
    Line,
    delta,
    held_run,
    line_of,
    news,
    open_line,
    row_of,
)
from tests.runs.desk import WAIT, assert_no_holes

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.usefixtures("recorded"),
]


@pytest.fixture
def writer(monkeypatch: pytest.MonkeyPatch) -> Iterator[Writer]:
    monkeypatch.setattr(module, "REPEAT_EVERY", 0.001)
    writer = Writer()
    yield writer
    writer.stop()


@pytest.fixture
def held_back(writer: Writer) -> Iterator[threading.Event]:
    """The writer stands still until this is set: what is added meanwhile is one group."""
    free, entered = threading.Event(), threading.Event()
    gate = open_line(writer)
    original = writer._commit_group

    def commit_group(batches: list[Batch]) -> None:
        entered.set()
        free.wait(WAIT)
        original(batches)

    writer._commit_group = commit_group  # type: ignore[method-assign]
    writer.renew(gate.log)
    assert entered.wait(WAIT)
    yield free
    free.set()


def test_what_is_committed_is_there_when_the_future_ends(writer: Writer) -> None:
    line = open_line(writer)

    writer.commit(line.log, [delta("Hello"), news(line)]).result(WAIT)

    assert line.told() == ["Hello"]
    assert_no_holes(line.thread)
    assert row_of(line).batch == 1


def test_a_commit_without_events_renews_the_lease(writer: Writer) -> None:
    line = open_line(writer)
    Run.objects.update(lease_until=timezone.now() - timedelta(seconds=1))

    writer.commit(line.log).result(WAIT)

    assert row_of(line).lease_until > timezone.now()


def test_a_renewal_needs_nobody_who_waits(writer: Writer) -> None:
    line = open_line(writer)
    Run.objects.update(lease_until=timezone.now() - timedelta(seconds=1))

    writer.renew(line.log)
    writer.commit(line.log).result(WAIT)

    assert row_of(line).lease_until > timezone.now()


def test_what_was_added_before_goes_before(writer: Writer) -> None:
    line = open_line(writer)
    texts = [f"{number} " for number in range(50)]
    for number, text in enumerate(texts):
        writer.add(line.log, delta(text, part=f"part {number}"), urgent=number % 7 == 0)

    writer.commit(line.log, [delta("end", part="last")]).result(WAIT)

    assert line.told() == [*texts, "end"]
    assert_no_holes(line.thread)


def test_runs_that_write_at_once_share_a_transaction(
    writer: Writer, held_back: threading.Event, monkeypatch: pytest.MonkeyPatch
) -> None:
    lines = [open_line(writer) for _ in range(5)]
    groups: list[int] = []
    monkeypatch.setattr(
        transactions,
        "pass_fences",
        counting(
            transactions.pass_fences, groups, lambda _c, fences, _until: len(fences)
        ),
    )
    futures = [writer.commit(line.log, [delta("A")]) for line in lines]

    held_back.set()

    for future in futures:
        future.result(WAIT)
    assert groups[-1] == 5
    for line in lines:
        assert line.told() == ["A"]
        assert_no_holes(line.thread)


def counting(function, found: list[int], measure):
    def counted(*args):
        found.append(measure(*args))
        return function(*args)

    return counted


def take_over(line: Line) -> None:
    """Another process has the run now."""
    Run.objects.filter(pk=line.log.run).update(owner=uuid4(), attempt=2)


def end_run(line: Line) -> None:
    Run.objects.filter(pk=line.log.run).update(status="completed")


def repeat_batch(line: Line) -> None:
    line.log.batch -= 1


@pytest.mark.parametrize("spoil", [take_over, end_run, repeat_batch])
def test_who_has_lost_the_run_writes_nothing(writer: Writer, spoil) -> None:
    line = open_line(writer)
    writer.commit(line.log, [delta("A")]).result(WAIT)
    spoil(line)
    before = Thread.objects.get(pk=line.thread).position

    if spoil is repeat_batch:  # done before: said to be committed, and not doubled
        writer.commit(line.log, [delta("A")]).result(WAIT)
    else:
        with pytest.raises(LeaseLost):
            writer.commit(line.log, [delta("B")]).result(WAIT)
        assert [type(error) for error in line.losses] == [LeaseLost]

    assert line.told() == ["A"]
    assert Thread.objects.get(pk=line.thread).position == before


def test_a_run_that_was_lost_costs_the_group_nothing_but_itself(
    writer: Writer, held_back: threading.Event
) -> None:
    lost, *others = lines = [open_line(writer) for _ in range(4)]
    take_over(lost)
    futures = [writer.commit(line.log, [delta("A")]) for line in lines]

    held_back.set()

    with pytest.raises(LeaseLost):
        futures[0].result(WAIT)
    for line, future in zip(others, futures[1:], strict=True):
        future.result(WAIT)
        assert (line.told(), line.losses) == (["A"], [])
        assert_no_holes(line.thread)
    assert lost.told() == []


@pytest.mark.parametrize("error", [IntegrityError("twice"), ZeroDivisionError()])
def test_a_poisoned_event_costs_its_run_alone(
    writer: Writer,
    held_back: threading.Event,
    error: Exception,
    caplog: pytest.LogCaptureFixture,
) -> None:
    def poisoned(_event: events.AnyEvent, _position: int) -> None:
        raise error

    others = [open_line(writer) for _ in range(2)]
    bad = open_line(writer, record=poisoned)
    others.append(open_line(writer))
    futures = [writer.commit(line.log, [delta("A")]) for line in others]
    spoiled = writer.commit(bad.log, [delta("A")])

    held_back.set()

    with pytest.raises(type(error)):
        spoiled.result(WAIT)
    for line, future in zip(others, futures, strict=True):
        future.result(WAIT)
        assert line.told() == ["A"]
        assert_no_holes(line.thread)
    assert (bad.told(), bad.losses) == ([], [error])
    assert_no_holes(bad.thread)
    assert "can't be written" in caplog.text


def test_after_a_poisoned_event_an_end_is_still_written_and_nothing_else(
    writer: Writer,
) -> None:
    error = ZeroDivisionError()

    def poisoned(event: events.AnyEvent, _position: int) -> None:
        if isinstance(event, events.PartDelta):
            raise error

    line = open_line(writer, record=poisoned)
    writer.commit(line.log, [news(line)]).result(WAIT)
    writer.add(line.log, delta("A"), urgent=True)  # nobody waits for it
    until_so(lambda: line.losses == [error])

    writer.add(line.log, delta("B"), urgent=True)
    with pytest.raises(ZeroDivisionError):
        writer.commit(line.log, [news(line)]).result(WAIT)
    writer.commit(
        line.log, prepare=lambda: [move_run(row_of(line), RunStatus.FAILED)]
    ).result(WAIT)

    assert (row_of(line).status, row_of(line).batch) == ("failed", 2)
    assert line.told() == []
    assert line.losses == [error]
    assert_no_holes(line.thread)


def test_an_end_that_waits_behind_a_poisoned_event_is_written(
    writer: Writer,
) -> None:
    entered, free = threading.Event(), threading.Event()

    def poisoned(event: events.AnyEvent, _position: int) -> None:
        if isinstance(event, events.PartDelta):
            entered.set()
            free.wait(WAIT)
            raise ZeroDivisionError

    line = open_line(writer, record=poisoned)
    writer.add(line.log, delta("A"), urgent=True)
    assert entered.wait(WAIT)
    ended = writer.commit(
        line.log, prepare=lambda: [move_run(row_of(line), RunStatus.FAILED)]
    )
    free.set()

    ended.result(WAIT)
    assert row_of(line).status == "failed"


def until_so(is_so: Callable[[], bool]) -> None:
    until = time.monotonic() + WAIT
    while not is_so() and time.monotonic() < until:
        time.sleep(0.001)
    assert is_so()


def test_a_run_that_waits_for_the_database_makes_no_other_wait(
    writer: Writer, held_back: threading.Event, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "REPEAT_EVERY", 0.05)
    is_away = [True]

    def away(_event: events.AnyEvent, _position: int) -> None:
        if is_away[0]:
            raise OperationalError("the table is being altered")

    waits, other = open_line(writer, record=away), open_line(writer)
    held_back.set()
    first = writer.commit(waits.log, [delta("A", part="a")])
    for number in range(20):
        writer.commit(other.log, [delta(f"{number}", part=f"{number}")]).result(WAIT)
    second = writer.commit(waits.log, [delta("B", part="b")])
    assert not first.done()

    is_away[0] = False

    second.result(WAIT)
    assert first.done()
    assert waits.told() == ["A", "B"]
    assert_no_holes(waits.thread)


@contextmanager
def locked_elsewhere(table: str, row: UUID) -> Iterator[None]:
    """Another connection holds this row."""
    if connection.vendor != "postgresql":
        pytest.skip("SQLite locks no single rows")
    import psycopg

    wanted = connection.get_connection_params()
    names = ("host", "port", "user", "password", "dbname")
    given = {name: wanted[name] for name in names if wanted.get(name)}
    with psycopg.connect(**given) as other:
        other.execute(f"SELECT 1 FROM {table} WHERE id = %s FOR UPDATE", [row])  # noqa: S608
        yield


@pytest.mark.parametrize("what", ["run", "thread"])
def test_a_locked_row_costs_the_run_that_it_belongs_to_alone(
    writer: Writer,
    held_back: threading.Event,
    what: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(statements, "LOCK_MS", 60_000)  # it is not even waited for
    lines = [open_line(writer) for _ in range(3)]
    table, row = {
        "run": (Run._meta.db_table, lines[0].log.run),
        "thread": (Thread._meta.db_table, lines[0].thread),
    }[what]
    with locked_elsewhere(table, row):
        futures = [writer.commit(line.log, [delta("A", part="a")]) for line in lines]
        held_back.set()
        for line, future in zip(lines[1:], futures[1:], strict=True):
            future.result(WAIT)
            writer.commit(line.log, [delta("B", part="b")]).result(WAIT)
        late = writer.commit(lines[0].log, [delta("B", part="b")])
        assert not futures[0].done()

    futures[0].result(WAIT)
    late.result(WAIT)
    for line in lines:
        assert (line.told(), line.losses) == (["A", "B"], [])
        assert_no_holes(line.thread)


def test_a_row_that_is_locked_for_ever_is_given_up(
    writer: Writer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "REPEAT_FOR", 0.05)
    line = open_line(writer)
    with (
        locked_elsewhere(Run._meta.db_table, line.log.run),
        pytest.raises(OperationalError),
    ):
        writer.commit(line.log, [delta("A")]).result(WAIT)
    assert len(line.losses) == 1


def test_stopping_does_not_wait_for_a_locked_row(writer: Writer) -> None:
    line, other = open_line(writer), open_line(writer)
    with locked_elsewhere(Run._meta.db_table, line.log.run):
        future = writer.commit(line.log, [delta("A")])
        writer.commit(other.log, [delta("A")]).result(WAIT)
        writer.stop()
        with pytest.raises(OperationalError):
            future.result(0)


def test_an_event_that_the_database_itself_refuses_costs_its_run_alone(
    writer: Writer, held_back: threading.Event, caplog: pytest.LogCaptureFixture
) -> None:
    good, bad = open_line(writer), open_line(writer, record=record)
    unknown = events.PartStarted(
        message_id=str(uuid4()),
        part_id="no uuid",
        index=0,
        kind=events.PartKind.TEXT,
        step_id=str(uuid4()),
    )
    fine, spoiled = writer.commit(good.log, [delta("A")]), None
    spoiled = writer.commit(bad.log, [unknown])

    held_back.set()

    fine.result(WAIT)
    with pytest.raises(Exception, match=r"UUID|foreign|violates"):
        spoiled.result(WAIT)
    assert good.told() == ["A"]
    assert_no_holes(bad.thread)


def is_writers() -> bool:
    return threading.current_thread().name == "chatkit-writer"


def break_at_commit(
    monkeypatch: pytest.MonkeyPatch, times: int, *, is_done: bool
) -> None:
    """The connection breaks at COMMIT; ``is_done``: the server had got it."""
    original = BaseDatabaseWrapper.commit
    left = [times]

    def commit(self: BaseDatabaseWrapper) -> None:
        if is_writers() and left[0]:
            left[0] -= 1
            if is_done:
                original(self)
            self.close()
            raise OperationalError("the connection broke at COMMIT")
        original(self)

    monkeypatch.setattr(BaseDatabaseWrapper, "commit", commit)


@pytest.mark.parametrize("runs", [1, 3])
@pytest.mark.parametrize("is_done", [True, False])
def test_a_commit_of_unknown_outcome_is_not_doubled_and_not_lost(
    writer: Writer,
    held_back: threading.Event,
    monkeypatch: pytest.MonkeyPatch,
    runs: int,
    is_done: bool,
) -> None:
    lines = [open_line(writer) for _ in range(runs)]
    futures = [writer.commit(line.log, [delta("A")]) for line in lines]
    # The gate's own renewal is the first commit, the group is the next.
    break_at_commit(monkeypatch, 2 if is_done else 3, is_done=is_done)

    held_back.set()

    for line, future in zip(lines, futures, strict=True):
        future.result(WAIT)
        writer.commit(line.log, [delta("B", part="other")]).result(WAIT)
        assert (line.told(), line.losses) == (["A", "B"], [])
        assert_no_holes(line.thread)


@pytest.mark.parametrize("status", [RunStatus.REQUIRES_ACTION, RunStatus.COMPLETED])
def test_a_pause_of_unknown_outcome_is_known_as_committed(
    writer: Writer, monkeypatch: pytest.MonkeyPatch, status: RunStatus
) -> None:
    # It takes the owner off the row, by whom the batch can't be known then.
    line = open_line(writer)
    break_at_commit(monkeypatch, 1, is_done=True)

    writer.commit(line.log, prepare=lambda: [move_run(row_of(line), status)]).result(
        WAIT
    )

    assert (row_of(line).status, line.losses) == (status, [])


def test_watchers_learn_of_a_commit_of_unknown_outcome(
    writer: Writer, monkeypatch: pytest.MonkeyPatch
) -> None:
    line, woken = open_line(writer), threading.Event()
    break_at_commit(monkeypatch, 1, is_done=True)
    ring.watch(line.thread, woken.set)
    try:
        writer.commit(line.log, [delta("A")]).result(WAIT)
        assert woken.wait(WAIT)
        assert ring.after(line.thread, 0) is None  # the log will tell
    finally:
        ring.unwatch(line.thread, woken.set)


def test_a_database_that_is_away_for_a_moment_costs_that_moment(
    writer: Writer, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    lines, left = [open_line(writer) for _ in range(3)], [7]
    original = transactions.insert_events

    def insert(*args) -> None:
        if left[0]:
            left[0] -= 1
            raise OperationalError("the database is away")
        original(*args)

    monkeypatch.setattr(transactions, "insert_events", insert)
    futures = []
    for number in range(10):
        for line in lines:
            text = delta(f"{number}", part=f"part {number}")
            futures.append(writer.commit(line.log, [text]))
    for future in futures:
        future.result(WAIT)

    for line in lines:
        assert "".join(line.told()) == "0123456789"
        assert_no_holes(line.thread)
    assert "waits for the database" in caplog.text


def test_a_database_that_stays_away_is_given_up_and_nobody_waits_for_ever(
    writer: Writer, monkeypatch: pytest.MonkeyPatch
) -> None:
    line = open_line(writer)
    monkeypatch.setattr(module, "REPEAT_FOR", 0.01)

    def insert(*_args) -> None:
        raise OperationalError("the database is away")

    monkeypatch.setattr(transactions, "insert_events", insert)

    with pytest.raises(OperationalError):
        writer.commit(line.log, [delta("A")]).result(WAIT)
    assert len(line.losses) == 1
    assert line.told() == []


def test_a_connection_that_the_server_ends_is_made_anew(writer: Writer) -> None:
    if connection.vendor != "postgresql":
        pytest.skip("SQLite has no server that could end it")
    pids: list[int] = []

    def tell(_event: events.AnyEvent, _position: int) -> None:
        pids.append(connection.connection.info.backend_pid)

    line = open_line(writer, record=tell)
    for text in "ABC":
        writer.commit(line.log, [delta(text, part=text)]).result(WAIT)
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_terminate_backend(%s)", [pids[-1]])

    assert line.told() == ["A", "B", "C"]
    assert len(set(pids)) == 3


def test_a_wish_to_cancel_is_noticed_with_the_next_write(writer: Writer) -> None:
    line = open_line(writer)
    writer.commit(line.log, [delta("A")]).result(WAIT)
    assert line.cancels == []
    Run.objects.update(status="cancelling", cancel_requested_at=timezone.now())

    writer.commit(line.log, [delta("B")]).result(WAIT)

    assert line.cancels == [True]


def test_what_is_prepared_sees_the_rows_behind_the_fence(writer: Writer) -> None:
    line = open_line(writer)

    def prepare() -> list[events.AnyEvent]:
        assert row_of(line).batch == 1
        return [delta("prepared")]

    writer.commit(line.log, [delta("A", part="a")], prepare=prepare).result(WAIT)

    assert line.told() == ["A", "prepared"]
    assert_no_holes(line.thread)


def test_watchers_see_frames_only_after_the_commit(writer: Writer) -> None:
    seen: list[list[str] | None] = []
    line = open_line(
        writer, record=lambda _e, _p: seen.append(ring.after(line.thread, position))
    )
    position = Thread.objects.get(pk=line.thread).position
    wakes: list[bool] = []

    def wake() -> None:
        wakes.append(transaction.get_connection().in_atomic_block)

    ring.watch(line.thread, wake)
    try:
        writer.commit(line.log, [delta("A"), news(line)]).result(WAIT)
        frames = ring.after(line.thread, position)
    finally:
        ring.unwatch(line.thread, wake)

    assert seen == [None, None]
    assert wakes == [False]
    assert len(frames) == 2


def test_what_is_urgent_does_not_wait_for_the_window(
    writer: Writer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "WINDOW_PER_RUN", 3600.0)
    monkeypatch.setattr(module, "LONGEST_WINDOW", 3600.0)
    line = open_line(writer)
    writer.commit(line.log).result(WAIT)
    writer.add(line.log, delta("later"))
    assert line.told() == []

    writer.add(line.log, delta(" now", offset=5), urgent=True)

    until = time.monotonic() + WAIT
    while not line.told() and time.monotonic() < until:
        time.sleep(0.001)
    assert line.told() == ["later now"]


def test_stopping_writes_what_is_pending(
    writer: Writer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "WINDOW_PER_RUN", 3600.0)
    monkeypatch.setattr(module, "LONGEST_WINDOW", 3600.0)
    line = open_line(writer)
    writer.commit(line.log).result(WAIT)
    writer.add(line.log, delta("pending"))

    writer.stop()

    assert line.told() == ["pending"]


def test_after_the_close_nothing_is_written_and_nobody_waits(writer: Writer) -> None:
    line = open_line(writer)
    writer.close(line.log)
    writer.add(line.log, delta("A"))
    writer.renew(line.log)

    with pytest.raises(LeaseLost):
        writer.commit(line.log, [delta("B")]).result(WAIT)
    assert line.told() == []


def test_closing_ends_the_waiting_of_who_still_waits(
    writer: Writer, held_back: threading.Event
) -> None:
    line = open_line(writer)
    future = writer.commit(line.log, [delta("A")])

    writer.close(line.log)

    with pytest.raises(LeaseLost):
        future.result(WAIT)


def test_a_stopped_writer_refuses_and_can_be_opened_again(writer: Writer) -> None:
    line = open_line(writer)
    writer.stop()

    with pytest.raises(LeaseLost):
        writer.commit(line.log, [delta("A")]).result(WAIT)
    again = open_line(writer)
    writer.commit(again.log, [delta("B")]).result(WAIT)
    assert again.told() == ["B"]


def test_who_has_stopped_waiting_does_not_stop_the_others(
    writer: Writer, held_back: threading.Event
) -> None:
    line = open_line(writer)
    gone = writer.commit(line.log, [delta("A", part="a")])
    assert gone.cancel()
    stays = writer.commit(line.log, [delta("B", part="b")])

    held_back.set()

    stays.result(WAIT)
    assert line.told() == ["A", "B"]


def test_many_runs_under_load_lose_and_double_nothing(
    writer: Writer, monkeypatch: pytest.MonkeyPatch
) -> None:
    helds = [held_run() for _ in range(8)]
    lines = [line_of(held) for held in helds]
    break_at_commit(monkeypatch, 5, is_done=True)

    def stream(line: Line) -> None:
        writer.open(line.log)
        for number in range(40):
            writer.add(line.log, delta(f"{number},", part=f"part {number}"))
            if number % 8 == 0:
                writer.commit(line.log).result(WAIT)
        writer.commit(line.log).result(WAIT)
        writer.close(line.log)

    threads = [threading.Thread(target=stream, args=(line,)) for line in lines]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(WAIT)

    for line in lines:
        assert line.told() == [f"{number}," for number in range(40)]
        assert_no_holes(line.thread)


def test_an_attempt_that_was_given_up_takes_nothing_from_the_next_one_of_its_process(
    writer: Writer, monkeypatch: pytest.MonkeyPatch
) -> None:
    old = open_line(writer)
    commit, is_away = module.transact, threading.Event()
    is_away.set()

    def away(batches: Sequence[Batch]) -> set[UUID]:
        if is_away.is_set():
            raise OperationalError("the database is away")
        return commit(batches)

    monkeypatch.setattr(module, "transact", away)
    monkeypatch.setattr(module, "commit_once", lambda batch: away([batch]))
    writer.renew(old.log)
    until_so(lambda: bool(writer._deferred))
    writer.close(old.log)
    Run.objects.filter(pk=old.log.run).update(
        attempt=F("attempt") + 1, batch=old.log.batch
    )
    next_one = replace(
        old.log, attempt=old.log.attempt + 1, pending=[], waiting=[], renew=False
    )
    writer.open(next_one)
    first = writer.commit(next_one, [delta("A")])
    is_away.clear()

    first.result(WAIT)
    writer.commit(next_one, [delta("B", offset=1)]).result(WAIT)
