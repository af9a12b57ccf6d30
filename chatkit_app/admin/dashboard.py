"""What the app's index in the admin tells on top: how the chat does, for those who may inspect it.

It reads sums (``runs/tallying.py``), so that it is as quick at a million messages as at none.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from django.http import HttpRequest
from django.utils.functional import Promise
from django.utils.timezone import now
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from chatkit_app.access import Action, policy, viewer_of_request
from chatkit_app.admin import tallies
from chatkit_app.admin.panels import (
    Cause,
    Panel,
    ToolRow,
    causes_of,
    cost_panel,
    number,
    percent,
    runs_panel,
    share_failed,
    time_text,
    tokens_panel,
    tool_rows,
)
from chatkit_app.admin.periods import WHAT, WHEN
from chatkit_app.admin.slots import PERIODS, USUAL, Slots, asked_days, slots_of
from chatkit_app.admin.tallies import Ended, Wanted
from chatkit_app.engine.states import FeedbackKind, RunStatus, StepStatus
from chatkit_app.registry import assistants
from chatkit_app.runs.tallying import Metric

DAYS, ASSISTANT = "days", "assistant"
"""The parameters that it takes."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    """A period or an assistant to choose; ``is_here``: it is what is shown."""

    label: str | Promise
    url: str
    is_here: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Tile:
    """A figure. ``url`` is empty where whoever looks may not open the list behind it."""

    label: str
    value: str
    hint: str = ""
    url: str = ""
    kind: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Linked:
    """A row with the list that it leads to; empty as above."""

    row: Cause | ToolRow
    url: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Dashboard:
    """All that the page draws. ``is_empty``: nothing has ended in the period."""

    periods: Sequence[Choice]
    assistants: Sequence[Choice]
    now: Sequence[Tile]
    figures: Sequence[Tile]
    runs: Panel
    tokens: Panel
    cost: Panel
    causes: Sequence[Linked]
    tools: Sequence[Linked]
    more_tools: int
    has_cost: bool
    is_empty: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """What the page was asked for. ``lists`` are the admin's lists that whoever looks may open."""

    days: int
    assistant: str
    lists: Mapping[str, str]

    def here(self, **changes: object) -> str:
        """The address of this page for another period or assistant."""
        wanted = {DAYS: self.days, ASSISTANT: self.assistant, **changes}
        usual = {DAYS: USUAL, ASSISTANT: ""}
        given = {name: v for name, v in wanted.items() if v != usual[name]}
        return f"?{urlencode(given)}"

    def list_of(self, model: str, **query: str) -> str:
        """The address of a list; empty where there is none for them."""
        url = self.lists.get(model, "")
        return f"{url}?{urlencode(query)}" if url else ""

    def within(self, model: str, **query: str) -> str:
        """The same, within the period."""
        return self.list_of(model, **query, **{WHEN: str(self.days)})


def dashboard_of(
    request: HttpRequest, models: Iterable[Mapping[str, Any]]
) -> Dashboard | None:
    """For whoever asks; None where they may not inspect. ``models`` is the index's own list of what it shows."""
    viewer = viewer_of_request(request)
    if viewer is None or not policy().can(viewer, Action.INSPECT):
        return None
    asked = _asked(request, models)
    slots = slots_of(asked.days, now())
    wanted = Wanted(tenant=viewer.tenant, since=slots.since, assistant=asked.assistant)
    rows, tools, costs = (
        tallies.ended(wanted),
        tallies.tools(wanted),
        tallies.costs(wanted),
    )
    shown = tool_rows(tools)
    return Dashboard(
        periods=_periods(asked),
        assistants=_assistants(asked),
        now=_now(request, asked),
        figures=[*_figures(asked, rows), *_feedback(request, asked, slots)],
        runs=runs_panel(slots, rows),
        tokens=tokens_panel(slots, rows),
        cost=cost_panel(slots, costs),
        causes=[_of_cause(asked, cause) for cause in causes_of(rows)],
        tools=[_of_tool(asked, tool) for tool in shown],
        more_tools=len(tools) - len(shown),
        has_cost=bool(costs),
        is_empty=not rows and not tools,
    )


def _asked(request: HttpRequest, models: Iterable[Mapping[str, Any]]) -> Asked:
    said = request.GET.get(ASSISTANT, "")
    return Asked(
        days=asked_days(request.GET.get(DAYS)),
        assistant=said if said in assistants.names() else "",
        lists={
            str(model["object_name"]): str(model["admin_url"])
            for model in models
            if model.get("admin_url")
        },
    )


def _periods(asked: Asked) -> list[Choice]:
    return [
        Choice(label=label, url=asked.here(days=days), is_here=days == asked.days)
        for days, label in PERIODS.items()
    ]


def _assistants(asked: Asked) -> list[Choice]:
    """None to choose from where there is but one."""
    names = sorted(assistants.names())
    if len(names) < 2:
        return []
    every = Choice(
        label=_("All assistants"),
        url=asked.here(assistant=""),
        is_here=not asked.assistant,
    )
    return [
        every,
        *(
            Choice(
                label=name,
                url=asked.here(assistant=name),
                is_here=name == asked.assistant,
            )
            for name in names
        ),
    ]


def _now(request: HttpRequest, asked: Asked) -> list[Tile]:
    """What is so at this moment."""
    found = tallies.active(request, asked.assistant)
    busy = found.get(RunStatus.IN_PROGRESS, 0) + found.get(RunStatus.CANCELLING, 0)
    return [
        Tile(
            label=_("In the queue"),
            value=number(found.get(RunStatus.QUEUED, 0)),
            hint=_("which of them are stuck"),
            url=asked.list_of("Run", **{WHAT: "stuck"}),
        ),
        Tile(
            label=_("Being answered"),
            value=number(busy),
            hint=_("all that is active"),
            url=asked.list_of("Run", **{WHAT: "active"}),
        ),
        Tile(
            label=_("Waiting for somebody"),
            value=number(found.get(RunStatus.REQUIRES_ACTION, 0)),
            hint=_("what waits, and for whom"),
            url=asked.list_of("Interrupt") or asked.list_of("Run", **{WHAT: "visitor"}),
        ),
    ]


def _figures(asked: Asked, rows: Sequence[Ended]) -> list[Tile]:
    """Of the period as a whole."""
    runs: Counter[str] = Counter()
    steps: Counter[str] = Counter()
    for row in rows:
        if row.metric == Metric.RUN:
            runs[row.label.partition(" ")[0]] += row.count
        elif row.metric == Metric.STEPS:
            steps[row.label] += row.count
    first = tallies.buckets_of(r for r in rows if r.metric == Metric.FIRST_TOKEN)
    failed, again = runs[RunStatus.FAILED], steps.total() - steps[StepStatus.COMPLETE]
    return [
        Tile(
            label=_("Runs"),
            value=number(runs.total()),
            hint=_("%(n)s requests to the model, %(again)s in vain")
            % {"n": number(steps.total()), "again": number(again)},
            url=asked.within("Run"),
        ),
        Tile(
            label=_("Failed"),
            value=percent(share_failed(runs)),
            hint=ngettext("%(n)s run", "%(n)s runs", failed) % {"n": number(failed)},
            url=asked.within("Run", **{WHAT: "failed"}),
            kind="bad" if failed else "",
        ),
        Tile(
            label=_("First token"),
            value=time_text(tallies.percentile(first, 0.5)),
            hint=_("p95: %(time)s")
            % {"time": time_text(tallies.percentile(first, 0.95))},
        ),
    ]


def _feedback(request: HttpRequest, asked: Asked, slots: Slots) -> list[Tile]:
    up, down = (
        tallies.feedback(request, kind, slots.since, asked.assistant)
        for kind in (FeedbackKind.UP, FeedbackKind.DOWN)
    )
    only = {ASSISTANT: asked.assistant} if asked.assistant else {}
    return [
        Tile(label=_("Thumbs up"), value=_or_more(up)),
        Tile(
            label=_("Thumbs down"),
            value=_or_more(down),
            hint=_("the threads") if down else "",
            url=asked.within("Thread", **{WHAT: "disliked"}, **only),
        ),
    ]


def _or_more(count: int) -> str:
    most = tallies.MOST_FEEDBACK
    return f"{number(most)}+" if count > most else number(count)


def _of_cause(asked: Asked, cause: Cause) -> Linked:
    query = {"q": cause.code} if cause.code else {}
    return Linked(row=cause, url=asked.within("Run", **{WHAT: "failed"}, **query))


def _of_tool(asked: Asked, tool: ToolRow) -> Linked:
    url = asked.within("ToolCall", tool=tool.name) if tool.is_name else ""
    return Linked(row=tool, url=url)
