"""Tallying how runs have ended, for the staff's dashboard: each run once, whatever dies in between.

A run is tallied after its end, in a short transaction of its own that marks it. What a dead process
has left, and what has ended without one (cancelled, expired, given up), the sweepers find. What is
kept are sums by the hour (UTC) in which runs ended; nothing in them is anybody's, so erasing leaves
them as they are.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Container, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from enum import StrEnum
from uuid import UUID

from django.db import transaction
from django.db.models import F
from django.utils import timezone

from chatkit_app.engine.calls import UNKNOWN_OUTCOME
from chatkit_app.engine.page_tools import stored_tools
from chatkit_app.engine.states import Executor, InterruptKind, ToolCallStatus
from chatkit_app.models import Interrupt, Run, Step, Tally, ToolCall
from chatkit_app.runs.pricing import price_of

LEFT_SECONDS = 5.0
"""What is not tallied for so long after its end was left by its process."""

BOUNDS = (
    *(0.05, 0.07, 0.1, 0.15, 0.2, 0.3, 0.5, 0.7),
    *(1.0, 1.5, 2.0, 3.0, 5.0, 7.0, 10.0, 15.0),
    *(20.0, 30.0, 45.0, 60.0, 90.0, 120.0, 180.0, 300.0),
)
"""Seconds up to which a bucket reaches, the first being 1; the last bucket has no end.

Never changed: rows of years ago are read by them.
"""
UNMEASURED = 0
"""The bucket of what was counted and not measured."""

MOST_LABELS = 200
"""Labels of one metric that an assistant has in an hour; what comes then is counted together."""
UNKNOWN = "(unknown)"
"""Tools that there are not: a model makes up names without end."""
PAGES = "(page)"
"""Tools that visitors' pages have declared themselves: a name may be whatever somebody has written."""
OTHER = "(other)"
"""Tools and models beyond ``MOST_LABELS``."""


class Metric(StrEnum):
    """What is counted. A label says of which kind it was.

    - ``run``: a status, and behind a space its error's code, where there is one;
    - ``first_token``: no label; seconds from the question to the first token, in buckets;
    - ``tool``: an outcome, a space and the tool's name; seconds, in buckets where it has worked;
    - ``cost``: the model's name; ``count`` are requests to it, ``total`` is money;
    - ``steps``: a step's status.
    """

    RUN = "run"
    FIRST_TOKEN = "first_token"  # noqa: S105 (a model's, no secret)
    TOOL = "tool"
    COST = "cost"
    STEPS = "steps"


class Outcome(StrEnum):
    """How a call has ended. ``invalid``: its arguments did not fit, or it was cut off."""

    COMPLETED = "completed"
    FAILED = "failed"
    TIMED_OUT = "timed_out"
    INVALID = "invalid"
    LOST = "lost"
    DENIED = "denied"
    EXPIRED = "expired"
    CANCELLED = "cancelled"


OUTCOMES: Mapping[str, Outcome] = {
    "tool_timeout": Outcome.TIMED_OUT,
    "deadline": Outcome.TIMED_OUT,
    "invalid_arguments": Outcome.INVALID,
    "cut_off": Outcome.INVALID,
    UNKNOWN_OUTCOME: Outcome.LOST,
    "denied": Outcome.DENIED,
    "answered_instead": Outcome.DENIED,
    "not_permitted": Outcome.DENIED,
    "approval_expired": Outcome.EXPIRED,
    "question_expired": Outcome.EXPIRED,
}
"""Of failed calls, by their errors' codes; the others have ``failed``."""
OF_TOOLS_THERE_ARE = ("not_permitted", "invalid_arguments")
"""Codes of calls that were never begun, and whose tool is one of the site's all the same."""
TAKEN_BACK = "step_voided"
"""The code of calls that were never made: their step was asked again."""


@dataclass(frozen=True, slots=True, kw_only=True, order=True)
class Key:
    """Which row. They are locked in this order, whoever does."""

    hour: datetime
    tenant: str
    assistant: str
    metric: str
    label: str = ""
    bucket: int = UNMEASURED


@dataclass(slots=True, kw_only=True)
class Sum:
    """What is added to one row. Not frozen: it grows. ``total``: seconds, or money."""

    count: int = 0
    total: Decimal = Decimal(0)


Told = tuple[Metric, str, int, Decimal]
"""Metric, label, bucket, and what was measured: seconds, or money."""


def tally(run_id: UUID) -> None:
    """Tally the run, if it has ended and nobody has yet; nothing, where it is gone."""
    ended = Run.objects.filter(pk=run_id, tallied_at=None, finished_at__isnull=False)
    run = ended.select_related("thread").first()
    if run is None:
        return
    # Nothing in it moves any more, so that it may be read before it is locked.
    sums = _sums(run)
    with transaction.atomic():
        if _mark(run):
            _write(sums)


def untallied(limit: int) -> list[UUID]:
    """Runs that ended a moment ago, and that their process has not tallied, or that had none."""
    before = timezone.now() - timedelta(seconds=LEFT_SECONDS)
    runs = Run.objects.filter(tallied_at=None, finished_at__lt=before)
    return list(runs.order_by("finished_at").values_list("pk", flat=True)[:limit])


def bucket_of(seconds: float) -> int:
    """The bucket of a time: 1 for the shortest; what begins before it was asked for lasts 0."""
    return bisect_left(BOUNDS, seconds) + 1


def hour_of(at: datetime) -> datetime:
    """The hour (UTC) in which a moment is."""
    return at.astimezone(UTC).replace(minute=0, second=0, microsecond=0)


def _mark(run: Run) -> bool:
    """Compare and set: of two processes one tallies it."""
    fresh = Run.objects.filter(pk=run.pk, tallied_at=None)
    return bool(fresh.update(tallied_at=timezone.now()))


def _sums(run: Run) -> dict[Key, Sum]:
    """What the run adds; the record of another's in a fork adds nothing."""
    found: dict[Key, Sum] = {}
    if run.copy_of is not None or run.finished_at is None:
        return found
    whole = Key(
        hour=hour_of(run.finished_at),
        tenant=run.thread.tenant,
        assistant=run.thread.assistant,
        metric="",
    )
    for metric, label, bucket, measured in _told(run):
        key = replace(whole, metric=metric, label=label, bucket=bucket)
        row = found.setdefault(key, Sum())
        row.count += 1
        row.total += measured
    return found


def _told(run: Run) -> Iterator[Told]:
    label = f"{run.status} {run.error_code}".rstrip()
    yield Metric.RUN, label, UNMEASURED, Decimal(0)
    steps = list(Step.objects.filter(run=run).order_by("index", "attempt"))
    yield from _first_token(run, steps)
    for step in steps:
        yield Metric.STEPS, step.status, UNMEASURED, Decimal(0)
        cost = step.cost if step.counted_at else price_of(step)
        yield Metric.COST, step.model_name, UNMEASURED, cost or Decimal(0)
    yield from _calls(run)


def _first_token(run: Run, steps: list[Step]) -> Iterator[Told]:
    """Of an attempt that was taken back as well: whoever waited has seen it."""
    tokens = [step.first_token_at for step in steps if step.first_token_at]
    if tokens:
        yield Metric.FIRST_TOKEN, "", *_measured(run.created_at, min(tokens))


def _calls(run: Run) -> Iterator[Told]:
    calls = list(ToolCall.objects.filter(run=run).exclude(error_code=TAKEN_BACK))
    asked = _asked(run) if any(_is_pages(call) for call in calls) else {}
    declared = {tool.name for tool in stored_tools(run.client_tools)}
    for call in calls:
        outcome = _outcome(call)
        label = f"{outcome} {_name(call, declared)}"
        began = asked.get(call.pk) if _is_pages(call) else call.started_at
        has_worked = outcome in (Outcome.COMPLETED, Outcome.FAILED, Outcome.TIMED_OUT)
        if began is not None and call.finished_at is not None and has_worked:
            yield Metric.TOOL, label, *_measured(began, call.finished_at)
        else:
            yield Metric.TOOL, label, UNMEASURED, Decimal(0)


def _asked(run: Run) -> dict[UUID | None, datetime]:
    """When a page was asked for each of its calls."""
    rows = Interrupt.objects.filter(run=run, kind=InterruptKind.CLIENT_TOOL)
    return dict(rows.values_list("tool_call", "created_at"))


def _is_pages(call: ToolCall) -> bool:
    return call.executor == Executor.CLIENT


def _name(call: ToolCall, declared: Container[str]) -> str:
    """As far as it is the site's; ``declared`` are names that the visitor's page has brought."""
    if call.name in declared:
        return PAGES
    is_known = call.executor or call.error_code in OF_TOOLS_THERE_ARE
    return call.name if is_known and call.name else UNKNOWN


def _outcome(call: ToolCall) -> Outcome:
    match call.status:
        case ToolCallStatus.COMPLETED:
            return Outcome.COMPLETED
        case ToolCallStatus.FAILED:
            return OUTCOMES.get(call.error_code, Outcome.FAILED)
    return Outcome.CANCELLED


def _measured(start: datetime, end: datetime) -> tuple[int, Decimal]:
    """Clocks differ: nothing ends before it begins."""
    seconds = max(0.0, (end - start).total_seconds())
    return bucket_of(seconds), Decimal(f"{seconds:.6f}")


def _write(sums: Mapping[Key, Sum]) -> None:
    bounded = _bounded(sums)
    for key in sorted(bounded):
        _add(key, bounded[key])


def _bounded(sums: Mapping[Key, Sum]) -> dict[Key, Sum]:
    """The same, with what would be one label too many under another that all such share.

    Those who look at once may each let one through: it is a bound for the table, not for the figures.
    """
    found: dict[Key, Sum] = {}
    labels = _labels(next(iter(sums))) if sums else {}
    for key, added in sums.items():
        known = labels.setdefault(key.metric, set())
        is_over = key.label not in known and len(known) >= MOST_LABELS
        kept = replace(key, label=_shared(key)) if is_over else key
        known.add(kept.label)
        row = found.setdefault(kept, Sum())
        row.count += added.count
        row.total += added.total
    return found


def _labels(key: Key) -> dict[str, set[str]]:
    """The labels that the assistant has in this hour already, by metric."""
    rows = Tally.objects.filter(
        hour=key.hour, tenant=key.tenant, assistant=key.assistant
    )
    found: dict[str, set[str]] = {}
    for metric, label in rows.values_list("metric", "label").distinct():
        found.setdefault(metric, set()).add(label)
    return found


def _shared(key: Key) -> str:
    if key.metric in (Metric.TOOL, Metric.RUN):
        return f"{key.label.partition(' ')[0]} {OTHER}"
    return OTHER


def _add(key: Key, added: Sum) -> None:
    """INSERT or UPDATE. A row is taken away only by its age, long after the last is added to it."""
    named = {name: getattr(key, name) for name in key.__slots__}
    row = Tally.objects.filter(**named)
    changes = {"count": F("count") + added.count, "total": F("total") + added.total}
    if not row.update(**changes):
        Tally.objects.bulk_create([Tally(**named)], ignore_conflicts=True)
        row.update(**changes)
