"""What a dead process has left behind, put in order by whoever claims its run."""

from __future__ import annotations

from datetime import timedelta
from uuid import UUID

from django.db.models import Exists, F, OuterRef, Q
from django.utils import timezone

from chatkit_app.engine import events
from chatkit_app.engine.states import (
    ACTIVE_RUN_STATUSES,
    Effect,
    InterruptKind,
    InterruptStatus,
    RunStatus,
    StepStatus,
    ToolCallStatus,
)
from chatkit_app.exceptions import RunInterrupted
from chatkit_app.models import Interrupt, Run, Step, Thread, ToolCall
from chatkit_app.runs.closing import call_ended, close_run, result_index, run_changed

OUTCOME_UNKNOWN = (
    "The server was restarted while this tool ran; whether it took effect is unknown."
)
INTERRUPTED_TEXT = "The answer was interrupted by a restart."
MAX_TAKEOVERS = 3
"""A run that takes its process down again and again is not tried for ever."""


def recover(run: Run) -> list[events.AnyEvent]:
    """Go on from the rows of a run whose process is gone; the run is locked and claimed.

    An answer that broke off is closed as interrupted. A tool that must run once and had begun ends
    as "outcome unknown"; one that may be repeated runs again, under the same id.
    """
    run.takeovers += 1
    run.save(update_fields=["takeovers"])
    if run.cancel_requested_at is not None or run.status == RunStatus.CANCELLING:
        return close_run(run, RunStatus.CANCELLED)
    is_broken = Step.objects.filter(run=run, status=StepStatus.OPEN).exists()
    if is_broken or run.takeovers > MAX_TAKEOVERS:
        return close_run(
            run, RunStatus.FAILED, code=RunInterrupted.code, text=INTERRUPTED_TEXT
        )
    return [*_end_unknown(run), run_changed(run)]


def _end_unknown(run: Run) -> list[events.AnyEvent]:
    running = ToolCall.objects.filter(
        run=run, status=ToolCallStatus.RUNNING, effect=Effect.ONCE
    ).order_by("index")
    return [
        call_ended(
            call,
            status=ToolCallStatus.FAILED,
            message=run.answer_id,
            index=result_index(call, run.answer_id),
            code="outcome_unknown",
            text=OUTCOME_UNKNOWN,
        )
        for call in running
    ]


def runs_to_claim(limit: int) -> list[UUID]:
    """Runs that are queued, and those whose process has let its lease run out."""
    now = timezone.now()
    waiting = Q(status=RunStatus.QUEUED, ready_at__lte=now - timedelta(seconds=1))
    orphaned = Q(
        status__in=(RunStatus.IN_PROGRESS, RunStatus.CANCELLING), lease_until__lt=now
    )
    found = Run.objects.filter(waiting | orphaned).order_by("ready_at")
    return list(found.values_list("pk", flat=True)[:limit])


def calls_past_deadline(limit: int) -> list[UUID]:
    """Client tools' calls that nobody has answered in time.

    Also those of tools that must run once, whose page shows no sign of life any more.
    """
    now = timezone.now()
    found = ToolCall.objects.filter(status=ToolCallStatus.WAITING, deadline_at__lt=now)
    abandoned = Interrupt.objects.filter(
        status=InterruptStatus.OPEN,
        kind=InterruptKind.CLIENT_TOOL,
        claim_until__lt=now,
        tool_call__effect=Effect.ONCE,
    )
    late = found.order_by("deadline_at").values_list("pk", flat=True)[:limit]
    gone = ToolCall.objects.filter(pk__in=abandoned.values("tool_call"))
    return [*late, *gone.values_list("pk", flat=True)[:limit]]


def threads_to_prune(retention: timedelta, limit: int) -> list[UUID]:
    """Threads with events that are older than their retention and that nothing needs any more."""
    active = Run.objects.filter(thread=OuterRef("pk"), status__in=ACTIVE_RUN_STATUSES)
    quiet = Thread.objects.filter(
        ~Exists(active),
        position__gt=F("floor"),
        last_activity_at__lt=timezone.now() - retention,
    )
    return list(quiet.order_by("last_activity_at").values_list("pk", flat=True)[:limit])
