"""Our own frames, as docs/protocol.md describes them: JSON in, commands out; events in, JSON out.

Whatever a client sends is read here once and strictly: unknown fields, NaN and numbers beyond
2**53 are refused; NUL and lone surrogates, which neither every database nor UTF-8 can hold, too.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Annotated, Literal, NoReturn, Self
from uuid import UUID

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    JsonValue,
    TypeAdapter,
    ValidationError,
    model_validator,
)
from pydantic.alias_generators import to_camel

from chatkit_app.engine.commands import Answer, Cancel, Claim, Release, Retry, Send
from chatkit_app.engine.events import AnyEvent
from chatkit_app.exceptions import (
    ChatKitError,
    FrameTooLarge,
    InvalidCommand,
    UnknownType,
)

VERSION = 1

MAX_SENT_BYTES = 1_048_576
"""A frame of ours: Daphne's WebSockets refuse to send, and many to receive, more than 1 MiB."""
MAX_DEPTH = 32
MAX_SAFE_INTEGER = 2**53 - 1
MAX_PLACE = 80
"""Characters of a field's place that an error repeats."""


def _is_plain_text(text: str) -> bool:
    return "\0" not in text and not any("\ud800" <= char <= "\udfff" for char in text)


def _plain_text(text: str) -> str:
    if not _is_plain_text(text):
        raise ValueError("NUL and lone surrogates are not allowed")
    return text


Text = Annotated[str, AfterValidator(_plain_text)]
Name = Annotated[Text, Field(min_length=1, max_length=64)]


class FrameOutsized(Exception):
    """A bug of ours: whatever makes a frame keeps it small."""


class Frame(BaseModel):
    """What all frames from a client share."""

    model_config = ConfigDict(
        alias_generator=to_camel, extra="forbid", strict=True, frozen=True
    )


class Subscribe(Frame):
    """Send me the thread from here on; without a fitting ``epoch`` and ``position``: a snapshot."""

    type: Literal["subscribe"]
    thread: Annotated[UUID, Field(strict=False)]
    epoch: Name | None = None
    position: Annotated[int, Field(ge=0, le=MAX_SAFE_INTEGER)] | None = None


class Unsubscribe(Frame):
    """No more of this thread."""

    type: Literal["unsubscribe"]
    thread: Annotated[UUID, Field(strict=False)]


class Acknowledge(Frame):
    """I have applied everything up to this position."""

    type: Literal["acknowledge"]
    thread: Annotated[UUID, Field(strict=False)]
    position: Annotated[int, Field(ge=0, le=MAX_SAFE_INTEGER)]


class SendFrame(Frame):
    """See ``commands.Send``."""

    type: Literal["send"]
    id: Name
    thread: Annotated[UUID, Field(strict=False)] | None = None
    assistant: Name
    text: Annotated[Text, Field(min_length=1)]
    page: dict[str, JsonValue] = Field(default_factory=dict)
    tab: Name

    def command(self) -> Send:
        """The command that it stands for."""
        return Send(
            id=self.id,
            thread_id=self.thread,
            assistant=self.assistant,
            text=self.text,
            page=self.page,
            tab=self.tab,
        )


class RetryFrame(Frame):
    """See ``commands.Retry``."""

    type: Literal["retry"]
    id: Name
    thread: Annotated[UUID, Field(strict=False)]
    run: Annotated[UUID, Field(strict=False)]
    tab: Name

    def command(self) -> Retry:
        """The command that it stands for."""
        return Retry(id=self.id, thread_id=self.thread, run_id=self.run, tab=self.tab)


class CancelFrame(Frame):
    """See ``commands.Cancel``."""

    type: Literal["cancel"]
    id: Name
    thread: Annotated[UUID, Field(strict=False)]
    run: Annotated[UUID, Field(strict=False)]

    def command(self) -> Cancel:
        """The command that it stands for."""
        return Cancel(id=self.id, thread_id=self.thread, run_id=self.run)


class ClaimFrame(Frame):
    """See ``commands.Claim``."""

    type: Literal["claim"]
    id: Name
    thread: Annotated[UUID, Field(strict=False)]
    tool_call: Annotated[UUID, Field(strict=False)]
    tab: Name

    def command(self) -> Claim:
        """The command that it stands for."""
        return Claim(thread_id=self.thread, tool_call_id=self.tool_call, tab=self.tab)


class ReleaseFrame(Frame):
    """See ``commands.Release``."""

    type: Literal["release"]
    id: Name
    thread: Annotated[UUID, Field(strict=False)]
    tool_call: Annotated[UUID, Field(strict=False)]
    tab: Name

    def command(self) -> Release:
        """The command that it stands for."""
        return Release(thread_id=self.thread, tool_call_id=self.tool_call, tab=self.tab)


class AnswerFrame(Frame):
    """See ``commands.Answer``; ``error`` and ``output`` exclude each other."""

    type: Literal["answer"]
    id: Name
    thread: Annotated[UUID, Field(strict=False)]
    tool_call: Annotated[UUID, Field(strict=False)]
    tab: Name
    output: JsonValue = None
    error: Annotated[Text, Field(min_length=1, max_length=2000)] | None = None

    @model_validator(mode="after")
    def _check_one_result(self) -> Self:
        if self.error is not None and self.output is not None:
            raise ValueError("output and error exclude each other")
        return self

    def command(self) -> Answer:
        """The command that it stands for."""
        return Answer(
            id=self.id,
            thread_id=self.thread,
            tool_call_id=self.tool_call,
            tab=self.tab,
            output=self.output,
            error=self.error,
        )


class Pong(Frame):
    """I am still here, and so are my claims."""

    type: Literal["pong"]


CommandFrame = (
    SendFrame | RetryFrame | CancelFrame | ClaimFrame | ReleaseFrame | AnswerFrame
)
ClientFrame = CommandFrame | Subscribe | Unsubscribe | Acknowledge | Pong

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
    if len(text) > max_bytes or len(text.encode("utf-8", "surrogatepass")) > max_bytes:
        raise FrameTooLarge(f"A frame may have {max_bytes} bytes.")
    data = _load(text)
    if not isinstance(data, dict):
        raise InvalidCommand("The frame is not an object.")
    _check_values(data)
    try:
        return _client_frames.validate_python(data)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        if first["type"] in ("union_tag_invalid", "union_tag_not_found"):
            raise UnknownType("The frame has no type that we know.") from error
        # An unknown field's name is the client's own text: enough of it to find it, no more.
        where = ".".join(str(step) for step in first["loc"][1:])[:MAX_PLACE]
        raise InvalidCommand(f"{where or 'The frame'}: {first['msg']}") from error


def frame_id(text: str) -> str | None:
    """The ``id`` in a frame that may be wrong in every other way, so that the error can name it."""
    try:
        data = json.loads(text)
    except (ValueError, RecursionError):
        return None
    found = data.get("id") if isinstance(data, dict) else None
    return (
        found
        if isinstance(found, str) and 0 < len(found) <= 64 and _is_plain_text(found)
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
        if isinstance(value, str) and not _is_plain_text(value):
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
    return _dump(frame)


def ping_frame() -> str:
    """Answer with ``pong`` to keep your claims."""
    return '{"type":"ping"}'


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
