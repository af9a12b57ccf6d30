"""One answer to one interrupt, read: what it comes to, or what is wrong with it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from django.db import transaction
from django.db.models import F
from pydantic import JsonValue, ValidationError

from chatkit_app.conf import settings
from chatkit_app.engine.assembler import sound
from chatkit_app.engine.calls import ERROR_CHARS, Result, completed, failed
from chatkit_app.engine.commands import InterruptAnswer
from chatkit_app.engine.events import AnyEvent, ToolCallChanged
from chatkit_app.engine.questions import question_of
from chatkit_app.engine.schema import dump_json
from chatkit_app.engine.states import (
    Decision,
    InterruptKind,
    InterruptStatus,
    ToolCallState,
    ToolCallStatus,
)
from chatkit_app.engine.tools import Tool
from chatkit_app.exceptions import (
    AnswerInvalid,
    AnswerRefused,
    Fault,
    NotKnownHere,
    ToolError,
)
from chatkit_app.log.interrupts import approval_told
from chatkit_app.models import Interrupt, Run, ToolCall
from chatkit_app.registry import UnknownAssistant
from chatkit_app.runs.briefing import tools_of_run
from chatkit_app.runs.settling import ended

UNFIT = "The page's outputs did not fit the tool's schema."
STRIKES = 3
"""Outputs of a page that don't fit before that itself becomes the call's error."""

DENIED = "The person who was asked did not allow this call."
INSTEAD = "This was not run. The person who was asked to approve it answered instead: "
NOT_HERE = "The server does not know this tool now; it may be being updated."


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    """What becomes of an interrupt and its call: a ``result``, or the call goes back to the queue.

    ``answer`` is what the interrupt's row keeps. ``fault``: the answer does not fit, or can't be read.
    """

    interrupt: Interrupt
    decision: Decision
    answer: JsonValue = None
    result: Result | None = None
    edited_input: JsonValue = None
    fault: AnswerRefused | None = None

    def events(self, run: Run) -> list[AnyEvent]:
        """What happens to the call; the interrupt's row is answered already."""
        call = self.interrupt.tool_call
        assert call is not None  # noqa: S101 (what has none is not answered)
        if self.result is not None:
            return [ended(run, call, self.result)]
        return [self._queued(call)]

    def _queued(self, call: ToolCall) -> ToolCallChanged:
        is_approval = self.interrupt.kind == InterruptKind.APPROVAL
        responded = is_approval or _was_approved(call)
        return ToolCallChanged(
            tool_call_id=str(call.pk),
            status=ToolCallStatus.QUEUED,
            state=ToolCallState.APPROVAL_RESPONDED
            if responded
            else ToolCallState.INPUT_COMPLETE,
            edited_input=self.edited_input,
            approval=approval_told(self.interrupt) if is_approval else None,
        )


def _was_approved(call: ToolCall) -> bool:
    asked = Interrupt.objects.filter(tool_call=call, kind=InterruptKind.APPROVAL)
    return asked.filter(status=InterruptStatus.ANSWERED).exists()


class Tools:
    """The tools of a run, as the site's assistant has them now for whoever started it: asked once."""

    def __init__(self) -> None:
        self._known: Mapping[str, Tool] | None = None

    def of(self, row: Interrupt) -> Tool | None:
        """The tool that the row is about; None where this process does not know it."""
        if self._known is None:
            try:
                self._known = tools_of_run(row.run).known
            except UnknownAssistant:
                self._known = {}
        return self._known.get(row.tool_call.name) if row.tool_call else None


def reply_to(
    row: Interrupt, answer: InterruptAnswer, tools: Tools | None = None
) -> Reply:
    """Read an answer with the site's own types, whatever has become of the interrupt meanwhile.

    ``tools`` are those of the row's run, where several answers are to one.
    """
    reply = Reply(interrupt=row, decision=answer.decision)
    text = sound(answer.text)[:ERROR_CHARS]
    match answer.decision:
        case Decision.APPROVE:
            return reply
        case Decision.DENY:
            why = f"{DENIED} Their reason: {text}" if text else DENIED
            return replace(reply, answer={"text": text}, result=failed("denied", why))
        case Decision.RESPOND:
            if not text.strip():
                return _unfit(reply, AnswerInvalid("The words are missing."))
            said = failed("answered_instead", INSTEAD + text)
            return replace(reply, answer={"text": text}, result=said)
        case Decision.SKIP:
            return reply
        case Decision.FAIL:
            why = text or "The page's tool failed."
            return replace(reply, result=failed("client_error", why))
        case Decision.EDIT | Decision.ANSWER:
            return _read(reply, answer, (tools or Tools()).of(row))


def _read(reply: Reply, answer: InterruptAnswer, tool: Tool | None) -> Reply:
    """What is held against the tool's types: edited arguments, an output, an answer."""
    if tool is None:
        return replace(reply, fault=NotKnownHere(NOT_HERE))
    try:
        if answer.decision is Decision.EDIT:
            return _edited(reply, tool, answer.input)
        if reply.interrupt.kind == InterruptKind.QUESTION:
            return _answered(reply, tool, answer.output)
        return _output(reply, tool, answer.output)
    except AnswerInvalid as error:
        return _unfit(reply, error)
    except ToolError as error:
        return _unfit(reply, AnswerInvalid(str(error), errors=_faults(error)))


def _unfit(reply: Reply, error: AnswerInvalid) -> Reply:
    """Name the interrupt in each fault: a batch has several."""
    mine = str(reply.interrupt.pk)
    faults = error.errors or (Fault(field="", message=str(error)),)
    told = [replace(fault, interrupt=mine) for fault in faults]
    return replace(reply, fault=AnswerInvalid(str(error), errors=told))


def _faults(error: ToolError) -> Sequence[Fault]:
    """Where the values don't fit, if it was Pydantic that said so."""
    cause = error.__cause__
    if not isinstance(cause, ValidationError):
        return ()
    return [
        Fault(field=".".join(map(str, found["loc"])), message=found["msg"])
        for found in cause.errors(include_url=False, include_input=False)[:50]
    ]


def _edited(reply: Reply, tool: Tool, value: JsonValue) -> Reply:
    definition = tool.definition
    edited = definition.dump_input(definition.read_input(dump_json(value)))
    if len(dump_json(edited).encode("utf-8", "replace")) > settings.MAX_OUTPUT_BYTES:
        raise AnswerInvalid("The arguments are too large.")
    return replace(reply, answer={"input": edited}, edited_input=edited)


def _answered(reply: Reply, tool: Tool, value: JsonValue) -> Reply:
    request = reply.interrupt.request or {}
    for kind in tool.definition.questions:
        question = question_of(kind)
        if question.name == request.get("question"):
            return replace(reply, answer=question.read(value, request.get("arguments")))
    return replace(reply, fault=NotKnownHere(NOT_HERE))


def _output(reply: Reply, tool: Tool, value: JsonValue) -> Reply:
    output = tool.definition.read_output(value)
    return replace(reply, result=completed(output, max_bytes=settings.MAX_OUTPUT_BYTES))


def strike(reply: Reply) -> Reply:
    """Count an output of a page that didn't fit; after the last one, that is the call's result.

    It is counted though its command was refused.
    """
    row = reply.interrupt
    is_unfit = isinstance(reply.fault, AnswerInvalid)
    if not is_unfit or row.kind != InterruptKind.CLIENT_TOOL:
        return reply
    with transaction.atomic():
        still_open = Interrupt.objects.filter(pk=row.pk, status=InterruptStatus.OPEN)
        still_open.update(strikes=F("strikes") + 1)
        count = still_open.values_list("strikes", flat=True).first() or 0
    if count < STRIKES:
        return reply
    return replace(reply, fault=None, result=failed("client_error", UNFIT))
