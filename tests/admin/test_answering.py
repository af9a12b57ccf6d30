from __future__ import annotations

from uuid import uuid4

import pytest
from django.contrib.admin.models import LogEntry
from django.contrib.auth import get_user_model

from chatkit_app.models import AccessLog, Interrupt, Run, ToolCall
from tests.admin.lists import make_staff, text_of
from tests.history_rows import Turn, make_thread

pytestmark = pytest.mark.django_db

OUTPUT = {
    "type": "object",
    "properties": {"text": {"type": "string"}},
    "required": ["text"],
}


@pytest.fixture
def row() -> Interrupt:
    """A page of anna's is asked for the text that is selected there."""
    anna = get_user_model().objects.create_user("anna")
    thread = make_thread(anna, assistant="test")
    turn = Turn.begin(thread, "What have I selected?", depth=0)
    call = turn.call("read_selection", executor="client", status="waiting", input={})
    Run.objects.update(status="requires_action")
    return turn.ask_page(call, response_schema=OUTPUT)


@pytest.fixture
def support(client):
    names = ("view_thread", "view_content", "answer_interrupt", "expire_interrupt")
    return make_staff(client, *names)


def post(client, row: Interrupt, name: str, **fields: str):
    posted = {"submission": uuid4().hex, **fields}
    url = f"/admin/chatkit_app/interrupt/{row.pk}/{name}/"
    return client.post(url, posted, follow=True)


def test_a_call_that_no_page_took_is_answered_in_its_place(support, row) -> None:
    said = post(support, row, "answer", decision="answer", **{"input-text": "a word"})

    call = ToolCall.objects.get()
    assert "Your answer is taken." in text_of(said)
    assert (call.status, call.output) == ("completed", {"text": "a word"})
    assert AccessLog.objects.filter(action="answer").count() == 1
    assert "a word" not in LogEntry.objects.get().change_message


def test_a_second_click_is_the_same_answer(support, row) -> None:
    fields = {"submission": uuid4().hex, "decision": "answer", "input-text": "a word"}

    for _ in range(2):
        post(support, row, "answer", **fields)

    assert LogEntry.objects.count() == 1


def test_what_does_not_fit_is_told_and_kept(support, row) -> None:
    Interrupt.objects.update(response_schema={"type": "object"})

    said = post(
        support, row, "answer", decision="answer", **{"input-arguments": '{"n": 1}'}
    )

    assert "not right yet" in text_of(said)
    assert ToolCall.objects.get().status == "waiting"


def test_a_call_is_let_fail_in_words(support, row) -> None:
    post(support, row, "answer", decision="fail", text="The page is broken.")

    call = ToolCall.objects.get()
    assert (call.error_code, call.error_text) == ("client_error", "The page is broken.")


def test_what_nobody_shall_answer_expires(support, row) -> None:
    said = post(support, row, "expire")

    row.refresh_from_db()
    assert "Nobody is asked for this any more." in text_of(said)
    assert row.status == "expired"
    assert AccessLog.objects.filter(action="expire").count() == 1
    assert "This is closed." in text_of(post(support, row, "expire"))


def test_a_visitors_own_approval_is_nobody_elses(support, row) -> None:
    Interrupt.objects.update(kind="approval", permission="")

    assert post(support, row, "answer", decision="approve").status_code == 404


@pytest.mark.parametrize("name", ["answer", "expire"])
def test_each_needs_its_permission(client, row, name) -> None:
    make_staff(client, "view_thread", "view_content", "cancel_run")

    assert post(client, row, name, decision="answer").status_code == 403
    assert ToolCall.objects.get().status == "waiting"


def test_a_decision_that_is_none_is_asked_again(support, row) -> None:
    for fields in ({}, {"decision": "approve"}, {"submission": "x"}):
        said = post(support, row, "answer", **fields)
        assert "choose again" in text_of(said)
