"""From a function's signature or any annotated type to a JSON Schema, and back: reading JSON by it."""

from __future__ import annotations

import inspect
import json
import math
from collections.abc import Callable, Mapping
from typing import Annotated, Any, get_args, get_type_hints

from docstring_parser import parse
from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    JsonValue,
    TypeAdapter,
    ValidationError,
    create_model,
)
from pydantic_core import ErrorDetails

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


def arguments_model(
    function: Callable[..., object], skip: frozenset[str]
) -> type[Arguments]:
    """A model of the function's parameters, but for those in ``skip``.

    Raises:
        TypeError: A parameter has no annotation, or is positional-only, ``*args`` or ``**kwargs``.
    """
    hints = get_type_hints(function, include_extras=True)
    described = {
        param.arg_name: param.description
        for param in parse(inspect.getdoc(function) or "").params
    }
    fields: dict[str, Any] = {}
    for name, parameter in inspect.signature(function).parameters.items():
        if name in skip:
            continue
        if name not in hints or parameter.kind not in (
            parameter.POSITIONAL_OR_KEYWORD,
            parameter.KEYWORD_ONLY,
        ):
            raise TypeError(
                f"{function.__qualname__}: parameter {name!r} must be a named one with a type."
            )
        default = ... if parameter.default is parameter.empty else parameter.default
        annotation = hints[name]
        if text := described.get(name):
            annotation = Annotated[annotation, Field(description=text)]
        fields[name] = (annotation, default)
    return create_model(_camel(function.__name__), __base__=Arguments, **fields)


def _camel(name: str) -> str:
    return "".join(word.capitalize() for word in name.split("_")) + "Arguments"


def return_type(function: Callable[..., object]) -> Any:
    """The annotated type of the result; Any where there is none."""
    return get_type_hints(function, include_extras=True).get("return", Any)


def parameter_of(function: Callable[..., object], kind: type) -> str | None:
    """The name of the parameter that is annotated as this class, also as ``kind | None``."""
    for name, hint in get_type_hints(function).items():
        if name != "return" and (hint is kind or kind in get_args(hint)):
            return name
    return None


def is_async(function: Callable[..., object]) -> bool:
    """Does calling it return at once? Not asked of what it wraps: a sync wrapper may well block."""
    called = getattr(function, "__call__", function)  # noqa: B004 (an object's own, not "can it be?")
    return inspect.iscoroutinefunction(function) or inspect.iscoroutinefunction(called)


def json_schema(
    adapter: TypeAdapter[Any], *, is_output: bool = False
) -> dict[str, JsonValue]:
    """The type's JSON Schema (2020-12), as the one who writes the JSON must keep it."""
    return adapter.json_schema(mode="serialization" if is_output else "validation")


def is_object_schema(schema: Mapping[str, JsonValue]) -> bool:
    """Is it an object's schema? Providers take no other for a tool's input."""
    reference = schema.get("$ref")
    if isinstance(reference, str):
        definitions = schema.get("$defs")
        target = (
            definitions.get(reference.rsplit("/", 1)[-1])
            if isinstance(definitions, dict)
            else None
        )
        return isinstance(target, dict) and is_object_schema(target)
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
    return dumped


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
