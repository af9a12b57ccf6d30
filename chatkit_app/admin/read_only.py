"""What all pages of the inspector share: they show every field and change none."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from functools import reduce
from operator import or_
from typing import Any
from uuid import UUID

from django.contrib import admin
from django.contrib.admin.models import CHANGE, LogEntry
from django.contrib.contenttypes.models import ContentType
from django.db.models import Field, JSONField, Model, Q, QuerySet
from django.http import HttpRequest, HttpResponse
from django.urls import NoReverseMatch, reverse
from django.utils.html import escape, format_html
from django.utils.safestring import SafeString
from django.utils.text import Truncator, capfirst
from django.utils.translation import gettext as _

from chatkit_app.admin.content import content_of, hidden_fields, may_read, opened
from chatkit_app.admin.paging import Pages
from chatkit_app.admin.seen import of_seen_threads
from chatkit_app.admin.sought import sought
from chatkit_app.models import Thread

LONGEST = 20_000
"""Characters of one value that a timeline shows; its own page shows it whole."""

TITLE = 60
"""Characters of a title in a list."""


def pretty(value: object, limit: int | None = None) -> str:
    """JSON as people read it; cut where it is longer than ``limit``."""
    text = json.dumps(value, indent=2, ensure_ascii=False)
    return cut(text, limit) if limit else text


def cut(text: str, limit: int = LONGEST) -> str:
    """The beginning of a text, and how much more there would be."""
    more = len(text) - limit
    return f"{text[:limit]}\n… (+{more:,})" if more > 0 else text


class ReadOnlyAdmin(admin.ModelAdmin):
    """Newest first by the key, which is in the order of time, so that no list is ever sorted.

    ``unseen`` are the fields that nobody needs to see, or must not; ``searched_ids`` those that a
    search for a UUID looks at; ``thread_column`` is the way to the row's thread: only those of threads
    that the policy lets the staff look at are shown.
    """

    actions = None
    list_per_page = 50
    paginator = Pages
    ordering = ("-id",)
    show_full_result_count = False
    unseen: Sequence[str] = ()
    searched_ids: Sequence[str] = ("pk",)
    thread_column = ""

    class Media:
        css = {
            "all": [
                "chatkit_app/admin/palette.css",
                "chatkit_app/admin/timeline.css",
            ]
        }

    def has_add_permission(self, request: HttpRequest) -> bool:
        """Rows come from the app's own doors alone."""
        return False

    def has_change_permission(
        self, request: HttpRequest, obj: Model | None = None
    ) -> bool:
        """Nothing is changed here: a row moves together with its event, or not at all."""
        return False

    def has_delete_permission(
        self, request: HttpRequest, obj: Model | None = None
    ) -> bool:
        """Nor deleted."""
        return False

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        """The rows of the threads that whoever asks may look at."""
        rows: QuerySet[Any] = super().get_queryset(request)
        column = self.thread_column
        return of_seen_threads(request, rows, column) if column else rows

    def get_fields(self, request: HttpRequest, obj: Any = None) -> list[Any]:
        """All that the row has, and whoever asks may read; JSON as people read it."""
        thread = self.row_thread(obj) if obj is not None else None
        hidden = hidden_fields(request, obj or self.model, thread)
        unseen = {*self.unseen, *hidden}
        return [
            _as_json(field) if isinstance(field, JSONField) else field.name
            for field in self.opts.concrete_fields
            if field.name not in unseen
        ]

    def row_thread(self, row: Any) -> Thread | None:
        """The thread that a row belongs to."""
        if not self.thread_column:
            return None
        *way, last = self.thread_column.removesuffix("_id").split("__")
        for name in [*way, last]:
            row = getattr(row, name)
        found: Thread | None = row
        return found

    def render_change_form(
        self, request: HttpRequest, context: dict[str, Any], *args: Any, **kwargs: Any
    ) -> HttpResponse:
        """Whose reader may read what was said has read it: that is noted."""
        row = context.get("original")
        thread = self.row_thread(row) if row is not None else None
        if thread is not None:
            opened(request, thread)
        return super().render_change_form(request, context, *args, **kwargs)

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> list[Any]:
        """The form has no fields at all."""
        return self.get_fields(request, obj)

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Any], search_term: str
    ) -> tuple[QuerySet[Any], bool]:
        """An id, as logs carry it, finds its row by an index; all else is text."""
        wanted = sought(search_term).id
        if wanted is None:
            return super().get_search_results(request, queryset, search_term)
        found = (Q(**{name: wanted}) for name in self.searched_ids)
        return queryset.filter(reduce(or_, found)), False

    def lookup_allowed(self, lookup: str, value: str, request: HttpRequest) -> bool:
        """By no column of content: how many rows fit would tell what is in them, and nobody notes it."""
        if lookup.partition("__")[0] in content_of(self.model):
            return False
        return super().lookup_allowed(lookup, value, request)

    def link_to(self, thread: Thread, title: str = "") -> SafeString:
        """A link to a thread's page; by its id, where nothing else is given."""
        text = Truncator(title or str(thread)).chars(TITLE)
        url = self.url_of_thread(thread.pk)
        return format_html('<a href="{}">{}</a>', url, text) if url else escape(text)

    def url_of_thread(self, pk: UUID) -> str:
        """A thread's page; empty, where the site has unregistered it."""
        try:
            name = f"{self.admin_site.name}:chatkit_app_thread_change"
            return reverse(name, args=[pk])
        except NoReverseMatch:
            return ""

    def title_of(self, request: HttpRequest, thread: Thread) -> str:
        """What a thread is called, to those who may read it; asked once for all rows of a list."""
        if may_read(request) and thread.title:
            return thread.title
        return _("Thread %(id)s") % {"id": thread.pk}

    def log_change(self, request: HttpRequest, obj: Any, message: Any) -> LogEntry:
        """Note what was done, and with which row: never a word of what is in it, as erasing must be true."""
        return LogEntry.objects.create(
            user_id=str(request.user.pk),
            content_type=ContentType.objects.get_for_model(obj),
            object_id=obj.pk,
            object_repr=f"{obj._meta.verbose_name} {obj.pk}",
            action_flag=CHANGE,
            change_message=json.dumps(message)
            if isinstance(message, list)
            else message,
        )


def _as_json(field: Field[Any, Any]) -> Callable[[Model], SafeString | None]:
    @admin.display(description=capfirst(field.verbose_name))
    def shown(row: Model) -> SafeString | None:
        value = getattr(row, field.name)
        return (
            None
            if value is None
            else format_html('<pre class="chatkit-json">{}</pre>', pretty(value))
        )

    shown.__name__ = field.name
    return shown
