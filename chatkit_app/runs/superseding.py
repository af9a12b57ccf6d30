"""A new message while something is asked: what waits for the outside makes way, what is written does not."""

from __future__ import annotations

from django.db.models import Q

from chatkit_app import clock
from chatkit_app.engine import events
from chatkit_app.engine.states import ACTIVE_RUN_STATUSES, InterruptStatus, RunStatus
from chatkit_app.exceptions import ApprovalPending, RunConflict
from chatkit_app.models import Interrupt, Run, Thread
from chatkit_app.registry import UnknownAssistant, assistants
from chatkit_app.runs.closing import close_run
from chatkit_app.runs.permitted import locked

SUPERSEDED = "The call was cancelled: a new message came before it was answered."


def make_way(thread: Thread) -> list[events.AnyEvent]:
    """End a run that waits for the outside: the new message supersedes it. Locks the thread.

    Raises:
        ThreadNotFound: Its owner has deleted it meanwhile.
        RunConflict: A run is being written.
        ApprovalPending: It waits for somebody else's approval, and that isn't to be thrown away.
    """
    found: list[events.AnyEvent] = []
    active = Run.objects.filter(thread=thread, status__in=ACTIVE_RUN_STATUSES)
    run = active.select_for_update().first()
    thread.position = locked(thread).position
    if run is not None and run.status == RunStatus.REQUIRES_ACTION:
        _check_superseding(thread, run)
        found = close_run(
            run,
            RunStatus.CANCELLED,
            code="superseded",
            why=SUPERSEDED,
            calls_code="superseded",
        )
    if active.exists():
        raise RunConflict("An answer is being written.")
    return found


def _check_superseding(thread: Thread, run: Run) -> None:
    """What somebody else is asked for is not thrown away, unless the assistant says so."""
    waits = Interrupt.objects.filter(run=run, status=InterruptStatus.OPEN)
    in_time = Q(expires_at=None) | Q(expires_at__gt=clock.read())
    if not waits.filter(in_time).exclude(permission="").exists():
        return
    try:
        may_supersede = assistants.get(thread.assistant).supersede_approvals
    except UnknownAssistant:  # newer code knows it, and what it allows
        may_supersede = False
    if not may_supersede:
        raise ApprovalPending(
            "Your last request waits for somebody's approval. Cancel it, or wait for the answer."
        )
