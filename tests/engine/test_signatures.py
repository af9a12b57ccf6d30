from __future__ import annotations

import functools
from decimal import Decimal
from typing import Annotated, Any

import pytest
from pydantic import Field, TypeAdapter

from chatkit_app.engine.schema import keywords
from chatkit_app.engine.signatures import signature_of


class Context:
    pass


class Thing:
    pass


def greet(name: str, times: int = 1) -> str:
    """Greet somebody.

    Args:
        name: Whom.
        times: How often.
    """
    return name * times


def faults_of(function) -> tuple[str, ...]:
    return signature_of(function, Context).faults


def test_the_arguments_are_kept_as_they_were_validated() -> None:
    model = signature_of(greet, Context).arguments

    assert keywords(model(name="Ann")) == {"name": "Ann", "times": 1}


def test_the_docstring_describes_the_parameters() -> None:
    fields = signature_of(greet, Context).arguments.model_fields

    assert {name: field.description for name, field in fields.items()} == {
        "name": "Whom.",
        "times": "How often.",
    }


def test_a_field_of_the_annotation_s_own_is_kept() -> None:
    def pack(weight: Annotated[int, Field(ge=1, description="In grams.")]) -> None: ...

    schema = TypeAdapter(signature_of(pack, Context).arguments).json_schema()

    assert schema["properties"]["weight"] == {
        "type": "integer",
        "minimum": 1,
        "description": "In grams.",
        "title": "Weight",
    }


@pytest.mark.parametrize("hint", [Context, Context | None])
def test_the_parameter_of_the_context_is_not_the_model_s(hint) -> None:
    def look(context, word: str) -> None: ...

    look.__annotations__["context"] = hint
    found = signature_of(look, Context)

    assert found.context == "context"
    assert list(found.arguments.model_fields) == ["word"]


def test_a_result_without_an_annotation_may_be_anything() -> None:
    def unsaid():
        pass

    assert signature_of(unsaid, Context).result is Any
    assert signature_of(greet, Context).result is str


def test_the_names_of_what_is_wrapped_are_known() -> None:
    @functools.wraps(greet)
    def wrapped(*arguments, **named): ...

    assert faults_of(wrapped) == ()


def test_every_parameter_at_fault_is_named() -> None:
    def pack(first, thing: Thing, *more: int, _hidden: int = 1) -> None: ...

    assert faults_of(pack) == (
        "parameter 'first' must be a named one with a type",
        "parameter 'thing': Thing is nothing that JSON can carry",
        "parameter 'more' must be a named one with a type",
        "parameter '_hidden' must not begin with an underscore",
    )


def test_a_name_that_no_field_can_have_is_told() -> None:
    def pack(size: int, model_config: str) -> None: ...

    found = signature_of(pack, Context)

    assert found.faults == (
        "parameter 'model_config': a Pydantic model can't have a field of this name",
    )
    assert list(found.arguments.model_fields) == ["size"]


def test_a_name_that_nobody_knows_is_told_with_its_parameter() -> None:
    def pack(good: Decimal, bad: Missing) -> None: ...  # type: ignore[name-defined] # noqa: F821

    found = signature_of(pack, Context)

    assert found.faults == (
        "parameter 'bad': its type can't be resolved: name 'Missing' is not defined",
    )
    assert list(found.arguments.model_fields) == ["good"]


def test_so_is_one_of_the_result() -> None:
    def pack() -> Missing: ...  # type: ignore[name-defined] # noqa: F821

    assert faults_of(pack) == (
        "the result: its type can't be resolved: name 'Missing' is not defined",
    )


@pytest.mark.parametrize("default", [object(), float("inf")], ids=["object", "inf"])
def test_a_default_is_json(default) -> None:
    def pack(weight: float = default) -> None: ...

    (fault,) = faults_of(pack)

    assert fault.startswith("parameter 'weight': ")


def test_a_default_that_json_can_write_is_fine() -> None:
    def pack(
        price: Decimal = Decimal("1.5"), size: int = Field(default=2, ge=1)
    ) -> None: ...

    assert faults_of(pack) == ()
