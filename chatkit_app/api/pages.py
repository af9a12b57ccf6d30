"""Pages by key: where a page begins is a value that an index knows, never a count of rows."""

from __future__ import annotations

import binascii
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from typing import Any, Generic, TypeVar
from uuid import UUID

from django.core.signing import BadSignature, Signer
from django.db.models import Model, Q, QuerySet
from django.utils.http import urlencode
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.utils.urls import replace_query_param

from chatkit_app.access import viewer_of_request
from chatkit_app.api.queries import FORMAT, MAX_ROWS, query_cursor, query_size
from chatkit_app.exceptions import CursorNotFound, InvalidCommand, MessageNotFound
from chatkit_app.models import Message, Thread

__all__ = ["MAX_ROWS"]

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
NEWER, OLDER = "newer", "older"
CURSOR, SIZE = "cursor", "page_size"
ROWS = 20
"""Rows of a page, where the client does not say."""

R = TypeVar("R", bound=Model)


@dataclass(frozen=True, slots=True, kw_only=True)
class Cursor:
    """A place in a list: the row there, and in which direction the page lies."""

    direction: str
    at: datetime
    id: UUID

    def encode(self, salt: str) -> str:
        """Opaque to clients: they only hand it back, to the same list (``salt``)."""
        micros = (self.at - EPOCH) // timedelta(microseconds=1)
        return _signer(salt).sign(f"{self.direction}.{micros}.{self.id.hex}")


def decode_cursor(text: str, salt: str) -> Cursor:
    """Read what ``Cursor.encode`` wrote.

    Raises:
        CursorNotFound: It did not write this, or for another list.
    """
    try:
        direction, micros, id_ = _signer(salt).unsign(text).split(".")
        at = EPOCH + timedelta(microseconds=int(micros))
        return Cursor(direction=direction, at=at, id=UUID(id_))
    except (BadSignature, ValueError, OverflowError, binascii.Error) as error:
        raise CursorNotFound("The cursor is none of this list.") from error


def _signer(salt: str) -> Signer:
    return Signer(salt=f"chatkit_app.api.cursor:{salt}")


def salt_of(request: Request) -> str:
    """What a cursor belongs to: this list, with these filters, of this viewer."""
    viewer = viewer_of_request(request)
    asked = sorted(
        (name, str(value))
        for name, value in request.query_params.items()
        if name not in (CURSOR, SIZE, FORMAT) and value
    )
    whose = f"{viewer.tenant}/{viewer.key}" if viewer else ""
    place = f"{request.path} {urlencode(asked)} {whose}"
    return sha256(place.encode()).hexdigest()


@dataclass(frozen=True, slots=True, kw_only=True)
class Page(Generic[R]):
    """Newest first; a cursor is None where nothing lies beyond."""

    rows: Sequence[R]
    newer: Cursor | None
    older: Cursor | None


def page_answer(
    request: Request,
    rows: QuerySet[R],
    *,
    at: str,
    as_json: Callable[[Sequence[R]], Sequence[Any]],
) -> Response:
    """``{next, previous, results}``: the page of a list that the request asks for, newest first.

    ``at`` is the field of the time that orders the rows; ``as_json`` tells a page of them (Any: each
    in its own shape).
    """
    salt = salt_of(request)
    text = query_cursor(request, CURSOR)
    cursor = decode_cursor(text, salt) if text else None
    page = page_of(rows, at, cursor, query_size(request, SIZE, ROWS))
    return Response(
        {
            "next": _address(request, page.older, salt),
            "previous": _address(request, page.newer, salt),
            "results": as_json(page.rows),
        }
    )


def _address(request: Request, cursor: Cursor | None, salt: str) -> str | None:
    """This request's address at another place of the list."""
    if cursor is None:
        return None
    here = request.build_absolute_uri()
    return str(replace_query_param(here, CURSOR, cursor.encode(salt)))


def page_of(rows: QuerySet[R], at: str, cursor: Cursor | None, size: int) -> Page[R]:
    """One page in one query. ``at`` is the field of the time that orders the rows."""
    is_newer = cursor is not None and cursor.direction == NEWER
    order = (at, "id") if is_newer else (f"-{at}", "-id")
    wanted = rows.filter(_beyond(at, cursor)) if cursor else rows
    found = list(wanted.order_by(*order)[: size + 1])
    has_more = len(found) > size
    page = found[:size][::-1] if is_newer else found[:size]
    has_newer = has_more if is_newer else cursor is not None
    has_older = has_more or is_newer
    return Page(
        rows=page,
        newer=_cursor(NEWER, at, page[0]) if page and has_newer else None,
        older=_cursor(OLDER, at, page[-1]) if page and has_older else None,
    )


def _beyond(at: str, cursor: Cursor) -> Q:
    """The first half is what the index can seek to, the second breaks the tie."""
    if cursor.direction == NEWER:
        after = Q(**{f"{at}__gt": cursor.at}) | Q(id__gt=cursor.id)
        return Q(**{f"{at}__gte": cursor.at}) & after
    before = Q(**{f"{at}__lt": cursor.at}) | Q(id__lt=cursor.id)
    return Q(**{f"{at}__lte": cursor.at}) & before


def _cursor(direction: str, at: str, row: Model) -> Cursor:
    return Cursor(direction=direction, at=getattr(row, at), id=row.pk)


@dataclass(frozen=True, slots=True, kw_only=True)
class MessagePage:
    """Oldest first; are there shown messages before and after these?"""

    messages: Sequence[Message]
    earlier: bool
    later: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Where a page of messages lies: next to a message, between two, or around one.

    Nowhere in particular is at the thread's end.
    """

    before: UUID | None = None
    after: UUID | None = None
    around: UUID | None = None


def page_of_messages(thread: Thread, place: Place, size: int) -> MessagePage:
    """Shown messages of the thread; its newest ones, where no place is named.

    Raises:
        MessageNotFound: What is named is no message of this thread.
        InvalidCommand: ``around`` is named together with another.
    """
    depths = _depths(thread, [place.before, place.after, place.around])
    shown = Message.objects.filter(thread=thread, is_shown=True)
    if place.around:
        if place.before or place.after:
            raise InvalidCommand("around stands alone.")
        return _around(shown, depths[place.around], size)
    if place.after:
        before = depths[place.before] if place.before else None
        return _after(shown, depths[place.after], size, before=before)
    return _before(shown, depths[place.before] if place.before else None, size)


def _before(shown: QuerySet[Message], depth: int | None, size: int) -> MessagePage:
    wanted = shown if depth is None else shown.filter(depth__lt=depth)
    found = list(wanted.order_by("-depth")[: size + 1])
    later = depth is not None and shown.filter(depth__gte=depth).exists()
    return MessagePage(
        messages=found[:size][::-1], earlier=len(found) > size, later=later
    )


def _after(
    shown: QuerySet[Message], depth: int, size: int, *, before: int | None = None
) -> MessagePage:
    """``before``: the depth at which the page has to end at the latest."""
    wanted = shown.filter(depth__gt=depth).order_by("depth")
    found = list((wanted.filter(depth__lt=before) if before else wanted)[: size + 1])
    earlier = shown.filter(depth__lte=depth).exists()
    later = len(found) > size
    if before is not None and not later:
        later = shown.filter(depth__gte=before).exists()
    return MessagePage(messages=found[:size], earlier=earlier, later=later)


def _around(shown: QuerySet[Message], depth: int, size: int) -> MessagePage:
    """As many on both sides as fit; the one that is named counts to the later half."""
    half = size // 2
    left = list(shown.filter(depth__lt=depth).order_by("-depth")[: half + 1])
    right = list(shown.filter(depth__gte=depth).order_by("depth")[: size - half + 1])
    return MessagePage(
        messages=left[:half][::-1] + right[: size - half],
        earlier=len(left) > half,
        later=len(right) > size - half,
    )


def _depths(thread: Thread, named: Sequence[UUID | None]) -> dict[UUID, int]:
    """Of any branch: what a client holds may have been hidden since, its place remains."""
    ids = {message for message in named if message}
    if not ids:
        return {}
    found = Message.objects.filter(thread=thread, pk__in=ids)
    depths = dict(found.values_list("pk", "depth"))
    if depths.keys() != ids:
        raise MessageNotFound("No such message in this thread.")
    return depths
