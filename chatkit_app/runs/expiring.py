"""Letting go of what nobody shall answer any more: its time is over now, by the staff's word."""

from __future__ import annotations

from datetime import timedelta
from uuid import UUID

from django.db import transaction

from chatkit_app import clock
from chatkit_app.access import Action, policy
from chatkit_app.engine.states import InterruptStatus
from chatkit_app.engine.viewer import Viewer
from chatkit_app.exceptions import AnswerLate, InterruptNotFound
from chatkit_app.models import Interrupt, ToolCall
from chatkit_app.runs.answering import expire
from chatkit_app.runs.settling import lock_run

BEFORE = timedelta(seconds=1)
"""The deadline has passed when it is looked at."""


def expire_now(viewer: Viewer, interrupt_id: UUID) -> None:
    """End the wait for an answer, as its deadline would; the run goes on with that.

    Raises:
        InterruptNotFound: Nothing of this id is asked, or they may not do this.
        AnswerLate: It was answered or closed before.
    """
    row = (
        Interrupt.objects.select_related("run__thread").filter(pk=interrupt_id).first()
    )
    may = row is not None and policy().can(viewer, Action.EXPIRE, row.run.thread)
    if row is None or row.tool_call_id is None or not may:
        raise InterruptNotFound("Nothing of this id is asked.")
    with transaction.atomic():
        lock_run(row.run_id)
        is_open = Interrupt.objects.filter(pk=row.pk, status=InterruptStatus.OPEN)
        over = clock.read() - BEFORE
        if not is_open.update(expires_at=over):
            raise AnswerLate("This is closed.")
        ToolCall.objects.filter(pk=row.tool_call_id).update(deadline_at=over)
        expire(row.tool_call_id)
