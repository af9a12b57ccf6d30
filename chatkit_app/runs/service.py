"""What is asked becomes rows: each command one sync function, each function one transaction.

Whoever calls has a viewer and gets an outcome, plain JSON for the wire; a refusal is an error of the
tree and has changed nothing. The runner is told after the commit.
"""

from __future__ import annotations

from functools import partial
from typing import assert_never

from django.db import transaction
from django.utils import timezone

from chatkit_app.access import Action
from chatkit_app.engine.commands import (
    Answer,
    Cancel,
    Claim,
    Command,
    Edit,
    Regenerate,
    Release,
    Reply,
    Resolve,
    Retry,
    Send,
    Show,
)
from chatkit_app.engine.states import RunStatus
from chatkit_app.engine.viewer import Viewer
from chatkit_app.exceptions import (
    InvalidCommand,
    NotAllowed,
    RunConflict,
    ThreadNotFound,
)
from chatkit_app.log.append import append
from chatkit_app.models import Command as CommandRow
from chatkit_app.models import Run, Thread
from chatkit_app.registry import assistants
from chatkit_app.runs import answering, resolving
from chatkit_app.runs.branching import answer_again, edit, regenerate, show
from chatkit_app.runs.closing import close_run, move_run
from chatkit_app.runs.permitted import check_start, locked, reachable, writable
from chatkit_app.runs.recorder import record
from chatkit_app.runs.redacting import redacted
from chatkit_app.runs.remembering import Outcome, check_limits, once
from chatkit_app.runs.replies import Reply as Answered
from chatkit_app.runs.replying import reply
from chatkit_app.runs.runner import runner
from chatkit_app.runs.starting import check_declared, check_said, newest_shown, say
from chatkit_app.runs.superseding import make_way

Asked = Send | Regenerate | Edit | Show | Reply | Retry | Cancel

NATIVE = "native"
TITLE_CHARS = 60


def read(viewer: Viewer, command: Command) -> list[Answered] | None:
    """The part of a command in which the site's code runs, for those who must not wait for it.

    Raises:
        ChatKitError: It can't be done.
    """
    if isinstance(command, Answer | Resolve):
        return resolving.read(viewer, redacted(command))
    return None


def handle(
    viewer: Viewer,
    command: Command,
    *,
    protocol: str = NATIVE,
    replies: list[Answered] | None = None,
) -> Outcome:
    """Do what is asked; ``replies`` is what ``read`` has said of it.

    Raises:
        ChatKitError: It can't be done; nothing was changed.
    """
    command = redacted(command)  # before anything is made of it, its digest too
    match command:
        case Answer() | Resolve():
            replies = replies or resolving.read(viewer, command)
            return resolving.take(viewer, command, replies, protocol=protocol)
        case Claim():
            return answering.claim(viewer, command)
        case Release():
            return answering.release(viewer, command)
        case _:
            act = partial(_act, viewer, command)
            return once(viewer, command, act, protocol=protocol)


def _act(viewer: Viewer, command: Asked, row: CommandRow) -> Outcome:
    """Do what is remembered by its id, in the transaction of that."""
    match command:
        case Send():
            return _send(viewer, command, row)
        case Regenerate():
            return regenerate(viewer, command, row)
        case Edit():
            return edit(viewer, command, row)
        case Show():
            return show(viewer, command, row)
        case Reply():
            return reply(viewer, command, row)
        case Retry():
            return _retry(viewer, command, row)
        case Cancel():
            return _cancel(viewer, command, row)
        case _:
            assert_never(command)


def _send(viewer: Viewer, command: Send, row: CommandRow) -> Outcome:
    check_said(command)
    check_limits(viewer)
    thread = _thread_for(viewer, command)
    check_declared(thread, command)
    found = make_way(thread)
    return say(viewer, thread, command, row, newest_shown(thread), found)


def _retry(viewer: Viewer, command: Retry, row: CommandRow) -> Outcome:
    """Answer the same prompt again; the failed answer makes room, and is kept."""
    thread = writable(viewer, command.thread_id, Action.RETRY)
    check_limits(viewer)
    # Locked before it is read which answer is the newest: of two retries at once one comes second.
    locked(thread)
    runs = Run.objects.filter(thread=thread, answer__is_shown=True)
    failed = runs.order_by("-created_at", "-id").first()
    if failed is None or failed.pk != command.run_id:
        raise NotAllowed("Only the newest answer can be tried again.")
    if failed.status not in (RunStatus.FAILED, RunStatus.CANCELLED):
        raise RunConflict("This answer is not one that failed.")
    return answer_again(viewer, failed, row, [], tab=command.tab)


def _cancel(viewer: Viewer, command: Cancel, row: CommandRow) -> Outcome:
    """End a run, in whatever state it is; one that has ended stays as it is."""
    reachable(viewer, command.thread_id, Action.CANCEL)
    run = Run.objects.select_for_update().filter(pk=command.run_id).first()
    if run is None or run.thread_id != command.thread_id:
        raise ThreadNotFound("No such run.")
    row.thread_id, row.run = run.thread_id, run
    if run.status in (RunStatus.QUEUED, RunStatus.REQUIRES_ACTION):
        append(
            run.thread_id,
            close_run(run, RunStatus.CANCELLED),
            record=record,
            run=run.pk,
        )
    elif run.status == RunStatus.IN_PROGRESS:
        run.cancel_requested_at = timezone.now()
        run.save(update_fields=["cancel_requested_at"])
        append(
            run.thread_id,
            [move_run(run, RunStatus.CANCELLING)],
            record=record,
            run=run.pk,
        )
        transaction.on_commit(lambda: runner.cancel(run.pk))
    return {"run": str(run.pk), "thread": str(run.thread_id)}


def _thread_for(viewer: Viewer, command: Send) -> Thread:
    """The thread that is named, or a new one."""
    if command.thread_id is not None:
        return writable(viewer, command.thread_id)
    try:
        assistant = assistants.get(command.assistant)
    except LookupError as error:
        raise InvalidCommand("No such assistant.") from error
    check_start(viewer, assistant.name)
    return Thread.objects.create(
        assistant=assistant.name,
        tenant=viewer.tenant,
        user=viewer.user,
        visitor=None if viewer.user is not None else viewer.visitor,
        owner_key=viewer.key,
        title=" ".join(command.text.split())[:TITLE_CHARS],
        last_activity_at=timezone.now(),
    )
