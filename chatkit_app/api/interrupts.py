"""What is asked of the outside: reading what waits for me, and answering it without a socket."""

from __future__ import annotations

from collections.abc import Sequence

from pydantic import JsonValue
from rest_framework.request import Request
from rest_framework.response import Response

from chatkit_app.access import policy, viewer_of_request
from chatkit_app.api.bodies import Answers, read_body
from chatkit_app.api.pages import CURSOR, SIZE, page_answer
from chatkit_app.api.queries import query_id
from chatkit_app.api.serializers import asked_as_json
from chatkit_app.api.views import HistoryView, viewer_at
from chatkit_app.models import Interrupt
from chatkit_app.runs import service


class InterruptsView(HistoryView):
    """``GET interrupts/?thread=&cursor=&page_size=`` and ``POST interrupts/``."""

    http_method_names = ["get", "head", "options", "post"]
    parameters = ("thread", CURSOR, SIZE)

    def get(self, request: Request) -> Response:
        """``{next, previous, results: [interrupt …]}``: what waits for me, newest first."""
        viewer = viewer_of_request(request)
        found = policy().answerable(viewer) if viewer else Interrupt.objects.none()
        if thread := query_id(request, "thread"):
            found = found.filter(run__thread=thread)
        rows = found.select_related("tool_call", "run__thread")
        return page_answer(request, rows, at="created_at", as_json=_all_asked)

    def post(self, request: Request) -> Response:
        """``{id, thread, interrupts}``: the answers were taken, all of them."""
        viewer = viewer_at(request)
        command = read_body(Answers, request.data).command()
        return Response({"id": command.id, **service.handle(viewer, command)})


def _all_asked(rows: Sequence[Interrupt]) -> list[dict[str, JsonValue]]:
    return [asked_as_json(row) for row in rows]
