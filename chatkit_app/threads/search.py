"""Threads by their words: in the title, and in what was said, shown or not. It asks no policy."""

from __future__ import annotations

from django.db import connections, router
from django.db.models import BooleanField, Exists, F, Func, OuterRef, Q, QuerySet, Value

from chatkit_app.models import Message, Thread

MAX_WORDS = 8
"""Words that are looked for; what follows is passed over."""
EXCERPT_CHARS = 160
BEFORE_CHARS = 40
"""What an excerpt shows, and how much of it stands before the word."""


def matching(threads: QuerySet[Thread], words: str) -> QuerySet[Thread]:
    """Those of the threads in whose title, or in one of whose messages, all the words are.

    On PostgreSQL a message's words are found by their beginnings, along the index; on SQLite as a
    piece of the text, with LIKE: there the caller bounds the threads.
    """
    said = messages_matching(Message.objects.filter(thread=OuterRef("pk")), words)
    return threads.filter(_containing("title", words) | Exists(said))


def messages_matching(messages: QuerySet[Message], words: str) -> QuerySet[Message]:
    """Those of the messages that have all the words."""
    if connections[router.db_for_read(Message)].vendor != "postgresql":
        return messages.filter(_containing("text", words))
    return messages.filter(_Holds(F("text"), Value(_beginnings(words))))


def words_of(text: str) -> list[str]:
    """The words that are looked for."""
    return text.split()[:MAX_WORDS]


def excerpt(text: str, words: str) -> str:
    """The place of a text where the first of the words stands, in one line."""
    line = " ".join(text.split())
    found = [line.lower().find(word.lower()) for word in words_of(words)]
    start = max(0, min((at for at in found if at >= 0), default=0) - BEFORE_CHARS)
    cut = line[start : start + EXCERPT_CHARS]
    is_cut = start + EXCERPT_CHARS < len(line)
    return f"{'…' if start else ''}{cut}{'…' if is_cut else ''}"


def _containing(field: str, words: str) -> Q:
    found = Q()
    for word in words_of(words):
        found &= Q(**{f"{field}__icontains": word})
    return found


def _beginnings(words: str) -> str:
    """The words as ``to_tsquery`` reads them: each quoted, so that none of its signs counts."""
    quoted = (word.replace("\\", "\\\\").replace("'", "''") for word in words_of(words))
    return " & ".join(f"'{word}':*" for word in quoted)


class _Holds(Func):
    """Are the words in the text? As PostgreSQL's index has it (migration 0002), letter for letter.

    By hand: ``django.contrib.postgres.search`` can't be imported where there is no driver for
    PostgreSQL. ``simple``: no language's stems or stop words, for visitors write in any. A longer
    text makes no vector, and could not be stored.
    """

    template = "(to_tsvector('simple'::regconfig, left(%(expressions)s))"
    arg_joiner = ", 100000)) @@ to_tsquery('simple'::regconfig, "
    output_field = BooleanField()
