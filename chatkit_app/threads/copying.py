"""What was said in a thread as rows of another one: messages, parts, and the record of their runs.

A copy tells the model and people what the original tells them. It has cost nothing, is counted
nowhere (``Run.copy_of``), and nothing in it waits for anybody.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, TypeVar
from uuid import UUID

from django.db.models import Model, QuerySet
from django.utils import timezone

from chatkit_app.engine.states import (
    ACTIVE_RUN_STATUSES,
    OPEN_TOOL_CALL_STATUSES,
    InterruptStatus,
    PartKind,
    PartState,
    RunStatus,
    StepStatus,
    ToolCallStatus,
)
from chatkit_app.models import (
    Interrupt,
    Message,
    Part,
    Run,
    Step,
    Thread,
    ToolCall,
    new_id,
)
from chatkit_app.runs.closing import CANCELLED_TEXT
from chatkit_app.runs.transcript import result_base

MESSAGES = 100
"""Messages that are read at once: with all that their tools have said they may be large."""

M = TypeVar("M", bound=Model)


@dataclass(slots=True, kw_only=True)
class Copies:
    """Which row stands for which: by the original's key the copy's. Not frozen: it grows."""

    attachments: Mapping[UUID, UUID]
    messages: dict[UUID, UUID] = field(default_factory=dict)
    runs: dict[UUID, UUID] = field(default_factory=dict)
    steps: dict[UUID, UUID] = field(default_factory=dict)
    calls: dict[UUID, UUID] = field(default_factory=dict)


def copy_messages(
    path: Sequence[UUID], thread: Thread, attachments: Mapping[UUID, UUID]
) -> None:
    """Write the messages of a path, from its beginning, into an empty thread; in a transaction.

    ``attachments`` are the copies of their files, by the originals' keys; one that is not among them
    is gone.
    """
    copies, now = Copies(attachments=attachments), timezone.now()
    copies.messages.update(_new_ids(path))
    for begin in range(0, len(path), MESSAGES):
        some = path[begin : begin + MESSAGES]
        _copy_said(some, thread, copies, begin)
        _copy_done(some, thread, copies, now)
        _copy_parts(some, copies)


def _copy_said(
    some: Sequence[UUID], thread: Thread, copies: Copies, first: int
) -> None:
    """The messages themselves; their runs come in the same transaction."""
    rows = Message.objects.in_bulk(some)
    runs = Run.objects.filter(answer__in=some)
    copies.runs.update(_new_ids(runs.order_by("id").values_list("pk", flat=True)))
    before = list(copies.messages.values())
    Message.objects.bulk_create(
        _like(
            rows[pk],
            copies.messages[pk],
            thread_id=thread.pk,
            parent_id=before[depth - 1] if depth else None,
            depth=depth,
            client_id=None,
            run_id=_found(copies.runs, rows[pk].run_id),
        )
        for depth, pk in enumerate(some, first)
    )


def _copy_done(
    some: Sequence[UUID], thread: Thread, copies: Copies, now: datetime
) -> None:
    """How the answers came about: runs, their steps and calls, and what was asked for them."""
    runs = Run.objects.filter(answer__in=some)
    Run.objects.bulk_create(_run_like(row, thread, copies, now) for row in runs)
    steps = _with_new_ids(Step.objects.filter(run__in=runs), copies.steps)
    Step.objects.bulk_create(_step_like(row, copies, now) for row in steps)
    calls = _with_new_ids(ToolCall.objects.filter(run__in=runs), copies.calls)
    ToolCall.objects.bulk_create(_call_like(row, copies, now) for row in calls)
    asked = Interrupt.objects.filter(run__in=runs).order_by("id")
    Interrupt.objects.bulk_create(_interrupt_like(row, copies) for row in asked)


def _copy_parts(some: Sequence[UUID], copies: Copies) -> None:
    rows = Part.objects.filter(message__in=some).select_related("tool_call")
    found = list(rows.order_by("message_id", "index"))
    new = [_part_like(row, copies) for row in found]
    Part.objects.bulk_create([*new, *_results_of_cancelled(found, copies)])


def _run_like(row: Run, thread: Thread, copies: Copies, now: datetime) -> Run:
    """A record of a run that has ended: nobody holds it, and it has cost nothing."""
    answer = copies.messages[row.answer_id]
    ended: dict[str, Any] = {}
    if row.status in ACTIVE_RUN_STATUSES:
        ended = {"status": RunStatus.CANCELLED, "finished_at": now}
    visitor = {"visitor": str(thread.visitor)} if thread.visitor else {}
    return _like(
        row,
        copies.runs[row.pk],
        thread_id=thread.pk,
        # Whoever forks has it tried again with their own rights.
        started_by_id=thread.user_id,
        context={**_without_visitor(row.context), **visitor},
        prompt_id=copies.messages.get(row.prompt_id, answer),
        answer_id=answer,
        owner=None,
        lease_until=None,
        batch=0,
        takeovers=0,
        expires_at=None,
        cost=None,
        counted_at=row.counted_at or now,
        tallied_at=row.tallied_at or now,
        copy_of=row.copy_of or row.pk,
        **ended,
    )


def _without_visitor(context: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in context.items() if name != "visitor"}


def _step_like(row: Step, copies: Copies, now: datetime) -> Step:
    ended: dict[str, Any] = {}
    if row.status == StepStatus.OPEN:
        ended = {
            "status": StepStatus.FAILED,
            "error_code": str(RunStatus.CANCELLED),
            "finished_at": now,
        }
    return _like(
        row,
        copies.steps[row.pk],
        run_id=copies.runs[row.run_id],
        input_tokens=0,
        cached_tokens=0,
        output_tokens=0,
        reasoning_tokens=0,
        cost=None,
        counted_at=row.counted_at or now,
        **ended,
    )


def _call_like(row: ToolCall, copies: Copies, now: datetime) -> ToolCall:
    """An open one ends as the calls of a run that is cancelled do."""
    ended: dict[str, Any] = {}
    if row.status in OPEN_TOOL_CALL_STATUSES:
        ended = {
            "status": ToolCallStatus.CANCELLED,
            "error_code": "cancelled",
            "error_text": CANCELLED_TEXT,
            "finished_at": now,
        }
    return _like(
        row,
        copies.calls[row.pk],
        run_id=copies.runs[row.run_id],
        step_id=copies.steps[row.step_id],
        job_owner=None,
        job_until=None,
        **ended,
    )


def _interrupt_like(row: Interrupt, copies: Copies) -> Interrupt:
    """Nobody holds it, and whoever answered the original can't answer this one again."""
    is_open = row.status == InterruptStatus.OPEN
    return _like(
        row,
        new_id(),
        run_id=copies.runs[row.run_id],
        step_id=_found(copies.steps, row.step_id),
        tool_call_id=_found(copies.calls, row.tool_call_id),
        status=InterruptStatus.CANCELLED if is_open else row.status,
        claimed_by="",
        claim_token=None,
        claim_until=None,
        submission_id="",
        answer_digest="",
    )


def _part_like(row: Part, copies: Copies) -> Part:
    is_open = row.state == PartState.STREAMING
    return _like(
        row,
        new_id(),
        message_id=copies.messages[row.message_id],
        step_id=_found(copies.steps, row.step_id),
        tool_call_id=_found(copies.calls, row.tool_call_id),
        attachment_id=_found(copies.attachments, row.attachment_id),
        state=PartState.INTERRUPTED if is_open else row.state,
        position=0,
    )


def _results_of_cancelled(parts: Sequence[Part], copies: Copies) -> Iterator[Part]:
    """For each call that ends with its copy the part in which people read that it did."""
    for part in parts:
        call = part.tool_call
        if part.kind != PartKind.TOOL_CALL or call is None:
            continue
        if call.status in OPEN_TOOL_CALL_STATUSES:
            beside = [each for each in parts if each.message_id == part.message_id]
            yield Part(
                message_id=copies.messages[part.message_id],
                step_id=copies.steps[call.step_id],
                tool_call_id=copies.calls[call.pk],
                index=result_base(call.step_id, beside) + call.index,
                kind=PartKind.TOOL_RESULT,
                state=PartState.ERROR,
                text="",
                position=0,
            )


def _found(copies: Mapping[UUID, UUID], pk: UUID | None) -> UUID | None:
    return copies.get(pk) if pk else None


def _with_new_ids(rows: QuerySet[M], known: dict[UUID, UUID]) -> list[M]:
    found = list(rows.order_by("id"))
    known.update(_new_ids(row.pk for row in found))
    return found


def _new_ids(keys: Iterable[UUID]) -> dict[UUID, UUID]:
    """Made one after the other: copies are in the order of their originals."""
    return {key: new_id() for key in keys}


def _like(row: M, pk: UUID, **changes: Any) -> M:
    """A row with all columns of another but these (Any: each of its own type); not saved yet."""
    columns = {
        each.attname: getattr(row, each.attname) for each in row._meta.concrete_fields
    }
    return type(row)(**{**columns, "id": pk, **changes})
