"""A thread as people read it: rows in, one page of plain values for the template out."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TypeVar
from uuid import UUID

from django.db.models import Q

from chatkit_app.admin.read_only import LONGEST, cut, pretty
from chatkit_app.engine.states import (
    ACTIVE_RUN_STATUSES,
    PartKind,
    PartState,
    ToolCallStatus,
    shown_state,
)
from chatkit_app.log.fold import open_texts
from chatkit_app.models import Interrupt, Message, Part, Run, Step, Thread, ToolCall

MESSAGES = 50
"""Shown messages of a page; what is not shown comes along with what is shown in its place."""

T = TypeVar("T")


@dataclass(frozen=True, slots=True, kw_only=True)
class CallEntry:
    """A tool call with everything that was asked and answered. ``seconds`` while it ran."""

    call: ToolCall
    state: str
    arguments: str
    edited: str
    result: str
    interrupts: Sequence[Interrupt]

    @property
    def seconds(self) -> float | None:
        return between(self.call.started_at, self.call.finished_at)


@dataclass(frozen=True, slots=True, kw_only=True)
class PartEntry:
    """A part as it stands, its text also where it is still being written."""

    part: Part
    text: str
    call: CallEntry | None


@dataclass(frozen=True, slots=True, kw_only=True)
class StepEntry:
    """One request to the provider and what came of it; without a step: what a person wrote."""

    step: Step | None
    parts: Sequence[PartEntry]

    @property
    def first_token_seconds(self) -> float | None:
        return (
            between(self.step.created_at, self.step.first_token_at)
            if self.step
            else None
        )

    @property
    def seconds(self) -> float | None:
        return (
            between(self.step.created_at, self.step.finished_at) if self.step else None
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class MessageEntry:
    """A message, the run that wrote it, and its steps."""

    message: Message
    run: Run | None
    steps: Sequence[StepEntry]

    @property
    def seconds(self) -> float | None:
        return between(self.run.created_at, self.run.finished_at) if self.run else None


@dataclass(frozen=True, slots=True, kw_only=True)
class Timeline:
    """Oldest first. ``earlier`` is the depth before which the page before this one lies."""

    entries: Sequence[MessageEntry]
    earlier: int | None
    is_newest: bool


def between(start: datetime | None, end: datetime | None) -> float | None:
    """Seconds; None as long as either has not come."""
    return (end - start).total_seconds() if start and end else None


def timeline_of(thread: Thread, before: int | None = None) -> Timeline:
    """The newest page, or the one before a depth, in a constant number of queries."""
    place = Q() if before is None else Q(depth__lt=before)
    messages = Message.objects.filter(place, thread=thread)
    depths = (
        messages.filter(is_shown=True)
        .order_by("-depth")
        .values_list("depth", flat=True)
    )
    newest = list(depths[: MESSAGES + 1])
    has_earlier = len(newest) > MESSAGES
    first = newest[MESSAGES - 1] if has_earlier else 0
    page = list(
        messages.filter(depth__gte=first)
        .select_related("author")
        .order_by("depth", "id")
    )
    return Timeline(
        entries=_Rows(page).entries(),
        earlier=first if has_earlier else None,
        is_newest=before is None,
    )


class _Rows:
    """What belongs to a page of messages, read table by table."""

    def __init__(self, messages: Sequence[Message]) -> None:
        self._messages = messages
        runs = Run.objects.filter(answer__in=messages).select_related("started_by")
        self._runs = {run.answer_id: run for run in runs.order_by("id")}
        self._steps = _grouped(
            Step.objects.filter(run__in=list(self._runs.values())).order_by(
                "index", "attempt"
            ),
            "run_id",
        )
        parts = list(
            Part.objects.filter(message__in=messages)
            .select_related("tool_call")
            .defer("provider_data")
            .order_by("message_id", "index")
        )
        self._parts = _grouped(parts, "message_id")
        calls = {part.tool_call_id for part in parts if part.tool_call_id}
        self._interrupts = _grouped(
            Interrupt.objects.filter(tool_call__in=calls)
            .select_related("answered_by")
            .order_by("id"),
            "tool_call_id",
        )
        self._texts = self._open_texts(parts)

    def _open_texts(self, parts: Iterable[Part]) -> dict[str, str]:
        """Of a thread's runs one may be writing; what it has written so far is in the log."""
        if not any(part.state == PartState.STREAMING for part in parts):
            return {}
        active = (
            run for run in self._runs.values() if run.status in ACTIVE_RUN_STATUSES
        )
        return {
            part: text for run in active for part, text in open_texts(run.pk).items()
        }

    def entries(self) -> list[MessageEntry]:
        return [self._message(message) for message in self._messages]

    def _message(self, message: Message) -> MessageEntry:
        run = self._runs.get(message.pk)
        by_step = _grouped(self._parts[message.pk], "step_id")
        steps: list[Step | None] = list(self._steps[run.pk]) if run else []
        return MessageEntry(
            message=message,
            run=run,
            steps=[
                StepEntry(
                    step=step, parts=self._entries(by_step[step.pk if step else None])
                )
                for step in [None, *steps]
                if step or by_step[None]
            ],
        )

    def _entries(self, parts: Iterable[Part]) -> list[PartEntry]:
        """A call's result is told with the call, where the call is."""
        return [
            self._part(part)
            for part in parts
            if part.kind != PartKind.TOOL_RESULT or part.tool_call is None
        ]

    def _part(self, part: Part) -> PartEntry:
        is_open = part.state == PartState.STREAMING
        text = self._texts.get(str(part.pk), part.text) if is_open else part.text
        call = self._call(part.tool_call, text) if part.tool_call else None
        return PartEntry(part=part, text=text, call=call)

    def _call(self, call: ToolCall, arguments: str) -> CallEntry:
        is_completed = call.status == ToolCallStatus.COMPLETED
        return CallEntry(
            call=call,
            state=shown_state(call.status, has_arguments=bool(arguments)),
            arguments=_arguments(call, arguments),
            edited=""
            if call.edited_input is None
            else pretty(call.edited_input, LONGEST),
            result=pretty(call.output, LONGEST) if is_completed else "",
            interrupts=self._interrupts[call.pk],
        )


def _arguments(call: ToolCall, text: str) -> str:
    """What the model wrote: as JSON where it is, else as it came."""
    try:
        return pretty(json.loads(call.arguments or text), LONGEST)
    except (ValueError, RecursionError):
        return cut(call.arguments or text)


def _grouped(rows: Iterable[T], key: str) -> dict[UUID | None, list[T]]:
    groups: dict[UUID | None, list[T]] = defaultdict(list)
    for row in rows:
        groups[getattr(row, key)].append(row)
    return groups
