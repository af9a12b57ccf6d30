from __future__ import annotations

import pytest
from django.contrib.auth import get_user_model

from chatkit_app.admin.decisions import DecisionForm
from chatkit_app.engine.commands import InterruptAnswer, Resolve
from chatkit_app.engine.states import Decision
from chatkit_app.exceptions import AnswerInvalid, Fault, InvalidCommand
from chatkit_app.models import Interrupt
from tests.approvals import ask_staff

pytestmark = pytest.mark.django_db

FIELDS = {
    "input-order": "1042",
    "input-euros": "20",
    "input-reason": '"late"',
    "input-to": "",
}


@pytest.fixture
def row() -> Interrupt:
    return ask_staff(get_user_model().objects.create_user("anna"))


def form(row: Interrupt, decision: str, **fields: str) -> DecisionForm:
    return DecisionForm(row, {"decision": decision, "submission": "a" * 32, **fields})


def test_a_decision_becomes_the_command_that_a_page_would_send(row) -> None:
    found = form(row, "deny", text="No.\r\nNever.")

    assert found.is_valid(), found.errors
    assert found.command() == Resolve(
        id="a" * 32,
        thread_id=row.run.thread_id,
        tab="admin",
        answers=(
            InterruptAnswer(
                interrupt_id=row.pk, decision=Decision.DENY, text="No.\nNever."
            ),
        ),
    )


def test_edited_arguments_are_part_of_it(row) -> None:
    found = form(row, "edit", **FIELDS)

    assert found.is_valid(), found.errors
    [answer] = found.command().answers
    assert answer.input == {"order": "1042", "euros": 20, "reason": "late", "to": None}


@pytest.mark.parametrize("decision", ["approve", "deny", "respond"])
def test_only_an_edit_brings_arguments(row, decision) -> None:
    found = form(row, decision, text="x", **FIELDS)

    assert found.is_valid(), found.errors
    assert found.command().answers[0].input is None


def test_what_could_not_be_stored_is_refused(row) -> None:
    found = form(row, "edit", **{**FIELDS, "input-euros": str(2**60)})

    assert found.is_valid()
    with pytest.raises(InvalidCommand):
        found.command()


def test_each_form_that_is_shown_is_a_decision_of_its_own(row) -> None:
    one, other = DecisionForm(row), DecisionForm(row)

    assert one.next_submission != other.next_submission
    assert one.next_submission == one.next_submission


def test_what_was_sent_again_after_a_mistake_is_the_same_decision(row) -> None:
    mistaken = form(row, "respond")
    nameless = form(row, "approve", submission="'")

    assert mistaken.next_submission == "a" * 32
    assert len(nameless.next_submission) == 32


def test_what_the_tool_finds_wrong_is_said_at_the_field(row) -> None:
    found = form(row, "edit", **FIELDS)
    assert found.is_valid()

    found.refuse(AnswerInvalid("No.", errors=[Fault(field="euros", message="Less.")]))

    assert found.arguments.errors == {"euros": ["Less."]}
    assert found.non_field_errors() == ["The arguments are not right yet."]


def test_what_is_wrong_with_the_whole_is_said_above(row) -> None:
    found = form(row, "respond", text="x")
    assert found.is_valid()

    found.refuse(AnswerInvalid("The words are missing."))

    assert found.non_field_errors() == ["The words are missing."]


@pytest.mark.parametrize(
    ("posted", "decided"), [("deny", "deny"), ("answer", ""), ("", "")]
)
def test_the_part_of_the_page_that_was_used_is_known_again(
    row, posted, decided
) -> None:
    assert form(row, posted).decided == decided
