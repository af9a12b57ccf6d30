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

from chatkit_app.registry import assistants

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
    return {**_chat_words(), **_tool_words(), **_error_words()}


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
    }


def _error_words() -> dict[str, str]:
    return {
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
        "errorUnknown": pgettext("chatkit", "Something went wrong."),
    }
