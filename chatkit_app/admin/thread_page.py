"""A thread's own page: what waits in it, its timeline, its facts."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext_lazy as _

from chatkit_app.access import policy, viewer_of_request
from chatkit_app.admin.acting import ThreadActs
from chatkit_app.admin.content import hidden_fields, title_of
from chatkit_app.admin.events_page import EventsPage
from chatkit_app.models import Thread


class ThreadPage(ThreadActs, EventsPage):
    """A thread as people read it. What was said is for those who may read content."""

    change_form_template = "chatkit_app/admin/thread.html"
    fieldsets = (
        (
            _("Everything else"),
            {
                "classes": ("collapse",),
                "fields": (
                    "id",
                    "title",
                    "title_source",
                    "owner",
                    "owner_key",
                    "tenant",
                    "external_id",
                    "epoch",
                    "position",
                    "floor",
                    "created_at",
                    "last_activity_at",
                    "answered_at",
                    "read_at",
                    "pinned_at",
                    "deleted_at",
                    "metadata",
                ),
            },
        ),
    )

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        """The threads that the policy lets them inspect: of their tenant, for one."""
        viewer = viewer_of_request(request)
        if viewer is None:
            return Thread.objects.none()
        return policy().inspected(viewer).order_by(*self.ordering)

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> list[Any]:
        """The owner among them, which is no field."""
        return ["owner", *super().get_readonly_fields(request, obj)]

    def get_fieldsets(self, request: HttpRequest, obj: Any = None) -> Any:
        """Without the fields that they may not read."""
        hidden = hidden_fields(request, Thread, obj)
        return [
            (
                name,
                {
                    **options,
                    "fields": [f for f in options["fields"] if f not in hidden],
                },
            )
            for name, options in super().get_fieldsets(request, obj)
        ]

    @admin.display(description=_("owner"), ordering="owner_key")
    def owner(self, thread: Thread) -> str:
        if thread.user is not None:
            return str(thread.user)
        return str(_("visitor %(id)s")) % {"id": str(thread.visitor)[:8]}

    def render_change_form(
        self,
        request: HttpRequest,
        context: dict[str, Any],
        add: bool = False,
        change: bool = False,
        form_url: str = "",
        obj: Any = None,
    ) -> HttpResponse:
        """The thread with all that waits and was said in it."""
        if obj is not None:
            context |= self.live_context(request, obj)
            context |= {"subtitle": title_of(request, obj), "owner": self.owner(obj)}
        return super().render_change_form(request, context, add, change, form_url, obj)
