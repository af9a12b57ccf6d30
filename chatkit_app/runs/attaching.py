"""A message takes files: what was uploaded before becomes parts of it, once."""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

from django.db.models import Q

from chatkit_app import clock
from chatkit_app.conf import settings
from chatkit_app.engine.states import AttachmentStatus, PartKind, PartState
from chatkit_app.engine.viewer import Viewer
from chatkit_app.exceptions import AttachmentNotFound, NotAllowed, TooManyAttachments
from chatkit_app.models import Attachment, Message, Part, Thread
from chatkit_app.registry import assistants


def attach(
    viewer: Viewer,
    thread: Thread,
    message: Message,
    ids: Sequence[UUID],
    first_index: int,
    position: int,
    *,
    kept_from: Message | None = None,
) -> list[Part]:
    """Make these files parts of a message, in this order; inside the caller's transaction.

    They are the viewer's own, and wait to be sent. An edited message may keep the files of the one
    that it replaces: ``kept_from``.

    Raises:
        AttachmentNotFound: One is missing, foreign, expired, already sent, or named twice.
        NotAllowed: The thread's assistant does not take such files.
        TooManyAttachments: A message may not have so many.
    """
    if not ids:
        return []
    if len(ids) > settings.ATTACHMENTS_PER_MESSAGE:
        raise TooManyAttachments(
            f"A message may have {settings.ATTACHMENTS_PER_MESSAGE} files."
        )
    found = _locked(viewer, thread, ids, kept_from)
    _check_taken(thread, found)
    Attachment.objects.filter(pk__in=ids).update(
        thread=thread, status=AttachmentStatus.SENT, expires_at=None
    )
    return Part.objects.bulk_create(
        _file_part(message, row, index, position)
        for index, row in enumerate(found, first_index)
    )


def _locked(
    viewer: Viewer, thread: Thread, ids: Sequence[UUID], kept_from: Message | None
) -> list[Attachment]:
    """The rows in the order of the ids: locked, so that of two messages one alone gets a file."""
    waiting = Q(
        tenant=viewer.tenant,
        owner_key=viewer.key,
        status=AttachmentStatus.WAITING,
        expires_at__gt=clock.now(),
    )
    kept = Q(thread=thread, parts__message=kept_from) if kept_from else Q(pk__in=[])
    usable = Attachment.objects.filter(waiting | kept, pk__in=ids)
    # Two queries: PostgreSQL locks no rows that it had to join and make distinct.
    wanted = set(usable.values_list("pk", flat=True))
    rows = Attachment.objects.select_for_update().filter(pk__in=wanted).order_by("pk")
    by_id = {row.pk: row for row in rows if _is_still_usable(row, thread)}
    if len(by_id) != len(ids):
        raise AttachmentNotFound("No such file, or it was sent already.")
    return [by_id[pk] for pk in ids]


def _is_still_usable(row: Attachment, thread: Thread) -> bool:
    """As locked, not as read before: another message may have been quicker."""
    return row.status == AttachmentStatus.WAITING or row.thread_id == thread.pk


def _check_taken(thread: Thread, rows: Sequence[Attachment]) -> None:
    try:
        assistant = assistants.get(thread.assistant)
    except LookupError:
        return  # newer code's: it has said yes, or the page would not have offered it
    for row in rows:
        if not assistant.takes(row.media_type):
            raise NotAllowed(
                f"This assistant takes no {row.media_type}. Assistant(attachments=…) says what it takes."
            )


def _file_part(message: Message, row: Attachment, index: int, position: int) -> Part:
    return Part(
        message=message,
        index=index,
        kind=PartKind.FILE,
        state=PartState.COMPLETE,
        attachment=row,
        data={"name": row.name, "mediaType": row.media_type, "size": row.size},
        position=position,
    )
