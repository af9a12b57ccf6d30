"""What people and models have said, apart from how it went: the one is for those who may read it.

Without that permission the staff see shape, states, sizes, times and codes, and never a word.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any
from uuid import UUID

from django.db.models import Model
from django.http import HttpRequest
from django.utils.translation import gettext as _

from chatkit_app.access import viewer_of_request
from chatkit_app.models import (
    Attachment,
    Command,
    Event,
    Feedback,
    Interrupt,
    Message,
    Part,
    Run,
    Thread,
    ToolCall,
)
from chatkit_app.threads.accesses import may_read_content, note_reading

CONTENT: Mapping[type[Model], tuple[str, ...]] = {
    Thread: ("title", "metadata", "external_id"),
    Message: ("text", "metadata"),
    Part: ("text", "data", "provider_data"),
    Run: ("context", "client_tools", "error_text"),
    ToolCall: (
        "arguments",
        "input",
        "edited_input",
        "output",
        "error_text",
        "progress",
    ),
    Interrupt: ("request", "response_schema", "answer"),
    Event: ("data",),
    Command: ("outcome",),
    Attachment: ("name", "external_id", "file"),
    Feedback: ("reasons", "comment"),
}
"""The columns that hold what somebody has said, written or brought, or that tell it."""

ASKED = "_chatkit_may_read"
"""Where a request keeps what the policy has said: a page asks more than once."""


def may_read(request: HttpRequest, thread: Thread | None = None) -> bool:
    """May whoever asks read what was said in the thread? Without one: in any at all."""
    known: dict[UUID | None, bool] = request.__dict__.setdefault(ASKED, {})
    key = thread.pk if thread is not None else None
    if key not in known:
        viewer = viewer_of_request(request)
        known[key] = viewer is not None and may_read_content(viewer, thread)
    return known[key]


def opened(request: HttpRequest, thread: Thread) -> bool:
    """Whether they may read it; if so, it is noted that they do."""
    may = may_read(request, thread)
    if may:
        note_reading(request.user, thread.pk)
    return may


def content_of(model: type[Model]) -> tuple[str, ...]:
    """The names of a table's columns that hold content."""
    return CONTENT.get(model, ())


def hidden_fields(
    request: HttpRequest, row: Model | type[Model], thread: Thread | None = None
) -> tuple[str, ...]:
    """The fields of a row that whoever asks may not see."""
    if may_read(request, thread):
        return ()
    return content_of(row if isinstance(row, type) else type(row))


def veiled(rows: Iterable[Any]) -> None:
    """Take the content out of rows that were read, so that no template can show it."""
    for row in rows:
        for name in content_of(type(row)):
            setattr(row, name, _nothing(getattr(row, name)))


def _nothing(value: object) -> object:
    return "" if isinstance(value, str) else None


def title_of(request: HttpRequest, thread: Thread) -> str:
    """What a thread is called, to those who may read that; else by its id."""
    if may_read(request, thread) and thread.title:
        return thread.title
    return _("Thread %(id)s") % {"id": thread.pk}
