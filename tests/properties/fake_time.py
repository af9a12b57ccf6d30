"""Time as a variable: what the services, the leases and the claims take for now."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from unittest import mock

from django.db.backends.base.base import BaseDatabaseWrapper
from django.utils import timezone

from chatkit_app import clock

BEGINNING = datetime(2031, 5, 1, 12, tzinfo=UTC)
INSTANT = timedelta(milliseconds=1)
"""Passes between any two things that are done: rows made one after the other can be told apart."""


class FakeTime:
    """Stands still until it is told to pass."""

    def __init__(self) -> None:
        self.now = BEGINNING

    def pass_(self, seconds: float = 0.0) -> None:
        self.now += INSTANT + timedelta(seconds=seconds)

    def read(self) -> datetime:
        return self.now

    def later(self, seconds: float) -> datetime:
        return self.now + timedelta(seconds=seconds)

    @contextmanager
    def patched(self) -> Iterator[None]:
        """Everybody's clock is this one, the database server's as well."""
        with (
            mock.patch.object(timezone, "now", self.read),
            mock.patch.object(clock, "now", self.read),
            mock.patch.object(clock, "later", self.later),
            mock.patch.object(clock, "read", self.read),
            mock.patch.object(clock, "later_sql", self._later_sql),
        ):
            yield

    def _later_sql(
        self, connection: BaseDatabaseWrapper, seconds: float
    ) -> tuple[str, list[object]]:
        adapted = connection.ops.adapt_datetimefield_value(self.later(seconds))
        return "%s", [adapted]
