"""A thread as people read it: rows in, one page of plain values for the template out."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TypeVar
from uuid import UUID

from django.db.models import F

from chatkit_app.admin.asked import Asked
from chatkit_app.admin.content import veiled
from chatkit_app.admin.definitions import definition_of, definitions_of
from chatkit_app.admin.described import Line, described
from chatkit_app.admin.lasting import lasting
from chatkit_app.admin.read_only import LONGEST, cut, pretty
from chatkit_app.admin.spent import Spent, spent_in
from chatkit_app.admin.waterfall import Waterfall, waterfall_of
from chatkit_app.admin.windows import Place, Window
from chatkit_app.engine.states import (
    ACTIVE_RUN_STATUSES,
    InterruptStatus,
    PartKind,
    PartState,
    StepStatus,
    ToolCallStatus,
    shown_state,
)
from chatkit_app.log.files import content_url
from chatkit_app.log.fold import open_texts
from chatkit_app.models import (
    Feedback,
    Interrupt,
    Message,
    Part,
    Run,
    Step,
    Thread,
    ToolCall,
)

LONGEST_TEXT = 100_000
"""Characters of one text that a timeline shows."""

T = TypeVar("T")


@dataclass(frozen=True, slots=True, kw_only=True)
class CallEntry:
    """A tool call with everything that was asked and answered. ``seconds`` while it ran.

    ``size`` are the characters of its arguments. A name that no tool has is the model's own word.
    """

    call: ToolCall
    state: str
    size: int
    arguments: str
    edited: str
    result: str
    arguments_lines: Sequence[Line]
    result_lines: Sequence[Line]
    interrupts: Sequence[Asked]

    @property
    def seconds(self) -> float | None:
        return between(self.call.started_at, self.call.finished_at)


@dataclass(frozen=True, slots=True, kw_only=True)
class FileEntry:
    """A file of a message; ``url`` is empty where it is gone, or not theirs to read."""

    name: str
    media_type: str
    size: int
    url: str


@dataclass(frozen=True, slots=True, kw_only=True)
class PartEntry:
    """A part as it stands, its text also where it is still being written; ``size`` in characters.

    ``length`` is that of the text in UTF-16 units, as its deltas count.
    """

    part: Part
    text: str
    size: int
    call: CallEntry | None
    file: FileEntry | None

    @property
    def length(self) -> int | None:
        """None where no delta can be added to what is shown: it has ended, or is cut."""
        is_open = self.part.state == PartState.STREAMING and self.call is None
        if not is_open or self.size != len(self.text):
            return None
        return len(self.text.encode("utf-16-le", "surrogatepass")) // 2

    @property
    def data(self) -> str:
        """What a part without text holds, as JSON."""
        return "" if self.part.data is None else pretty(self.part.data, LONGEST)


@dataclass(frozen=True, slots=True, kw_only=True)
class StepEntry:
    """One request to the provider and what came of it; without a step: what a person wrote."""

    step: Step | None
    parts: Sequence[PartEntry]

    @property
    def is_void(self) -> bool:
        return self.step is not None and self.step.status == StepStatus.VOID

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
    """A message, the run that wrote it, its steps, and what else was said in its place (``beside``)."""

    message: Message
    run: Run | None
    steps: Sequence[StepEntry]
    spent: Spent
    waterfall: Waterfall | None
    feedback: Feedback | None
    place: Place
    beside: Sequence[MessageEntry] = ()

    @property
    def seconds(self) -> float | None:
        return between(self.run.created_at, self.run.finished_at) if self.run else None

    @property
    def lasting(self) -> str:
        return "" if self.seconds is None else lasting(self.seconds)

    @property
    def is_active(self) -> bool:
        """Is it still being written, or waited for?"""
        return self.run is not None and self.run.status in ACTIVE_RUN_STATUSES


@dataclass(frozen=True, slots=True, kw_only=True)
class Timeline:
    """Oldest first. ``earlier`` is the depth before which the page before this one lies."""

    entries: Sequence[MessageEntry]
    earlier: int | None
    is_newest: bool
    branch: Message | None
    may_read: bool


def between(start: datetime | None, end: datetime | None) -> float | None:
    """Seconds; None as long as either has not come."""
    return (end - start).total_seconds() if start and end else None


def timeline_of(thread: Thread, window: Window, *, may_read: bool = True) -> Timeline:
    """What a window shows, in a constant number of queries; without content for who may not read it."""
    messages = [row for place in window.places for row in place.siblings]
    rows = _Rows(thread, messages, may_read=may_read)
    return Timeline(
        entries=[rows.entry(place) for place in window.places],
        earlier=window.earlier,
        is_newest=window.is_newest,
        branch=window.branch,
        may_read=may_read,
    )


class _Rows:
    """What belongs to a page of messages, read table by table."""

    def __init__(
        self, thread: Thread, messages: Sequence[Message], *, may_read: bool
    ) -> None:
        self._definitions = definitions_of(thread.assistant)
        self._may_read = may_read
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
        asked = list(
            Interrupt.objects.filter(tool_call__in=calls)
            .select_related("answered_by", "tool_call")
            .order_by("id")
        )
        self._interrupts = _grouped(asked, "tool_call_id")
        liked = Feedback.objects.filter(
            message__in=messages, owner_key=F("message__thread__owner_key")
        )
        self._feedback = {row.message_id: row for row in liked}
        self._texts = self._open_texts(parts)
        self._sizes = {part.pk: len(self._text(part)) for part in parts}
        self._names = {part.pk: _file_of(part, may_read=may_read) for part in parts}
        if not may_read:
            self._veil([*messages, *parts, *asked])

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

    def _text(self, part: Part) -> str:
        is_open = part.state == PartState.STREAMING
        return self._texts.get(str(part.pk), part.text) if is_open else part.text

    def _veil(self, rows: Sequence[Message | Part | Interrupt]) -> None:
        """Forget all that was said, so that nothing behind this can show it."""
        self._texts = {}
        calls = [row.tool_call for row in rows if not isinstance(row, Message)]
        known = [call for call in calls if call is not None]
        veiled([*rows, *known, *self._runs.values(), *self._feedback.values()])
        for call in known:
            call.name = call.name if call.executor else ""

    def entry(self, place: Place) -> MessageEntry:
        beside = [row for row in place.siblings if row.pk != place.message.pk]
        return self._message(
            place.message, place, [self._message(row, place) for row in beside]
        )

    def _message(
        self, message: Message, place: Place, beside: Sequence[MessageEntry] = ()
    ) -> MessageEntry:
        run = self._runs.get(message.pk)
        by_step = _grouped(self._parts[message.pk], "step_id")
        steps: list[Step] = self._steps[run.pk] if run else []
        entries = [
            StepEntry(
                step=step, parts=self._entries(by_step[step.pk if step else None])
            )
            for step in [None, *steps]
            if step or by_step[None]
        ]
        return MessageEntry(
            message=message,
            run=run,
            steps=entries,
            spent=spent_in(steps),
            waterfall=self._waterfall(run, steps, message) if run else None,
            feedback=self._feedback.get(message.pk),
            place=place,
            beside=beside,
        )

    def _waterfall(
        self, run: Run, steps: Sequence[Step], message: Message
    ) -> Waterfall:
        calls = {
            part.tool_call.pk: part.tool_call
            for part in self._parts[message.pk]
            if part.tool_call is not None
        }
        return waterfall_of(run, steps, calls.values(), self._interrupts)

    def _entries(self, parts: Iterable[Part]) -> list[PartEntry]:
        """A call's result is told with the call, where the call is."""
        return [
            self._part(part)
            for part in parts
            if part.kind != PartKind.TOOL_RESULT or part.tool_call is None
        ]

    def _part(self, part: Part) -> PartEntry:
        text = self._text(part)
        return PartEntry(
            part=part,
            text=cut(text, LONGEST_TEXT),
            size=self._sizes[part.pk],
            call=self._call(part.tool_call, text, self._sizes[part.pk])
            if part.tool_call
            else None,
            file=self._names[part.pk],
        )

    def _call(self, call: ToolCall, arguments: str, size: int) -> CallEntry:
        has_result = call.status == ToolCallStatus.COMPLETED and self._may_read
        asked = [Asked(row=row) for row in self._interrupts[call.pk]]
        approval = next((each.row for each in asked if each.is_approval), None)
        edited = call.edited_input
        return CallEntry(
            call=call,
            state=_state(call, size, approval),
            size=size,
            arguments=_arguments(call, arguments),
            edited="" if edited is None else pretty(edited, LONGEST),
            result=pretty(call.output, LONGEST) if has_result else "",
            arguments_lines=self._arguments_lines(call, approval),
            result_lines=self._result_lines(call) if has_result else (),
            interrupts=asked,
        )

    def _arguments_lines(
        self, call: ToolCall, approval: Interrupt | None
    ) -> Sequence[Line]:
        known = definition_of(call, self._definitions)
        kept = approval.response_schema if approval else None
        schema = known.input_schema if known else kept
        return described(call.input, schema) if schema and call.input else ()

    def _result_lines(self, call: ToolCall) -> Sequence[Line]:
        known = definition_of(call, self._definitions)
        if known is None or not isinstance(call.output, dict):
            return ()
        return described(call.output, known.output_schema)


def _file_of(part: Part, *, may_read: bool) -> FileEntry | None:
    if part.kind != PartKind.FILE:
        return None
    known: Mapping[str, object] = part.data if isinstance(part.data, dict) else {}
    size = known.get("size")
    kept = part.attachment_id if may_read else None
    return FileEntry(
        name=str(known.get("name") or "") if may_read else "",
        media_type=str(known.get("mediaType") or ""),
        size=size if isinstance(size, int) else 0,
        url=content_url(kept) if kept else "",
    )


def _state(call: ToolCall, size: int, approval: Interrupt | None) -> str:
    """What people see of it, as in their pages."""
    is_responded = approval.status == InterruptStatus.ANSWERED if approval else None
    return shown_state(call.status, has_arguments=bool(size), is_responded=is_responded)


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
