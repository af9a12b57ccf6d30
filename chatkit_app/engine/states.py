"""The words for where things stand. Models take their choices, frames their values from here."""

from __future__ import annotations

from enum import StrEnum


class ThreadStatus(StrEnum):
    """Whether a thread takes messages."""

    OPEN = "open"
    LOCKED = "locked"
    ARCHIVED = "archived"


class TitleSource(StrEnum):
    """Who wrote a thread's title: what a person wrote is never written over."""

    MESSAGE = "message"
    MODEL = "model"
    PERSON = "person"


class Role(StrEnum):
    """Who speaks in a message."""

    USER = "user"
    ASSISTANT = "assistant"
    SYSTEM = "system"


class MessageStatus(StrEnum):
    """``interrupted``: it ended before the model had finished (cancel, crash, error)."""

    OPEN = "open"
    COMPLETE = "complete"
    INTERRUPTED = "interrupted"


class PartKind(StrEnum):
    """What a part of a message is."""

    TEXT = "text"
    REASONING = "reasoning"
    TOOL_CALL = "tool-call"
    TOOL_RESULT = "tool-result"
    FILE = "file"
    SOURCE = "source"
    DATA = "data"


class PartState(StrEnum):
    """``error`` is for tool results only."""

    STREAMING = "streaming"
    COMPLETE = "complete"
    INTERRUPTED = "interrupted"
    ERROR = "error"


class RunStatus(StrEnum):
    """Where one answer in the making stands; the last three are final."""

    QUEUED = "queued"
    IN_PROGRESS = "in_progress"
    REQUIRES_ACTION = "requires_action"
    CANCELLING = "cancelling"
    COMPLETED = "completed"
    FAILED = "failed"
    CANCELLED = "cancelled"


ACTIVE_RUN_STATUSES = (
    RunStatus.QUEUED,
    RunStatus.IN_PROGRESS,
    RunStatus.REQUIRES_ACTION,
    RunStatus.CANCELLING,
)


class StepStatus(StrEnum):
    """``void``: asked again, its parts are kept for the admin and never sent to the model."""

    OPEN = "open"
    COMPLETE = "complete"
    VOID = "void"
    FAILED = "failed"


class ToolCallStatus(StrEnum):
    """What is stored and moved by the server alone; what people see is ``ToolCallState``."""

    STREAMING = "streaming"
    QUEUED = "queued"
    RUNNING = "running"
    WAITING = "waiting"
    COMPLETED = "completed"
    FAILED = "failed"
    CANCELLED = "cancelled"


OPEN_TOOL_CALL_STATUSES = (
    ToolCallStatus.STREAMING,
    ToolCallStatus.QUEUED,
    ToolCallStatus.RUNNING,
    ToolCallStatus.WAITING,
)


class ToolCallState(StrEnum):
    """What people see of a tool call's way; a settled call keeps its last one."""

    AWAITING_INPUT = "awaiting-input"
    INPUT_STREAMING = "input-streaming"
    INPUT_COMPLETE = "input-complete"
    APPROVAL_REQUESTED = "approval-requested"
    APPROVAL_RESPONDED = "approval-responded"


def shown_state(
    status: str, *, has_arguments: bool, is_responded: bool | None = None
) -> ToolCallState:
    """The state that people see, from what is stored.

    ``is_responded``: None where nobody was asked, False while somebody is, True from the answer on,
    whatever it was.
    """
    if is_responded is not None:
        return (
            ToolCallState.APPROVAL_RESPONDED
            if is_responded
            else ToolCallState.APPROVAL_REQUESTED
        )
    if status != ToolCallStatus.STREAMING:
        return ToolCallState.INPUT_COMPLETE
    return (
        ToolCallState.INPUT_STREAMING if has_arguments else ToolCallState.AWAITING_INPUT
    )


class Executor(StrEnum):
    """Where a tool runs."""

    SERVER = "server"
    CLIENT = "client"
    JOB = "job"
    PROVIDER = "provider"


class WaitsFor(StrEnum):
    """For whom a waiting call waits. A page and a person are asked by an interrupt, a job is not."""

    CLIENT = "client"
    PERSON = "person"
    JOB = "job"


class Effect(StrEnum):
    """What repeating a call would do; it decides what happens after a crash."""

    ONCE = "once"
    IDEMPOTENT = "idempotent"
    READ = "read"


class InterruptKind(StrEnum):
    """What is asked of the outside."""

    CLIENT_TOOL = "client_tool"
    APPROVAL = "approval"
    QUESTION = "question"
    GENERIC = "generic"


class InterruptStatus(StrEnum):
    """Whether the outside has answered."""

    OPEN = "open"
    ANSWERED = "answered"
    EXPIRED = "expired"
    CANCELLED = "cancelled"


class Decision(StrEnum):
    """What the outside makes of an interrupt.

    Of an approval: ``approve``, ``edit`` (with other arguments), ``deny``, ``respond`` (in words,
    instead). Of a question: ``answer`` or ``skip``. Of a client tool: ``answer`` with its output, or
    ``fail`` with the words of what it threw.
    """

    APPROVE = "approve"
    EDIT = "edit"
    DENY = "deny"
    RESPOND = "respond"
    ANSWER = "answer"
    SKIP = "skip"
    FAIL = "fail"


DECISIONS = {
    InterruptKind.APPROVAL: (
        Decision.APPROVE,
        Decision.EDIT,
        Decision.DENY,
        Decision.RESPOND,
    ),
    InterruptKind.QUESTION: (Decision.ANSWER, Decision.SKIP),
    InterruptKind.CLIENT_TOOL: (Decision.ANSWER, Decision.FAIL),
}
"""What each kind of interrupt may be answered with."""


class Approver(StrEnum):
    """Who has to approve a call: the thread's owner, or anybody who holds a permission."""

    VISITOR = "visitor"
    STAFF = "staff"


class FinishReason(StrEnum):
    """Why a provider ended a step; ``stop`` and ``tool_calls`` are whole answers."""

    STOP = "stop"
    TOOL_CALLS = "tool_calls"
    LENGTH = "length"
    CONTENT_FILTER = "content_filter"


class CommandKind(StrEnum):
    """What can be asked of us and is remembered as a row."""

    SEND = "send"
    RETRY = "retry"
    ANSWER = "answer"
    RESOLVE = "resolve"
    CANCEL = "cancel"
    REGENERATE = "regenerate"
    EDIT = "edit"
    SHOW = "show"
    REPLY = "reply"


class AttachmentStatus(StrEnum):
    """Whether a message has taken the file; until then it may expire."""

    WAITING = "waiting"
    SENT = "sent"


class FeedbackKind(StrEnum):
    """How somebody liked an answer."""

    UP = "up"
    DOWN = "down"
