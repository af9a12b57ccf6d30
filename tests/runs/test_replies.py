"""One answer, read: what it comes to, before anything is locked."""

from __future__ import annotations

import pytest

from chatkit_app.exceptions import NotKnownHere
from chatkit_app.models import Interrupt
from chatkit_app.runs import replies
from chatkit_app.runs.replies import reply_to, strike
from tests.runs.desk import a_visitor, asked_of, carried, said

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.usefixtures("recorded"),
]


@pytest.fixture
def approval() -> Interrupt:
    return asked_of(carried(a_visitor(), 'call refund {"amount": 80}'))[0]


@pytest.fixture
def selection() -> Interrupt:
    return asked_of(carried(a_visitor(), "call read_selection"))[0]


def test_an_approval_sends_the_call_on(approval: Interrupt) -> None:
    reply = reply_to(approval, said(approval, "approve"))
    assert (reply.result, reply.fault, reply.edited_input) == (None, None, None)


def test_a_reason_is_sound_and_bounded(approval: Interrupt) -> None:
    reply = reply_to(approval, said(approval, "deny", text="\0" + "x" * 9000))

    assert reply.result is not None
    assert "\0" not in reply.result.error_text
    assert len(reply.result.error_text) <= 2000


@pytest.mark.parametrize("value", [None, [], "x", 1, {}, {"amount": None}])
def test_edited_arguments_that_do_not_fit_say_where(
    approval: Interrupt, value: object
) -> None:
    reply = reply_to(approval, said(approval, "edit", input=value))

    assert reply.fault is not None
    assert {fault.interrupt for fault in reply.fault.errors} == {str(approval.pk)}
    assert reply.edited_input is None


def test_a_tool_that_only_newer_code_knows_is_left_to_it(
    selection: Interrupt, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(replies.Tools, "of", lambda self, row: None)
    reply = reply_to(selection, said(selection, "answer", output={"text": "x"}))

    assert isinstance(reply.fault, NotKnownHere)
    assert strike(reply) is reply


def test_so_is_a_question_that_it_does_not_ask_here() -> None:
    [size] = asked_of(carried(a_visitor(), "call order_shirt"))
    size.request = {**size.request, "question": "Shoe"}
    reply = reply_to(size, said(size, "answer", output={"size": "M"}))

    assert isinstance(reply.fault, NotKnownHere)


def test_strikes_are_for_pages_and_not_for_people(
    approval: Interrupt, selection: Interrupt
) -> None:
    wrong = reply_to(approval, said(approval, "edit", input={}))
    assert strike(wrong) is wrong
    unfit = reply_to(selection, said(selection, "answer", output={"text": 1}))
    assert strike(unfit) is unfit
    assert strike(unfit) is unfit

    assert strike(unfit).result is not None
    selection.refresh_from_db()
    assert selection.strikes == 3
