"""Threads: who talks to which assistant, how it stands, and what was said and done."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.contrib.auth import get_user_model
from django.db.models import OuterRef, QuerySet, Subquery
from django.http import HttpRequest, HttpResponse
from django.utils.text import Truncator
from django.utils.translation import gettext_lazy as _

from chatkit_app.admin.read_only import TITLE, ReadOnlyAdmin
from chatkit_app.admin.timeline import timeline_of
from chatkit_app.models import Run, Thread
from chatkit_app.registry import assistants

DEEPEST = 9
"""Digits that a depth may have."""


class AssistantFilter(admin.SimpleListFilter):
    """By the assistants that are registered: asking the table for them would read it whole."""

    title = _("assistant")
    parameter_name = "assistant"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [(name, name) for name in assistants.names()]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        return queryset.filter(assistant=self.value()) if self.value() else queryset


class OwnerFilter(admin.SimpleListFilter):
    """Users, or visitors who have not logged in."""

    title = _("owner")
    parameter_name = "owner"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        return [("user", _("users")), ("visitor", _("visitors"))]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        match self.value():
            case "user":
                return queryset.filter(user__isnull=False)
            case "visitor":
                return queryset.filter(visitor__isnull=False)
        return queryset


@admin.register(Thread)
class ThreadAdmin(ReadOnlyAdmin):
    """The list, and each thread's timeline. What was said needs the permission to view messages."""

    change_form_template = "chatkit_app/admin/thread.html"
    list_display = (
        "name",
        "assistant",
        "owner",
        "status",
        "last_run",
        "last_activity_at",
    )
    list_filter = (AssistantFilter, "status", OwnerFilter)
    list_select_related = ("user",)
    search_fields = ("title",)
    searched_ids = ("pk", "visitor")
    search_help_text = _("A title, an id, a user's name, or an owner such as u:1.")
    fieldsets = (
        (
            None,
            {
                "fields": (
                    "owner",
                    "assistant",
                    "status",
                    "created_at",
                    "last_activity_at",
                )
            },
        ),
        (
            _("Everything else"),
            {
                "classes": ("collapse",),
                "fields": (
                    "id",
                    "owner_key",
                    "tenant",
                    "external_id",
                    "epoch",
                    "position",
                    "floor",
                    "metadata",
                    "deleted_at",
                ),
            },
        ),
    )

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> list[Any]:
        """The owner among them, which is no field."""
        return ["owner", *super().get_readonly_fields(request, obj)]

    @admin.display(description=_("title"), ordering="title")
    def name(self, thread: Thread) -> str:
        return Truncator(str(thread)).chars(TITLE)

    @admin.display(description=_("owner"), ordering="owner_key")
    def owner(self, thread: Thread) -> str:
        if thread.user is not None:
            return str(thread.user)
        return str(_("visitor %(id)s")) % {"id": str(thread.visitor)[:8]}

    @admin.display(description=_("last run"))
    def last_run(self, thread: Any) -> str:
        return str(thread.last_run_status or self.get_empty_value_display()).replace(
            "_", " "
        )

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        """With the status of each thread's newest run."""
        runs = Run.objects.filter(thread=OuterRef("pk")).order_by("-id")
        status = Subquery(runs.values("status")[:1])
        threads: QuerySet[Any] = super().get_queryset(request)
        found: QuerySet[Any] = threads.annotate(last_run_status=status)
        return found.select_related("user")

    def get_search_fields(self, request: HttpRequest) -> list[str]:
        """Titles, owners' keys, users' names."""
        name = getattr(get_user_model(), "USERNAME_FIELD", "pk")
        return ["title", "owner_key__exact", f"user__{name}"]

    def render_change_form(
        self,
        request: HttpRequest,
        context: dict[str, Any],
        add: bool = False,
        change: bool = False,
        form_url: str = "",
        obj: Any = None,
    ) -> HttpResponse:
        """The thread's facts and, to those who may read it, its timeline."""
        may = request.user.has_perm
        before = request.GET.get("before", "")
        is_depth = before.isascii() and before.isdigit() and len(before) <= DEEPEST
        context |= {
            "timeline": timeline_of(obj, int(before) if is_depth else None)
            if obj and may("chatkit_app.view_message")
            else None,
            "may_open_runs": may("chatkit_app.view_run"),
            "may_open_calls": may("chatkit_app.view_toolcall"),
            "may_open_events": may("chatkit_app.view_event"),
        }
        return super().render_change_form(request, context, add, change, form_url, obj)
