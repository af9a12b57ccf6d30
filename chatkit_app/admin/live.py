"""The part of a thread's page that changes while it is looked at: drawn here, at first and ever again."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django import forms
from django.http import Http404, HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.template.response import TemplateResponse
from django.urls import NoReverseMatch, URLPattern, path, reverse

from chatkit_app.access import viewer_of_request
from chatkit_app.admin.answers import AnswerForm, is_answered_here
from chatkit_app.admin.asked import Asked, waiting_in
from chatkit_app.admin.content import opened, title_of, veiled
from chatkit_app.admin.decisions import DecisionForm
from chatkit_app.admin.read_only import ReadOnlyAdmin
from chatkit_app.admin.rights import Rights
from chatkit_app.admin.spent import spent_on
from chatkit_app.admin.timeline import timeline_of
from chatkit_app.admin.windows import window_of
from chatkit_app.engine.states import ACTIVE_RUN_STATUSES, RunStatus, ThreadStatus
from chatkit_app.models import Run, Thread, new_id
from chatkit_app.threads.accesses import note_reading
from chatkit_app.threads.sharing import live as live_links

DEEPEST = 9
"""Digits that a depth may have."""


class LivePage(ReadOnlyAdmin):
    """A thread's timeline, and the same as a fragment for the page that watches it."""

    @property
    def media(self) -> forms.Media:
        """With the looks of a thread's page."""
        own = forms.Media(css={"all": ["chatkit_app/admin/inspector.css"]})
        return super().media + own

    def get_urls(self) -> list[URLPattern]:
        """The fragment beside Django's own."""
        view = self.admin_site.admin_view(self.timeline_view)
        name = "chatkit_app_thread_timeline"
        return [path("<uuid:pk>/timeline/", view, name=name), *super().get_urls()]

    def wanted(self, request: HttpRequest, pk: UUID) -> Thread:
        """The thread, as far as whoever asks may inspect it.

        Raises:
            Http404: It is missing, or another tenant's.
        """
        thread = self.get_queryset(request).filter(pk=pk).first()
        if thread is None:
            raise Http404
        found: Thread = thread
        return found

    def timeline_view(self, request: HttpRequest, pk: UUID) -> HttpResponseBase:
        """The fragment; nothing where nothing has happened since ``?known=``."""
        thread = self.wanted(request, pk)
        if request.GET.get("known") == standing_of(thread):
            return HttpResponse(status=204)
        return TemplateResponse(
            request, "chatkit_app/admin/live.html", self.live_context(request, thread)
        )

    def live_context(self, request: HttpRequest, thread: Thread) -> dict[str, Any]:
        """What the fragment shows of a thread; that its content is read is noted."""
        may_read = opened(request, thread)
        before, branch = _depth(request), _message(request)
        newest = Run.objects.filter(thread=thread).order_by("-created_at", "-id")
        window = window_of(thread, before, branch)
        timeline = timeline_of(thread, window, may_read=may_read)
        run = newest.first()
        return {
            "thread": thread,
            "heading": title_of(request, thread),
            "standing": standing_of(thread),
            "timeline": timeline,
            "waiting": _waiting(request, thread, may_read=may_read),
            "newest": run,
            "is_active": run is not None and run.status in ACTIVE_RUN_STATUSES,
            "can_be_retried": run is not None and _has_failed(run),
            "is_open": thread.status == ThreadStatus.OPEN,
            "spent": spent_on(thread),
            "links": live_links().filter(thread=thread).count(),
            "may": Rights(request, thread),
            "submission": new_id().hex,
            "is_live": timeline.is_newest,
            "mount": _mount() if may_read else "",
            "live_url": self._live_url(thread),
        }

    def _live_url(self, thread: Thread) -> str:
        name = f"{self.admin_site.name}:chatkit_app_thread_timeline"
        return reverse(name, args=[thread.pk])


def standing_of(thread: Thread) -> str:
    """Up to where a page knows a thread: its epoch and position."""
    return f"{thread.epoch}.{thread.position}"


def _mount() -> str:
    """Where the socket is; nowhere, if the site has not routed the app by its name."""
    try:
        return reverse("chatkit:visitor").removesuffix("visitor/")
    except NoReverseMatch:
        return ""


def _depth(request: HttpRequest) -> int | None:
    text = request.GET.get("before", "")
    is_depth = text.isascii() and text.isdigit() and len(text) <= DEEPEST
    return int(text) if is_depth else None


def _message(request: HttpRequest) -> UUID | None:
    try:
        return UUID(request.GET.get("branch", ""))
    except ValueError:
        return None


def _has_failed(run: Run) -> bool:
    return run.status in (RunStatus.FAILED, RunStatus.CANCELLED)


def _waiting(
    request: HttpRequest, thread: Thread, *, may_read: bool
) -> list[dict[str, Any]]:
    """What waits for people in this thread; what it is about, to those who may read that."""
    found = waiting_in(thread, viewer_of_request(request))
    if not may_read and any(asked.may_decide for asked in found):
        note_reading(request.user, thread.pk)
    return [_told(asked, may_read=may_read) for asked in found]


def _told(asked: Asked, *, may_read: bool) -> dict[str, Any]:
    is_shown = may_read or asked.may_decide
    if not is_shown:
        veiled([asked.row, asked.row.tool_call])
    return {
        "asked": asked,
        "may_read": is_shown,
        "form": DecisionForm(asked.row) if asked.may_decide else None,
        "answer": AnswerForm(asked.row)
        if may_read and is_answered_here(asked.row)
        else None,
        "submission": new_id().hex,
    }
