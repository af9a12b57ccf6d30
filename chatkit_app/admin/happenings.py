"""What the staff look for: what failed, waits, is stuck, was dear or disliked; each by an index.

A thread is found by the newest of such rows that whoever asks may see: so many that a list can't show
more, for a tool that each thread uses would name them all. ``before`` a place, the newest before it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from django.contrib import admin
from django.db.models import Q, QuerySet
from django.http import HttpRequest
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from chatkit_app import clock
from chatkit_app.admin.approvals import OPEN, PAGES, STAFFS, VISITORS
from chatkit_app.admin.definitions import definitions_of
from chatkit_app.admin.paging import OLDER, place_of_key
from chatkit_app.admin.periods import WHAT, period_of
from chatkit_app.admin.seen import of_seen_threads
from chatkit_app.conf import settings
from chatkit_app.engine.states import (
    ACTIVE_RUN_STATUSES,
    FeedbackKind,
    RunStatus,
    ToolCallStatus,
)
from chatkit_app.models import Feedback, Interrupt, Run, Step, ToolCall
from chatkit_app.registry import assistants

MOST = 10_000
"""Rows by which threads are found."""


def newest(
    request: HttpRequest, rows: QuerySet[Any], thread: str = "thread_id"
) -> QuerySet[Any]:
    """The newest that whoever asks may see; ``thread`` is the way to the row's thread."""
    place = place_of_key(request.GET.get(OLDER))
    if place is not None:
        rows = rows.filter(created_at__lte=place[0])
    seen = of_seen_threads(request, rows, thread)
    return seen.order_by("-created_at", "-id")[:MOST]


def _failed() -> Q:
    return Q(status=RunStatus.FAILED)


def _cancelled() -> Q:
    return Q(status=RunStatus.CANCELLED)


def _active() -> Q:
    return Q(status__in=ACTIVE_RUN_STATUSES)


def _waiting_for(whom: Q) -> Q:
    asked = Interrupt.objects.filter(OPEN & whom)
    return _active() & Q(pk__in=asked.values("run"))


def _waiting_for_staff() -> Q:
    return _waiting_for(STAFFS)


def _waiting_for_visitor() -> Q:
    return _waiting_for(VISITORS | PAGES)


def _stuck() -> Q:
    """Nobody has begun with it, or whoever works on it has fallen silent, and nobody has taken over."""
    long_ago = clock.later(-settings.STUCK_SECONDS)
    held = (RunStatus.IN_PROGRESS, RunStatus.CANCELLING)
    waiting = Q(status=RunStatus.QUEUED, ready_at__lt=long_ago)
    silent = Q(status__in=held, lease_until__lt=long_ago)
    rows = Run.objects.filter(waiting | silent).order_by()
    return Q(pk__in=rows.values("pk"))


def _expensive() -> Q:
    """By money, and by tokens where no price is known: what one request to the model has read."""
    dear = Run.objects.filter(cost__gte=settings.EXPENSIVE_COST).order_by()
    large = Step.objects.filter(input_tokens__gte=settings.EXPENSIVE_TOKENS)
    return Q(pk__in=dear.values("pk").union(large.order_by().values("run")))


HAPPENINGS: Mapping[str, tuple[str | Promise, Callable[[], Q]]] = {
    "failed": (_("Failed"), _failed),
    "staff": (_("Waits for approval"), _waiting_for_staff),
    "visitor": (_("Waits for the visitor"), _waiting_for_visitor),
    "active": (_("Is being answered"), _active),
    "stuck": (_("Stuck"), _stuck),
    "expensive": (_("Expensive"), _expensive),
    "cancelled": (_("Cancelled"), _cancelled),
}


class RunHappenedFilter(admin.SimpleListFilter):
    """What has become of a run."""

    title = _("what happened")
    parameter_name = WHAT

    def lookups(
        self, request: HttpRequest, model_admin: Any
    ) -> Sequence[tuple[str, Any]]:
        return [(name, words) for name, (words, _found) in HAPPENINGS.items()]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        condition = self.condition()
        return queryset if condition is None else queryset.filter(condition)

    def condition(self) -> Q | None:
        """On runs; None where nothing in particular is looked for."""
        named = HAPPENINGS.get(str(self.value()))
        return named[1]() if named else None


class HappenedFilter(RunHappenedFilter):
    """What has happened in a thread, in any of its runs; and how it was liked."""

    def lookups(
        self, request: HttpRequest, model_admin: Any
    ) -> Sequence[tuple[str, Any]]:
        return [*super().lookups(request, model_admin), ("disliked", _("Thumbs down"))]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        if self.value() == "disliked":
            told = Feedback.objects.filter(
                kind=FeedbackKind.DOWN, **period_of(request).of("created_at")
            )
            found = newest(request, told, "message__thread_id")
            return queryset.filter(pk__in=found.values("message__thread"))
        condition = self.condition()
        if condition is None:
            return queryset
        done = Run.objects.filter(copy_of=None)
        runs = done.filter(condition, **period_of(request).of("created_at"))
        return queryset.filter(pk__in=newest(request, runs).values("thread"))


class CallHappenedFilter(admin.SimpleListFilter):
    """What has become of a call."""

    title = _("what happened")
    parameter_name = WHAT
    STATUSES: Mapping[str, Sequence[str]] = {
        "open": (
            ToolCallStatus.STREAMING,
            ToolCallStatus.QUEUED,
            ToolCallStatus.RUNNING,
            ToolCallStatus.WAITING,
        ),
        "failed": (ToolCallStatus.FAILED,),
        "completed": (ToolCallStatus.COMPLETED,),
        "cancelled": (ToolCallStatus.CANCELLED,),
    }

    def lookups(
        self, request: HttpRequest, model_admin: Any
    ) -> Sequence[tuple[str, Any]]:
        return [
            ("failed", _("Failed")),
            ("open", _("Open")),
            ("completed", _("Done")),
            ("cancelled", _("Cancelled")),
        ]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        wanted = self.STATUSES.get(str(self.value()))
        if wanted is None:
            return queryset
        if len(wanted) == 1:
            return queryset.filter(status=wanted[0])
        # Few: found by their states and then sorted, not looked for along all that ever was.
        rows = ToolCall.objects.filter(status__in=wanted).order_by()
        return queryset.filter(pk__in=rows.values("pk"))


def tools_known() -> list[str]:
    """The names of all assistants' tools, as far as they are known without a visitor."""
    names = {
        name
        for assistant in assistants.names()
        for name, definition in definitions_of(assistant).items()
    }
    return sorted(names)


class CallToolFilter(admin.SimpleListFilter):
    """By a tool that is registered, or another that was asked for."""

    title = _("tool")
    parameter_name = "tool"

    def lookups(
        self, request: HttpRequest, model_admin: Any
    ) -> Sequence[tuple[str, str]]:
        known = tools_known()
        asked = request.GET.get(self.parameter_name, "")
        names = known if not asked or asked in known else [*known, asked]
        return [(name, name) for name in names]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        return queryset.filter(name=self.value()) if self.value() else queryset


class ToolFilter(CallToolFilter):
    """The threads in which it was called."""

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        if not self.value():
            return queryset
        done = ToolCall.objects.filter(run__copy_of=None)
        calls = done.filter(name=self.value(), **period_of(request).of("created_at"))
        found = newest(request, calls, "run__thread_id")
        return queryset.filter(pk__in=found.values("run__thread"))


class AssistantFilter(admin.SimpleListFilter):
    """By the assistants that are registered: asking the table for them would read it whole."""

    title = _("assistant")
    parameter_name = "assistant"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [(name, name) for name in assistants.names()]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        return queryset.filter(assistant=self.value()) if self.value() else queryset


class OwnerFilter(admin.SimpleListFilter):
    """Users, or visitors who have not logged in; one alone where a row's owner was followed."""

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
