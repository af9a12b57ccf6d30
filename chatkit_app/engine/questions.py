"""What a tool may ask in the middle of its work: the kinds of questions, and how answers are read.

A question is a type. A Pydantic model, a dataclass or a ``TypedDict`` is asked by its JSON Schema;
for other types adapters are registered, as ``chatkit_app.forms`` does for Django's forms.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, is_dataclass
from functools import lru_cache
from typing import Any, Protocol

from pydantic import BaseModel, JsonValue, TypeAdapter, ValidationError
from pydantic.errors import PydanticUndefinedAnnotation, PydanticUserError
from pydantic_core import PydanticSerializationError
from typing_extensions import is_typeddict

from chatkit_app.engine.assembler import sound_json
from chatkit_app.engine.schema import dump_json, is_object_schema, json_schema
from chatkit_app.exceptions import Fault, QuestionInvalid

MAX_ANSWER_BYTES = 65_536
"""Of an answer as compact JSON."""

SHOWN_FAULTS = 50
"""Of one answer: a list of a thousand wrong items needn't be told item by item."""

Arguments = Mapping[str, JsonValue] | None
"""What ``context.ask(…, arguments=…)`` gives the question's kind; a schema takes none."""


class Question(Protocol):
    """One kind of question that a tool may ask.

    Everything is sync and may use the ORM (a form's choices and validation do): it is called in a
    thread.
    """

    @property
    def name(self) -> str:
        """The class's name: the key of the question unless the tool gives another one."""

    def schema(self, arguments: Arguments) -> dict[str, JsonValue]:
        """The JSON Schema of the expected answer, always an object's."""

    def html(self, arguments: Arguments, initial: JsonValue) -> str | None:
        """The fields of a form, drawn in the active language; None where there is only a schema."""

    def read(self, answer: JsonValue, arguments: Arguments) -> JsonValue:
        """The answer, validated, as the JSON that shall be stored.

        Raises:
            QuestionInvalid: It does not fit.
        """

    def value(self, stored: JsonValue, arguments: Arguments) -> Any:
        """What the tool gets, out of what ``read`` gave: in any process, also after a deploy.

        Raises:
            QuestionInvalid: It does not fit any more.
        """


Adapter = Callable[[type], Question | None]
"""The question that a type makes, or None where it is not this adapter's."""

_adapters: list[Adapter] = []


def register_questions(adapter: Adapter) -> None:
    """Make another family of types askable."""
    if adapter not in _adapters:
        _adapters.append(adapter)


def question_of(kind: type) -> Question:
    """The question that this type makes.

    Raises:
        TypeError: Nobody knows how to ask it, or it is nothing that can be asked.
    """
    if question := _known(kind):
        return question
    raise TypeError(
        f"{name_of(kind)} is no kind of question: a question is a Pydantic model, a dataclass, a"
        " TypedDict or a Django form."
    )


def _known(kind: object) -> Question | None:
    if not isinstance(kind, type):
        return None
    if issubclass(kind, BaseModel) or is_dataclass(kind) or is_typeddict(kind):
        return _schema_question(kind)
    return next((found for adapt in _adapters if (found := adapt(kind))), None)


def name_of(kind: object) -> str:
    """What messages call it."""
    return kind.__qualname__ if isinstance(kind, type) else repr(kind)


def checked_answer(answer: JsonValue) -> dict[str, JsonValue]:
    """The answer as an object of sound texts, not too large.

    Raises:
        QuestionInvalid: It is no object, too large, or no JSON.
    """
    if not isinstance(answer, dict):
        raise _invalid("An answer is an object of fields.")
    try:
        size = len(dump_json(answer).encode(errors="surrogatepass"))
    except (TypeError, ValueError, RecursionError) as error:
        raise _invalid("The answer is no JSON.") from error
    if size > MAX_ANSWER_BYTES:
        raise _invalid(f"The answer is too large: more than {MAX_ANSWER_BYTES} bytes.")
    found = sound_json(answer)
    assert isinstance(found, dict)  # noqa: S101 (as it was before)
    return found


def with_initial(
    schema: dict[str, JsonValue], initial: JsonValue
) -> dict[str, JsonValue]:
    """The schema with the initial values as its fields' defaults; unknown fields are left out."""
    properties = schema.get("properties")
    if not isinstance(initial, dict) or not isinstance(properties, dict):
        return schema
    filled = {
        name: {**field, "default": initial[name]}
        if isinstance(field, dict) and name in initial
        else field
        for name, field in properties.items()
    }
    return {**schema, "properties": filled}


@lru_cache(maxsize=256)
def _schema_question(kind: type) -> SchemaQuestion:
    try:
        adapter: TypeAdapter[Any] = TypeAdapter(kind)
        schema = json_schema(adapter)
    except (PydanticUserError, PydanticUndefinedAnnotation) as error:
        raise TypeError(f"{name_of(kind)} can't be asked: {error}") from error
    if not is_object_schema(schema):
        raise TypeError(f"{name_of(kind)} can't be asked: its schema is no object's.")
    return SchemaQuestion(name=kind.__name__, adapter=adapter)


@dataclass(frozen=True, slots=True, kw_only=True)
class SchemaQuestion:
    """A question whose answer is an instance of an annotated type."""

    name: str
    adapter: TypeAdapter[Any]

    def schema(self, arguments: Arguments) -> dict[str, JsonValue]:
        return json_schema(self.adapter)

    def html(self, arguments: Arguments, initial: JsonValue) -> None:
        return None

    def read(self, answer: JsonValue, arguments: Arguments) -> JsonValue:
        given = checked_answer(answer)
        value = self.value(given, arguments)
        dumped = self._dumped(value)
        return given if dumped is None else dumped

    def value(self, stored: JsonValue, arguments: Arguments) -> Any:
        try:
            return self.adapter.validate_json(dump_json(stored))
        except ValidationError as error:
            raise QuestionInvalid(
                "The answer does not fit.", errors=_faults(error)
            ) from error

    def _dumped(self, value: object) -> JsonValue:
        """The value as JSON with its defaults settled; None where it would not come back as it was.

        So it is with secrets, which are dumped as stars, and with serializers of the site's own.
        """
        try:
            dumped: JsonValue = self.adapter.dump_python(
                value, mode="json", by_alias=True, round_trip=True
            )
            same = self.adapter.validate_json(dump_json(dumped)) == value
        except (ValidationError, PydanticSerializationError, ValueError):
            return None
        return dumped if same else None


def _faults(error: ValidationError) -> list[Fault]:
    """Pydantic's words with their places; no value is repeated."""
    found = error.errors(include_url=False, include_input=False, include_context=False)
    return [
        Fault(field=".".join(map(str, each["loc"])), message=each["msg"])
        for each in found[:SHOWN_FAULTS]
    ]


def _invalid(message: str) -> QuestionInvalid:
    return QuestionInvalid(message, errors=[Fault(field="", message=message)])
