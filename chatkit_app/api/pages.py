"""Pages by key: where a page begins is a value that an index knows, never a count of rows."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from uuid import UUID

from django.db.models import Q, QuerySet

from chatkit_app.exceptions import InvalidCommand
from chatkit_app.models import Message, Thread

MAX_ROWS = 100
"""What a page has at most, whatever is asked for."""

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
NEWER, OLDER = "newer", "older"


@dataclass(frozen=True, slots=True, kw_only=True)
class Cursor:
    """A place in a list of threads: the row there, and in which direction the page lies."""

    direction: str
    at: datetime
    id: UUID

    def encode(self) -> str:
        """Opaque to clients: they only hand it back."""
        micros = (self.at - EPOCH) // timedelta(microseconds=1)
        text = f"{self.direction}.{micros}.{self.id}"
        return base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")


def decode_cursor(text: str) -> Cursor:
    """Read what ``Cursor.encode`` wrote.

    Raises:
        InvalidCommand: It did not write this.
    """
    try:
        padded = text.encode("ascii") + b"=" * (-len(text) % 4)
        direction, micros, id_ = base64.urlsafe_b64decode(padded).decode().split(".")
        at = EPOCH + timedelta(microseconds=int(micros))
        cursor = Cursor(direction=direction, at=at, id=UUID(id_))
    except (ValueError, OverflowError, binascii.Error) as error:
        raise InvalidCommand("The cursor is none of ours.") from error
    if direction not in (NEWER, OLDER):
        raise InvalidCommand("The cursor is none of ours.")
    return cursor


@dataclass(frozen=True, slots=True, kw_only=True)
class ThreadPage:
    """Newest activity first; a cursor is None where nothing lies beyond."""

    threads: Sequence[Thread]
    newer: Cursor | None
    older: Cursor | None


def page_of_threads(
    threads: QuerySet[Thread], cursor: Cursor | None, size: int
) -> ThreadPage:
    """One page of these threads, in one query."""
    is_newer = cursor is not None and cursor.direction == NEWER
    order = ("last_activity_at", "id") if is_newer else ("-last_activity_at", "-id")
    wanted = threads.filter(_beyond(cursor)) if cursor else threads
    found = list(wanted.order_by(*order)[: size + 1])
    has_more = len(found) > size
    page = found[:size][::-1] if is_newer else found[:size]
    has_newer = has_more if is_newer else cursor is not None
    has_older = has_more or is_newer
    return ThreadPage(
        threads=page,
        newer=_cursor(NEWER, page[0]) if page and has_newer else None,
        older=_cursor(OLDER, page[-1]) if page and has_older else None,
    )


def _beyond(cursor: Cursor) -> Q:
    """The first half is what the index can seek to, the second breaks the tie."""
    if cursor.direction == NEWER:
        after = Q(last_activity_at__gt=cursor.at) | Q(id__gt=cursor.id)
        return Q(last_activity_at__gte=cursor.at) & after
    before = Q(last_activity_at__lt=cursor.at) | Q(id__lt=cursor.id)
    return Q(last_activity_at__lte=cursor.at) & before


def _cursor(direction: str, thread: Thread) -> Cursor:
    return Cursor(direction=direction, at=thread.last_activity_at, id=thread.pk)


@dataclass(frozen=True, slots=True, kw_only=True)
class MessagePage:
    """Oldest first; are there shown messages before and after these?"""

    messages: Sequence[Message]
    earlier: bool
    later: bool


def page_of_messages(
    thread: Thread, *, before: UUID | None, after: UUID | None, size: int
) -> MessagePage:
    """The shown messages next to one of the thread's; the newest ones, where none is named.

    Raises:
        InvalidCommand: Both ends are named, or one that is no message of this thread.
    """
    if before and after:
        raise InvalidCommand("Either before or after, not both.")
    shown = Message.objects.filter(thread=thread, is_shown=True)
    if after:
        return _after(shown, _depth(thread, after), size)
    return _before(shown, _depth(thread, before) if before else None, size)


def _before(shown: QuerySet[Message], depth: int | None, size: int) -> MessagePage:
    wanted = shown if depth is None else shown.filter(depth__lt=depth)
    found = list(wanted.order_by("-depth")[: size + 1])
    later = depth is not None and shown.filter(depth__gte=depth).exists()
    return MessagePage(
        messages=found[:size][::-1], earlier=len(found) > size, later=later
    )


def _after(shown: QuerySet[Message], depth: int, size: int) -> MessagePage:
    found = list(shown.filter(depth__gt=depth).order_by("depth")[: size + 1])
    earlier = shown.filter(depth__lte=depth).exists()
    return MessagePage(messages=found[:size], earlier=earlier, later=len(found) > size)


def _depth(thread: Thread, message: UUID) -> int:
    """Of any branch: what a client holds may have been hidden since, its place remains."""
    found = Message.objects.filter(thread=thread, pk=message)
    depth = found.values_list("depth", flat=True).first()
    if depth is None:
        raise InvalidCommand("No such message in this thread.")
    return depth
