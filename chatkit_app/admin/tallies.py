"""What the dashboard reads: sums by the hour, and what is so at this moment; each by an index."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from itertools import pairwise
from typing import Any

from django.db.models import Count, QuerySet, Sum
from django.http import HttpRequest

from chatkit_app.admin.seen import of_seen_threads
from chatkit_app.engine.states import ACTIVE_RUN_STATUSES, FeedbackKind
from chatkit_app.models import Feedback, Run, Tally
from chatkit_app.runs.tallying import BOUNDS, UNMEASURED, Metric, Outcome

MOST_ROWS = 20_000
"""Rows that one question may bring; of tools the most used."""
MOST_FEEDBACK = 10_000
"""So far it is counted."""

WRONG = (Outcome.FAILED, Outcome.TIMED_OUT, Outcome.INVALID, Outcome.LOST)
"""The outcomes that are a tool's error. What people denied or nobody answered is none."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """Whose figures, and from when on. An empty ``assistant`` stands for all."""

    tenant: str
    since: datetime
    assistant: str = ""

    def rows(self, *metrics: Metric) -> QuerySet[Tally]:
        """The sums of these metrics."""
        rows = Tally.objects.filter(
            hour__gte=self.since, tenant=self.tenant, metric__in=metrics
        )
        return rows.filter(assistant=self.assistant) if self.assistant else rows


@dataclass(frozen=True, slots=True, kw_only=True)
class Ended:
    """Something that was counted in an hour."""

    hour: datetime
    metric: str
    label: str
    bucket: int
    count: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Spent:
    """What an assistant has cost in an hour."""

    hour: datetime
    assistant: str
    cost: Decimal


@dataclass(slots=True, kw_only=True)
class Tool:
    """How a tool's calls have ended. Not frozen: it grows. ``settled`` are those that count as right
    or wrong; ``wrong`` of them have gone wrong.
    """

    name: str
    calls: int = 0
    settled: int = 0
    wrong: int = 0

    @property
    def error_rate(self) -> float:
        """0 to 1."""
        return self.wrong / self.settled if self.settled else 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Measured:
    """A tool, and its buckets."""

    tool: Tool
    buckets: Mapping[int, int]


@dataclass(frozen=True, slots=True, kw_only=True)
class Time:
    """Seconds; ``is_over``: more than that, nobody knows how much."""

    seconds: float
    is_over: bool = False


def ended(wanted: Wanted) -> list[Ended]:
    """Runs, their first tokens and steps, by the hour."""
    rows = wanted.rows(Metric.RUN, Metric.FIRST_TOKEN, Metric.STEPS)
    rows = rows.order_by("-hour")  # of too many the newest
    named = rows.values_list("hour", "metric", "label", "bucket")
    found = named.annotate(count=Sum("count"))[: 2 * MOST_ROWS]
    return [
        Ended(hour=hour, metric=metric, label=label, bucket=bucket, count=count)
        for hour, metric, label, bucket, count in found
    ]


def costs(wanted: Wanted) -> list[Spent]:
    """What was paid, by the hour and assistant."""
    rows = wanted.rows(Metric.COST).filter(total__gt=0).order_by("-hour")
    found = rows.values_list("hour", "assistant").annotate(cost=Sum("total"))
    return [
        Spent(hour=hour, assistant=assistant, cost=cost)
        for hour, assistant, cost in found[:MOST_ROWS]
    ]


def tools(wanted: Wanted) -> list[Measured]:
    """Tools that were called, those that fail most first; of as many calls those that are called more."""
    rows = wanted.rows(Metric.TOOL).values_list("label", "bucket")
    found = rows.annotate(calls=Sum("count")).order_by("-calls", "label", "bucket")
    made: dict[str, Tool] = {}
    buckets: dict[str, dict[int, int]] = defaultdict(lambda: defaultdict(int))
    for label, bucket, calls in found[:MOST_ROWS]:
        outcome, _space, name = label.partition(" ")
        tool = made.setdefault(name, Tool(name=name))
        tool.calls += calls
        tool.wrong += calls if outcome in WRONG else 0
        tool.settled += calls if outcome in (Outcome.COMPLETED, *WRONG) else 0
        buckets[name][bucket] += calls
    rated = sorted(made.values(), key=lambda t: (-t.error_rate, -t.calls, t.name))
    return [Measured(tool=tool, buckets=buckets[tool.name]) for tool in rated]


def active(request: HttpRequest, assistant: str = "") -> dict[str, int]:
    """How many runs have each of the statuses of what has not ended."""
    rows = Run.objects.filter(status__in=ACTIVE_RUN_STATUSES)
    if assistant:
        rows = rows.filter(thread__assistant=assistant)
    seen = of_seen_threads(request, rows, "thread_id").order_by()
    return dict(seen.values_list("status").annotate(n=Count("pk")))


def feedback(
    request: HttpRequest, kind: FeedbackKind, since: datetime, assistant: str = ""
) -> int:
    """How many answers were liked so, ``MOST_FEEDBACK`` and one at most."""
    rows: QuerySet[Any] = Feedback.objects.filter(kind=kind, created_at__gte=since)
    if assistant:
        rows = rows.filter(message__thread__assistant=assistant)
    seen = of_seen_threads(request, rows, "message__thread_id")
    return seen.order_by("-created_at")[: MOST_FEEDBACK + 1].count()


def percentile(buckets: Mapping[int, int], share: float) -> Time | None:
    """What this share (0 to 1) of what was measured took at most; None where nothing was.

    Within its bucket it is where it would be if times were spread evenly there: the true one is in the
    same bucket.
    """
    counted = sorted((b, n) for b, n in buckets.items() if b != UNMEASURED and n > 0)
    whole = sum(n for _bucket, n in counted)
    if not whole:
        return None
    rank, below = share * whole, 0
    for bucket, n in counted:
        if below + n >= rank:
            return _within(bucket, (rank - below) / n)
        below += n
    return _within(counted[-1][0], 1.0)


def _within(bucket: int, share: float) -> Time:
    ends = list(pairwise((0.0, *BOUNDS)))
    if bucket > len(ends):
        return Time(seconds=BOUNDS[-1], is_over=True)
    low, high = ends[bucket - 1]
    return Time(seconds=low + share * (high - low))


def buckets_of(rows: Iterable[Ended]) -> dict[int, int]:
    """Of any hours and labels together."""
    found: dict[int, int] = defaultdict(int)
    for row in rows:
        found[row.bucket] += row.count
    return found
