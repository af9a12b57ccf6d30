"""A tool's types made ready: their schemas, and reading and writing by them."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from pydantic import JsonValue, TypeAdapter, ValidationError
from pydantic_core import PydanticSerializationError

from chatkit_app.engine.assembler import sound_json
from chatkit_app.engine.schema import (
    NoInput,
    dump,
    dump_json,
    faults,
    input_schema,
    is_object_schema,
    is_open,
    json_schema,
    kinds_of_faults,
    load_json,
)
from chatkit_app.engine.strict import Strictness, strictness_of
from chatkit_app.engine.unfit import unfit
from chatkit_app.exceptions import ToolError

In = TypeVar("In")
Out = TypeVar("Out")


@dataclass(frozen=True, slots=True, kw_only=True)
class Shapes(Generic[In, Out]):
    """What goes into a tool and what comes out of it.

    ``faults`` says what of the types can't work; then the rest stands for no input and any output.
    ``refuses_extra``: fields that are not declared are an error in the arguments.
    """

    input: TypeAdapter[In]
    output: TypeAdapter[Out]
    input_schema: Mapping[str, JsonValue]
    output_schema: Mapping[str, JsonValue]
    strictness: Strictness
    refuses_extra: bool
    faults: tuple[str, ...] = ()

    @property
    def loose_because(self) -> str:
        """Why the model can't be held to the schema while it writes; empty where it is."""
        return self.strictness.loose_because

    @property
    def answer_schema(self) -> Mapping[str, JsonValue]:
        """The schema of what a page may answer: with defaults, the output's has more in it."""
        return json_schema(self.output)

    @property
    def digest(self) -> str:
        """Names this version of the schemas."""
        text = dump_json([dict(self.input_schema), dict(self.output_schema)])
        return hashlib.sha256(text.encode()).hexdigest()

    def read_input(self, arguments: str) -> In:
        """The model's arguments as the declared type.

        Raises:
            ToolError: They don't fit; the words tell the model what to mend.
        """
        data = load_json(arguments or "{}")
        if not isinstance(data, dict):
            raise ToolError("The arguments must be a JSON object.")
        try:
            return self.input.validate_json(
                dump_json(sound_json(data)),
                extra="forbid" if self.refuses_extra else None,
            )
        except RecursionError as error:
            raise ToolError("The arguments are nested too deeply.") from error
        except ValidationError as error:
            raise ToolError(f"The arguments do not fit: {faults(error)}") from error

    def dump_input(self, value: In) -> JsonValue:
        """The input as JSON, for the page and the row.

        Raises:
            ToolError: A number is not finite: Pydantic reads ``"NaN"`` as one.
        """
        try:
            return dump(self.input, value)
        except PydanticSerializationError:
            raise  # the site's own serializer, not the model's fault
        except ValueError as error:
            raise ToolError("The arguments hold a number that isn't finite.") from error

    def read_output(self, output: JsonValue) -> JsonValue:
        """What a page answered, held against the output's type and as it dumps it.

        Raises:
            ToolError: It does not fit; the words say where.
        """
        try:
            return dump(self.output, self.output.validate_json(dump_json(output)))
        except ValidationError as error:
            raise ToolError(f"The output does not fit: {faults(error)}") from error
        except ValueError as error:
            raise ToolError("The output holds what is no JSON.") from error

    def dump_output(self, value: object) -> JsonValue:
        """What a server tool returned, validated and as JSON; a model may read an object's attributes.

        Raises:
            ValueError: It does not fit the declared type, or is no JSON at all; no value is named,
                for this goes to the log.
        """
        try:
            found = self.output.validate_python(value, from_attributes=True)
            return dump(self.output, found)
        except ValidationError as error:
            kinds = kinds_of_faults(error)
            raise ValueError(f"It returned what does not fit: {kinds}") from None
        except PydanticSerializationError:
            raise ValueError("It returned something that is no JSON.") from None


def shapes_of(
    input: Any,  # noqa: A002 (the field's word for it)
    output: Any,
    known_faults: tuple[str, ...] | None = None,
) -> Shapes[Any, Any]:
    """Make a tool's types ready; ``known_faults`` are the input's, where it was looked at already."""
    taken = _faults_in("the input", input) if known_faults is None else known_faults
    found = (*taken, *_faults_in("the output", output))
    if not found and not is_object_schema(json_schema(TypeAdapter(input))):
        found = ("the input must be an object (a model, a dataclass …)",)
    reader: TypeAdapter[Any] = TypeAdapter(NoInput if found else input)
    writer: TypeAdapter[Any] = TypeAdapter(Any if found else output)
    schema = input_schema(reader)
    return Shapes(
        input=reader,
        output=writer,
        input_schema=schema,
        output_schema=json_schema(writer, is_output=True),
        strictness=strictness_of(schema),
        refuses_extra=not is_open(schema),
        faults=found,
    )


def _faults_in(side: str, kind: Any) -> tuple[str, ...]:
    return tuple(_told(side, *fault) for fault in unfit(kind))


def _told(side: str, path: tuple[str, ...], problem: str) -> str:
    place = f"field {'.'.join(path)!r} of {side}" if path else side
    return f"{place}: {problem}"
