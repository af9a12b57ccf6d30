"""Threads as a document that their owner can take along: everything that was said and done in them.

Read page by page, so that a long history costs no memory, and by a constant number of queries a page.
docs/privacy.md has the shape.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db.models import Count, Q, Sum
from django.utils import timezone
from pydantic import JsonValue

from chatkit_app.access import Action, policy
from chatkit_app.engine.schema import dump_json
from chatkit_app.engine.states import AttachmentStatus, PartKind, PartState, Role
from chatkit_app.engine.viewer import Viewer
from chatkit_app.exceptions import NotAllowed, ThreadNotFound
from chatkit_app.log.fold import open_texts
from chatkit_app.models import (
    Attachment,
    Feedback,
    Interrupt,
    Message,
    Part,
    Run,
    Step,
    Thread,
    ToolCall,
    Usage,
)
from chatkit_app.threads.accesses import note
from chatkit_app.threads.erase import Owner, pages_of

VERSION = 1
"""Of the shape: a later one only adds."""
PAGE = 100
"""Messages that are read at once."""

Json = dict[str, JsonValue]


@dataclass(frozen=True, slots=True, kw_only=True)
class Export:
    """What is exported: some threads, and what else is their owner's, where it is all of theirs.

    Of those it is what the policy lets ``viewer`` take; all of them without one.
    """

    threads: Sequence[UUID] | None = None
    owner: Owner | None = None
    viewer: Viewer | None = None
    at: datetime

    def thread_ids(self) -> Iterator[UUID]:
        """The oldest first."""
        if self.threads is not None:
            yield from self.threads
        elif self.owner is not None:
            rows = Thread.objects.filter(self.owner.owned)
            yield from (pk for pk in pages_of(rows) if self._may_take(pk))

    def files(self) -> Iterator[Attachment]:
        """All files, the oldest first: in the threads, and waiting to be sent."""
        rows = Attachment.objects.filter(
            self.owner.owned if self.owner else Q(thread__in=self.threads or [])
        )
        for pk in pages_of(rows):
            for row in rows.filter(pk=pk):
                if row.thread_id is None or self._may_take(row.thread_id):
                    yield row

    def _may_take(self, pk: UUID) -> bool:
        """Does the policy give the thread to who asks? One that they have deleted, as long as it shows it."""
        if self.viewer is None:
            return True
        if policy().deleted_threads(self.viewer).filter(pk=pk).exists():
            return True
        thread = policy().threads(self.viewer).filter(pk=pk).first()
        return thread is not None and policy().can(self.viewer, Action.EXPORT, thread)


def of_thread(viewer: Viewer, thread_id: UUID) -> Export:
    """One of the viewer's own.

    Raises:
        ThreadNotFound: It is not theirs.
        NotAllowed: The site's policy does not let them.
    """
    thread = policy().threads(viewer).filter(pk=thread_id).first()
    if thread is None:
        raise ThreadNotFound("No such thread.")
    if not policy().can(viewer, Action.EXPORT, thread):
        raise NotAllowed("You may not export this thread.")
    return Export(threads=[thread_id], at=timezone.now())


def of_own(viewer: Viewer) -> Export:
    """All that is the viewer's, with the threads that they have deleted and that are still there.

    Raises:
        NotAllowed: The site's policy does not let them.
    """
    if not policy().can(viewer, Action.EXPORT):
        raise NotAllowed("You may not export this.")
    owner = Owner(key=viewer.key, tenant=viewer.tenant)
    return Export(owner=owner, viewer=viewer, at=timezone.now())


def of_any(viewer: Viewer, thread_id: UUID) -> Export:
    """Somebody else's thread, for the staff; who has taken it is noted.

    Raises:
        ThreadNotFound: It is missing, or they may not.
    """
    thread = policy().get_queryset(viewer).filter(pk=thread_id).first()
    if thread is None or not policy().can(viewer, Action.EXPORT_ANY, thread):
        raise ThreadNotFound("No such thread.")
    note(viewer.user, thread_id, Action.EXPORT_ANY)
    return Export(threads=[thread_id], at=timezone.now())


def as_json(export: Export) -> Iterator[str]:
    """The whole of it as one JSON document, piece by piece."""
    head: Json = {
        "format": "chatkit-export",
        "version": VERSION,
        "exportedAt": _time(export.at),
    }
    yield dump_json(head)[:-1] + ',"threads":['
    for number, (thread, messages) in enumerate(threads_of(export)):
        yield (",\n" if number else "\n") + dump_json(thread)[:-1] + ',"messages":['
        yield from _rows(messages)
        yield "]}"
    yield '],\n"files":['
    yield from _rows(_file_as_json(row) for row in export.files())
    yield '],\n"usage":['
    if export.owner is not None:
        yield from _rows(_usage(export.owner))
    yield "]}\n"


def threads_of(export: Export) -> Iterator[tuple[Json, Iterator[Json]]]:
    """Each thread without its messages, and those of all branches; one that is gone by now is left out."""
    for pk in export.thread_ids():
        thread = Thread.objects.filter(pk=pk).first()
        if thread is not None:
            yield _thread_as_json(thread), messages_of(thread)


def messages_of(thread: Thread) -> Iterator[Json]:
    """Every message of every branch, no one before the one that it follows."""
    rows = Message.objects.filter(thread=thread).select_related("run", "author")
    after = Q()
    while page := list(rows.filter(after).order_by("depth", "id")[:PAGE]):
        yield from _Page(thread, page).told()
        last = page[-1]
        # The first half is what the index can seek to.
        after = Q(depth__gte=last.depth) & (Q(depth__gt=last.depth) | Q(id__gt=last.pk))


def _rows(found: Iterable[Json]) -> Iterator[str]:
    for number, row in enumerate(found):
        yield (",\n" if number else "\n") + dump_json(row)


def _usage(owner: Owner) -> Iterator[Json]:
    """Some days at a time; the table's key is a number."""
    last = 0
    rows = Usage.objects.filter(owner.owned).order_by("pk")
    while page := list(rows.filter(pk__gt=last)[:PAGE]):
        for row in page:
            yield {
                "day": row.day.isoformat(),
                "assistant": row.assistant,
                "model": row.model_name,
                "messages": row.messages,
                "steps": row.steps,
                "inputTokens": row.input_tokens,
                "cachedTokens": row.cached_tokens,
                "outputTokens": row.output_tokens,
                "reasoningTokens": row.reasoning_tokens,
                "cost": str(row.cost),
            }
        last = page[-1].pk


class _Page:
    """Some messages of a thread with all that belongs to them, in a constant number of queries."""

    def __init__(self, thread: Thread, messages: Sequence[Message]) -> None:
        self._thread = thread
        self._messages = messages
        self._parts: dict[UUID, list[Part]] = defaultdict(list)
        # What a broken-off attempt had said was taken back, and never was part of the thread.
        seen = Q(step__isnull=True) | ~Q(step__status="void")
        found = list(
            Part.objects.filter(seen, message__in=messages)
            .select_related("tool_call", "attachment")
            .order_by("index")
        )
        for part in found:
            self._parts[part.message_id].append(part)
        self._texts = self._open_texts(found)
        self._asked = self._interrupts(found)
        self._feedback = {
            row.message_id: row
            for row in Feedback.objects.filter(
                message__in=messages, owner_key=thread.owner_key
            )
        }
        self._spent = self._sums()

    def told(self) -> Iterator[Json]:
        for message in self._messages:
            yield {
                "id": str(message.pk),
                "parentId": str(message.parent_id) if message.parent_id else None,
                "depth": message.depth,
                "isShown": message.is_shown,
                "role": message.role,
                "author": self._author(message),
                "status": message.status,
                "createdAt": _time(message.created_at),
                "metadata": message.metadata,
                "run": self._run(message.run),
                "parts": [self._part(part) for part in self._parts[message.pk]],
                "feedback": _feedback_as_json(self._feedback.get(message.pk)),
            }

    def _open_texts(self, parts: Sequence[Part]) -> Mapping[str, str]:
        """Of what is being written, the text is in the log: a thread has one such run at most."""
        writing = {p.message_id for p in parts if p.state == PartState.STREAMING}
        runs = {m.run_id for m in self._messages if m.pk in writing and m.run_id}
        return {part: text for run in runs for part, text in open_texts(run).items()}

    def _interrupts(self, parts: Sequence[Part]) -> Mapping[UUID, list[Interrupt]]:
        calls = {p.tool_call_id for p in parts if p.kind == PartKind.TOOL_CALL}
        found: dict[UUID, list[Interrupt]] = defaultdict(list)
        rows = Interrupt.objects.filter(tool_call__in=calls - {None})
        for row in rows.select_related("answered_by").order_by("created_at", "id"):
            if row.tool_call_id:
                found[row.tool_call_id].append(row)
        return found

    def _sums(self) -> Mapping[UUID, Mapping[str, Any]]:
        runs = {message.run_id for message in self._messages} - {None}
        sums = Step.objects.filter(run__in=runs).order_by().values("run_id")
        counted = sums.annotate(
            steps=Count("id"), input=Sum("input_tokens"), output=Sum("output_tokens")
        )
        return {row["run_id"]: row for row in counted}

    def _author(self, message: Message) -> JsonValue:
        """Of an answer: the person of the staff who has written it."""
        if message.role != Role.ASSISTANT or message.author is None:
            return None
        return {"name": policy().author_name(message.author)}

    def _run(self, run: Run | None) -> JsonValue:
        if run is None:
            return None
        spent = self._spent.get(run.pk, {})
        return {
            "id": str(run.pk),
            "status": run.status,
            "errorCode": run.error_code or None,
            "errorText": run.error_text or None,
            "model": run.model_name,
            "createdAt": _time(run.created_at),
            "finishedAt": _time(run.finished_at),
            "steps": spent.get("steps", 0),
            "inputTokens": spent.get("input") or 0,
            "outputTokens": spent.get("output") or 0,
        }

    def _part(self, part: Part) -> Json:
        told: Json = {"id": str(part.pk), "type": part.kind, "state": part.state}
        if part.kind == PartKind.TOOL_RESULT:
            return {**told, "toolCallId": str(part.tool_call_id)}
        text = self._texts.get(str(part.pk), part.text)
        if part.tool_call is not None:
            return {**told, **self._call(part.tool_call, text)}
        if part.kind == PartKind.FILE:
            known = part.data if isinstance(part.data, dict) else {}
            row = part.attachment
            return {**told, **known, "file": str(row.pk) if row else None}
        return {**told, "text": text, "data": part.data}

    def _call(self, call: ToolCall, arguments: str) -> Json:
        failed: Json = {"code": call.error_code, "text": call.error_text}
        return {
            "toolCallId": str(call.pk),
            "name": call.name,
            "arguments": arguments,
            "input": call.input,
            "editedInput": call.edited_input,
            "executor": call.executor or None,
            "status": call.status,
            "output": call.output,
            "error": failed if call.error_code else None,
            "startedAt": _time(call.started_at),
            "finishedAt": _time(call.finished_at),
            "asked": [self._interrupt(row) for row in self._asked.get(call.pk, ())],
        }

    def _interrupt(self, row: Interrupt) -> JsonValue:
        request = row.request if isinstance(row.request, dict) else {}
        return {
            "id": str(row.pk),
            "kind": row.kind,
            "status": row.status,
            "message": request.get("message"),
            "askedAt": _time(row.created_at),
            "decision": row.decision or None,
            "answer": row.answer,
            "answeredAt": _time(row.answered_at),
            "answeredBy": self._answerer(row),
        }

    def _answerer(self, row: Interrupt) -> JsonValue:
        """The thread's owner, or the staff by the name that visitors read."""
        if row.answered_at is None:
            return None
        user = row.answered_by
        if not row.permission or user is None or user.pk == self._thread.user_id:
            return {"isOwner": not row.permission, "name": None}
        return {"isOwner": False, "name": policy().author_name(user) or None}


def _thread_as_json(thread: Thread) -> Json:
    return {
        "id": str(thread.pk),
        "assistant": thread.assistant,
        "title": thread.title,
        "status": thread.status,
        "externalId": thread.external_id,
        "metadata": thread.metadata,
        "createdAt": _time(thread.created_at),
        "lastActivityAt": _time(thread.last_activity_at),
        "pinnedAt": _time(thread.pinned_at),
        "deletedAt": _time(thread.deleted_at),
    }


def _file_as_json(row: Attachment) -> Json:
    return {
        "id": str(row.pk),
        "threadId": str(row.thread_id) if row.thread_id else None,
        "name": row.name,
        "mediaType": row.media_type,
        "size": row.size,
        "sha256": row.sha256,
        "createdAt": _time(row.created_at),
        "sent": row.status == AttachmentStatus.SENT,
    }


def _feedback_as_json(row: Feedback | None) -> JsonValue:
    if row is None:
        return None
    return {
        "kind": row.kind,
        "reasons": row.reasons,
        "comment": row.comment,
        "ratedAt": _time(row.created_at),
    }


def _time(value: datetime | None) -> JsonValue:
    return value.isoformat().replace("+00:00", "Z") if value else None
