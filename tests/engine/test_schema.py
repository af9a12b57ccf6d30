from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel, TypeAdapter

from chatkit_app.engine.schema import (
    describe,
    dump_json,
    is_object_schema,
    json_schema,
    load_json,
)
from chatkit_app.exceptions import ToolError
from tests.engine.drive import unhurried


class Branch(BaseModel):
    branches: list[Branch] = []


def greet(name: str, times: int = 1) -> str:
    """Greet somebody.

    More than once, if need be.

    Args:
        name: Whom.
        times: How often.

    Returns:
        The greeting.
    """
    return name * times


def test_a_function_is_described_without_its_sections() -> None:
    assert describe(greet) == "Greet somebody.\n\nMore than once, if need be."


def test_a_function_without_a_docstring_has_no_description() -> None:
    assert describe(lambda: None) == ""


def test_a_type_that_holds_itself_is_an_object_too() -> None:
    schema = json_schema(TypeAdapter(Branch))

    assert "$ref" in schema
    assert is_object_schema(schema)


@pytest.mark.parametrize("kind", [int, list[int], int | str, dict | None])
def test_what_is_no_object_is_told_apart(kind) -> None:
    assert not is_object_schema(json_schema(TypeAdapter(kind)))


def test_a_reference_to_nothing_is_no_object() -> None:
    assert not is_object_schema({"$ref": "#/$defs/Gone"})


@pytest.mark.parametrize(
    "text",
    [
        "",
        "{",
        "{'a': 1}",
        '{"a": 1} and more',
        '{"a": NaN}',
        "Infinity",
        "-Infinity",
        '{"a": 1e999}',
        "[-1e999]",
        "[" * 100_000,
        "1" * 10_000,
    ],
    ids=lambda text: text[:20] or "nothing",
)
def test_what_is_no_json_by_the_letter_is_an_error_for_the_model(text) -> None:
    with pytest.raises(ToolError, match="not valid JSON"):
        load_json(text)


@pytest.mark.parametrize("value", [float("nan"), float("inf"), [float("-inf")]])
def test_a_number_that_json_does_not_know_is_never_written(value) -> None:
    with pytest.raises(ValueError, match="not JSON compliant"):
        dump_json(value)


def test_json_is_compact_and_keeps_letters() -> None:
    assert dump_json({"a": [1, "ü"]}) == '{"a":[1,"ü"]}'


@unhurried
@given(
    st.recursive(
        st.none()
        | st.booleans()
        | st.integers()
        | st.floats(allow_nan=False, allow_infinity=False)
        | st.text(),
        lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
        max_leaves=10,
    )
)
def test_what_is_written_is_read_again(value) -> None:
    assert load_json(dump_json(value)) == value
    assert json.loads(dump_json(value)) == value
