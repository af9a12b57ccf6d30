"""From any annotated type to a JSON Schema, and back: reading JSON by it."""

from __future__ import annotations

import inspect
import json
import math
from collections.abc import Callable, Mapping
from typing import Any

from docstring_parser import parse
from pydantic import BaseModel, ConfigDict, JsonValue, TypeAdapter, ValidationError
from pydantic.json_schema import GenerateJsonSchema
from pydantic_core import ErrorDetails, core_schema

from chatkit_app.exceptions import ToolError


class NoInput(BaseModel):
    """The input of a tool that takes none."""

    model_config = ConfigDict(extra="forbid")


class Arguments(BaseModel):
    """The base of the models that are made from signatures."""

    model_config = ConfigDict(extra="forbid", arbitrary_types_allowed=False)


def keywords(arguments: Arguments) -> dict[str, Any]:
    """The validated values under the parameters' names, not yet turned into JSON."""
    return {name: getattr(arguments, name) for name in type(arguments).model_fields}


def describe(function: Callable[..., object]) -> str:
    """What the docstring says of the function, without its sections."""
    doc = parse(inspect.getdoc(function) or "")
    return "\n\n".join(
        text for text in (doc.short_description, doc.long_description) if text
    )


def is_async(function: Callable[..., object]) -> bool:
    """Does calling it return at once? Not asked of what it wraps: a sync wrapper may well block."""
    called = getattr(function, "__call__", function)  # noqa: B004 (an object's own, not "can it be?")
    return inspect.iscoroutinefunction(function) or inspect.iscoroutinefunction(called)


def with_context(
    name: str, function: Callable[..., object]
) -> Callable[[Any, Any], object]:
    """A tool's function as one of (context, input), whether it wants the context or not.

    Raises:
        TypeError: It takes neither one nor two arguments.
    """
    count = len(inspect.signature(function).parameters)
    if count not in (1, 2):
        raise TypeError(f"{name}: the function takes (input) or (context, input).")
    return function if count == 2 else lambda _context, value: function(value)


def json_schema(
    adapter: TypeAdapter[Any], *, is_output: bool = False
) -> dict[str, JsonValue]:
    """The type's JSON Schema (2020-12), as the one who writes the JSON must keep it."""
    return adapter.json_schema(mode="serialization" if is_output else "validation")


class _Dumped(GenerateJsonSchema):
    """What has a default is there when it is written, unless the field itself may be left out."""

    def field_is_required(
        self,
        field: core_schema.ModelField
        | core_schema.DataclassField
        | core_schema.TypedDictField,
        total: bool,
    ) -> bool:
        may_be_missing = field["type"] == "typed-dict-field" or any(
            field.get(key)
            for key in ("serialization_exclude", "serialization_exclude_if")
        )
        return not may_be_missing or super().field_is_required(field, total)


def dumped_schema(adapter: TypeAdapter[Any]) -> dict[str, JsonValue]:
    """The schema of what is stored and shown: values of the type as they are written."""
    return adapter.json_schema(mode="serialization", schema_generator=_Dumped)


def input_schema(adapter: TypeAdapter[Any]) -> dict[str, JsonValue]:
    """The schema of what a model writes: an object at its root, closed unless it says otherwise.

    Pydantic puts a type that holds itself behind a reference, which models' APIs don't take for an
    object. Fields that are not declared are refused when arguments are read, so the schema says so.
    """
    schema = _rooted(json_schema(adapter))
    return schema if is_open(schema) else _closed(schema)


def _rooted(schema: dict[str, JsonValue]) -> dict[str, JsonValue]:
    target = _target(schema)
    if target is None:
        return schema
    others = {key: value for key, value in schema.items() if key != "$ref"}
    return _rooted({**target, **others})


def _target(schema: Mapping[str, JsonValue]) -> dict[str, JsonValue] | None:
    """What a schema that is a reference stands for."""
    reference, definitions = schema.get("$ref"), schema.get("$defs")
    if not isinstance(reference, str) or not isinstance(definitions, dict):
        return None
    target = definitions.get(reference.rsplit("/", 1)[-1])
    return target if isinstance(target, dict) else None


def is_open(schema: JsonValue) -> bool:
    """Does an object in it take fields beside those that it declares (``extra="allow"``)?"""
    if isinstance(schema, list):
        return any(is_open(item) for item in schema)
    if not isinstance(schema, dict):
        return False
    takes_more = schema.get("additionalProperties", False) is not False
    return (takes_more and _has_fields(schema)) or any(
        is_open(inner) for inner in schema.values()
    )


def _closed(schema: dict[str, JsonValue]) -> dict[str, JsonValue]:
    inner = {key: _closed_inside(key, value) for key, value in schema.items()}
    return inner | ({"additionalProperties": False} if _has_fields(schema) else {})


def _closed_inside(key: str, value: JsonValue) -> JsonValue:
    if key in ("properties", "$defs") and isinstance(value, dict):
        return {name: _closed_node(node) for name, node in value.items()}
    return _closed_node(value) if key in ("items", "anyOf", "oneOf", "allOf") else value


def _closed_node(value: JsonValue) -> JsonValue:
    if isinstance(value, list):
        return [_closed_node(item) for item in value]
    return _closed(value) if isinstance(value, dict) else value


def _has_fields(schema: Mapping[str, JsonValue]) -> bool:
    return schema.get("type") == "object" and "properties" in schema


def is_object_schema(schema: Mapping[str, JsonValue]) -> bool:
    """Is it an object's schema? Providers take no other for a tool's input."""
    target = _target(schema)
    if target is not None:
        return is_object_schema(target)
    return schema.get("type") == "object"


def load_json(text: str) -> JsonValue:
    """JSON by the letter: no NaN, no Infinity, no number that would become one (``1e999``).

    Raises:
        ToolError: It is not JSON; the words are for the model.
    """
    try:
        value: JsonValue = json.loads(text, parse_constant=_refuse, parse_float=_finite)
    except (ValueError, RecursionError) as error:
        raise ToolError("The arguments are not valid JSON.") from error
    return value


def _refuse(name: str) -> None:
    raise ValueError(name)


def _finite(digits: str) -> float:
    number = float(digits)
    if math.isinf(number):
        raise ValueError(digits)
    return number


def dump_json(value: JsonValue) -> str:
    """Compact JSON, with everything that isn't ASCII as it is."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"), allow_nan=False)


def dump(adapter: TypeAdapter[Any], value: object) -> JsonValue:
    """A value of the type as JSON.

    Raises:
        ValueError: It holds something that is no JSON, NaN and Infinity included.
    """
    dumped: JsonValue = adapter.dump_python(value, mode="json", by_alias=True)
    dump_json(dumped)
    # Where the type says nothing of what is in it, Pydantic writes null for NaN.
    has_null = _any_of(dumped, lambda item: item is None)
    if has_null and _any_of(adapter.dump_python(value), _is_no_number):
        raise ValueError("NaN and Infinity are no JSON.")
    return dumped


def _any_of(value: object, fits: Callable[[object], bool]) -> bool:
    """Does this fit, or anything inside it?"""
    if isinstance(value, Mapping):
        return any(_any_of(item, fits) for item in value.values())
    if isinstance(value, list | tuple | set | frozenset):
        return any(_any_of(item, fits) for item in value)
    return fits(value)


def _is_no_number(value: object) -> bool:
    return isinstance(value, float) and not math.isfinite(value)


def faults(error: ValidationError) -> str:
    """Pydantic's errors in a line, for whoever sent the values: where and what."""
    return "; ".join(f"{_place(found)}: {found['msg']}" for found in _first(error))


def kinds_of_faults(error: ValidationError) -> str:
    """The same for the log, where no value may stand: a site's own message may hold one."""
    return "; ".join(f"{_place(found)}: {found['type']}" for found in _first(error))


def _first(error: ValidationError) -> list[ErrorDetails]:
    return error.errors(include_url=False, include_input=False)[:5]


def _place(found: ErrorDetails) -> str:
    return ".".join(str(step) for step in found["loc"]) or "value"
