"""How the owner liked an answer."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, JsonValue
from rest_framework import status
from rest_framework.request import Request
from rest_framework.response import Response

from chatkit_app.api.bodies import read_body
from chatkit_app.api.queries import as_id
from chatkit_app.api.serializers import moment_as_json
from chatkit_app.api.views import HistoryView, viewer_at, visible_thread
from chatkit_app.engine.states import FeedbackKind
from chatkit_app.models import Feedback
from chatkit_app.protocols.native_frames import Frame, Text
from chatkit_app.threads import feedback
from chatkit_app.threads.feedback import COMMENT_CHARS, REASONS

Reason = Annotated[str, Field(pattern=r"\A[a-z0-9][a-z0-9_-]{0,39}\z")]
"""A code of the page's own, never a text."""


class Rating(Frame):
    """``PUT threads/<id>/messages/<mid>/feedback/``."""

    kind: Literal["up", "down"]
    reasons: Annotated[list[Reason], Field(max_length=REASONS)] = Field(
        default_factory=list
    )
    comment: Annotated[Text, Field(max_length=COMMENT_CHARS)] = ""


class FeedbackView(HistoryView):
    """``GET``, ``PUT`` and ``DELETE threads/<id>/messages/<mid>/feedback/``."""

    http_method_names = ["get", "head", "options", "put", "delete"]
    parameters = ()

    def get(self, request: Request, thread: str, message: str) -> Response:
        """``{kind, reasons, comment, ratedAt}``; kind and ratedAt are null where nothing was said."""
        thread_id = visible_thread(request, thread).pk
        found = feedback.find(viewer_at(request), thread_id, as_id(message))
        return Response(_as_json(found))

    def put(self, request: Request, thread: str, message: str) -> Response:
        """The same, in the place of what was said before."""
        viewer = viewer_at(request)
        place = as_id(thread), as_id(message)
        rating = read_body(Rating, request.data)
        row = feedback.rate(
            viewer,
            *place,
            FeedbackKind(rating.kind),
            reasons=list(dict.fromkeys(rating.reasons)),
            comment=rating.comment,
        )
        return Response(_as_json(row))

    def delete(self, request: Request, thread: str, message: str) -> Response:
        """204: taken back."""
        feedback.withdraw(viewer_at(request), as_id(thread), as_id(message))
        return Response(status=status.HTTP_204_NO_CONTENT)


def _as_json(row: Feedback | None) -> dict[str, JsonValue]:
    if row is None:
        return {"kind": None, "reasons": [], "comment": "", "ratedAt": None}
    return {
        "kind": row.kind,
        "reasons": row.reasons,
        "comment": row.comment,
        "ratedAt": moment_as_json(row.created_at),
    }
