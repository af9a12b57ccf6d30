from __future__ import annotations

import io
import json
from uuid import uuid4

import pytest
from django.test import RequestFactory
from rest_framework.exceptions import UnsupportedMediaType
from rest_framework.request import Request

from chatkit_app.api.bodies import (
    Answers,
    Nothing,
    TextParser,
    check_body,
    max_bytes,
    read_body,
)
from chatkit_app.engine.commands import InterruptAnswer, Resolve
from chatkit_app.engine.states import Decision
from chatkit_app.exceptions import FrameTooLarge, InvalidCommand


def request(**headers: str) -> Request:
    return Request(RequestFactory().post("/", b"{}", **headers))  # type: ignore[arg-type]  # WSGI's own names


def body(**changes: object) -> str:
    answer = {"interrupt": str(uuid4()), "decision": "approve"}
    return json.dumps({"id": "c-1", "answers": [answer], **changes})


def test_answers_are_read_as_the_command_of_a_frame() -> None:
    thread, interrupt = uuid4(), uuid4()
    answer = {"interrupt": str(interrupt), "decision": "deny", "text": "No."}

    found = read_body(Answers, body(thread=str(thread), tab="t-1", answers=[answer]))

    assert found.command() == Resolve(
        id="c-1",
        thread_id=thread,
        tab="t-1",
        answers=(
            InterruptAnswer(interrupt_id=interrupt, decision=Decision.DENY, text="No."),
        ),
    )


def test_answers_may_come_from_no_page_and_name_no_thread() -> None:
    found = read_body(Answers, body())

    assert (found.command().thread_id, found.command().tab) == (None, "http")


@pytest.mark.parametrize(
    "text",
    [
        None,
        {},
        "",
        "null",
        "[]",
        "{",
        body(id=""),
        body(id="x" * 65),
        body(id="a\0"),
        body(answers=[]),
        body(answers=[{"interrupt": "x", "decision": "approve"}]),
        body(answers=[{"interrupt": str(uuid4()), "decision": "perhaps"}]),
        body(type="send"),
        body(surprise=1),
        body(thread="x"),
        body(tab=""),
        body(tab=float("nan")),
        body().replace("}", ', "x": NaN}', 1),
        body().replace("}", ', "x": 1e999}', 1),
        body().replace("}", ', "x": "\\ud800"}', 1),
        "[" * 100_000,
    ],
)
def test_what_is_no_answer_is_refused(text) -> None:
    with pytest.raises(InvalidCommand):
        read_body(Answers, text)


@pytest.mark.parametrize(
    "output",
    [
        "NaN",
        "-Infinity",
        "1e999",
        str(2**53),
        '"\\u0000"',
        '"\\ud800"',
        "[" * 40 + "]" * 40,
    ],
)
def test_an_output_that_could_not_be_stored_is_refused(output) -> None:
    text = body(
        answers=[{"interrupt": str(uuid4()), "decision": "answer", "output": "@"}]
    ).replace('"@"', output)

    with pytest.raises(InvalidCommand):
        read_body(Answers, text)


def test_a_body_holds_at_least_the_largest_output(settings) -> None:
    settings.CHATKIT_MAX_OUTPUT_BYTES = 5_000_000

    assert max_bytes() > 5_000_000


def test_a_body_is_read_no_further_than_it_may_be(settings) -> None:
    settings.CHATKIT_MAX_FRAME_BYTES, settings.CHATKIT_MAX_OUTPUT_BYTES = 100, 25
    stream = io.BytesIO(b"x" * 10_000)

    assert TextParser().parse(io.BytesIO(b"x" * 100)) == "x" * 100
    with pytest.raises(FrameTooLarge):
        TextParser().parse(stream)
    assert stream.tell() == 101


def test_a_body_that_is_no_text_is_refused() -> None:
    with pytest.raises(InvalidCommand):
        TextParser().parse(io.BytesIO(b"\xff"))


@pytest.mark.parametrize("kind", ["text/plain", "multipart/form-data; boundary=x", ""])
def test_only_json_is_taken(kind) -> None:
    with pytest.raises(UnsupportedMediaType):
        check_body(request(content_type=kind))


def test_a_body_that_says_that_it_is_too_long_is_not_read(settings) -> None:
    settings.CHATKIT_MAX_FRAME_BYTES, settings.CHATKIT_MAX_OUTPUT_BYTES = 100, 25

    check_body(request(content_type="application/json; charset=utf-8"))
    with pytest.raises(FrameTooLarge):
        check_body(request(content_type="application/json", CONTENT_LENGTH="101"))


def test_what_says_everything_by_its_address_needs_no_body() -> None:
    for text in ("", " ", "{}", None):
        assert read_body(Nothing, text) == Nothing()
    with pytest.raises(InvalidCommand):
        read_body(Nothing, '{"a": 1}')


def test_a_request_without_a_body_needs_no_type() -> None:
    bare = Request(RequestFactory().generic("POST", "/"))

    check_body(bare)
