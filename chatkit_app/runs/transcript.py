"""From rows to what the model is told, and to where a run stands."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from uuid import UUID

from chatkit_app.engine import messages as told
from chatkit_app.engine.calls import Call, Result, result_part
from chatkit_app.engine.context import Answered
from chatkit_app.engine.history import estimate_tokens
from chatkit_app.engine.limits import TOLD_BYTES
from chatkit_app.engine.loop import Work, said
from chatkit_app.engine.messages import (
    FilePart,
    ProviderData,
    TextPart,
    ToolResultPart,
)
from chatkit_app.engine.states import (
    OPEN_TOOL_CALL_STATUSES,
    Decision,
    Executor,
    PartKind,
    PartState,
    Role,
    StepStatus,
    ToolCallStatus,
)
from chatkit_app.log.interrupts import APPROVED, CallsInterrupts
from chatkit_app.models import Interrupt, Message, Part, Run, Step, ToolCall
from chatkit_app.runs.spending import spent_by

PAGE = 100
"""Messages that are read at once, from the newest back, until the budget is full."""


def load_work(run: Run, *, history_tokens: int, told_bytes: int = TOLD_BYTES) -> Work:
    """Where this run stands, by its rows alone; of an output ``told_bytes`` are told."""
    parts = _parts([run.answer_id])[run.answer_id]
    steps = list(Step.objects.filter(run=run).order_by("index", "attempt"))
    last = next(
        (step for step in reversed(steps) if step.status == StepStatus.COMPLETE), None
    )
    next_step = last.index + 1 if last else 0
    again = [step for step in steps if step.index == next_step]
    calls, base = _calls(last, parts, told_bytes) if last else ((), 0)
    is_settled = all(call.result for call in calls)
    return Work(
        run_id=run.pk,
        message_id=run.answer_id,
        history=_history(run, history_tokens, told_bytes),
        answer=_answer_parts(
            parts, told_bytes, still_open=None if is_settled else last
        ),
        calls=() if is_settled else calls,
        is_answered=last is not None and not calls,
        step_id=last.pk if last else None,
        next_step=next_step,
        next_attempt=1 + len(again),
        retry_at=max((step.retry_at for step in again if step.retry_at), default=None),
        next_index=max([base, *(part.index + 1 for part in parts)]),
        spent=spent_by(run, steps),
    )


def _history(
    run: Run, history_tokens: int, told_bytes: int
) -> tuple[told.Message, ...]:
    """The shown messages before the answer, as many of the newest as the budget can hold."""
    found: list[told.Message] = []
    depth = run.answer.depth
    left = history_tokens
    while left > 0:
        page = list(
            Message.objects.filter(
                thread=run.thread_id, is_shown=True, depth__lt=depth
            ).order_by("-depth")[:PAGE]
        )
        parts = _parts([message.pk for message in page])
        for message in page:
            turn = _message(message, parts[message.pk], told_bytes)
            if turn.parts:
                found.append(turn)
                left -= estimate_tokens(turn)
        if len(page) < PAGE:
            break
        depth = page[-1].depth
    return tuple(reversed(found))


def _parts(message_ids: Sequence[UUID]) -> Mapping[UUID, list[Part]]:
    found: dict[UUID, list[Part]] = defaultdict(list)
    rows = Part.objects.filter(message__in=message_ids).select_related(
        "tool_call", "step"
    )
    for part in rows.order_by("message_id", "index"):
        found[part.message_id].append(part)
    return found


def _message(message: Message, parts: Sequence[Part], told_bytes: int) -> told.Message:
    # The staff's reply has no step either: the model reads it as what it has said itself.
    if message.role == Role.USER or message.author_id is not None:
        said_by_person = tuple(_of_person(part) for part in parts if _is_told(part))
        return told.Message(role=Role(message.role), parts=said_by_person)
    return told.Message(role=Role(message.role), parts=_answer_parts(parts, told_bytes))


def _is_told(part: Part) -> bool:
    return part.kind == PartKind.FILE or (
        part.kind == PartKind.TEXT and part.text != ""
    )


def _of_person(part: Part) -> TextPart | FilePart:
    """A file is told by what the part remembers of it; its bytes are read when they are needed."""
    if part.kind == PartKind.TEXT:
        return TextPart(text=part.text)
    known = part.data if isinstance(part.data, dict) else {}
    return FilePart(
        name=str(known.get("name", "")),
        media_type=str(known.get("mediaType", "")),
        size=int(known.get("size", 0)),
        ref=str(part.attachment_id or ""),
    )


def _answer_parts(
    parts: Sequence[Part], told_bytes: int, *, still_open: Step | None = None
) -> tuple[told.Part, ...]:
    """An answer's parts in the order of its steps; each call with exactly one result.

    Of a step that was never finished only its text counts, of a void one nothing. The results of
    the step that is ``still_open`` come with its calls.
    """
    found: list[told.Part] = []
    for of_step in _by_step(parts):
        step = of_step[0].step
        if step is None or step.status == StepStatus.VOID:
            continue
        is_whole = step.status == StepStatus.COMPLETE
        found += _said(of_step, is_whole=is_whole)
        if is_whole and step != still_open:
            found += [
                _result(part.tool_call, told_bytes)
                for part in of_step
                if part.kind == PartKind.TOOL_CALL and part.tool_call is not None
            ]
    return tuple(found)


def _by_step(parts: Sequence[Part]) -> list[list[Part]]:
    found: dict[UUID | None, list[Part]] = {}
    for part in parts:
        found.setdefault(part.step_id, []).append(part)
    return sorted(found.values(), key=lambda of_step: of_step[0].index)


def _said(parts: Sequence[Part], *, is_whole: bool) -> list[told.Part]:
    return [_told(part, is_whole=is_whole) for part in parts if _counts(part, is_whole)]


def _counts(part: Part, is_whole: bool) -> bool:
    if part.kind == PartKind.TEXT:
        return bool(part.text)
    if part.kind == PartKind.TOOL_CALL:
        return is_whole and part.tool_call is not None
    return is_whole and part.kind == PartKind.REASONING


def _told(part: Part, *, is_whole: bool) -> told.Part:
    call = part.tool_call
    return said(
        PartKind(part.kind),
        part.text,
        provider_data=_data(part) if is_whole else None,
        call=(call.provider_call_id, call.name) if call else ("", ""),
    )


def _data(part: Part) -> ProviderData | None:
    return ProviderData(**part.provider_data) if part.provider_data else None


def _result(call: ToolCall, told_bytes: int) -> ToolResultPart:
    result = Result(
        status=ToolCallStatus(call.status),
        output=call.output,
        error_code=call.error_code or None,
        error_text=call.error_text,
        edited_input=call.edited_input,
    )
    return result_part(call.provider_call_id, call.name, result, max_bytes=told_bytes)


def _calls(
    step: Step, parts: Sequence[Part], told_bytes: int
) -> tuple[tuple[Call, ...], int]:
    """The calls of the step, and the first index after all their results."""
    base = result_base(step.pk, parts)
    rows = [
        part.tool_call
        for part in parts
        if part.step_id == step.pk
        and part.kind == PartKind.TOOL_CALL
        and part.tool_call
    ]
    cut = {part.tool_call_id for part in parts if part.state == PartState.INTERRUPTED}
    interrupts = CallsInterrupts([row.pk for row in rows])
    calls = tuple(
        Call(
            tool_call_id=row.pk,
            provider_call_id=row.provider_call_id,
            name=row.name,
            arguments=row.arguments,
            result_index=base + row.index,
            is_asked=row.status == ToolCallStatus.WAITING,
            is_cut=row.pk in cut,
            is_handed_over=(row.status, row.executor)
            == (ToolCallStatus.RUNNING, Executor.JOB),
            has_begun=row.starts > 0,
            is_approved=_is_approved(interrupts.approval(row.pk)),
            edited_input=row.edited_input,
            answers={
                key: Answered(
                    answer=given.answer,
                    is_skipped=given.decision == Decision.SKIP,
                    question=str((given.request or {}).get("question") or ""),
                    arguments=(given.request or {}).get("arguments"),
                )
                for key, given in interrupts.answers(row.pk).items()
            },
            result=None
            if row.status in OPEN_TOOL_CALL_STATUSES
            else _result(row, told_bytes),
        )
        for row in rows
    )
    return calls, base + len(rows)


def _is_approved(row: Interrupt | None) -> bool:
    return row is not None and row.decision in APPROVED


def result_base(step: UUID, parts: Sequence[Part]) -> int:
    """Where the results of a step's calls begin: behind all that the model has said in it."""
    said = [
        p.index for p in parts if p.step_id == step and p.kind != PartKind.TOOL_RESULT
    ]
    return max(said, default=-1) + 1
