"""Letting others read a thread by a link: made, listed, taken back by its owner, read by whoever has it.

A share is the path down to one message: what is said later, and what else is said in the place of
something, is not in it. The link has the token; the row has its hash, so that who reads the table can
read no thread by it.
"""

from __future__ import annotations

import math
import secrets
from datetime import timedelta
from hashlib import sha256
from uuid import UUID

from django.db import transaction
from django.db.models import F, Q, QuerySet

from chatkit_app import clock
from chatkit_app.access import Action, policy
from chatkit_app.conf import settings
from chatkit_app.engine.states import MessageStatus
from chatkit_app.engine.viewer import Viewer
from chatkit_app.exceptions import (
    InvalidCommand,
    NotAllowed,
    NothingToShare,
    ShareNotFound,
    SharingOff,
    ThreadNotFound,
    TooManyShares,
)
from chatkit_app.models import Message, Share, Thread

LIVE_SHARES = 20
"""Links of one thread that are good at once."""
MOST_DAYS = 36_500.0
"""However long the site lets links be good: later there is no date any more."""
TOKEN_BYTES = 32
TOKEN_CHARS = 100
"""What is longer is none of ours, and not looked up."""


def share(
    viewer: Viewer, thread_id: UUID, days: float | None = None
) -> tuple[Share, str]:
    """A new link for what is there now, and its token, which is told here and never again.

    ``days``: how long it is good for; as long as the site lets it be, where it isn't said.

    Raises:
        SharingOff: The site doesn't let threads be shared.
        InvalidCommand: So long a time is none, or more than the site allows.
        ThreadNotFound: It is not theirs.
        NotAllowed: The policy does not let them.
        NothingToShare: Nothing whole is shown in it.
        TooManyShares: It has as many links as it may have.
    """
    if not settings.SHARING:
        raise SharingOff("Threads can't be shared here.")
    lasting = _lasting(days)
    with transaction.atomic():
        thread = _locked(viewer, thread_id)
        if not policy().can(viewer, Action.SHARE, thread):
            raise NotAllowed("You may not share this thread.")
        newest = _newest_shown(thread)
        if newest is None:
            raise NothingToShare("Nothing in this thread can be shared yet.")
        if live().filter(thread=thread).count() >= LIVE_SHARES:
            raise TooManyShares(f"A thread may have {LIVE_SHARES} links at once.")
        token, now = secrets.token_urlsafe(TOKEN_BYTES), clock.read()
        row = Share.objects.create(
            thread=thread,
            message=newest,
            token_hash=_hash(token),
            created_at=now,
            expires_at=now + lasting,
        )
    return row, token


def revoke(viewer: Viewer, thread_id: UUID, share_id: UUID) -> None:
    """Let a link of theirs be good no more; nothing happens to one that isn't any more.

    Whatever the site and its policy allow by now: who has given something away may take it back.

    Raises:
        ThreadNotFound: It is not theirs.
        ShareNotFound: The thread has no such link.
    """
    found = shares_of(viewer, thread_id).filter(pk=share_id)
    if not found.exists():
        raise ShareNotFound("No such link.")
    found.filter(revoked_at=None).update(revoked_at=clock.now())


def shares_of(viewer: Viewer, thread_id: UUID) -> QuerySet[Share]:
    """The links of a thread of theirs, those that are good no more among them.

    Raises:
        ThreadNotFound: It is not theirs.
    """
    mine = policy().threads(viewer).filter(pk=thread_id)
    if not mine.exists():
        raise ThreadNotFound("No such thread.")
    return Share.objects.filter(thread__in=mine)


def opened(token: str) -> Share:
    """The share of a link, with its thread and its message: whoever has the token may read it.

    Raises:
        ShareNotFound: Unknown, expired, revoked, of a deleted thread, or sharing is off: never said which.
    """
    found = None
    if settings.SHARING and len(token) <= TOKEN_CHARS:
        good = live().filter(thread__deleted_at=None)
        rows = good.select_related("thread", "message")
        found = rows.filter(token_hash=_hash(token)).first()
    if found is None:
        raise ShareNotFound("No such link.")
    return found


def live() -> QuerySet[Share]:
    """Neither expired nor revoked."""
    return Share.objects.filter(revoked_at=None, expires_at__gt=clock.now())


def expired() -> QuerySet[Share]:
    """Those whose time is over, revoked or not: nobody needs to know of them any more."""
    return Share.objects.filter(expires_at__lte=clock.now())


def most_days() -> float:
    """How long a link may be good for."""
    return min(settings.SHARE_DAYS, MOST_DAYS)


def _lasting(days: float | None) -> timedelta:
    most = most_days()
    if days is None:
        return timedelta(days=most)
    if not math.isfinite(days) or not 0 < days <= most:
        raise InvalidCommand(f"days is more than 0 and at most {most:g}.")
    return timedelta(days=days)


def _locked(viewer: Viewer, thread_id: UUID) -> Thread:
    """Their thread, locked by a write that changes nothing: links are counted one after the other."""
    if not policy().threads(viewer).filter(pk=thread_id).update(floor=F("floor")):
        raise ThreadNotFound("No such thread.")
    return Thread.objects.get(pk=thread_id)


def _newest_shown(thread: Thread) -> Message | None:
    """The last message that is whole: an answer that is being written is not shared."""
    whole = Q(is_shown=True, status=MessageStatus.COMPLETE)
    return Message.objects.filter(whole, thread=thread).order_by("-depth").first()


def _hash(token: str) -> str:
    return sha256(token.encode(errors="replace")).hexdigest()
