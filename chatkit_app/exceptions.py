"""The error tree. ``code`` is the stable word that clients switch on; the message may change.

ChatKitError
├── InvalidCommand          invalid_command       the client's frame or request is wrong
│   ├── FrameTooLarge       frame_too_large       over the app's limit
│   ├── InvalidPage         invalid_page          the page tells of itself what nobody declared
│   └── UnknownType         unknown_type          a type of frame that we don't know
├── ThreadNotFound          thread_not_found      missing, or not theirs: never said which
├── MessageNotFound         message_not_found     the thread has no such message
├── CursorNotFound          cursor_not_found      a page's cursor, of another list or none of ours
├── AssistantNotFound       assistant_not_found   nobody has declared one of this name
├── RunNotFound             run_not_found         missing, or not theirs
├── NotAllowed              not_allowed           theirs to see, not to do
├── AttachmentNotFound      attachment_not_found  missing, not theirs, expired, or sent already
├── AttachmentRefused       attachment_refused    no file, an empty one, or not what it looks like
│   ├── AttachmentTooLarge    attachment_too_large     over the app's limit
│   ├── AttachmentTypeRefused attachment_type_refused  of a type that nobody takes here
│   └── TooManyAttachments    too_many_attachments     in one message, or waiting to be sent
├── NoViewer                no_viewer             neither a user nor a visitor is at the door
├── CommandConflict         command_conflict      the same id was used for another command
├── RunConflict             run_conflict          a run is active
│   └── ApprovalPending     approval_pending      it waits for somebody of the staff
├── RateLimited             rate_limited          too many messages or runs; ``retry_after`` seconds
├── AnswerRefused
│   ├── CallNotFound        call_not_found        unknown, or not theirs
│   ├── InterruptNotFound   interrupt_not_found   unknown, or not theirs
│   ├── AnswerDuplicate     answer_duplicate      another answer was accepted before
│   ├── AnswerLate          answer_late           the call is closed: cancelled or past its deadline
│   ├── AnswerInvalid       answer_invalid        it does not fit what was asked; that stays open
│   ├── NotKnownHere        not_known_here        this process does not know the tool: newer code may
│   └── ClaimHeld           claim_held            another page runs this call; ``retry_after`` seconds
├── LeaseLost               lease_lost            (inside) another process owns the run now
├── IllegalMove             illegal_move          a bug of ours: a status that can't follow
├── RunError
│   ├── ProviderError       provider_error        ``retryable``; the vendor's error is chained
│   │   ├── ProviderRateLimited       provider_rate_limited
│   │   ├── ProviderUnavailable       provider_unavailable      5xx, connect, stall, broken stream
│   │   ├── ProviderRejected          provider_rejected         4xx: the request, the key, the model
│   │   └── ProviderContextExceeded   provider_context_exceeded the history is too long for the model
│   ├── StepLimitExceeded   step_limit_exceeded
│   ├── CallLimitExceeded   call_limit_exceeded
│   ├── TokenLimitExceeded  token_limit_exceeded
│   ├── TimeLimitExceeded   time_limit_exceeded
│   ├── BudgetSpent         budget_spent          also refuses a message; ``retry_after`` seconds
│   ├── RedactionFailed     redaction_failed      also refuses a message: the site's redactor is broken
│   └── RunInterrupted      run_interrupted       its process died in the middle of an answer
└── ToolError               tool_error            raised by a tool: its text is what the model reads
    └── ToolCancelled       tool_cancelled        raised for a tool: nobody wants its result any more
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any


class ChatKitError(Exception):
    """The root of everything that this app raises on purpose."""

    code = "chatkit_error"


class InvalidCommand(ChatKitError):
    """The client's frame or request is wrong; nothing was changed."""

    code = "invalid_command"


class FrameTooLarge(InvalidCommand):
    """The frame is over ``CHATKIT_MAX_FRAME_BYTES``."""

    code = "frame_too_large"


class InvalidPage(InvalidCommand):
    """What the page tells of itself is not what its assistant has declared; the words say where."""

    code = "invalid_page"


class UnknownType(InvalidCommand):
    """The frame's ``type`` is not one that we know."""

    code = "unknown_type"


class ThreadNotFound(ChatKitError):
    """The thread is missing or somebody else's; which of the two is never said."""

    code = "thread_not_found"


class MessageNotFound(ChatKitError):
    """The thread has no such message."""

    code = "message_not_found"


class CursorNotFound(ChatKitError):
    """A page's cursor is forged, or belongs to another list, other filters or somebody else."""

    code = "cursor_not_found"


class AssistantNotFound(ChatKitError):
    """There is no assistant of this name."""

    code = "assistant_not_found"


class RunNotFound(ChatKitError):
    """The run is missing, or in somebody else's thread."""

    code = "run_not_found"


class NotAllowed(ChatKitError):
    """The viewer may see it but not do this with it."""

    code = "not_allowed"


class AttachmentNotFound(ChatKitError):
    """The file is missing, somebody else's, expired, or a message has taken it already."""

    code = "attachment_not_found"


class AttachmentRefused(ChatKitError):
    """The upload brought no file, an empty one, or one that is not what it pretends to be."""

    code = "attachment_refused"


class AttachmentTooLarge(AttachmentRefused):
    """The file is over ``CHATKIT_MAX_ATTACHMENT_BYTES``."""

    code = "attachment_too_large"


class AttachmentTypeRefused(AttachmentRefused):
    """By its bytes the file is of a type that no assistant takes."""

    code = "attachment_type_refused"


class TooManyAttachments(AttachmentRefused):
    """One message has too many files, or the viewer has too many that wait to be sent."""

    code = "too_many_attachments"


class NoViewer(ChatKitError):
    """Neither a user nor a visitor is at the door."""

    code = "no_viewer"


class CommandConflict(ChatKitError):
    """The id of this command was used before, for another command."""

    code = "command_conflict"


class RunConflict(ChatKitError):
    """The thread has an active run."""

    code = "run_conflict"


class ApprovalPending(RunConflict):
    """The run waits for the approval of somebody else: the visitor's next message must wait, too."""

    code = "approval_pending"


class RateLimited(ChatKitError):
    """A limit per viewer is reached; ``retry_after`` is in seconds."""

    code = "rate_limited"

    def __init__(self, message: str, *, retry_after: float) -> None:
        super().__init__(message)
        self.retry_after = retry_after


class AnswerRefused(ChatKitError):
    """A page's claim or output of a tool call was not taken."""

    code = "answer_refused"


class CallNotFound(AnswerRefused):
    """The tool call is unknown or in somebody else's thread."""

    code = "call_not_found"


class AnswerDuplicate(AnswerRefused):
    """Another answer to this tool call was accepted before."""

    code = "answer_duplicate"


class AnswerLate(AnswerRefused):
    """The tool call is closed: cancelled, superseded or past its deadline."""

    code = "answer_late"


class InterruptNotFound(AnswerRefused):
    """What is answered is unknown or in somebody else's thread."""

    code = "interrupt_not_found"


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """What is wrong at one place of an answer; ``field`` is dotted, empty for the whole."""

    field: str
    message: str
    interrupt: str = ""


class AnswerInvalid(AnswerRefused):
    """The answer does not fit what was asked for; what was asked stays open.

    ``errors`` says where, as far as somebody can mend it there.
    """

    code = "answer_invalid"

    def __init__(self, message: str, *, errors: Sequence[Fault] = ()) -> None:
        super().__init__(message)
        self.errors = tuple(errors)


class QuestionInvalid(AnswerInvalid):
    """What somebody answered to a tool's question does not fit it; ``errors`` has each field's."""


class NotKnownHere(AnswerRefused):
    """This process does not know the tool that is answered; one with newer code may.

    What was asked stays open: trying again makes sense after ``retry_after`` seconds.
    """

    code = "not_known_here"

    def __init__(self, message: str, *, retry_after: float = 5.0) -> None:
        super().__init__(message)
        self.retry_after = retry_after


class ClaimHeld(AnswerRefused):
    """Another page runs this call; trying again makes sense after ``retry_after`` seconds."""

    code = "claim_held"

    def __init__(self, message: str, *, retry_after: float) -> None:
        super().__init__(message)
        self.retry_after = retry_after


class LeaseLost(ChatKitError):
    """Another process owns the run: whoever sees this stops writing at once."""

    code = "lease_lost"


class IllegalMove(ChatKitError):
    """Something was to get a status that does not follow from the one it has: a bug of ours."""

    code = "illegal_move"


class RunError(ChatKitError):
    """The run can't go on; its code and its message are stored on the run."""

    code = "run_error"


class ProviderError(RunError):
    """The provider did not give a whole answer.

    ``retryable`` says whether the same request may succeed later; ``retry_after`` is the
    provider's own wish in seconds, where it named one. ``usage`` is what it has counted all the same
    (``engine.provider.Usage``), where it told.
    """

    code = "provider_error"
    retryable = False

    def __init__(self, message: str, *, retry_after: float | None = None) -> None:
        super().__init__(message)
        self.retry_after = retry_after
        self.usage: Any = None


class ProviderRateLimited(ProviderError):
    """HTTP 429 or its likes."""

    code = "provider_rate_limited"
    retryable = True


class ProviderUnavailable(ProviderError):
    """5xx, no connection, a stall, or a stream that ended without an explicit finish."""

    code = "provider_unavailable"
    retryable = True


class ProviderRejected(ProviderError):
    """The request, the key or the model was refused: asking again gives the same."""

    code = "provider_rejected"


class ProviderContextExceeded(ProviderRejected):
    """The history does not fit into the model's context."""

    code = "provider_context_exceeded"


class StepLimitExceeded(RunError):
    """The run took more steps than its assistant allows."""

    code = "step_limit_exceeded"


class CallLimitExceeded(RunError):
    """The model wanted to call more tools in one run than its assistant allows."""

    code = "call_limit_exceeded"


class TokenLimitExceeded(RunError):
    """The run used as many tokens as its assistant allows, and was not done."""

    code = "token_limit_exceeded"


class TimeLimitExceeded(RunError):
    """The run worked for as long as its assistant allows, and was not done."""

    code = "time_limit_exceeded"


class BudgetSpent(RunError):
    """Somebody has used up what they may in a day or a month; ``retry_after`` seconds until it ends.

    The message is for the visitor, in their language.
    """

    code = "budget_spent"

    def __init__(self, message: str, *, retry_after: float) -> None:
        super().__init__(message)
        self.retry_after = retry_after


class RedactionFailed(RunError):
    """The site's redactor has failed; what it was to look at is stored nowhere."""

    code = "redaction_failed"


class RunInterrupted(RunError):
    """The process that made the answer died in the middle of it."""

    code = "run_interrupted"


class ToolError(ChatKitError):
    """Raised by a tool to tell the model what went wrong: ``ToolError("No such order.")``.

    The text of every other exception goes to the log, not to the model.
    """

    code = "tool_error"


class ToolCancelled(ToolError):
    """Raised out of a tool that asks whether somebody still wants its result, and nobody does."""

    code = "tool_cancelled"
