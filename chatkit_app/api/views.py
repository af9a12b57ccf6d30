"""The read-only history: my threads, one of them, its messages.

Who may see what is the access policy's alone. Authentication and throttling are the site's, as
its ``REST_FRAMEWORK`` says; the shape of the answers is ours and does not follow the site's.
"""

from __future__ import annotations

from collections.abc import Callable
from uuid import UUID

from django.db.models import QuerySet
from django.utils.decorators import method_decorator
from django.views.decorators.cache import never_cache
from rest_framework.renderers import JSONRenderer
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.utils.urls import replace_query_param
from rest_framework.views import APIView

from chatkit_app.access import policy, viewer_of_request
from chatkit_app.api.errors import answer_to
from chatkit_app.api.pages import (
    MAX_ROWS,
    Cursor,
    decode_cursor,
    page_of_messages,
    page_of_threads,
)
from chatkit_app.api.serializers import ThreadSerializer
from chatkit_app.exceptions import InvalidCommand, ThreadNotFound
from chatkit_app.log.snapshot import messages_as_json
from chatkit_app.models import Thread

THREADS = 20
MESSAGES = 50
"""Rows of a page, where the client does not say."""


@method_decorator(never_cache, name="dispatch")
class HistoryView(APIView):
    """What the three views share."""

    http_method_names = ["get", "head", "options"]
    permission_classes = ()
    renderer_classes = (JSONRenderer,)
    versioning_class = None

    def get_exception_handler(self) -> Callable[..., Response | None]:
        """Ours: the codes are part of the contract."""
        return answer_to


class ThreadsView(HistoryView):
    """``GET threads/?assistant=&cursor=&page_size=``: my threads, newest activity first."""

    def get(self, request: Request) -> Response:
        """``{next, previous, results: [thread …]}``; the first two are addresses or null."""
        threads = visible_threads(request)
        if assistant := query_text(request, "assistant"):
            threads = threads.filter(assistant=assistant)
        cursor = query_text(request, "cursor")
        page = page_of_threads(
            threads,
            decode_cursor(cursor) if cursor else None,
            query_size(request, "page_size", THREADS),
        )
        return Response(
            {
                "next": address(request, page.older),
                "previous": address(request, page.newer),
                "results": ThreadSerializer(page.threads, many=True).data,
            }
        )


class ThreadView(HistoryView):
    """``GET threads/<id>/``: one of my threads."""

    def get(self, request: Request, thread: str) -> Response:
        """The thread alone; what was said in it is at ``messages/``."""
        return Response(ThreadSerializer(visible_thread(request, thread)).data)


class MessagesView(HistoryView):
    """``GET threads/<id>/messages/?before=|after=&limit=``: the shown branch, page by page."""

    def get(self, request: Request, thread: str) -> Response:
        """``{results: [message …], earlier, later}``, oldest first."""
        page = page_of_messages(
            visible_thread(request, thread),
            before=query_id(request, "before"),
            after=query_id(request, "after"),
            size=query_size(request, "limit", MESSAGES),
        )
        return Response(
            {
                "results": messages_as_json(page.messages),
                "earlier": page.earlier,
                "later": page.later,
            }
        )


def visible_threads(request: Request) -> QuerySet[Thread]:
    """What the policy shows to whoever asks; nothing to nobody."""
    viewer = viewer_of_request(request)
    return policy().threads(viewer) if viewer else Thread.objects.none()


def visible_thread(request: Request, text: str) -> Thread:
    """One of them.

    Raises:
        InvalidCommand: The text is no id.
        ThreadNotFound: It is missing, or not theirs.
    """
    thread = visible_threads(request).filter(pk=as_id(text)).first()
    if thread is None:
        raise ThreadNotFound("No such thread.")
    return thread


def as_id(text: str) -> UUID:
    """An id as clients write it.

    Raises:
        InvalidCommand: It is none.
    """
    try:
        return UUID(text)
    except ValueError as error:
        raise InvalidCommand("An id is a UUID.") from error


def query_text(request: Request, name: str) -> str:
    """A parameter, empty where it is not given.

    Raises:
        InvalidCommand: It holds a NUL, which no database of ours takes.
    """
    text: str = request.query_params.get(name, "")
    if "\0" in text:
        raise InvalidCommand(f"{name} holds a NUL.")
    return text


def query_id(request: Request, name: str) -> UUID | None:
    """A parameter that is an id; None where it is not given."""
    text = query_text(request, name)
    return as_id(text) if text else None


def query_size(request: Request, name: str, default: int) -> int:
    """How many rows a page shall have, at most ``MAX_ROWS``.

    Raises:
        InvalidCommand: It is no number from 1 on.
    """
    text = query_text(request, name)
    if not text:
        return default
    if not (text.isascii() and text.isdigit()) or len(text) > 9 or int(text) == 0:
        raise InvalidCommand(f"{name} is a number from 1 to {MAX_ROWS}.")
    return min(int(text), MAX_ROWS)


def address(request: Request, cursor: Cursor | None) -> str | None:
    """This request's address at another place of the list."""
    if cursor is None:
        return None
    here = request.build_absolute_uri()
    return str(replace_query_param(here, "cursor", cursor.encode()))
