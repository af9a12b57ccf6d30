from __future__ import annotations

from decimal import Decimal

import pytest
from pydantic import BaseModel

from chatkit_app.engine.tool_types import openapi, typescript, written
from chatkit_app.engine.tools import tool, tool_definition


class Line(BaseModel):
    product: str
    price: Decimal


class Cart(BaseModel):
    """The whole cart."""

    lines: list[Line]


class Item(BaseModel):
    product: str
    count: int = 1


add = tool_definition(name="add", description="Add it.", input=Item, output=Cart)
mark = tool_definition(name="mark-it", description="Mark it.", output=bool)


@tool
def find(words: str) -> list[Line]:
    """Find it."""
    return []


def written_as(**assistants) -> str:
    return typescript(
        written(assistants), "export interface Part<T> {}\n", is_whole=True
    )


def test_each_tool_has_its_three_types() -> None:
    text = written_as(shop=[add])

    assert (
        "/**\n * Add it.\n *\n * Not strict: count: has a default.\n */\n"
        "export interface AddTool {\n  input: Item\n  output: Cart\n  answer: CartAnswer\n}\n"
    ) in text


def test_what_has_a_default_is_there_when_a_page_gets_it() -> None:
    assert "export interface Item {\n  product: string\n  count: number\n}" in (
        written_as(shop=[add])
    )


def test_a_price_is_kept_as_text_and_may_be_answered_as_a_number() -> None:
    text = written_as(shop=[add])

    assert "export interface Line {\n  product: string\n  price: string\n}" in text
    assert (
        "export interface LineAnswer {\n  product: string\n  price: number | string\n}"
    ) in text


def test_a_tool_of_the_server_is_answered_by_no_page() -> None:
    assert "output: Line[]\n  answer: never" in written_as(shop=[find])
    assert "answer: never" in written_as(shop=[add.server(lambda item: None)])


@pytest.mark.parametrize("is_first", [True, False])
def test_both_halves_of_a_hybrid_are_one_tool_that_a_page_may_answer(is_first) -> None:
    halves = [add, add.server(lambda item: None)]

    text = written_as(shop=halves if is_first else halves[::-1])

    assert text.count("export interface AddTool") == 1
    assert "answer: CartAnswer" in text


def test_an_assistant_is_a_map_of_its_tools_by_name() -> None:
    text = written_as(shop=[find, mark, add])

    assert (
        '/** The tools of the assistant "shop". */\nexport type ShopTools = {\n'
        '  add: AddTool\n  find: FindTool\n  "mark-it": MarkItTool\n}\n'
        "export type ShopPart = Part<ShopTools>\n"
    ) in text


def test_assistants_are_told_together_too() -> None:
    other = tool_definition(name="add", description="Another.", output=int)
    text = written_as(shop=[add, mark], desk=[other])

    assert "export type Assistants = {\n  desk: DeskTools\n  shop: ShopTools\n}" in text
    assert (
        'export type AllTools = {\n  add: AddTool | AddTool2\n  "mark-it": MarkItTool\n}'
    ) in text


def test_a_tool_of_two_assistants_is_written_once() -> None:
    assert written_as(shop=[mark], desk=[mark]).count("interface MarkItTool") == 1


def test_the_order_in_which_things_are_declared_does_not_matter() -> None:
    assert written_as(b=[find, add], a=[mark]) == written_as(a=[mark], b=[add, find])


def test_the_element_is_typed_where_all_assistants_are_there() -> None:
    found = written({"shop": [mark]})

    assert '"chatkit-thread": ChatElement<AllTools>' in written_as(shop=[mark])
    assert "chatkit-thread" not in typescript(found, "", is_whole=False)


def test_a_model_that_is_called_like_a_general_type_gets_another_name() -> None:
    class Part(BaseModel):
        number: int

    text = written_as(shop=[tool_definition(name="n", description="", input=Part)])

    assert "export interface PartInput {" in text
    assert "input: PartInput" in text


def test_openapi_has_what_a_tool_takes_gives_and_may_be_answered() -> None:
    found = openapi(written({"shop": [add, find]}))
    schemas = found["components"]["schemas"]  # type: ignore[call-overload, index]

    assert found["openapi"] == "3.1.0"
    assert sorted(schemas) == [
        *("shop.add.answer", "shop.add.answer.Line", "shop.add.input"),
        *("shop.add.output", "shop.add.output.Line", "shop.find.input"),
        *("shop.find.output", "shop.find.output.Line"),
    ]
    assert schemas["shop.add.output"]["properties"]["lines"]["items"] == {
        "$ref": "#/components/schemas/shop.add.output.Line"
    }
    assert schemas["shop.add.input"]["additionalProperties"] is False
