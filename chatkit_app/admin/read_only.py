"""What all pages of the inspector share: they show every field and change none."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from functools import reduce
from operator import or_
from typing import Any
from uuid import UUID

from django.contrib import admin
from django.db.models import Field, JSONField, Model, Q, QuerySet
from django.http import HttpRequest
from django.urls import reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.text import Truncator, capfirst

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
    search for a UUID looks at.
    """

    actions = None
    list_per_page = 50
    ordering = ("-id",)
    show_full_result_count = False
    unseen: Sequence[str] = ()
    searched_ids: Sequence[str] = ("pk",)

    class Media:
        css = {"all": ["chatkit_app/admin/timeline.css"]}

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

    def get_fields(self, request: HttpRequest, obj: Any = None) -> list[Any]:
        """All that the row has; JSON as people read it."""
        return [
            _as_json(field) if isinstance(field, JSONField) else field.name
            for field in self.opts.concrete_fields
            if field.name not in self.unseen
        ]

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> list[Any]:
        """The form has no fields at all."""
        return self.get_fields(request, obj)

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Any], search_term: str
    ) -> tuple[QuerySet[Any], bool]:
        """An id, as logs carry it, finds its row by an index; all else is text."""
        try:
            wanted = UUID(search_term.strip())
        except ValueError:
            return super().get_search_results(request, queryset, search_term)
        found = (Q(**{name: wanted}) for name in self.searched_ids)
        return queryset.filter(reduce(or_, found)), False

    def link_to(self, thread: Thread) -> SafeString:
        """A link to a thread's page."""
        name = f"{self.admin_site.name}:chatkit_app_thread_change"
        title = Truncator(str(thread)).chars(TITLE)
        return format_html(
            '<a href="{}">{}</a>', reverse(name, args=[thread.pk]), title
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
