"""Going on from a message in a new thread, over HTTP."""

from __future__ import annotations

from uuid import uuid4

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from chatkit_app.models import Attachment, Interrupt, Message, Run, Thread
from chatkit_app.threads import forking
from tests.api.people import API, ask, client_of, ids
from tests.history_rows import Turn, add_turns, make_thread

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.usefixtures("recorded"),
]


@pytest.fixture
def thread(anna) -> Thread:
    made = make_thread(anna, assistant="test", title="Refunds")
    add_turns(made, 2)
    return made


def door(thread: Thread, message: Message | None = None) -> str:
    at = message or Message.objects.filter(thread=thread).latest("depth")
    return f"threads/{thread.pk}/messages/{at.pk}/fork/"


def said(page, thread: str) -> list[str]:
    rows = page.get(f"{API}threads/{thread}/messages/").json()["results"]
    return [row["parts"][0]["content"] for row in rows]


def test_a_fork_is_a_thread_of_mine_with_what_was_said_until_there(
    page, thread
) -> None:
    answer = ask(page, "post", door(thread, Message.objects.get(depth=1)), {})

    made = answer.json()
    assert answer.status_code == 201
    assert (made["title"], made["assistant"]) == ("Refunds", "test")
    assert (made["pinned"], made["unread"]) == (False, False)
    assert made["run"]["status"] == "completed"
    assert said(page, made["id"]) == ["Question 0", "Answer 0"]
    assert len(said(page, str(thread.pk))) == 4


def test_nothing_need_be_said_of_the_fork_and_a_title_may(page, thread) -> None:
    plain = ask(page, "post", door(thread))
    named = ask(page, "post", door(thread), {"title": "Once more"})

    assert [each.json()["title"] for each in (plain, named)] == ["Refunds", "Once more"]


def test_a_known_external_id_answers_with_the_thread_that_is_there(
    page, thread
) -> None:
    first, second = (
        ask(page, "post", door(thread), {"externalId": "mine"}) for _ in range(2)
    )

    assert (first.status_code, second.status_code) == (201, 200)
    assert first.json() == second.json()
    assert Thread.objects.count() == 2


def test_what_is_being_written_or_hidden_or_too_much_is_refused_with_a_code(
    page, thread, monkeypatch
) -> None:
    hidden, last = Message.objects.order_by("depth")[2:]
    Message.objects.filter(pk=last.pk).update(status="open")
    writing = ask(page, "post", door(thread, last), {})
    Message.objects.filter(pk=hidden.pk).update(is_shown=False)
    unseen = ask(page, "post", door(thread, hidden), {})
    Message.objects.update(status="complete", is_shown=True)
    monkeypatch.setattr(forking, "MESSAGES", 3)
    long = ask(page, "post", door(thread), {})

    assert [
        (each.status_code, each.json()["code"]) for each in (writing, unseen, long)
    ] == [
        (409, "run_conflict"),
        (404, "message_not_found"),
        (409, "fork_too_large"),
    ]
    assert Thread.objects.count() == 1


@pytest.mark.parametrize(
    ("body", "code"),
    [
        ({"title": 5}, "invalid_command"),
        ({"title": "x" * 201}, "invalid_command"),
        ({"title": "a\x00"}, "invalid_command"),
        ({"externalId": ""}, "invalid_command"),
        ({"externalId": "x" * 201}, "invalid_command"),
        ({"assistant": "test"}, "invalid_command"),
        ([], "invalid_command"),
    ],
)
def test_what_is_no_such_request_changes_nothing(page, thread, body, code) -> None:
    answer = ask(page, "post", door(thread), body)

    assert (answer.status_code, answer.json()["code"]) == (400, code)
    assert Thread.objects.count() == 1


@pytest.mark.parametrize("message", ["x", "0", "ä"])
def test_what_is_no_id_is_told_so(page, thread, message) -> None:
    answer = ask(page, "post", f"threads/{thread.pk}/messages/{message}/fork/", {})

    assert (answer.status_code, answer.json()["code"]) == (400, "invalid_command")


def test_others_can_not_fork_what_is_mine(berta, thread) -> None:
    answer = ask(client_of(berta), "post", door(thread), {})

    assert (answer.status_code, answer.json()["code"]) == (404, "thread_not_found")


def test_a_message_that_is_not_there_is_not_found(page, thread) -> None:
    answer = ask(page, "post", f"threads/{thread.pk}/messages/{uuid4()}/fork/", {})

    assert (answer.status_code, answer.json()["code"]) == (404, "message_not_found")


def test_a_thread_whose_assistant_is_gone_can_not_be_gone_on_with(page, thread) -> None:
    Thread.objects.update(assistant="gone")

    answer = ask(page, "post", door(thread), {})

    assert (answer.status_code, answer.json()["code"]) == (404, "assistant_not_found")


def test_forks_have_a_throttle_of_their_own(page, thread, settings) -> None:
    settings.CHATKIT_THROTTLES = {"fork": "1/day"}

    answers = [ask(page, "post", door(thread), {}) for _ in range(2)]

    assert [each.status_code for each in answers] == [201, 429]


def test_the_queries_of_a_fork_do_not_grow_with_it(page, anna, thread) -> None:
    def queries(thread: Thread) -> int:
        with CaptureQueriesContext(connection) as caught:
            assert ask(page, "post", door(thread), {}).status_code == 201
        return len(caught)

    longer = make_thread(anna, assistant="test")
    add_turns(longer, 20)
    queries(thread)

    assert queries(longer) == queries(thread)


def test_copied_runs_and_calls_are_listed_in_their_own_thread_alone(page, anna) -> None:
    thread = make_thread(anna, assistant="test")
    turn = Turn.begin(thread, "Where is it?", depth=0)
    call = turn.call("order", output={})
    turn.end()
    made = ask(page, "post", door(thread), {}).json()["id"]
    copy = Run.objects.get(thread=made)

    assert ids(page.get(f"{API}runs/")) == [str(turn.run.pk)]
    assert ids(page.get(f"{API}tool-calls/")) == [str(call.pk)]
    assert ids(page.get(f"{API}runs/", {"thread": made})) == [str(copy.pk)]
    for one in ({"thread": made}, {"run": str(copy.pk)}):
        assert len(ids(page.get(f"{API}tool-calls/", one))) == 1
    told = page.get(f"{API}runs/{copy.pk}/").json()
    assert told["usage"] == {
        "inputTokens": 0,
        "cachedTokens": 0,
        "outputTokens": 0,
        "reasoningTokens": 0,
        "cost": None,
    }
    assert not Interrupt.objects.exists()
    assert not Attachment.objects.exists()
