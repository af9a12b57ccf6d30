"""What the outside's word does to a run: its calls move, and the run goes on when it can."""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

from django.db import transaction
from django.db.models import F

from chatkit_app.engine import events
from chatkit_app.engine.calls import Result
from chatkit_app.engine.states import (
    OPEN_TOOL_CALL_STATUSES,
    RunStatus,
    ToolCallStatus,
)
from chatkit_app.log.append import append
from chatkit_app.models import Run, ToolCall
from chatkit_app.runs.closing import call_ended, move_run, result_index
from chatkit_app.runs.recorder import record
from chatkit_app.runs.runner import runner


def lock_run(run_id: UUID) -> Run:
    """The run, locked, with its thread.

    By a write that changes nothing: a transaction that begins with a read can't become a writing one
    on a busy SQLite without IMMEDIATE.
    """
    Run.objects.filter(pk=run_id).update(takeovers=F("takeovers"))
    return Run.objects.select_related("thread").get(pk=run_id)


def ended(run: Run, call: ToolCall, result: Result) -> events.ToolCallEnded:
    """The event of a call's one result."""
    return call_ended(
        call,
        status=result.status,
        message=run.answer_id,
        index=result_index(call, run.answer_id),
        output=result.output,
        code=result.error_code,
        text=result.error_text,
    )


def go_on(run: Run, found: Sequence[events.AnyEvent]) -> int:
    """Append what has happened to calls of the locked run, and queue it if it can go on.

    It can when nothing is open any more, and as soon as a call may run here: that needn't wait for
    what others are still asked. Returns the position of the last event.
    """
    last = append(run.thread_id, found, record=record, run=run.pk)
    if run.status != RunStatus.REQUIRES_ACTION or not _can_go_on(run):
        return last
    transaction.on_commit(lambda: runner.submit(run.pk))
    moved = move_run(run, RunStatus.QUEUED)
    return append(run.thread_id, [moved], record=record, run=run.pk)


def _can_go_on(run: Run) -> bool:
    calls = ToolCall.objects.filter(run=run, status__in=OPEN_TOOL_CALL_STATUSES)
    statuses = set(calls.values_list("status", flat=True))
    return not statuses or ToolCallStatus.QUEUED in statuses
