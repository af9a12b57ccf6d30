"""What somebody has asked for and does not get: nothing was changed by it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from chatkit_app.exceptions.root import ChatKitError


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


class SharingOff(ChatKitError):
    """The site does not let threads be shared (``CHATKIT_SHARING``)."""

    code = "sharing_off"


class ShareNotFound(ChatKitError):
    """The link is unknown, expired or revoked, or its thread is gone; which of these is never said."""

    code = "share_not_found"


class NothingToShare(ChatKitError):
    """Nothing that is whole is shown in the thread yet."""

    code = "nothing_to_share"


class TooManyShares(ChatKitError):
    """The thread has as many links that are good as it may have."""

    code = "too_many_shares"


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


class ForkTooLarge(ChatKitError):
    """There are more messages or files before this one than a new thread may begin with."""

    code = "fork_too_large"


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
