"""A thread in the API's answers. (Messages: ``log.snapshot``, one shape on every way out.)"""

from __future__ import annotations

from datetime import UTC

from rest_framework import ISO_8601, serializers

from chatkit_app.models import Thread


def _moment(source: str) -> serializers.DateTimeField:
    """ISO 8601 in UTC, whatever format the site has for its own API."""
    return serializers.DateTimeField(
        source=source, format=ISO_8601, default_timezone=UTC
    )


class ThreadSerializer(serializers.ModelSerializer[Thread]):
    """``{id, assistant, title, status, createdAt, lastActivityAt}``."""

    createdAt = _moment("created_at")  # noqa: N815 (the word on the wire)
    lastActivityAt = _moment("last_activity_at")  # noqa: N815 (the word on the wire)

    class Meta:
        model = Thread
        fields = ["id", "assistant", "title", "status", "createdAt", "lastActivityAt"]
        read_only_fields = fields
