"""Where the time of a run went: its steps, tools and waits as bars on one line of time."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from itertools import accumulate, pairwise
from uuid import UUID

from django.utils import timezone
from django.utils.translation import gettext as _

from chatkit_app.admin.lasting import lasting
from chatkit_app.engine.states import Executor, InterruptKind, StepStatus
from chatkit_app.models import Interrupt, Run, Step, ToolCall

SHORTEST = 0.05
"""Seconds in the queue, or of a pause, that are worth a bar."""
IDLE_SHARE = 0.5
"""What a stretch in which nothing of ours works may take of the drawing, by the time that works."""
THINNEST = 0.4
"""Of 100: what is quicker can still be seen."""
WAITS = ("page", "person", "job")
"""The kinds of bars in which others work, or nobody."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Span:
    """Something that took time. ``mark`` is when its first token came; ``target`` an element's id."""

    kind: str
    label: str
    target: str
    start: datetime
    end: datetime
    mark: datetime | None = None
    is_open: bool = False
    is_wrong: bool = False

    @property
    def seconds(self) -> float:
        return (self.end - self.start).total_seconds()

    @property
    def lasting(self) -> str:
        return lasting(self.seconds)

    @property
    def mark_seconds(self) -> float | None:
        return (self.mark - self.start).total_seconds() if self.mark else None


@dataclass(frozen=True, slots=True, kw_only=True)
class Bar:
    """A span and where it is drawn, as numbers of 0..100 that SVG reads in every language."""

    span: Span
    x: str
    width: str
    mark: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Waterfall:
    """Bars in the order in which they began. ``is_broken``: long waits are drawn shorter."""

    bars: Sequence[Bar]
    seconds: float
    is_broken: bool

    @property
    def lasting(self) -> str:
        return lasting(self.seconds)


def waterfall_of(
    run: Run,
    steps: Sequence[Step],
    calls: Iterable[ToolCall],
    interrupts: Mapping[UUID | None, Sequence[Interrupt]],
) -> Waterfall:
    """A run from its rows; what is still open lasts until now. ``interrupts`` are by call."""
    end = run.finished_at or timezone.now()
    spans = [*_steps(run, steps, end), *_calls(calls, interrupts, end)]
    fitting = [_within(span, run.created_at) for span in spans]
    fitting.sort(key=lambda span: span.start)
    scale = _Scale(fitting)
    return Waterfall(
        bars=[_bar(span, scale) for span in fitting],
        seconds=(end - run.created_at).total_seconds(),
        is_broken=scale.is_broken,
    )


def _steps(run: Run, steps: Sequence[Step], end: datetime) -> Iterator[Span]:
    first = min((step.created_at for step in steps), default=end)
    if (first - run.created_at).total_seconds() > SHORTEST:
        yield Span(
            kind="queue",
            label=_("Queue"),
            target=f"run-{run.pk}",
            start=run.created_at,
            end=first,
            is_open=not steps and run.finished_at is None,
        )
    for step in steps:
        yield from _step(step, end)


def _step(step: Step, end: datetime) -> Iterator[Span]:
    names = {"number": step.index + 1, "attempt": step.attempt}
    label = _("Step %(number)s") % names
    if step.attempt > 1:
        label = _("Step %(number)s, attempt %(attempt)s") % names
    target, until = f"step-{step.pk}", step.finished_at or end
    yield Span(
        kind="model",
        label=label,
        target=target,
        start=step.created_at,
        end=until,
        mark=step.first_token_at,
        is_open=step.status == StepStatus.OPEN,
        is_wrong=step.status in (StepStatus.VOID, StepStatus.FAILED),
    )
    again = step.retry_at
    if again is not None and (again - until).total_seconds() > SHORTEST:
        pause = _("Pause before the next attempt")
        yield Span(
            kind="pause", label=pause, target=target, start=until, end=min(again, end)
        )


def _calls(
    calls: Iterable[ToolCall],
    interrupts: Mapping[UUID | None, Sequence[Interrupt]],
    end: datetime,
) -> Iterator[Span]:
    for call in calls:
        for row in interrupts.get(call.pk, ()):
            yield _wait(call, row, end)
        if call.started_at is not None and call.executor != Executor.CLIENT:
            yield _work(call, call.started_at, end)


def _wait(call: ToolCall, row: Interrupt, end: datetime) -> Span:
    is_pages = row.kind == InterruptKind.CLIENT_TOOL
    text = _("%(tool)s: in the page") if is_pages else _("%(tool)s: wait for a person")
    return Span(
        kind="page" if is_pages else "person",
        label=text % {"tool": _name(call)},
        target=f"call-{call.pk}",
        start=row.created_at,
        end=row.answered_at or call.finished_at or end,
        is_open=row.status == "open" and call.finished_at is None,
    )


def _work(call: ToolCall, start: datetime, end: datetime) -> Span:
    return Span(
        kind="job" if call.executor == Executor.JOB else "tool",
        label=_name(call),
        target=f"call-{call.pk}",
        start=start,
        end=call.finished_at or end,
        is_open=call.finished_at is None,
        is_wrong=bool(call.error_code),
    )


def _name(call: ToolCall) -> str:
    return call.name or _("unknown tool")


def _within(span: Span, begin: datetime) -> Span:
    """No bar begins before its run, or ends before it begins: clocks differ."""
    start = max(span.start, begin)
    mark = span.mark if span.mark and span.mark >= start else None
    return replace(span, start=start, end=max(span.end, start), mark=mark)


class _Scale:
    """Times to places of 0..100. Where a person thinks for a day, the seconds are still to be seen."""

    def __init__(self, spans: Sequence[Span]) -> None:
        self._times = sorted({time for s in spans for time in (s.start, s.end)})
        busy = [span for span in spans if span.kind not in WAITS]
        lengths = [
            (later - time).total_seconds() for time, later in pairwise(self._times)
        ]
        works = [
            any(span.start <= time and span.end >= later for span in busy)
            for time, later in pairwise(self._times)
        ]
        worked = sum(n for n, is_work in zip(lengths, works, strict=True) if is_work)
        longest = max(worked * IDLE_SHARE, SHORTEST) if worked else max([0.0, *lengths])
        weights = [
            n if is_work else min(n, longest)
            for n, is_work in zip(lengths, works, strict=True)
        ]
        self.is_broken = sum(weights) < sum(lengths) - SHORTEST
        self._places = list(accumulate(weights, initial=0.0))

    def at(self, time: datetime) -> float:
        """The place of a time between the first and the last."""
        whole = self._places[-1]
        if not whole:
            return 0.0
        here = min(max(bisect_right(self._times, time) - 1, 0), len(self._times) - 2)
        start, end = self._times[here], self._times[here + 1]
        share = (time - start) / (end - start)
        low, high = self._places[here], self._places[here + 1]
        return 100 * (low + min(share, 1.0) * (high - low)) / whole


def _bar(span: Span, scale: _Scale) -> Bar:
    start, end = scale.at(span.start), scale.at(span.end)
    width = max(end - start, THINNEST)
    return Bar(
        span=span,
        x=f"{min(start, 100 - width):.2f}",
        width=f"{width:.2f}",
        mark=f"{scale.at(span.mark):.2f}" if span.mark else "",
    )
