"""What happened: frozen, numbered, committed first and shown second.

These are the stored events and, in their envelope, the frames of the native protocol. Where AG-UI
has the same thing the fields bear its names. Offsets and lengths of text count UTF-16 code units,
as browsers do. An event's ``type`` never changes its meaning: a new meaning is a new ``version``.

Some facts are for the rows alone (``Inside``): they are neither stored with the event nor shown.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, ClassVar, Literal

from pydantic import ConfigDict, Field, JsonValue
from pydantic.alias_generators import to_camel

from chatkit_app.engine.messages import ProviderData
from chatkit_app.engine.states import (
    Effect,
    Executor,
    FinishReason,
    MessageStatus,
    PartKind,
    PartState,
    Role,
    RunStatus,
    ThreadStatus,
    ToolCallState,
    ToolCallStatus,
)

Inside = Field(exclude=True)


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """What all events share: on the wire, fields are in camelCase and None is null."""

    __pydantic_config__: ClassVar[ConfigDict] = ConfigDict(
        alias_generator=to_camel, populate_by_name=True
    )
    version: ClassVar[int] = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class ThreadChanged(Event):
    """The thread has another title or status."""

    type: Literal["thread.changed"] = "thread.changed"
    title: str
    status: ThreadStatus


@dataclass(frozen=True, slots=True, kw_only=True)
class MessageCreated(Event):
    """A message is there: a user's whole one with its text, or an assistant's, still empty.

    ``client_id`` is the id of the command that sent it, so that the page which did knows its own.
    """

    type: Literal["message.created"] = "message.created"
    message_id: str
    role: Role
    run_id: str | None = None
    client_id: str | None = None
    status: MessageStatus
    content: str | None = None
    created_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class MessageEnded(Event):
    """No more parts will come to this message."""

    type: Literal["message.ended"] = "message.ended"
    message_id: str
    status: MessageStatus


@dataclass(frozen=True, slots=True, kw_only=True)
class MessageHidden(Event):
    """Another branch is shown in this message's place; the message itself is kept."""

    type: Literal["message.hidden"] = "message.hidden"
    message_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class RunChanged(Event):
    """A run has another status. ``answer_id`` is the assistant's message that it writes.

    ``error_code`` and ``error_text`` are there when it failed.
    """

    type: Literal["run.changed"] = "run.changed"
    run_id: str
    status: RunStatus
    answer_id: str
    error_code: str | None = None
    error_text: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class StepStarted(Event):
    """The provider is asked; ``attempt`` counts from 1 how often it was for this ``index``."""

    type: Literal["step.started"] = "step.started"
    run_id: str
    step_id: str
    index: int
    attempt: int = 1
    provider: Annotated[str, Inside] = ""
    model_name: Annotated[str, Inside] = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class StepFinished(Event):
    """The provider said that it is done. Token counts are the provider's."""

    type: Literal["step.finished"] = "step.finished"
    run_id: str
    step_id: str
    finish_reason: FinishReason
    input_tokens: int = 0
    output_tokens: int = 0
    cached_tokens: Annotated[int, Inside] = 0
    reasoning_tokens: Annotated[int, Inside] = 0
    response_id: Annotated[str, Inside] = ""
    model_name: Annotated[str, Inside] = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class StepVoided(Event):
    """What was said in a step is taken back: it broke off, and the provider is asked again.

    ``retry_at`` is when; None: at once. ``error_code`` is the provider's failure, or
    ``run_interrupted`` where the process that asked is gone.
    """

    type: Literal["step.voided"] = "step.voided"
    run_id: str
    step_id: str
    index: int
    attempt: int
    error_code: str
    retry_at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class PartStarted(Event):
    """A part begins; ``index`` is its place in the message.

    A tool call's ``tool_call_id`` is ours; its deltas are the JSON text of its arguments.
    """

    type: Literal["part.started"] = "part.started"
    message_id: str
    part_id: str
    index: int
    kind: PartKind
    step_id: str
    tool_call_id: str | None = None
    tool_call_name: str | None = None
    tool_call_index: Annotated[int, Inside] = 0
    provider_call_id: Annotated[str, Inside] = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class PartDelta(Event):
    """More text of an open part. ``offset`` is the part's length before it, in UTF-16 units."""

    type: Literal["part.delta"] = "part.delta"
    part_id: str
    offset: int
    delta: str


@dataclass(frozen=True, slots=True, kw_only=True)
class PartEnded(Event):
    """No more text comes: ``length`` in UTF-16 units, ``digest`` the hex SHA-256 of its UTF-8.

    ``state`` is ``interrupted`` where the model had not finished it.
    """

    type: Literal["part.ended"] = "part.ended"
    part_id: str
    state: PartState
    length: int
    digest: str
    text: Annotated[str, Inside] = ""
    provider_data: Annotated[ProviderData | None, Inside] = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ToolCallChanged(Event):
    """A call has moved on. ``input`` comes once, when the arguments are read and fit.

    ``executor`` says where it runs: ``waiting`` with ``client`` is a page's to claim and to answer.
    """

    type: Literal["tool_call.changed"] = "tool_call.changed"
    tool_call_id: str
    status: ToolCallStatus
    state: ToolCallState
    executor: Executor | None = None
    input: JsonValue = None
    deadline_at: datetime | None = None
    effect: Annotated[Effect | None, Inside] = None
    schema_digest: Annotated[str, Inside] = ""
    response_schema: Annotated[Mapping[str, JsonValue] | None, Inside] = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ToolCallClaimed(Event):
    """A page runs this call now; ``tab`` is None when the claim was given back."""

    type: Literal["tool_call.claimed"] = "tool_call.claimed"
    tool_call_id: str
    tab: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class ToolCallProgressed(Event):
    """A running server tool tells how far it is. ``fraction`` is 0..1, where it knows."""

    type: Literal["tool_call.progressed"] = "tool_call.progressed"
    tool_call_id: str
    text: str
    fraction: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ToolCallEnded(Event):
    """A call has its one result; it is also a part of its own (``part_id`` at ``index``).

    ``output`` is there when it completed, ``error_code`` and ``error_text`` when it did not.
    """

    type: Literal["tool_call.ended"] = "tool_call.ended"
    tool_call_id: str
    message_id: str
    part_id: str
    index: int
    step_id: str
    status: ToolCallStatus
    state: ToolCallState
    output: JsonValue = None
    error_code: str | None = None
    error_text: str | None = None


AnyEvent = (
    ThreadChanged
    | MessageCreated
    | MessageEnded
    | MessageHidden
    | RunChanged
    | StepStarted
    | StepFinished
    | StepVoided
    | PartStarted
    | PartDelta
    | PartEnded
    | ToolCallChanged
    | ToolCallClaimed
    | ToolCallProgressed
    | ToolCallEnded
)
