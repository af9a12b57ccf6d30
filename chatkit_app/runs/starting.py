"""What a run begins with: what a person has said, as rows, and the empty answer to it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django.db import IntegrityError, transaction
from django.utils import timezone
from pydantic import JsonValue, TypeAdapter

from chatkit_app import clock
from chatkit_app.conf import settings
from chatkit_app.engine import events
from chatkit_app.engine.commands import Edit, Reply, Send
from chatkit_app.engine.page_tools import check_page_tools
from chatkit_app.engine.pages import read_page
from chatkit_app.engine.states import MessageStatus, PartKind, PartState, Role
from chatkit_app.engine.viewer import Viewer
from chatkit_app.exceptions import CommandConflict, InvalidCommand, RunConflict
from chatkit_app.log.append import append
from chatkit_app.log.branches import author_name, siblings_of
from chatkit_app.log.files import file_part_as_json
from chatkit_app.models import Command as CommandRow
from chatkit_app.models import Message, Part, Run, Thread
from chatkit_app.registry import assistants
from chatkit_app.runs import budgets
from chatkit_app.runs.attaching import attach
from chatkit_app.runs.briefing import viewer_of_run
from chatkit_app.runs.closing import run_changed
from chatkit_app.runs.recorder import record
from chatkit_app.runs.remembering import Outcome
from chatkit_app.runs.runner import runner

_file: TypeAdapter[events.FileTold] = TypeAdapter(events.FileTold)


def check_said(command: Send | Edit | Reply) -> None:
    """Whether there is something to say, and not too much.

    Raises:
        InvalidCommand: It is empty, or too long.
    """
    if len(command.text) > settings.MAX_MESSAGE_CHARS:
        raise InvalidCommand(
            f"A message may have {settings.MAX_MESSAGE_CHARS} characters."
        )
    has_files = not isinstance(command, Reply) and command.attachments
    if not command.text.strip() and not has_files:
        raise InvalidCommand("The message is empty.")


def check_declared(thread: Thread, command: Send | Edit) -> None:
    """Whether the page tells and declares what the thread's assistant lets it.

    Raises:
        InvalidPage: It tells of itself what the assistant has not declared.
        InvalidCommand: It declares tools that it may not, or that are too large.
    """
    check_page_tools(command.tools)
    try:
        assistant = assistants.get(thread.assistant)
    except LookupError:
        return  # newer code's: who carries the run has it, and reads the page by it
    read_page(assistant.page, command.page)
    if command.tools and not assistant.page_tools:
        raise InvalidCommand(
            "This assistant takes no tools of a page's own. Assistant(page_tools=True) lets it."
        )


def newest_shown(thread: Thread) -> Message | None:
    """The last message of the branch that is shown."""
    shown = Message.objects.filter(thread=thread, is_shown=True)
    return shown.order_by("-depth").first()


def new_prompt(
    viewer: Viewer,
    thread: Thread,
    command: Send | Edit,
    parent: Message | None,
    position: int,
) -> Message:
    """What a visitor says, below ``parent``; its event is to get ``position``.

    Raises:
        CommandConflict: It was said before, by a command that is not known any more (pruned).
    """
    try:
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
    except IntegrityError as error:
        raise CommandConflict("This was said before, in this thread.") from error
    if command.text:
        add_text(prompt, position)
    return prompt


def file_told(part: Part) -> events.FileTold:
    """A file part in the event of its message."""
    told = file_part_as_json(part)
    return _file.validate_python(
        {name: told[name] for name in told.keys() - {"type", "stepId", "state"}}
    )


def add_text(message: Message, position: int) -> None:
    """The text of a whole message as its first part."""
    part = Part(message=message, index=0, kind=PartKind.TEXT, state=PartState.COMPLETE)
    part.text, part.position = message.text, position
    part.save(force_insert=True)


def say(
    viewer: Viewer,
    thread: Thread,
    command: Send | Edit,
    row: CommandRow,
    parent: Message | None,
    found: list[events.AnyEvent],
    *,
    instead_of: Message | None = None,
) -> Outcome:
    """What a visitor says below ``parent``, and a run that answers it; the thread is locked.

    ``found`` is what has happened before it in the same transaction. Said ``instead_of`` another
    message, it may keep the files of that one.
    """
    position = thread.position + len(found) + 1
    prompt = new_prompt(viewer, thread, command, parent, position)
    parts = attach(
        viewer,
        thread,
        prompt,
        command.attachments,
        1,
        position,
        kept_from=instead_of,
    )
    files = [file_told(part) for part in parts]
    run = new_run(
        viewer,
        thread,
        prompt,
        page=dict(command.page),
        tools=[tool.as_json() for tool in command.tools],
        tab=command.tab,
    )
    # The run first: a page that draws the empty answer knows already that it is being written.
    began: list[events.AnyEvent] = [
        message_created(prompt, files),
        run_changed(run),
        message_created(run.answer),
    ]
    return start(run, row, [*found, *began])


def new_run(
    viewer: Viewer | None,
    thread: Thread,
    prompt: Message,
    *,
    page: dict[str, JsonValue],
    tools: list[dict[str, JsonValue]],
    tab: str,
    like: Run | None = None,
) -> Run:
    """A queued run with its empty answer; the thread is locked.

    Without a viewer it runs for whom ``like`` ran.

    Raises:
        BudgetSpent: They have nothing left.
    """
    whom = viewer or (viewer_of_run(like, thread) if like else None)
    if whom is not None:
        budgets.check(whom, thread.assistant)
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
                started_by=_started_by(viewer, like),
                created_at=now,  # by which the newest run of a thread is known
                ready_at=now,
                client_tools=tools,
                context={"page": page, "tab": tab, **_who(viewer, like)},
            )
    except IntegrityError as error:
        raise RunConflict("An answer is being written.") from error
    answer.run = run
    answer.save(update_fields=["run"])
    return run


def _started_by(viewer: Viewer | None, like: Run | None) -> Any:
    if viewer is not None:
        return viewer.user
    return like.started_by if like else None


def _who(viewer: Viewer | None, like: Run | None) -> dict[str, JsonValue]:
    """For whom it runs, as whoever carries it needs to know."""
    if viewer is None:
        known = like.context if like else {}
        return {name: known.get(name) for name in ("language", "visitor")}
    return {
        "language": viewer.language,
        "visitor": str(viewer.visitor) if viewer.visitor else None,
    }


def start(run: Run, row: CommandRow, found: list[events.AnyEvent]) -> Outcome:
    """Append what has happened, and let the run begin after the commit."""
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


def message_created(
    message: Message, files: Sequence[events.FileTold] = ()
) -> events.MessageCreated:
    """The event of a message that is new in its thread."""
    name = author_name(message)
    is_persons = message.role == Role.USER or name is not None
    return events.MessageCreated(
        message_id=str(message.pk),
        role=Role(message.role),
        run_id=str(message.run_id) if message.run_id else None,
        client_id=message.client_id,
        status=MessageStatus(message.status),
        content=message.text if is_persons else None,
        created_at=message.created_at,
        parent_id=str(message.parent_id) if message.parent_id else None,
        siblings=siblings_of([message])[message.pk],
        author=None if name is None else events.AuthorTold(name=name),
        files=files,
    )
