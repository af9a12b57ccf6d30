"""Erasing all of one's own."""

from __future__ import annotations

from rest_framework.request import Request
from rest_framework.response import Response

from chatkit_app.access import VISITOR_KEY
from chatkit_app.api.bodies import read_body
from chatkit_app.api.views import HistoryView, viewer_at
from chatkit_app.exceptions import InvalidCommand
from chatkit_app.protocols.native_frames import Frame
from chatkit_app.threads.erase import erase_own


class Confirmed(Frame):
    """``POST erase/``: nobody erases by mistake."""

    confirm: bool


class EraseView(HistoryView):
    """``POST erase/``: my threads, my files and whatever else I have left, for good."""

    http_method_names = ["options", "post"]
    parameters = ()

    def post(self, request: Request) -> Response:
        """``{threads}``: how many they were. A visitor is nobody any more, and comes back as another."""
        viewer = viewer_at(request)
        if not read_body(Confirmed, request.data).confirm:
            raise InvalidCommand("Nothing was erased: confirm is not true.")
        count = erase_own(viewer)
        if viewer.is_anonymous:
            request.session.pop(VISITOR_KEY, None)
        return Response({"threads": count})
