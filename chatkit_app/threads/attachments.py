"""Files of visitors: taking them in, finding them again, throwing them away.

What a message makes of them is in ``runs.attaching``.
"""

from __future__ import annotations

import logging
from datetime import timedelta
from pathlib import PurePath
from typing import IO
from uuid import UUID, uuid4

from django.core.files import File
from django.db import transaction
from django.db.models import Count, Q, QuerySet, Sum

from chatkit_app import clock
from chatkit_app.access import Action, policy
from chatkit_app.conf import settings
from chatkit_app.db import one_at_a_time
from chatkit_app.engine.files import clean_name
from chatkit_app.engine.states import AttachmentStatus
from chatkit_app.engine.viewer import Viewer
from chatkit_app.exceptions import (
    AttachmentNotFound,
    AttachmentRefused,
    AttachmentTooLarge,
    AttachmentTypeRefused,
    NotAllowed,
    TooManyAttachments,
)
from chatkit_app.models import Attachment
from chatkit_app.registry import assistants
from chatkit_app.threads.accesses import may_read_content, note_reading
from chatkit_app.threads.media_types import Seen, look

logger = logging.getLogger(__name__)

FOLDER = "chatkit"
"""Below it the storage keeps our files, each under a name that nobody can guess."""


def take(viewer: Viewer, file: IO[bytes], name: str) -> Attachment:
    """Keep an upload until a message takes it, or ``CHATKIT_WAITING_ATTACHMENT_SECONDS`` are over.

    Not in a transaction of the caller's: the row is there before the file is, so that a crash leaves
    a row that will be thrown away and never a file that nobody knows of.

    Raises:
        AttachmentRefused: It is empty, broken, too large, or of a type that nobody takes.
        TooManyAttachments: As many as allowed wait to be sent.
        NotAllowed: No assistant takes files.
    """
    shown = clean_name(name)
    seen = look(file, PurePath(shown).suffix)
    _check(seen)
    row = _new_row(viewer, shown, seen)
    try:
        _store(row, file)
    except Exception:
        row.delete()
        raise
    return row


def _check(seen: Seen) -> None:
    limit = settings.MAX_ATTACHMENT_BYTES
    if not any(assistant.attachments for assistant in assistants.all()):
        raise NotAllowed("Files are not taken here.")
    if not seen.size:
        raise AttachmentRefused("The file is empty.")
    if seen.size > limit:
        raise AttachmentTooLarge(f"A file may have {limit} bytes.")
    if seen.media_type not in taken_types():
        raise AttachmentTypeRefused(
            f"Files of the type {seen.media_type} are not taken."
        )
    if seen.fault:
        raise AttachmentTypeRefused(seen.fault)


def taken_types(assistant: str = "") -> list[str]:
    """The media types that this assistant takes; without a name: that any of them does."""
    asked = [assistants.get(assistant)] if assistant else assistants.all()
    return [
        media_type
        for media_type in settings.ATTACHMENT_TYPES
        if any(each.takes(media_type) for each in asked)
    ]


@transaction.atomic
def _new_row(viewer: Viewer, name: str, seen: Seen) -> Attachment:
    # Of several uploads at once each counts those before it.
    one_at_a_time(f"chatkit uploads {viewer.tenant}/{viewer.key}")
    row = Attachment.objects.create(
        tenant=viewer.tenant,
        owner_key=viewer.key,
        file=f"{FOLDER}/{uuid4()}",
        name=name,
        media_type=seen.media_type,
        size=seen.size,
        sha256=seen.sha256,
        expires_at=clock.now() + timedelta(seconds=settings.WAITING_ATTACHMENT_SECONDS),
    )
    _check_waiting(viewer)
    return row


def _check_waiting(viewer: Viewer) -> None:
    """Raises: TooManyAttachments."""
    count, size = settings.WAITING_ATTACHMENTS, settings.WAITING_ATTACHMENT_BYTES
    waiting = own_waiting(viewer).aggregate(count=Count("id"), size=Sum("size"))
    if waiting["count"] > count or (waiting["size"] or 0) > size:
        raise TooManyAttachments(
            f"{count} files of {size} bytes together may wait to be sent: send or remove some first."
        )


def _store(row: Attachment, file: IO[bytes]) -> None:
    file.seek(0)
    note_kept(row, row.file.storage.save(row.file.name, File(file)))


def note_kept(row: Attachment, name: str) -> None:
    """Under which name the storage has kept a file, for it may have rules of its own.

    Raises:
        AttachmentNotFound: The row was erased meanwhile: the file has gone as well.
    """
    try:
        if not Attachment.objects.filter(pk=row.pk).update(file=name):
            raise AttachmentNotFound("The file was removed while it was kept.")
    except BaseException:
        row.file.storage.delete(name)
        raise
    row.file.name = name


def own_waiting(viewer: Viewer) -> QuerySet[Attachment]:
    """The viewer's own uploads that no message has taken; the expired ones too."""
    return Attachment.objects.filter(
        tenant=viewer.tenant,
        owner_key=viewer.key,
        status=AttachmentStatus.WAITING,
    )


def find(viewer: Viewer, pk: UUID) -> Attachment:
    """A file that this viewer may read: their own, or one in a thread that they may read.

    Raises:
        AttachmentNotFound: Missing, expired, or not theirs to read: never said which.
    """
    in_time = Q(expires_at=None) | Q(expires_at__gt=clock.now())
    row = Attachment.objects.select_related("thread").filter(in_time, pk=pk).first()
    if row is None or not _may_read(viewer, row):
        raise AttachmentNotFound("No such file.")
    return row


def _may_read(viewer: Viewer, row: Attachment) -> bool:
    """Without a message it is its uploader's alone; with one it is as the thread is."""
    if row.thread is None:
        return (row.tenant, row.owner_key) == (viewer.tenant, viewer.key)
    return policy().can(viewer, Action.READ, row.thread) or may_read_content(
        viewer, row.thread
    )


def note_if_foreign(viewer: Viewer, row: Attachment) -> None:
    """Note it where somebody of the staff opens a file of another's thread."""
    if row.thread and not policy().can(viewer, Action.READ, row.thread):
        note_reading(viewer.user, row.thread.pk)


def remove(viewer: Viewer, pk: UUID) -> None:
    """Throw an upload away that no message has taken.

    Raises:
        AttachmentNotFound: It is missing, or not theirs.
        NotAllowed: A message has it.
    """
    row = find(viewer, pk)
    # In the condition, so that a message that takes it at this moment keeps it.
    with transaction.atomic():
        if not _delete(own_waiting(viewer).filter(pk=row.pk)):
            raise NotAllowed("The file was sent: it stays as long as its message.")


def expired() -> QuerySet[Attachment]:
    """Uploads that were never sent and have had their time."""
    return Attachment.objects.filter(
        status=AttachmentStatus.WAITING, expires_at__lte=clock.now()
    )


def throw_away(rows: QuerySet[Attachment], limit: int = 500) -> int:
    """Delete these rows, ``limit`` at most; each one's file goes when that is committed.

    Returns how many there were: to be called again until it is none.
    """
    with transaction.atomic():
        return _delete(
            rows.filter(pk__in=list(rows.values_list("pk", flat=True)[:limit]))
        )


def _delete(rows: QuerySet[Attachment]) -> int:
    """Lock what is still so, then delete that."""
    held = list(rows.select_for_update().order_by("pk").values_list("pk", flat=True))
    _count, by_table = Attachment.objects.filter(pk__in=held).delete()
    return by_table.get("chatkit_app.Attachment", 0)


def drop_file(sender: object, instance: Attachment, **kwargs: object) -> None:
    """Receive ``post_delete``: the file follows its row, once that is gone for good."""
    storage, name = instance.file.storage, instance.file.name or ""
    pk = instance.pk  # Django takes it off the instance when the row is gone

    def drop() -> None:
        try:
            storage.delete(name)
        except Exception:  # the storage is the site's, and its errors are
            logger.exception("The file of attachment %s can't be deleted", pk)

    if name:
        transaction.on_commit(drop)
