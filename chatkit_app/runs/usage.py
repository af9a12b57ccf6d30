"""Summing up what was used: each answer and each step once, whatever dies in between.

What a run has used is counted after it was written, in a short transaction of its own: the row that is
counted is marked in it, so that it is counted once, and what a dead process has left uncounted is
found by the sweepers. The writer of the log never waits for such a transaction.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from uuid import UUID

from django.db import transaction
from django.db.models import F
from django.utils import timezone

from chatkit_app.engine.states import StepStatus
from chatkit_app.models import Run, Step, Usage
from chatkit_app.runs import budgets
from chatkit_app.runs.pricing import price_of

LEFT_SECONDS = 5.0
"""What is uncounted for so long was left by its process."""


@dataclass(slots=True, kw_only=True)
class Sum:
    """What is added to one row. Not frozen: it grows."""

    messages: int = 0
    steps: int = 0
    input_tokens: int = 0
    cached_tokens: int = 0
    output_tokens: int = 0
    reasoning_tokens: int = 0
    cost: Decimal = Decimal(0)

    def add(self, step: Step, cost: Decimal | None) -> None:
        """A step, and what it has cost if that is known."""
        self.steps += 1
        self.input_tokens += step.input_tokens
        self.cached_tokens += step.cached_tokens
        self.output_tokens += step.output_tokens
        self.reasoning_tokens += step.reasoning_tokens
        self.cost += cost or 0

    def add_sum(self, other: Sum) -> None:
        """Another sum."""
        for name in self.__slots__:
            setattr(self, name, getattr(self, name) + getattr(other, name))


@dataclass(frozen=True, slots=True, kw_only=True, order=True)
class Key:
    """Which row. They are locked in this order, whoever does."""

    tenant: str
    owner_key: str
    assistant: str
    model_name: str
    day: date


def count(run_id: UUID) -> None:
    """Count what the run has used and nobody has counted yet; nothing, where it is gone."""
    ended = Step.objects.exclude(status=StepStatus.OPEN)
    steps = list(ended.filter(run=run_id, counted_at=None).order_by("id"))
    if not steps and not Run.objects.filter(pk=run_id, counted_at=None).exists():
        return
    prices = {step.pk: price_of(step) for step in steps}
    with transaction.atomic():
        run = held(run_id)  # the runs come before their steps
        if run is None:
            return
        counted = [step for step in steps if _mark(step, prices[step.pk])]
        sums = _sums(run, counted, prices)
        _note(run, [prices[step.pk] for step in counted])
        write(sums)


def held(run_id: UUID) -> Run | None:
    """The run, locked, and its thread with it; None where it was erased.

    What is counted while it is held is there before its erasing goes on.
    """
    # Locked by a write, as everywhere.
    if not Run.objects.filter(pk=run_id).update(takeovers=F("takeovers")):
        return None
    return Run.objects.select_related("thread").get(pk=run_id)


def uncounted(limit: int) -> list[UUID]:
    """Runs of which a process that is gone has left something uncounted."""
    before = timezone.now() - timedelta(seconds=LEFT_SECONDS)
    ended = Step.objects.exclude(status=StepStatus.OPEN)
    steps = ended.filter(counted_at=None, finished_at__lt=before)
    runs = Run.objects.filter(counted_at=None, created_at__lt=before)
    found = [
        *steps.order_by("created_at").values_list("run", flat=True)[:limit],
        *runs.order_by("created_at").values_list("pk", flat=True)[:limit],
    ]
    return list(dict.fromkeys(found))


def write(sums: Mapping[Key, Sum]) -> None:
    """Add to the rows of one viewer and assistant; in a transaction.

    The site is told of budgets that this has spent.
    """
    if not sums:
        return
    total = Sum()
    for key in sorted(sums):
        _add(key, sums[key])
        total.add_sum(sums[key])
    newest = max(sums, key=lambda key: key.day)
    if newest.owner_key.startswith(budgets.ERASED):
        return  # nobody draws on it; what visitors share is told with the next of them
    budgets.note(newest.tenant, newest.owner_key, newest.assistant, newest.day, total)


def owner_key(run: Run) -> str:
    """For whom it runs; ``run`` has its thread with it.

    A visitor who has logged in since is the user that has adopted the thread. Whoever has erased the
    thread meanwhile is nobody any more.
    """
    if not run.thread.owner_key:
        return budgets.pseudonym("nobody", is_visitor=run.started_by_id is None)
    if run.started_by_id is not None:
        return f"u:{run.started_by_id}"
    visitor = run.context.get("visitor")
    if visitor and run.thread.user_id is None:
        return f"v:{visitor}"
    return run.thread.owner_key


def _mark(step: Step, cost: Decimal | None) -> bool:
    """Compare and set: of two processes one counts it."""
    fresh = Step.objects.filter(pk=step.pk, counted_at=None)
    return bool(fresh.update(counted_at=timezone.now(), cost=cost))


def _sums(
    run: Run, steps: list[Step], prices: Mapping[UUID, Decimal | None]
) -> dict[Key, Sum]:
    found: dict[Key, Sum] = {}
    for step in steps:
        key = key_of(run, step.model_name, step.finished_at or step.created_at)
        found.setdefault(key, Sum()).add(step, prices[step.pk])
    if run.counted_at is None:
        model_name = steps[0].model_name if steps else ""
        key = key_of(run, model_name, run.created_at)
        found.setdefault(key, Sum()).messages += 1
    return found


def key_of(run: Run, model_name: str, at: datetime) -> Key:
    """The row that holds what the run has used of a model at a time; ``run`` has its thread with it."""
    return Key(
        tenant=run.thread.tenant,
        owner_key=owner_key(run),
        assistant=run.thread.assistant,
        model_name=model_name,
        day=at.astimezone(UTC).date(),
    )


def _note(run: Run, costs: list[Decimal | None]) -> None:
    """The run's own sum, and that it is counted as a message; it is locked."""
    known = [cost for cost in costs if cost is not None]
    if known:
        run.cost = (run.cost or Decimal(0)) + sum(known, Decimal(0))
    run.counted_at = run.counted_at or timezone.now()
    run.save(update_fields=["cost", "counted_at"])


def _add(key: Key, used: Sum) -> None:
    """INSERT or UPDATE. A row is never taken away but by an erase, so that one of the two holds."""
    named = {name: getattr(key, name) for name in key.__slots__}
    row = Usage.objects.filter(**named)
    changes = {
        name: F(name) + value
        for name in used.__slots__
        if (value := getattr(used, name))
    }
    if changes and not row.update(**changes):
        Usage.objects.bulk_create([Usage(**named)], ignore_conflicts=True)
        row.update(**changes)
