"""My threads: the list with its search and filters, and what one does with a thread."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any
from uuid import UUID

from django.db.models import F, OuterRef, Q, QuerySet, Subquery
from rest_framework import status
from rest_framework.request import Request
from rest_framework.response import Response

from chatkit_app.api.bodies import NewThread, Nothing, ThreadChanges, read_body
from chatkit_app.api.pages import CURSOR, SIZE, page_answer
from chatkit_app.api.queries import (
    as_id,
    query_flag,
    query_text,
    query_time,
    query_word,
    query_words,
)
from chatkit_app.api.serializers import moment_as_json, thread_as_json
from chatkit_app.api.views import (
    HistoryView,
    viewer_at,
    visible_thread,
    visible_threads,
)
from chatkit_app.engine.states import RunStatus, ThreadStatus
from chatkit_app.exceptions import AssistantNotFound
from chatkit_app.models import Message, Run, Thread
from chatkit_app.registry import UnknownAssistant
from chatkit_app.threads import editing
from chatkit_app.threads.search import excerpt, matching, messages_matching

UNREAD = Q(answered_at__isnull=False) & (
    Q(read_at__isnull=True) | Q(answered_at__gt=F("read_at"))
)
TIMES: Mapping[str, str] = {
    "created_after": "created_at__gte",
    "created_before": "created_at__lt",
    "active_after": "last_activity_at__gte",
    "active_before": "last_activity_at__lt",
}
"""Parameters that are moments, and what they ask of a thread."""


class ThreadsView(HistoryView):
    """``GET threads/`` with its filters: my threads, newest activity first. ``POST threads/``."""

    http_method_names = ["get", "head", "options", "post"]
    parameters = (
        *("search", "assistant", "status", "run", "unread", "pinned"),
        *(*TIMES, CURSOR, SIZE),
    )

    def get(self, request: Request) -> Response:
        """``{next, previous, results: [thread …]}``; the first two are addresses or null."""
        threads = _filtered(visible_threads(request), request)
        words = query_text(request, "search").strip()
        if words:
            threads = matching(threads, words)
        tell = partial(_told, words=words)
        return page_answer(request, threads, at="last_activity_at", as_json=tell)

    def post(self, request: Request) -> Response:
        """A new thread, 201; 200 and the one that is there, where its ``externalId`` is known."""
        viewer = viewer_at(request)
        body = read_body(NewThread, request.data)
        try:
            thread, is_new = editing.create(
                viewer,
                body.assistant,
                title=body.title,
                metadata=body.metadata,
                external_id=body.external_id,
            )
        except UnknownAssistant as error:
            raise AssistantNotFound("No such assistant.") from error
        made = status.HTTP_201_CREATED if is_new else status.HTTP_200_OK
        return Response(one_told(thread), status=made)


class ThreadView(HistoryView):
    """``GET``, ``PATCH`` and ``DELETE threads/<id>/``."""

    http_method_names = ["get", "head", "options", "patch", "delete"]
    parameters = ()

    def get(self, request: Request, thread: str) -> Response:
        """The thread alone; what was said in it is at ``messages/``."""
        return Response(one_told(visible_thread(request, thread)))

    def patch(self, request: Request, thread: str) -> Response:
        """The thread as it is now."""
        viewer, id_ = viewer_at(request), as_id(thread)
        changes = read_body(ThreadChanges, request.data).changes()
        return Response(one_told(editing.change(viewer, id_, changes)))

    def delete(self, request: Request, thread: str) -> Response:
        """``{id, undoUntil}``."""
        deleted = editing.delete(viewer_at(request), as_id(thread))
        until = moment_as_json(editing.undo_until(deleted))
        return Response({"id": str(deleted.pk), "undoUntil": until})


class RestoreView(HistoryView):
    """``POST threads/<id>/restore/``: take the deletion back."""

    http_method_names = ["options", "post"]
    parameters = ()

    def post(self, request: Request, thread: str) -> Response:
        """The thread as it is again."""
        read_body(Nothing, request.data)
        return Response(one_told(editing.restore(viewer_at(request), as_id(thread))))


class ReadView(HistoryView):
    """``POST threads/<id>/read/``: I have seen it."""

    http_method_names = ["options", "post"]
    parameters = ()

    def post(self, request: Request, thread: str) -> Response:
        """The thread, which is not unread any more."""
        read_body(Nothing, request.data)
        found = editing.mark_read(viewer_at(request), as_id(thread))
        return Response(one_told(found))


def _filtered(threads: QuerySet[Thread], request: Request) -> QuerySet[Thread]:
    """Those that the address asks for."""
    if assistant := query_text(request, "assistant"):
        threads = threads.filter(assistant=assistant)
    if states := query_words(request, "status", tuple(ThreadStatus)):
        threads = threads.filter(status__in=states)
    if run := query_word(request, "run", tuple(RunStatus)):
        threads = threads.annotate(run_status=_of_newest_run("status"))
        threads = threads.filter(run_status=run)
    unread = query_flag(request, "unread")
    if unread is not None:
        threads = threads.filter(UNREAD) if unread else threads.exclude(UNREAD)
    pinned = query_flag(request, "pinned")
    if pinned is not None:
        threads = threads.filter(pinned_at__isnull=not pinned)
    for name, lookup in TIMES.items():
        if moment := query_time(request, name):
            threads = threads.filter(**{lookup: moment})
    return threads


def _of_newest_run(field: str) -> Subquery:
    """Of the newest run among those whose answer is shown: as pages know it from a snapshot."""
    runs = Run.objects.filter(thread=OuterRef("pk"), answer__is_shown=True)
    return Subquery(runs.order_by("-created_at", "-id").values(field)[:1])


def one_told(thread: Thread) -> dict[str, Any]:
    """A thread with its newest run, in one query more."""
    return _told([thread])[0]


def _told(threads: Sequence[Thread], *, words: str = "") -> list[dict[str, Any]]:
    """Threads with their newest runs and, of a search, where the words were said: two queries more."""
    ids = [thread.pk for thread in threads]
    runs = _newest_runs(ids)
    if not words:
        return [thread_as_json(thread, runs.get(thread.pk)) for thread in threads]
    hits = _hits(ids, words)
    return [
        {
            **thread_as_json(thread, runs.get(thread.pk)),
            "hit": _hit_as_json(hits.get(thread.pk), words),
        }
        for thread in threads
    ]


def _newest_runs(threads: Sequence[UUID]) -> dict[UUID, Run]:
    newest = Thread.objects.filter(pk__in=threads).values_list(_of_newest_run("id"))
    return {run.thread_id: run for run in Run.objects.filter(pk__in=newest)}


def _hits(threads: Sequence[UUID], words: str) -> dict[UUID, Message]:
    """Of each thread the newest message that has the words, shown ones first."""
    said = messages_matching(Message.objects.filter(thread=OuterRef("pk")), words)
    best = said.order_by("-is_shown", "-depth", "-id").values("id")[:1]
    found = Thread.objects.filter(pk__in=threads).values_list(Subquery(best))
    rows = Message.objects.filter(pk__in=found).only("thread_id", "text", "is_shown")
    return {message.thread_id: message for message in rows}


def _hit_as_json(message: Message | None, words: str) -> dict[str, Any] | None:
    """None where only the title has the words."""
    if message is None:
        return None
    return {
        "message": str(message.pk),
        "shown": message.is_shown,
        "excerpt": excerpt(message.text, words),
    }
