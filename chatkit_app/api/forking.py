"""Going on from a message in a new thread."""

from __future__ import annotations

from rest_framework import status
from rest_framework.request import Request
from rest_framework.response import Response

from chatkit_app.api.bodies import NewFork, read_body
from chatkit_app.api.queries import as_id
from chatkit_app.api.threads import one_told
from chatkit_app.api.views import HistoryView, viewer_at
from chatkit_app.exceptions import AssistantNotFound
from chatkit_app.registry import UnknownAssistant
from chatkit_app.threads import forking


class ForkView(HistoryView):
    """``POST threads/<id>/messages/<mid>/fork/``: a thread that begins as this one, down to here."""

    http_method_names = ["options", "post"]
    parameters = ()
    # It writes more than any other request.
    throttle_scope = "fork"

    def post(self, request: Request, thread: str, message: str) -> Response:
        """The new thread, 201; 200 and the one that is there, where its ``externalId`` is known."""
        viewer = viewer_at(request)
        id_, message_id = as_id(thread), as_id(message)
        body = read_body(NewFork, request.data)
        asked = forking.Fork(
            thread_id=id_,
            message_id=message_id,
            title=body.title,
            external_id=body.external_id,
        )
        try:
            made, is_new = forking.fork(viewer, asked)
        except UnknownAssistant as error:
            raise AssistantNotFound("No such assistant.") from error
        answer = status.HTTP_201_CREATED if is_new else status.HTTP_200_OK
        return Response(one_told(made), status=answer)
