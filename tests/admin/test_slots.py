from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from django.utils.timezone import override

from chatkit_app.admin.slots import asked_days, slots_of

NOW = datetime(2026, 3, 1, 12, 34, 56, tzinfo=UTC)


def hours(count: int, until: datetime) -> list[datetime]:
    return [until - timedelta(hours=n) for n in range(count)]


def test_the_last_24_hours_end_with_this_one() -> None:
    slots = slots_of(1, NOW)

    assert len(slots.starts) == len(slots.labels) == 24
    assert slots.starts[-1] == datetime(2026, 3, 1, 12, tzinfo=UTC)
    assert slots.since == datetime(2026, 2, 28, 13, tzinfo=UTC)


def test_an_hour_is_in_its_slot_or_in_none() -> None:
    slots = slots_of(1, NOW)
    now, long_ago = slots.starts[-1], slots.since - timedelta(hours=1)

    assert slots.places({now, slots.since, long_ago}) == {now: 23, slots.since: 0}


@pytest.mark.parametrize("days", [7, 30])
def test_days_begin_at_midnight_where_the_reader_is(days: int) -> None:
    with override("America/New_York"):
        slots = slots_of(days, NOW)
        last = datetime(2026, 3, 1, 5, tzinfo=UTC)
        places = slots.places({last, last - timedelta(hours=1), slots.since})

    assert len(slots.starts) == days
    assert places == {
        last: days - 1,
        last - timedelta(hours=1): days - 2,
        slots.since: 0,
    }


def test_an_hour_that_midnight_divides_counts_for_the_day_in_which_it_begins() -> None:
    with override("Asia/Kolkata"):  # 5:30 before UTC
        slots = slots_of(7, NOW)
        midnight = datetime(2026, 2, 28, 18, 30, tzinfo=UTC)
        assert slots.starts[-1] == midnight
        before = midnight.replace(minute=0)
        places = slots.places({before, before + timedelta(hours=1)})

    assert places == {before: 5, before + timedelta(hours=1): 6}
    assert slots.since > slots.starts[0]


def test_no_hour_is_lost_where_clocks_are_changed() -> None:
    with override("Europe/Berlin"):
        after = datetime(2026, 3, 31, 12, tzinfo=UTC)  # clocks went on on the 29th
        slots = slots_of(7, after)
        seen = hours(6 * 24, datetime(2026, 3, 31, 12, tzinfo=UTC))
        places = slots.places(set(seen))

    assert set(places) == set(seen)
    assert sum(place == 4 for place in places.values()) == 23


@pytest.mark.parametrize(
    ("zone", "first"),
    [
        ("Africa/Cairo", datetime(2026, 4, 24, tzinfo=UTC)),  # its midnight is left out
        ("America/Havana", datetime(2026, 11, 1, tzinfo=UTC)),  # it comes twice
        ("Europe/Berlin", datetime(2026, 10, 25, tzinfo=UTC)),
    ],
)
def test_the_first_hour_counts_whatever_the_clocks_do_at_its_midnight(
    zone: str, first: datetime
) -> None:
    with override(zone):
        slots = slots_of(7, first + timedelta(days=6, hours=12))
        around = {first + timedelta(hours=hour) for hour in range(-14, 30)}
        places = slots.places(around)

    assert slots.since == min(places)


@pytest.mark.parametrize(
    ("said", "days"),
    [
        *((str(days), days) for days in (1, 7, 30)),
        *((said, 1) for said in (None, "", "31", "-1", "7 ", "7.0", "1e1")),
        *((said, 1) for said in ("\u0661", "9" * 5000, "<script>", "\x00")),
    ],
)
def test_what_makes_no_sense_is_the_usual(said: str | None, days: int) -> None:
    assert asked_days(said) == days
