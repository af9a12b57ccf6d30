"""Lists at a million rows: newest first by an index, counted to a thousand, a few days at a time."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from django.contrib import admin
from django.contrib.admin.views.main import ChangeList
from django.db.models import Q, QuerySet
from django.http import HttpRequest
from django.utils.formats import date_format
from django.utils.timezone import localtime
from django.utils.translation import gettext_lazy as _

from chatkit_app.admin.paging import OLDER, OrMore, key_of, place_of_key
from chatkit_app.admin.periods import PeriodFilter
from chatkit_app.admin.read_only import ReadOnlyAdmin
from chatkit_app.admin.sought import sought_by

OF_ONE = {"thread__id__exact", "run__id__exact", "run__thread__id__exact"}
"""Parameters of an address that asks for the rows of one thread, or of one run."""


class OlderFilter(admin.SimpleListFilter):
    """What comes after the row that a key names. Only there where it was asked for."""

    title = _("page")
    parameter_name = OLDER

    def __init__(
        self, request: HttpRequest, params: Any, model: Any, model_admin: Any
    ) -> None:
        self._column = model_admin.moment
        super().__init__(request, params, model, model_admin)
        self._place = place_of_key(self.value())

    def has_output(self) -> bool:
        """Nobody chooses one by hand."""
        return self.value() is not None

    def lookups(self, request: HttpRequest, model_admin: Any) -> Sequence[Any]:
        return ()

    def choices(self, changelist: Any) -> Iterator[Any]:
        """The newest, or where one is."""
        yield {
            "selected": self._place is None,
            "query_string": changelist.get_query_string(remove=[OLDER]),
            "display": _("From the newest"),
        }
        if self._place is not None:
            at = date_format(localtime(self._place[0]), "SHORT_DATETIME_FORMAT")
            yield {
                "selected": True,
                "query_string": changelist.get_query_string(),
                "display": _("Before %(at)s") % {"at": at},
            }

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        if self._place is None:
            return queryset
        at, pk = self._place
        # The first condition is what an index is read by.
        return queryset.filter(
            Q(**{f"{self._column}__lt": at}) | Q(pk__lt=pk),
            **{f"{self._column}__lte": at},
        )


class RecentChangeList(ChangeList):
    """A page, with what its rows need from other tables. ``older``: where the next thousand begins."""

    older = ""

    def get_queryset(
        self, request: HttpRequest, exclude_parameters: list[str | None] | None = None
    ) -> QuerySet[Any]:
        """Without what a fork has copied, unless that thread, or the row, is looked for."""
        rows: QuerySet[Any] = super().get_queryset(request, exclude_parameters)
        page: Any = self.model_admin
        copied: str = page.copied
        if not copied or sought_by(request).id or OF_ONE & request.GET.keys():
            return rows
        return rows.filter(**{copied: None})

    def get_results(self, request: HttpRequest) -> None:
        """Read the page, and tell its rows the rest."""
        super().get_results(request)
        self.page_num = self.paginator.validate_number(self.page_num)
        rows = list(self.result_list)
        page: Any = self.model_admin
        page.tell(request, rows)
        is_last = self.page_num == self.paginator.num_pages
        if rows and is_last and isinstance(self.result_count, OrMore):
            key = key_of(rows[-1], page.moment)
            self.older = self.get_query_string({OLDER: key})


class RecentAdmin(ReadOnlyAdmin):
    """A list of what was lately. ``moment`` is the column that says when; it has an index with the id.

    ``began`` is another, for what lasts: a thread of yesterday may have gone on today. ``copied`` is
    the one that is set in what a fork has copied, and nobody has done again.
    """

    moment = "created_at"
    began = ""
    copied = ""
    sortable_by = ()
    show_facets = admin.ShowFacets.NEVER  # each would be counted to its end
    change_list_template = "chatkit_app/admin/recent.html"

    class Media:
        css = {"all": ["chatkit_app/admin/lists.css"]}

    def get_changelist(self, request: HttpRequest, **kwargs: Any) -> type[ChangeList]:
        """Ours."""
        return RecentChangeList

    def get_ordering(self, request: HttpRequest) -> list[Any]:
        """Newest first; by no column else, for that would sort the table."""
        return [f"-{self.moment}", "-id"]

    def get_list_filter(self, request: HttpRequest) -> list[Any]:
        """The period first; last, where one is."""
        return [PeriodFilter, *super().get_list_filter(request), OlderFilter]

    def tell(self, request: HttpRequest, rows: Sequence[Any]) -> None:
        """Read what the columns of these rows show of other tables, in a few queries for all."""
