from __future__ import annotations

from uuid import uuid4

import pytest

from chatkit_app.access import AccessPolicy, Action
from chatkit_app.models import Event, Feedback
from tests.api.people import ask, client_of
from tests.history_rows import add_turns, make_thread

pytestmark = pytest.mark.django_db

NOTHING = {"kind": None, "reasons": [], "comment": "", "ratedAt": None}


class ReadOnly(AccessPolicy):
    """A site whose visitors may say nothing of answers."""

    def can(self, viewer, action, thread=None) -> bool:
        return action is not Action.RATE and super().can(viewer, action, thread)


@pytest.fixture
def answer(anna):
    return add_turns(make_thread(anna), 1)[1]


def of(message) -> str:
    return f"threads/{message.thread_id}/messages/{message.pk}/feedback/"


def test_an_answer_is_rated_and_the_rating_can_be_read_changed_and_taken_back(
    page, answer
) -> None:
    assert ask(page, "get", of(answer)).json() == NOTHING

    said = {"kind": "down", "reasons": ["wrong", "too-long"], "comment": "No."}
    put = ask(page, "put", of(answer), said)
    assert put.status_code == 200
    read = ask(page, "get", of(answer)).json()
    assert read.pop("ratedAt").endswith("Z")
    assert read == said
    assert ask(page, "put", of(answer), {"kind": "up"}).json()["comment"] == ""
    assert Feedback.objects.count() == 1
    assert ask(page, "delete", of(answer)).status_code == 204
    assert ask(page, "delete", of(answer)).status_code == 204
    assert ask(page, "get", of(answer)).json() == NOTHING


def test_the_rating_is_in_the_history(page, answer) -> None:
    ask(page, "put", of(answer), {"kind": "up"})

    found = page.get(f"/chatkit/api/threads/{answer.thread_id}/messages/").json()

    assert [row["feedback"] for row in found["results"]] == [None, "up"]


def test_a_question_cannot_be_rated(page, answer) -> None:
    refused = ask(page, "put", of(answer.parent), {"kind": "up"})

    assert (refused.status_code, refused.json()["code"]) == (403, "not_allowed")


def test_the_site_s_policy_may_let_nobody_rate(page, answer, settings) -> None:
    settings.CHATKIT_ACCESS_POLICY = "tests.api.test_feedback.ReadOnly"

    for method, body in (("put", {"kind": "up"}), ("delete", None)):
        refused = ask(page, method, of(answer), body)
        assert (refused.status_code, refused.json()["code"]) == (403, "not_allowed")
    assert not Feedback.objects.exists()


def test_another_s_answer_is_as_good_as_missing(berta, answer) -> None:
    theirs = client_of(berta)

    for method, body in (("get", None), ("put", {"kind": "up"}), ("delete", None)):
        refused = ask(theirs, method, of(answer), body)
        assert (refused.status_code, refused.json()["code"]) == (
            404,
            "thread_not_found",
        )


def test_a_message_of_another_thread_is_missing_in_this_one(page, anna, answer) -> None:
    other = make_thread(anna)
    place = f"threads/{other.pk}/messages/{answer.pk}/feedback/"

    for method, body in (("get", None), ("put", {"kind": "up"}), ("delete", None)):
        refused = ask(page, method, place, body)
        assert (refused.status_code, refused.json()["code"]) == (
            404,
            "message_not_found",
        )


def test_a_visitor_rates_answers_of_their_own(db) -> None:
    visitor = uuid4()
    answer = add_turns(make_thread(visitor), 1)[1]

    rated = ask(client_of(visitor), "put", of(answer), {"kind": "up"})

    assert rated.status_code == 200
    assert Feedback.objects.get().owner_key == f"v:{visitor}"


@pytest.mark.parametrize(
    "body",
    [
        None,
        {},
        {"kind": "sideways"},
        {"kind": None},
        {"kind": "up", "more": 1},
        {"kind": "up", "comment": "x" * 2001},
        {"kind": "up", "comment": "\0"},
        {"kind": "up", "comment": 7},
        {"kind": "up", "reasons": "wrong"},
        {"kind": "up", "reasons": ["a"] * 9},
        {"kind": "up", "reasons": ["Not a code"]},
        {"kind": "up", "reasons": ["wrong\n"]},
        {"kind": "up", "reasons": [""]},
        {"kind": "up", "reasons": ["a" * 41]},
    ],
)
def test_what_is_no_rating_is_refused_and_changes_nothing(page, answer, body) -> None:
    refused = ask(page, "put", of(answer), body)

    assert (refused.status_code, refused.json()["code"]) == (400, "invalid_command")
    assert not Feedback.objects.exists()
    assert not Event.objects.exists()


def test_without_csrf_nothing_is_rated(anna, answer) -> None:
    foreign = client_of(anna, enforce_csrf_checks=True)

    assert ask(foreign, "put", of(answer), {"kind": "up"}).status_code == 403
    assert not Feedback.objects.exists()
