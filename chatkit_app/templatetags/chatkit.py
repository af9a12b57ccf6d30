"""``{% load chatkit %}{% chatkit "shop" %}`` draws the whole chat with an assistant."""

from __future__ import annotations

import json
from typing import Any

from django import template
from django.template import TemplateSyntaxError
from django.template.context import Context
from django.urls import reverse
from django.utils.translation import gettext as _

from chatkit_app.registry import assistants

register = template.Library()

DRAWN = "chatkit_is_drawn"
"""Under this key a rendering remembers that the words and the script are on the page."""


@register.inclusion_tag("chatkit_app/thread.html", takes_context=True)
def chatkit(
    context: Context,
    assistant: str,
    *,
    url: str = "",
    thread: object = "",
    theme: str = "",
) -> dict[str, Any]:
    """The element, its words and its script. ``url`` is the mount, where it isn't ``chatkit:``'s.

    ``thread`` opens this one; else the page goes on with the one it remembers.

    Raises:
        TemplateSyntaxError: No assistant has this name.
    """
    try:
        found = assistants.get(assistant)
    except LookupError as error:
        raise TemplateSyntaxError(f"{{% chatkit %}}: {error.args[0]}") from error
    is_first = DRAWN not in context.render_context
    context.render_context[DRAWN] = True
    return {
        "assistant": found,
        "heading": found.title or _("Chat"),
        "suggestions": json.dumps(
            [str(text) for text in found.suggestions], ensure_ascii=False
        ),
        "is_simulated": assistants.is_simulated(assistant),
        "url": url or reverse("chatkit:visitor").removesuffix("visitor/"),
        "thread": thread,
        "theme": theme,
        "words": words() if is_first else None,
    }


def words() -> dict[str, str]:
    """All words of the element in the page's language, by the names of ``element-strings.js``."""
    return {**_chat_words(), **_tool_words(), **_error_words()}


def _chat_words() -> dict[str, str]:
    return {
        "assistant": _("Assistant"),
        "you": _("You"),
        "heading": _("Chat"),
        "greeting": _("How can I help you?"),
        "placeholder": _("Write a message"),
        "composer": _("Your message"),
        "send": _("Send"),
        "stop": _("Stop answering"),
        "newChat": _("New chat"),
        "threads": _("Your chats"),
        "close": _("Close"),
        "untitled": _("Untitled chat"),
        "noThreads": _("No chats yet."),
        "more": _("Show more"),
        "loadEarlier": _("Show earlier messages"),
        "loading": _("Loading…"),
        "toNewest": _("Jump to newest"),
        "simulated": _(
            "Scripted demo: no model answers here. Prepared answers are played to your requests."
        ),
        "connecting": _("Connecting…"),
        "reconnecting": _("Connection lost. Reconnecting…"),
        "connected": _("Connected again."),
        "closed": _("Not connected."),
        "reconnect": _("Reconnect"),
        "working": _("The assistant is working"),
        "sending": _("Sending…"),
        "stopping": _("Stopping…"),
        "busy": _("The assistant is still answering. Wait for it, or stop it first."),
        "refused": _("Not sent: {reason}"),
        "refusedAgain": _("Try again in {seconds} s."),
        "retry": _("Try again"),
        "stopped": _("Stopped. The answer is not complete."),
        "interrupted": _("This answer was interrupted and is not complete."),
        "details": _("Details"),
        "answerDone": _("Answer complete."),
        "copy": _("Copy"),
        "copied": _("Copied"),
        "code": _("Code"),
        "table": _("Table"),
        "thinking": _("Thinking…"),
        "thoughts": _("Thoughts"),
        "input": _("Input"),
        "output": _("Result"),
    }


def _tool_words() -> dict[str, str]:
    return {
        "toolAwaitingInput": _("waiting for its input"),
        "toolReadingInput": _("reading its input"),
        "toolQueued": _("about to start"),
        "toolRunning": _("running"),
        "toolWaiting": _("waiting for this page"),
        "toolHere": _("running in this page"),
        "toolElsewhere": _("running in another tab"),
        "toolNoHandler": _("waiting for a page that can do this"),
        "toolNoHandlerHint": _(
            "This page cannot run it. It stays open until a page that can is opened; you can also stop it or write on."
        ),
        "toolDone": _("done"),
        "toolFailed": _("failed"),
        "toolCancelled": _("cancelled"),
    }


def _error_words() -> dict[str, str]:
    return {
        "errorFailed": _("The answer could not be finished."),
        "errorProviderRateLimited": _("The assistant has too much to do right now."),
        "errorProviderUnavailable": _("The assistant cannot be reached right now."),
        "errorProviderRejected": _("The assistant refused this request."),
        "errorProviderContextExceeded": _(
            "This chat has become too long. Start a new one."
        ),
        "errorStepLimitExceeded": _("The assistant needed too many steps."),
        "errorRunInterrupted": _("The answer was interrupted by a restart."),
        "errorRateLimited": _("You are writing very fast."),
        "errorRunConflict": _("The assistant is still answering."),
        "errorNoViewer": _("You are no longer signed in here."),
        "errorNotAllowed": _("This is not allowed."),
        "errorUnknown": _("Something went wrong."),
    }
