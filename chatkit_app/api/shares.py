"""Links to threads: making, listing and revoking mine; and what whoever has one reads, known to nobody."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Any

from django.db.models import Q
from django.urls import reverse
from pydantic import Field
from rest_framework import status
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.utils.urls import replace_query_param

from chatkit_app.api.bodies import read_body
from chatkit_app.api.pages import CURSOR, SIZE, page_answer
from chatkit_app.api.queries import as_id, query_flag, query_text
from chatkit_app.api.serializers import moment_as_json
from chatkit_app.api.throttles import AddressThrottle
from chatkit_app.api.views import HistoryView, viewer_at
from chatkit_app.engine.states import PartKind
from chatkit_app.exceptions import InvalidCommand
from chatkit_app.models import Share
from chatkit_app.protocols.native_frames import Frame
from chatkit_app.threads import sharing
from chatkit_app.threads.shared import SharedMessage, SharedPart, shared_page

LIVE = "live"
START = "start"
MAX_START = 10**9 - 1
"""Deeper than any thread; what the column of depths holds."""

HEADERS = {
    "X-Robots-Tag": "noindex, nofollow",
    # The address is the secret: no link that is followed from there shall tell it.
    "Referrer-Policy": "no-referrer",
}
"""With whatever is told to whoever has a link, beside that nothing keeps it."""


def as_allowed(schema: dict[str, Any]) -> None:
    """What the use case holds it to, for the schema."""
    schema.update(exclusiveMinimum=0, maximum=sharing.most_days())


class NewShare(Frame):
    """``POST threads/<id>/shares/``: for so many days; as many as the site allows, where it isn't said."""

    days: Annotated[float, Field(json_schema_extra=as_allowed)] | None = None


class SharesView(HistoryView):
    """``GET`` and ``POST threads/<id>/shares/``."""

    http_method_names = ["get", "head", "options", "post"]
    parameters = (LIVE, CURSOR, SIZE)

    def get(self, request: Request, thread: str) -> Response:
        """``{next, previous, results: [share …]}``: all, or those that are good (no more)."""
        rows = sharing.shares_of(viewer_at(request), as_id(thread))
        is_live = query_flag(request, LIVE)
        if is_live is not None:
            live = Q(pk__in=sharing.live().values("pk"))
            rows = rows.filter(live if is_live else ~live)
        return page_answer(request, rows, at="created_at", as_json=_told)

    def post(self, request: Request, thread: str) -> Response:
        """201: the share with its ``url`` and ``token``, which are told this once."""
        viewer, id_ = viewer_at(request), as_id(thread)
        body = read_body(NewShare, request.data)
        made, token = sharing.share(viewer, id_, body.days)
        url = reverse("chatkit:shared", args=[token])
        told = {**_as_json(made), "url": url, "token": token}
        return Response(told, status=status.HTTP_201_CREATED)


class ShareView(HistoryView):
    """``DELETE threads/<id>/shares/<share>/``."""

    http_method_names = ["options", "delete"]
    parameters = ()

    def delete(self, request: Request, thread: str, share: str) -> Response:
        """204: it is good no more."""
        sharing.revoke(viewer_at(request), as_id(thread), as_id(share))
        return Response(status=status.HTTP_204_NO_CONTENT)


class SharedView(HistoryView):
    """``GET shared/<token>/``: for anybody, whoever they are."""

    authentication_classes = ()
    parameters = (START,)
    throttle_scope = "shared"
    throttle_kind = AddressThrottle

    def get(self, request: Request, token: str) -> Response:
        """``{title, assistant, createdAt, expiresAt, messages, next}``, the oldest message first."""
        start = read_start(query_text(request, START))
        share = sharing.opened(token)
        page = shared_page(share, start=start)
        return Response(
            {
                "title": share.thread.title,
                "assistant": share.thread.assistant,
                "createdAt": moment_as_json(share.created_at),
                "expiresAt": moment_as_json(share.expires_at),
                "messages": [_message_as_json(message) for message in page.messages],
                "next": _next(request, page.later),
            }
        )

    def finalize_response(
        self, request: Request, response: Any, *args: Any, **kwargs: Any
    ) -> Any:
        """Found by no search, and told to no other site."""
        answer = super().finalize_response(request, response, *args, **kwargs)
        for name, value in HEADERS.items():
            answer[name] = value
        return answer


def read_start(text: str) -> int:
    """The depth at which a page begins; 0 where the address says nothing.

    Raises:
        InvalidCommand: It is no such number.
    """
    if not text:
        return 0
    is_number = text.isascii() and text.isdigit() and len(text) <= len(str(MAX_START))
    if not is_number or int(text) > MAX_START:
        raise InvalidCommand(f"{START} is no number of a place.")
    return int(text)


def _next(request: Request, later: int | None) -> str | None:
    if later is None:
        return None
    return str(replace_query_param(request.build_absolute_uri(), START, later))


def _told(rows: Sequence[Share]) -> list[dict[str, Any]]:
    return [_as_json(row) for row in rows]


def _as_json(row: Share) -> dict[str, Any]:
    return {
        "id": str(row.pk),
        "message": str(row.message_id),
        "createdAt": moment_as_json(row.created_at),
        "expiresAt": moment_as_json(row.expires_at),
        "revokedAt": moment_as_json(row.revoked_at),
    }


def _message_as_json(message: SharedMessage) -> dict[str, Any]:
    return {
        "role": message.role,
        "author": None if message.author is None else {"name": message.author},
        "createdAt": moment_as_json(message.created_at),
        "parts": [_part_as_json(part) for part in message.parts],
    }


def _part_as_json(part: SharedPart) -> dict[str, Any]:
    if part.kind == PartKind.TEXT:
        return {"type": part.kind, "content": part.text}
    if part.kind == PartKind.FILE:
        return {"type": part.kind, "name": part.name, "mediaType": part.media_type}
    return {"type": part.kind, "name": part.name, "status": part.status}
