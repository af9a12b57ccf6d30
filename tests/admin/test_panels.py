from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
from django.utils.translation import override

from chatkit_app.admin.panels import (
    MOST_CAUSES,
    MOST_SERIES,
    MOST_TOOLS,
    NONE,
    amount,
    causes_of,
    cost_panel,
    percent,
    runs_panel,
    time_text,
    tokens_panel,
    tool_rows,
)
from chatkit_app.admin.slots import slots_of
from chatkit_app.admin.tallies import Ended, Measured, Spent, Time, Tool
from chatkit_app.runs.tallying import OTHER, PAGES, UNKNOWN, bucket_of

NOW = datetime(2026, 3, 1, 12, 34, tzinfo=UTC)
SLOTS = slots_of(1, NOW)
LAST = SLOTS.starts[-1]


def ended(metric: str, label: str, count: int = 1, *, hours: int = 0, bucket: int = 0):
    return Ended(
        hour=LAST - timedelta(hours=hours),
        metric=metric,
        label=label,
        bucket=bucket,
        count=count,
    )


def test_runs_are_told_by_the_hour_and_how_they_ended() -> None:
    panel = runs_panel(
        SLOTS,
        [
            ended("run", "completed", 3),
            ended("run", "failed provider_error", 1),
            ended("run", "failed run_error", 1),
            ended("run", "cancelled superseded", 2, hours=1),
            ended("run", "completed", 100, hours=24),
            ended("steps", "complete", 9),
        ],
    )

    assert panel.headings == ["answered", "cancelled", "failed"]
    assert [series.told for series in panel.series] == ["3", "2", "2"]
    assert [row[1:] for row in panel.rows[-2:]] == [["0", "2", "0"], ["3", "0", "2"]]
    assert len(panel.chart.rects) == 3
    assert "failed: 2" in panel.chart.spots[-1].told


def test_first_tokens_are_told_with_how_many_were_measured() -> None:
    panel = tokens_panel(
        SLOTS,
        [
            ended("first_token", "", 4, bucket=bucket_of(1.2)),
            ended("first_token", "", 4, bucket=bucket_of(400), hours=5),
        ],
    )

    assert panel.rows[-1][1:] == ["1.25 s", "1.47 s", "4"]
    assert panel.rows[-6][1:] == ["> 5 min 0 s", "> 5 min 0 s", "4"]
    assert panel.rows[-2][1:] == [NONE, NONE, "0"]
    assert len(panel.chart.lines) == 4  # two hours, and nothing between them


def test_what_costs_most_has_a_colour_of_its_own_and_nothing_is_left_out() -> None:
    rows = [Spent(hour=LAST, assistant=f"a{n}", cost=Decimal(n)) for n in range(1, 10)]

    panel = cost_panel(SLOTS, rows)

    assert panel.headings == ["a9", "a8", "a7", "a6", "a5", "others"]
    assert len(panel.series) == MOST_SERIES + 1
    assert panel.series[-1].told == "10.00"
    assert panel.rows[-1][1:] == ["9.00", "8.00", "7.00", "6.00", "5.00", "10.00"]


def test_where_nothing_was_paid_there_is_an_empty_drawing() -> None:
    panel = cost_panel(SLOTS, [])

    assert panel.series == []
    assert panel.chart.rects == []


def test_causes_are_told_in_words_the_most_frequent_first() -> None:
    found = causes_of(
        [
            ended("run", "failed provider_error", 1),
            ended("run", "failed provider_error", 2, hours=3),
            ended("run", "failed <script>", 1),
            ended("run", "failed", 1),
            ended("run", "cancelled superseded", 9),
            ended("tool", "failed refund", 9),
        ]
    )

    assert [(cause.code, cause.count) for cause in found] == [
        ("provider_error", "3"),
        ("", "1"),
        ("<script>", "1"),
    ]
    assert (found[0].words, found[0].width) == (
        "The model's service failed.",
        "100.00",
    )


def test_no_more_causes_than_a_page_takes() -> None:
    rows = [ended("run", f"failed code{n}") for n in range(50)]

    assert len(causes_of(rows)) == MOST_CAUSES


def test_tools_are_told_as_far_as_a_page_takes_them() -> None:
    tools = [Measured(tool=Tool(name=f"t{n}", calls=1), buckets={}) for n in range(99)]

    rows = tool_rows(tools)

    assert len(rows) == MOST_TOOLS
    assert (rows[0].errors, rows[0].p50) == (NONE, NONE)


@pytest.mark.parametrize("name", [UNKNOWN, PAGES, OTHER])
def test_what_stands_for_many_tools_can_not_be_looked_for(name: str) -> None:
    [row] = tool_rows([Measured(tool=Tool(name=name), buckets={})])

    assert not row.is_name
    assert row.name != name


def test_numbers_are_told_in_the_readers_language() -> None:
    with override("de"):
        assert time_text(Time(seconds=1.25)) == "1,25 s"
        assert amount(Decimal("1234.5")) == "1.234,50"
        panel = runs_panel(SLOTS, [ended("run", "completed", 1234)])
        assert panel.series[0].told == "1.234"
        assert all("," not in rect.height for rect in panel.chart.rects)
    assert percent(0.125) == "12.5%"
    assert amount(Decimal("0.0421")) == "0.0421"
