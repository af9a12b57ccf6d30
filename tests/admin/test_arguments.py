from __future__ import annotations

from datetime import date
from decimal import Decimal
from enum import StrEnum
from typing import Any, Literal

import pytest
from pydantic import BaseModel, Field, TypeAdapter

from chatkit_app.admin.arguments import ArgumentsForm


class Colour(StrEnum):
    RED = "red"
    BLUE = "blue"


class Inner(BaseModel):
    name: str


class Arguments(BaseModel):
    text: str = Field(title="What", description="What it is called.")
    note: str = "a\nb"
    count: int = 3
    share: float = 0.5
    price: Decimal = Decimal("12.50")
    day: date = date(2026, 3, 1)
    colour: Colour = Colour.RED
    size: Literal[1, 2] = 1
    gift: bool = False
    maybe: str | None = None
    number: int | None = None
    unsure: bool | None = None
    inner: Inner | None = None
    tags: list[str] = []


SCHEMA = TypeAdapter(Arguments).json_schema()
VALUE = Arguments(text="  Mug ", tags=["a", "b"], inner=Inner(name="x")).model_dump(
    mode="json"
)


def posted(form: ArgumentsForm, **changes: Any) -> dict[str, Any]:
    """What a browser sends of a form that is shown, with some fields typed over."""
    found = {}
    for bound in form:
        shown = changes.get(bound.name, bound.field.widget.format_value(bound.value()))
        if isinstance(shown, list):
            [shown] = shown
        if isinstance(shown, str):  # as all browsers do
            shown = shown.replace("\r\n", "\n").replace("\n", "\r\n")
        is_box = bound.field.widget.__class__.__name__ == "CheckboxInput"
        if is_box and not changes.get(bound.name, bound.value()):
            continue
        found[bound.html_name] = "on" if is_box else shown or ""
    return found


def edited(value: Any = VALUE, schema: Any = SCHEMA, **changes: Any) -> ArgumentsForm:
    shown = ArgumentsForm(schema, value)
    return ArgumentsForm(schema, value, posted(shown, **changes))


def test_a_form_that_is_sent_as_it_was_shown_changes_nothing() -> None:
    form = edited()

    assert form.is_valid(), form.errors
    assert form.edited() == VALUE


@pytest.mark.parametrize(
    ("name", "typed", "value"),
    [
        ("text", "", ""),
        ("text", " a\r\nb ", " a\nb "),
        ("note", "c", "c"),
        ("count", "-7", -7),
        ("share", "2", 2),
        ("share", "1e-3", 0.001),
        ("price", "9.99", "9.99"),
        ("day", "2026-03-02", "2026-03-02"),
        ("colour", '"blue"', "blue"),
        ("size", "2", 2),
        ("gift", True, True),
        ("maybe", "x", "x"),
        ("number", "5", 5),
        ("unsure", "false", False),
        ("inner", "", None),
        ("inner", '{"name": "y"}', {"name": "y"}),
        ("tags", "[]", []),
    ],
)
def test_what_is_typed_is_what_the_tool_gets(name, typed, value) -> None:
    form = edited(**{name: typed})

    assert form.is_valid(), form.errors
    assert form.edited() == {**VALUE, name: value}


@pytest.mark.parametrize(
    ("name", "typed"),
    [
        ("count", "x"),
        ("count", "1.5"),
        ("count", "true"),
        ("count", "NaN"),
        ("share", "1e999"),
        ("share", "Infinity"),
        ("colour", '"green"'),
        ("inner", "{"),
        ("text", "a\0b"),
    ],
)
def test_what_can_be_no_value_is_refused_at_its_field(name, typed) -> None:
    form = edited(**{name: typed})

    assert not form.is_valid()
    assert list(form.errors) == [name]


def test_fields_are_called_and_explained_by_their_schema() -> None:
    field = ArgumentsForm(SCHEMA, VALUE).fields["text"]

    assert (field.label, field.help_text) == ("What", "What it is called.")


def test_what_the_schema_does_not_name_stays() -> None:
    value = {**VALUE, "surprise": {"x": 1}}

    form = edited(value)

    assert form.is_valid()
    assert form.edited() == value


def test_what_was_not_given_is_still_not_given() -> None:
    form = edited({"text": "Mug"})

    assert form.is_valid(), form.errors
    assert form.edited() == {"text": "Mug"}


@pytest.mark.parametrize("schema", [None, {}, {"type": "object"}, {"properties": {}}])
def test_without_named_fields_the_arguments_are_edited_as_json(schema) -> None:
    form = edited({"a": [1]}, schema, arguments='{"a": [2]}')

    assert form.is_valid()
    assert form.edited() == {"a": [2]}


@pytest.mark.parametrize(
    ("place", "at", "words"),
    [
        ("count", "count", "No."),
        ("inner.name", "inner", "name: No."),
        ("gone", "__all__", "No."),
        ("", "__all__", "No."),
    ],
)
def test_what_the_tool_finds_wrong_is_said_at_its_field(place, at, words) -> None:
    form = edited()
    assert form.is_valid()

    form.refuse(place, "No.")

    assert form.errors[at] == [words]


def test_several_forms_of_a_page_have_no_id_in_common() -> None:
    one, other = (ArgumentsForm(SCHEMA, VALUE, scope=scope) for scope in "ab")

    assert one["text"].auto_id == "ainput-text"
    assert other["text"].auto_id == "binput-text"
