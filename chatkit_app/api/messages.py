"""What was said in a thread, page by page, and saying something without a socket."""

from __future__ import annotations

from uuid import UUID

from rest_framework import status
from rest_framework.request import Request
from rest_framework.response import Response

from chatkit_app.api.bodies import Asked, FirstSaid, Said, read_body
from chatkit_app.api.pages import Place, page_of_messages
from chatkit_app.api.queries import as_id, query_id, query_size
from chatkit_app.api.views import HistoryView, viewer_at, visible_thread
from chatkit_app.engine.commands import Command
from chatkit_app.exceptions import AssistantNotFound, MessageNotFound
from chatkit_app.log.branches import siblings_of
from chatkit_app.log.snapshot import messages_as_json, one_moment
from chatkit_app.models import Message, Thread
from chatkit_app.registry import UnknownAssistant, assistants
from chatkit_app.runs import service

MESSAGES = 50
"""Rows of a page, where the client does not say."""


class MessagesView(HistoryView):
    """``GET`` (``before``, ``after``, ``around``, ``limit``) and ``POST threads/<id>/messages/``."""

    http_method_names = ["get", "head", "options", "post"]
    parameters = ("before", "after", "around", "limit")

    def get(self, request: Request, thread: str) -> Response:
        """``{results: [message …], earlier, later, epoch, position}``, oldest first.

        All of one moment: whoever goes on with the events after ``position`` has everything once.
        """
        place = Place(
            before=query_id(request, "before"),
            after=query_id(request, "after"),
            around=query_id(request, "around"),
        )
        size = query_size(request, "limit", MESSAGES)
        id_ = visible_thread(request, thread).pk
        with one_moment():
            found = Thread.objects.get(pk=id_)
            page = page_of_messages(found, place, size)
            return Response(
                {
                    "results": messages_as_json(page.messages),
                    "earlier": page.earlier,
                    "later": page.later,
                    "epoch": found.epoch,
                    "position": found.position,
                }
            )

    def post(self, request: Request, thread: str) -> Response:
        """202 ``{id, thread, run, message}``: the answer is on its way."""
        id_ = visible_thread(request, thread).pk
        return accepted(request, read_body(Said, request.data).send(id_, ""))


class FirstMessageView(HistoryView):
    """``POST messages/``: say something in a new thread."""

    http_method_names = ["options", "post"]
    parameters = ()
    throttle_scope = "send"

    def post(self, request: Request) -> Response:
        """202 ``{id, thread, run, message}``."""
        viewer_at(request)
        body = read_body(FirstSaid, request.data)
        try:
            assistants.get(body.assistant)
        except UnknownAssistant as error:
            raise AssistantNotFound("No such assistant.") from error
        return accepted(request, body.send(None, body.assistant))


class SiblingsView(HistoryView):
    """``GET threads/<id>/messages/<mid>/siblings/``: what was ever said in this message's place."""

    parameters = ()

    def get(self, request: Request, thread: str, message: str) -> Response:
        """``{results: [message …]}``, the oldest first; the one itself where it is alone."""
        found = _message(visible_thread(request, thread), as_id(message))
        with one_moment():
            ids = siblings_of([found])[found.pk] or [str(found.pk)]
            rows = Message.objects.in_bulk([UUID(id_) for id_ in ids])
            told = messages_as_json([rows[UUID(id_)] for id_ in ids])
        return Response({"results": told})


class RegenerateView(HistoryView):
    """``POST threads/<id>/messages/<mid>/regenerate/``: another answer, beside this one."""

    http_method_names = ["options", "post"]
    parameters = ()
    throttle_scope = "send"

    def post(self, request: Request, thread: str, message: str) -> Response:
        """202 ``{id, thread, run, message}``."""
        id_ = visible_thread(request, thread).pk
        body = read_body(Asked, request.data)
        return accepted(request, body.regenerate(id_, as_id(message)))


class EditView(HistoryView):
    """``POST threads/<id>/messages/<mid>/edit/``: another message in the place of mine."""

    http_method_names = ["options", "post"]
    parameters = ()
    throttle_scope = "send"

    def post(self, request: Request, thread: str, message: str) -> Response:
        """202 ``{id, thread, run, message}``."""
        id_ = visible_thread(request, thread).pk
        body = read_body(Said, request.data)
        return accepted(request, body.edit(id_, as_id(message)))


class ShowView(HistoryView):
    """``POST threads/<id>/messages/<mid>/show/``: show the branch of this message."""

    http_method_names = ["options", "post"]
    parameters = ()

    def post(self, request: Request, thread: str, message: str) -> Response:
        """202 ``{id, thread, message}``."""
        id_ = visible_thread(request, thread).pk
        body = read_body(Asked, request.data)
        return accepted(request, body.show(id_, as_id(message)))


def accepted(request: Request, command: Command) -> Response:
    """The command was taken, as a frame ``accepted`` of the socket says it.

    The ids are those of the sockets: what one has lost may be repeated at the other.
    """
    outcome = service.handle(viewer_at(request), command)
    told = {"id": getattr(command, "id", ""), **outcome}
    return Response(told, status=status.HTTP_202_ACCEPTED)


def _message(thread: Thread, id_: UUID) -> Message:
    found = Message.objects.filter(thread=thread, pk=id_).first()
    if found is None:
        raise MessageNotFound("No such message in this thread.")
    return found
