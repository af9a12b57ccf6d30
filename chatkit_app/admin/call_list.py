"""The list of tool calls: which tool fails, which is slow, what is still open."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.safestring import SafeString
from django.utils.text import Truncator
from django.utils.translation import gettext_lazy as _

from chatkit_app.admin.columns import seconds_text, when, who
from chatkit_app.admin.happenings import CallHappenedFilter, CallToolFilter
from chatkit_app.admin.read_only import TITLE
from chatkit_app.admin.recent import RecentAdmin
from chatkit_app.admin.sought import sought
from chatkit_app.admin.words import CALLS, badge
from chatkit_app.models import ToolCall


class CallList(RecentAdmin):
    """A row tells which tool, for whom, how it ended and how long it took; never what it was called with."""

    list_display = (
        "tool",
        "state",
        "of_thread",
        "whose",
        "executor",
        "seconds",
        "at",
    )
    list_filter = (CallHappenedFilter, CallToolFilter, "executor")
    list_select_related = ("run__thread__user",)
    search_fields = ("name__startswith",)
    searched_ids = ("pk", "run", "run__thread")
    search_help_text = _(
        "How a tool's name begins, an owner (u:1), or the id of a call, run or thread."
    )
    thread_column = "run__thread_id"
    copied = "run__copy_of"

    @admin.display(description=_("tool"))
    def tool(self, call: ToolCall) -> str:
        return Truncator(call.name).chars(TITLE)

    @admin.display(description=_("state"))
    def state(self, call: ToolCall) -> SafeString:
        return badge(call.status, CALLS, call.error_code)

    @admin.display(description=_("thread"))
    def of_thread(self, call: Any) -> SafeString:
        return self.link_to(call.run.thread, call.thread_title)

    @admin.display(description=_("owner"))
    def whose(self, call: ToolCall) -> str:
        return who(call.run.thread)

    @admin.display(description=_("seconds"))
    def seconds(self, call: ToolCall) -> str:
        return seconds_text(call.started_at, call.finished_at)

    @admin.display(description=_("when"))
    def at(self, call: ToolCall) -> str:
        return when(call.created_at)

    def tell(self, request: HttpRequest, rows: Sequence[Any]) -> None:
        """With the name of each one's thread."""
        for call in rows:
            call.thread_title = self.title_of(request, call.run.thread)

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Any], search_term: str
    ) -> tuple[QuerySet[Any], bool]:
        """By an owner too."""
        owner = sought(search_term).owner
        if owner:
            return queryset.filter(run__thread__owner_key=owner), False
        return super().get_search_results(request, queryset, search_term)
