from __future__ import annotations

from datetime import date, datetime, timedelta
from decimal import Decimal
from enum import Enum
from ipaddress import IPv4Address
from typing import Annotated, Any, Literal, NotRequired
from uuid import UUID

import pytest
from pydantic import BaseModel, ConfigDict, Field, TypeAdapter
from typing_extensions import TypedDict

from chatkit_app.engine import strict
from chatkit_app.engine.schema import input_schema
from chatkit_app.engine.strict import strictness_of
from tests.providers.fake_openai_refusals import responses_refusal

ASKED = {
    "model": "gpt-5",
    "input": [{"role": "user", "content": "Hello"}],
    "store": False,
}


class Size(Enum):
    SMALL = "s"
    LARGE = "l"


class Address(BaseModel):
    street: str


class Post(BaseModel):
    kind: Literal["post"]
    to: Address


class Mail(BaseModel):
    kind: Literal["mail"]
    to: str


class Tree(BaseModel):
    name: str
    children: list[Tree]


class Loose(TypedDict):
    name: NotRequired[str]


def of(**fields: Any):
    model = type("Order", (BaseModel,), {"__annotations__": fields})
    return strictness_of(input_schema(TypeAdapter(model)))


def field(kind: Any, default: Any = ...):
    class Order(BaseModel):
        value: kind = default  # type: ignore[valid-type]

    found = strictness_of(input_schema(TypeAdapter(Order)))
    return found.schema and found.schema["properties"]["value"], found.loose_because


@pytest.mark.parametrize(
    "kind",
    [
        str,
        int,
        float,
        bool,
        None,
        date,
        datetime,
        timedelta,
        UUID,
        IPv4Address,
        Size,
        Literal["a", 1],
        int | str | None,
        list[int],
        list[Address],
        Address,
        Tree,
        Annotated[str, Field(pattern="^[a-z]+$")],
        Annotated[int, Field(ge=1, lt=10, multiple_of=2)],
        Annotated[list[int], Field(min_length=1, max_length=3)],
        Annotated[Post | Mail, Field(discriminator="kind")],
    ],
    ids=str,
)
def test_what_strict_mode_knows_is_strict(kind) -> None:
    class Order(BaseModel):
        value: kind

    found = strictness_of(input_schema(TypeAdapter(Order)))
    offered = {"name": "order", "parameters": found.schema, "strict": True}

    assert found.loose_because == ""
    assert responses_refusal({**ASKED, "tools": [offered]}) is None


@pytest.mark.parametrize(
    ("kind", "because"),
    [
        (Any, "value: may be anything"),
        (list, "value: may be anything"),
        (dict[str, int], "value: may have keys that are not declared"),
        (tuple[int, str], "value: prefixItems is not supported"),
        (set[int], "value: uniqueItems is not supported"),
        (bytes, "value: the format binary is not supported"),
        (
            Annotated[str, Field(min_length=1)],
            "value: minLength is not supported",
        ),
        (
            Annotated[str, Field(json_schema_extra={"pattern": "^(?=a)"})],
            "value: a pattern that looks around is not supported",
        ),
        (Annotated[str, Field(examples=["a"])], "value: examples is not supported"),
        (Loose, "Loose.name: may be left out"),
        (list[Loose], "Loose.name: may be left out"),
    ],
    ids=str,
)
def test_what_it_does_not_know_is_told_with_its_field(kind, because) -> None:
    assert field(kind) == (None, because)


def test_a_pattern_with_a_group_looks_nowhere() -> None:
    made, _ = field(
        Annotated[str, Field(json_schema_extra={"pattern": r"(?:a|\(?=b)"})]
    )

    assert made is not None


def test_several_reasons_are_all_told() -> None:
    assert of(a=Any, b=bytes).loose_because == (
        "a: may be anything; b: the format binary is not supported"
    )


def test_objects_are_closed_and_all_their_fields_needed() -> None:
    found = of(name=str, address=Address).schema

    assert found is not None
    for made in (found, found["$defs"]["Address"]):
        assert made["required"] == list(made["properties"])
        assert made["additionalProperties"] is False


def test_null_for_what_may_be_left_out_is_what_the_function_would_get_anyway() -> None:
    made, _ = field(int | None, None)

    assert made == {"anyOf": [{"type": "integer"}, {"type": "null"}], "title": "Value"}


@pytest.mark.parametrize(
    ("kind", "default"), [(int, 5), (int | None, 5), (list[int], [])], ids=str
)
def test_another_default_would_be_lost(kind, default) -> None:
    assert field(kind, default) == (None, "value: has a default")


def test_exactly_one_of_several_is_one_of_several() -> None:
    made, _ = field(Annotated[Post | Mail, Field(discriminator="kind")])

    assert made == {
        "anyOf": [{"$ref": "#/$defs/Post"}, {"$ref": "#/$defs/Mail"}],
        "title": "Value",
    }


def test_words_about_a_reference_stand_around_it() -> None:
    made, _ = field(Annotated[Address, Field(description="Where to.")])

    assert made == {"anyOf": [{"$ref": "#/$defs/Address"}], "description": "Where to."}


def test_a_type_that_holds_itself_has_an_object_at_its_root() -> None:
    found = strictness_of(input_schema(TypeAdapter(Tree))).schema

    assert found is not None
    assert found["type"] == "object"
    assert found["properties"]["children"]["items"] == {"$ref": "#/$defs/Tree"}


def test_what_takes_any_field_is_not_strict() -> None:
    class Open(BaseModel):
        model_config = ConfigDict(extra="allow")

    assert (
        strictness_of(input_schema(TypeAdapter(Open))).loose_because
        == "the input: may have keys that are not declared"
    )


@pytest.mark.parametrize(
    ("limit", "words"),
    [
        ("MOST_PROPERTIES", "too large"),
        ("MOST_CHOICES", "too large"),
        ("MOST_CHARS", "too large"),
        ("DEEPEST", "more than 1 levels"),
    ],
)
def test_there_are_limits(limit, words, monkeypatch) -> None:
    monkeypatch.setattr(strict, limit, 1)

    assert of(a=Size, b=list[Address]).loose_because == f"the input: {words}"


def test_a_decimal_s_own_pattern_does_not_matter_where_pydantic_has_none() -> None:
    schema, because = field(Decimal)

    assert (schema is None) == ("looks around" in because)
