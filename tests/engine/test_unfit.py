from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal
from enum import Enum
from typing import Annotated, Any, Literal, NotRequired, Optional

import pytest
from pydantic import BaseModel, ConfigDict, Field, JsonValue
from typing_extensions import TypedDict

from chatkit_app.engine.unfit import unfit

NOTHING = object()


class Thing:
    pass


class Size(Enum):
    SMALL = "s"


@dataclass
class Point:
    x: int
    y: list[int] = field(default_factory=list)


class Colour(TypedDict):
    name: str
    shade: NotRequired[int]


class Tree(BaseModel):
    children: list[Tree] = []


class Cat(BaseModel):
    kind: Literal["cat"] = "cat"


class Dog(BaseModel):
    kind: Literal["dog"] = "dog"


@dataclass
class Broken:
    good: int
    bad: Thing


class BrokenTyped(TypedDict):
    inner: list[Broken]


class Called(BaseModel):
    call: Callable[[], int]


class Carrying(BaseModel):
    model_config = ConfigDict(arbitrary_types_allowed=True)
    thing: Thing


class Outer(BaseModel):
    inner: dict[str, Called | None]


class WithDefault(BaseModel):
    size: int = Field(default=object())  # type: ignore[assignment]


@dataclass
class WithPlainDefault:
    when: Any = NOTHING


@pytest.mark.parametrize(
    "kind",
    [
        *(int, str, None, Any, date, datetime, Decimal, Size, Point, Colour, Tree),
        *(Optional[int], int | str, Literal["a", 1], list[Point], JsonValue),  # noqa: UP045
        Annotated[Cat | Dog, Field(discriminator="kind")],
        dict[str, Tree],
    ],
    ids=str,
)
def test_what_json_can_say_has_no_fault(kind) -> None:
    assert unfit(kind) == []


@pytest.mark.parametrize(
    ("kind", "found"),
    [
        (Thing, ((), "Thing is nothing that JSON can carry")),
        (list[Thing], ((), "Thing is nothing that JSON can carry")),
        (Broken, (("bad",), "Thing is nothing that JSON can carry")),
        (BrokenTyped, (("inner", "bad"), "Thing is nothing that JSON can carry")),
        (Carrying, (("thing",), "Thing is nothing that JSON can carry")),
        (WithDefault, (("size",), "its default is no JSON")),
        (WithPlainDefault, (("when",), "its default is no JSON")),
    ],
    ids=str,
)
def test_the_field_at_fault_is_found(kind, found) -> None:
    assert unfit(kind) == [found]


def test_a_function_has_no_schema_wherever_it_is() -> None:
    ((path, problem),) = unfit(Outer)

    assert path == ("inner", "call")
    assert problem.endswith("has no JSON Schema")


def test_a_name_that_nobody_knows_is_found() -> None:
    class Late(BaseModel):
        inner: list[Nowhere]  # type: ignore[name-defined] # noqa: F821

    ((path, problem),) = unfit(Late)

    assert path == ("inner",)
    assert problem == "its type can't be resolved: list[Nowhere]"


def test_all_fields_at_fault_are_found() -> None:
    class Both(TypedDict):
        a: Thing
        b: Thing

    assert [path for path, _ in unfit(Both)] == [("a",), ("b",)]
