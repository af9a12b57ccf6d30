from __future__ import annotations

from uuid import UUID

import pytest
from django.contrib.auth import get_user_model
from django.test import Client

from chatkit_app.access import VISITOR_KEY

pytestmark = pytest.mark.django_db

VISITOR = "/chatkit/visitor/"


def test_whoever_opens_the_chat_becomes_a_visitor_and_stays_the_same(client) -> None:
    first = client.post(VISITOR)
    again = client.post(VISITOR)
    visitor = client.session[VISITOR_KEY]

    assert first.status_code == 200
    assert first.json() == {"viewer": f"v:{UUID(visitor)}"}
    assert again.json() == first.json()


def test_a_page_that_is_only_looked_at_makes_no_visitor(client) -> None:
    client.get("/")

    assert VISITOR_KEY not in client.session


@pytest.mark.parametrize("method", ["get", "head", "put", "patch", "delete", "options"])
def test_no_other_method_makes_a_visitor(client, method) -> None:
    answer = getattr(client, method)(VISITOR)

    assert answer.status_code == 405
    assert "sessionid" not in client.cookies


def test_a_user_is_told_who_they_are_and_gets_no_visitor(client) -> None:
    ann = get_user_model().objects.create_user("ann")
    client.force_login(ann)

    assert client.post(VISITOR).json() == {"viewer": f"u:{ann.pk}"}
    assert VISITOR_KEY not in client.session


@pytest.mark.parametrize("method", ["get", "post"])
def test_no_answer_is_kept_by_a_cache(client, method) -> None:
    told = getattr(client, method)(VISITOR)["Cache-Control"]

    assert {"no-store", "private"} <= {word.strip() for word in told.split(",")}


def test_the_cookie_comes_with_the_visitor_and_needs_no_csrf_token() -> None:
    client = Client(enforce_csrf_checks=True)
    answer = client.post(VISITOR)

    assert answer.status_code == 200
    assert answer.cookies["sessionid"]["httponly"]


def test_two_browsers_are_two_visitors() -> None:
    answers = {Client().post(VISITOR).json()["viewer"] for _ in range(2)}

    assert len(answers) == 2


@pytest.mark.parametrize("broken", ["", "no uuid", 7, ["a"]])
def test_a_session_with_a_broken_visitor_gets_a_new_one(client, broken) -> None:
    session = client.session
    session[VISITOR_KEY] = broken
    session.save()
    client.cookies["sessionid"] = session.session_key
    viewer = client.post(VISITOR).json()["viewer"]

    assert UUID(viewer.removeprefix("v:"))
    assert client.post(VISITOR).json()["viewer"] == viewer


@pytest.mark.parametrize(
    "headers",
    [
        {"origin": "https://evil.example"},
        {"origin": "null"},
        {"sec-fetch-site": "cross-site"},
    ],
)
def test_a_foreign_page_makes_no_visitor(client, headers) -> None:
    answer = client.post(VISITOR, headers=headers)

    assert answer.status_code == 403
    assert "sessionid" not in client.cookies


def test_a_page_of_our_own_makes_one(client) -> None:
    assert (
        client.post(VISITOR, headers={"origin": "http://testserver"}).status_code == 200
    )
