"""The clock of leases, claims and queues: the one that all processes share.

On PostgreSQL that is the server's, so that a machine whose clock is wrong neither steals a run nor
hides one. SQLite is used by the processes of one machine: its clock is ours.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import datetime, timedelta

from django.db import DEFAULT_DB_ALIAS, connections
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.models.expressions import Combinable
from django.db.models.functions import Now
from django.utils import timezone

Moment = datetime | Combinable
"""What the ORM compares with and writes: a time, or the database's own function."""


def now() -> Moment:
    """This moment, for a condition or a value of the ORM's."""
    return Now() if _is_the_servers() else timezone.now()


def later(seconds: float) -> Moment:
    """So many seconds from now; before now, where they are negative."""
    return now() + timedelta(seconds=seconds)


def read() -> datetime:
    """This moment, to compare with in Python; on PostgreSQL a query."""
    if not _is_the_servers():
        return timezone.now()
    with connections[DEFAULT_DB_ALIAS].cursor() as cursor:
        cursor.execute("SELECT statement_timestamp()")
        found: datetime = cursor.fetchone()[0]
        return found


def ticking() -> Callable[[], datetime]:
    """The same clock, read once, and from then on as time passes here: no query each time."""
    began, at = read(), time.monotonic()
    return lambda: began + timedelta(seconds=time.monotonic() - at)


def later_sql(
    connection: BaseDatabaseWrapper, seconds: float
) -> tuple[str, list[str | float | None]]:
    """The same as ``later`` for SQL that is written by hand: an expression and its parameters."""
    if connection.vendor == "postgresql":
        return "statement_timestamp() + make_interval(secs => %s)", [seconds]
    until = timezone.now() + timedelta(seconds=seconds)
    return "%s", [connection.ops.adapt_datetimefield_value(until)]


def _is_the_servers() -> bool:
    return connections[DEFAULT_DB_ALIAS].vendor == "postgresql"
