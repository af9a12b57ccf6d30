from __future__ import annotations

import pytest

from chatkit_app.admin.answers import AnswerForm, is_answered_here
from chatkit_app.models import Interrupt, ToolCall

SCHEMA = {"type": "object", "properties": {"size": {"enum": ["S", "M"]}}}


def row(kind: str) -> Interrupt:
    return Interrupt(kind=kind, tool_call=ToolCall(name="x"), response_schema=SCHEMA)


@pytest.mark.parametrize(
    ("kind", "is_one"), [("question", True), ("client_tool", True), ("approval", False)]
)
def test_what_the_owner_alone_agrees_to_is_not_answered_here(kind, is_one) -> None:
    assert is_answered_here(row(kind)) is is_one


def test_a_form_has_the_fields_of_the_expected_answer() -> None:
    form = AnswerForm(row("question"))

    assert list(form.arguments.fields) == ["size"]
    assert form.is_question


def test_each_kind_has_its_own_decisions() -> None:
    posted = {"submission": "0" * 32, "decision": "skip"}

    assert AnswerForm(row("question"), posted).is_valid()
    assert not AnswerForm(row("client_tool"), posted).is_valid()
