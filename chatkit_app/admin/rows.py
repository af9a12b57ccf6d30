"""Pages for the rows beneath a thread. Those that only its page leads to are not in the index."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _

from chatkit_app.admin.call_list import CallList
from chatkit_app.admin.columns import seconds_text
from chatkit_app.admin.content import hidden_fields
from chatkit_app.admin.read_only import ReadOnlyAdmin
from chatkit_app.admin.run_list import RunList
from chatkit_app.models import (
    Command,
    Event,
    Message,
    Run,
    Step,
    ToolCall,
)


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
class RunAdmin(RunList):
    """Runs, with what went wrong."""

    inlines = (StepInline,)


@admin.register(ToolCall)
class ToolCallAdmin(CallList):
    """Tool calls: which tool fails, which is slow."""


@admin.register(Message)
class MessageAdmin(OffIndexAdmin):
    """Messages as rows."""

    list_display = ("created_at", "thread", "depth", "role", "status", "is_shown")
    thread_column = "thread_id"
    list_select_related = ("thread",)


@admin.register(Event)
class EventAdmin(OffIndexAdmin):
    """The log as it is, as long as it is kept."""

    list_display = ("position", "type", "run_id", "at", "data")
    list_per_page = 200
    thread_column = "thread_id"

    def get_list_display(self, request: HttpRequest) -> tuple[str, ...]:
        """Its JSON is what was said."""
        hidden = hidden_fields(request, Event)
        return tuple(name for name in self.list_display if name not in hidden)


@admin.register(Command)
class CommandAdmin(OffIndexAdmin):
    """What was asked of us, and what came of it."""

    list_display = ("created_at", "kind", "protocol", "owner_key", "client_id", "run")
    list_filter = ("kind",)
    thread_column = "thread_id"
    list_select_related = ("run",)
