"""Throwing away what has been kept for long enough, as ``CHATKIT_RETENTION_DAYS`` says.

Some rows at a time, each some in a transaction of its own, and every thread through ``erase``: it may be
stopped anywhere, begun again, and run by two at once.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db.models import Exists, OuterRef, Q, QuerySet
from django.utils import timezone

from chatkit_app.conf import settings
from chatkit_app.engine.states import ACTIVE_RUN_STATUSES, CommandKind
from chatkit_app.models import AccessLog, Command, Run, Tally, Thread, Usage
from chatkit_app.threads import erase, sharing
from chatkit_app.threads.attachments import expired

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Kept:
    """Something that is kept for a while: how much of it is due, and how it goes; both tell how many."""

    due: Callable[[], int]
    throw: Callable[[], int]


def due() -> Mapping[str, int]:
    """How much a pruning would throw away now, by what it is. Nothing is changed."""
    return {name: kept.due() for name, kept in _kept().items()}


def prune(say: Callable[[str, int], None] = lambda _name, _count: None) -> None:
    """Throw away what is due; ``say`` hears what and how much of it went, one after the other.

    What can't go now (a file that is held) stops nothing of the rest: it is due at the next time.

    Raises:
        Exception: Of the database or the storage, the last one, after all.
    """
    failed = None
    for name, kept in _kept().items():
        try:
            count = kept.throw()
        except Exception as error:
            logger.exception("Not all %s could be thrown away", name)
            failed = error
        else:
            say(name, count)
    if failed is not None:
        raise failed


def _kept() -> Mapping[str, Kept]:
    """What a broken-off erase has left comes first; what has no retention is not in it."""
    found = {
        "unfinished": Kept(due=lambda: erase.unfinished().count(), throw=erase.finish),
        "attachments": Kept(
            due=lambda: expired().count(),
            throw=lambda: erase.erase_files(expired()),
        ),
        "shares": _rows(sharing.expired()),
    }
    now = timezone.now()
    for name, days in settings.RETENTION_DAYS.items():
        if days is not None:
            found[name] = MADE[name](now - timedelta(days=days))
    return found


def _deleted_threads(before: datetime) -> Kept:
    """Never before the time is over in which their owners can take it back."""
    undone = timezone.now() - timedelta(seconds=settings.UNDO_SECONDS)
    return _threads(Q(deleted_at__lt=min(before, undone)))


def _old_threads(before: datetime) -> Kept:
    return _threads(_quiet(before))


def _visitors_threads(before: datetime) -> Kept:
    return _threads(Q(visitor__isnull=False) & _quiet(before))


def _quiet(before: datetime) -> Q:
    """Whatever runs, or waits for somebody, is not over."""
    active = Run.objects.filter(thread=OuterRef("pk"), status__in=ACTIVE_RUN_STATUSES)
    return Q(~Exists(active), last_activity_at__lt=before)


def _threads(which: Q) -> Kept:
    rows = Thread.objects.filter(which).exclude(owner_key=erase.NOBODY)

    def throw() -> int:
        # Looked at once more under its lock: it may have been taken back, or gone on, by now.
        return sum(erase.erase_thread(pk, still=which) for pk in erase.pages_of(rows))

    return Kept(due=rows.count, throw=throw)


def _commands(before: datetime) -> Kept:
    # Each kind by itself, which the index knows.
    return _rows(
        *(
            Command.objects.filter(kind=kind, created_at__lt=before)
            for kind in CommandKind
        )
    )


def _accesses(before: datetime) -> Kept:
    return _rows(AccessLog.objects.filter(created_at__lt=before))


def _usage(before: datetime) -> Kept:
    return _rows(Usage.objects.filter(day__lt=before.date()))


def _tallies(before: datetime) -> Kept:
    return _rows(Tally.objects.filter(hour__lt=before))


def _rows(*rows: QuerySet[Any]) -> Kept:
    return Kept(
        due=lambda: sum(some.count() for some in rows),
        throw=lambda: sum(erase.throw_rows(some) for some in rows),
    )


MADE: Mapping[str, Callable[[datetime], Kept]] = {
    "deleted_threads": _deleted_threads,
    "threads": _old_threads,
    "visitor_threads": _visitors_threads,
    "commands": _commands,
    "access_log": _accesses,
    "usage": _usage,
    "tallies": _tallies,
}
"""By the names in ``CHATKIT_RETENTION_DAYS``."""
