"""What a run has used up so far, by its rows alone: so that a takeover or a pause forgets nothing."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime

from chatkit_app.engine.calls import UNKNOWN_OUTCOME
from chatkit_app.engine.limits import Spent
from chatkit_app.engine.states import Executor, StepStatus
from chatkit_app.exceptions import RunInterrupted
from chatkit_app.models import Run, Step, ToolCall

Span = tuple[datetime, datetime]

NOT_AT_WORK = frozenset(
    {
        UNKNOWN_OUTCOME,
        "approval_expired",
        "answered_instead",
        "cancelled",
        "cut_off",
        "deadline",
        "denied",
        "invalid_arguments",
        "not_permitted",
        "question_expired",
        "superseded",
        "unknown_tool",
    }
)
"""The error's codes of calls whose function was not at work when they ended.

It waited for a person, its process was gone, or it was not entered again: the row has the start of
an earlier time.
"""


def spent_by(run: Run, steps: Sequence[Step]) -> Spent:
    """Calls, tokens and seconds of a run; ``steps`` are all its attempts.

    Seconds are those of the attempts of its steps, from the question to the end of the answer, and of
    its server tools, from their (last) start to their end; what works at the same time counts once.
    Neither what a page, a person or a job took is among them, nor the queue, nor an attempt or a tool
    that died with its process: nobody knows when.
    """
    whole = [step.pk for step in steps if step.status == StepStatus.COMPLETE]
    calls = list(ToolCall.objects.filter(step__in=whole)) if whole else []
    return Spent(
        calls=len(calls),
        tokens=sum(step.input_tokens + step.output_tokens for step in steps),
        seconds=_seconds([*_asked(steps), *_worked(calls)]),
    )


def _asked(steps: Sequence[Step]) -> Iterable[Span]:
    for step in steps:
        if step.finished_at and step.error_code != RunInterrupted.code:
            yield step.created_at, step.finished_at


def _worked(calls: Sequence[ToolCall]) -> Iterable[Span]:
    for call in calls:
        if call.error_code in NOT_AT_WORK:
            continue
        if call.executor == Executor.SERVER and call.started_at and call.finished_at:
            yield call.started_at, call.finished_at


def _seconds(spans: Iterable[Span]) -> float:
    """How long at least one of them lasted."""
    total, until = 0.0, None
    for begin, end in sorted(spans):
        fresh = begin if until is None else max(begin, until)
        total += max(0.0, (end - fresh).total_seconds())
        until = end if until is None else max(until, end)
    return total
