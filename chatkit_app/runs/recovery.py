"""What a dead process has left behind, put in order by whoever claims its run."""

from __future__ import annotations

from datetime import timedelta
from uuid import UUID

from django.db.models import Exists, F, OuterRef, Q
from django.utils import timezone

from chatkit_app import clock
from chatkit_app.conf import settings
from chatkit_app.engine import events
from chatkit_app.engine.calls import UNKNOWN_OUTCOME
from chatkit_app.engine.states import (
    ACTIVE_RUN_STATUSES,
    Effect,
    Executor,
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
GIVEN_UP_TEXT = "The answer was interrupted again and again, and is given up."


def recover(run: Run, *, crashed: bool) -> list[events.AnyEvent]:
    """Go on from the rows of a run whose process is gone; the run is locked and claimed.

    A step that broke off is taken back, to be asked again (or ends the run, by
    ``CHATKIT_BROKEN_STEP``). A tool that must run once and had begun ends as "outcome unknown"; one
    that may be repeated runs again, under the same id. A run that takes its process down again and
    again is not tried for ever; one that was handed over by a process on its way out has not
    ``crashed``.
    """
    if crashed:
        run.takeovers += 1
        run.save(update_fields=["takeovers"])
    if run.cancel_requested_at is not None or run.status == RunStatus.CANCELLING:
        return close_run(run, RunStatus.CANCELLED)
    if run.takeovers > settings.MAX_TAKEOVERS:
        return _give_up(run, GIVEN_UP_TEXT)
    broken = Step.objects.filter(run=run, status=StepStatus.OPEN).first()
    if broken is not None and _is_kept(broken):
        return _give_up(run, INTERRUPTED_TEXT)
    taken_back = [_voided(broken)] if broken else []
    return [*taken_back, *_end_unknown(run), run_changed(run)]


def _give_up(run: Run, text: str) -> list[events.AnyEvent]:
    return close_run(run, RunStatus.FAILED, code=RunInterrupted.code, text=text)


def _is_kept(broken: Step) -> bool:
    """Has something of it been shown, on a site that takes nothing back?"""
    return settings.BROKEN_STEP == "keep" and broken.parts.exists()


def _voided(broken: Step) -> events.StepVoided:
    return events.StepVoided(
        run_id=str(broken.run_id),
        step_id=str(broken.pk),
        index=broken.index,
        attempt=broken.attempt,
        error_code=RunInterrupted.code,
    )


def _end_unknown(run: Run) -> list[events.AnyEvent]:
    running = ToolCall.objects.filter(
        run=run, status=ToolCallStatus.RUNNING, effect=Effect.ONCE
    )
    # A job that was about to be handed over is handed over again: its queue knows it by its id.
    running = running.exclude(executor=Executor.JOB).order_by("index")
    return [
        call_ended(
            call,
            status=ToolCallStatus.FAILED,
            message=run.answer_id,
            index=result_index(call, run.answer_id),
            code=UNKNOWN_OUTCOME,
            text=OUTCOME_UNKNOWN,
        )
        for call in running
    ]


def runs_to_claim(limit: int, *, patience: float = 1.0) -> list[UUID]:
    """Runs that nobody carries: handed over, past their lease, or queued.

    Those in the queue are left to the process that was asked first for ``patience`` seconds.
    """
    waiting = Q(status=RunStatus.QUEUED, ready_at__lte=clock.later(-patience))
    left = Q(owner=None) | Q(lease_until__lt=clock.now())
    orphaned = Q(left, status__in=(RunStatus.IN_PROGRESS, RunStatus.CANCELLING))
    found = Run.objects.filter(waiting | orphaned).order_by("ready_at")
    return list(found.values_list("pk", flat=True)[:limit])


def calls_past_deadline(limit: int) -> list[UUID]:
    """Calls that nobody has answered in time: no page, no person, no job.

    Also client tools' calls of tools that must run once, whose page shows no sign of life any more.
    """
    now = clock.now()
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
