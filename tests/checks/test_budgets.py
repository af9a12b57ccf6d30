from __future__ import annotations

import pytest

from chatkit_app.engine.assistant import Assistant, Titles
from tests.checks.spoiling import ids

pytestmark = pytest.mark.usefixtures("site")


@pytest.mark.parametrize(
    ("budgets", "expected"),
    [
        ([{"who": "viewer", "per": "day", "messages": 1}], []),
        ({"who": "viewer"}, ["chatkit.E060"]),
        ([{"who": "me", "per": "day", "messages": 1}], ["chatkit.E061"]),
        (
            [{"who": "viewer", "per": "day", "messages": 1, "assistant": "gone"}],
            ["chatkit.W062"],
        ),
    ],
)
def test_a_budget_that_makes_no_sense_is_told(
    settings, budgets: object, expected: list[str]
) -> None:
    settings.CHATKIT_BUDGETS = budgets

    assert ids() == expected


@pytest.mark.parametrize(
    ("prices", "expected"),
    [
        ({"own": {"input": 1, "cached": "0.1", "output": 2.5}}, []),
        ([], ["chatkit.E063"]),
        ({"own": 1}, ["chatkit.E064"]),
        ({"own": {"input": 1}}, ["chatkit.E064"]),
        ({"own": {"input": "much", "output": 1}}, ["chatkit.E064"]),
        ({"own": {"input": 1, "output": 1, "thinking": 1}}, ["chatkit.E064"]),
    ],
)
def test_prices_that_are_none_are_told(
    settings, prices: object, expected: list[str]
) -> None:
    settings.CHATKIT_PRICES = prices

    assert ids() == expected


class Silent:
    def feed(self, text: str) -> None:
        """Nothing."""

    def close(self) -> str:
        return ""


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("chatkit_app.redactors.RegexRedactor", []),
        ("nowhere.Redactor", ["chatkit.E065"]),
        ("tests.checks.test_budgets.Silent", ["chatkit.E065"]),
        ("chatkit_app.redactors.EMAIL", ["chatkit.E065"]),
    ],
)
def test_a_redactor_that_does_not_work_is_told(
    settings, path: str, expected: list[str]
) -> None:
    settings.CHATKIT_REDACTOR = path

    assert ids() == expected


def test_titles_by_a_provider_that_is_not_declared_are_told() -> None:
    from chatkit_app.checks import assistants

    assistants.assistants.register(
        Assistant(name="desk", titles=Titles(provider="cheap"))
    )

    assert ids() == ["chatkit.E066"]
