"""What people and pages say to what a run asks of them: approvals, questions, client tools' outputs.

An answer may come to any process, alone or with others, in any order; all of one command or none.
The run's row is locked first, so that "can it go on?" has one true answer.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from chatkit_app import clock
from chatkit_app.access import Action, policy
from chatkit_app.engine import events
from chatkit_app.engine.commands import Answer, InterruptAnswer, Resolve
from chatkit_app.engine.states import (
    DECISIONS,
    Decision,
    Effect,
    InterruptKind,
    InterruptStatus,
    RunStatus,
)
from chatkit_app.engine.viewer import Viewer
from chatkit_app.exceptions import (
    AnswerDuplicate,
    AnswerInvalid,
    AnswerLate,
    AnswerRefused,
    CallNotFound,
    ClaimHeld,
    InterruptNotFound,
    InvalidCommand,
    NotAllowed,
)
from chatkit_app.models import Command as CommandRow
from chatkit_app.models import Interrupt, Run, Thread
from chatkit_app.runs.briefing import in_language
from chatkit_app.runs.remembering import Outcome, once
from chatkit_app.runs.replies import Reply, Tools, reply_to, strike
from chatkit_app.runs.settling import go_on, lock_run

MAX_ANSWERS = 50
"""Interrupts in one command."""


def read(viewer: Viewer, command: Resolve | Answer) -> list[Reply]:
    """Find what is answered, and read the answers with the site's own types.

    The site's code (its tools, its forms) runs here, before anything is locked: it may take long, so
    a server that has other things to do calls this where it holds up nobody, and ``take`` after it.

    Raises:
        InterruptNotFound, CallNotFound: One is unknown, not theirs, or asked of no page.
        NotAllowed: One is for somebody else to approve.
        InvalidCommand: A decision is none for what is asked, or they are not all of one run.
    """
    with in_language(viewer):
        if isinstance(command, Answer):
            row = _asked_of_page(viewer, command)
            return [reply_to(row, _as_answer(row, command))]
        tools, rows = Tools(), _rows(viewer, command)
        return [
            reply_to(row, answer, tools)
            for row, answer in zip(rows, command.answers, strict=True)
        ]


def take(
    viewer: Viewer,
    command: Resolve | Answer,
    replies: Sequence[Reply],
    *,
    protocol: str,
) -> Outcome:
    """Take the answers, all or none; then the run goes on, if it can.

    The same command again is accepted again. An output of a page that doesn't fit is counted, and the
    last one is taken as the call's error.

    Raises:
        AnswerInvalid: One does not fit; ``errors`` says which and where.
        AnswerDuplicate, AnswerLate, ClaimHeld: One was answered or closed before, or is another page's.
        NotKnownHere: This process does not know the tool of one.
    """

    def take(replies: Sequence[Reply]) -> Outcome:
        return once(
            viewer,
            command,
            lambda row: _resolve(viewer, command, row, replies),
            protocol=protocol,
        )

    try:
        outcome = take(replies)
    except AnswerInvalid:
        struck = [strike(reply) for reply in replies]
        if struck == list(replies):
            raise
        outcome = take(struck)
    if isinstance(command, Answer):
        return {"thread": outcome["thread"], "toolCall": str(command.tool_call_id)}
    return outcome


def _as_answer(row: Interrupt, command: Answer) -> InterruptAnswer:
    is_error = command.error is not None
    return InterruptAnswer(
        interrupt_id=row.pk,
        decision=Decision.FAIL if is_error else Decision.ANSWER,
        output=command.output,
        text=command.error or "",
    )


def _asked_of_page(viewer: Viewer, command: Answer) -> Interrupt:
    asked = Interrupt.objects.select_related("tool_call", "run__thread").filter(
        kind=InterruptKind.CLIENT_TOOL,
        tool_call=command.tool_call_id,
        run__thread=command.thread_id,
        run__thread__in=policy().threads(viewer),
    )
    row = asked.first()
    if row is None:
        raise CallNotFound("No such call.")
    return row


def _rows(viewer: Viewer, command: Resolve) -> list[Interrupt]:
    """What is answered, in the order of the answers, as far as this viewer may."""
    ids = [answer.interrupt_id for answer in command.answers]
    if not ids or len(ids) > MAX_ANSWERS or len(set(ids)) != len(ids):
        raise InvalidCommand(
            f"Between 1 and {MAX_ANSWERS} answers, each to another interrupt."
        )
    found = Interrupt.objects.select_related("tool_call", "run__thread").in_bulk(ids)
    rows = [_theirs(viewer, command, found.get(key)) for key in ids]
    if len({row.run_id for row in rows}) > 1:
        raise InvalidCommand("All interrupts of a command must be of one run.")
    for row, answer in zip(rows, command.answers, strict=True):
        if answer.decision not in DECISIONS[InterruptKind(row.kind)]:
            raise InvalidCommand(f"{answer.decision} is no answer to {row.kind}.")
    return rows


def _theirs(viewer: Viewer, command: Resolve, row: Interrupt | None) -> Interrupt:
    """The row, if this viewer may answer it; one that they may not even see is as good as missing."""
    if row is None or row.tool_call is None:
        raise InterruptNotFound("Nothing of this id is asked.")
    if command.thread_id not in (None, row.run.thread_id):
        raise InterruptNotFound("Nothing of this id is asked in this thread.")
    thread = row.run.thread
    is_owner = policy().threads(viewer).filter(pk=thread.pk).exists()
    if _may(viewer, row, thread, is_owner=is_owner):
        return row
    if is_owner:
        raise NotAllowed("This is for somebody else to approve.")
    raise InterruptNotFound("Nothing of this id is asked.")


def _may(viewer: Viewer, row: Interrupt, thread: Thread, *, is_owner: bool) -> bool:
    """May they answer it? What its owner is to approve nobody approves for them."""
    if row.permission:
        return policy().can_approve(viewer, row.permission, thread)
    if is_owner or row.kind == InterruptKind.APPROVAL or thread.deleted_at is not None:
        return is_owner
    return policy().can(viewer, Action.ANSWER, thread)


def _resolve(
    viewer: Viewer, command: Resolve | Answer, row: CommandRow, replies: Sequence[Reply]
) -> Outcome:
    run = lock_run(replies[0].interrupt.run_id)
    found: list[events.AnyEvent] = []
    for reply in _current(replies):
        _check_open(run, reply.interrupt)
        _check_claim(command.tab, reply.interrupt)
    _check_faults([reply.fault for reply in replies if reply.fault is not None])
    for reply in sorted(replies, key=lambda reply: reply.interrupt.pk):
        _close(viewer, command, row, reply)  # in one order, whoever locks them
    for reply in replies:
        found += reply.events(run)
    row.thread_id, row.run = run.thread_id, run
    row.last_position = go_on(run, found)
    return {
        "thread": str(run.thread_id),
        "interrupts": [str(reply.interrupt.pk) for reply in replies],
    }


def _current(replies: Sequence[Reply]) -> list[Reply]:
    """The replies with their interrupts as they are now that the run is locked."""
    rows = Interrupt.objects.select_related("tool_call").in_bulk(
        [reply.interrupt.pk for reply in replies]
    )
    return [replace(r, interrupt=rows[r.interrupt.pk]) for r in replies]


def _check_open(run: Run, row: Interrupt) -> None:
    if row.status == InterruptStatus.ANSWERED:
        raise AnswerDuplicate("This has been answered.")
    is_over = row.expires_at is not None and row.expires_at < clock.read()
    if (
        row.status != InterruptStatus.OPEN
        or is_over
        or run.status == RunStatus.CANCELLING
    ):
        raise AnswerLate("This is closed.")


def _check_claim(tab: str, row: Interrupt) -> None:
    """A client tool that another page runs is that page's to answer."""
    call, now = row.tool_call, clock.read()
    if row.kind != InterruptKind.CLIENT_TOOL or call is None:
        return
    until = row.claim_until or now
    is_held = until > now or call.effect == Effect.ONCE
    if is_held and row.claimed_by not in ("", tab):
        left = max(0.1, (until - now).total_seconds())
        raise ClaimHeld("Another page runs this call.", retry_after=left)


def _check_faults(faults: Sequence[AnswerRefused]) -> None:
    """Refuse what can't be read here, or all that doesn't fit together."""
    unfit = [fault for fault in faults if isinstance(fault, AnswerInvalid)]
    for fault in faults:
        if fault not in unfit:
            raise fault
    if unfit:
        errors = [error for fault in unfit for error in fault.errors]
        raise AnswerInvalid(str(unfit[0]), errors=errors)


def _close(
    viewer: Viewer, command: Resolve | Answer, row: CommandRow, reply: Reply
) -> None:
    closed = reply.interrupt
    closed.status = InterruptStatus.ANSWERED
    closed.decision = reply.decision
    closed.answer = reply.answer
    closed.answered_by = viewer.user
    closed.answered_at = clock.read()
    closed.submission_id = command.id
    closed.answer_digest = row.digest
    closed.save(
        update_fields=[
            "status",
            "decision",
            "answer",
            "answered_by",
            "answered_at",
            "submission_id",
            "answer_digest",
        ]
    )
