"""The shapes of what is answered about links to threads, and to whoever has one."""

from __future__ import annotations

from typing import Literal

from typing_extensions import TypedDict

from chatkit_app.api.shapes import AuthorJson, Moment
from chatkit_app.engine.states import Role, ToolCallStatus


class ShareJson(TypedDict):
    """A link by which a thread can be read up to ``message``; null: it was not revoked."""

    id: str
    message: str
    createdAt: Moment
    expiresAt: Moment
    revokedAt: Moment | None


class NewShareJson(ShareJson):
    """The same once it is made: ``url`` is the path of its page; the token is told here alone."""

    url: str
    token: str


class SharesJson(TypedDict):
    """A page of a thread's links, the newest first."""

    next: str | None
    previous: str | None
    results: list[ShareJson]


class SharedTextJson(TypedDict):
    """What was said."""

    type: Literal["text"]
    content: str


class SharedFileJson(TypedDict):
    """That there was a file."""

    type: Literal["file"]
    name: str
    mediaType: str


class SharedCallJson(TypedDict):
    """That a tool was called, and how that has ended."""

    type: Literal["tool-call"]
    name: str
    status: ToolCallStatus


class SharedMessageJson(TypedDict):
    """A message, as whoever has the link reads it."""

    role: Role
    author: AuthorJson | None
    createdAt: Moment
    parts: list[SharedTextJson | SharedFileJson | SharedCallJson]


class SharedJson(TypedDict):
    """A page of a shared thread, the oldest message first; ``next`` is an address."""

    title: str
    assistant: str
    createdAt: Moment
    expiresAt: Moment
    messages: list[SharedMessageJson]
    next: str | None
