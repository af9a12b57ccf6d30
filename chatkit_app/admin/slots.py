"""The hours or days of the dashboard's period, where its reader is."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta

from django.utils.formats import date_format
from django.utils.timezone import get_current_timezone, localtime, make_aware
from django.utils.translation import gettext_lazy as _

from chatkit_app.runs.tallying import hour_of

PERIODS = {1: _("Last 24 hours"), 7: _("Last 7 days"), 30: _("Last 30 days")}
"""By ``?days=``."""
USUAL = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Slots:
    """``starts`` are hours, or midnights where the reader is; the last one is not over yet."""

    days: int
    starts: Sequence[datetime]

    @property
    def since(self) -> datetime:
        """The first hour (UTC) that counts. An hour counts for the day in which it begins."""
        # In UTC: where clocks are put back or forward then, two zones are never equal.
        first = self.starts[0].astimezone(UTC)
        hour = hour_of(first)
        return hour if hour == first else hour + timedelta(hours=1)

    @property
    def labels(self) -> list[str]:
        """As people read them, short."""
        name = "TIME_FORMAT" if self.days == 1 else "SHORT_DATE_FORMAT"
        return [date_format(localtime(start), name) for start in self.starts]

    def places(self, hours: set[datetime]) -> dict[datetime, int]:
        """Of those hours that are in one."""
        starts = {each: place for place, each in enumerate(self.starts)}
        found: dict[datetime, int] = {}
        for hour in hours:
            place = starts.get(hour if self.days == 1 else _midnight(hour))
            if place is not None:
                found[hour] = place
        return found


def asked_days(said: str | None) -> int:
    """What ``?days=`` asks for; what makes no sense is the usual."""
    known = {str(days): days for days in PERIODS}
    return known.get(said or "", USUAL)


def slots_of(days: int, now: datetime) -> Slots:
    """24 hours, or so many days; the present one is the last of them."""
    if days == 1:
        last = hour_of(now)
        starts = [last - timedelta(hours=23 - place) for place in range(24)]
    else:
        today = localtime(now).date()
        dates = [today - timedelta(days=days - 1 - place) for place in range(days)]
        starts = [_begin(datetime.combine(date, time.min)) for date in dates]
    return Slots(days=days, starts=starts)


def _midnight(at: datetime) -> datetime:
    return _begin(datetime.combine(localtime(at).date(), time.min))


def _begin(naive: datetime) -> datetime:
    return make_aware(naive, get_current_timezone())
