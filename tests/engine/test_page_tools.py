"""Tools that a page declares itself: counted, measured, marked, and no code of ours."""

from __future__ import annotations

import json
from typing import Any

import pytest
from pydantic import JsonValue

from chatkit_app.engine.page_tools import (
    MAX_DEPTH,
    MAX_PARAMETERS_BYTES,
    MAX_TOOLS,
    UNTRUSTED,
    PageTool,
    check_page_tools,
    definition_of,
    stored_tools,
)
from chatkit_app.engine.states import Executor
from chatkit_app.exceptions import InvalidCommand, ToolError


def declared(
    name: str = "zoom", description: str = "Zoom the map.", **parameters: Any
) -> PageTool:
    return PageTool(
        name=name,
        description=description,
        parameters={"type": "object", **parameters},
    )


def nested(levels: int) -> JsonValue:
    value: JsonValue = {}
    for _ in range(levels):
        value = {"items": value}
    return value


def test_a_page_may_declare_some_tools() -> None:
    check_page_tools([declared(f"tool_{number}") for number in range(MAX_TOOLS)])


@pytest.mark.parametrize(
    ("tools", "why"),
    [
        ([declared(f"tool_{n}") for n in range(MAX_TOOLS + 1)], "may declare 16"),
        ([declared("a b")], r"tools\.0\.name"),
        ([declared(), declared("x" * 65)], r"tools\.1\.name"),
        ([declared(""), declared()], r"tools\.0\.name"),
        ([declared(), declared()], "one name"),
        ([declared(description="x" * 1001)], "description"),
        ([PageTool(name="zoom", description="", parameters={})], '"object"'),
        (
            [PageTool(name="zoom", description="", parameters={"type": "array"})],
            '"object"',
        ),
        ([declared(title="x" * MAX_PARAMETERS_BYTES)], "bytes"),
        ([declared(properties={"a": nested(MAX_DEPTH)})], "levels"),
        ([declared(properties={"a": nested(100_000)})], "levels"),
        (
            [declared(f"tool_{n}", title="x" * 8000) for n in range(5)],
            "together",
        ),
        ([declared(properties={"a": {"$ref": "https://evil.example/"}})], "reference"),
        ([declared(**{"$ref": "other.json#/$defs/a"})], "reference"),
        ([declared(allOf=[{"$dynamicRef": "//evil.example/"}])], "reference"),
        ([declared(properties={"a": {"$ref": 7}})], "reference"),
    ],
)
def test_what_is_too_much_or_no_tool_is_refused(
    tools: list[PageTool], why: str
) -> None:
    with pytest.raises(InvalidCommand, match=why):
        check_page_tools(tools)


def test_bytes_are_counted_not_characters() -> None:
    with pytest.raises(InvalidCommand, match="bytes"):
        check_page_tools([declared(title="ä" * (MAX_PARAMETERS_BYTES // 2))])


def test_a_schema_may_refer_to_itself() -> None:
    check_page_tools(
        [
            declared(
                properties={"a": {"$ref": "#/properties/b"}, "b": {"type": "string"}}
            )
        ]
    )


def test_the_model_is_told_whose_words_they_are() -> None:
    told = definition_of(declared(properties={"level": {"type": "integer"}})).spec

    assert (told.name, told.is_strict) == ("zoom", False)
    assert told.description == f"{UNTRUSTED} Zoom the map."
    assert told.parameters == {
        "type": "object",
        "properties": {"level": {"type": "integer"}},
    }


def test_it_runs_in_the_page() -> None:
    assert definition_of(declared()).executor is Executor.CLIENT


def test_arguments_are_any_object_whatever_the_schema_says() -> None:
    slow = declared(properties={"a": {"type": "string", "pattern": "^(a+)+$"}})

    found = definition_of(slow).read_input(json.dumps({"a": "a" * 60 + "!"}))

    assert found == {"a": "a" * 60 + "!"}


@pytest.mark.parametrize("arguments", ["[]", "null", '"x"', "{"])
def test_arguments_that_are_no_object_are_refused(arguments: str) -> None:
    with pytest.raises(ToolError):
        definition_of(declared()).read_input(arguments)


@pytest.mark.parametrize("output", [None, 1, "x", [1, {"a": None}], {"a": 1.5}])
def test_its_output_is_any_json(output: JsonValue) -> None:
    assert definition_of(declared()).read_output(output) == output


def test_what_the_row_keeps_is_the_same_tool() -> None:
    tool = declared(properties={"a": {}})

    assert stored_tools([tool.as_json()]) == (tool,)


def test_a_row_that_keeps_none_has_none() -> None:
    assert stored_tools([]) == ()
