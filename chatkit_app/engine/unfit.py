"""What of a type can't be JSON: the fields at fault, by their path."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import MISSING, fields, is_dataclass
from inspect import Parameter, isclass
from typing import (
    Annotated,
    Any,
    ForwardRef,
    Literal,
    NotRequired,
    Required,
    get_args,
    get_origin,
    get_type_hints,
)

from pydantic import BaseModel, TypeAdapter
from pydantic.errors import (
    PydanticInvalidForJsonSchema,
    PydanticSchemaGenerationError,
    PydanticUndefinedAnnotation,
    PydanticUserError,
)
from pydantic.fields import FieldInfo
from pydantic.json_schema import GenerateJsonSchema, JsonSchemaWarningKind
from pydantic_core import SchemaError
from typing_extensions import is_typeddict

from chatkit_app.engine.schema import dump_json

DEEPEST = 12
"""Levels that are searched for the field at fault."""

Fault = tuple[tuple[str, ...], str]
"""The path of a field, empty for the type itself, and what is wrong with it."""


def unfit(kind: Any) -> list[Fault]:
    """What of this type can't be JSON; empty where all can."""
    return _search(kind, (), ())


def _search(kind: Any, path: tuple[str, ...], above: tuple[Any, ...]) -> list[Fault]:
    problem = _problem(kind)
    if problem is None or any(kind is one for one in above):
        return []
    inner = [
        found
        for step, part in (_inside(kind) if len(above) < DEEPEST else ())
        for found in _search(part, (*path, *step), (*above, kind))
    ]
    return inner or [(path, problem)]


class _Exact(GenerateJsonSchema):
    """Leaves out nothing: a default that JSON can't say is an error, not a warning."""

    def emit_warning(self, kind: JsonSchemaWarningKind, detail: str) -> None:
        if kind == "non-serializable-default":
            raise ValueError("its default is no JSON")
        super().emit_warning(kind, detail)


def _problem(kind: Any) -> str | None:
    try:
        adapter: TypeAdapter[Any] = TypeAdapter(kind)
        for mode in ("validation", "serialization"):
            dump_json(adapter.json_schema(mode=mode, schema_generator=_Exact))
    except PydanticSchemaGenerationError:
        return f"{_name(kind)} is nothing that JSON can carry"
    except PydanticInvalidForJsonSchema:
        return f"{_name(kind)} has no JSON Schema"
    except (PydanticUndefinedAnnotation, NameError) as error:
        return f"its type can't be resolved: {_first_line(error)}"
    except PydanticUserError as error:
        if error.code == "class-not-fully-defined":
            return f"its type can't be resolved: {_name(kind)}"
        return _first_line(error)
    except (SchemaError, TypeError, ValueError) as error:
        return _first_line(error)
    except RecursionError:
        return "it is nested too deeply"
    return None


def _name(kind: Any) -> str:
    if isinstance(kind, ForwardRef):
        return kind.__forward_arg__
    return kind.__name__ if isclass(kind) else str(kind)


def _first_line(error: Exception) -> str:
    return str(error).strip().partition("\n")[0]


def _inside(kind: Any) -> Iterator[tuple[tuple[str, ...], Any]]:
    """The parts of a type: with a step in the path for a field, without one for an item."""
    if get_origin(kind) in (Annotated, Required, NotRequired):
        yield (), get_args(kind)[0]
    elif isclass(kind) and issubclass(kind, BaseModel):
        for name, field in kind.model_fields.items():
            yield (name,), Annotated[field.annotation or ForwardRef(name), field]
    elif is_typeddict(kind):
        for name, hint in _hints(kind).items():
            yield (name,), hint
    elif isclass(kind) and is_dataclass(kind):
        hints = _hints(kind)
        for one in fields(kind):
            yield (one.name,), with_default(hints.get(one.name, one.type), one.default)
    elif get_origin(kind) not in (Literal, Callable):
        yield from (((), part) for part in get_args(kind) if part is not None)


def _hints(kind: Any) -> dict[str, Any]:
    try:
        return get_type_hints(kind, include_extras=True)
    except NameError:
        return {
            name: ForwardRef(hint) if isinstance(hint, str) else hint
            for name, hint in kind.__annotations__.items()
        }


def with_default(hint: Any, default: object) -> Any:
    """The type with its default, where it has one: a ``Field`` brings its own."""
    if isinstance(default, FieldInfo):
        return Annotated[hint, default]
    if default is MISSING or default is Parameter.empty:
        return hint
    return Annotated[hint, FieldInfo(default=default)]
