"""Which thread a command is about, as far as the policy lets this viewer do such a thing there."""

from __future__ import annotations

from uuid import UUID

from chatkit_app.access import Action, policy
from chatkit_app.engine.states import ThreadStatus
from chatkit_app.engine.viewer import Viewer
from chatkit_app.exceptions import NotAllowed, ThreadNotFound
from chatkit_app.models import Thread


def owned(viewer: Viewer, thread_id: UUID) -> Thread:
    """One of the viewer's own.

    Raises:
        ThreadNotFound: It is missing, or not theirs.
    """
    thread = policy().threads(viewer).filter(pk=thread_id).first()
    if thread is None:
        raise ThreadNotFound("No such thread.")
    return thread


def reachable(viewer: Viewer, thread_id: UUID, staffs: Action) -> Thread:
    """One that the viewer may write to, or in which they may do this as a member of the staff.

    Raises:
        ThreadNotFound: It is missing, or none of these.
        NotAllowed: The site's policy lets them read it alone.
    """
    mine = policy().threads(viewer).filter(pk=thread_id).first()
    if mine is not None and policy().can(viewer, Action.WRITE, mine):
        return mine
    there = policy().get_queryset(viewer).filter(deleted_at__isnull=True)
    thread = there.filter(pk=thread_id).first()
    if thread is not None and policy().can(viewer, staffs, thread):
        return thread
    if mine is not None:
        raise NotAllowed("You may only read this thread.")
    raise ThreadNotFound("No such thread.")


def locked(thread: Thread) -> Thread:
    """The thread as it is now, locked: what is read of it from here on stays true.

    Raises:
        ThreadNotFound: It was deleted since it was looked up.
    """
    there = Thread.objects.select_for_update().filter(deleted_at__isnull=True)
    found = there.filter(pk=thread.pk).first()
    if found is None:
        raise ThreadNotFound("No such thread.")
    return found


def is_owner(viewer: Viewer, thread: Thread) -> bool:
    """Is it one of the viewer's own?"""
    return thread.owner_key == viewer.key


def writable(viewer: Viewer, thread_id: UUID, staffs: Action | None = None) -> Thread:
    """One in which the viewer may say something; ``staffs``: or a member of the staff with this.

    Raises:
        ThreadNotFound: It is missing, or not theirs.
        NotAllowed: It takes no messages, or its assistant is not for them.
    """
    mine = policy().threads(viewer).filter(pk=thread_id).first()
    if mine is None and staffs is not None:
        thread = reachable(viewer, thread_id, staffs)
        check_open(thread)
        return thread
    if mine is None:
        raise ThreadNotFound("No such thread.")
    check_open(mine)
    # Not the owner alone is asked: what a site's policy shares, it may share for reading.
    check_start(viewer, mine.assistant)
    check_write(viewer, mine)
    return mine


def check_open(thread: Thread) -> None:
    """Whether it takes messages.

    Raises:
        NotAllowed: It is locked or archived.
    """
    if thread.status != ThreadStatus.OPEN:
        raise NotAllowed("This thread takes no messages.")


def check_start(viewer: Viewer, assistant: str) -> None:
    """Whether the viewer may speak to an assistant.

    Raises:
        NotAllowed: They may not.
    """
    if not policy().can_start(viewer, assistant):
        raise NotAllowed("This assistant is not for you.")


def check_write(viewer: Viewer, thread: Thread) -> None:
    """Whether they may say something there, or change what is shown.

    Raises:
        NotAllowed: The site's policy lets them read it alone.
    """
    if not policy().can(viewer, Action.WRITE, thread):
        raise NotAllowed("You may only read this thread.")
