"""The golden frames: docs/protocol.md shows them, Python writes and reads exactly them."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any, get_args, get_type_hints
from uuid import UUID

import pytest

from chatkit_app.engine.commands import InterruptAnswer
from chatkit_app.engine.events import AnyEvent
from chatkit_app.exceptions import AnswerInvalid, ClaimHeld, Fault, ThreadNotFound
from chatkit_app.protocols import native

FRAMES = Path(__file__).parent / "frames"
DOC = Path(__file__).parents[2] / "docs" / "protocol.md"
MAX_BYTES = 65_536
THREAD = "0198f3a2-1000-7000-8000-000000000001"
EXAMPLE = re.compile(
    r"<!-- (?P<name>[\w.-]+)\.json -->\n```json\n(?P<json>.*?)```", re.DOTALL
)


def golden(name: str) -> Any:
    return json.loads((FRAMES / f"{name}.json").read_text())


def names(prefix: str) -> list[str]:
    return sorted(path.stem for path in FRAMES.glob(f"{prefix}*.json"))


def type_by_class(*classes: type) -> set[str]:
    """The words in the ``Literal`` of each one's ``type``."""
    return {get_args(get_type_hints(cls)["type"])[0] for cls in classes}


def decode(text: str) -> native.ClientFrame:
    return native.decode_frame(text, max_bytes=MAX_BYTES)


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
    shown = {
        match["name"]: match["json"] for match in EXAMPLE.finditer(DOC.read_text())
    }
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
    renamed = {
        "thread": "thread_id",
        "run": "run_id",
        "toolCall": "tool_call_id",
        "message": "message_id",
    }
    for field in frame.keys() - {"type"}:
        if field == "id" and not hasattr(command, "id"):
            continue  # claims and releases are not remembered by their id
        found = getattr(command, renamed.get(field, field))
        if field == "tools":
            found = [tool.as_json() for tool in found]
        if field == "attachments":
            found = [str(one) for one in found]
        if field == "answers":
            found = [as_sent(one) for one in found]
        assert (str(found) if isinstance(found, UUID) else found) == frame[field]


def as_sent(answer: InterruptAnswer) -> dict[str, Any]:
    told = {"interrupt": str(answer.interrupt_id), "decision": str(answer.decision)}
    more = {"input": answer.input, "output": answer.output, "text": answer.text}
    return {**told, **{name: value for name, value in more.items() if value}}


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
    unfit = golden("server-error-answer_invalid")
    invalid = AnswerInvalid(
        unfit["message"], errors=[Fault(**fault) for fault in unfit["errors"]]
    )
    written = {
        "server-hello": native.hello_frame(viewer="u:1", max_bytes=MAX_BYTES),
        "server-ping": native.ping_frame(),
        "server-threads.changed": native.threads_changed_frame(),
        "server-approvals.changed": native.approvals_changed_frame(),
        "server-position": native.position_frame(thread, epoch, 4),
        "server-error": native.error_frame(held, command_id=error["id"]),
        "server-error-answer_invalid": native.error_frame(
            invalid, command_id=unfit["id"]
        ),
        "server-error-thread": native.error_frame(missing, thread=thread),
    }
    for name in names("server-reset"):
        reset = golden(name)
        written[name] = native.reset_frame(
            thread, epoch, reset["position"], reset["snapshot"]
        )
    for name in names("server-accepted"):
        frame = golden(name)
        outcome = {key: frame[key] for key in frame.keys() - {"type", "id"}}
        written[name] = native.accepted_frame(frame["id"], outcome)
    assert {name: json.loads(text) for name, text in written.items()} == {
        name: golden(name)
        for name in names("server-")
        if not name.startswith("server-event-")
    }


def test_lengths_and_offsets_of_the_golden_text_are_utf_16() -> None:
    first, more = (
        golden("server-event-part.delta"),
        golden("server-event-part.delta-more"),
    )
    text = first["event"]["delta"]
    assert len(text) < more["event"]["offset"] == len(text.encode("utf-16-le")) // 2


def test_what_is_not_ascii_is_sent_as_it_is() -> None:
    thread = UUID(THREAD)
    snapshot = {"messages": ["漢" * 1000]}

    assert "漢" * 1000 in native.reset_frame(thread, "e", 1, snapshot)
    assert "漢" in native.accepted_frame("漢", {})
    assert "漢" in native.error_frame(ThreadNotFound("漢"))


@pytest.mark.parametrize("char", ["x", "ü", "漢"])
def test_a_frame_may_have_a_mebibyte_and_no_more(char: str) -> None:
    fitting = char * (native.MAX_SENT_BYTES // len(char.encode()))

    native.check_size(fitting)
    with pytest.raises(native.FrameOutsized):
        native.check_size(fitting + char)
