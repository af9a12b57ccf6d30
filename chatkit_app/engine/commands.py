"""What is asked of us. A command with an ``id`` may be repeated: the same id gives the same answer."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from uuid import UUID

from pydantic import JsonValue

from chatkit_app.engine.page_tools import PageTool
from chatkit_app.engine.states import Decision


@dataclass(frozen=True, slots=True, kw_only=True)
class Send:
    """Say something; without a thread, in a new one of ``assistant``.

    ``page`` is what the page tells of itself, held against what the assistant declares; ``tools`` are
    those that it declares itself. ``tab`` names the page, which has precedence for client tools.
    """

    id: str
    thread_id: UUID | None
    assistant: str
    text: str
    page: Mapping[str, JsonValue] = field(default_factory=dict)
    tools: tuple[PageTool, ...] = ()
    attachments: tuple[UUID, ...] = ()
    tab: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Regenerate:
    """Answer again what this message of the assistant has answered; it is kept beside the new one."""

    id: str
    thread_id: UUID
    message_id: UUID
    tab: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Edit:
    """Say something else instead of this message of the visitor's; it is kept beside the new one.

    ``attachments`` are those of the new message: some of the old one's, and new ones.
    """

    id: str
    thread_id: UUID
    message_id: UUID
    text: str
    attachments: tuple[UUID, ...] = ()
    page: Mapping[str, JsonValue] = field(default_factory=dict)
    tools: tuple[PageTool, ...] = ()
    tab: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Show:
    """Show the branch that this message is in."""

    id: str
    thread_id: UUID
    message_id: UUID


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    """A member of the staff answers, as a person."""

    id: str
    thread_id: UUID
    text: str


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


@dataclass(frozen=True, slots=True, kw_only=True)
class InterruptAnswer:
    """What one interrupt is answered with; ``decision`` must be one of its kind's (``DECISIONS``).

    ``input``: the edited arguments. ``output``: a client tool's, or the answer to a question.
    ``text``: the reason, the words instead, or the words of an error.
    """

    interrupt_id: UUID
    decision: Decision
    input: JsonValue = None
    output: JsonValue = None
    text: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Resolve:
    """Answer one or several interrupts of one run, all or none.

    Without a thread, that of the interrupts: for whoever approves in other people's threads.
    """

    id: str
    thread_id: UUID | None
    answers: tuple[InterruptAnswer, ...]
    tab: str = ""


Command = (
    Send
    | Regenerate
    | Edit
    | Show
    | Reply
    | Retry
    | Cancel
    | Claim
    | Release
    | Answer
    | Resolve
)
