"""Files of visitors over HTTP: one is uploaded, read by whoever may, thrown away before it is sent."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import IO, Any

from django.core.handlers.asgi import ASGIRequest
from django.http import FileResponse, HttpResponseBase, StreamingHttpResponse
from django.utils.http import content_disposition_header
from pydantic import JsonValue
from rest_framework import status
from rest_framework.request import Request
from rest_framework.response import Response

from chatkit_app.access import viewer_of_request
from chatkit_app.api.queries import as_id
from chatkit_app.api.serializers import CREATED_AT
from chatkit_app.api.uploads import UploadParser, check_upload, uploaded_file
from chatkit_app.api.views import HistoryView, viewer_at
from chatkit_app.engine.files import IMAGE_TYPES, PDF, TEXT_TYPES
from chatkit_app.exceptions import AttachmentNotFound
from chatkit_app.log.files import content_url
from chatkit_app.models import Attachment
from chatkit_app.threads import attachments

PIECE = 262_144
OTHER = "application/octet-stream"

HEADERS = {
    # What a visitor has brought is no page of ours: it runs nothing, and is taken for nothing else.
    "X-Content-Type-Options": "nosniff",
    "Content-Security-Policy": "sandbox; default-src 'none'",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cache-Control": "private, no-store",
}


class AttachmentsView(HistoryView):
    """``POST attachments/``: a form with one file."""

    http_method_names = ["options", "post"]
    parser_classes = (UploadParser,)

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        """What is too large, or no form, is refused before anything reads it."""
        if request.method == "POST":
            check_upload(request)
        super().initial(request, *args, **kwargs)

    def post(self, request: Request) -> Response:
        """``{id, name, mediaType, size, url, expiresAt}``: it waits for its message."""
        viewer = viewer_at(request)
        file = uploaded_file(request)
        row = attachments.take(viewer, file, file.name or "")
        return Response(attachment_as_json(row), status=status.HTTP_201_CREATED)


class AttachmentView(HistoryView):
    """``GET attachments/<id>/`` and ``DELETE attachments/<id>/``."""

    http_method_names = ["get", "head", "options", "delete"]

    def get(self, request: Request, attachment: str) -> Response:
        """The same as its upload was answered with; ``expiresAt`` is null once it is sent."""
        row = found(request, attachment)
        return Response(attachment_as_json(row))

    def delete(self, request: Request, attachment: str) -> Response:
        """Nothing (204): it is gone, and so is its file."""
        attachments.remove(viewer_at(request), as_id(attachment))
        return Response(status=status.HTTP_204_NO_CONTENT)


class ContentView(HistoryView):
    """``GET attachments/<id>/content/``: the bytes."""

    def get(self, request: Request, attachment: str) -> HttpResponseBase:
        """A picture is shown in its place; anything else is a file to save."""
        row = found(request, attachment)
        attachments.note_if_foreign(viewer_at(request), row)
        try:
            file = row.file.open("rb")
        except OSError as error:
            raise AttachmentNotFound("The file is gone.") from error
        response = _body(request, file)
        response.headers["Content-Type"] = _content_type(row.media_type)
        response.headers["Content-Length"] = str(row.size)
        is_saved = row.media_type not in IMAGE_TYPES
        disposition = content_disposition_header(is_saved, row.name) or "attachment"
        response.headers["Content-Disposition"] = disposition
        for name, value in HEADERS.items():
            response.headers[name] = value
        return response


def found(request: Request, text: str) -> Attachment:
    """A file that whoever asks may read; to nobody it is as good as missing.

    Raises:
        InvalidCommand: The text is no id.
        AttachmentNotFound: It is missing, or not theirs.
    """
    pk = as_id(text)
    viewer = viewer_of_request(request)
    if viewer is None:
        raise AttachmentNotFound("No such file.")
    return attachments.find(viewer, pk)


def attachment_as_json(row: Attachment) -> dict[str, JsonValue]:
    """A file in the API's answers."""
    expires_at = row.expires_at and CREATED_AT.to_representation(row.expires_at)
    return {
        "id": str(row.pk),
        "name": row.name,
        "mediaType": row.media_type,
        "size": row.size,
        "url": content_url(row.pk),
        "expiresAt": expires_at or None,
    }


def _content_type(media_type: str) -> str:
    if media_type in TEXT_TYPES:
        return f"{media_type}; charset=utf-8"
    return media_type if media_type in (*IMAGE_TYPES, PDF) else OTHER


def _body(request: Request, file: IO[bytes]) -> StreamingHttpResponse:
    if isinstance(request._request, ASGIRequest):  # noqa: SLF001 (DRF has no other way to it)
        return StreamingHttpResponse(_pieces(file))
    return FileResponse(file)


async def _pieces(file: IO[bytes]) -> AsyncIterator[bytes]:
    """The storage may be slow: it is read beside the loop."""
    try:
        while piece := await asyncio.to_thread(file.read, PIECE):
            yield piece
    finally:
        file.close()
