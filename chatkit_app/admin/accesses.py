"""The list of accesses: who of the staff has read or done what, in whose thread and when."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django.contrib import admin
from django.db.models import Exists, OuterRef, Q, QuerySet
from django.http import HttpRequest
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy as _

from chatkit_app.access import PERMISSIONS, policy, viewer_of_request
from chatkit_app.admin.recent import RecentAdmin
from chatkit_app.models import AccessLog, Thread


class ActionFilter(admin.SimpleListFilter):
    """By what was done: asking the table for it would read it whole."""

    title = _("action")
    parameter_name = "action"

    def lookups(self, request: HttpRequest, model_admin: Any) -> Sequence[Any]:
        return [(each.value, each.value.replace("_", " ")) for each in PERMISSIONS]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        return queryset.filter(action=self.value()) if self.value() else queryset


@admin.register(AccessLog)
class AccessLogAdmin(RecentAdmin):
    """Accesses outlive the threads that they are about: an erased one is known by its id."""

    list_display = ("at", "user", "what", "thread")
    list_display_links = None
    list_filter = (ActionFilter,)
    list_select_related = ("user",)
    searched_ids = ("pk", "thread_id")
    search_fields = ("action__exact",)
    search_help_text = _("The id of a thread.")

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        """Of the threads that are there only those of the reader's tenant; ``is_there``: theirs can be opened."""
        rows: QuerySet[Any] = super().get_queryset(request)
        viewer = viewer_of_request(request)
        threads = policy().get_queryset(viewer) if viewer else Thread.objects.none()
        it = Q(pk=OuterRef("thread_id"))
        rows = rows.annotate(is_there=Exists(threads.filter(it)))
        return rows.filter(Q(is_there=True) | ~Exists(Thread.objects.filter(it)))

    @admin.display(description=_("at"))
    def at(self, row: AccessLog) -> Any:
        return row.created_at

    @admin.display(description=_("action"))
    def what(self, row: AccessLog) -> str:
        return row.action.replace("_", " ")

    @admin.display(description=_("thread"))
    def thread(self, row: AccessLog) -> SafeString:
        """A link, unless the thread was erased since."""
        url = self.url_of_thread(row.thread_id)
        if not (url and row.is_there):  # type: ignore[attr-defined]  # annotated above
            return format_html("<code>{}</code>", row.thread_id)
        return format_html('<a href="{}"><code>{}</code></a>', url, row.thread_id)
