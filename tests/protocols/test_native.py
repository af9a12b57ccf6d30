"""What hostile clients send: each is read, or refused by its name; nothing else comes out."""

from __future__ import annotations

import json
from pathlib import Path
from typing import get_args, get_type_hints
from uuid import UUID

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chatkit_app.engine import events
from chatkit_app.exceptions import FrameTooLarge, InvalidCommand, UnknownType
from chatkit_app.protocols import native

MAX_BYTES = 65_536
THREAD = "0198f3a2-1000-7000-8000-000000000001"
GOLDEN = [
    json.loads(path.read_text())
    for path in sorted((Path(__file__).parent / "frames").glob("client-*.json"))
]


def decode(text: str) -> native.ClientFrame:
    return native.decode_frame(text, max_bytes=MAX_BYTES)


def answer(output: str) -> str:
    head = (
        f'"type":"answer","id":"1","thread":"{THREAD}","toolCall":"{THREAD}","tab":"t"'
    )
    return f'{{{head},"output":{output}}}'


TOOL = '{"name":"zoom","parameters":{"type":"object"}}'


def send_tools(tools: str) -> str:
    head = '"type":"send","id":"1","assistant":"shop","text":"a","tab":"t"'
    return f'{{{head},"tools":{tools}}}'


@pytest.mark.parametrize(
    "text",
    [
        "",
        "{",
        "[]",
        "null",
        '"pong"',
        "\ufeff" + '{"type":"pong"}',
        '{"type":"pong"}{"type":"pong"}',
        "[" * 60_000,
        '{"type":"answer","output":' + "[" * 20_000 + "]" * 20_000 + "}",
        '{"type":"pong","x":' + "9" * 5_000 + "}",
        '{"type":"pong","x":1}',
        '{"type":"send"}',
        f'{{"type":"unsubscribe","thread":"{THREAD}","epoch":"x"}}',
        '{"type":"unsubscribe","thread":"mine"}',
        '{"type":"unsubscribe","thread":1}',
        '{"type":"unsubscribe","thread":null}',
        f'{{"type":"subscribe","thread":"{THREAD}","position":-1}}',
        f'{{"type":"subscribe","thread":"{THREAD}","position":"4"}}',
        f'{{"type":"subscribe","thread":"{THREAD}","position":4.0}}',
        f'{{"type":"subscribe","thread":"{THREAD}","position":true}}',
        f'{{"type":"acknowledge","thread":"{THREAD}","position":null}}',
        f'{{"type":"acknowledge","thread":"{THREAD}","position":9007199254740992}}',
        f'{{"type":"claim","id":"1","thread":"{THREAD}","tool_call":"{THREAD}","tab":"t"}}',
        f'{{"type":"cancel","id":"","thread":"{THREAD}","run":"{THREAD}"}}',
        f'{{"type":"cancel","id":"{"x" * 65}","thread":"{THREAD}","run":"{THREAD}"}}',
        f'{{"type":"cancel","id":1,"thread":"{THREAD}","run":"{THREAD}"}}',
        '{"type":"send","id":"1","assistant":"shop","text":"a","tab":"t","page":[]}',
        '{"type":"send","id":"1","assistant":"shop","text":"a","tab":"t","page":null}',
        send_tools("{}"),
        send_tools("null"),
        send_tools("[null]"),
        send_tools('[{"name":"zoom"}]'),
        send_tools('[{"parameters":{}}]'),
        send_tools('[{"name":"zoom","parameters":[]}]'),
        send_tools('[{"name":"zoom","parameters":null}]'),
        send_tools('[{"name":"","parameters":{}}]'),
        send_tools('[{"name":"zoom","parameters":{},"effect":"once"}]'),
        send_tools(
            f'[{{"name":"zoom","parameters":{{}},"description":"{"x" * 1001}"}}]'
        ),
        send_tools(f"[{','.join([TOOL] * 17)}]"),
        answer("1")[:-1] + ',"error":"both"}',
        answer("NaN"),
        answer("Infinity"),
        answer("-Infinity"),
        answer("1e999"),
        answer("[-1e999]"),
        answer("9007199254740992"),
        answer('{"deep":[-9007199254740992]}'),
        answer("[" * 33 + "]" * 33),
        answer('{"a":' * 33 + "1" + "}" * 33),
        answer('"\\u0000"'),
        answer('"\\ud800"'),
        answer('"\\udc00\\ud800"'),
        answer('"\ud800"'),
        answer('{"\\u0000":1}'),
        answer('{"\\udfff":1}'),
    ],
)
def test_a_wrong_frame_is_an_invalid_command(text: str) -> None:
    with pytest.raises(InvalidCommand) as caught:
        decode(text)
    assert caught.value.code == "invalid_command"


@pytest.mark.parametrize(
    "text",
    [
        "{}",
        '{"type":null}',
        '{"type":1}',
        '{"type":["send"]}',
        '{"type":{"send":1}}',
        '{"type":"Send"}',
        '{"type":"event"}',
        '{"type":"__class__"}',
        '{"TYPE":"pong"}',
    ],
)
def test_a_type_that_we_do_not_know_says_so(text: str) -> None:
    with pytest.raises(UnknownType) as caught:
        decode(text)
    assert caught.value.code == "unknown_type"


def test_the_limit_counts_bytes_and_includes_the_last_one() -> None:
    fits = answer(json.dumps("ä" * 100, ensure_ascii=False))
    size = len(fits.encode())
    assert native.decode_frame(fits, max_bytes=size)
    with pytest.raises(FrameTooLarge) as caught:
        native.decode_frame(fits, max_bytes=size - 1)
    assert caught.value.code == "frame_too_large"


def test_a_frame_over_the_limit_is_not_read_at_all() -> None:
    with pytest.raises(FrameTooLarge):
        native.decode_frame("[" * 1_000_000, max_bytes=MAX_BYTES)


@pytest.mark.parametrize(
    "output", ["9007199254740991", "-9007199254740991", "1.5", "true", "null"]
)
def test_what_json_can_hold_everywhere_is_taken(output: str) -> None:
    read = decode(answer(output))
    assert isinstance(read, native.AnswerFrame)
    assert json.dumps(read.output) == output


def test_text_of_every_language_is_taken_as_it_is() -> None:
    text = "Grüße \U0001f440 \u202e\u0007 日本"
    read = decode(answer(json.dumps(text)))
    assert isinstance(read, native.AnswerFrame)
    assert read.output == text


def test_thirty_two_levels_of_output_are_taken() -> None:
    assert decode(answer("[" * 32 + "]" * 32))


def test_an_error_repeats_little_of_what_a_client_sent() -> None:
    with pytest.raises(InvalidCommand) as caught:
        decode(json.dumps({"type": "pong", "x" * 60_000: 1}))
    assert len(str(caught.value)) < 200


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ('{"id":"a","type":"?"}', "a"),
        ('{"id":"a","x":NaN}', "a"),
        ('{"id":1}', None),
        ('{"id":""}', None),
        ('{"id":"\\ud800"}', None),
        ('{"id":"\\u0000"}', None),
        (f'{{"id":"{"x" * 65}"}}', None),
        ("[]", None),
        ("{", None),
        ("[" * 100_000, None),
        ('{"id":"a","n":' + "9" * 5_000 + "}", None),
    ],
)
def test_the_id_of_a_wrong_frame_is_found_where_it_is_one(
    text: str, found: str | None
) -> None:
    assert native.frame_id(text) == found


# What nobody thought of

numbers = st.integers() | st.floats() | st.booleans() | st.none()
texts = st.text(st.characters(), max_size=20) | st.just(THREAD)
anything = st.recursive(
    numbers | texts,
    lambda inner: (
        st.lists(inner, max_size=4) | st.dictionaries(texts, inner, max_size=4)
    ),
    max_leaves=20,
)


@st.composite
def bent_frames(draw: st.DrawFn) -> str:
    """A golden frame with one field missing, another in its place, or one too many."""
    frame = dict(draw(st.sampled_from(GOLDEN)))
    field = draw(st.sampled_from([*frame, "extra"]))
    if draw(st.booleans()):
        frame.pop(field, None)
    else:
        frame[field] = draw(anything)
    return json.dumps(frame, ensure_ascii=draw(st.booleans()))


def outcome(text: str) -> str:
    """It is read, or refused by its name; nothing else comes out."""
    try:
        read = decode(text)
    except InvalidCommand as error:
        frame = native.error_frame(error, command_id=native.frame_id(text))
        return str(json.loads(frame.encode())["code"])
    return read.type


OUTCOMES = {"invalid_command", "unknown_type", "frame_too_large"} | {
    get_args(get_type_hints(frame)["type"])[0] for frame in get_args(native.ClientFrame)
}


@settings(max_examples=400, deadline=None)
@given(bent_frames())
def test_a_bent_frame_is_read_or_refused(text: str) -> None:
    assert outcome(text) in OUTCOMES


@settings(max_examples=300, deadline=None)
@given(anything.map(json.dumps))
def test_any_json_is_read_or_refused(text: str) -> None:
    assert outcome(text) in OUTCOMES


@settings(max_examples=300, deadline=None)
@given(st.text(st.characters() | st.sampled_from('{}[]":,\\tu0d8eE+-.')))
def test_any_text_is_read_or_refused(text: str) -> None:
    assert outcome(text) in OUTCOMES


def test_the_type_of_an_event_is_read_at_its_place_alone() -> None:
    shown = native.encode_event(events.BranchShown(message_id="m"))
    ended = native.encode_event(
        events.ToolCallProgressed(
            tool_call_id="c", text="", preliminary={"event": json.loads(shown)}
        )
    )

    def told(event: str) -> str | None:
        return native.event_type(native.event_frame(UUID(THREAD), 7, event))

    assert told(shown) == "branch.shown"
    assert '"event":' + shown in ended
    assert told(ended) == "tool_call.progressed"
    assert native.event_type(native.position_frame(UUID(THREAD), "e", 1)) is None
