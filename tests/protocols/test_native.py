"""Our own frames: the golden ones, which docs/protocol.md shows, and what hostile clients send."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any, get_args
from uuid import UUID

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import TypeAdapter

from chatkit_app.engine.events import AnyEvent
from chatkit_app.exceptions import (
    ClaimHeld,
    FrameTooLarge,
    InvalidCommand,
    ThreadNotFound,
    UnknownType,
)
from chatkit_app.protocols import native

FRAMES = Path(__file__).parent / "frames"
DOC = Path(__file__).parents[2] / "docs" / "protocol.md"
MAX_BYTES = 65_536
THREAD = "0198f3a2-1000-7000-8000-000000000001"
EXAMPLE = re.compile(r"<!-- (?P<name>[\w.-]+)\.json -->\n```json\n(?P<json>.*?)```", re.DOTALL)

type_of = TypeAdapter(AnyEvent)


def golden(name: str) -> Any:
    return json.loads((FRAMES / f"{name}.json").read_text())


def names(prefix: str) -> list[str]:
    return sorted(path.stem for path in FRAMES.glob(f"{prefix}*.json"))


def type_by_class(*classes: Any) -> set[str]:
    found = set()
    for cls in classes:
        annotations = getattr(cls, "model_fields", None) or cls.__dataclass_fields__
        field = annotations["type"]
        found.add(field.default if hasattr(cls, "__dataclass_fields__") else get_args(field.annotation)[0])
    return found


def decode(text: str) -> native.ClientFrame:
    return native.decode_frame(text, max_bytes=MAX_BYTES)


def answer(output: str) -> str:
    head = f'"type":"answer","id":"1","thread":"{THREAD}","toolCall":"{THREAD}","tab":"t"'
    return f'{{{head},"output":{output}}}'


# The golden frames


def test_every_frame_of_a_client_has_a_golden_file() -> None:
    shown = {golden(name)["type"] for name in names("client-")}
    assert shown == type_by_class(*get_args(native.ClientFrame))


def test_every_event_has_a_golden_file() -> None:
    shown = {golden(name)["event"]["type"] for name in names("server-event-")}
    assert shown == type_by_class(*get_args(AnyEvent))


def test_a_golden_file_is_named_by_its_direction_and_its_type() -> None:
    for path in FRAMES.glob("*.json"):
        frame = json.loads(path.read_text())
        kind = frame["type"]
        if kind == "event":
            kind = f"event-{frame['event']['type']}"
        assert re.fullmatch(rf"(client|server)-{re.escape(kind)}(-\w+)?", path.stem)


def test_the_document_shows_every_golden_file_as_it_is() -> None:
    shown = {match["name"]: match["json"] for match in EXAMPLE.finditer(DOC.read_text())}
    files = {path.stem: path.read_text() for path in FRAMES.glob("*.json")}
    assert sorted(shown) == sorted(files)
    assert shown == files


def test_the_document_has_no_other_example() -> None:
    text = DOC.read_text()
    assert text.count("```json") == len(EXAMPLE.findall(text))


@pytest.mark.parametrize("name", names("client-"))
def test_a_client_s_frame_is_read_to_exactly_what_it_says(name: str) -> None:
    frame = golden(name)
    read = decode(json.dumps(frame))
    assert read.model_dump(mode="json", by_alias=True, exclude_unset=True) == frame


@pytest.mark.parametrize("name", names("client-"))
def test_a_command_carries_every_field_of_its_frame(name: str) -> None:
    frame = golden(name)
    read = decode(json.dumps(frame))
    if not isinstance(read, get_args(native.CommandFrame)):
        return
    command = read.command()
    renamed = {"thread": "thread_id", "run": "run_id", "toolCall": "tool_call_id"}
    for field in frame.keys() - {"type"}:
        if field == "id" and not hasattr(command, "id"):
            continue  # claims and releases are not remembered by their id
        found = getattr(command, renamed.get(field, field))
        assert (str(found) if isinstance(found, UUID) else found) == frame[field]


@pytest.mark.parametrize("name", names("server-event-"))
def test_an_event_is_written_as_it_was_read(name: str) -> None:
    frame = golden(name)
    event = native.decode_event(json.dumps(frame["event"]))
    written = native.event_frame(
        UUID(frame["thread"]), frame["position"], native.encode_event(event)
    )
    assert json.loads(written) == frame


def test_the_other_frames_of_the_server_are_written_as_shown() -> None:
    thread, epoch = UUID(THREAD), "k3v9x2"
    error = golden("server-error")
    held = ClaimHeld("Another page runs this call.", retry_after=2.0)
    missing = ThreadNotFound("There is no such thread.")
    written = {
        "server-hello": native.hello_frame(viewer="u:1", max_bytes=MAX_BYTES),
        "server-ping": native.ping_frame(),
        "server-position": native.position_frame(thread, epoch, 4),
        "server-error": native.error_frame(held, command_id=error["id"]),
        "server-error-thread": native.error_frame(missing, thread=thread),
    }
    for name in names("server-reset"):
        reset = golden(name)
        written[name] = native.reset_frame(thread, epoch, reset["position"], reset["snapshot"])
    for name in names("server-accepted"):
        frame = golden(name)
        outcome = {key: frame[key] for key in frame.keys() - {"type", "id"}}
        written[name] = native.accepted_frame(frame["id"], outcome)
    assert {name: json.loads(text) for name, text in written.items()} == {
        name: golden(name) for name in names("server-") if not name.startswith("server-event-")
    }


def test_lengths_and_offsets_of_the_golden_text_are_utf_16() -> None:
    first, more = golden("server-event-part.delta"), golden("server-event-part.delta-more")
    text = first["event"]["delta"]
    assert len(text) < more["event"]["offset"] == len(text.encode("utf-16-le")) // 2


# What clients must not send


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
        '{"type":"send","id":"1","assistant":"shop","text":"","tab":"t"}',
        '{"type":"send","id":"1","assistant":"shop","text":"a","tab":"t","page":[]}',
        '{"type":"send","id":"1","assistant":"shop","text":"a","tab":"t","page":null}',
        answer("1")[:-1] + ',"error":"both"}',
        answer("null")[:-1] + ',"error":"both"}',
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


@pytest.mark.parametrize("output", ["9007199254740991", "-9007199254740991", "1.5", "true", "null"])
def test_what_json_can_hold_everywhere_is_taken(output: str) -> None:
    read = decode(answer(output))
    assert isinstance(read, native.AnswerFrame)
    assert json.dumps(read.output) == output


def test_text_of_every_language_is_taken_as_it_is() -> None:
    text = "Grüße \U0001f440 \u202e\u0007 日本"
    read = decode(answer(json.dumps(text)))
    assert isinstance(read, native.AnswerFrame)
    assert read.output == text


def test_thirty_one_levels_of_output_are_taken() -> None:
    assert decode(answer("[" * 31 + "]" * 31))


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
def test_the_id_of_a_wrong_frame_is_found_where_it_is_one(text: str, found: str | None) -> None:
    assert native.frame_id(text) == found


# What nobody thought of

numbers = st.integers() | st.floats() | st.booleans() | st.none()
texts = st.text(st.characters(), max_size=20) | st.just(THREAD)
anything = st.recursive(
    numbers | texts,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(texts, inner, max_size=4),
    max_leaves=20,
)


@st.composite
def bent_frames(draw: st.DrawFn) -> str:
    """A golden frame with one field missing, another in its place, or one too many."""
    frame = dict(golden(draw(st.sampled_from(names("client-")))))
    field = draw(st.sampled_from([*frame, "extra"]))
    if draw(st.booleans()):
        frame.pop(field, None)
    else:
        frame[field] = draw(anything)
    return json.dumps(frame, ensure_ascii=draw(st.booleans()))


def answered(text: str) -> None:
    """It is read, or refused by its name; nothing else comes out."""
    try:
        read = decode(text)
    except InvalidCommand as error:
        assert error.code in {"invalid_command", "unknown_type", "frame_too_large"}
        assert str(error).isprintable() or "\\" not in str(error)
        native.error_frame(error, command_id=native.frame_id(text)).encode()
    else:
        assert isinstance(read, get_args(native.ClientFrame))


@settings(max_examples=400, deadline=None)
@given(bent_frames())
def test_a_bent_frame_is_read_or_refused(text: str) -> None:
    answered(text)


@settings(max_examples=300, deadline=None)
@given(anything.map(json.dumps))
def test_any_json_is_read_or_refused(text: str) -> None:
    answered(text)


@settings(max_examples=300, deadline=None)
@given(st.text(st.characters() | st.sampled_from('{}[]":,\\tu0d8eE+-.')))
def test_any_text_is_read_or_refused(text: str) -> None:
    answered(text)
