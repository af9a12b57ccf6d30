"""The site's redactor, at the doors through which texts come in: commands, results, news, titles."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import replace
from typing import TypeVar

from django.core.exceptions import ImproperlyConfigured
from django.utils.module_loading import import_string

from chatkit_app.conf import settings
from chatkit_app.engine.calls import Result, failed
from chatkit_app.engine.commands import (
    Answer,
    Command,
    Edit,
    InterruptAnswer,
    Reply,
    Resolve,
    Send,
)
from chatkit_app.engine.redacting import NO_REDACTION, Redaction
from chatkit_app.engine.telling import News
from chatkit_app.exceptions import RedactionFailed

logger = logging.getLogger(__name__)

C = TypeVar("C", bound=Command)


def redaction() -> Redaction:
    """What ``CHATKIT_REDACTOR`` names, read on each access.

    Raises:
        ImproperlyConfigured: It can't be imported: nothing is kept rather than everything.
    """
    path = settings.REDACTOR
    if not path:
        return NO_REDACTION
    try:
        return Redaction(import_string(path))
    except ImportError as error:
        raise ImproperlyConfigured(f"CHATKIT_REDACTOR: {error}") from error


def redacted(command: C) -> C:
    """A command with all that people and pages say in it redacted; before anything is made of it.

    Raises:
        RedactionFailed: The site's redactor has failed.
    """
    rule = redaction()
    if rule.make is None:
        return command
    match command:
        case Send() | Edit():
            page = rule.json(command.page)
            return replace(command, text=rule.text(command.text), page=page)
        case Reply():
            return replace(command, text=rule.text(command.text))
        case Answer():
            error = None if command.error is None else rule.text(command.error)
            return replace(command, output=rule.json(command.output), error=error)
        case Resolve():
            told = tuple(_answer(rule, answer) for answer in command.answers)
            return replace(command, answers=told)
        case _:
            return command


def _answer(rule: Redaction, answer: InterruptAnswer) -> InterruptAnswer:
    return replace(
        answer,
        text=rule.text(answer.text),
        input=rule.json(answer.input),
        output=rule.json(answer.output),
    )


def redacted_or(text: str, otherwise: str) -> str:
    """A text of ours that may quote what was said; ``otherwise`` where that can't be checked."""
    try:
        return redaction().text(text)
    except RedactionFailed:
        return otherwise


def redacted_result(result: Result) -> Result:
    """What came of a job; a failure of its own where that can't be checked."""
    try:
        return redaction().result(result)
    except RedactionFailed as error:
        return failed(error.code, str(error))


def redacted_news(news: Sequence[News]) -> list[News]:
    """What a job tells of itself; nothing where that can't be checked."""
    try:
        rule = redaction()
        return [rule.event(one) for one in news]  # type: ignore[misc]  # each stays what it is
    except RedactionFailed:
        return []
