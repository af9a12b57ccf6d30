"""Who of the staff has looked into other people's threads: noted before anything is shown."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from chatkit_app import clock
from chatkit_app.access import Action, policy
from chatkit_app.engine.viewer import Viewer
from chatkit_app.exceptions import ThreadNotFound
from chatkit_app.models import AccessLog, Thread

AGAIN_AFTER = 600.0
"""Seconds. Reading on within this time is the same opening: reloads and a live page don't flood the log."""


def note_reading(user: Any, thread_id: UUID) -> None:
    """Note that somebody reads what was said. ``user`` is the site's."""
    recently = AccessLog.objects.filter(
        thread_id=thread_id,
        user=user,
        action=Action.READ_CONTENT,
        created_at__gt=clock.later(-AGAIN_AFTER),
    )
    if not recently.exists():
        note(user, thread_id, Action.READ_CONTENT)


def note(
    user: Any, thread_id: UUID, action: Action, *, key: UUID | None = None
) -> bool:
    """Note that somebody has done something; whether this is news.

    ``key`` names what was done: noted once, however often it is sent.
    """
    told = {"user": user, "thread_id": thread_id, "action": action}
    if key is None or _is_anothers(key, told):
        AccessLog.objects.create(**told, created_at=clock.read())
        return True
    made = {**told, "created_at": clock.read()}
    _row, is_new = AccessLog.objects.get_or_create(pk=key, defaults=made)
    return is_new


def _is_anothers(key: UUID, told: dict[str, Any]) -> bool:
    """Was something else noted under this key? Keys come out of forms, and nobody hides behind one."""
    known = AccessLog.objects.filter(pk=key)
    return known.exists() and not known.filter(**told).exists()


def check_may_watch(viewer: Viewer, thread_id: UUID) -> None:
    """Whether they may see everything that happens in a thread; of the staff it is noted.

    Raises:
        ThreadNotFound: It is not theirs, and they may not read what others say.
    """
    if policy().threads(viewer).filter(pk=thread_id).exists():
        return
    thread = Thread.objects.filter(pk=thread_id).first()
    if thread is None or not may_read_content(viewer, thread):
        raise ThreadNotFound("No such thread.")
    note_reading(viewer.user, thread_id)


def may_read_content(viewer: Viewer, thread: Thread | None = None) -> bool:
    """May they, as staff, read what was said? Without a thread: in any at all."""
    can = policy().can
    return can(viewer, Action.INSPECT, thread) and can(
        viewer, Action.READ_CONTENT, thread
    )
