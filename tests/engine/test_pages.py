"""What a page tells of itself: as declared, and nothing else."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Annotated, Literal

import pytest
from pydantic import BaseModel, ConfigDict, Field, model_validator
from typing_extensions import TypedDict

from chatkit_app.engine.pages import read_page
from chatkit_app.exceptions import InvalidCommand, InvalidPage


class Product(BaseModel):
    id: str
    price: float = 0.0


class Sized(TypedDict):
    width: int


@dataclass
class Point:
    x: int


class Open(BaseModel):
    model_config = ConfigDict(extra="allow")
    kind: Literal["open"] = "open"
    product: Product | None = None


class Card(BaseModel):
    kind: Literal["card"]
    number: int


class ShopPage(BaseModel):
    path: str = ""
    since: date | None = None
    product: Product | None = None
    basket: list[Product] = []
    named: dict[str, Product] = {}
    size: Sized | None = None
    point: Point | None = None
    options: Open | None = None
    open_by_alias: Annotated[Open | None, Field(alias="openByAlias")] = None
    either: Annotated[Open | Card, Field(discriminator="kind")] | None = None


def test_the_page_is_an_instance_of_the_declared_model() -> None:
    page = read_page(
        ShopPage, {"path": "/", "since": "2026-03-01", "product": {"id": "pot"}}
    )

    assert page == ShopPage(path="/", since=date(2026, 3, 1), product=Product(id="pot"))


def test_a_page_that_tells_nothing_has_the_models_defaults() -> None:
    assert read_page(ShopPage, {}) == ShopPage()


@pytest.mark.parametrize(
    ("told", "place"),
    [
        ({"title": "x"}, "title"),
        ({"product": {"id": "a", "colour": "red"}}, "product.colour"),
        ({"basket": [{"id": "a"}, {"id": "b", "colour": 1}]}, "basket.1.colour"),
        ({"named": {"x": {"id": "a", "colour": 1}}}, "named.x.colour"),
        ({"size": {"width": 1, "depth": 2}}, "size.depth"),
        ({"point": {"x": 1, "y": 2}}, "point.y"),
        (
            {"options": {"product": {"id": "a", "colour": 1}}},
            "options.product.colour",
        ),
        ({"either": {"kind": "card", "number": 1, "more": 2}}, "either.card.more"),
    ],
)
def test_what_is_not_declared_is_refused_at_every_level(
    told: dict[str, object], place: str
) -> None:
    with pytest.raises(InvalidPage, match=rf"^page: {place}: "):
        read_page(ShopPage, told)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("told", "place"),
    [
        ({"path": 7}, "path"),
        ({"since": "yesterday"}, "since"),
        ({"product": {}}, "product.id"),
    ],
)
def test_what_does_not_fit_is_refused_with_its_place(
    told: dict[str, object], place: str
) -> None:
    with pytest.raises(InvalidPage, match=rf"^page: {place}: "):
        read_page(ShopPage, told)  # type: ignore[arg-type]


@pytest.mark.parametrize("name", ["options", "openByAlias", "either"])
def test_a_model_that_allows_extras_gets_them(name: str) -> None:
    told = {name: {"kind": "open", "colour": "red", "product": {"id": "a"}}}

    page = read_page(ShopPage, told)  # type: ignore[arg-type]

    assert isinstance(page, ShopPage)
    found = page.options or page.open_by_alias or page.either
    assert isinstance(found, Open)
    assert found.model_extra == {"colour": "red"}


def test_extras_beside_what_is_undeclared_do_not_let_that_in() -> None:
    with pytest.raises(InvalidPage, match=r"title"):
        read_page(ShopPage, {"options": {"colour": "red"}, "title": "x"})


def test_a_whole_page_may_be_open() -> None:
    page = read_page(Open, {"anything": [1]})

    assert isinstance(page, Open)
    assert page.model_extra == {"anything": [1]}


def test_without_a_model_a_page_tells_nothing() -> None:
    assert read_page(None, {}) is None


def test_without_a_model_whatever_is_told_is_refused_with_the_way_to_declare_it() -> (
    None
):
    with pytest.raises(InvalidPage, match=r"Assistant\(page=Model\)") as caught:
        read_page(None, {"path": "/"})

    assert caught.value.code == "invalid_page"
    assert isinstance(caught.value, InvalidCommand)


def test_the_words_of_a_sites_own_rule_are_told() -> None:
    class Strict(BaseModel):
        path: str = ""

        @model_validator(mode="after")
        def check(self) -> Strict:
            raise ValueError("not on Sundays")

    with pytest.raises(InvalidPage, match="not on Sundays"):
        read_page(Strict, {"path": "/"})
