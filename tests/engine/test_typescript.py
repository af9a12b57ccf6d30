from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from enum import Enum
from typing import Annotated, Any, Literal, NotRequired

import pytest
from pydantic import BaseModel, ConfigDict, Field, TypeAdapter
from typing_extensions import TypedDict

from chatkit_app.engine.typescript import Declarations, comment, literal, pascal


class Size(Enum):
    SMALL = "s"
    LARGE = "l"


class Address(BaseModel):
    """Where somebody lives."""

    street: str = Field(description="Without the number.")
    number: int | None = None


@dataclass
class Point:
    x: int


class Colour(TypedDict):
    name: str
    shade: NotRequired[int]


class Tree(BaseModel):
    children: list[Tree]


class Cat(BaseModel):
    kind: Literal["cat"]


class Dog(BaseModel):
    kind: Literal["dog"]


class Open(BaseModel):
    model_config = ConfigDict(extra="allow")
    name: str


class Empty(BaseModel):
    pass


class Odd(BaseModel):
    a_b: int = Field(alias="a-b")
    day: date | None


type_lists = {"type": ["string", "null"]}


def type_of(kind: Any, declarations: Declarations | None = None) -> str:
    return (declarations or Declarations()).type_of(TypeAdapter(kind).json_schema())


def declared(kind: Any) -> str:
    declarations = Declarations()
    type_of(kind, declarations)
    return "\n".join(declarations.lines()).strip()


@pytest.mark.parametrize(
    ("kind", "expected"),
    [
        (str, "string"),
        (int, "number"),
        (float, "number"),
        (bool, "boolean"),
        (None, "null"),
        (Any, "Json"),
        (date, "string"),
        (Decimal, "number | string"),
        (Size, '"s" | "l"'),
        (Literal["a", 1, None, True], '"a" | 1 | null | true'),
        (int | float | None, "number | null"),
        (list[int], "number[]"),
        (list[int | str], "(number | string)[]"),
        (list[list[Literal["a|b"]]], '"a|b"[][]'),
        (list, "Json[]"),
        (tuple[int, str], "[number, string]"),
        (tuple[int, ...], "number[]"),
        (dict[str, int | None], "{ [key: string]: number | null }"),
        (dict, "{ [key: string]: Json }"),
        (Address, "Address"),
        (Point | None, "Point | null"),
        (list[Colour], "Colour[]"),
        (Annotated[Cat | Dog, Field(discriminator="kind")], "Cat | Dog"),
        (Tree, "Tree"),
    ],
    ids=str,
)
def test_a_type_is_written_as_typescript(kind, expected) -> None:
    assert type_of(kind) == expected


@pytest.mark.parametrize(
    ("schema", "expected"),
    [
        ({"type": ["string", "null"]}, "string | null"),
        ({"allOf": [{"type": "string"}, {"enum": ["a", "b"]}]}, 'string & ("a" | "b")'),
        ({"$ref": "#/$defs/Gone"}, "Json"),
        ({"const": 1.5}, "number"),
        ({"enum": []}, "never"),
        (
            {"type": "array", "prefixItems": [{"type": "string"}]},
            "[string, ...Json[]]",
        ),
        ({"type": "array", "prefixItems": [{"type": "string"}], "items": False}, "[string]"),
        (
            {"type": "object", "properties": {"a": {"type": "null"}, "b": True}},
            "{ a?: null | undefined; b?: Json | undefined }",
        ),
    ],
    ids=str,
)  # fmt: skip
def test_a_schema_of_another_origin_is_too(schema, expected) -> None:
    assert Declarations().type_of(schema) == expected


def test_a_model_is_an_interface_with_its_words() -> None:
    assert declared(Address) == (
        "/** Where somebody lives. */\n"
        "export interface Address {\n"
        "  /** Without the number. */\n"
        "  street: string\n"
        "  number?: number | null | undefined\n"
        "}"
    )


def test_a_name_that_is_none_is_quoted_and_a_format_is_told() -> None:
    assert declared(Odd) == (
        "export interface Odd {\n"
        '  "a-b": number\n'
        "  /** Format: date. */\n"
        "  day: string | null\n"
        "}"
    )


def test_a_model_without_fields_takes_none() -> None:
    assert declared(Empty) == "export type Empty = Record<string, never>"


def test_a_model_that_allows_more_says_so() -> None:
    assert "[key: string]: unknown" in declared(Open)


def test_a_model_that_holds_itself_is_written_once() -> None:
    assert declared(Tree) == "export interface Tree {\n  children: Tree[]\n}"


def test_a_list_that_holds_itself_has_a_name() -> None:
    declarations = Declarations()
    schema = {
        "$defs": {"Nest": {"type": "array", "items": {"$ref": "#/$defs/Nest"}}},
        "$ref": "#/$defs/Nest",
    }

    assert declarations.type_of(schema) == "Nest"
    assert list(declarations.lines()) == ["export type Nest = Nest[]", ""]


def test_one_model_is_one_interface_in_all_schemas() -> None:
    declarations = Declarations()

    assert type_of(list[Address], declarations) == "Address[]"
    assert type_of(Address, declarations) == "Address"


def test_two_models_of_one_name_have_two() -> None:
    def another():
        class Address(BaseModel):
            town: str

        return Address

    declarations = Declarations()
    first, second = TypeAdapter(Address), TypeAdapter(another())

    assert declarations.type_of(first.json_schema()) == "Address"
    assert declarations.type_of(second.json_schema(), "Answer") == "AddressAnswer"
    assert declarations.type_of(second.json_schema(), "Answer") == "AddressAnswer"


def test_models_that_hold_models_of_one_name_have_two_names() -> None:
    def schema_of(kind: str) -> dict[str, Any]:
        inner = {
            "type": "object",
            "title": "Inner",
            "properties": {"a": {"type": kind}},
        }
        return {
            "$defs": {"Inner": inner},
            "type": "object",
            "title": "Outer",
            "properties": {"inner": {"$ref": "#/$defs/Inner"}},
        }

    declarations = Declarations()

    assert declarations.type_of(schema_of("string")) == "Outer"
    assert declarations.type_of(schema_of("number")) == "Outer2"
    assert "  inner?: Inner2 | undefined" in declarations.lines()


@pytest.mark.parametrize("title", ["Record", "string", "Taken", "1st", "ä b"])
def test_a_name_that_can_t_be_had_becomes_one_that_can(title) -> None:
    schema = {"type": "object", "title": title, "properties": {}}

    name = Declarations(taken={"Taken"}).type_of(schema)

    assert name != title
    assert name.isidentifier()


def test_names_of_tools_become_names_of_types() -> None:
    names = ["add_to_cart", "add-to-cart", "AddToCart", "2nd"]

    assert [pascal(name) for name in names] == ["AddToCart"] * 3 + ["_2nd"]


def test_a_comment_can_t_be_ended_by_its_text() -> None:
    assert comment(" a */ b ") == ["/** a *\\/ b */"]


def test_a_long_comment_has_lines_and_no_text_has_none() -> None:
    assert comment("a\n\nb", "  ") == ["  /**", "   * a", "   *", "   * b", "   */"]
    assert comment("  ") == []


def test_a_value_is_its_own_type() -> None:
    values = ['say "a"', 1, 2.0, 1.5, False, None, [1]]

    assert [literal(value) for value in values] == [
        '"say \\"a\\""', "1", "2.0", "number", "false", "null", "Json",
    ]  # fmt: skip
