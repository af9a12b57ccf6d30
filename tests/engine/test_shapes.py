from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime
from decimal import Decimal
from enum import Enum
from typing import Annotated, Any, Literal, NotRequired

import pytest
from pydantic import BaseModel, ConfigDict, Field
from typing_extensions import TypedDict

from chatkit_app.engine.schema import NoInput
from chatkit_app.engine.shapes import shapes_of
from chatkit_app.exceptions import ToolError


class Size(Enum):
    SMALL = "s"
    LARGE = "l"


class Address(BaseModel):
    street: str
    number: int | None = None


@dataclass
class Point:
    x: int
    y: int = 0


class Colour(TypedDict):
    name: str
    shade: NotRequired[int]


class Cat(BaseModel):
    kind: Literal["cat"]
    lives: int


class Dog(BaseModel):
    kind: Literal["dog"]
    tricks: list[str]


class Tree(BaseModel):
    name: str
    children: list[Tree] = []


class Price(BaseModel):
    amount: Decimal
    currency: str = "EUR"


class Thing:
    pass


def both_ways(kind: Any) -> Any:
    class Holder(BaseModel):
        value: kind

    return shapes_of(Holder, kind)


# What goes in and what comes out, for every kind of type


@pytest.mark.parametrize(
    ("kind", "sent", "given", "kept"),
    [
        (Size, '"s"', Size.SMALL, "s"),
        (Literal["a", 1], "1", 1, 1),
        (int | str, '"1"', "1", "1"),
        (int | None, "null", None, None),
        (date, '"2026-03-01"', date(2026, 3, 1), "2026-03-01"),
        (
            datetime,
            '"2026-03-01T08:00:00Z"',
            datetime(2026, 3, 1, 8, tzinfo=UTC),
            "2026-03-01T08:00:00Z",
        ),
        (Decimal, "19.90", Decimal("19.9"), "19.9"),
        (Decimal, '"19.90"', Decimal("19.90"), "19.90"),
        (Address, '{"street": "A"}', Address(street="A"), {"street": "A", "number": None}),
        (list[Address], '[{"street": "A", "number": 1}]', [Address(street="A", number=1)],
         [{"street": "A", "number": 1}]),
        (Point, '{"x": 1}', Point(1), {"x": 1, "y": 0}),
        (Colour, '{"name": "red"}', {"name": "red"}, {"name": "red"}),
        (
            Annotated[Cat | Dog, Field(discriminator="kind")],
            '{"kind": "dog", "tricks": []}',
            Dog(kind="dog", tricks=[]),
            {"kind": "dog", "tricks": []},
        ),
        (
            Tree,
            '{"name": "a", "children": [{"name": "b"}]}',
            Tree(name="a", children=[Tree(name="b")]),
            {"name": "a", "children": [{"name": "b", "children": []}]},
        ),
        (tuple[int, str], '[1, "a"]', (1, "a"), [1, "a"]),
        (dict[str, int], '{"a": 1}', {"a": 1}, {"a": 1}),
    ],
    ids=str,
)  # fmt: skip
def test_a_value_is_read_kept_and_given(kind, sent, given, kept) -> None:
    shapes = both_ways(kind)
    read = shapes.read_input(f'{{"value": {sent}}}')

    assert shapes.faults == ()
    assert read.value == given
    assert shapes.dump_input(read) == {"value": kept}
    assert shapes.dump_output(given) == kept
    assert shapes.read_output(kept) == kept


@pytest.mark.parametrize(
    ("kind", "sent", "place"),
    [
        (Size, '"m"', "value"),
        (Literal["a"], '"b"', "value"),
        (int | str, "[]", "value.int"),
        (date, '"2026-02-30"', "value"),
        (datetime, '"soon"', "value"),
        (Decimal, '"much"', "value"),
        (Address, '{"number": 1}', "value.street"),
        (list[Address], '[{"street": "A"}, {}]', "value.1.street"),
        (Point, '{"y": 1}', "value.x"),
        (Colour, "{}", "value.name"),
        (
            Annotated[Cat | Dog, Field(discriminator="kind")],
            '{"kind": "cow"}',
            "value",
        ),
        (
            Annotated[Cat | Dog, Field(discriminator="kind")],
            '{"kind": "cat"}',
            "value.cat.lives",
        ),
        (
            Tree,
            '{"name": "a", "children": [{"children": []}]}',
            "value.children.0.name",
        ),
    ],
    ids=str,
)
def test_what_does_not_fit_is_told_with_its_place(kind, sent, place) -> None:
    with pytest.raises(ToolError, match=f"do not fit: {place}: "):
        both_ways(kind).read_input(f'{{"value": {sent}}}')


def test_a_default_stands_for_what_is_left_out() -> None:
    shapes = shapes_of(Price, Any)

    read = shapes.read_input('{"amount": "1"}')

    assert shapes.dump_input(read) == {"amount": "1", "currency": "EUR"}


# Fields that nobody has declared


@pytest.mark.parametrize(
    ("kind", "sent"),
    [
        (Address, '{"street": "A", "more": 1}'),
        (Point, '{"x": 1, "more": 1}'),
        (Colour, '{"name": "A", "more": 1}'),
        (Tree, '{"name": "A", "children": [{"name": "B", "more": 1}]}'),
        (NoInput, '{"more": 1}'),
    ],
    ids=str,
)
def test_a_field_that_is_not_declared_is_refused_wherever_it_is(kind, sent) -> None:
    with pytest.raises(ToolError, match="more: "):
        shapes_of(kind, Any).read_input(sent)


def test_the_schema_says_so() -> None:
    schema = shapes_of(Tree, Any).input_schema

    assert schema["additionalProperties"] is False
    assert schema["$defs"]["Tree"]["additionalProperties"] is False  # type: ignore[call-overload, index]


def test_a_model_that_allows_more_gets_it() -> None:
    class Open(BaseModel):
        model_config = ConfigDict(extra="allow")
        address: Address

    shapes = shapes_of(Open, Any)
    sent = {"address": {"street": "A", "number": None}, "more": 1}

    read = shapes.read_input('{"address": {"street": "A"}, "more": 1}')

    assert not shapes.refuses_extra
    assert shapes.input_schema["additionalProperties"] is True
    assert shapes.dump_input(read) == sent


def test_a_mapping_takes_any_key() -> None:
    class Counted(BaseModel):
        counts: dict[str, int]

    read = shapes_of(Counted, Any).read_input('{"counts": {"a": 1}}')

    assert read.counts == {"a": 1}


# Schemas


def test_a_type_that_holds_itself_has_its_object_at_the_root() -> None:
    schema = shapes_of(Tree, Any).input_schema

    assert schema["type"] == "object"
    assert schema["properties"]["children"]["items"] == {"$ref": "#/$defs/Tree"}  # type: ignore[call-overload, index]


def test_what_a_page_may_answer_is_more_than_what_is_kept() -> None:
    shapes = shapes_of(NoInput, Price)

    assert "anyOf" in shapes.answer_schema["properties"]["amount"]  # type: ignore[call-overload, index, operator]
    assert shapes.output_schema["properties"]["amount"]["type"] == "string"  # type: ignore[call-overload, index]


def test_the_digest_names_both_schemas() -> None:
    digests = {
        shapes_of(taken, given).digest
        for taken in (NoInput, Address)
        for given in (int, str)
    }

    assert len(digests) == 4


# What can't work


@pytest.mark.parametrize(
    ("taken", "given", "fault"),
    [
        (Thing, Any, "the input: Thing is nothing that JSON can carry"),
        (NoInput, Thing, "the output: Thing is nothing that JSON can carry"),
        (
            TypedDict("Held", {"thing": Thing}),  # type: ignore[operator]
            Any,
            "field 'thing' of the input: Thing is nothing that JSON can carry",
        ),
        (int, Any, "the input must be an object (a model, a dataclass …)"),
        (Cat | Dog, Any, "the input must be an object (a model, a dataclass …)"),
    ],
    ids=str,
)
def test_a_fault_is_told_and_what_is_left_takes_nothing(taken, given, fault) -> None:
    shapes = shapes_of(taken, given)

    assert shapes.faults == (fault,)
    assert shapes.input_schema["properties"] == {}
    assert shapes.output_schema == {}


def test_all_faults_are_told_the_input_s_first() -> None:
    assert shapes_of(Thing, Thing).faults == (
        "the input: Thing is nothing that JSON can carry",
        "the output: Thing is nothing that JSON can carry",
    )


def test_the_faults_of_an_input_may_be_known_already() -> None:
    assert shapes_of(NoInput, Thing, ("known",)).faults == (
        "known",
        "the output: Thing is nothing that JSON can carry",
    )
