"""What a site may declare, and what it is told when it makes no sense."""

from __future__ import annotations

from datetime import UTC, date, datetime
from decimal import Decimal

import pytest

from chatkit_app.runs.declared_budgets import Per, Used, read_budget

GOOD = {"who": "viewer", "per": "day", "messages": 1}


def test_a_budget_is_read_with_its_limits() -> None:
    budget = read_budget({"who": "everybody", "per": "month", "money": "2.50"})

    assert list(budget.limits(Used(money=Decimal(1)))) == [
        ("money", Decimal("2.50"), Decimal(1))
    ]
    assert budget.is_shared
    assert not budget.is_spent(Used(messages=9, tokens=9, money=Decimal("2.49")))
    assert budget.is_spent(Used(money=Decimal("2.50")))


@pytest.mark.parametrize(
    ("declared", "words"),
    [
        ("viewer", "no dict"),
        ({**GOOD, "who": "me"}, "'who' is one of 'viewer'"),
        ({**GOOD, "per": "year"}, "'per' is one of 'day', 'month'"),
        ({"who": "viewer", "per": "day"}, "neither"),
        ({**GOOD, "messages": -1}, "no whole number"),
        ({**GOOD, "messages": True}, "no whole number"),
        ({**GOOD, "tokens": 1.5}, "no whole number"),
        ({**GOOD, "money": "a lot"}, "no amount"),
        ({**GOOD, "money": float("nan")}, "no amount"),
        ({**GOOD, "group": "trial"}, "belongs to"),
        ({**GOOD, "who": "member"}, "belongs to"),
        ({**GOOD, "assistant": 3}, "no name"),
        ({**GOOD, "limit": 3}, "it has limit"),
    ],
)
def test_what_makes_no_sense_is_told(declared: object, words: str) -> None:
    with pytest.raises(ValueError, match=words):
        read_budget(declared)


@pytest.mark.parametrize(
    ("per", "day", "begin", "end"),
    [
        (Per.DAY, date(2026, 12, 31), date(2026, 12, 31), date(2027, 1, 1)),
        (Per.MONTH, date(2026, 12, 31), date(2026, 12, 1), date(2027, 1, 1)),
        (Per.MONTH, date(2028, 2, 29), date(2028, 2, 1), date(2028, 3, 1)),
    ],
)
def test_a_day_and_a_month_end_at_midnight(
    per: Per, day: date, begin: date, end: date
) -> None:
    assert (per.begin(day), per.end(day)) == (begin, end)
    assert per.until(day) == datetime(end.year, end.month, end.day, tzinfo=UTC)
