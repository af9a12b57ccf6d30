from __future__ import annotations

import json
from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest
from django.contrib.auth import get_user_model
from django.test import Client
from django.utils import timezone
from rest_framework.authentication import BasicAuthentication
from rest_framework.throttling import BaseThrottle

from chatkit_app.access import VISITOR_KEY
from chatkit_app.api.interrupts import InterruptsView
from chatkit_app.models import Command, Interrupt, ToolCall
from tests.approvals import INPUT, PERMISSION, ask_staff, desk, make_staff
from tests.history_rows import make_thread

pytestmark = pytest.mark.django_db

URL = "/chatkit/api/interrupts/"
VISITOR = uuid4()


@pytest.fixture(autouse=True)
def tools():
    with desk():
        yield


@pytest.fixture
def anna():
    return get_user_model().objects.create_user("anna")


@pytest.fixture
def eve():
    return make_staff("eve", PERMISSION)


def browser(user: object, **options: Any) -> Client:
    client = Client(**options)
    if isinstance(user, type(VISITOR)):
        session = client.session
        session[VISITOR_KEY] = str(user)
        session.save()
        client.cookies["sessionid"] = session.session_key or ""
    else:
        client.force_login(user)  # type: ignore[arg-type]  # the test's own user
    return client


def post(client: Client, row: Any, decision: str = "approve", **fields: Any) -> Any:
    given = fields.pop("given", {})
    answer = {"interrupt": str(getattr(row, "pk", row)), "decision": decision, **given}
    body = {"id": "c-1", "answers": [answer], **fields}
    return client.post(URL, json.dumps(body), content_type="application/json")


def ids(answer: Any) -> list[str]:
    return [row["id"] for row in answer.json()["results"]]


# What waits for me


def test_what_is_asked_is_told_as_in_a_frame_and_of_which_call(anna, eve) -> None:
    until = timezone.now() + timedelta(hours=1)
    row = ask_staff(anna, message="Really?", expires_at=until)

    [found] = browser(eve).get(URL).json()["results"]

    assert found.pop("createdAt").endswith("Z")
    assert found.pop("expiresAt") == until.isoformat().replace("+00:00", "Z")
    assert found == {
        "id": str(row.pk),
        "kind": "approval",
        "key": "",
        "toolCallId": str(row.tool_call_id),
        "message": "Really?",
        "schema": row.response_schema,
        "form": None,
        "approver": "staff",
        "thread": str(row.run.thread_id),
        "assistant": "desk",
        "name": "refund",
        "input": INPUT,
    }


def test_everybody_is_told_what_they_may_answer_and_no_more(anna, eve) -> None:
    staffs = ask_staff(anna)
    own = ask_staff(anna, permission="")
    visitors = ask_staff(VISITOR, permission="")
    ask_staff(anna, permission="auth.delete_user")
    ask_staff(anna, status="answered")
    ask_staff(anna, expires_at=timezone.now() - timedelta(seconds=1))

    assert ids(browser(eve).get(URL)) == [str(staffs.pk)]
    assert ids(browser(anna).get(URL)) == [str(own.pk)]
    assert ids(browser(VISITOR).get(URL)) == [str(visitors.pk)]
    assert ids(Client().get(URL)) == []


def test_what_was_asked_last_comes_first_page_by_page(anna, eve) -> None:
    rows = [ask_staff(anna) for _ in range(5)]
    client, found, url = browser(eve), [], f"{URL}?page_size=2"
    previous = []
    while url:
        body = client.get(url).json()
        found += [row["id"] for row in body["results"]]
        previous.append(body["previous"])
        url = body["next"]

    assert found == [str(row.pk) for row in reversed(rows)]
    assert previous[0] is None
    assert ids(client.get(previous[2])) == found[2:4]


def test_the_list_can_be_of_one_thread(anna, eve) -> None:
    row, _other = ask_staff(anna), ask_staff(anna)
    client = browser(eve)

    assert ids(client.get(URL, {"thread": row.run.thread_id})) == [str(row.pk)]
    assert ids(client.get(URL, {"thread": make_thread(anna).pk})) == []
    assert client.get(URL, {"thread": "x"}).status_code == 400


def test_the_queries_do_not_grow_with_what_waits(
    anna, eve, django_assert_num_queries
) -> None:
    client = browser(eve)
    for number in range(6):
        if number == 1:
            client.get(URL)
        ask_staff(anna)
    # session, user; names of permissions twice, the user's own and their groups'; the page
    with django_assert_num_queries(7):
        assert len(ids(client.get(URL))) == 6
    for _ in range(10):
        ask_staff(anna)
    with django_assert_num_queries(7):
        assert len(ids(client.get(URL))) == 16


# Answering


def test_an_answer_is_taken_once_and_the_same_again_is_taken_again(anna, eve) -> None:
    row = ask_staff(anna)
    client = browser(eve)

    first, second = post(client, row), post(client, row)

    expected = {
        "id": "c-1",
        "thread": str(row.run.thread_id),
        "interrupts": [str(row.pk)],
    }
    assert (first.status_code, first.json()) == (200, expected)
    assert (second.status_code, second.json()) == (200, expected)
    row.refresh_from_db()
    assert (row.status, row.decision, row.answered_by) == ("answered", "approve", eve)
    assert ToolCall.objects.get().status == "queued"


def test_another_answer_comes_too_late(anna, eve) -> None:
    row = ask_staff(anna)
    client = browser(eve)
    post(client, row)

    answer = post(client, row, "deny", id="c-2")

    assert (answer.status_code, answer.json()["code"]) == (409, "answer_duplicate")


def test_an_id_is_not_used_for_two_commands(anna, eve) -> None:
    client = browser(eve)
    post(client, ask_staff(anna))

    answer = post(client, ask_staff(anna))

    assert (answer.status_code, answer.json()["code"]) == (409, "command_conflict")


@pytest.mark.parametrize("ago", [timedelta(seconds=1), timedelta(days=1)])
def test_after_its_time_nothing_is_taken(anna, eve, ago) -> None:
    row = ask_staff(anna, expires_at=timezone.now() - ago)

    answer = post(browser(eve), row)

    assert (answer.status_code, answer.json()["code"]) == (409, "answer_late")


def test_what_is_foreign_is_as_good_as_missing(anna, eve) -> None:
    row = ask_staff(anna)
    other = make_staff("mallory", "auth.delete_user")
    answers = [
        post(browser(eve), uuid4()),
        post(browser(other), row),
        post(browser(VISITOR), row),
        post(browser(eve), ask_staff(anna, permission="")),
        post(browser(eve), row, thread=str(make_thread(anna).pk)),
    ]

    assert {a.status_code for a in answers} == {404}
    assert {a.json()["code"] for a in answers} == {"interrupt_not_found"}
    assert len({a.json()["message"] for a in answers[:4]}) == 1


def test_the_owner_does_not_approve_what_is_the_staffs(anna) -> None:
    answer = post(browser(anna), ask_staff(anna))

    assert (answer.status_code, answer.json()["code"]) == (403, "not_allowed")
    assert Interrupt.objects.get().status == "open"


def test_edited_arguments_are_the_tools_own(anna, eve) -> None:
    row = ask_staff(anna)

    answer = post(browser(eve), row, "edit", given={"input": {**INPUT, "euros": 20}})

    assert answer.status_code == 200
    call = ToolCall.objects.get()
    assert (call.input["euros"], call.edited_input["euros"]) == (30, 20)


def test_edited_arguments_that_do_not_fit_are_told_where(anna, eve) -> None:
    row = ask_staff(anna)
    edited = {**INPUT, "euros": "many", "reason": "greed"}

    answer = post(browser(eve), row, "edit", given={"input": edited})

    assert (answer.status_code, answer.json()["code"]) == (400, "answer_invalid")
    errors = answer.json()["errors"]
    assert {(e["interrupt"], e["field"]) for e in errors} == {
        (str(row.pk), "euros"),
        (str(row.pk), "reason"),
    }
    assert Interrupt.objects.get().status == "open"


def test_who_is_nobody_answers_nothing(anna) -> None:
    answer = post(Client(), ask_staff(anna))

    assert (answer.status_code, answer.json()["code"]) == (403, "no_viewer")


@pytest.mark.parametrize(
    "text",
    ["{", "[]", "null", '{"id": "c", "answers": []}', '{"id": NaN}', "[" * 9999],
)
def test_a_body_that_is_none_is_refused(eve, text) -> None:
    answer = browser(eve).post(URL, text, content_type="application/json")

    assert (answer.status_code, answer.json()["code"]) == (400, "invalid_command")
    assert not Command.objects.exists()


def test_a_huge_output_is_refused_before_it_is_read(anna) -> None:
    body = b'{"id": "c-1", "x": "' + b"x" * 10_000_000 + b'"}'

    answer = browser(anna).post(URL, body, content_type="application/json")

    assert (answer.status_code, answer.json()["code"]) == (413, "frame_too_large")


def test_forms_are_not_taken(eve) -> None:
    answer = browser(eve).post(URL, {"id": "c-1"})

    assert (answer.status_code, answer.json()["code"]) == (
        415,
        "unsupported_media_type",
    )


@pytest.mark.parametrize("who", ["user", "visitor"])
def test_a_cookie_alone_answers_nothing(anna, eve, who) -> None:
    row = ask_staff(VISITOR, permission="" if who == "visitor" else PERMISSION)
    client = browser(eve if who == "user" else VISITOR, enforce_csrf_checks=True)

    forged = post(client, row)
    client.cookies["csrftoken"] = token = "t" * 32
    client.defaults["HTTP_X_CSRFTOKEN"] = token
    own = post(client, row)

    assert (forged.status_code, forged.json()["code"]) == (403, "permission_denied")
    assert own.status_code == 200


def test_a_token_needs_no_cookie(anna, eve, monkeypatch) -> None:
    monkeypatch.setattr(InterruptsView, "authentication_classes", [BasicAuthentication])
    eve.set_password("pass")
    eve.save()
    client = Client(enforce_csrf_checks=True)
    client.defaults["HTTP_AUTHORIZATION"] = "Basic ZXZlOnBhc3M="

    assert post(client, ask_staff(anna)).status_code == 200


def test_the_sites_throttles_count(anna, eve, monkeypatch) -> None:
    class Never(BaseThrottle):
        def allow_request(self, request: Any, view: Any) -> bool:
            return False

        def wait(self) -> float:
            return 7

    monkeypatch.setattr(InterruptsView, "throttle_classes", [Never])

    answer = post(browser(eve), ask_staff(anna))

    assert answer.status_code == 429
    assert answer.headers["Retry-After"] == "7"


@pytest.mark.parametrize("method", ["put", "patch", "delete"])
def test_nothing_else_can_be_done(eve, method) -> None:
    assert getattr(browser(eve), method)(URL).status_code == 405
