"""``{% load chatkit %}{% chatkit "shop" %}`` draws the whole chat with an assistant."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from typing import Any

from django import template
from django.template import TemplateSyntaxError
from django.template.context import Context
from django.urls import reverse
from django.utils.translation import pgettext

from chatkit_app.conf import settings
from chatkit_app.registry import assistants
from chatkit_app.templatetags.chatkit_words import error_words, file_words, share_words
from chatkit_app.threads.attachments import taken_types

register = template.Library()

SCRIPT = "chatkit-script"
"""Under this key a rendering remembers that the script is on the page; under their ids, the words."""

SHARED_WORDS = "chatkit-words"
"""The id of the table that all chats share that bring no words of their own."""


@register.inclusion_tag("chatkit_app/thread.html", takes_context=True)
def chatkit(
    context: Context,
    assistant: str,
    *,
    url: str = "",
    thread: object = "",
    theme: str = "",
    words: Mapping[str, object] | None = None,
) -> dict[str, Any]:
    """The element, its words and its script. ``url`` is the mount, where it isn't ``chatkit:``'s.

    ``thread`` opens this one; else the page goes on with the one it remembers. ``words`` stand in
    front of the translated ones, by the names of ``element-strings.js``, or ``tool.<name>``.

    Raises:
        TemplateSyntaxError: No assistant has this name.
    """
    try:
        found = assistants.get(assistant)
    except LookupError as error:
        raise TemplateSyntaxError(f"{{% chatkit %}}: {error.args[0]}") from error
    own_words = _texts(words or {})
    words_id = _words_id(own_words)
    drawn = context.render_context
    has_script, has_words = SCRIPT in drawn, words_id in drawn
    drawn[SCRIPT] = drawn[words_id] = True
    return {
        "assistant": found,
        "heading": found.title or pgettext("chatkit", "Chat"),
        "suggestions": json.dumps(
            [str(text) for text in found.suggestions], ensure_ascii=False
        ),
        "attachments": json.dumps(taken_types(assistant)),
        "limits": settings,
        "is_simulated": assistants.is_simulated(assistant),
        "url": url or reverse("chatkit:visitor").removesuffix("visitor/"),
        "thread": thread,
        "theme": theme,
        "has_script": has_script,
        "words_id": words_id,
        "words": None if has_words else {**table_of_words(), **own_words},
    }


def _words_id(own_words: dict[str, str]) -> str:
    """The same for the same words, also where a page is put together of included templates."""
    if not own_words:
        return SHARED_WORDS
    digest = hashlib.sha256(json.dumps(own_words, sort_keys=True).encode())
    return f"{SHARED_WORDS}-{digest.hexdigest()[:12]}"


def _texts(words: Mapping[str, object]) -> dict[str, str]:
    """A view may have brought lazy translations."""
    return {name: str(text) for name, text in words.items()}


def table_of_words() -> dict[str, str]:
    """All words of the element in the page's language, by the names of ``element-strings.js``."""
    return {
        **_chat_words(),
        **_threads_words(),
        **_message_words(),
        **_tool_words(),
        **_asking_words(),
        **file_words(),
        **share_words(),
        **error_words(),
    }


def _chat_words() -> dict[str, str]:
    return {
        "assistant": pgettext("chatkit", "Assistant"),
        "you": pgettext("chatkit", "You"),
        "heading": pgettext("chatkit", "Chat"),
        "greeting": pgettext("chatkit", "How can I help you?"),
        "placeholder": pgettext("chatkit", "Write a message"),
        "composer": pgettext("chatkit", "Your message"),
        "send": pgettext("chatkit", "Send"),
        "stop": pgettext("chatkit", "Stop answering"),
        "newChat": pgettext("chatkit", "New chat"),
        "threads": pgettext("chatkit", "Your chats"),
        "close": pgettext("chatkit", "Close"),
        "untitled": pgettext("chatkit", "Untitled chat"),
        "noThreads": pgettext("chatkit", "No chats yet."),
        "more": pgettext("chatkit", "Show more"),
        "loadEarlier": pgettext("chatkit", "Show earlier messages"),
        "loading": pgettext("chatkit", "Loading…"),
        "toNewest": pgettext("chatkit", "Jump to newest"),
        "simulated": pgettext(
            "chatkit",
            "Scripted demo: no model answers here. Prepared answers are played to your requests.",
        ),
        "connecting": pgettext("chatkit", "Connecting…"),
        "reconnecting": pgettext("chatkit", "Connection lost. Reconnecting…"),
        "connected": pgettext("chatkit", "Connected again."),
        "closed": pgettext("chatkit", "Not connected."),
        "reconnect": pgettext("chatkit", "Reconnect"),
        "working": pgettext("chatkit", "The assistant is working"),
        "askedAgainBusy": pgettext("chatkit", "The model is busy. Asking again…"),
        "askedAgainUnavailable": pgettext(
            "chatkit", "The model did not finish its answer. Asking again…"
        ),
        "askedAgain": pgettext("chatkit", "The answer broke off and is asked again…"),
        "sending": pgettext("chatkit", "Sending…"),
        "sendingLater": pgettext(
            "chatkit", "Will be sent as soon as there is a connection."
        ),
        "stopping": pgettext("chatkit", "Stopping…"),
        "busy": pgettext(
            "chatkit",
            "The assistant is still answering. Wait for it, or stop it first.",
        ),
        "refused": pgettext("chatkit", "Not sent: {reason}"),
        "refusedAgain": pgettext("chatkit", "Try again in {seconds} s."),
        "retry": pgettext("chatkit", "Try again"),
        "stopped": pgettext("chatkit", "Stopped. The answer is not complete."),
        "interrupted": pgettext(
            "chatkit", "This answer was interrupted and is not complete."
        ),
        "details": pgettext("chatkit", "Details"),
        "answerDone": pgettext("chatkit", "Answer complete."),
        "copy": pgettext("chatkit", "Copy"),
        "copied": pgettext("chatkit", "Copied"),
        "code": pgettext("chatkit", "Code"),
        "table": pgettext("chatkit", "Table"),
        "thinking": pgettext("chatkit", "Thinking…"),
        "thoughts": pgettext("chatkit", "Thoughts"),
        "input": pgettext("chatkit", "Input"),
        "output": pgettext("chatkit", "Result"),
    }


def _threads_words() -> dict[str, str]:
    return {
        "threadsUnread": pgettext("chatkit", "Your chats, with something new"),
        "searchThreads": pgettext("chatkit", "Search chats"),
        "searchFound": pgettext("chatkit", "Chats found: {count}"),
        "searchNothing": pgettext("chatkit", "Nothing found for “{search}”."),
        "hitFar": pgettext(
            "chatkit",
            "What was found is further up: “Show earlier messages” leads there.",
        ),
        "hitElsewhere": pgettext(
            "chatkit", "What was found is in another version of what is shown here."
        ),
        "whichThreads": pgettext("chatkit", "Which chats"),
        "openThreads": pgettext("chatkit", "Current"),
        "archivedThreads": pgettext("chatkit", "Archived"),
        "noArchivedThreads": pgettext("chatkit", "No archived chats."),
        "threadOptions": pgettext("chatkit", "Options for “{title}”"),
        "threadTitle": pgettext("chatkit", "Title of the chat"),
        "threadWorking": pgettext("chatkit", "writing"),
        "threadWaiting": pgettext("chatkit", "waiting for an answer"),
        "threadFailed": pgettext("chatkit", "failed"),
        "unread": pgettext("chatkit", "new"),
        "rename": pgettext("chatkit", "Rename"),
        "archive": pgettext("chatkit", "Archive"),
        "unarchive": pgettext("chatkit", "Bring back"),
        "pin": pgettext("chatkit", "Pin"),
        "unpin": pgettext("chatkit", "Unpin"),
        "pinned": pgettext("chatkit", "“{title}” is kept at the top now."),
        "unpinned": pgettext("chatkit", "“{title}” is not kept at the top any more."),
        "pinnedThreads": pgettext("chatkit", "Pinned"),
        "otherThreads": pgettext("chatkit", "Other chats"),
        "remove": pgettext("chatkit", "Delete"),
        "removed": pgettext("chatkit", "“{title}” was deleted."),
        "undo": pgettext("chatkit", "Undo"),
        "save": pgettext("chatkit", "Save"),
        "cancel": pgettext("chatkit", "Cancel"),
        "closedArchived": pgettext(
            "chatkit", "This chat is archived and takes no messages."
        ),
        "closedLocked": pgettext("chatkit", "This chat takes no more messages."),
    }


def _message_words() -> dict[str, str]:
    return {
        "actions": pgettext("chatkit", "What you can do with this message"),
        "notDone": pgettext("chatkit", "That did not work: {reason}"),
        "copyMessage": pgettext("chatkit", "Copy message"),
        "edit": pgettext("chatkit", "Edit message"),
        "editLabel": pgettext("chatkit", "Your message, to be changed"),
        "editHint": pgettext(
            "chatkit", "It is answered anew. What was said before is kept."
        ),
        "regenerate": pgettext("chatkit", "Answer again"),
        "fork": pgettext("chatkit", "Continue in a new chat"),
        "forked": pgettext(
            "chatkit", "This is a new chat. It begins with what was said until then."
        ),
        "branch": pgettext("chatkit", "Version {number} of {count}"),
        "branchShort": pgettext("chatkit", "{number} of {count}"),
        "branchBefore": pgettext("chatkit", "Version before"),
        "branchAfter": pgettext("chatkit", "Next version"),
        "rateUp": pgettext("chatkit", "Good answer"),
        "rateDown": pgettext("chatkit", "Bad answer"),
        "rateThanks": pgettext("chatkit", "Thank you for your feedback."),
        "rateTakenBack": pgettext("chatkit", "Your feedback was taken back."),
        "feedbackAsk": pgettext("chatkit", "What was wrong?"),
        "feedbackComment": pgettext("chatkit", "Tell us more (optional)"),
        "feedbackSend": pgettext("chatkit", "Send feedback"),
        "feedbackSkip": pgettext("chatkit", "No, thank you"),
        "reasonIncorrect": pgettext("chatkit", "Not correct"),
        "reasonIncomplete": pgettext("chatkit", "Something is missing"),
        "reasonMisunderstood": pgettext("chatkit", "Not what I asked"),
        "reasonUnclear": pgettext("chatkit", "Hard to understand"),
        "reasonInappropriate": pgettext("chatkit", "Not appropriate"),
        "staff": pgettext("chatkit", "Our team"),
        "staffWrites": pgettext("chatkit", "{name} of our team writes:"),
        "file": pgettext("chatkit", "File"),
        "fileGone": pgettext("chatkit", "no longer available"),
    }


def _tool_words() -> dict[str, str]:
    return {
        "toolAwaitingInput": pgettext("chatkit", "waiting for its input"),
        "toolReadingInput": pgettext("chatkit", "reading its input"),
        "toolQueued": pgettext("chatkit", "about to start"),
        "toolRunning": pgettext("chatkit", "running"),
        "toolWaiting": pgettext("chatkit", "waiting for this page"),
        "toolHere": pgettext("chatkit", "running in this page"),
        "toolElsewhere": pgettext("chatkit", "running in another tab"),
        "toolNoHandler": pgettext("chatkit", "waiting for a page that can do this"),
        "toolNoHandlerHint": pgettext(
            "chatkit",
            "This page cannot run it. It stays open until a page that can is opened; you can also stop it or write on.",
        ),
        "toolDone": pgettext("chatkit", "done"),
        "toolFailed": pgettext("chatkit", "failed"),
        "toolCancelled": pgettext("chatkit", "cancelled"),
        "toolStaff": pgettext("chatkit", "waiting for a member of staff"),
        "toolStaffHint": pgettext("chatkit", "A member of staff has to approve this."),
        "toolApproval": pgettext("chatkit", "waiting for your approval"),
        "toolQuestion": pgettext("chatkit", "has a question for you"),
        "toolAnswering": pgettext("chatkit", "your answer is being sent"),
        "toolJob": pgettext("chatkit", "working in the background"),
        "toolDenied": pgettext("chatkit", "denied"),
        "toolAnswered": pgettext("chatkit", "answered in words"),
        "toolSuperseded": pgettext("chatkit", "withdrawn"),
        "toolSupersededHint": pgettext("chatkit", "Your new message came first."),
        "toolExpired": pgettext("chatkit", "expired"),
        "toolExpiredHint": pgettext("chatkit", "Nobody answered in time."),
        "toolOutOfTime": pgettext("chatkit", "ran out of time"),
        "toolOutcomeUnknown": pgettext("chatkit", "outcome unknown"),
        "toolOutcomeUnknownHint": pgettext(
            "chatkit",
            "It had begun, and nobody knows whether it was done. It is not repeated by itself.",
        ),
        "toolNotPermitted": pgettext("chatkit", "not allowed"),
    }


def _asking_words() -> dict[str, str]:
    return {
        "noticeInfo": pgettext("chatkit", "Note"),
        "noticeWarning": pgettext("chatkit", "Warning"),
        "noticeDanger": pgettext("chatkit", "Problem"),
        "preliminary": pgettext("chatkit", "So far"),
        "editedInput": pgettext("chatkit", "Input as it was changed"),
        "clipped": pgettext("chatkit", "It is too long to be shown here as a whole."),
        "yes": pgettext("chatkit", "yes"),
        "no": pgettext("chatkit", "no"),
        "none": pgettext("chatkit", "none"),
        "approvalMessage": pgettext("chatkit", "This is only done if you approve it."),
        "questionMessage": pgettext(
            "chatkit", "The assistant needs to know this to go on."
        ),
        "approve": pgettext("chatkit", "Approve"),
        "approveChanged": pgettext("chatkit", "Approve with changes"),
        "change": pgettext("chatkit", "Change…"),
        "deny": pgettext("chatkit", "Deny"),
        "denyReason": pgettext("chatkit", "Reason (optional)"),
        "respond": pgettext("chatkit", "Answer in words"),
        "respondLabel": pgettext("chatkit", "Your answer, instead of approving it"),
        "back": pgettext("chatkit", "Back"),
        "sendAnswer": pgettext("chatkit", "Send answer"),
        "skip": pgettext("chatkit", "Skip"),
        "answerLabel": pgettext("chatkit", "Your answer"),
        "answerBy": pgettext("chatkit", "It can be answered until {time}."),
        "expires": pgettext("chatkit", "It expires at {time}."),
        "decidedApprove": pgettext("chatkit", "You approved this."),
        "decidedApproveStaff": pgettext("chatkit", "A member of staff approved this."),
        "decidedEdit": pgettext("chatkit", "You approved this with changes."),
        "decidedEditStaff": pgettext(
            "chatkit", "A member of staff approved this with changes."
        ),
        "decidedDeny": pgettext("chatkit", "You denied this."),
        "decidedDenyStaff": pgettext("chatkit", "A member of staff denied this."),
        "decidedRespond": pgettext("chatkit", "You answered this in words."),
        "decidedRespondStaff": pgettext(
            "chatkit", "A member of staff answered this in words."
        ),
        "fieldOptional": pgettext("chatkit", "(optional)"),
        "fieldChoose": pgettext("chatkit", "Please choose"),
        "fieldRequired": pgettext("chatkit", "Please fill this in."),
        "fieldNumber": pgettext("chatkit", "This must be a number."),
        "fieldInteger": pgettext("chatkit", "This must be a whole number."),
        "fieldMin": pgettext("chatkit", "It must be at least {limit}."),
        "fieldMax": pgettext("chatkit", "It must be at most {limit}."),
        "fieldJson": pgettext("chatkit", "This is no valid JSON."),
        "fieldAsJson": pgettext("chatkit", "To be written as JSON."),
        "fieldsWrong": pgettext("chatkit", "Please look at what is marked."),
        "waitingOne": pgettext("chatkit", "One thing waits for your answer."),
        "waitingMany": pgettext("chatkit", "{count} things wait for your answer."),
        "waitingHint": pgettext("chatkit", "A new message withdraws it."),
        "waitingHintMany": pgettext("chatkit", "A new message withdraws them."),
        "waitingShow": pgettext("chatkit", "Show"),
    }
