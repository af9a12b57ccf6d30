"""The one bridge from async code to the ORM."""

from __future__ import annotations

import asyncio
import threading

import pytest
from django.db import (
    IntegrityError,
    InterfaceError,
    OperationalError,
    connection,
    connections,
)

from chatkit_app import db
from chatkit_app.db import (
    THREADS,
    DatabaseThreads,
    drop_dead_connections,
    in_thread,
    keep_connections,
    patiently,
)
from chatkit_app.models import Thread

WAIT = 30.0

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.usefixtures("stopped_background"),
]


async def test_the_orm_works_in_a_thread_of_its_own() -> None:
    name = await in_thread(lambda: threading.current_thread().name)

    assert name.startswith("chatkit-db")
    assert await in_thread(Thread.objects.count) == 0


async def test_what_is_raised_comes_back() -> None:
    with pytest.raises(Thread.DoesNotExist):
        await in_thread(Thread.objects.get, title="nobody's")


async def test_a_slow_query_does_not_hold_up_the_others() -> None:
    release = threading.Event()
    slow = [asyncio.create_task(in_thread(release.wait, WAIT)) for _ in range(3)]

    async with asyncio.timeout(WAIT):
        assert await in_thread(lambda: "quick") == "quick"

    release.set()
    await asyncio.gather(*slow)


async def test_threads_are_few_and_keep_their_connections() -> None:
    def used() -> int:
        connection.ensure_connection()
        return threading.get_ident()

    idents = [await in_thread(used) for _ in range(20)]

    assert len(set(idents)) <= THREADS


async def test_a_broken_connection_is_replaced() -> None:
    if connection.vendor == "sqlite":
        pytest.skip("SQLite has no server that could go away")

    def break_it() -> None:
        connection.ensure_connection()
        connection.connection.close()
        connection.errors_occurred = True

    await in_thread(break_it)
    for _ in range(THREADS):
        assert await in_thread(Thread.objects.count) == 0


async def test_a_connection_that_was_cut_while_it_was_idle_is_replaced(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    if connection.vendor == "sqlite":
        pytest.skip("SQLite has no server that could go away")
    monkeypatch.setattr(db, "IDLE_SECONDS", -1.0)

    def cut() -> None:
        connection.ensure_connection()
        connection.connection.close()  # nobody has told Django

    for _ in range(THREADS):
        await in_thread(cut)
        assert await in_thread(Thread.objects.count) == 0


def test_a_dead_connection_is_closed_and_one_that_lives_is_kept(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    connection.ensure_connection()
    closed: list[bool] = []
    monkeypatch.setattr(connection, "close", lambda: closed.append(True))
    drop_dead_connections()
    assert closed == []

    monkeypatch.setattr(connection, "is_usable", lambda: False)
    drop_dead_connections()
    assert closed == [True]


def test_connections_outlive_their_age() -> None:
    connection.ensure_connection()
    connection.close_at = 0.0
    was = connection.connection

    keep_connections()

    assert connection.connection is was


def test_closing_ends_every_threads_connection() -> None:
    pool = DatabaseThreads()
    opened: list[object] = []

    def use(barrier: threading.Barrier) -> None:
        barrier.wait(WAIT)
        connection.ensure_connection()
        opened.append(connections["default"])

    barrier = threading.Barrier(THREADS)
    for future in [pool.pool().submit(use, barrier) for _ in range(THREADS)]:
        future.result(WAIT)

    pool.close()
    pool.close()

    assert len(opened) == THREADS
    assert all(each.connection is None for each in opened)  # type: ignore[attr-defined]


async def test_a_database_that_comes_back_was_only_slow(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(db, "AGAIN_SECONDS", 0.001)
    tries: list[int] = []

    def read(number: int) -> int:
        tries.append(number)
        if len(tries) < 3:
            raise OperationalError("the server closed the connection")
        return number

    assert await patiently(read, 7) == 7
    assert tries == [7, 7, 7]


async def test_a_database_that_stays_away_is_told(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(db, "PATIENCE_SECONDS", 0.0)

    def read() -> None:
        raise InterfaceError("connection already closed")

    with pytest.raises(InterfaceError):
        await patiently(read)


async def test_other_errors_are_not_waited_for() -> None:
    tries: list[int] = []

    def read() -> None:
        tries.append(1)
        raise IntegrityError("twice")

    with pytest.raises(IntegrityError):
        await patiently(read)
    assert len(tries) == 1
