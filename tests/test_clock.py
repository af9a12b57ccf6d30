"""The clock that all processes share, on the database that the tests run on."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from django.db import connection
from django.utils import timezone

from chatkit_app import clock
from chatkit_app.models import Run
from tests.runs.desk import a_visitor, started

pytestmark = pytest.mark.django_db
SKEW = timedelta(seconds=60)


def leased(seconds: float) -> Run:
    run = started(a_visitor(), "say Hi.")
    Run.objects.update(lease_until=clock.later(seconds))
    return run


def test_now_lies_between_before_and_after() -> None:
    leased(-0.5)
    assert Run.objects.filter(lease_until__lt=clock.now()).exists()
    leased(30)
    assert Run.objects.filter(lease_until__gt=clock.now()).exists()


def test_what_is_read_is_an_aware_time_of_this_moment() -> None:
    found = clock.read()

    assert found.utcoffset() is not None
    assert abs(found - timezone.now()) < SKEW


def test_the_hand_written_expression_says_the_same() -> None:
    sql, params = clock.later_sql(connection, 30.0)
    run = started(a_visitor(), "say Hi.")
    with connection.cursor() as cursor:
        cursor.execute(f"UPDATE {Run._meta.db_table} SET lease_until = {sql}", params)  # noqa: S608

    run.refresh_from_db()
    assert abs(run.lease_until - clock.read() - timedelta(seconds=30)) < SKEW


def test_a_process_whose_clock_is_wrong_holds_to_postgresqls(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    if connection.vendor != "postgresql":
        pytest.skip("SQLite has no clock but the machine's")
    far = datetime(2001, 1, 1, tzinfo=UTC)
    monkeypatch.setattr(timezone, "now", lambda: far)

    run = leased(30)

    run.refresh_from_db()
    assert abs(run.lease_until - far) > timedelta(days=365)
    assert clock.read() != far


def test_what_ticks_goes_by_the_shared_clock_and_not_by_a_wrong_one(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    now, was = clock.ticking(), clock.read()
    monkeypatch.setattr(timezone, "now", lambda: datetime(2001, 1, 1, tzinfo=UTC))

    first, second = now(), now()

    assert was - SKEW < first <= second < was + SKEW
