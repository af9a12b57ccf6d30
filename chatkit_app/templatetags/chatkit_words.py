"""Words of the element that stand apart: of files, and of errors. (No tags: those are in ``chatkit``.)"""

from __future__ import annotations

from django.utils.translation import pgettext


def file_words() -> dict[str, str]:
    """Of files that are sent along."""
    return {
        "attach": pgettext("chatkit", "Attach files"),
        "attachments": pgettext("chatkit", "Files to send"),
        "dropFiles": pgettext("chatkit", "Drop files here to send them along"),
        "uploading": pgettext("chatkit", "Uploading {name}"),
        "uploaded": pgettext("chatkit", "{name} is uploaded."),
        "removeFile": pgettext("chatkit", "Remove {name}"),
        "sendingFiles": pgettext("chatkit", "Files"),
        "stillUploading": pgettext("chatkit", "Your files are still being uploaded."),
        "uploadsFailed": pgettext(
            "chatkit", "Remove the files that could not be uploaded first."
        ),
        "errorAttachmentTooLarge": pgettext("chatkit", "The file is too large."),
        "errorAttachmentTypeRefused": pgettext(
            "chatkit", "Files of this kind are not taken."
        ),
        "errorAttachmentRefused": pgettext("chatkit", "The file is empty or broken."),
        "errorAttachmentNotFound": pgettext(
            "chatkit", "A file is no longer there. Attach it again."
        ),
        "errorTooManyAttachments": pgettext("chatkit", "There are too many files."),
    }


def share_words() -> dict[str, str]:
    """Of links to a chat."""
    return {
        "share": pgettext("chatkit", "Share…"),
        "shareTitle": pgettext("chatkit", "Share “{title}”"),
        "shareHint": pgettext(
            "chatkit",
            "Whoever has a link can read what is in this chat now, without logging in. What is said later is not in it.",
        ),
        "shareMake": pgettext("chatkit", "Make a link"),
        "shareLink": pgettext("chatkit", "The new link"),
        "shareIsMade": pgettext("chatkit", "The link is made."),
        "shareOnce": pgettext("chatkit", "Copy it now: it is shown only once."),
        "shareLinks": pgettext("chatkit", "Links that work"),
        "shareNone": pgettext("chatkit", "There are none."),
        "shareEntry": pgettext("chatkit", "Made on {from}, until {until}"),
        "shareRevoke": pgettext("chatkit", "Revoke"),
        "shareIsRevoked": pgettext("chatkit", "The link does not work any more."),
        "errorSharingOff": pgettext("chatkit", "Chats cannot be shared here."),
        "errorShareNotFound": pgettext("chatkit", "This link is no longer there."),
        "errorNothingToShare": pgettext(
            "chatkit", "There is nothing to share in this chat yet."
        ),
        "errorTooManyShares": pgettext(
            "chatkit", "This chat has too many links. Revoke one first."
        ),
    }


def error_words() -> dict[str, str]:
    """Of what went wrong, by its code."""
    return {
        "errorForkTooLarge": pgettext(
            "chatkit", "There is too much in this chat to continue it in a new one."
        ),
        "errorFailed": pgettext("chatkit", "The answer could not be finished."),
        "errorProviderRateLimited": pgettext(
            "chatkit", "The assistant has too much to do right now."
        ),
        "errorProviderUnavailable": pgettext(
            "chatkit", "The assistant cannot be reached right now."
        ),
        "errorProviderRejected": pgettext(
            "chatkit", "The assistant refused this request."
        ),
        "errorProviderContextExceeded": pgettext(
            "chatkit", "This chat has become too long. Start a new one."
        ),
        "errorStepLimitExceeded": pgettext(
            "chatkit", "The assistant needed too many steps."
        ),
        "errorCallLimitExceeded": pgettext(
            "chatkit", "The assistant wanted to do too many things at once."
        ),
        "errorTokenLimitExceeded": pgettext("chatkit", "The answer became too long."),
        "errorTimeLimitExceeded": pgettext("chatkit", "The assistant took too long."),
        "errorInvalidPage": pgettext(
            "chatkit",
            "The assistant does not understand what this page tells of itself.",
        ),
        "errorRedactionFailed": pgettext(
            "chatkit", "What was said could not be checked, so it was not kept."
        ),
        "errorRunInterrupted": pgettext(
            "chatkit", "The answer was interrupted by a restart."
        ),
        "errorRateLimited": pgettext("chatkit", "You are writing very fast."),
        "errorRunConflict": pgettext("chatkit", "The assistant is still answering."),
        "errorNoViewer": pgettext(
            "chatkit",
            "Your browser's session did not reach the chat. Are cookies blocked?",
        ),
        "errorSignedOut": pgettext("chatkit", "You are no longer signed in here."),
        "errorUnreachable": pgettext("chatkit", "The chat cannot be reached."),
        "errorNotAllowed": pgettext("chatkit", "This is not allowed."),
        "errorExpired": pgettext("chatkit", "It was written too long ago."),
        "errorApprovalPending": pgettext(
            "chatkit",
            "A member of staff still has to decide about something. Wait for that, or stop the answer first.",
        ),
        "errorInterruptNotFound": pgettext("chatkit", "This is no longer asked."),
        "errorAnswerDuplicate": pgettext("chatkit", "It has been answered already."),
        "errorAnswerLate": pgettext("chatkit", "It is too late to answer this."),
        "errorAnswerInvalid": pgettext(
            "chatkit", "The answer does not fit what is asked."
        ),
        "errorUnknown": pgettext("chatkit", "Something went wrong."),
        "errorThreadNotFound": pgettext("chatkit", "This chat is no longer there."),
        "errorMessageNotFound": pgettext("chatkit", "This message is no longer there."),
    }
