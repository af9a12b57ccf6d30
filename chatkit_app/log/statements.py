"""The writer's SQL, written by hand, for the ORM costs five times as much.

The two dialects differ in the placeholders of a VALUES list and in that PostgreSQL locks rows one by
one: there a group locks its rows in the order of their ids first, so that two groups can't deadlock,
and leaves out what somebody else holds, so that nobody's row stops a whole process.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.db.backends.base.base import BaseDatabaseWrapper

from chatkit_app import clock
from chatkit_app.models import Event, Run, Thread

INSERT_ROWS = 100
"""Rows in one INSERT: SQLite had a limit of 999 placeholders once."""

LOCK_MS = 250
"""How long a commit waits for a row of somebody else's. Only PostgreSQL's rows can be locked."""

RUN = Run._meta.db_table
THREAD = Thread._meta.db_table
EVENT = Event._meta.db_table


@dataclass(frozen=True, slots=True, kw_only=True)
class Fence:
    """The right to write for a run: who holds it, in which attempt, and the number of this batch."""

    run: UUID
    owner: UUID
    attempt: int
    batch: int


def lock_free(connection: BaseDatabaseWrapper, runs: Sequence[UUID]) -> set[UUID]:
    """Lock the rows of these runs and of their threads, as far as nobody else holds them.

    Returns the runs that are held elsewhere. A run that is missing is not among them.
    """
    if connection.vendor != "postgresql":
        return set()
    asked = [list(runs)]
    with connection.cursor() as cursor:
        # For what else a commit meets: the row of a call or of a message.
        cursor.execute(f"SET LOCAL lock_timeout = {LOCK_MS}")
        cursor.execute(
            f"SELECT r.id FROM {RUN} r JOIN {THREAD} t ON t.id = r.thread_id"  # noqa: S608 (own names)
            " WHERE r.id = ANY(%s) ORDER BY r.id FOR NO KEY UPDATE SKIP LOCKED",
            asked,
        )
        left = set(runs) - {_uuid(found) for (found,) in cursor.fetchall()}
        if not left:
            return left
        cursor.execute(f"SELECT id FROM {RUN} WHERE id = ANY(%s)", [list(left)])  # noqa: S608
        return {_uuid(found) for (found,) in cursor.fetchall()}


def pass_fences(
    connection: BaseDatabaseWrapper, fences: Sequence[Fence], lease_seconds: float
) -> dict[UUID, bool]:
    """Move each run's batch on and renew its lease.

    Returns the runs that were let through, and whether somebody wants them cancelled. A run that is
    missing has another owner, is closed, or has this batch already.
    """
    rows = _values(connection, ("uuid", "uuid", "int", "bigint"), len(fences))
    lease_until, lease = clock.later_sql(connection, lease_seconds)
    params: list[Any] = [*lease]
    sql = (
        f"UPDATE {RUN} AS r SET batch = v.batch, lease_until = {lease_until}"  # noqa: S608 (own names)
        " FROM (SELECT column1 AS run, column2 AS owner, column3 AS attempt, column4 AS batch"
        f" FROM (VALUES {rows}) AS given) AS v"
        " WHERE r.id = v.run AND r.owner = v.owner AND r.attempt = v.attempt"
        " AND r.batch = v.batch - 1 AND r.status IN ('in_progress', 'cancelling')"
        # SQLite takes no alias here, so the names of the two sides must differ; and its IS NOT NULL
        # was seen to be true for a NULL here (3.40), so the column itself is asked for.
        " RETURNING id, cancel_requested_at"
    )
    for fence in fences:
        params += [_id(connection, fence.run), _id(connection, fence.owner)]
        params += [fence.attempt, fence.batch]
    with connection.cursor() as cursor:
        _lock(connection, RUN, [fence.run for fence in fences])
        cursor.execute(sql, params)
        return {
            _uuid(found): wanted_at is not None
            for found, wanted_at in cursor.fetchall()
        }


def move_positions(
    connection: BaseDatabaseWrapper,
    counts: dict[UUID, int],
    *,
    listed: Collection[UUID] = (),
) -> dict[UUID, int]:
    """Give each thread so many numbers; returns the last of each.

    ``listed``: those of which something changes that their owner's list shows.
    """
    rows = _values(connection, ("uuid", "bigint", "int"), len(counts))
    sql = (
        f"UPDATE {THREAD} AS t SET position = t.position + v.n, revision = t.revision + v.m"  # noqa: S608 (own names)
        " FROM (SELECT column1 AS thread, column2 AS n, column3 AS m"
        f" FROM (VALUES {rows}) AS given) AS v"
        " WHERE t.id = v.thread RETURNING id, position"
    )
    params: list[Any] = []
    for thread, count in counts.items():
        params += [_id(connection, thread), count, int(thread in listed)]
    with connection.cursor() as cursor:
        _lock(connection, THREAD, list(counts))
        cursor.execute(sql, params)
        return {_uuid(found): position for found, position in cursor.fetchall()}


def insert_events(connection: BaseDatabaseWrapper, rows: Sequence[Event]) -> None:
    """Insert numbered events."""
    columns = "thread_id, position, version, type, run_id, data, at"
    with connection.cursor() as cursor:
        for start in range(0, len(rows), INSERT_ROWS):
            some = rows[start : start + INSERT_ROWS]
            values = ",".join(["(%s,%s,%s,%s,%s,%s,%s)"] * len(some))
            params: list[Any] = []
            for row in some:
                params += [
                    _id(connection, row.thread_id),
                    row.position,
                    row.version,
                    row.type,
                ]
                params += [
                    _id(connection, row.run_id) if row.run_id else None,
                    row.data,
                ]
                params.append(connection.ops.adapt_datetimefield_value(row.at))
            cursor.execute(f"INSERT INTO {EVENT} ({columns}) VALUES {values}", params)  # noqa: S608


def _values(connection: BaseDatabaseWrapper, types: tuple[str, ...], count: int) -> str:
    """``count`` rows of placeholders; PostgreSQL wants to be told the types."""
    if connection.vendor == "postgresql":
        row = ",".join(f"%s::{name}" for name in types)
    else:
        row = ",".join(["%s"] * len(types))
    return ",".join([f"({row})"] * count)


def _lock(connection: BaseDatabaseWrapper, table: str, ids: Sequence[UUID]) -> None:
    if connection.vendor == "postgresql" and len(ids) > 1:
        with connection.cursor() as cursor:
            cursor.execute(
                f"SELECT id FROM {table} WHERE id = ANY(%s) ORDER BY id FOR NO KEY UPDATE",  # noqa: S608
                [list(ids)],
            )


def _id(connection: BaseDatabaseWrapper, value: UUID) -> object:
    """An id as the backend stores it: SQLite has no UUIDs."""
    return value if connection.features.has_native_uuid_field else value.hex


def _uuid(value: object) -> UUID:
    return value if isinstance(value, UUID) else UUID(str(value))
