"""The examples of docs/tools.md, as somebody would copy them."""

from __future__ import annotations

import re
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from pydantic import BaseModel

from chatkit_app.engine.approvals import Allow, Ask, Deny
from chatkit_app.engine.assistant import Assistant
from chatkit_app.engine.context import Answered
from chatkit_app.engine.questions import question_of
from chatkit_app.engine.states import Executor
from chatkit_app.engine.tools import Tool, tool
from chatkit_app.engine.viewer import Viewer
from tests.engine.drive import call, collect, context_of, make_calls

PAGE = Path(__file__).parent.parent / "docs" / "tools.md"


class Thing(BaseModel):
    """Whatever the site calls its own models."""

    name: str = "thing"


class Airline(BaseModel):
    async def ask(self, to: str) -> list[Thing]:
        return [Thing(name=to)]


@dataclass
class Order:
    number: str
    total: Decimal = Decimal(100)

    def __str__(self) -> str:
        return self.number


class Orders:
    """What stands for the site's own orders, as rows and as a service."""

    def filter(self, *, customer: object, number: str) -> Orders:
        return Orders() if number == "7" else NoOrders()

    def first(self) -> Order | None:
        return Order("7")

    async def status(self, number: str) -> Thing:
        return Thing(name=f"{number} in Graz")


class NoOrders(Orders):
    def first(self) -> None:
        return None


async def open_client() -> Orders:
    return Orders()


@tool(effect="read")
def search(words: str) -> str:
    """Search."""
    return words


Order.objects = Orders()  # type: ignore[attr-defined]  # as a model has it

THE_SITES_OWN = {
    **dict.fromkeys(
        ["StockReport", "Flight", "Highlight", "Highlighted", "Item", "Cart"],
        Thing,
    ),
    "OrderStatus": Thing,
    "OrderClient": Orders,
    "Order": Order,
    "warehouses": ["North", "South"],
    "airlines": [Airline(), Airline()],
    "open_client": open_client,
    "search": search,
    "place_order": lambda *order: " ".join(map(str, order[1:])),
    # What any file has imported, and what one of these examples has said already.
    "BaseModel": BaseModel,
    "Viewer": Viewer,
    "dataclass": dataclass,
    "__name__": __name__,
}


@pytest.fixture
def page() -> dict[str, Any]:
    """What the blocks of the page define, one after the other; its assistants stay here."""
    declared: list[Assistant] = []
    found = {**THE_SITES_OWN, "register": declared.append, "declared": declared}
    for block in re.findall(r"^```python\n(.+?)^```", PAGE.read_text(), re.M | re.S):
        code = block.replace("from chatkit_app.registry import register\n", "")
        code = re.sub(r"^from shop\..+\n", "", code, flags=re.M)  # THE_SITES_OWN
        code = code.replace(", …)", ")").replace("(…): …", "() -> str: 'It.'")
        exec(compile(code, PAGE, "exec", dont_inherit=True), found)  # noqa: S102 (the page is ours)
        found.setdefault("instructions", "")  # which a later block defines
    return found


async def result_of(made: Tool, arguments: str) -> str:
    calls = make_calls(made)
    await collect(calls.run([call(made.definition.name, arguments)]))
    [result] = calls.results.values()
    return result.content


async def test_the_tools_of_each_kind_are_tools(page: dict[str, Any]) -> None:
    kinds = {
        name: made.executor
        for name, made in page.items()
        if hasattr(made, "executor") and name != "search"
    }

    assert kinds.pop("highlight_product") is Executor.CLIENT
    assert kinds.pop("add_to_cart") is Executor.CLIENT
    assert kinds.pop("yearly_report") is Executor.JOB
    assert set(kinds.values()) == {Executor.SERVER}
    assert {"add_to_cart_server", "order_shirt"} < kinds.keys()


async def test_each_tool_that_the_model_is_offered_is_described(
    page: dict[str, Any],
) -> None:
    made = [one for one in page.values() if hasattr(one, "executor")]

    assert [one.definition.name for one in made if not one.definition.description] == []


async def test_the_assistants_take_the_tools(page: dict[str, Any]) -> None:
    desk, *_, shop = page["declared"]

    assert (desk.name, desk.tools) == ("desk", [page["opening_hours"]])
    assert (shop.name, shop.tools) == ("shop", [page["order_status"]])


async def test_server_tools_work(page: dict[str, Any]) -> None:
    assert await result_of(page["opening_hours"], '{"day": "Sunday"}') == "closed"
    assert "Graz" in await result_of(page["find_flights"], '{"to": "Graz"}')


async def test_the_rule_allows_asks_and_denies(page: dict[str, Any]) -> None:
    definition = page["refund"].definition

    async def said(amount: int, number: str = "7") -> object:
        given = definition.read_input(f'{{"number": "{number}", "amount": {amount}}}')
        return page["rule"](given, None, context_of(call("refund")))

    assert isinstance(await said(20), Allow)
    assert await said(50) == Ask("Refund 50 euros of order 7?")
    assert isinstance(await said(500), Deny)
    assert await said(20, "made up") == Deny("No such order.")


async def test_the_tool_that_asks_goes_on_with_the_answer(page: dict[str, Any]) -> None:
    asking = page["order_shirt"]
    calls = make_calls(asking)
    asked = call("order_shirt", '{"colour": "red"}')
    found = await collect(calls.run([asked]))
    assert found[-1].interrupt.message == "Which size shall it be?"

    given = question_of(page["Size"]).read({"size": "M"}, None)
    answered = call(
        "order_shirt",
        '{"colour": "red"}',
        answers={"Size": Answered(answer=given, question="Size")},
    )
    await collect(calls.run([answered]))

    [result] = calls.results.values()
    assert result.content == "red M"


async def test_a_hybrid_is_chosen_by_viewer(page: dict[str, Any]) -> None:
    chosen = [
        page["tools"](viewer, None)[-1].executor
        for viewer in (Viewer(visitor=uuid4()), Viewer(user=page))
    ]

    assert chosen == [Executor.CLIENT, Executor.SERVER]


async def test_dependencies_come_with_their_own_types(page: dict[str, Any]) -> None:
    depot = await page["dependencies"](Viewer(visitor=uuid4()), None)

    assert (await depot.orders.status("7")).name == "7 in Graz"
