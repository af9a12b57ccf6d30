"""What an address asks for behind its question mark: read strictly, unknown names refused."""

from __future__ import annotations

from collections.abc import Collection
from datetime import UTC, datetime
from uuid import UUID

from django.utils.dateparse import parse_datetime
from rest_framework.request import Request

from chatkit_app.exceptions import InvalidCommand

MAX_ROWS = 100
"""What a page has at most, whatever is asked for."""
MAX_TEXT = 1000
"""Characters of a parameter."""
FORMAT = "format"
"""Names a renderer, for the browsable pages of Django REST framework."""
YES_OR_NO = {"true": True, "false": False}


def check_known(request: Request, names: Collection[str]) -> None:
    """A misspelt filter would silently show everything.

    Raises:
        InvalidCommand: A parameter is none of these, or is given twice.
    """
    for name, values in request.query_params.lists():
        if name not in names and name != FORMAT:
            raise InvalidCommand(f"There is no parameter {name[:40]!r} here.")
        if len(values) > 1:
            raise InvalidCommand(f"{name} is given more than once.")


def query_text(request: Request, name: str) -> str:
    """A parameter, empty where it is not given.

    Raises:
        InvalidCommand: It is too long, or holds what no database of ours takes.
    """
    text: str = request.query_params.get(name, "")
    if "\0" in text or any("\ud800" <= char <= "\udfff" for char in text):
        raise InvalidCommand(f"{name} holds a NUL or half a sign.")
    if len(text) > MAX_TEXT:
        raise InvalidCommand(f"{name} may have {MAX_TEXT} characters.")
    return text


def _given(request: Request, name: str) -> str | None:
    """A parameter that is never an empty text; None where it is not given.

    Raises:
        InvalidCommand: It is empty.
    """
    text = query_text(request, name)
    if not text and name in request.query_params:
        raise InvalidCommand(f"{name} is empty.")
    return text or None


def query_id(request: Request, name: str) -> UUID | None:
    """A parameter that is an id; None where it is not given."""
    text = _given(request, name)
    return as_id(text) if text else None


def query_word(request: Request, name: str, words: Collection[str]) -> str:
    """A parameter that is one of some words; empty where it is not given.

    Raises:
        InvalidCommand: It is another.
    """
    text = _given(request, name) or ""
    if text and text not in words:
        raise InvalidCommand(f"{name} is one of: {', '.join(words)}.")
    return text


def query_words(request: Request, name: str, words: Collection[str]) -> list[str]:
    """A parameter that is some of these words, with commas between; empty where it is not given.

    Raises:
        InvalidCommand: It has another one, or more than there are.
    """
    text = _given(request, name)
    found = text.split(",") if text else []
    if len(found) > len(words) or not set(words).issuperset(found):
        raise InvalidCommand(
            f"{name} is one or more of, with commas between: {', '.join(words)}."
        )
    return found


def query_flag(request: Request, name: str) -> bool | None:
    """A parameter that is true or false; None where it is not given."""
    text = query_word(request, name, YES_OR_NO)
    return YES_OR_NO[text] if text else None


def query_time(request: Request, name: str) -> datetime | None:
    """A moment in ISO 8601; one without an offset is in UTC. None where it is not given.

    Raises:
        InvalidCommand: It is no moment.
    """
    text = _given(request, name)
    try:
        found = parse_datetime(text) if text else None
        if found is not None and found.tzinfo is None:
            found = found.replace(tzinfo=UTC)
        found = found.astimezone(UTC) if found else None
    except (ValueError, OverflowError) as error:
        raise InvalidCommand(f"{name} is no moment.") from error
    if text and found is None:
        raise InvalidCommand(f"{name} is a moment like 2026-03-01T12:00:00Z.")
    return found


def query_size(request: Request, name: str, default: int) -> int:
    """How many rows a page shall have.

    Raises:
        InvalidCommand: It is no number from 1 to ``MAX_ROWS``.
    """
    text = _given(request, name)
    if text is None:
        return default
    is_number = text.isascii() and text.isdigit() and len(text) <= 9
    if not is_number or not 0 < int(text) <= MAX_ROWS:
        raise InvalidCommand(f"{name} is a number from 1 to {MAX_ROWS}.")
    return int(text)


def query_cursor(request: Request, name: str) -> str | None:
    """A cursor as it was given; None where it was not."""
    return _given(request, name)


def as_id(text: str) -> UUID:
    """An id as clients write it.

    Raises:
        InvalidCommand: It is none.
    """
    try:
        return UUID(text)
    except ValueError as error:
        raise InvalidCommand("An id is a UUID.") from error
