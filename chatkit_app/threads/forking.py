"""Going on from a message in a thread of one's own: what was said until there is copied.

Files are copied first, each below a row that waits, as an upload does; then all rows are written in
one transaction, which takes those files. So a crash leaves files that will expire, and nothing else.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID, uuid4

from django.db import transaction
from django.db.models import F, QuerySet

from chatkit_app import clock
from chatkit_app.access import Action, policy
from chatkit_app.conf import settings
from chatkit_app.engine.states import AttachmentStatus, MessageStatus
from chatkit_app.engine.viewer import Viewer
from chatkit_app.exceptions import (
    ForkTooLarge,
    MessageNotFound,
    NotAllowed,
    RunConflict,
    ThreadNotFound,
)
from chatkit_app.models import Attachment, Message, Thread, new_id
from chatkit_app.threads import editing
from chatkit_app.threads.attachments import FOLDER, note_kept, throw_away
from chatkit_app.threads.copying import copy_messages

MESSAGES = 1000
"""What a fork may begin with."""
FILES_BYTES = 64 * 1024 * 1024
"""Bytes of all its files together: they are copied while somebody waits, and fill the storage."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Fork:
    """What is asked for; ``title``: empty for the old one's."""

    thread_id: UUID
    message_id: UUID
    title: str = ""
    external_id: str | None = None


def fork(viewer: Viewer, asked: Fork) -> tuple[Thread, bool]:
    """A thread of the viewer's own that begins as another one, down to this message.

    And whether it is new: theirs with this external id may be there already. Not in a transaction of
    the caller's: files are copied before there is one.

    Raises:
        ThreadNotFound: They don't see the thread.
        MessageNotFound: It has no such message, or does not show it.
        NotAllowed: They may not read it, or not speak to its assistant.
        UnknownAssistant: Its assistant is none any more.
        RunConflict: The message is being written, or what is shown has changed meanwhile.
        ForkTooLarge: There is too much before the message.
        CommandConflict: A thread of theirs has this external id, and they don't see it (any more).
    """
    thread = _readable(viewer, asked.thread_id)
    known = _known(viewer, asked.external_id)
    if known is not None:
        return known, False
    files = _copy_files(viewer, _files_of(_path(thread, asked.message_id)))
    try:
        made, is_new = _fork(viewer, asked, files)
    except BaseException:
        _throw_away(files)
        raise
    if not is_new:
        _throw_away(files)
    return made, is_new


def _readable(viewer: Viewer, thread_id: UUID) -> Thread:
    thread = policy().threads(viewer).filter(pk=thread_id).first()
    if thread is None:
        raise ThreadNotFound("No such thread.")
    if not policy().can(viewer, Action.READ, thread):
        raise NotAllowed("You may not read this thread.")
    if not policy().can_start(viewer, thread.assistant):
        raise NotAllowed("This assistant is not for you.")
    return thread


def _known(viewer: Viewer, external_id: str | None) -> Thread | None:
    """Theirs of this name, as making a thread would find it: then nothing need be copied."""
    if external_id is None:
        return None
    mine = policy().threads(viewer).filter(owner_key=viewer.key)
    return mine.filter(external_id=external_id).first()


def _path(thread: Thread, message_id: UUID) -> list[UUID]:
    """The shown messages from the beginning down to this one."""
    shown = Message.objects.filter(thread=thread, is_shown=True)
    last = shown.filter(pk=message_id).first()
    if last is None:
        raise MessageNotFound("No such message is shown in this thread.")
    if last.status == MessageStatus.OPEN:
        raise RunConflict("This message is still being written.")
    above = shown.filter(depth__lte=last.depth).order_by("depth")
    found = list(above.values_list("pk", flat=True)[: MESSAGES + 1])
    if len(found) > MESSAGES:
        raise ForkTooLarge(f"A chat can be continued from {MESSAGES} messages at most.")
    return found


def _files_of(path: Sequence[UUID]) -> QuerySet[Attachment]:
    return Attachment.objects.filter(parts__message__in=path).distinct()


def _copy_files(viewer: Viewer, rows: QuerySet[Attachment]) -> dict[UUID, UUID]:
    """Files of the viewer's own that wait; by the key of what each is a copy of."""
    found, made = list(rows.order_by("pk")), dict[UUID, UUID]()
    if sum(row.size for row in found) > FILES_BYTES:
        raise ForkTooLarge("The files of this chat are too large to be copied.")
    try:
        for row in found:
            # Known before it is written: what breaks off in the middle is thrown away, too.
            made[row.pk] = new_id()
            _copy_file(viewer, row, made[row.pk])
    except BaseException:
        _throw_away(made)
        raise
    return made


def _copy_file(viewer: Viewer, row: Attachment, pk: UUID) -> None:
    seconds = settings.WAITING_ATTACHMENT_SECONDS
    new = Attachment.objects.create(
        id=pk,
        tenant=viewer.tenant,
        owner_key=viewer.key,
        file=f"{FOLDER}/{uuid4()}",
        name=row.name,
        media_type=row.media_type,
        size=row.size,
        sha256=row.sha256,
        expires_at=clock.now() + timedelta(seconds=seconds),
    )
    try:
        with row.file.open("rb") as file:
            kept = new.file.storage.save(new.file.name, file)
    except FileNotFoundError:
        return  # gone here as there
    note_kept(new, kept)


def _throw_away(files: Mapping[UUID, UUID]) -> None:
    """Those that nothing has taken: a fork whose end nobody heard of keeps its files."""
    if files:
        waiting = Attachment.objects.filter(
            pk__in=files.values(), thread=None, status=AttachmentStatus.WAITING
        )
        throw_away(waiting, limit=len(files))


@transaction.atomic
def _fork(
    viewer: Viewer, asked: Fork, files: Mapping[UUID, UUID]
) -> tuple[Thread, bool]:
    """The new thread with all its rows; the old one is held as it is meanwhile."""
    mine = policy().threads(viewer).filter(pk=asked.thread_id)
    # Locked by a write that changes nothing: on SQLite a read would lock nothing.
    if not mine.update(position=F("position")):
        raise ThreadNotFound("No such thread.")
    thread = Thread.objects.get(pk=asked.thread_id)
    path = _path(thread, asked.message_id)
    made, is_new = editing.create(
        viewer,
        thread.assistant,
        title=asked.title or thread.title,
        external_id=asked.external_id,
    )
    if is_new:
        _name_like(made, thread, asked)
        _take_files(made, path, files)
        copy_messages(path, made, files)
    return made, is_new


def _name_like(made: Thread, thread: Thread, asked: Fork) -> None:
    """A title that is not the viewer's own words is as free to be written over as the old one's."""
    if not asked.title:
        made.title_source, made.titled_at = thread.title_source, thread.titled_at
        made.save(update_fields=["title_source", "titled_at"])


def _take_files(made: Thread, path: Sequence[UUID], files: Mapping[UUID, UUID]) -> None:
    needed = set(_files_of(path).values_list("pk", flat=True))
    copies = [copy for pk, copy in files.items() if pk in needed]
    waiting = Attachment.objects.filter(
        pk__in=copies, status=AttachmentStatus.WAITING, owner_key=made.owner_key
    )
    taken = waiting.update(thread=made, status=AttachmentStatus.SENT, expires_at=None)
    if not needed <= files.keys() or taken != len(copies):
        raise RunConflict("What is shown has changed meanwhile.")
