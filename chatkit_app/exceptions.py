"""The error tree. ``code`` is the stable word that clients switch on; the message may change.

ChatKitError
├── InvalidCommand          invalid_command       the client's frame or request is wrong
│   ├── FrameTooLarge       frame_too_large       over the app's limit
│   └── UnknownType         unknown_type          a type of frame that we don't know
├── ThreadNotFound          thread_not_found      missing, or not theirs: never said which
├── NotAllowed              not_allowed           theirs to see, not to do
├── NoViewer                no_viewer             neither a user nor a visitor is at the door
├── CommandConflict         command_conflict      the same id was used for another command
├── RunConflict             run_conflict          a run is active
├── RateLimited             rate_limited          too many messages or runs; ``retry_after`` seconds
├── AnswerRefused
│   ├── CallNotFound        call_not_found        unknown, or not theirs
│   ├── AnswerDuplicate     answer_duplicate      another answer was accepted before
│   ├── AnswerLate          answer_late           the call is closed: cancelled or past its deadline
│   ├── AnswerInvalid       answer_invalid        it does not fit the tool's output; the call stays open
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
│   └── RunInterrupted      run_interrupted       its process died in the middle of an answer
└── ToolError               tool_error            raised by a tool: its text is what the model reads
"""

from __future__ import annotations


class ChatKitError(Exception):
    """The root of everything that this app raises on purpose."""

    code = "chatkit_error"


class InvalidCommand(ChatKitError):
    """The client's frame or request is wrong; nothing was changed."""

    code = "invalid_command"


class FrameTooLarge(InvalidCommand):
    """The frame is over ``CHATKIT_MAX_FRAME_BYTES``."""

    code = "frame_too_large"


class UnknownType(InvalidCommand):
    """The frame's ``type`` is not one that we know."""

    code = "unknown_type"


class ThreadNotFound(ChatKitError):
    """The thread is missing or somebody else's; which of the two is never said."""

    code = "thread_not_found"


class NotAllowed(ChatKitError):
    """The viewer may see it but not do this with it."""

    code = "not_allowed"


class NoViewer(ChatKitError):
    """Neither a user nor a visitor is at the door."""

    code = "no_viewer"


class CommandConflict(ChatKitError):
    """The id of this command was used before, for another command."""

    code = "command_conflict"


class RunConflict(ChatKitError):
    """The thread has an active run."""

    code = "run_conflict"


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


class AnswerInvalid(AnswerRefused):
    """The output does not fit the tool's schema; the call stays open."""

    code = "answer_invalid"


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
    provider's own wish in seconds, where it named one.
    """

    code = "provider_error"
    retryable = False

    def __init__(self, message: str, *, retry_after: float | None = None) -> None:
        super().__init__(message)
        self.retry_after = retry_after


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


class RunInterrupted(RunError):
    """The process that made the answer died in the middle of it."""

    code = "run_interrupted"


class ToolError(ChatKitError):
    """Raised by a tool to tell the model what went wrong: ``ToolError("No such order.")``.

    The text of every other exception goes to the log, not to the model.
    """

    code = "tool_error"
