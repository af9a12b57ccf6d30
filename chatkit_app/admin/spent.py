"""Tokens and money: of a step, a run, a thread."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal

from django.db.models import Sum

from chatkit_app.models import Run, Step, Thread

MOST_RUNS = 1000
"""Runs of a thread that are summed up when its page is opened."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Spent:
    """What was used. ``cost`` is None where no price is known."""

    input_tokens: int = 0
    cached_tokens: int = 0
    output_tokens: int = 0
    reasoning_tokens: int = 0
    cost: Decimal | None = None

    def __bool__(self) -> bool:
        return bool(self.input_tokens or self.output_tokens or self.cost)


def spent_in(steps: Iterable[Step]) -> Spent:
    """The sum of some steps, those that were taken back among them: they are paid for."""
    rows = list(steps)
    costs = [row.cost for row in rows if row.cost is not None]
    return Spent(
        input_tokens=sum(row.input_tokens for row in rows),
        cached_tokens=sum(row.cached_tokens for row in rows),
        output_tokens=sum(row.output_tokens for row in rows),
        reasoning_tokens=sum(row.reasoning_tokens for row in rows),
        cost=sum(costs, Decimal(0)) if costs else None,
    )


def spent_on(thread: Thread) -> Spent | None:
    """The sum of a whole thread in two queries; None where it has too many runs for that."""
    runs = list(
        Run.objects.filter(thread=thread)
        .order_by("-id")
        .values_list("pk", flat=True)[: MOST_RUNS + 1]
    )
    if len(runs) > MOST_RUNS:
        return None
    names = ("input_tokens", "cached_tokens", "output_tokens", "reasoning_tokens")
    sums = Step.objects.filter(run__in=runs).aggregate(
        cost=Sum("cost"), **{name: Sum(name, default=0) for name in names}
    )
    return Spent(**sums)
