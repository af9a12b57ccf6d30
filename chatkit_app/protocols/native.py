"""Our own frames, as docs/protocol.md describes them: JSON in, commands out; events in, JSON out.

Whatever a client sends is read here once and strictly: unknown fields, NaN and numbers beyond
2**53 are refused; NUL and lone surrogates, which neither every database nor UTF-8 can hold, too.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Annotated, NoReturn, TypeVar
from uuid import UUID

from pydantic import (
    Field,
    JsonValue,
    TypeAdapter,
    ValidationError,
)

from chatkit_app.engine.events import AnyEvent
from chatkit_app.exceptions import (
    AnswerInvalid,
    ChatKitError,
    FrameTooLarge,
    InvalidCommand,
    UnknownType,
)
from chatkit_app.protocols.native_frames import (
    MAX_SAFE_INTEGER,
    Acknowledge,
    AnswerFrame,
    CancelFrame,
    ClaimFrame,
    ClientFrame,
    CommandFrame,
    EditFrame,
    Frame,
    Pong,
    RegenerateFrame,
    ReleaseFrame,
    ResolveFrame,
    RetryFrame,
    SendFrame,
    ShowFrame,
    Subscribe,
    Unsubscribe,
    Watch,
    is_plain_text,
)

__all__ = [
    "Acknowledge",
    "AnswerFrame",
    "CancelFrame",
    "ClaimFrame",
    "ClientFrame",
    "CommandFrame",
    "EditFrame",
    "Pong",
    "RegenerateFrame",
    "ReleaseFrame",
    "ResolveFrame",
    "RetryFrame",
    "SendFrame",
    "ShowFrame",
    "Subscribe",
    "Unsubscribe",
    "Watch",
]

VERSION = 1

MAX_SENT_BYTES = 1_048_576
"""A frame of ours: Daphne's WebSockets refuse to send, and many to receive, more than 1 MiB."""
MAX_DEPTH = 32
MAX_PLACE = 80
"""Characters of a field's place that an error repeats."""


class FrameOutsized(Exception):
    """A bug of ours: whatever makes a frame keeps it small."""


EVENT_TYPE = re.compile(
    r'\{"type":"event","thread":"[^"]+","position":\d+,"event":\{"type":"([^"]+)"'
)
"""How a frame of ``event_frame`` begins: an event says first what it is."""

F = TypeVar("F", bound=Frame)

_client_frames: TypeAdapter[ClientFrame] = TypeAdapter(
    Annotated[ClientFrame, Field(discriminator="type")]
)
_events: TypeAdapter[AnyEvent] = TypeAdapter(
    Annotated[AnyEvent, Field(discriminator="type")]
)


def decode_frame(text: str, *, max_bytes: int) -> ClientFrame:
    """Read one frame of a client.

    Raises:
        FrameTooLarge: It is longer than ``max_bytes`` of UTF-8.
        UnknownType: It has a ``type`` that we don't know.
        InvalidCommand: It is not JSON, or lacks or misuses a field.
    """
    return frame_of(read_object(text, max_bytes=max_bytes))


def read_object(text: str, *, max_bytes: int) -> dict[str, JsonValue]:
    """A JSON object that holds nothing which could not be stored.

    Raises:
        FrameTooLarge: It is longer than ``max_bytes`` of UTF-8.
        InvalidCommand: It is none.
    """
    if len(text) > max_bytes or len(text.encode("utf-8", "surrogatepass")) > max_bytes:
        raise FrameTooLarge(f"A frame may have {max_bytes} bytes.")
    data = _load(text)
    if not isinstance(data, dict):
        raise InvalidCommand("The frame is not an object.")
    _check_values(data)
    return data


def frame_of(data: dict[str, JsonValue]) -> ClientFrame:
    """The frame that an object of ``read_object`` is.

    Raises:
        UnknownType: It has a ``type`` that we don't know.
        InvalidCommand: It lacks or misuses a field.
    """
    try:
        return _client_frames.validate_python(data)
    except ValidationError as error:
        raise _misused(error, skip=1) from error


def read_as(kind: type[F], data: dict[str, JsonValue]) -> F:
    """An object of ``read_object`` as what a door other than the socket takes.

    Raises:
        InvalidCommand: It lacks or misuses a field.
    """
    try:
        return kind.model_validate(data)
    except ValidationError as error:
        raise _misused(error, skip=0) from error


def _misused(error: ValidationError, *, skip: int) -> InvalidCommand:
    """``skip``: words of a field's place that are ours, not the client's."""
    first = error.errors(include_url=False, include_input=False)[0]
    if first["type"] in ("union_tag_invalid", "union_tag_not_found"):
        return UnknownType("The frame has no type that we know.")
    # An unknown field's name is the client's own text: enough of it to find it, no more.
    where = ".".join(str(step) for step in first["loc"][skip:])[:MAX_PLACE]
    return InvalidCommand(f"{where or 'The frame'}: {first['msg']}")


def frame_id(text: str) -> str | None:
    """The ``id`` in a frame that may be wrong in every other way, so that the error can name it."""
    try:
        data = json.loads(text)
    except (ValueError, RecursionError):
        return None
    found = data.get("id") if isinstance(data, dict) else None
    return (
        found
        if isinstance(found, str) and 0 < len(found) <= 64 and is_plain_text(found)
        else None
    )


def _refuse_constant(name: str) -> NoReturn:
    raise InvalidCommand(f"{name} is not JSON.")


def _load(text: str) -> object:
    try:
        return json.loads(text, parse_constant=_refuse_constant)
    except (ValueError, RecursionError) as error:
        raise InvalidCommand("The frame is not JSON.") from error


def _check_values(data: object) -> None:
    for value, depth in _walk(data, 0):
        if depth > MAX_DEPTH:
            raise InvalidCommand(f"The frame is nested deeper than {MAX_DEPTH} levels.")
        if isinstance(value, str) and not is_plain_text(value):
            raise InvalidCommand("NUL and lone surrogates are not allowed in text.")
        if isinstance(value, int) and abs(value) > MAX_SAFE_INTEGER:
            raise InvalidCommand("An integer is beyond 2**53.")
        if isinstance(value, float) and value in (float("inf"), float("-inf")):
            raise InvalidCommand("A number is too large.")


def _walk(value: object, depth: int) -> Iterator[tuple[object, int]]:
    yield value, depth
    if depth > MAX_DEPTH:
        return
    if isinstance(value, dict):
        for key, item in value.items():
            yield key, depth + 1
            yield from _walk(item, depth + 1)
    elif isinstance(value, list):
        for item in value:
            yield from _walk(item, depth + 1)


def encode_event(event: AnyEvent) -> str:
    """The event's own JSON, as it is stored and as it stands in every frame."""
    return _events.dump_json(event, by_alias=True).decode()


def decode_event(text: str) -> AnyEvent:
    """A stored event.

    Raises:
        ValidationError: It is of a type that this version does not know.
    """
    return _events.validate_json(text)


def event_frame(thread: UUID, position: int, event: str) -> str:
    """The frame of one committed event; ``event`` is already encoded."""
    return (
        f'{{"type":"event","thread":"{thread}","position":{position},"event":{event}}}'
    )


def event_type(frame: str) -> str | None:
    """The type of the event in a frame of ``event_frame``, whatever its texts say; None for others."""
    found = EVENT_TYPE.match(frame)
    return found[1] if found else None


def hello_frame(*, viewer: str, max_bytes: int) -> str:
    """The first frame on every socket."""
    return _dump(
        {
            "type": "hello",
            "protocol": VERSION,
            "viewer": viewer,
            "maxFrameBytes": max_bytes,
        }
    )


def position_frame(thread: UUID, epoch: str, position: int) -> str:
    """Where the thread stands: a client that is behind it has missed something."""
    return _dump(
        {
            "type": "position",
            "thread": str(thread),
            "epoch": epoch,
            "position": position,
        }
    )


def reset_frame(
    thread: UUID, epoch: str, position: int, snapshot: dict[str, JsonValue]
) -> str:
    """Forget what you have of this thread, take this instead and go on from ``position``."""
    return _dump(
        {
            "type": "reset",
            "thread": str(thread),
            "epoch": epoch,
            "position": position,
            "snapshot": snapshot,
        }
    )


def accepted_frame(command_id: str, outcome: dict[str, JsonValue]) -> str:
    """The command with this id was taken; what came of it."""
    return _dump({"type": "accepted", "id": command_id, **outcome})


def error_frame(
    error: ChatKitError, *, command_id: str | None = None, thread: UUID | None = None
) -> str:
    """The command with this id, or the frame without one, changed nothing."""
    frame: dict[str, JsonValue] = {
        "type": "error",
        "code": error.code,
        "message": str(error),
    }
    if command_id is not None:
        frame["id"] = command_id
    if thread is not None:
        frame["thread"] = str(thread)
    retry_after = getattr(error, "retry_after", None)
    if retry_after is not None:
        frame["retryMs"] = round(retry_after * 1000)
    if isinstance(error, AnswerInvalid) and error.errors:
        frame["errors"] = faults_as_json(error)
    return _dump(frame)


def faults_as_json(error: AnswerInvalid) -> list[JsonValue]:
    """What is wrong with an answer, and where."""
    return [
        {"interrupt": fault.interrupt, "field": fault.field, "message": fault.message}
        for fault in error.errors
    ]


def ping_frame() -> str:
    """Answer with ``pong`` to keep your claims."""
    return '{"type":"ping"}'


def threads_changed_frame() -> str:
    """Something in the viewer's list of threads has changed, or may have: read it again."""
    return '{"type":"threads.changed"}'


def approvals_changed_frame() -> str:
    """Others wait now for an approval that the viewer may decide on, or some no more."""
    return '{"type":"approvals.changed"}'


def check_size(frame: str) -> None:
    """Refuse a frame that servers would not send.

    Raises:
        FrameOutsized: It has more than ``MAX_SENT_BYTES`` of UTF-8.
    """
    if 3 * len(frame) > MAX_SENT_BYTES and len(frame.encode()) > MAX_SENT_BYTES:
        raise FrameOutsized(f"A frame of {len(frame)} characters is too large.")


def _dump(frame: dict[str, JsonValue]) -> str:
    """As few bytes as there can be: what is not ASCII stays as it is."""
    return json.dumps(frame, ensure_ascii=False, separators=(",", ":"))
