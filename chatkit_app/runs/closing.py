"""Bringing a run to its end: whatever is open in it is closed with it, in one transaction."""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

from django.utils import timezone
from pydantic import JsonValue

from chatkit_app import clock
from chatkit_app.engine import events
from chatkit_app.engine.assembler import part_ended
from chatkit_app.engine.moves import RUN_MOVES, check_move
from chatkit_app.engine.states import (
    OPEN_TOOL_CALL_STATUSES,
    InterruptKind,
    InterruptStatus,
    MessageStatus,
    PartState,
    RunStatus,
    StepStatus,
    ToolCallStatus,
    shown_state,
)
from chatkit_app.log.fold import open_parts, open_texts
from chatkit_app.log.interrupts import approval_told
from chatkit_app.models import Interrupt, Part, Run, Step, Thread, ToolCall, new_id
from chatkit_app.runs.transcript import result_base

ENDED_RUN_STATUSES = (RunStatus.COMPLETED, RunStatus.FAILED, RunStatus.CANCELLED)
CANCELLED_TEXT = "The call was cancelled."


def close_run(
    run: Run,
    status: RunStatus,
    *,
    code: str = "",
    text: str = "",
    why: str = CANCELLED_TEXT,
    calls_code: str = "cancelled",
) -> list[events.AnyEvent]:
    """End the run, inside a transaction that has locked it; the caller appends the events.

    What the model has written stays; parts that it had not finished are marked as interrupted. Open
    calls end as cancelled (``calls_code``), with ``why`` for the model to read in the thread's next
    run. A run that somebody wants cancelled ends as that, however it came to its end.
    """
    if run.status == RunStatus.CANCELLING:
        status, code, text = RunStatus.CANCELLED, "", ""
    message_status = (
        MessageStatus.COMPLETE
        if status is RunStatus.COMPLETED
        else MessageStatus.INTERRUPTED
    )
    found = [*_end_parts(run), *_end_calls(run, calls_code, why)]
    found.append(
        events.MessageEnded(message_id=str(run.answer_id), status=message_status)
    )
    found.append(move_run(run, status, code=code, text=text))
    Step.objects.filter(run=run, status=StepStatus.OPEN).update(
        status=StepStatus.FAILED,
        error_code=code or str(status),
        finished_at=timezone.now(),
    )
    return found


def move_run(
    run: Run, status: RunStatus, *, code: str = "", text: str = ""
) -> events.RunChanged:
    """Give the locked run another status; without an owner unless it is in progress.

    Raises:
        IllegalMove: It can't come to this one from where it is.
    """
    check_move(RUN_MOVES, RunStatus(run.status), status)
    now = timezone.now()
    run.status = status
    run.error_code, run.error_text = code, text
    if status in ENDED_RUN_STATUSES:
        run.finished_at = now
    if status is not RunStatus.CANCELLING:
        run.owner, run.lease_until = None, None
    if status is RunStatus.QUEUED:
        run.ready_at = clock.read()
    run.save(
        update_fields=[
            "status",
            "error_code",
            "error_text",
            "finished_at",
            "owner",
            "lease_until",
            "ready_at",
        ]
    )
    changes: dict[str, clock.Moment] = {"last_activity_at": now}
    if _is_for_owner(run):
        changes["answered_at"] = clock.now()
    Thread.objects.filter(pk=run.thread_id).update(**changes)
    return run_changed(run)


def _is_for_owner(run: Run) -> bool:
    """Is there something to read or to answer now? Others' approvals and jobs are none of theirs."""
    if run.status == RunStatus.REQUIRES_ACTION:
        asked = Interrupt.objects.filter(run=run, status=InterruptStatus.OPEN)
        return asked.filter(permission="").exists()
    return run.status in ENDED_RUN_STATUSES


def run_changed(run: Run) -> events.RunChanged:
    """The event of the run's status as it is now."""
    return events.RunChanged(
        run_id=str(run.pk),
        status=RunStatus(run.status),
        answer_id=str(run.answer_id),
        error_code=run.error_code or None,
        error_text=run.error_text or None,
    )


def call_ended(
    call: ToolCall,
    *,
    status: ToolCallStatus,
    message: UUID,
    index: int,
    output: JsonValue = None,
    code: str | None = None,
    text: str | None = None,
) -> events.ToolCallEnded:
    """The end of a call; its result's part comes at ``index``."""
    approval = Interrupt.objects.filter(
        tool_call=call, kind=InterruptKind.APPROVAL
    ).first()
    is_responded = approval.status == InterruptStatus.ANSWERED if approval else None
    return events.ToolCallEnded(
        tool_call_id=str(call.pk),
        message_id=str(message),
        part_id=str(new_id()),
        index=index,
        step_id=str(call.step_id),
        status=status,
        state=shown_state(status, has_arguments=True, is_responded=is_responded),
        output=output,
        error_code=code,
        error_text=text,
        approval=approval_told(approval) if approval else None,
    )


def result_index(call: ToolCall, message: UUID) -> int:
    """The place that is reserved for a call's result."""
    parts = list(Part.objects.filter(message=message, step=call.step_id))
    return result_base(call.step_id, parts) + call.index


def _end_parts(run: Run) -> list[events.AnyEvent]:
    parts = open_parts([run.answer_id])
    texts = open_texts(run.pk) if parts else {}
    return [
        part_ended(str(part.pk), texts.get(str(part.pk), ""), PartState.INTERRUPTED)
        for part in parts
    ]


def _end_calls(run: Run, code: str, why: str) -> list[events.AnyEvent]:
    calls: Sequence[ToolCall] = list(
        ToolCall.objects.filter(run=run, status__in=OPEN_TOOL_CALL_STATUSES).order_by(
            "step__index", "index"
        )
    )
    return [
        call_ended(
            call,
            status=ToolCallStatus.CANCELLED,
            message=run.answer_id,
            index=result_index(call, run.answer_id),
            code=code,
            text=why,
        )
        for call in calls
    ]
