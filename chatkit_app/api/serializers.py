"""Threads and interrupts in the API's answers. (Messages: ``log.snapshot``, one shape on every way
out.)
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from pydantic import JsonValue
from rest_framework import ISO_8601, serializers

from chatkit_app.log.interrupts import interrupt_as_json
from chatkit_app.models import Interrupt, Run, Thread


def _moment(source: str) -> serializers.DateTimeField:
    """ISO 8601 in UTC, whatever format the site has for its own API."""
    return serializers.DateTimeField(
        source=source, format=ISO_8601, default_timezone=UTC
    )


CREATED_AT = _moment("created_at")


def moment_as_json(moment: datetime | None) -> str | None:
    """ISO 8601 in UTC, as everywhere on the wire."""
    return CREATED_AT.to_representation(moment) if moment else None


def thread_as_json(thread: Thread, run: Run | None) -> dict[str, Any]:
    """A thread as its owner's list has it; ``run`` is its newest. (In frames: ``log.snapshot``.)"""
    return {
        "id": str(thread.pk),
        "assistant": thread.assistant,
        "title": thread.title,
        "status": thread.status,
        "createdAt": moment_as_json(thread.created_at),
        "lastActivityAt": moment_as_json(thread.last_activity_at),
        "unread": thread.is_unread,
        "pinned": thread.pinned_at is not None,
        "metadata": thread.metadata,
        "run": run
        and {
            "id": str(run.pk),
            "status": run.status,
            "errorCode": run.error_code or None,
        },
    }


def asked_as_json(row: Interrupt) -> dict[str, JsonValue]:
    """An interrupt as frames tell it, and of which call, in which thread.

    ``row.tool_call`` and ``row.run.thread`` are best read with it.
    """
    call, thread = row.tool_call, row.run.thread
    return {
        **interrupt_as_json(row),
        "thread": str(thread.pk),
        "assistant": thread.assistant,
        "name": call.name if call else "",
        "input": call.input if call else None,
        "createdAt": CREATED_AT.to_representation(row.created_at),
    }
