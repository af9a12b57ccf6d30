"""A tool's questions, from the call to its result: rows, frames, validation, the tool's own values."""

from __future__ import annotations

from uuid import uuid4

import pytest
from django.utils import translation

from chatkit_app.engine.viewer import Viewer
from chatkit_app.exceptions import AnswerInvalid
from chatkit_app.models import Interrupt, Run
from tests.runs.desk import asked_of, calls_of, carried, carry, fresh, resolve, said

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def german() -> Viewer:
    return Viewer(visitor=uuid4(), language="de")


@pytest.fixture
def asked(german, recorded) -> Run:
    """A run whose tool has its size and waits for an address."""
    run = carried(german, "call order_shirt")
    [size] = asked_of(run)
    resolve(german, said(size, "answer", output={"size": "M"}))
    return carry(fresh(run))


def the_form(run: Run) -> Interrupt:
    return asked_of(run)[-1]


def test_a_form_is_asked_with_its_html_and_its_schema(asked) -> None:
    row = the_form(asked)

    assert asked.status == "requires_action"
    assert row.key == "AddressForm"
    assert '<input type="text" name="street"' in row.request["form"]
    assert row.response_schema["required"] == ["street", "country"]


def test_an_answer_comes_to_the_tool_as_the_form_has_cleaned_it(asked, german) -> None:
    output = {"street": " Elm 3 ", "country": "DE", "express": "on"}

    resolve(german, said(the_form(asked), "answer", output=output))
    run = carry(fresh(asked))

    assert run.status == "completed"
    assert calls_of(run)[0].output == "M to Elm 3, DE"


def test_a_wrong_answer_is_told_in_the_visitors_language_and_the_question_stays(
    asked, german
) -> None:
    row = the_form(asked)

    with pytest.raises(AnswerInvalid) as caught, translation.override("en"):
        resolve(german, said(row, "answer", output={"country": "DE"}))

    [fault] = caught.value.errors
    assert (fault.interrupt, fault.field) == (str(row.pk), "street")
    assert fault.message == "Dieses Feld ist zwingend erforderlich."
    assert the_form(asked).status == "open"


def test_a_skipped_form_is_an_answer(asked, german) -> None:
    resolve(german, said(the_form(asked), "skip"))

    assert calls_of(carry(fresh(asked)))[0].output == "M to the shop"
