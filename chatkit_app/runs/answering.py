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

from chatkit_app import clock
from chatkit_app.access import policy
from chatkit_app.conf import settings
from chatkit_app.engine import events
from chatkit_app.engine.assembler import sound
from chatkit_app.engine.calls import (
    ERROR_CHARS,
    UNKNOWN_OUTCOME,
    completed,
    failed,
)
from chatkit_app.engine.calls import Result as CallResult
from chatkit_app.engine.commands import Answer, Claim, Release
from chatkit_app.engine.states import (
    OPEN_TOOL_CALL_STATUSES,
    Effect,
    InterruptKind,
    InterruptStatus,
    RunStatus,
)
from chatkit_app.engine.tools import Tool
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
OUTCOME_UNKNOWN = "The page that ran this has gone; whether it took effect is unknown."
UNFIT = "The page's outputs did not fit the tool's schema."
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
    """Keep a page's claims: it has answered a ping."""
    Interrupt.objects.filter(
        tool_call__in=list(tool_calls), status=InterruptStatus.OPEN, claimed_by=tab
    ).update(claim_until=clock.later(settings.CLAIM_SECONDS))


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
    # The site's code (its tools, its validators) runs before anything is locked.
    result = _result(viewer, command)

    def answer_with(result: CallResult | AnswerInvalid) -> Outcome:
        return once(
            viewer,
            command,
            lambda row: _answer(viewer, command, row, result),
            protocol=protocol,
        )

    try:
        return answer_with(result)
    except AnswerInvalid:
        if _strike(command.tool_call_id) < STRIKES:
            raise
        return answer_with(failed("client_error", UNFIT))


def _answer(
    viewer: Viewer, command: Answer, row: CommandRow, result: CallResult | AnswerInvalid
) -> Outcome:
    run, call = _locked(viewer, command.thread_id, command.tool_call_id)
    interrupt = _open_interrupt(run, call)
    now = clock.read()
    until = interrupt.claim_until or now
    is_held = until > now or call.effect == Effect.ONCE
    if is_held and interrupt.claimed_by not in ("", command.tab):
        left = max(0.1, (until - now).total_seconds())
        raise ClaimHeld("Another page runs this call.", retry_after=left)
    if isinstance(result, AnswerInvalid):
        raise result
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
    """The page's time is over, or it has gone with a tool that must run once: that is the result."""
    with transaction.atomic():
        if not _lock(tool_call_id, Run.objects.all()):
            return
        run, call = _locked_rows(tool_call_id)
        still_open = Interrupt.objects.filter(
            tool_call=call, status=InterruptStatus.OPEN
        )
        now = clock.read()
        if call.deadline_at is not None and call.deadline_at < now:
            result = failed("deadline", "No page answered in time.")
        elif still_open.filter(claim_until__lt=now).exists():
            result = failed(UNKNOWN_OUTCOME, OUTCOME_UNKNOWN)
        else:
            return  # the page has shown itself meanwhile
        if still_open.update(status=InterruptStatus.EXPIRED):
            _settle(run, call, result)


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
    is_over = call.deadline_at is not None and call.deadline_at < clock.read()
    is_over = is_over or run.status == RunStatus.CANCELLING
    if interrupt.status != InterruptStatus.OPEN or is_over:
        raise AnswerLate("This call is closed.")
    return interrupt


def _result(viewer: Viewer, command: Answer) -> CallResult | AnswerInvalid:
    """What the page's answer comes to, whatever has become of the call meanwhile."""
    if command.error is not None:
        return failed("client_error", sound(command.error)[:ERROR_CHARS])
    tool = _tool(viewer, command)
    if tool is None:
        return failed("unknown_tool", "The tool is not there any more.")
    try:
        output = tool.definition.read_output(command.output)
    except ToolError as error:
        return AnswerInvalid(str(error))
    return completed(output, max_bytes=settings.MAX_OUTPUT_BYTES)


def _tool(viewer: Viewer, command: Answer) -> Tool | None:
    """The tool that the call is of, as the site's assistant has it for whoever started the run."""
    mine = policy().threads(viewer).filter(pk=command.thread_id)
    calls = ToolCall.objects.select_related("run__thread")
    call = calls.filter(pk=command.tool_call_id, run__thread__in=mine).first()
    if call is None:
        return None  # the answer will be refused for that
    run = call.run
    try:
        assistant = assistants.get(run.thread.assistant)
    except LookupError:
        return None
    return tools_for(assistant, viewer_of_run(run, run.thread), page_of_run(run)).get(
        call.name
    )


def _strike(tool_call_id: UUID) -> int:
    """Count an output that didn't fit; it is counted though its command was refused."""
    with transaction.atomic():
        still_open = Interrupt.objects.filter(
            tool_call=tool_call_id, status=InterruptStatus.OPEN
        )
        still_open.update(strikes=F("strikes") + 1)
        return still_open.values_list("strikes", flat=True).first() or 0
