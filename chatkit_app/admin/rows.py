"""Pages for the rows beneath a thread. Those that only its page leads to are not in the index."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy as _

from chatkit_app.admin.read_only import ReadOnlyAdmin
from chatkit_app.admin.timeline import between
from chatkit_app.models import (
    Command,
    Event,
    Interrupt,
    Message,
    Run,
    Step,
    ToolCall,
)


def seconds_text(start: datetime | None, end: datetime | None) -> str:
    """How long it took; a dash as long as it has not ended."""
    seconds = between(start, end)
    return "-" if seconds is None else f"{seconds:.1f}"


class OffIndexAdmin(ReadOnlyAdmin):
    """Found from a thread's page, and not on the index."""

    def has_module_permission(self, request: HttpRequest) -> bool:
        """The index is for where people begin."""
        return False


class StepInline(admin.TabularInline):
    """A run's steps, each in a line."""

    model = Step
    extra = 0
    can_delete = False
    ordering = ("index", "attempt")
    fields = readonly_fields = (
        "index",
        "attempt",
        "status",
        "provider",
        "model_name",
        "tokens",
        "seconds",
        "error_code",
    )

    @admin.display(description=_("tokens in, out"))
    def tokens(self, step: Step) -> str:
        return f"{step.input_tokens:,}, {step.output_tokens:,}"

    @admin.display(description=_("seconds"))
    def seconds(self, step: Step) -> str:
        return seconds_text(step.created_at, step.finished_at)

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Steps come from runs alone."""
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """And stay as they are."""
        return False


@admin.register(Run)
class RunAdmin(ReadOnlyAdmin):
    """Runs, with what went wrong."""

    list_display = (
        "created_at",
        "status",
        "model_name",
        "seconds",
        "error_code",
        "of_thread",
    )
    list_filter = ("status",)
    list_select_related = ("thread",)
    search_fields = ("error_code__exact",)
    searched_ids = ("pk", "thread")
    search_help_text = _("The id of a run or a thread, or an error's code.")
    inlines = (StepInline,)

    @admin.display(description=_("thread"))
    def of_thread(self, run: Run) -> SafeString:
        return self.link_to(run.thread)

    @admin.display(description=_("seconds"))
    def seconds(self, run: Run) -> str:
        return seconds_text(run.created_at, run.finished_at)

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        """With what a page names of other tables."""
        return super().get_queryset(request).select_related("thread", "started_by")


@admin.register(ToolCall)
class ToolCallAdmin(ReadOnlyAdmin):
    """Tool calls: which tool fails, which is slow."""

    list_display = (
        "created_at",
        "name",
        "status",
        "seconds",
        "error_code",
        "of_thread",
    )
    list_display_links = ("created_at", "name")
    list_filter = ("status", "executor")
    list_select_related = ("run__thread",)
    search_fields = ("name",)
    searched_ids = ("pk", "run")
    search_help_text = _("The name of a tool, or the id of a call or a run.")

    @admin.display(description=_("thread"))
    def of_thread(self, call: ToolCall) -> SafeString:
        return self.link_to(call.run.thread)

    @admin.display(description=_("seconds"))
    def seconds(self, call: ToolCall) -> str:
        return seconds_text(call.started_at, call.finished_at)


@admin.register(Message)
class MessageAdmin(OffIndexAdmin):
    """Messages as rows."""

    list_display = ("created_at", "thread", "depth", "role", "status", "is_shown")
    list_select_related = ("thread",)


@admin.register(Event)
class EventAdmin(OffIndexAdmin):
    """The log as it is, as long as it is kept."""

    list_display = ("position", "type", "run_id", "at", "data")
    list_per_page = 200


@admin.register(Interrupt)
class InterruptAdmin(OffIndexAdmin):
    """What was asked of the outside. The token of a claim is a key to it, and not shown."""

    list_display = (
        "created_at",
        "kind",
        "status",
        "tool_call",
        "claimed_by",
        "answered_at",
    )
    list_filter = ("kind", "status")
    list_select_related = ("tool_call",)
    unseen = ("claim_token",)


@admin.register(Command)
class CommandAdmin(OffIndexAdmin):
    """What was asked of us, and what came of it."""

    list_display = ("created_at", "kind", "protocol", "owner_key", "client_id", "run")
    list_filter = ("kind",)
    list_select_related = ("run",)
