from __future__ import annotations

from typing import Any

import pytest
from django.contrib.auth.models import User
from pydantic import JsonValue

from chatkit_app.engine.viewer import Viewer
from chatkit_app.exceptions import ToolError
from chatkit_app.registry import assistants
from chatkit_app.runs.briefing import tools_for
from project.shop import stock_tools
from project.shop.models import Product
from tests.project.conftest import Run, call_with, context_of


class Heard:
    """Keeps what a tool tells."""

    def __init__(self) -> None:
        self.fractions: list[float | None] = []
        self.notices: list[tuple[str, str]] = []
        self.effects: list[tuple[str, JsonValue]] = []
        self.outputs: list[Any] = []

    def progress(self, text: str, fraction: float | None) -> None:
        self.fractions.append(fraction)

    def notice(self, level: str, title: str, text: str) -> None:
        self.notices.append((level, text))

    def effect(self, name: str, data: JsonValue) -> None:
        self.effects.append((name, data))

    def preliminary(self, output: JsonValue) -> None:
        self.outputs.append(output)


@pytest.fixture
def heard(shop: None, monkeypatch: pytest.MonkeyPatch) -> Heard:
    """What a stock report has told, without the time that counting takes."""
    monkeypatch.setattr(stock_tools, "COUNTING_SECONDS", 0)
    heard = Heard()
    call_with(context_of(None, teller=heard), stock_tools.stock_report)
    return heard


def test_the_stock_report_tells_how_far_it_is(heard: Heard) -> None:
    assert heard.fractions == sorted(heard.fractions, key=lambda each: each or 0)
    assert (heard.fractions[0], heard.fractions[-1]) == (0, 1)


def test_the_stock_report_shows_what_it_has_so_far_room_by_room(heard: Heard) -> None:
    sums = [sum(output.values()) for output in heard.outputs]

    assert sums == sorted(sums)
    assert list(heard.outputs[-1]) == ["Kitchen", "Table", "Living room"]
    assert sums[-1] == sum(Product.objects.values_list("stock", flat=True))


def test_what_is_sold_out_is_noticed_at_once(heard: Heard) -> None:
    assert heard.notices == [("warning", "Nothing is left of Serving tray.")]


def test_the_page_says_when_all_is_counted(heard: Heard) -> None:
    assert heard.effects == [("toast", {"text": "Stock counted: 180 pieces."})]


def test_the_stock_report_names_what_is_low(
    run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(stock_tools, "COUNTING_SECONDS", 0)

    report: Any = run(stock_tools.stock_report, None)

    assert report["sold_out"] == ["Serving tray"]
    assert set(report["low"]) == {"Desk lamp", "Serving bowl", "Wool blanket"}


@pytest.mark.parametrize(
    ("username", "is_offered"), [("kim", True), ("admin", True), ("ada", False)]
)
def test_setting_the_stock_is_offered_to_the_staff_alone(
    shop: None, username: str, is_offered: bool
) -> None:
    viewer = Viewer(user=User.objects.get(username=username))

    offered = tools_for(assistants.get("shop"), viewer, None).tools

    assert ("set_stock" in offered) is is_offered


def test_the_stock_is_set(run: Run) -> None:
    stocked = run(stock_tools.set_stock, None, product_id="serving-tray", stock=9)

    assert stocked == {"name": "Serving tray", "stock": 9}
    assert Product.objects.get(pk="serving-tray").stock == 9


def test_what_is_not_sold_has_no_stock(run: Run) -> None:
    with pytest.raises(ToolError, match="no such product"):
        run(stock_tools.set_stock, None, product_id="piano", stock=9)
