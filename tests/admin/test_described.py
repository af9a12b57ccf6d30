from __future__ import annotations

from enum import StrEnum

import pytest
from pydantic import BaseModel, Field, TypeAdapter

from chatkit_app.admin.described import Line, described, resolved


class Colour(StrEnum):
    RED = "red"


class Item(BaseModel):
    """One of the things."""

    name: str = Field(title="What", description="What it is called.")
    count: int = 1


class Order(BaseModel):
    number: str
    items: list[Item] = Field(description="What was ordered.")
    gift: Item | None = None
    colours: list[Colour] = []
    paid: bool = False


SCHEMA = TypeAdapter(Order).json_schema()


def told(value: object) -> dict[str, Line]:
    return {line.label: line for line in described(value, SCHEMA)}  # type: ignore[arg-type]  # JSON, spelled out


def test_values_are_told_by_their_titles_and_descriptions() -> None:
    lines = told({"number": "1042", "items": [{"name": "Mug", "count": 2}]})

    assert lines["Number"].text == "1042"
    assert lines["Items"].hint == "What was ordered."
    [first] = lines["Items"].lines
    assert [(line.label, line.hint, line.text) for line in first.lines] == [
        ("What", "What it is called.", "Mug"),
        ("Count", "", "2"),
    ]


def test_one_of_several_kinds_is_told_by_the_one_that_it_is() -> None:
    gift = told({"gift": {"name": "Card"}})["Gift"]

    assert [line.label for line in gift.lines] == ["What"]
    assert told({"gift": None})["Gift"].text == "–"


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (True, "yes"),
        (False, "no"),
        (None, "–"),
        ("", "–"),
        ([], "–"),
        ({}, "–"),
        (1.5, "1.5"),
        (20.0, "20"),
        (["red", "blue"], "red\nblue"),
    ],
)
def test_plain_values_are_told_in_words(value, text) -> None:
    assert described({"x": value}, None) == [Line(label="x", text=text)]


def test_what_no_schema_names_is_told_by_its_own_name() -> None:
    assert told({"surprise": 1})["surprise"].text == "1"


@pytest.mark.parametrize("value", [None, 7, "words", [1], {"x": "y" * 30_000}])
def test_what_is_no_object_or_too_long_is_one_line(value) -> None:
    [line] = described(value, SCHEMA)

    assert line.label == ""
    assert 0 < len(line.text) < 21_000


def test_what_lies_deep_is_told_as_json() -> None:
    value: dict[str, object] = {}
    inner = value
    for _ in range(30):
        inner["x"] = {}
        inner = inner["x"]  # type: ignore[assignment]  # the one that was just made
    inner["y"] = "deep"

    found = described(value, None)  # type: ignore[arg-type]  # JSON, spelled out
    depth = 0
    while found[0].lines:
        found, depth = list(found[0].lines), depth + 1

    assert depth == 5
    assert '"deep"' in found[0].text


def test_a_schema_that_refers_to_itself_without_end_names_nothing() -> None:
    schema = {"$defs": {"A": {"$ref": "#/$defs/A"}}, "$ref": "#/$defs/A"}

    assert resolved(schema, schema) == {}


@pytest.mark.parametrize(
    "schema",
    [
        {"properties": "none"},
        {"properties": {"x": 5}},
        {"properties": {"x": {"$ref": "#/$defs/Gone", "title": 3}}},
        {"properties": {"x": {"anyOf": ["?", {"type": "array", "items": 4}]}}},
    ],
)
def test_a_schema_that_is_none_does_no_harm(schema) -> None:
    assert described({"x": [{"y": 1}]}, schema)[0].lines
