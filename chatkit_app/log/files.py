"""A file part as pages are told of it: in snapshots, in the history, in the event of its message."""

from __future__ import annotations

from uuid import UUID

from django.urls import reverse
from pydantic import JsonValue

from chatkit_app.models import Part


def file_part_as_json(part: Part) -> dict[str, JsonValue]:
    """``{type, partId, index, stepId, state, attachmentId, name, mediaType, size, url}``.

    Without a query: the part remembers what its file is called, also when the file is gone. Then
    ``attachmentId`` and ``url`` are null.
    """
    known = part.data if isinstance(part.data, dict) else {}
    return {
        "type": part.kind,
        "partId": str(part.pk),
        "index": part.index,
        "stepId": None,
        "state": part.state,
        "attachmentId": str(part.attachment_id) if part.attachment_id else None,
        "name": known.get("name", ""),
        "mediaType": known.get("mediaType", ""),
        "size": known.get("size", 0),
        "url": content_url(part.attachment_id) if part.attachment_id else None,
    }


def content_url(attachment: UUID) -> str:
    """The path at which whoever may read it gets the file."""
    return reverse("chatkit:api-attachment-content", args=[str(attachment)])
