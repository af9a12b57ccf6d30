"""What happened: frozen, numbered, committed first and shown second.

These are the stored events and, in their envelope, the frames of the native protocol. Where AG-UI
has the same thing the fields bear its names. Offsets and lengths of text count UTF-16 code units,
as browsers do. An event's ``type`` never changes its meaning: a new meaning is a new ``version``.

Some facts are for the rows alone (``Inside``): they are neither stored with the event nor shown.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, ClassVar, Literal

from pydantic import ConfigDict, Field, JsonValue
from pydantic.alias_generators import to_camel

from chatkit_app.engine.messages import ProviderData
from chatkit_app.engine.states import (
    Approver,
    Decision,
    Effect,
    Executor,
    FeedbackKind,
    FinishReason,
    InterruptKind,
    MessageStatus,
    PartKind,
    PartState,
    Role,
    RunStatus,
    ThreadStatus,
    ToolCallState,
    ToolCallStatus,
    WaitsFor,
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
class FileTold(Event):
    """A file of a message, as a page needs it. ``name`` and ``media_type`` are untrusted text.

    ``size`` in bytes; without an attachment (and a ``url``) the file is gone.
    """

    part_id: str
    index: int
    attachment_id: str | None
    name: str
    media_type: str
    size: int
    url: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class AuthorTold(Event):
    """The member of the staff who has written a message."""

    name: str


@dataclass(frozen=True, slots=True, kw_only=True)
class MessageCreated(Event):
    """A message is there: whole, if a person has written it, or an assistant's, still empty.

    ``client_id`` is the id of the command that sent it, so that the page which did knows its own.
    ``siblings`` are all that were ever said in its place, the oldest first and itself among them;
    none where it is the only one.
    """

    type: Literal["message.created"] = "message.created"
    message_id: str
    role: Role
    run_id: str | None = None
    client_id: str | None = None
    status: MessageStatus
    content: str | None = None
    created_at: datetime
    parent_id: str | None = None
    siblings: Sequence[str] = ()
    author: AuthorTold | None = None
    files: Sequence[FileTold] = ()


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
class MessageRated(Event):
    """The thread's owner likes an answer, or doesn't; None: they have taken that back."""

    type: Literal["message.rated"] = "message.rated"
    message_id: str
    feedback: FeedbackKind | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class BranchShown(Event):
    """Another branch is shown from this message on: whoever shows the thread reads it again."""

    type: Literal["branch.shown"] = "branch.shown"
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
    input_tokens: Annotated[int, Inside] = 0
    output_tokens: Annotated[int, Inside] = 0
    cached_tokens: Annotated[int, Inside] = 0
    reasoning_tokens: Annotated[int, Inside] = 0


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
class InterruptTold(Event):
    """Something that is asked of the outside, as pages, the history API and the admin are told of it.

    ``schema`` is that of the expected answer: a client tool's output, a call's arguments as they may
    be edited, a question's answer. ``form`` is the HTML of a form, where there is one.
    """

    id: str
    kind: InterruptKind
    tool_call_id: str
    key: str = ""
    message: str = ""
    schema: Mapping[str, JsonValue] | None = None
    form: str | None = None
    approver: Approver | None = None
    expires_at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ApprovalTold(Event):
    """Whether a person lets a call run. ``id`` is the interrupt's; the rest is null until the answer.

    ``approved`` is false also where the person has answered in words instead (``respond``).
    """

    id: str
    needs_approval: bool = True
    approved: bool | None = None
    decision: Decision | None = None
    reason: str | None = None
    by: Approver | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ToolCallChanged(Event):
    """A call has moved on. ``input`` comes once, when the arguments are read and fit.

    ``interrupt`` is what it waits for now, None where it waits for nobody or for a job. ``approval``
    and ``edited_input`` come where they have changed.
    """

    type: Literal["tool_call.changed"] = "tool_call.changed"
    tool_call_id: str
    status: ToolCallStatus
    state: ToolCallState
    executor: Executor | None = None
    input: JsonValue = None
    edited_input: JsonValue = None
    waits_for: WaitsFor | None = None
    interrupt: InterruptTold | None = None
    approval: ApprovalTold | None = None
    deadline_at: datetime | None = None
    effect: Annotated[Effect | None, Inside] = None
    schema_digest: Annotated[str, Inside] = ""
    permission: Annotated[str, Inside] = ""
    is_our_job: Annotated[bool, Inside] = False
    request: Annotated[Mapping[str, JsonValue] | None, Inside] = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ToolCallClaimed(Event):
    """A page runs this call now; ``tab`` is None when the claim was given back."""

    type: Literal["tool_call.claimed"] = "tool_call.claimed"
    tool_call_id: str
    tab: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Notice(Event):
    """Words of a tool for the visitor; text, never HTML."""

    level: Literal["info", "warning", "danger"] = "info"
    title: str = ""
    text: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class ToolCallProgressed(Event):
    """What an open call tells of itself: the newest of each, so that the last event says it all.

    ``fraction`` is 0..1, where it knows; ``preliminary`` is its output as far as it has come.
    """

    type: Literal["tool_call.progressed"] = "tool_call.progressed"
    tool_call_id: str
    text: str
    fraction: float | None = None
    preliminary: JsonValue = None
    notice: Notice | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class EffectTold(Event):
    """Something for the page to do, once, if it knows how to; nobody answers.

    ``tab`` is the page that has sent the message: it alone may want to act on it.
    """

    type: Literal["effect"] = "effect"
    tool_call_id: str
    name: str
    data: JsonValue = None
    tab: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class ToolCallEnded(Event):
    """A call has its one result; it is also a part of its own (``part_id`` at ``index``).

    ``output`` is there when it completed, ``error_code`` and ``error_text`` when it did not. Whatever
    it waited for, it waits no more. ``approval`` comes where the answer to it ended the call.
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
    approval: ApprovalTold | None = None


AnyEvent = (
    ThreadChanged
    | MessageCreated
    | MessageEnded
    | MessageHidden
    | MessageRated
    | BranchShown
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
    | EffectTold
)
