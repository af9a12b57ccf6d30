"""Branches: another answer, another question, and which of them is shown. Nothing is overwritten.

Of all messages in one place one is shown; a thread's shown messages are one path from its beginning.
"""

from __future__ import annotations

from uuid import UUID

from django.db.models import QuerySet

from chatkit_app.engine import events
from chatkit_app.engine.commands import Edit, Regenerate, Show
from chatkit_app.engine.states import ACTIVE_RUN_STATUSES, Role
from chatkit_app.engine.viewer import Viewer
from chatkit_app.exceptions import MessageNotFound, NotAllowed, RunConflict
from chatkit_app.log.append import append
from chatkit_app.models import Command as CommandRow
from chatkit_app.models import Message, Run, Thread
from chatkit_app.runs.closing import run_changed
from chatkit_app.runs.permitted import check_write, is_owner, locked, owned, writable
from chatkit_app.runs.recorder import record
from chatkit_app.runs.remembering import Outcome, check_limits
from chatkit_app.runs.starting import (
    check_declared,
    check_said,
    message_created,
    new_run,
    say,
    start,
)
from chatkit_app.runs.superseding import make_way

HIDDEN_SINGLY = 100
"""Messages whose hiding is told one by one; of more, whoever shows the thread reads it again."""
PLACES = 500
"""Places of a thread that are looked at in one query."""


def regenerate(viewer: Viewer, command: Regenerate, row: CommandRow) -> Outcome:
    """Answer again what this message has answered."""
    thread = writable(viewer, command.thread_id)
    check_limits(viewer)
    found = make_way(thread)
    message = _shown(thread, command.message_id, Role.ASSISTANT)
    run = Run.objects.filter(answer=message).first()
    if run is None:
        raise NotAllowed("No assistant has written this message.")
    return answer_again(viewer, run, row, found, tab=command.tab)


def answer_again(
    viewer: Viewer,
    run: Run,
    row: CommandRow,
    found: list[events.AnyEvent],
    *,
    tab: str,
) -> Outcome:
    """Write another answer in the place of this run's; the thread is locked. ``found`` comes before.

    It runs for whom the first one ran: whoever of the staff has it tried again lends it no rights.
    """
    found = [*found, *_hide_from(run.thread_id, run.answer.depth)]
    again = new_run(
        viewer if is_owner(viewer, run.thread) else None,
        run.thread,
        run.prompt,
        page=run.context.get("page") or {},
        tools=run.client_tools,
        tab=tab,
        like=run,
    )
    return start(
        again, row, [*found, run_changed(again), message_created(again.answer)]
    )


def edit(viewer: Viewer, command: Edit, row: CommandRow) -> Outcome:
    """Say something else in the place of this message, and have it answered."""
    check_said(command)
    thread = writable(viewer, command.thread_id)
    check_limits(viewer)
    check_declared(thread, command)
    found = make_way(thread)
    message = _shown(thread, command.message_id, Role.USER)
    found += _hide_from(thread.pk, message.depth)
    return say(viewer, thread, command, row, message.parent, found, instead_of=message)


def show(viewer: Viewer, command: Show, row: CommandRow) -> Outcome:
    """Show the branch that a message is in; below it, what was said there last."""
    thread = owned(viewer, command.thread_id)
    check_write(viewer, thread)
    locked(thread)
    if Run.objects.filter(thread=thread, status__in=ACTIVE_RUN_STATUSES).exists():
        raise RunConflict("An answer is being written.")
    message = _message(thread, command.message_id)
    outcome: Outcome = {"thread": str(thread.pk), "message": str(message.pk)}
    row.thread = thread
    if not message.is_shown:
        above = _hidden_above(message)
        below = _newest_below(message)
        _messages(thread).filter(is_shown=True, depth__gte=above[0].depth).update(
            is_shown=False
        )
        path = [each.pk for each in above] + below
        _messages(thread).filter(pk__in=path).update(is_shown=True)
        told = events.BranchShown(message_id=str(above[0].pk))
        row.last_position = append(thread.pk, [told], record=record)
    return outcome


def _messages(thread: Thread) -> QuerySet[Message]:
    return Message.objects.filter(thread=thread)


def _message(thread: Thread, pk: UUID) -> Message:
    message = _messages(thread).filter(pk=pk).first()
    if message is None:
        raise MessageNotFound("No such message in this thread.")
    return message


def _shown(thread: Thread, pk: UUID, role: Role) -> Message:
    message = _message(thread, pk)
    if message.role != role:
        raise NotAllowed(f"This is not one of the {role}'s messages.")
    if not message.is_shown:
        raise NotAllowed("This message is not shown: another one is in its place.")
    return message


def _hide_from(thread: UUID, depth: int) -> list[events.AnyEvent]:
    """Hide what is shown from a depth on: told one by one, the last first, unless there are many."""
    shown = Message.objects.filter(thread=thread, is_shown=True, depth__gte=depth)
    found = list(shown.order_by("-depth").values_list("pk", flat=True))
    shown.update(is_shown=False)
    if len(found) > HIDDEN_SINGLY:
        return [events.BranchShown(message_id=str(found[-1]))]
    return [events.MessageHidden(message_id=str(pk)) for pk in found]


def _hidden_above(message: Message) -> list[Message]:
    """The message and those above it that are not shown, the highest first."""
    found, parent = [message], message.parent_id
    known: dict[UUID, Message] = {}
    while parent is not None:
        if parent not in known:
            known = _hidden_before(message.thread_id, found[-1].depth)
        if parent not in known:  # it is shown
            break
        found.append(known[parent])
        parent = known[parent].parent_id
    return found[::-1]


def _hidden_before(thread: UUID, depth: int) -> dict[UUID, Message]:
    """What is hidden in the places above a depth, some of them at a time."""
    rows = Message.objects.filter(
        thread=thread, is_shown=False, depth__lt=depth, depth__gte=depth - PLACES
    )
    return rows.only("thread_id", "parent_id", "depth", "is_shown").in_bulk()


def _newest_below(message: Message) -> list[UUID]:
    """In each place below the message the newest: that is what was shown there last."""
    rows = Message.objects.filter(thread=message.thread_id, depth__gt=message.depth)
    # Keys are in the order of time, so that of each parent's children the last one stays.
    newest = dict(rows.order_by("id").values_list("parent_id", "pk"))
    found: list[UUID] = []
    here: UUID | None = newest.get(message.pk)
    while here is not None:
        found.append(here)
        here = newest.get(here)
    return found
