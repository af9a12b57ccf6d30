"""What the machine reads after every step, in as few and as cheap statements as can be."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from django.db import connection

from chatkit_app.models import Event, Interrupt, Thread, ToolCall

THREAD = Thread._meta.db_table
EVENT = Event._meta.db_table
CALL = ToolCall._meta.db_table
INTERRUPT = Interrupt._meta.db_table


def standings(threads: Sequence[UUID]) -> dict[UUID, tuple[int, int]]:
    """Position and floor of each thread."""
    found = _select(f"SELECT id, position, floor FROM {THREAD} WHERE id", threads)  # noqa: S608 (own names)
    return {id_: (position, floor) for id_, position, floor in found}


def extents(threads: Sequence[UUID]) -> dict[UUID, tuple[int, int, int]]:
    """How many events each thread has in the log, the first and the last position."""
    columns = "thread_id, COUNT(*), MIN(position), MAX(position)"
    sql = f"SELECT {columns} FROM {EVENT} WHERE thread_id"  # noqa: S608
    found = _select(sql, threads, " GROUP BY thread_id")
    return {thread: (count, first, last) for thread, count, first, last in found}


def calls(runs: Sequence[UUID]) -> dict[str, tuple[str, int]]:
    """Status and number of starts of the calls of these runs."""
    found = _select(f"SELECT id, status, starts FROM {CALL} WHERE run_id", runs)  # noqa: S608
    return {str(id_): (status, starts) for id_, status, starts in found}


def interrupts(runs: Sequence[UUID]) -> dict[str, tuple[str, str]]:
    """Status and decision of all that these runs have asked."""
    found = _select(f"SELECT id, status, decision FROM {INTERRUPT} WHERE run_id", runs)  # noqa: S608
    return {str(id_): (status, decision) for id_, status, decision in found}


def _select(sql: str, ids: Sequence[UUID], rest: str = "") -> list[tuple[Any, ...]]:
    is_native = connection.features.has_native_uuid_field
    params = [id_ if is_native else id_.hex for id_ in ids]
    marks = ",".join(["%s"] * len(ids))
    with connection.cursor() as cursor:
        cursor.execute(f"{sql} IN ({marks}){rest}", params)
        return [(UUID(str(first)), *others) for first, *others in cursor.fetchall()]
