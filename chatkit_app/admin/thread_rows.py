"""What the list of threads tells of each: a few queries for a page, however many rows it has."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any
from uuid import UUID

from django.db.models import OuterRef, Subquery, Sum

from chatkit_app.engine.states import FeedbackKind, Role
from chatkit_app.models import Feedback, Message, Run, Thread, ToolCall

MOST_TOOLS = 3
"""Names that a row shows."""
LARGE = 500
"""Messages of a thread whose money and feedback its own page tells, not the list."""


@dataclass(slots=True, kw_only=True)
class Told:
    """Of one thread. ``messages`` counts the shown ones, ``tools`` are the newest run's."""

    title: str = ""
    messages: int = 0
    run: Run | None = None
    cost: Decimal | None = None
    tools: Sequence[str] = ()
    counts: Counter[str] = field(default_factory=Counter)

    @property
    def is_large(self) -> bool:
        return self.messages > LARGE

    @property
    def ups(self) -> int:
        return self.counts[FeedbackKind.UP]

    @property
    def downs(self) -> int:
        return self.counts[FeedbackKind.DOWN]


def told_of(threads: Sequence[Thread]) -> dict[UUID, Told]:
    """By the thread's id."""
    told = {thread.pk: Told() for thread in threads}
    newest = _shapes(told)
    runs = Run.objects.defer("context", "client_tools").in_bulk(
        [run for run in newest.values() if run]
    )
    tools = tools_of(runs)
    for pk, run in newest.items():
        if run is not None:
            told[pk].run, told[pk].tools = runs.get(run), tools[run]
    small = [pk for pk, each in told.items() if not each.is_large]
    for pk, cost in _sums(small):
        told[pk].cost = cost
    for pk, kind in _feedback(small):
        told[pk].counts[kind] += 1
    return told


def _shapes(told: dict[UUID, Told]) -> dict[UUID, UUID | None]:
    """Note the number of messages; the newest run of each."""
    runs = Run.objects.filter(thread=OuterRef("pk")).order_by("-created_at", "-id")
    shown = Message.objects.filter(thread=OuterRef("pk"), is_shown=True)
    rows = (
        Thread.objects.filter(pk__in=list(told))
        .annotate(
            newest=Subquery(runs.values("pk")[:1]),
            deepest=Subquery(shown.order_by("-depth").values("depth")[:1]),
        )
        .values_list("pk", "newest", "deepest")
    )
    newest: dict[UUID, UUID | None] = {}
    for pk, run, deepest in rows:
        newest[pk] = run
        told[pk].messages = 0 if deepest is None else deepest + 1
    return newest


def tools_of(runs: Iterable[UUID]) -> dict[UUID, Sequence[str]]:
    """The names of the tools that runs have called, in their order; of many the first."""
    found: dict[UUID, dict[str, None]] = defaultdict(dict)
    rows = ToolCall.objects.filter(run__in=list(runs)).order_by("id")
    for run, name in rows.values_list("run", "name"):
        found[run][name] = None
    names: dict[UUID, Sequence[str]] = defaultdict(tuple)
    names.update({run: _first(list(each)) for run, each in found.items()})
    return names


def _first(names: list[str]) -> Sequence[str]:
    more = len(names) - MOST_TOOLS
    return [*names[:MOST_TOOLS], f"+{more}"] if more > 0 else names


def _sums(threads: Sequence[UUID]) -> Iterable[tuple[Any, ...]]:
    rows = Run.objects.filter(thread__in=threads).order_by()
    return rows.values_list("thread").annotate(cost=Sum("cost"))


def _feedback(threads: Sequence[UUID]) -> Iterator[tuple[UUID, str]]:
    """The thread and the kind of each. By the answers' keys: joined, SQLite reads all feedback there is."""
    answers = Message.objects.filter(thread__in=threads, role=Role.ASSISTANT)
    thread_of = dict(answers.values_list("pk", "thread"))
    rows = Feedback.objects.filter(message__in=list(thread_of))
    for message, kind in rows.values_list("message", "kind"):
        yield thread_of[message], kind
