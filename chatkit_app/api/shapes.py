"""The shapes of the answers, for the schema and for the type checker: what a client may rely on."""

from __future__ import annotations

from typing import Any, Literal, NotRequired

from pydantic import ConfigDict, with_config
from typing_extensions import TypedDict

from chatkit_app.engine.states import (
    FeedbackKind,
    InterruptKind,
    MessageStatus,
    PartKind,
    Role,
    RunStatus,
    StepStatus,
    ThreadStatus,
    ToolCallStatus,
)

Moment = str
"""ISO 8601 in UTC."""
OPEN = ConfigDict(extra="allow")
"""More may be in it: by its kind, or in a later version."""


class FaultJson(TypedDict):
    """What is wrong at one place of an answer; ``field`` is dotted, empty for the whole."""

    interrupt: str
    field: str
    message: str


class ErrorJson(TypedDict):
    """Whatever went wrong: the code is stable, the message is for people."""

    code: str
    message: str
    retryMs: NotRequired[int]
    errors: NotRequired[list[FaultJson]]


class RunGlimpse(TypedDict):
    """The newest run of a thread."""

    id: str
    status: RunStatus
    errorCode: str | None


class HitJson(TypedDict):
    """The newest message that a search has found in a thread."""

    message: str
    shown: bool
    excerpt: str


class ThreadJson(TypedDict):
    """A thread in its owner's list; ``hit`` where the list is a search's."""

    id: str
    assistant: str
    title: str
    status: ThreadStatus
    createdAt: Moment
    lastActivityAt: Moment
    unread: bool
    pinned: bool
    metadata: dict[str, Any]
    run: RunGlimpse | None
    hit: NotRequired[HitJson | None]


class ThreadsJson(TypedDict):
    """A page of threads, newest activity first; ``next`` and ``previous`` are addresses."""

    next: str | None
    previous: str | None
    results: list[ThreadJson]


class DeletedJson(TypedDict):
    """A thread that can be restored until then."""

    id: str
    undoUntil: Moment


class AuthorJson(TypedDict):
    """The member of the staff who has written a message."""

    name: str


@with_config(OPEN)
class PartJson(TypedDict):
    """A piece of a message; the rest is its kind's."""

    type: PartKind
    partId: str
    index: int
    stepId: str | None


@with_config(OPEN)
class MessageJson(TypedDict):
    """A message, as snapshots have it."""

    id: str
    role: Role
    status: MessageStatus
    clientId: str | None
    runId: str | None
    createdAt: Moment
    parentId: str | None
    siblings: list[str]
    author: AuthorJson | None
    feedback: FeedbackKind | None
    parts: list[PartJson]


class MessagesJson(TypedDict):
    """A page of messages, oldest first, and the place in the log as of which it is true."""

    results: list[MessageJson]
    earlier: bool
    later: bool
    epoch: str
    position: int


class SiblingsJson(TypedDict):
    """All that was ever said in one place."""

    results: list[MessageJson]


class AcceptedJson(TypedDict):
    """The command was taken; ``run`` is what it has started or ended."""

    id: str
    thread: str
    run: NotRequired[str]
    message: NotRequired[str]


class UsageSums(TypedDict):
    """Tokens, and money as text; null where nothing has a price."""

    inputTokens: int
    cachedTokens: int
    outputTokens: int
    reasoningTokens: int
    cost: str | None


class TimingsJson(TypedDict):
    """Milliseconds since the run was asked for; null: not yet."""

    queuedMs: int | None
    firstTokenMs: int | None
    totalMs: int | None


class CodeAndText(TypedDict):
    """Why something failed."""

    code: str
    text: str


class StepJson(TypedDict):
    """One request to the model."""

    id: str
    index: int
    attempt: int
    status: StepStatus
    model: str
    finishReason: str | None
    errorCode: str | None
    createdAt: Moment
    firstTokenMs: int | None
    totalMs: int | None
    usage: UsageSums


class RunJson(TypedDict):
    """One answer in the making; ``prompt`` and ``answer`` are messages."""

    id: str
    thread: str
    status: RunStatus
    prompt: str
    answer: str
    model: str
    error: CodeAndText | None
    createdAt: Moment
    finishedAt: Moment | None
    timings: TimingsJson
    usage: UsageSums
    steps: list[StepJson]


class RunsJson(TypedDict):
    """A page of runs, the newest first."""

    next: str | None
    previous: str | None
    results: list[RunJson]


class ToolCallJson(TypedDict):
    """One call of a tool, as its thread's owner sees it."""

    id: str
    thread: str
    run: str
    name: str
    status: ToolCallStatus
    executor: str | None
    arguments: str
    input: Any
    editedInput: Any
    output: Any
    error: CodeAndText | None
    progress: Any
    createdAt: Moment
    startedAt: Moment | None
    finishedAt: Moment | None
    deadlineAt: Moment | None


class ToolCallsJson(TypedDict):
    """A page of calls, the newest first."""

    next: str | None
    previous: str | None
    results: list[ToolCallJson]


class InterruptJson(TypedDict):
    """What is asked of a person or a page."""

    id: str
    kind: InterruptKind
    key: str
    toolCallId: str | None
    message: str
    schema: dict[str, Any] | None
    form: str | None
    approver: str | None
    expiresAt: Moment | None
    thread: str
    assistant: str
    name: str
    input: Any
    createdAt: Moment


class InterruptsJson(TypedDict):
    """A page of what waits for me."""

    next: str | None
    previous: str | None
    results: list[InterruptJson]


class ResolvedJson(TypedDict):
    """The answers were taken, all of them."""

    id: str
    thread: str
    interrupts: list[str]


class FeedbackJson(TypedDict):
    """How the owner liked an answer; null: nothing was said."""

    kind: FeedbackKind | None
    reasons: list[str]
    comment: str
    ratedAt: Moment | None


class AttachmentJson(TypedDict):
    """A file; it waits until ``expiresAt`` for the message that takes it."""

    id: str
    name: str
    mediaType: str
    size: int
    url: str
    expiresAt: Moment | None


class ErasedJson(TypedDict):
    """How many threads there were."""

    threads: int


@with_config(OPEN)
class CountLeft(TypedDict):
    """Messages or tokens."""

    limit: int
    used: int
    left: int


class MoneyLeft(TypedDict):
    """Decimals in a text, in the currency of the site's prices."""

    limit: str
    used: str
    left: str


class BudgetJson(TypedDict):
    """One budget; the last three are null where nothing limits them, and where it is shared."""

    who: Literal[
        "viewer", "user", "visitor", "member", "visitors", "group", "everybody"
    ]
    assistant: str | None
    per: Literal["day", "month"]
    until: Moment
    isShared: bool
    isSpent: bool
    messages: CountLeft | None
    tokens: CountLeft | None
    money: MoneyLeft | None


class BudgetsJson(TypedDict):
    """My budgets, and what is left of them."""

    budgets: list[BudgetJson]


Binary = Literal["binary"]
"""In the place of a shape: a file."""
