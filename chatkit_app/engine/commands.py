"""What is asked of us. A command with an ``id`` may be repeated: the same id gives the same answer."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from uuid import UUID

from pydantic import JsonValue


@dataclass(frozen=True, slots=True, kw_only=True)
class Send:
    """Say something; without a thread, in a new one of ``assistant``.

    ``page`` is what the page tells of itself (for the instructions, validated by nobody);
    ``tab`` names the page that sent it, which has precedence for client tools.
    """

    id: str
    thread_id: UUID | None
    assistant: str
    text: str
    page: Mapping[str, JsonValue] = field(default_factory=dict)
    tab: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Retry:
    """Answer again what a failed, cancelled or interrupted run was to answer."""

    id: str
    thread_id: UUID
    run_id: UUID
    tab: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Cancel:
    """End a run; what it has written so far stays."""

    id: str
    thread_id: UUID
    run_id: UUID


@dataclass(frozen=True, slots=True, kw_only=True)
class Claim:
    """A page wants to run a client tool's call; alone."""

    thread_id: UUID
    tool_call_id: UUID
    tab: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Release:
    """A page gives its claim back."""

    thread_id: UUID
    tool_call_id: UUID
    tab: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What a client tool returned, or, in ``error``, the words of what it threw."""

    id: str
    thread_id: UUID
    tool_call_id: UUID
    tab: str
    output: JsonValue = None
    error: str | None = None


Command = Send | Retry | Cancel | Claim | Release | Answer
