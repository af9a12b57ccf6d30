"""The one bridge from async code to the ORM: our own few threads, each with a connection it keeps.

Not ``sync_to_async``: its one thread a process carries every consumer's dispatch, so that a slow
query of ours would delay everybody's tokens, and the other way round.
"""

from __future__ import annotations

import asyncio
import logging
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import ParamSpec, TypeVar

from django.db import (
    DEFAULT_DB_ALIAS,
    InterfaceError,
    InternalError,
    OperationalError,
    connections,
)

P = ParamSpec("P")
R = TypeVar("R")

logger = logging.getLogger(__name__)

THREADS = 4

AWAY = (OperationalError, InterfaceError, InternalError)
"""What it raises while it is away, locked, full, or (InternalError) only to be read for a moment."""

PATIENCE_SECONDS = 10.0
"""How long the database may be away before somebody is told."""
AGAIN_SECONDS = 0.25

IDLE_SECONDS = 5.0
"""After so long a connection may have been cut: it is asked before it is used."""


class DatabaseThreads:
    """A bounded pool, made at first use."""

    def __init__(self) -> None:
        self._pool: ThreadPoolExecutor | None = None
        self._lock = threading.Lock()

    def pool(self) -> ThreadPoolExecutor:
        """The pool itself."""
        with self._lock:
            if self._pool is None:
                self._pool = ThreadPoolExecutor(
                    THREADS, thread_name_prefix="chatkit-db"
                )
            return self._pool

    def close(self) -> None:
        """Wait for what runs, then close every thread's connections."""
        with self._lock:
            pool, self._pool = self._pool, None
        if pool is not None:
            barrier = threading.Barrier(THREADS)
            for _ in range(THREADS):
                pool.submit(_close_connections, barrier)
            pool.shutdown(wait=True)


def _close_connections(barrier: threading.Barrier) -> None:
    barrier.wait(timeout=30)  # so that each thread takes exactly one of these jobs
    connections.close_all()


threads = DatabaseThreads()

_used = threading.local()


async def in_thread(function: Callable[P, R], *args: P.args, **kwargs: P.kwargs) -> R:
    """Run a sync function, which is one transaction, in a thread that may use the ORM."""
    loop = asyncio.get_running_loop()
    return await loop.run_in_executor(
        threads.pool(), lambda: _fresh(function, *args, **kwargs)
    )


async def patiently(function: Callable[P, R], *args: P.args, **kwargs: P.kwargs) -> R:
    """The same, again and again while the database is away: for what may be done twice.

    Raises:
        Error: The database's, when it stays away.
    """
    until = time.monotonic() + PATIENCE_SECONDS
    while True:
        try:
            return await in_thread(function, *args, **kwargs)
        except AWAY as error:
            if time.monotonic() > until:
                raise
            logger.warning("The database is away: %s", error)
        await asyncio.sleep(AGAIN_SECONDS)


def _fresh(function: Callable[P, R], *args: P.args, **kwargs: P.kwargs) -> R:
    keep_connections()
    if time.monotonic() - getattr(_used, "at", 0.0) > IDLE_SECONDS:
        drop_dead_connections()
    try:
        return function(*args, **kwargs)
    finally:
        give_back_connections()
        _used.at = time.monotonic()


def drop_dead_connections() -> None:
    """Close this thread's connections that the server has closed: a restart, an idle timeout."""
    for connection in connections.all(initialized_only=True):
        is_open = connection.connection is not None and not connection.in_atomic_block
        if is_open and not connection.is_usable():
            connection.close()


def give_back_connections() -> None:
    """Where the database has a pool, let others have this thread's connection between two jobs."""
    for connection in connections.all(initialized_only=True):
        if (
            connection.settings_dict["OPTIONS"].get("pool")
            and not connection.in_atomic_block
        ):
            connection.close()


def keep_connections() -> None:
    """Drop broken connections of this thread and keep the others beyond ``CONN_MAX_AGE``.

    Only for threads of ours: they are few and live long, so a connection for each costs little.
    """
    for connection in connections.all(initialized_only=True):
        connection.close_at = None
        connection.close_if_unusable_or_obsolete()


def one_at_a_time(key: str) -> None:
    """Let whoever names the same key wait until this transaction ends; SQLite's writers do anyway."""
    default = connections[DEFAULT_DB_ALIAS]
    if default.vendor == "postgresql":
        with default.cursor() as cursor:
            cursor.execute(
                "SELECT pg_advisory_xact_lock(hashtextextended(%s, 0))", [key]
            )
