"""The list of runs: what went wrong, what waits, what was dear."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django.contrib import admin
from django.db.models import QuerySet, Sum
from django.http import HttpRequest
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy as _

from chatkit_app.admin.columns import money, names_of, seconds_text, when, who
from chatkit_app.admin.happenings import RunHappenedFilter
from chatkit_app.admin.recent import RecentAdmin
from chatkit_app.admin.sought import sought
from chatkit_app.admin.thread_rows import tools_of
from chatkit_app.admin.words import RUNS, badge
from chatkit_app.engine.states import RunStatus
from chatkit_app.models import Run, Step


class RunList(RecentAdmin):
    """A row tells what a run needs no other page for: whose, how it ended and why, tokens, money, time."""

    list_display = (
        "at",
        "state",
        "of_thread",
        "whose",
        "seconds",
        "cost_text",
        "tokens",
        "tools",
        "model_name",
    )
    list_filter = (RunHappenedFilter,)
    list_select_related = ("thread__user",)
    search_fields = ("error_code__exact",)
    searched_ids = ("pk", "thread")
    search_help_text = _(
        "The id of a run or a thread, an owner (u:1), or an error's code."
    )
    thread_column = "thread_id"
    copied = "copy_of"

    @admin.display(description=_("when"))
    def at(self, run: Run) -> str:
        return when(run.created_at)

    @admin.display(description=_("state"))
    def state(self, run: Run) -> SafeString:
        return badge(run.status, RUNS, run.error_code)

    @admin.display(description=_("thread"))
    def of_thread(self, run: Any) -> SafeString:
        return self.link_to(run.thread, run.thread_title)

    @admin.display(description=_("owner"))
    def whose(self, run: Run) -> str:
        return who(run.thread)

    @admin.display(description=_("tools"))
    def tools(self, run: Any) -> SafeString:
        return names_of(run.tools)

    @admin.display(description=_("tokens in, out"))
    def tokens(self, run: Any) -> str | None:
        if run.tokens is None:
            return None
        return f"{run.tokens['read']:,}, {run.tokens['written']:,}"

    @admin.display(description=_("cost"))
    def cost_text(self, run: Run) -> str | None:
        return money(run.cost)

    @admin.display(description=_("seconds"))
    def seconds(self, run: Run) -> str:
        return seconds_text(run.created_at, run.finished_at)

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        """With what a page names of other tables."""
        return (
            super().get_queryset(request).select_related("thread__user", "started_by")
        )

    def tell(self, request: HttpRequest, rows: Sequence[Any]) -> None:
        """With the tokens and tools of each, and its thread's name."""
        ids = [run.pk for run in rows]
        tools = tools_of(ids)
        sums = (
            Step.objects.filter(run__in=ids)
            .order_by()
            .values("run")
            .annotate(read=Sum("input_tokens"), written=Sum("output_tokens"))
        )
        tokens = {row["run"]: row for row in sums}
        for run in rows:
            run.tools, run.tokens = tools[run.pk], tokens.get(run.pk)
            run.thread_title = self.title_of(request, run.thread)

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Any], search_term: str
    ) -> tuple[QuerySet[Any], bool]:
        """By an owner, or by an error's code: of those that failed, which are few."""
        wanted = sought(search_term)
        if wanted.owner:
            return queryset.filter(thread__owner_key=wanted.owner), False
        if wanted.words:
            failed = queryset.filter(status=RunStatus.FAILED)
            return failed.filter(error_code=wanted.words), False
        return super().get_search_results(request, queryset, search_term)
