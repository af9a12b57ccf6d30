"""What a step costs, by the site's table or by the package's."""

from __future__ import annotations

from decimal import Decimal

import pytest

from chatkit_app.models import Step
from chatkit_app.runs import pricing
from chatkit_app.runs.pricing import price_of

STEP = {"input_tokens": 1_000_000, "cached_tokens": 400_000, "output_tokens": 200_000}


def a_step(model_name: str, **tokens: int) -> Step:
    return Step(model_name=model_name, **{**STEP, **tokens})


@pytest.mark.parametrize(
    ("row", "cost"),
    [
        ({"input": 1, "cached": "0.1", "output": 10}, "2.64"),
        ({"input": "1", "output": Decimal(10)}, "3"),
        ({"input": 0.25, "cached": 0, "output": 2.0}, "0.55"),
    ],
)
def test_the_table_prices_a_million_tokens(
    settings, row: dict[str, object], cost: str
) -> None:
    settings.CHATKIT_PRICES = {"own": row}

    assert price_of(a_step("own")) == Decimal(cost)


def test_a_dated_name_has_the_price_of_the_longest_one_that_it_begins_with(
    settings,
) -> None:
    settings.CHATKIT_PRICES = {
        "own": {"input": 1, "output": 0},
        "own-mini": {"input": 2, "output": 0},
    }

    assert price_of(a_step("own-mini-2026-01-01")) == 2
    assert price_of(a_step("own-2026-01-01")) == 1
    assert price_of(a_step("owned")) is None


def test_what_the_table_does_not_know_the_package_may(settings) -> None:
    known = price_of(a_step("gpt-4o-mini"))
    settings.CHATKIT_PRICES = {"gpt-4o-mini": {"input": 0, "output": 0}}

    assert known is not None
    assert known > 0
    assert price_of(a_step("gpt-4o-mini")) == 0


def test_without_the_package_what_is_in_no_table_has_no_price(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(pricing, "has_package", False)

    assert price_of(a_step("gpt-4o-mini")) is None


@pytest.mark.parametrize(
    "table",
    [
        [],
        {"own": None},
        {"own": {"output": 1}},
        {"own": {"input": "much", "output": 1}},
        {"own": {"input": -1, "output": 1}},
        {"own": {"input": 10**12, "output": 1}},
    ],
)
def test_a_broken_table_is_logged_and_prices_nothing(
    settings, caplog: pytest.LogCaptureFixture, table: object
) -> None:
    pricing._failed.clear()
    settings.CHATKIT_PRICES = table

    assert price_of(a_step("own")) is None
    assert price_of(a_step("own")) is None
    assert len(caplog.records) <= 1
