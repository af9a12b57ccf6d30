"""The list of threads: who talks to which assistant, how it stands, and what it cost."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from urllib.parse import quote

from django.contrib import admin
from django.db.models import Q, QuerySet
from django.http import HttpRequest, HttpResponse
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.text import Truncator
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext

from chatkit_app.admin.approvals import waiting_for
from chatkit_app.admin.columns import money, names_of, side_by_side, when, who
from chatkit_app.admin.content import may_read
from chatkit_app.admin.happenings import (
    AssistantFilter,
    HappenedFilter,
    OwnerFilter,
    ToolFilter,
)
from chatkit_app.admin.read_only import TITLE
from chatkit_app.admin.recent import RecentAdmin
from chatkit_app.admin.said import said_in, search_help
from chatkit_app.admin.seen import seen_threads
from chatkit_app.admin.sought import sought, threads_of_id, users_named
from chatkit_app.admin.thread_rows import Told, told_of
from chatkit_app.admin.words import RUNS, badge
from chatkit_app.engine.states import ThreadStatus
from chatkit_app.models import Thread

STATUSES = {"locked": _("locked"), "archived": _("archived")}


class ThreadList(RecentAdmin):
    """Titles are what people wrote: for those who may read that. Others see ids, sizes and states."""

    moment = "last_activity_at"
    began = "created_at"
    change_list_template = "chatkit_app/admin/threads.html"
    list_display = (
        "name",
        "last_run",
        "owner_link",
        "active_at",
        "assistant",
        "tools",
        "cost",
        "feedback",
    )
    list_filter = (HappenedFilter, AssistantFilter, ToolFilter, OwnerFilter, "status")
    list_select_related = ("user",)
    search_fields = ("id",)

    @admin.display(description=_("thread"))
    def name(self, thread: Any) -> SafeString:
        told: Told = thread.told
        size = ngettext("%(n)s message", "%(n)s messages", told.messages)
        return format_html(
            '<span class="chatkit-title">{}</span> <span class="chatkit-code">{}</span>',
            Truncator(told.title).chars(TITLE),
            size % {"n": f"{told.messages:,}"},
        )

    @admin.display(description=_("owner"))
    def owner_link(self, thread: Thread) -> SafeString:
        """All of this owner's threads."""
        key = quote(thread.owner_key, safe="")
        return format_html('<a href="?owner_key={}">{}</a>', key, who(thread))

    @admin.display(description=_("last run"))
    def last_run(self, thread: Any) -> SafeString | None:
        run = thread.told.run
        marks = [badge(run.status, RUNS, run.error_code)] if run else []
        if thread.deleted_at:
            marks.append(badge("deleted", {"deleted": _("deleted")}))
        elif thread.status != ThreadStatus.OPEN:
            marks.append(badge(thread.status, STATUSES))
        return side_by_side(marks) if marks else None

    @admin.display(description=_("tools"))
    def tools(self, thread: Any) -> SafeString:
        """Those of the last run."""
        return names_of(thread.told.tools)

    @admin.display(description=_("cost"))
    def cost(self, thread: Any) -> str | None:
        return "…" if thread.told.is_large else money(thread.told.cost)

    @admin.display(description=_("feedback"))
    def feedback(self, thread: Any) -> SafeString | None:
        ups, downs = thread.told.ups, thread.told.downs
        marks = [
            format_html(
                '<span class="chatkit-{}" title="{}">{}{}</span>', kind, words, sign, n
            )
            for kind, words, sign, n in (
                ("up", _("liked"), "+", ups),
                ("down", _("disliked"), "-", downs),
            )
            if n
        ]
        return side_by_side(marks) if marks else None

    @admin.display(description=_("last activity"))
    def active_at(self, thread: Thread) -> str:
        return when(thread.last_activity_at)

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        """The threads that whoever asks may look at."""
        # The policy's own rows and no condition on them, so that the tenant's index serves.
        threads: QuerySet[Any] = seen_threads(request)
        return threads.order_by(*self.get_ordering(request)).select_related("user")

    def tell(self, request: HttpRequest, rows: Sequence[Any]) -> None:
        """With the newest run, sizes, tools, money and feedback of each."""
        told = told_of(rows)
        for thread in rows:
            thread.told = told[thread.pk]
            thread.told.title = self.title_of(request, thread)

    def get_changelist_instance(self, request: HttpRequest) -> Any:
        """With words on what the search looks at, for whoever asks."""
        changes = super().get_changelist_instance(request)
        changes.search_help_text = str(search_help(may_read(request)))
        return changes

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Any], search_term: str
    ) -> tuple[QuerySet[Any], bool]:
        """By an id or an owner; by a user's name; and by words, for those who may read them."""
        wanted = sought(search_term)
        if wanted.id is not None:
            return threads_of_id(queryset, wanted.id), False
        if wanted.owner:
            return queryset.filter(owner_key=wanted.owner), False
        if not wanted.words:
            return queryset, False
        found = Q(user__in=users_named(wanted.words))
        if may_read(request):
            found |= said_in(wanted.words)
        return queryset.filter(found), False

    def changelist_view(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """With how much waits for whoever reads it."""
        found = {"waiting_for_me": waiting_for(request), **(extra_context or {})}
        return super().changelist_view(request, found)
