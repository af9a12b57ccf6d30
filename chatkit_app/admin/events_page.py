"""A thread's events as the log has them, page by page: for whoever looks for what really happened."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from django.core.exceptions import PermissionDenied
from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.template.response import TemplateResponse
from django.urls import URLPattern, path
from django.utils.translation import gettext as _

from chatkit_app.admin.content import opened, title_of
from chatkit_app.admin.live import LivePage
from chatkit_app.admin.read_only import LONGEST, cut, pretty
from chatkit_app.models import Event, Thread

ROWS = 100
"""Events of a page."""
LONGEST_POSITION = 18
"""Digits that a position may have."""


@dataclass(frozen=True, slots=True, kw_only=True)
class EventLine:
    """An event and its JSON as people read it."""

    row: Event
    json: str


class EventsPage(LivePage):
    """The address of a thread's events."""

    def get_urls(self) -> list[URLPattern]:
        """Beside those of the thread's own page."""
        view = self.admin_site.admin_view(self.events_view)
        name = "chatkit_app_thread_events"
        return [path("<uuid:pk>/events/", view, name=name), *super().get_urls()]

    def events_view(self, request: HttpRequest, pk: UUID) -> HttpResponseBase:
        """The events after ``?after=`` a position, else the newest."""
        thread = self.wanted(request, pk)
        may = request.user.has_perm("chatkit_app.view_event")
        if not may or not opened(request, thread):
            raise PermissionDenied
        rows = _events(thread, _position(request))
        first = rows[0].row.position if rows else thread.position
        last = rows[-1].row.position if rows else thread.position
        context = {
            **self.admin_site.each_context(request),
            "title": _("Events"),
            "opts": self.opts,
            "original": thread,
            "heading": title_of(request, thread),
            "lines": rows,
            "earlier": max(thread.floor, first - 1 - ROWS),
            "has_earlier": first - 1 > thread.floor,
            "later": last,
            "has_later": last < thread.position,
            "media": self.media,
        }
        return TemplateResponse(request, "chatkit_app/admin/events.html", context)


def _position(request: HttpRequest) -> int | None:
    text = request.GET.get("after", "")
    is_one = text.isascii() and text.isdigit() and len(text) <= LONGEST_POSITION
    return int(text) if is_one else None


def _events(thread: Thread, after: int | None) -> Sequence[EventLine]:
    rows = Event.objects.filter(thread=thread)
    if after is None:
        newest = list(rows.order_by("-position")[:ROWS])
        return [EventLine(row=row, json=_json(row.data)) for row in newest[::-1]]
    found = rows.filter(position__gt=after).order_by("position")[:ROWS]
    return [EventLine(row=row, json=_json(row.data)) for row in found]


def _json(text: str) -> str:
    try:
        return pretty(json.loads(text), LONGEST)
    except (ValueError, RecursionError):
        return cut(text)
