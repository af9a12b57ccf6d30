from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any

import pytest
from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    RootModel,
    SecretStr,
    computed_field,
    field_validator,
)
from typing_extensions import TypedDict

from chatkit_app.engine import questions
from chatkit_app.engine.questions import (
    MAX_ANSWER_BYTES,
    SHOWN_FAULTS,
    question_of,
    register_questions,
    with_initial,
)
from chatkit_app.exceptions import AnswerInvalid, QuestionInvalid


class Street(BaseModel):
    name: str
    number: int = Field(ge=1)


class Address(BaseModel):
    model_config = ConfigDict(extra="forbid")

    street: Street
    since: date = date(2026, 1, 1)
    rent: Decimal | None = None


@dataclass
class Wish:
    size: int
    colours: list[str]


class Slot(TypedDict):
    day: date


def answered(kind: type, answer: Any) -> Any:
    """What the tool gets, after a journey through a row."""
    question = question_of(kind)
    stored = json.loads(json.dumps(question.read(answer, None)))
    return question.value(stored, None)


def faults(kind: type, answer: Any) -> list[tuple[str, str]]:
    with pytest.raises(QuestionInvalid) as caught:
        question_of(kind).read(answer, None)
    return [(fault.field, fault.message) for fault in caught.value.errors]


def test_a_question_is_called_by_its_class() -> None:
    assert question_of(Address).name == "Address"


@pytest.mark.parametrize(
    ("kind", "answer", "value"),
    [
        (
            Address,
            {"street": {"name": "Elm", "number": 3}, "rent": "9.50"},
            Address(street=Street(name="Elm", number=3), rent=Decimal("9.50")),
        ),
        (Wish, {"size": 3, "colours": ["red"]}, Wish(size=3, colours=["red"])),
        (Slot, {"day": "2026-11-21"}, {"day": date(2026, 11, 21)}),
    ],
)
def test_an_answer_comes_back_as_what_was_asked_for(kind, answer, value) -> None:
    assert answered(kind, answer) == value


def test_a_schema_says_what_is_expected_and_has_no_form() -> None:
    question = question_of(Address)

    schema = question.schema(None)

    assert schema["required"] == ["street"]
    assert question.html(None, None) is None


def test_each_fault_has_its_place_and_no_value() -> None:
    found = faults(
        Address, {"street": {"name": "Elm", "number": 0}, "secret": "s3cret"}
    )

    assert [field for field, _message in found] == ["street.number", "secret"]
    assert "s3cret" not in repr(found)


def test_an_invalid_answer_is_one_of_the_answers_that_are_refused() -> None:
    with pytest.raises(AnswerInvalid) as caught:
        question_of(Wish).read({}, None)

    assert caught.value.code == "answer_invalid"


@pytest.mark.parametrize(
    "answer",
    [None, [], "yes", 3, {"size": float("nan"), "colours": []}, {"size": {1, 2}}],
)
def test_what_is_no_object_of_json_is_refused_as_a_whole(answer) -> None:
    assert [field for field, _message in faults(Wish, answer)] == [""]


def test_a_default_is_settled_when_it_is_answered() -> None:
    class Settled(BaseModel):
        name: str
        rank: int = 1

    stored = question_of(Settled).read({"name": "Ann"}, None)

    assert stored == {"name": "Ann", "rank": 1}


def test_a_secret_is_not_stored_as_stars() -> None:
    class Login(BaseModel):
        word: SecretStr

    assert answered(Login, {"word": "open"}).word.get_secret_value() == "open"


def test_what_is_computed_is_no_part_of_the_answer() -> None:
    class Square(BaseModel):
        model_config = ConfigDict(extra="forbid")
        side: int

        @computed_field  # type: ignore[prop-decorator]  # as Pydantic's docs have it
        @property
        def area(self) -> int:
            return self.side**2

    assert answered(Square, {"side": 3}).area == 9


def test_two_names_of_a_field_do_not_lose_it() -> None:
    class Renamed(BaseModel):
        name: str = Field(validation_alias="given", serialization_alias="told")

    assert answered(Renamed, {"given": "Ann"}).name == "Ann"


def test_an_answer_that_fits_no_longer_is_told() -> None:
    stored = question_of(Wish).read({"size": 3, "colours": []}, None)

    with pytest.raises(QuestionInvalid) as caught:
        question_of(Street).value(stored, None)

    assert {fault.field for fault in caught.value.errors} == {"name", "number"}


def test_an_answer_may_be_large_and_not_larger() -> None:
    class Note(BaseModel):
        text: str

    room = MAX_ANSWER_BYTES - len('{"text":""}')

    assert answered(Note, {"text": "x" * room}).text
    assert [field for field, _ in faults(Note, {"text": "x" * (room + 1)})] == [""]
    assert [field for field, _ in faults(Note, {"text": "ü" * room})] == [""]


def test_an_answer_that_is_nested_too_deeply_is_refused() -> None:
    deep: Any = []
    for _ in range(10_000):
        deep = [deep]

    assert [field for field, _ in faults(Wish, {"size": deep})] == [""]


def test_characters_that_no_database_takes_are_taken_out() -> None:
    value = answered(Street, {"name": "El\x00m\ud800", "number": 1})

    assert "\x00" not in value.name
    value.name.encode()


def test_of_very_many_faults_some_are_told() -> None:
    found = faults(Wish, {"size": 1, "colours": [1] * 5000})

    assert len(found) == SHOWN_FAULTS


def test_the_sites_own_words_are_told_at_their_field() -> None:
    class Even(BaseModel):
        number: int

        @field_validator("number")
        @classmethod
        def is_even(cls, number: int) -> int:
            if number % 2:
                raise ValueError("Even numbers only.")
            return number

    assert faults(Even, {"number": 3}) == [
        ("number", "Value error, Even numbers only.")
    ]


class Strange:
    pass


class Opaque(BaseModel):
    model_config = ConfigDict(arbitrary_types_allowed=True)
    thing: Strange


class Names(RootModel[list[str]]):
    pass


@pytest.mark.parametrize("kind", [Strange, Opaque, Names, int, "Address", int | str])
def test_what_can_not_be_asked_is_named(kind) -> None:
    name = kind.__name__ if isinstance(kind, type) else repr(kind)

    with pytest.raises(TypeError) as caught:
        question_of(kind)

    assert name in str(caught.value)


def test_another_family_of_types_brings_its_adapter(monkeypatch) -> None:
    monkeypatch.setattr(questions, "_adapters", [])

    class Poll:
        name = "Poll"

    register_questions(lambda kind: None)
    register_questions(lambda kind: Poll() if kind is Poll else None)  # type: ignore[arg-type, return-value]

    assert question_of(Poll).name == "Poll"


def test_initial_values_are_defaults_of_the_fields_that_there_are() -> None:
    schema = question_of(Wish).schema(None)

    filled: Any = with_initial(schema, {"size": 3, "other": 1})

    assert filled["properties"]["size"]["default"] == 3
    assert set(filled["properties"]) == {"size", "colours"}
    assert "default" not in schema["properties"]["size"]  # type: ignore[index, call-overload, operator]
    assert with_initial(schema, None) is schema
