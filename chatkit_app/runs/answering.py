"""A page and a client tool's call: claiming it, giving it back; and what nobody has answered in time.

Every claim is one conditional update: of two at the same instant one is accepted.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import timedelta
from uuid import UUID

from django.db import connection, transaction
from django.db.models import F, Q, QuerySet

from chatkit_app import clock
from chatkit_app.access import policy
from chatkit_app.conf import settings
from chatkit_app.engine import events
from chatkit_app.engine.calls import (
    UNKNOWN_OUTCOME,
    failed,
)
from chatkit_app.engine.calls import Result as CallResult
from chatkit_app.engine.commands import Claim, Release
from chatkit_app.engine.states import (
    Effect,
    InterruptKind,
    InterruptStatus,
    RunStatus,
    ToolCallStatus,
)
from chatkit_app.engine.viewer import Viewer
from chatkit_app.exceptions import (
    AnswerDuplicate,
    AnswerLate,
    CallNotFound,
    ClaimHeld,
)
from chatkit_app.log.append import append
from chatkit_app.models import Interrupt, Run, ToolCall
from chatkit_app.runs.recorder import record
from chatkit_app.runs.remembering import Outcome
from chatkit_app.runs.settling import ended, go_on

PRECEDENCE = timedelta(seconds=2)
"""How long the page that sent the message is preferred for its client tools."""
OUTCOME_UNKNOWN = "The page that ran this has gone; whether it took effect is unknown."


def claim(viewer: Viewer, command: Claim) -> Outcome:
    """Let a page run the call, alone, for as long as it shows that it is alive.

    Raises:
        ClaimHeld: Another page runs it, or the page that sent the message goes first.
        AnswerLate: The call is closed.
        CallNotFound: Unknown, or not theirs.
    """
    with transaction.atomic():
        run, call = _locked(viewer, command.thread_id, command.tool_call_id)
        interrupt = _open_interrupt(run, call)
        now = clock.read()
        first = str(run.context.get("tab") or "")
        if first not in ("", command.tab) and now < interrupt.created_at + PRECEDENCE:
            left = (interrupt.created_at + PRECEDENCE - now).total_seconds()
            raise ClaimHeld(
                "The page that sent the message goes first.", retry_after=left
            )
        free = Q(claimed_by__in=("", command.tab))
        if call.effect != Effect.ONCE:  # such a call is never begun by a second page
            free |= Q(claim_until__lt=now)
        taken = Interrupt.objects.filter(free, pk=interrupt.pk).update(
            claimed_by=command.tab, claim_until=now + _claim_time()
        )
        if not taken:
            until = interrupt.claim_until or now
            left = max(0.1, (until - now).total_seconds())
            raise ClaimHeld("Another page runs this call.", retry_after=left)
        if interrupt.claimed_by != command.tab:
            event = events.ToolCallClaimed(tool_call_id=str(call.pk), tab=command.tab)
            append(run.thread_id, [event], record=record, run=run.pk)
        return {"thread": str(run.thread_id), "toolCall": str(call.pk)}


def release(viewer: Viewer, command: Release) -> Outcome:
    """Take a page's claim back, if it still has it.

    Not that of a tool that must run once: it may have begun, so no other page gets it. If the page
    doesn't answer, its outcome is unknown (``expire``).
    """
    with transaction.atomic():
        run, call = _locked(viewer, command.thread_id, command.tool_call_id)
        given_back = call.effect != Effect.ONCE and Interrupt.objects.filter(
            tool_call=call, status=InterruptStatus.OPEN, claimed_by=command.tab
        ).update(claimed_by="", claim_until=None)
        if given_back:
            event = events.ToolCallClaimed(tool_call_id=str(call.pk), tab=None)
            append(run.thread_id, [event], record=record, run=run.pk)
        return {"thread": str(run.thread_id), "toolCall": str(call.pk)}


def renew(tab: str, tool_calls: Iterable[UUID]) -> None:
    """Keep a page's claims: it has answered a ping.

    A row that somebody is changing is left alone: it is being answered or closed. So nobody waits for
    anybody here, in whatever order the rows come.
    """
    mine = Interrupt.objects.filter(
        tool_call__in=list(tool_calls), status=InterruptStatus.OPEN, claimed_by=tab
    )
    later = clock.later(settings.CLAIM_SECONDS)
    if not connection.features.has_select_for_update_skip_locked:
        mine.update(claim_until=later)
        return
    with transaction.atomic():
        free = mine.select_for_update(skip_locked=True).order_by("pk")
        ids = list(free.values_list("pk", flat=True))
        Interrupt.objects.filter(pk__in=ids).update(claim_until=later)


def _claim_time() -> timedelta:
    return timedelta(seconds=settings.CLAIM_SECONDS)


def expire(tool_call_id: UUID) -> None:
    """The time of whoever was asked is over, or a page has gone with a tool that must run once.

    That is the call's result.
    """
    with transaction.atomic():
        if not _lock(tool_call_id, Run.objects.all()):
            return
        run, call = _locked_rows(tool_call_id)
        if call.status != ToolCallStatus.WAITING:
            return
        still_open = Interrupt.objects.filter(
            tool_call=call, status=InterruptStatus.OPEN
        )
        now = clock.read()
        asked = still_open.first()
        if call.deadline_at is not None and call.deadline_at < now:
            result = _too_late(asked)
        elif still_open.filter(claim_until__lt=now).exists():
            result = failed(UNKNOWN_OUTCOME, OUTCOME_UNKNOWN)
        else:
            return  # the page has shown itself meanwhile
        still_open.update(status=InterruptStatus.EXPIRED)
        go_on(run, [ended(run, call, result)])


def _too_late(asked: Interrupt | None) -> CallResult:
    """What the model reads where nobody has answered in time; a job is asked by no interrupt."""
    match asked and asked.kind:
        case InterruptKind.APPROVAL:
            return failed("approval_expired", "Nobody has approved this in time.")
        case InterruptKind.QUESTION:
            return failed(
                "question_expired", "Nobody has answered the tool's question in time."
            )
        case InterruptKind.CLIENT_TOOL:
            return failed("deadline", "No page answered in time.")
        case _:
            return failed("deadline", "The job did not end in time.")


def _locked(
    viewer: Viewer, thread_id: UUID, tool_call_id: UUID
) -> tuple[Run, ToolCall]:
    """The call and its run, locked in this order; another owner's is as good as missing."""
    mine = policy().threads(viewer).filter(pk=thread_id)
    if not _lock(tool_call_id, Run.objects.filter(thread__in=mine)):
        raise CallNotFound("No such call.")
    return _locked_rows(tool_call_id)


def _lock(tool_call_id: UUID, runs: QuerySet[Run]) -> int:
    """Lock the call's run, if it is among these, by a write that changes nothing.

    A write, because a transaction that begins with a read can't become a writing one on a busy
    SQLite without IMMEDIATE.
    """
    return runs.filter(
        pk__in=ToolCall.objects.filter(pk=tool_call_id).values("run")
    ).update(takeovers=F("takeovers"))


def _locked_rows(tool_call_id: UUID) -> tuple[Run, ToolCall]:
    call = ToolCall.objects.select_for_update(of=("self",)).get(pk=tool_call_id)
    return Run.objects.select_related("thread").get(pk=call.run_id), call


def _open_interrupt(run: Run, call: ToolCall) -> Interrupt:
    interrupt = Interrupt.objects.filter(
        tool_call=call, kind=InterruptKind.CLIENT_TOOL
    ).first()
    if interrupt is None:
        raise CallNotFound("No page is asked for this call.")
    if interrupt.status == InterruptStatus.ANSWERED:
        raise AnswerDuplicate("This call has been answered.")
    is_over = call.deadline_at is not None and call.deadline_at < clock.read()
    is_over = is_over or run.status == RunStatus.CANCELLING
    if interrupt.status != InterruptStatus.OPEN or is_over:
        raise AnswerLate("This call is closed.")
    return interrupt
