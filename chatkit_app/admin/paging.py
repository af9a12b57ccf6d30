"""Pages of a list that nobody counts to its end."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

from django.core.paginator import Paginator
from django.db.models import QuerySet
from django.utils import timezone
from django.utils.formats import number_format
from django.utils.functional import cached_property

MOST = 1_000
"""Rows that are counted, and that pages have numbers for."""


OLDER = "older"
"""The parameter that names the row after which a list goes on."""


class OrMore(int):
    """A number that is at least this; templates show it with a plus."""

    def __str__(self) -> str:
        return f"{number_format(int(self), use_l10n=True, force_grouping=True)}+"


class Pages(Paginator):
    """Counts no further than it has pages for; what lies beyond them is found by its key."""

    @cached_property
    def count(self) -> int:
        """As the paginator's; ``OrMore`` where there is more."""
        rows = self.object_list
        if not isinstance(rows, QuerySet):
            return len(rows)
        found = rows.order_by()[: MOST + 1].count()
        return OrMore(MOST) if found > MOST else found

    def validate_number(self, number: Any) -> int:
        """A page that is not there is the one nearest to it."""
        return min(max(1, int(number)), self.num_pages)


def key_of(row: Any, moment: str) -> str:
    """Where a row stands in its list."""
    return f"{getattr(row, moment).isoformat()}~{row.pk}"


def place_of_key(text: str | None) -> tuple[datetime, UUID] | None:
    """The place that a key names; None where it names none."""
    at, _tilde, pk = (text or "").partition("~")
    try:
        found = datetime.fromisoformat(at)
        return (found, UUID(pk)) if timezone.is_aware(found) else None
    except ValueError:
        return None
