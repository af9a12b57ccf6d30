"""Sums as the tests of the dashboard write them."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.utils import timezone

from chatkit_app.models import Tally
from chatkit_app.runs.tallying import hour_of

INDEX = "/admin/chatkit_app/"


def tallied(
    metric: str,
    label: str = "",
    count: int = 1,
    *,
    at: datetime | None = None,
    **more: Any,
) -> Tally:
    """A row of this hour, or of another; ``more`` are tenant, assistant, bucket, total."""
    values = {"assistant": "test", **more}
    hour = hour_of(at or timezone.now())
    return Tally.objects.create(
        metric=metric, label=label, count=count, hour=hour, **values
    )
