"""How an owner liked an answer: said, changed, taken back."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from uuid import UUID

from django.db import transaction
from django.db.models import F

from chatkit_app import clock
from chatkit_app.access import Action, policy
from chatkit_app.engine.events import MessageRated
from chatkit_app.engine.states import FeedbackKind, Role
from chatkit_app.engine.viewer import Viewer
from chatkit_app.exceptions import MessageNotFound, NotAllowed, ThreadNotFound
from chatkit_app.log.append import append
from chatkit_app.models import Feedback, Message, Thread
from chatkit_app.runs.recorder import record
from chatkit_app.runs.redacting import redaction
from chatkit_app.signals import message_rated

logger = logging.getLogger(__name__)

REASONS = 8
"""Codes that one may give for one's opinion."""
COMMENT_CHARS = 2000


def find(viewer: Viewer, thread_id: UUID, message_id: UUID) -> Feedback | None:
    """What the viewer has said of an answer in a thread of theirs.

    Raises:
        ThreadNotFound: It is not theirs.
        MessageNotFound: It has no such message.
    """
    thread = policy().threads(viewer).filter(pk=thread_id).first()
    if thread is None:
        raise ThreadNotFound("No such thread.")
    message = _message(thread, message_id)
    return Feedback.objects.filter(message=message, owner_key=viewer.key).first()


def rate(
    viewer: Viewer,
    thread_id: UUID,
    message_id: UUID,
    kind: FeedbackKind,
    *,
    reasons: Sequence[str] = (),
    comment: str = "",
) -> Feedback:
    """Say it, in the place of what was said before.

    Raises:
        ThreadNotFound: It is not theirs.
        MessageNotFound: It has no such message.
        NotAllowed: It is no answer, or the policy does not let them.
    """
    comment = redaction().text(comment)[:COMMENT_CHARS]
    with transaction.atomic():
        message = _rateable(viewer, thread_id, message_id)
        told = {"kind": kind, "reasons": [*reasons], "comment": comment}
        before = Feedback.objects.filter(message=message, owner_key=viewer.key).first()
        row, _is_new = Feedback.objects.update_or_create(
            message=message,
            owner_key=viewer.key,
            defaults={**told, "created_at": clock.read()},
        )
        if before is None or before.kind != kind:
            _tell(message, kind)
        if before is None or told != _said(before):
            _signal(message, kind, reasons=[*reasons], comment=comment)
        return row


def withdraw(viewer: Viewer, thread_id: UUID, message_id: UUID) -> None:
    """Take it back; nothing happens where nothing was said.

    Raises:
        ThreadNotFound: It is not theirs.
        MessageNotFound: It has no such message.
        NotAllowed: It is no answer, or the policy does not let them.
    """
    with transaction.atomic():
        message = _rateable(viewer, thread_id, message_id)
        gone, _by_table = Feedback.objects.filter(
            message=message, owner_key=viewer.key
        ).delete()
        if gone:
            _tell(message, None)
            _signal(message, None, reasons=[], comment="")


def _rateable(viewer: Viewer, thread_id: UUID, message_id: UUID) -> Message:
    """The answer, its thread locked by a write that changes nothing."""
    mine = policy().threads(viewer).filter(pk=thread_id)
    if not mine.update(floor=F("floor")):
        raise ThreadNotFound("No such thread.")
    thread = Thread.objects.get(pk=thread_id)
    message = _message(thread, message_id)
    if message.role != Role.ASSISTANT:
        raise NotAllowed("Only answers can be rated.")
    if not policy().can(viewer, Action.RATE, thread):
        raise NotAllowed("You may not rate this answer.")
    return message


def _message(thread: Thread, message_id: UUID) -> Message:
    message = Message.objects.filter(thread=thread, pk=message_id).first()
    if message is None:
        raise MessageNotFound("No such message in this thread.")
    return message


def _said(row: Feedback) -> dict[str, object]:
    return {"kind": row.kind, "reasons": row.reasons, "comment": row.comment}


def _tell(message: Message, kind: FeedbackKind | None) -> None:
    event = MessageRated(message_id=str(message.pk), feedback=kind)
    append(message.thread_id, [event], record=record)


def _signal(
    message: Message, kind: FeedbackKind | None, *, reasons: list[str], comment: str
) -> None:
    """To the site's receivers, once it is committed: what they raise is theirs."""

    def send() -> None:
        told = {"reasons": reasons, "comment": comment}
        for receiver, error in message_rated.send_robust(
            sender=Message, message=message, feedback=kind, **told
        ):
            if isinstance(error, Exception):
                logger.error("%r has failed", receiver, exc_info=error)

    transaction.on_commit(send)
