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
├── SharingOff              sharing_off           the site doesn't let threads be shared
├── ShareNotFound           share_not_found       a link that is none, or good no more: never said which
├── NothingToShare          nothing_to_share      the thread has nothing whole to show yet
├── TooManyShares           too_many_shares       the thread has as many links as it may have
├── NoViewer                no_viewer             neither a user nor a visitor is at the door
├── CommandConflict         command_conflict      the same id was used for another command
├── RunConflict             run_conflict          a run is active
│   └── ApprovalPending     approval_pending      it waits for somebody of the staff
├── ForkTooLarge            fork_too_large        more messages or files than a new thread may begin with
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

from chatkit_app.exceptions.requests import (
    AnswerDuplicate,
    AnswerInvalid,
    AnswerLate,
    AnswerRefused,
    ApprovalPending,
    AssistantNotFound,
    AttachmentNotFound,
    AttachmentRefused,
    AttachmentTooLarge,
    AttachmentTypeRefused,
    CallNotFound,
    ClaimHeld,
    CommandConflict,
    CursorNotFound,
    Fault,
    ForkTooLarge,
    FrameTooLarge,
    InterruptNotFound,
    InvalidCommand,
    InvalidPage,
    MessageNotFound,
    NotAllowed,
    NothingToShare,
    NotKnownHere,
    NoViewer,
    QuestionInvalid,
    RateLimited,
    RunConflict,
    RunNotFound,
    ShareNotFound,
    SharingOff,
    ThreadNotFound,
    TooManyAttachments,
    TooManyShares,
    UnknownType,
)
from chatkit_app.exceptions.root import (
    ChatKitError,
)
from chatkit_app.exceptions.runs import (
    BudgetSpent,
    CallLimitExceeded,
    IllegalMove,
    LeaseLost,
    ProviderContextExceeded,
    ProviderError,
    ProviderRateLimited,
    ProviderRejected,
    ProviderUnavailable,
    RedactionFailed,
    RunError,
    RunInterrupted,
    StepLimitExceeded,
    TimeLimitExceeded,
    TokenLimitExceeded,
    ToolCancelled,
    ToolError,
)

__all__ = [
    "AnswerDuplicate",
    "AnswerInvalid",
    "AnswerLate",
    "AnswerRefused",
    "ApprovalPending",
    "AssistantNotFound",
    "AttachmentNotFound",
    "AttachmentRefused",
    "AttachmentTooLarge",
    "AttachmentTypeRefused",
    "BudgetSpent",
    "CallLimitExceeded",
    "CallNotFound",
    "ChatKitError",
    "ClaimHeld",
    "CommandConflict",
    "CursorNotFound",
    "Fault",
    "ForkTooLarge",
    "FrameTooLarge",
    "IllegalMove",
    "InterruptNotFound",
    "InvalidCommand",
    "InvalidPage",
    "LeaseLost",
    "MessageNotFound",
    "NoViewer",
    "NotAllowed",
    "NotKnownHere",
    "NothingToShare",
    "ProviderContextExceeded",
    "ProviderError",
    "ProviderRateLimited",
    "ProviderRejected",
    "ProviderUnavailable",
    "QuestionInvalid",
    "RateLimited",
    "RedactionFailed",
    "RunConflict",
    "RunError",
    "RunInterrupted",
    "RunNotFound",
    "ShareNotFound",
    "SharingOff",
    "StepLimitExceeded",
    "ThreadNotFound",
    "TimeLimitExceeded",
    "TokenLimitExceeded",
    "TooManyAttachments",
    "TooManyShares",
    "ToolCancelled",
    "ToolError",
    "UnknownType",
]
