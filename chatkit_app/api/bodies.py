"""What a client sends over HTTP: JSON, not too much of it, and read as strictly as a frame."""

from __future__ import annotations

from collections.abc import Mapping
from typing import IO, Annotated, Any, Literal, TypeVar
from uuid import UUID

from pydantic import Field, JsonValue
from rest_framework.exceptions import UnsupportedMediaType
from rest_framework.parsers import BaseParser
from rest_framework.request import Request

from chatkit_app.conf import settings
from chatkit_app.engine.commands import (
    Cancel,
    Edit,
    Regenerate,
    Resolve,
    Retry,
    Send,
    Show,
)
from chatkit_app.engine.states import ThreadStatus
from chatkit_app.exceptions import FrameTooLarge, InvalidCommand
from chatkit_app.protocols import native
from chatkit_app.protocols.native_frames import (
    MAX_ATTACHMENTS,
    Frame,
    InterruptAnswerFrame,
    Name,
    Text,
)
from chatkit_app.threads.editing import Changes

JSON = "application/json"
OUTPUTS = 4
"""How many of the largest outputs a body may hold: a batch of answers, and JSON's own signs."""


def max_bytes() -> int:
    """What a body may have; never less than a frame of the socket."""
    return max(settings.MAX_FRAME_BYTES, OUTPUTS * settings.MAX_OUTPUT_BYTES)


class Answers(Frame):
    """See ``commands.Resolve``. As the frame of a socket, but that it may come from no page at all."""

    type: Literal["resolve"] = "resolve"
    id: Name
    thread: Annotated[UUID, Field(strict=False)] | None = None
    answers: Annotated[list[InterruptAnswerFrame], Field(min_length=1, max_length=50)]
    tab: Name = "http"

    def command(self) -> Resolve:
        """The command that it stands for."""
        return Resolve(
            id=self.id,
            thread_id=self.thread,
            answers=tuple(answer.command() for answer in self.answers),
            tab=self.tab,
        )


Title = Annotated[Text, Field(max_length=200)]
Value = Annotated[Text, Field(max_length=500)] | bool | int | float | None
Metadata = Annotated[dict[Name, Value], Field(max_length=50)]
"""Notes of the client's own: flat, so that they stay notes."""
Id = Annotated[UUID, Field(strict=False)]


class Nothing(Frame):
    """A request that says everything by its address."""


class NewThread(Frame):
    """``POST threads/``."""

    assistant: Name
    title: Title = ""
    metadata: Metadata = Field(default_factory=dict)
    external_id: Annotated[Text, Field(min_length=1, max_length=200)] | None = None


class NewFork(Frame):
    """``POST threads/<id>/messages/<mid>/fork/``."""

    title: Title = ""
    external_id: Annotated[Text, Field(min_length=1, max_length=200)] | None = None


class ThreadChanges(Frame):
    """``PATCH threads/<id>/``: what is not named stays."""

    title: Title | None = None
    metadata: Metadata | None = None
    status: Literal["open", "archived"] | None = None
    pinned: bool | None = None

    def changes(self) -> Changes:
        """As the use case takes it."""
        return Changes(
            title=self.title,
            metadata=self.metadata,
            status=ThreadStatus(self.status) if self.status else None,
            is_pinned=self.pinned,
        )


def not_blank(schema: dict[str, Any]) -> None:
    """Add to a text's schema that something has to stand in it, and not too much."""
    schema["pattern"] = r"^[^\u0000]*[^\s\u0000][^\u0000]*$"
    schema["maxLength"] = settings.MAX_MESSAGE_CHARS


class Said(Frame):
    """What a visitor says, in a thread that the address names."""

    id: Name
    # What the service holds it to, for the schema.
    text: Annotated[Text, Field(json_schema_extra=not_blank)]
    attachments: Annotated[list[Id], Field(max_length=MAX_ATTACHMENTS)] = Field(
        default_factory=list
    )
    page: dict[str, JsonValue] = Field(default_factory=dict)
    tab: Name = "http"

    def send(self, thread: UUID | None, assistant: str) -> Send:
        """The command to say it."""
        return Send(
            id=self.id,
            thread_id=thread,
            assistant=assistant,
            text=self.text,
            attachments=tuple(self.attachments),
            page=self.page,
            tab=self.tab,
        )

    def edit(self, thread: UUID, message: UUID) -> Edit:
        """The command to say it instead of a message."""
        return Edit(
            id=self.id,
            thread_id=thread,
            message_id=message,
            text=self.text,
            attachments=tuple(self.attachments),
            page=self.page,
            tab=self.tab,
        )


class FirstSaid(Said):
    """The same with a new thread of this assistant."""

    assistant: Name


class Asked(Frame):
    """A command about what the address names; ``id`` is the client's own."""

    id: Name
    tab: Name = "http"

    def regenerate(self, thread: UUID, message: UUID) -> Regenerate:
        """The command to answer again."""
        return Regenerate(
            id=self.id, thread_id=thread, message_id=message, tab=self.tab
        )

    def show(self, thread: UUID, message: UUID) -> Show:
        """The command to show a branch."""
        return Show(id=self.id, thread_id=thread, message_id=message)

    def retry(self, thread: UUID, run: UUID) -> Retry:
        """The command to try again."""
        return Retry(id=self.id, thread_id=thread, run_id=run, tab=self.tab)

    def cancel(self, thread: UUID, run: UUID) -> Cancel:
        """The command to end a run."""
        return Cancel(id=self.id, thread_id=thread, run_id=run)


B = TypeVar("B", bound=Frame)


def read_body(kind: type[B], text: object) -> B:
    """What ``TextParser`` has read; where nothing is required, nothing may be sent.

    Raises:
        InvalidCommand: It is not JSON, holds what can't be stored, or is no such body.
    """
    body = text if isinstance(text, str) else ""
    if not body.strip():
        body = "{}"
    return native.read_as(kind, native.read_object(body, max_bytes=max_bytes()))


class TextParser(BaseParser):
    """The body as text; whoever asked for it decodes it."""

    media_type = JSON

    def parse(
        self,
        stream: IO[Any],
        media_type: str | None = None,
        parser_context: Mapping[str, Any] | None = None,
    ) -> Any:
        """Read as much as is allowed, and one byte more to know that it is too much.

        Raises:
            FrameTooLarge: It is longer, whatever it said of its length.
            InvalidCommand: It is no UTF-8.
        """
        limit = max_bytes()
        body: bytes = stream.read(limit + 1)
        if len(body) > limit:
            raise too_large(limit)
        try:
            return body.decode()
        except UnicodeDecodeError as error:
            raise InvalidCommand("The body is not UTF-8.") from error


def check_body(request: Request) -> None:
    """Refuse by its headers what would not be taken, before anybody reads it.

    Raises:
        UnsupportedMediaType: It is not JSON.
        FrameTooLarge: It says that it is too long.
    """
    length = request.META.get("CONTENT_LENGTH") or "0"
    kind = str(request.content_type or "").partition(";")[0].strip().lower()
    if kind != JSON and (kind or length != "0"):
        raise UnsupportedMediaType(kind)
    limit = max_bytes()
    if str(length).isdigit() and int(length) > limit:
        raise too_large(limit)


def too_large(limit: int) -> FrameTooLarge:
    """The refusal, with the limit in bytes."""
    return FrameTooLarge(f"A request may have {limit} bytes.")
