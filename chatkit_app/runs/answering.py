"""A page and a client tool's call: claiming it, giving it back, answering it.

Every answer is one conditional update on the call: of two at the same instant one is accepted. The
run's row is locked first, so that "was it the last one?" has one true answer as well.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import timedelta
from uuid import UUID

from django.db import transaction
from django.db.models import F, Q, QuerySet
from django.utils import timezone

from chatkit_app.access import policy
from chatkit_app.conf import settings
from chatkit_app.engine import events
from chatkit_app.engine.assembler import sound
from chatkit_app.engine.calls import ERROR_CHARS, completed, failed
from chatkit_app.engine.calls import Result as CallResult
from chatkit_app.engine.commands import Answer, Claim, Release
from chatkit_app.engine.states import (
    OPEN_TOOL_CALL_STATUSES,
    InterruptKind,
    InterruptStatus,
    RunStatus,
    ToolCallStatus,
)
from chatkit_app.engine.viewer import Viewer
from chatkit_app.exceptions import (
    AnswerDuplicate,
    AnswerInvalid,
    AnswerLate,
    CallNotFound,
    ClaimHeld,
    ToolError,
)
from chatkit_app.log.append import append
from chatkit_app.models import Command as CommandRow
from chatkit_app.models import Interrupt, Run, ToolCall
from chatkit_app.registry import assistants
from chatkit_app.runs.briefing import page_of_run, tools_for, viewer_of_run
from chatkit_app.runs.closing import call_ended, move_run, result_index
from chatkit_app.runs.recorder import record
from chatkit_app.runs.remembering import Outcome, once
from chatkit_app.runs.runner import runner

PRECEDENCE = timedelta(seconds=2)
"""How long the page that sent the message is preferred for its client tools."""
STRIKES = 3
"""Outputs that don't fit before that itself becomes the call's error."""


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
        now = timezone.now()
        first = str(run.context.get("tab") or "")
        if first not in ("", command.tab) and now < interrupt.created_at + PRECEDENCE:
            left = (interrupt.created_at + PRECEDENCE - now).total_seconds()
            raise ClaimHeld(
                "The page that sent the message goes first.", retry_after=left
            )
        free = Q(claimed_by__in=("", command.tab)) | Q(claim_until__lt=now)
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
    """Take a page's claim back, if it still has it."""
    with transaction.atomic():
        run, call = _locked(viewer, command.thread_id, command.tool_call_id)
        given_back = Interrupt.objects.filter(
            tool_call=call, status=InterruptStatus.OPEN, claimed_by=command.tab
        ).update(claimed_by="", claim_until=None)
        if given_back:
            event = events.ToolCallClaimed(tool_call_id=str(call.pk), tab=None)
            append(run.thread_id, [event], record=record, run=run.pk)
        return {"thread": str(run.thread_id), "toolCall": str(call.pk)}


def renew(tab: str, tool_calls: Iterable[UUID]) -> None:
    """Keep a page's claims: it has answered a ping."""
    Interrupt.objects.filter(
        tool_call__in=list(tool_calls), status=InterruptStatus.OPEN, claimed_by=tab
    ).update(claim_until=timezone.now() + _claim_time())


def _claim_time() -> timedelta:
    return timedelta(seconds=settings.CLAIM_SECONDS)


def answer(viewer: Viewer, command: Answer, *, protocol: str) -> Outcome:
    """Take a page's output, or its error, as the call's one result; then the run goes on.

    The same answer again is accepted again.

    Raises:
        AnswerInvalid: The output does not fit; the call stays open.
        AnswerDuplicate, AnswerLate: It was answered, or closed, before.
        ClaimHeld: Another page runs the call.
        CallNotFound: Unknown, or not theirs.
    """
    try:
        return once(
            viewer,
            command,
            lambda row: _answer(viewer, command, row),
            protocol=protocol,
        )
    except AnswerInvalid:
        if _strike(command.tool_call_id) < STRIKES:
            raise
        refused = Answer(
            id=command.id,
            thread_id=command.thread_id,
            tool_call_id=command.tool_call_id,
            tab=command.tab,
            error="The page's outputs did not fit the tool's schema.",
        )
        return once(
            viewer,
            command,  # as it was asked: the same answer again gets the same outcome
            lambda row: _answer(viewer, refused, row),
            protocol=protocol,
        )


def _answer(viewer: Viewer, command: Answer, row: CommandRow) -> Outcome:
    run, call = _locked(viewer, command.thread_id, command.tool_call_id)
    interrupt = _open_interrupt(run, call)
    now = timezone.now()
    is_held = interrupt.claim_until is not None and interrupt.claim_until > now
    if is_held and interrupt.claimed_by not in ("", command.tab):
        left = (
            (interrupt.claim_until - now).total_seconds()
            if interrupt.claim_until
            else 1.0
        )
        raise ClaimHeld("Another page runs this call.", retry_after=left)
    result = _result(run, call, command)
    Interrupt.objects.filter(pk=interrupt.pk).update(
        status=InterruptStatus.ANSWERED,
        answered_by=viewer.user,
        answered_at=now,
        submission_id=command.id,
        answer_digest=row.digest,
    )
    row.thread_id, row.run = run.thread_id, run
    row.last_position = _settle(run, call, result)
    return {"thread": str(run.thread_id), "toolCall": str(call.pk)}


def expire(tool_call_id: UUID) -> None:
    """The page's time is over: that is the call's result."""
    with transaction.atomic():
        if not _lock(tool_call_id, Run.objects.all()):
            return
        run, call = _locked_rows(tool_call_id)
        if call.status != ToolCallStatus.WAITING:
            return
        Interrupt.objects.filter(tool_call=call, status=InterruptStatus.OPEN).update(
            status=InterruptStatus.EXPIRED
        )
        _settle(run, call, failed("deadline", "No page answered in time."))


def _settle(run: Run, call: ToolCall, result: CallResult) -> int:
    """Give the locked call its result; with the last one the run goes on. Returns the position."""
    found: list[events.AnyEvent] = [
        call_ended(
            call,
            status=result.status,
            message=run.answer_id,
            index=result_index(call, run.answer_id),
            output=result.output,
            code=result.error_code,
            text=result.error_text,
        )
    ]
    still_open = (
        ToolCall.objects.filter(run=run, status__in=OPEN_TOOL_CALL_STATUSES)
        .exclude(pk=call.pk)
        .exists()
    )
    if run.status == RunStatus.REQUIRES_ACTION and not still_open:
        found.append(move_run(run, RunStatus.QUEUED))
        transaction.on_commit(lambda: runner.submit(run.pk))
    return append(run.thread_id, found, record=record, run=run.pk)


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
    is_over = call.deadline_at is not None and call.deadline_at < timezone.now()
    is_over = is_over or run.status == RunStatus.CANCELLING
    if interrupt.status != InterruptStatus.OPEN or is_over:
        raise AnswerLate("This call is closed.")
    return interrupt


def _result(run: Run, call: ToolCall, command: Answer) -> CallResult:
    if command.error is not None:
        return failed("client_error", sound(command.error)[:ERROR_CHARS])
    try:
        tool = tools_for(
            assistants.get(run.thread.assistant),
            viewer_of_run(run, run.thread),
            page_of_run(run),
        ).get(call.name)
    except LookupError:
        tool = None
    if tool is None:
        return failed("unknown_tool", "The tool is not there any more.")
    try:
        output = tool.definition.read_output(command.output)
    except ToolError as error:
        raise AnswerInvalid(str(error)) from error
    return completed(output, max_bytes=settings.MAX_OUTPUT_BYTES)


def _strike(tool_call_id: UUID) -> int:
    """Count an output that didn't fit; it is counted though its command was refused."""
    with transaction.atomic():
        still_open = Interrupt.objects.filter(
            tool_call=tool_call_id, status=InterruptStatus.OPEN
        )
        still_open.update(strikes=F("strikes") + 1)
        return still_open.values_list("strikes", flat=True).first() or 0
