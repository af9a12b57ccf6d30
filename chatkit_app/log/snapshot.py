"""A thread as it stands at one position: what a page starts from when it can't go on from its own.

Messages and parts have one shape everywhere: here, in the history API and in the browser's store.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db import connections, router, transaction
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.models import Q, prefetch_related_objects
from pydantic import JsonValue

from chatkit_app.engine.schema import dump_json
from chatkit_app.engine.states import (
    ACTIVE_RUN_STATUSES,
    OPEN_TOOL_CALL_STATUSES,
    InterruptKind,
    InterruptStatus,
    PartKind,
    PartState,
    RunStatus,
    StepStatus,
    ToolCallStatus,
    WaitsFor,
    shown_state,
)
from chatkit_app.log.branches import author_name, feedback_on, siblings_of
from chatkit_app.log.clipping import within_budget
from chatkit_app.log.files import file_part_as_json
from chatkit_app.log.fold import open_texts
from chatkit_app.log.interrupts import (
    CallsInterrupts,
    approval_as_json,
    interrupt_as_json,
)
from chatkit_app.models import (
    Event,
    Interrupt,
    Message,
    Part,
    Run,
    Step,
    Thread,
    ToolCall,
)

MESSAGES = 50
"""Messages in a snapshot; older ones come page by page from the history API."""
BUDGET_BYTES = 256_000
"""What a snapshot's messages may have as JSON; one message at least is in it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Snapshot:
    """What a thread is at ``position`` of ``epoch``."""

    epoch: str
    position: int
    content: dict[str, JsonValue]


@contextmanager
def one_moment() -> Iterator[None]:
    """All reads inside see the same state of the database, and hold up nobody who writes."""
    alias = router.db_for_write(
        Thread
    )  # never a replica: it would lack the newest events
    connection = connections[alias]
    is_outermost = not connection.in_atomic_block
    with _deferred(connection), transaction.atomic(using=alias):
        if connection.vendor == "postgresql" and is_outermost:
            with connection.cursor() as cursor:
                cursor.execute(
                    "SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY"
                )
        yield


@contextmanager
def _deferred(connection: BaseDatabaseWrapper) -> Iterator[None]:
    """On SQLite begin without the write lock, which the IMMEDIATE of the settings would take."""
    mode = getattr(connection, "transaction_mode", None)
    if connection.vendor != "sqlite" or mode is None:
        yield
        return
    connection.transaction_mode = "DEFERRED"  # type: ignore[attr-defined]  # SQLite's has it
    try:
        yield
    finally:
        connection.transaction_mode = mode  # type: ignore[attr-defined]  # SQLite's has it


def take_snapshot(thread_id: UUID) -> Snapshot:
    """The newest messages of a thread, the newest run among what is shown, and their position."""
    with one_moment():
        thread = Thread.objects.get(pk=thread_id)
        newest = list(
            Message.objects.filter(thread=thread, is_shown=True).order_by("-depth")[
                : MESSAGES + 1
            ]
        )
        shown = newest[:MESSAGES][::-1]
        runs = Run.objects.filter(thread=thread, answer__is_shown=True)
        run = runs.order_by("-created_at", "-id").first()
        fitting = within_budget(messages_as_json(shown), BUDGET_BYTES)
        content: dict[str, JsonValue] = {
            "thread": thread_as_json(thread),
            "messages": [*fitting],
            "run": run_as_json(run) if run else None,
            "earlier": len(newest) > len(fitting),
        }
        return Snapshot(epoch=thread.epoch, position=thread.position, content=content)


def read_frames(
    thread: UUID, after: int, limit: int, epoch: str | None = None
) -> list[tuple[int, str]]:
    """Positions and encoded events that follow ``after``; none, if the thread has another epoch."""
    found = Event.objects.filter(thread=thread, position__gt=after).order_by("position")
    if epoch is not None:
        found = found.filter(thread__epoch=epoch)
    return list(found.values_list("position", "data")[:limit])


def thread_as_json(thread: Thread) -> dict[str, JsonValue]:
    """A thread in a frame or an API's answer."""
    return {
        "id": str(thread.pk),
        "assistant": thread.assistant,
        "title": thread.title,
        "status": thread.status,
    }


def run_as_json(run: Run) -> dict[str, JsonValue]:
    """A run in a frame or an API's answer."""
    return {
        "id": str(run.pk),
        "status": run.status,
        "answerId": str(run.answer_id),
        "errorCode": run.error_code or None,
        "errorText": run.error_text or None,
        "retry": _retry(run),
        "interrupts": _open_interrupts(run),
    }


def _open_interrupts(run: Run) -> list[JsonValue]:
    """What the run asks of the outside, and what of it has not been answered.

    Their forms' HTML is in the calls' parts: twice would be too much for a frame.
    """
    if run.status not in ACTIVE_RUN_STATUSES:
        return []
    found = Interrupt.objects.filter(run=run, status=InterruptStatus.OPEN)
    rows = found.order_by("created_at", "id")
    return [{**interrupt_as_json(row), "form": None} for row in rows]


def _retry(run: Run) -> JsonValue:
    """Why the answer is being asked again, as long as nothing of the new one has come."""
    if run.status not in (RunStatus.IN_PROGRESS, RunStatus.CANCELLING):
        return None
    newest = list(Step.objects.filter(run=run).order_by("-index", "-attempt")[:2])
    if newest and newest[0].status == StepStatus.OPEN:
        if newest[0].parts.exists():
            return None
        del newest[0]
    if not newest or newest[0].status != StepStatus.VOID:
        return None
    void = newest[0]
    return {
        "code": void.error_code,
        "attempt": void.attempt,
        "retryAt": _time(void.retry_at),
    }


def messages_as_json(messages: Sequence[Message]) -> list[dict[str, JsonValue]]:
    """Messages with their parts, in a constant number of queries; open parts from the log."""
    ids = [message.pk for message in messages]
    siblings, feedback = siblings_of(messages), feedback_on(messages)
    prefetch_related_objects(messages, "author")
    parts: dict[UUID, list[Part]] = defaultdict(list)
    visible = Q(step__isnull=True) | ~Q(step__status="void")
    for part in (
        Part.objects.filter(visible, message__in=ids)
        .select_related("tool_call")
        .order_by("index")
    ):
        parts[part.message_id].append(part)
    found = [part for of_message in parts.values() for part in of_message]
    interrupts = CallsInterrupts(
        [
            part.tool_call_id
            for part in found
            if part.kind == PartKind.TOOL_CALL and part.tool_call_id
        ]
    )
    texts = _texts(messages, found)
    return [
        {
            "id": str(message.pk),
            "role": message.role,
            "status": message.status,
            "clientId": message.client_id,
            "runId": str(message.run_id) if message.run_id else None,
            "createdAt": _time(message.created_at),
            "parentId": str(message.parent_id) if message.parent_id else None,
            "siblings": [*siblings[message.pk]],
            "author": _author(message),
            "feedback": feedback.get(message.pk),
            "parts": [
                _part_as_json(part, texts, interrupts) for part in parts[message.pk]
            ],
        }
        for message in messages
    ]


def _author(message: Message) -> JsonValue:
    name = author_name(message)
    return None if name is None else {"name": name}


def _texts(messages: Sequence[Message], parts: Sequence[Part]) -> dict[str, str]:
    """The text of the parts that are still streaming: a thread has one run at most that writes."""
    streaming = {part.message_id for part in parts if part.state == PartState.STREAMING}
    runs = [
        message.run_id
        for message in messages
        if message.pk in streaming and message.run_id
    ]
    return {part: text for run in runs for part, text in open_texts(run).items()}


def _part_as_json(
    part: Part, texts: dict[str, str], interrupts: CallsInterrupts
) -> dict[str, JsonValue]:
    if part.kind == PartKind.FILE:
        return file_part_as_json(part)
    place: dict[str, JsonValue] = {
        "type": part.kind,
        "partId": str(part.pk),
        "index": part.index,
        "stepId": str(part.step_id) if part.step_id else None,
    }
    text = (
        texts.get(str(part.pk), "") if part.state == PartState.STREAMING else part.text
    )
    if part.tool_call is None:
        return {**place, "content": text, "state": part.state}
    if part.kind == PartKind.TOOL_RESULT:
        return {**place, **_result_as_json(part.tool_call)}
    return {**place, **_call_as_json(part.tool_call, text, interrupts)}


def _call_as_json(
    call: ToolCall, arguments: str, interrupts: CallsInterrupts
) -> dict[str, JsonValue]:
    is_waiting = call.status == ToolCallStatus.WAITING
    asked = interrupts.open(call.pk) if is_waiting else None
    approval = interrupts.approval(call.pk)
    is_responded = approval.status == InterruptStatus.ANSWERED if approval else None
    shown: dict[str, JsonValue] = {
        "id": str(call.pk),
        "name": call.name,
        "arguments": arguments,
        "input": call.input,
        "editedInput": call.edited_input,
        "state": shown_state(
            call.status, has_arguments=bool(arguments), is_responded=is_responded
        ),
        "status": call.status,
        "executor": call.executor or None,
        "waitsFor": _waits_for(asked) if is_waiting else None,
        "interrupt": interrupt_as_json(asked) if asked else None,
        "approval": approval_as_json(approval),
        "claimedBy": (asked.claimed_by if asked else "") or None,
        "progress": call.progress if call.status in OPEN_TOOL_CALL_STATUSES else None,
        "deadlineAt": _time(call.deadline_at),
    }
    if call.status == ToolCallStatus.COMPLETED:
        shown["output"] = call.output
    return shown


def _waits_for(asked: Interrupt | None) -> WaitsFor:
    if asked is None:
        return WaitsFor.JOB
    is_pages = asked.kind == InterruptKind.CLIENT_TOOL
    return WaitsFor.CLIENT if is_pages else WaitsFor.PERSON


def _result_as_json(call: ToolCall) -> dict[str, JsonValue]:
    shown: dict[str, JsonValue] = {"toolCallId": str(call.pk)}
    if call.status == ToolCallStatus.COMPLETED:
        return {**shown, "content": dump_json(call.output), "state": "complete"}
    return {
        **shown,
        "content": call.error_text,
        "state": "error",
        "error": {"code": call.error_code, "text": call.error_text},
    }


def _time(value: datetime | None) -> Any:
    return value.isoformat().replace("+00:00", "Z") if value else None
