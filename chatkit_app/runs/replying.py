"""A member of the staff answers in somebody's thread, as a person and shown as one."""

from __future__ import annotations

from django.utils import timezone

from chatkit_app.access import Action, policy
from chatkit_app.engine.commands import Reply
from chatkit_app.engine.states import ACTIVE_RUN_STATUSES, MessageStatus, Role
from chatkit_app.engine.viewer import Viewer
from chatkit_app.exceptions import NotAllowed, RunConflict
from chatkit_app.log.append import append
from chatkit_app.models import Command as CommandRow
from chatkit_app.models import Message, Run, Thread
from chatkit_app.runs.permitted import check_open, locked, reachable
from chatkit_app.runs.recorder import record
from chatkit_app.runs.remembering import Outcome
from chatkit_app.runs.starting import (
    add_text,
    check_said,
    message_created,
    newest_shown,
)


def reply(viewer: Viewer, command: Reply, row: CommandRow) -> Outcome:
    """Add the words as a whole message of the assistant's side, with their author."""
    check_said(command)
    thread = reachable(viewer, command.thread_id, Action.REPLY)
    if not policy().can(viewer, Action.REPLY, thread):
        raise NotAllowed("Only the staff reply in a thread.")
    check_open(thread)
    thread = locked(thread)
    if Run.objects.filter(thread=thread, status__in=ACTIVE_RUN_STATUSES).exists():
        raise RunConflict("An answer is being written, or waits for somebody.")
    message = _create(viewer, thread, command.text)
    row.thread = thread
    row.last_position = append(thread.pk, [message_created(message)], record=record)
    now = timezone.now()
    Thread.objects.filter(pk=thread.pk).update(last_activity_at=now, answered_at=now)
    return {"thread": str(thread.pk), "message": str(message.pk)}


def _create(viewer: Viewer, thread: Thread, text: str) -> Message:
    parent = newest_shown(thread)
    message = Message.objects.create(
        thread=thread,
        parent=parent,
        depth=parent.depth + 1 if parent else 0,
        role=Role.ASSISTANT,
        author=viewer.user,
        status=MessageStatus.COMPLETE,
        text=text,
    )
    add_text(message, thread.position + 1)
    return message
