"""How far back a list looks: a few days, unless it is asked for more, or for one thing."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.functional import Promise
from django.utils.timezone import localtime, now
from django.utils.translation import gettext_lazy as _

from chatkit_app.admin.sought import sought_by

WHEN = "when"
WHAT = "what"
"""The parameters of what a list is asked for."""
NOW = ("staff", "visitor", "active", "stuck", "open")
"""What is so at this moment, whenever it began."""
USUAL = "7"
"""Days."""
ALL = "all"
NAMES: dict[str, str | Promise] = {
    "today": _("Today"),
    "yesterday": _("Yesterday"),
    "1": _("Last 24 hours"),
    "7": _("Last 7 days"),
    "30": _("Last 30 days"),
    "90": _("Last 90 days"),
    ALL: _("Any time"),
}
NARROW = (
    "thread__id__exact",
    "run__id__exact",
    "run__thread__id__exact",
    "owner_key",
    "user__id__exact",
)
"""What asks for the rows of one thing: they are wanted however old they are."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Period:
    """From ``since`` to before ``until``; None: without an end."""

    name: str
    since: datetime | None = None
    until: datetime | None = None

    def of(self, column: str, began: str = "") -> dict[str, datetime]:
        """As conditions on a column; what lasts has ``began`` in another before the period's end."""
        found = {f"{column}__gte": self.since, f"{began or column}__lt": self.until}
        return {name: at for name, at in found.items() if at is not None}


def period_of(request: HttpRequest) -> Period:
    """The period that a list was asked for; an id is looked for in all times."""
    wanted = sought_by(request)
    if wanted.id is not None:
        return Period(name=ALL)
    is_narrow = (
        bool(wanted.owner)
        or request.GET.get(WHAT) in NOW
        or any(name in request.GET for name in NARROW)
    )
    name = request.GET.get(WHEN, "")
    return period(name if name in NAMES else ALL if is_narrow else USUAL)


def period(name: str) -> Period:
    """The period of this name, as of now; days begin at midnight where the reader is."""
    if name == ALL:
        return Period(name=name)
    today = localtime().replace(hour=0, minute=0, second=0, microsecond=0)
    match name:
        case "today":
            return Period(name=name, since=today)
        case "yesterday":
            # Not 24 hours before: a day may have 23.
            before = (today - timedelta(hours=12)).date()
            return Period(
                name=name,
                since=today.replace(
                    year=before.year, month=before.month, day=before.day
                ),
                until=today,
            )
    return Period(name=name, since=now() - timedelta(days=int(name)))


class PeriodFilter(admin.SimpleListFilter):
    """When it was; the admin's ``moment`` is the column."""

    title = _("when")
    parameter_name = WHEN

    def __init__(
        self, request: HttpRequest, params: Any, model: Any, model_admin: Any
    ) -> None:
        self._period = period_of(request)
        self._columns = (model_admin.moment, model_admin.began)
        super().__init__(request, params, model, model_admin)

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        return list(NAMES.items())

    def choices(self, changelist: Any) -> Iterator[Any]:
        """The one that is looked at is marked, whether it was asked for or not."""
        for name, display in self.lookup_choices:
            yield {
                "selected": name == self._period.name,
                "query_string": changelist.get_query_string({WHEN: name}),
                "display": display,
            }

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        return queryset.filter(**self._period.of(*self._columns))
