"""The dashboard's drawings, each with the same numbers as a table for those who don't see them."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Generic, TypeVar

from django.utils.formats import number_format
from django.utils.functional import Promise
from django.utils.translation import gettext as _

from chatkit_app.admin.charts import Chart, lines, share_of, stacked
from chatkit_app.admin.lasting import lasting
from chatkit_app.admin.slots import Slots
from chatkit_app.admin.tallies import Ended, Measured, Spent, Time, percentile
from chatkit_app.admin.words import ERRORS, RUNS
from chatkit_app.engine.states import RunStatus
from chatkit_app.runs.tallying import OTHER, PAGES, UNKNOWN, Metric

V = TypeVar("V")

STATUSES = (RunStatus.COMPLETED, RunStatus.CANCELLED, RunStatus.FAILED)
"""From the bottom of a bar to its top."""
SHARES = {"p50": 0.5, "p95": 0.95}
NONE = "–"
MOST_SERIES = 5
"""Assistants with a colour of their own; the others share one."""
MOST_CAUSES = 10
MOST_TOOLS = 50
SHORT = 10.0
"""Seconds up to which hundredths are told."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Series:
    """What a colour stands for, by its place; ``told`` is its sum."""

    place: int
    label: str
    told: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Panel:
    """A drawing: ``top`` and ``half`` stand at its axis, ``marks`` beneath it. ``rows`` begin with their name."""

    kind: str
    title: str
    told: str
    chart: Chart
    top: str
    half: str
    marks: Sequence[str]
    series: Sequence[Series]
    headings: Sequence[str]
    rows: Sequence[Sequence[str]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Column(Generic[V]):
    """A series of a drawing: a value for each hour or day, and what all together are."""

    name: str
    told: str
    values: Sequence[V]


@dataclass(frozen=True, slots=True, kw_only=True)
class Cause:
    """Why runs have failed. ``width`` is of 100."""

    code: str
    words: str | Promise
    count: str
    width: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ToolRow:
    """A tool as the table tells it; ``is_name``: it can be looked for by this name."""

    name: str
    is_name: bool
    calls: str
    errors: str
    width: str
    p50: str
    p95: str


def number(value: int) -> str:
    """In the reader's language."""
    return number_format(value, force_grouping=True)


def percent(share: float) -> str:
    """Of 0 to 1."""
    return _("%(n)s%%") % {"n": number_format(100 * share, 1)}


def amount(cost: Decimal) -> str:
    """Money; of little the smaller parts as well."""
    places = 2 if cost >= Decimal("0.1") or not cost else 4
    return number_format(cost, places, force_grouping=True)


def time_text(time: Time | None) -> str:
    """Seconds, or more; a dash where nothing was measured."""
    if time is None:
        return NONE
    told = _seconds(time.seconds)
    return f"> {told}" if time.is_over else told


def _seconds(seconds: float) -> str:
    if seconds < SHORT:
        return _("%(n)s s") % {"n": number_format(seconds, 2)}
    return lasting(seconds)


def runs_panel(slots: Slots, rows: Iterable[Ended]) -> Panel:
    """How runs have ended, by the hour or day."""
    ends = [row for row in rows if row.metric == Metric.RUN]
    places = slots.places({row.hour for row in ends})
    found = {status: [0] * len(slots.starts) for status in STATUSES}
    for row in ends:
        status, place = row.label.partition(" ")[0], places.get(row.hour)
        if place is not None and status in found:
            found[RunStatus(status)][place] += row.count
    columns = [
        Column(name=str(RUNS[status]), told=number(sum(counts)), values=counts)
        for status, counts in found.items()
    ]
    return _panel(
        slots,
        columns,
        kind="runs",
        title=_("Runs"),
        told=_("How runs have ended"),
        text=number,
        draw=lambda told: stacked([column.values for column in columns], told),
        mark=_count_mark,
    )


def tokens_panel(slots: Slots, rows: Iterable[Ended]) -> Panel:
    """How long people have waited for the first token, by the hour or day."""
    first = [row for row in rows if row.metric == Metric.FIRST_TOKEN]
    places = slots.places({row.hour for row in first})
    buckets: list[Counter[int]] = [Counter() for _start in slots.starts]
    whole: Counter[int] = Counter()
    for row in first:
        place = places.get(row.hour)
        if place is not None:
            buckets[place][row.bucket] += row.count
            whole[row.bucket] += row.count
    columns = [
        Column(
            name=name,
            told=time_text(percentile(whole, share)),
            values=[percentile(each, share) for each in buckets],
        )
        for name, share in SHARES.items()
    ]
    seconds = [[t.seconds if t else None for t in column.values] for column in columns]
    return _panel(
        slots,
        columns,
        kind="tokens",
        title=_("First token"),
        told=_("How long the first token was waited for"),
        text=time_text,
        draw=lambda told: lines(seconds, told),
        mark=_seconds,
        last=(_("answers"), [number(each.total()) for each in buckets]),
    )


def cost_panel(slots: Slots, rows: Iterable[Spent]) -> Panel:
    """What was paid, by the hour or day and assistant; those that cost most have a colour of their own."""
    columns = [
        Column(name=name, told=amount(sum(paid, Decimal(0))), values=paid)
        for name, paid in _paid(slots, list(rows)).items()
    ]
    costs = [[float(cost) for cost in column.values] for column in columns]
    return _panel(
        slots,
        columns,
        kind="cost",
        title=_("Cost"),
        told=_("What was paid, by assistant"),
        text=amount,
        draw=lambda told: stacked(costs, told),
        mark=lambda value: amount(Decimal(str(value))),
    )


def _paid(slots: Slots, rows: Sequence[Spent]) -> dict[str, list[Decimal]]:
    """By assistant, those that cost most first; the last of many are all others together."""
    places = slots.places({row.hour for row in rows})
    inside = [row for row in rows if row.hour in places]
    sums: dict[str, Decimal] = defaultdict(Decimal)
    for row in inside:
        sums[row.assistant] += row.cost
    dear = sorted(sums, key=lambda name: (-sums[name], name))
    own, others = dear[:MOST_SERIES], _("others")
    shown = [*own, others] if len(dear) > MOST_SERIES else own
    found = {name: [Decimal(0)] * len(slots.starts) for name in shown}
    for row in inside:
        name = row.assistant if row.assistant in own else others
        found[name][places[row.hour]] += row.cost
    return found


def _panel(
    slots: Slots,
    columns: Sequence[Column[V]],
    *,
    kind: str,
    title: str,
    told: str,
    text: Callable[[V], str],
    draw: Callable[[Sequence[str]], Chart],
    mark: Callable[[float], str],
    last: tuple[str, Sequence[str]] | None = None,
) -> Panel:
    """``draw`` is given what each hour or day tells; ``last`` is a column of the table alone."""
    labels = slots.labels
    cells = [[text(value) for value in column.values] for column in columns]
    rows = [list(row) for row in zip(labels, *cells, strict=True)]
    names = [column.name for column in columns]
    chart = draw([_told(row, names) for row in rows])
    if last is not None:
        rows = [[*row, more] for row, more in zip(rows, last[1], strict=True)]
    return Panel(
        kind=kind,
        title=title,
        told=told,
        chart=chart,
        top=mark(chart.top),
        half=mark(chart.top / 2),
        marks=[labels[0], labels[len(labels) // 2], labels[-1]],
        series=[
            Series(place=place, label=column.name, told=column.told)
            for place, column in enumerate(columns)
        ],
        headings=[*names, last[0]] if last is not None else names,
        rows=rows,
    )


def _told(row: Sequence[str], names: Sequence[str]) -> str:
    label, *cells = row
    named = zip(names, cells, strict=True)
    return "\n".join([label, *(f"{name}: {cell}" for name, cell in named)])


def causes_of(rows: Iterable[Ended]) -> list[Cause]:
    """Why runs have failed, the most frequent first."""
    found: Counter[str] = Counter()
    for row in rows:
        status, _space, code = row.label.partition(" ")
        if row.metric == Metric.RUN and status == RunStatus.FAILED:
            found[code] += row.count
    frequent = sorted(found.items(), key=lambda one: (-one[1], one[0]))[:MOST_CAUSES]
    most = max((count for _code, count in frequent), default=0)
    return [
        Cause(
            code=code,
            words=ERRORS.get(code, ""),
            count=number(count),
            width=share_of(count, most),
        )
        for code, count in frequent
    ]


def tool_rows(found: Sequence[Measured]) -> list[ToolRow]:
    """As many as a page takes; ``found`` is in the order in which they are shown."""
    return [_tool_row(each) for each in found[:MOST_TOOLS]]


def _tool_row(found: Measured) -> ToolRow:
    tool = found.tool
    names = {
        UNKNOWN: _("there is no such tool"),
        PAGES: _("tools of visitors' own pages"),
        OTHER: _("other tools"),
    }
    return ToolRow(
        name=names.get(tool.name, tool.name),
        is_name=tool.name not in names,
        calls=number(tool.calls),
        errors=percent(tool.error_rate) if tool.settled else NONE,
        width=share_of(tool.error_rate, 1),
        p50=time_text(percentile(found.buckets, SHARES["p50"])),
        p95=time_text(percentile(found.buckets, SHARES["p95"])),
    )


def share_failed(counts: Mapping[str, int]) -> float:
    """Of the runs that have ended, by their statuses; 0 where none has."""
    whole = sum(counts.values())
    return counts.get(RunStatus.FAILED, 0) / whole if whole else 0.0


def _count_mark(value: float) -> str:
    return number(int(value)) if value == int(value) else ""
