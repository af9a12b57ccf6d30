"""What is asked becomes rows: each command one sync function, each function one transaction.

Whoever calls has a viewer and gets an outcome, plain JSON for the wire; a refusal is an error of the
tree and has changed nothing. The runner is told after the commit.
"""

from __future__ import annotations

from functools import partial
from typing import assert_never
from uuid import UUID

from django.db import IntegrityError, transaction
from django.utils import timezone

from chatkit_app import clock
from chatkit_app.access import policy
from chatkit_app.conf import settings
from chatkit_app.engine import events
from chatkit_app.engine.commands import (
    Answer,
    Cancel,
    Claim,
    Command,
    Release,
    Retry,
    Send,
)
from chatkit_app.engine.states import (
    ACTIVE_RUN_STATUSES,
    MessageStatus,
    PartKind,
    PartState,
    Role,
    RunStatus,
    ThreadStatus,
)
from chatkit_app.engine.viewer import Viewer
from chatkit_app.exceptions import (
    InvalidCommand,
    NotAllowed,
    RunConflict,
    ThreadNotFound,
)
from chatkit_app.log.append import append
from chatkit_app.models import Command as CommandRow
from chatkit_app.models import Message, Part, Run, Thread
from chatkit_app.registry import assistants
from chatkit_app.runs import answering
from chatkit_app.runs.closing import close_run, move_run, run_changed
from chatkit_app.runs.recorder import record
from chatkit_app.runs.remembering import Outcome, check_limits, once
from chatkit_app.runs.runner import runner

NATIVE = "native"
TITLE_CHARS = 60
SUPERSEDED = "The call was cancelled: a new message came before it was answered."


def handle(viewer: Viewer, command: Command, *, protocol: str = NATIVE) -> Outcome:
    """Do what is asked.

    Raises:
        ChatKitError: It can't be done; nothing was changed.
    """
    match command:
        case Send():
            return once(
                viewer, command, partial(_send, viewer, command), protocol=protocol
            )
        case Retry():
            return once(
                viewer, command, partial(_retry, viewer, command), protocol=protocol
            )
        case Cancel():
            return once(
                viewer, command, partial(_cancel, viewer, command), protocol=protocol
            )
        case Answer():
            return answering.answer(viewer, command, protocol=protocol)
        case Claim():
            return answering.claim(viewer, command)
        case Release():
            return answering.release(viewer, command)
        case _:
            assert_never(command)


def _send(viewer: Viewer, command: Send, row: CommandRow) -> Outcome:
    if len(command.text) > settings.MAX_MESSAGE_CHARS:
        raise InvalidCommand(
            f"A message may have {settings.MAX_MESSAGE_CHARS} characters."
        )
    if not command.text.strip():
        raise InvalidCommand("The message is empty.")
    check_limits(viewer)
    thread = _thread_for(viewer, command)
    found = _make_way(thread)
    parent = (
        Message.objects.filter(thread=thread, is_shown=True).order_by("-depth").first()
    )
    prompt = Message.objects.create(
        thread=thread,
        parent=parent,
        depth=parent.depth + 1 if parent else 0,
        role=Role.USER,
        author=viewer.user,
        client_id=command.id,
        status=MessageStatus.COMPLETE,
        text=command.text,
    )
    part = Part(message=prompt, index=0, kind=PartKind.TEXT, state=PartState.COMPLETE)
    part.text, part.position = command.text, thread.position + len(found) + 1
    part.save(force_insert=True)
    found.append(_message_created(prompt))
    run = _new_run(viewer, thread, prompt, page=dict(command.page), tab=command.tab)
    # The run first: a page that draws the empty answer knows already that it is being written.
    return _start(run, row, [*found, run_changed(run), _message_created(run.answer)])


def _retry(viewer: Viewer, command: Retry, row: CommandRow) -> Outcome:
    """Answer the same prompt again; the failed answer makes room, and is kept."""
    thread = _writable(viewer, command.thread_id)
    check_limits(viewer)
    # Locked before it is read which answer is the newest: of two retries at once one comes second.
    Thread.objects.select_for_update().get(pk=thread.pk)
    failed = Run.objects.filter(thread=thread).order_by("-created_at", "-id").first()
    if failed is None or failed.pk != command.run_id:
        raise NotAllowed("Only the newest answer can be tried again.")
    if failed.status not in (RunStatus.FAILED, RunStatus.CANCELLED):
        raise RunConflict("This answer is not one that failed.")
    Message.objects.filter(pk=failed.answer_id).update(is_shown=False)
    context = failed.context
    run = _new_run(
        viewer, thread, failed.prompt, page=context.get("page") or {}, tab=command.tab
    )
    hidden = events.MessageHidden(message_id=str(failed.answer_id))
    return _start(run, row, [hidden, run_changed(run), _message_created(run.answer)])


def _cancel(viewer: Viewer, command: Cancel, row: CommandRow) -> Outcome:
    """End a run, in whatever state it is; one that has ended stays as it is."""
    _owned(viewer, command.thread_id)
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


def _owned(viewer: Viewer, thread_id: UUID) -> Thread:
    thread = policy().threads(viewer).filter(pk=thread_id).first()
    if thread is None:
        raise ThreadNotFound("No such thread.")
    return thread


def _writable(viewer: Viewer, thread_id: UUID) -> Thread:
    thread = _owned(viewer, thread_id)
    if thread.status != ThreadStatus.OPEN:
        raise NotAllowed("This thread takes no messages.")
    _check_start(viewer, thread.assistant)
    return thread


def _check_start(viewer: Viewer, assistant: str) -> None:
    if not policy().can_start(viewer, assistant):
        raise NotAllowed("This assistant is not for you.")


def _thread_for(viewer: Viewer, command: Send) -> Thread:
    """The thread that is named, or a new one."""
    if command.thread_id is not None:
        return _writable(viewer, command.thread_id)
    try:
        assistant = assistants.get(command.assistant)
    except LookupError as error:
        raise InvalidCommand("No such assistant.") from error
    _check_start(viewer, assistant.name)
    return Thread.objects.create(
        assistant=assistant.name,
        tenant=viewer.tenant,
        user=viewer.user,
        visitor=None if viewer.user is not None else viewer.visitor,
        owner_key=viewer.key,
        title=" ".join(command.text.split())[:TITLE_CHARS],
        last_activity_at=timezone.now(),
    )


def _make_way(thread: Thread) -> list[events.AnyEvent]:
    """End a run that waits for the outside: the new message supersedes it. Locks the thread.

    Raises:
        RunConflict: A run is being written.
    """
    found: list[events.AnyEvent] = []
    active = Run.objects.filter(thread=thread, status__in=ACTIVE_RUN_STATUSES)
    run = active.select_for_update().first()
    locked = Thread.objects.select_for_update().get(pk=thread.pk)
    thread.position = locked.position
    if run is not None and run.status == RunStatus.REQUIRES_ACTION:
        found = close_run(run, RunStatus.CANCELLED, code="superseded", why=SUPERSEDED)
    if active.exists():
        raise RunConflict("An answer is being written.")
    return found


def _new_run(
    viewer: Viewer,
    thread: Thread,
    prompt: Message,
    *,
    page: dict[str, object],
    tab: str,
) -> Run:
    """A queued run with its empty answer; the thread is locked."""
    answer = Message.objects.create(
        thread=thread,
        parent=prompt,
        depth=prompt.depth + 1,
        role=Role.ASSISTANT,
        status=MessageStatus.OPEN,
    )
    now = clock.read()
    try:
        with transaction.atomic():
            run = Run.objects.create(
                thread=thread,
                prompt=prompt,
                answer=answer,
                started_by=viewer.user,
                created_at=now,  # by which the newest run of a thread is known
                ready_at=now,
                context={
                    "page": page,
                    "tab": tab,
                    "language": viewer.language,
                    "visitor": str(viewer.visitor) if viewer.visitor else None,
                },
            )
    except IntegrityError as error:
        raise RunConflict("An answer is being written.") from error
    answer.run = run
    answer.save(update_fields=["run"])
    return run


def _start(run: Run, row: CommandRow, found: list[events.AnyEvent]) -> Outcome:
    row.thread_id, row.run = run.thread_id, run
    row.last_position = append(run.thread_id, found, record=record, run=run.pk)
    row.first_position = row.last_position - len(found) + 1
    Thread.objects.filter(pk=run.thread_id).update(last_activity_at=timezone.now())
    transaction.on_commit(lambda: runner.submit(run.pk))
    return {
        "thread": str(run.thread_id),
        "run": str(run.pk),
        "message": str(run.prompt_id),
    }


def _message_created(message: Message) -> events.MessageCreated:
    is_users = message.role == Role.USER
    return events.MessageCreated(
        message_id=str(message.pk),
        role=Role(message.role),
        run_id=str(message.run_id) if message.run_id else None,
        client_id=message.client_id,
        status=MessageStatus(message.status),
        content=message.text if is_users else None,
        created_at=message.created_at,
    )
