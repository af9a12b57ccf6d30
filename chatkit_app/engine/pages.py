"""What a page tells of itself with a message, read by the model that its assistant declares."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from pydantic import BaseModel, JsonValue, ValidationError

from chatkit_app.engine.schema import faults
from chatkit_app.exceptions import InvalidPage

UNDECLARED = frozenset({"extra_forbidden", "unexpected_keyword_argument"})
"""Pydantic's types of error for a field that nobody has declared."""

NOT_DECLARED = (
    "This assistant declares nothing that a page may tell of itself. Declare it with a Pydantic model,"
    " Assistant(page=Model), or send no page."
)


def read_page(
    model: type[BaseModel] | None, told: Mapping[str, JsonValue]
) -> BaseModel | None:
    """The page as an instance of the model; None where none is declared and nothing is told.

    What isn't declared is refused at every level, whatever Pydantic's default: only a model with
    ``extra="allow"`` takes more.

    Raises:
        InvalidPage: It does not fit, or no model says what may be told.
    """
    if model is None:
        if told:
            raise InvalidPage(NOT_DECLARED)
        return None
    data = dict(told)
    try:
        return model.model_validate(data, extra="forbid")
    except ValidationError as error:
        found = _with_extras(model, data, error)
        if found is None:
            raise InvalidPage(f"page: {faults(error)}") from error
        return found


def _with_extras(
    model: type[BaseModel], data: dict[str, JsonValue], refused: ValidationError
) -> BaseModel | None:
    """The instance, where all that was refused is what its models allow explicitly."""
    errors = refused.errors(include_url=False, include_input=False)
    if any(error["type"] not in UNDECLARED for error in errors):
        return None
    try:
        found = model.model_validate(data)
    except ValidationError:
        return None
    places = [error["loc"][:-1] for error in errors]
    return found if all(_allows_extras(found, place) for place in places) else None


def _allows_extras(found: object, place: Sequence[str | int]) -> bool:
    """Is there a model at this place that takes fields which it has not declared?"""
    for step in place:
        found = _inside(found, step)
    return isinstance(found, BaseModel) and found.model_config.get("extra") == "allow"


def _inside(found: object, step: str | int) -> object:
    """What stands at a step of an error's place; the name of a union's member stands for nothing."""
    if isinstance(found, BaseModel):
        for name, field in type(found).model_fields.items():
            if step in (name, field.alias, field.validation_alias):
                return getattr(found, name)
        return found
    if isinstance(found, Mapping):
        return found.get(step, found)
    if isinstance(found, Sequence) and isinstance(step, int) and step < len(found):
        return found[step]
    return getattr(found, str(step), found)
