"""A function's signature as a tool's types: a model of its parameters, and what of them can't work."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from types import SimpleNamespace
from typing import Annotated, Any, get_args, get_origin, get_type_hints

from docstring_parser import parse
from pydantic import Field, create_model
from pydantic.errors import PydanticUserError
from pydantic_core import SchemaError

from chatkit_app.engine.schema import Arguments
from chatkit_app.engine.unfit import unfit, with_default


@dataclass(frozen=True, slots=True, kw_only=True)
class Signature:
    """What a function takes and gives.

    ``context`` names the parameter that gets the run's context. ``faults`` says which parameters no
    model could fill, and why; ``arguments`` is without those.
    """

    arguments: type[Arguments]
    result: Any
    context: str | None
    faults: tuple[str, ...] = ()


def signature_of(function: Callable[..., object], context: type) -> Signature:
    """Read a signature; the parameter that is annotated as ``context`` is not the model's."""
    hints, faults = _hints(function)
    context_name = _name_of(context, hints)
    taken = {
        name: parameter
        for name, parameter in inspect.signature(function).parameters.items()
        if name != context_name and name not in faults
    }
    arguments = None if faults else _model(function, taken, hints)
    if arguments is None:  # one by one, then, so that those at fault have names
        faults |= {
            name: found
            for name, parameter in taken.items()
            if (found := list(_faults_of(function, parameter, hints)))
        }
        fine = {name: one for name, one in taken.items() if name not in faults}
        arguments = _model(function, fine, hints) or NoArguments
    return Signature(
        arguments=arguments,
        result=hints.get("return", Any),
        context=context_name,
        faults=tuple(fault for found in faults.values() for fault in found),
    )


class NoArguments(Arguments):
    """Stands for parameters of which not even those make a model that are right by themselves."""


def _model(
    function: Callable[..., object],
    parameters: Mapping[str, inspect.Parameter],
    hints: Mapping[str, Any],
) -> type[Arguments] | None:
    """None where the parameters make no model."""
    if any(_shape_fault(one, hints.get(name)) for name, one in parameters.items()):
        return None
    described = _described(function)
    fields: dict[str, Any] = {
        name: _field(one, hints[name], described.get(name))
        for name, one in parameters.items()
    }
    try:
        model = create_model(_camel(function.__name__), __base__=Arguments, **fields)
    except (PydanticUserError, SchemaError, NameError, TypeError, ValueError):
        return None
    return None if unfit(model) else model


def _hints(
    function: Callable[..., object],
) -> tuple[dict[str, Any], dict[str, list[str]]]:
    """The resolved annotations, and for each that can't be resolved why not."""
    try:
        return get_type_hints(function, include_extras=True), {}
    except (NameError, TypeError, SyntaxError, AttributeError):
        pass  # one by one, then, so that the one at fault has a name
    hints: dict[str, Any] = {}
    faults: dict[str, list[str]] = {}
    names = getattr(inspect.unwrap(function), "__globals__", {})
    for name, annotation in getattr(function, "__annotations__", {}).items():
        alone: Any = SimpleNamespace(__annotations__={name: annotation})
        try:
            hints |= get_type_hints(alone, globalns=names, include_extras=True)
        except (NameError, TypeError, SyntaxError, AttributeError) as error:
            faults[name] = [f"{_label(name)}: its type can't be resolved: {error}"]
    return hints, faults


def _name_of(kind: type, hints: dict[str, Any]) -> str | None:
    """The parameter that is annotated as this class, also as ``kind | None`` or ``kind[…]``."""
    for name, hint in hints.items():
        named = (hint, *get_args(hint))
        if name != "return" and any(kind in (one, get_origin(one)) for one in named):
            return name
    return None


def _described(function: Callable[..., object]) -> dict[str, str | None]:
    """What the docstring says of each parameter."""
    sections = parse(inspect.getdoc(function) or "").params
    return {param.arg_name: param.description for param in sections}


def _faults_of(
    function: Callable[..., object],
    parameter: inspect.Parameter,
    hints: Mapping[str, Any],
) -> Iterator[str]:
    name = parameter.name
    if fault := _shape_fault(parameter, hints.get(name)):
        yield f"{_label(name)} {fault}"
    elif found := unfit(with_default(hints[name], parameter.default)):
        for path, problem in found:
            yield f"{_label(name, *path)}: {problem}"
    elif _model(function, {name: parameter}, hints) is None:
        yield f"{_label(name)}: a Pydantic model can't have a field of this name"


def _shape_fault(parameter: inspect.Parameter, hint: Any) -> str:
    is_named = parameter.kind in (
        parameter.POSITIONAL_OR_KEYWORD,
        parameter.KEYWORD_ONLY,
    )
    if hint is None or not is_named:
        return "must be a named one with a type"
    if parameter.name.startswith("_"):
        return "must not begin with an underscore"
    return ""


def _label(*path: str) -> str:
    return "the result" if path == ("return",) else f"parameter {'.'.join(path)!r}"


def _field(
    parameter: inspect.Parameter, hint: Any, description: str | None
) -> tuple[Any, Any]:
    is_needed = parameter.default is parameter.empty
    if description:
        hint = Annotated[hint, Field(description=description)]
    return hint, ... if is_needed else parameter.default


def _camel(name: str) -> str:
    return "".join(word.capitalize() for word in name.split("_")) + "Arguments"
