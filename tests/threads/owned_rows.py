"""Something in every table of ours that can hold what an owner has said; each text has the mark in it."""

from __future__ import annotations

from datetime import timedelta
from uuid import UUID, uuid4

from django.core.files.base import ContentFile
from django.utils import timezone

from chatkit_app.engine.viewer import Viewer
from chatkit_app.models import (
    Attachment,
    Command,
    Event,
    Feedback,
    Part,
    Run,
    Share,
    Step,
    Thread,
    Usage,
)
from tests.history_rows import Turn, make_thread


def viewer_of(owner: object) -> Viewer:
    return Viewer(visitor=owner) if isinstance(owner, UUID) else Viewer(user=owner)


def make_attachment(owner: object, mark: str, thread: Thread | None = None):
    row = Attachment(
        owner_key=viewer_of(owner).key,
        thread=thread,
        name=f"{mark}.txt",
        media_type="text/plain",
        size=len(mark),
        sha256="0" * 64,
        status="sent" if thread else "waiting",
        expires_at=None if thread else timezone.now() + timedelta(days=1),
    )
    row.file.save(f"chatkit/{uuid4()}", ContentFile(mark.encode()), save=False)
    row.save(force_insert=True)
    return row


def fill(owner: object, mark: str, *, turns: int = 2) -> Thread:
    """A thread of this owner's with everything in it, and what they have beside it."""
    thread = make_thread(owner, title=f"{mark} title")
    Thread.objects.filter(pk=thread.pk).update(
        metadata={"note": mark}, external_id=f"{mark}-{uuid4()}", position=turns
    )
    last = None
    for number in range(turns):
        turn = Turn.begin(thread, f"{mark} question {number}", depth=2 * number)
        if last is not None:
            turn.prompt.parent = last
            turn.prompt.save()
        turn.say(f"{mark} thought", kind="reasoning")
        call = turn.call("refund", arguments=f'{{"for": "{mark}"}}', output=mark)
        turn.ask_page(
            call,
            key="k",
            status="answered",
            request={"message": mark},
            answer={"text": mark},
            answered_at=timezone.now(),
        )
        turn.say(f"{mark} answer {number}")
        turn.end()
        last = turn.answer
        Feedback.objects.create(
            message=turn.answer,
            owner_key=viewer_of(owner).key,
            kind="down",
            comment=f"{mark} comment",
        )
        Event.objects.create(
            thread=thread,
            position=number + 1,
            type="part.delta",
            data=mark,
            at=timezone.now(),
        )
    assert last is not None
    now = timezone.now()  # the sums are below, by hand
    Run.objects.filter(thread=thread).update(counted_at=now, tallied_at=now)
    Step.objects.filter(run__thread=thread).update(counted_at=now)
    row = make_attachment(owner, mark, thread)
    Part.objects.create(
        message=last,
        index=50,
        kind="file",
        state="complete",
        attachment=row,
        data={"name": row.name, "mediaType": "text/plain", "size": 1},
        position=1,
    )
    make_attachment(owner, mark)
    Share.objects.create(
        thread=thread,
        message=last,
        token_hash=f"{mark}-{uuid4().hex}",
        expires_at=timezone.now() + timedelta(days=1),
    )
    for at in (thread, None):
        Command.objects.create(
            thread=at,
            owner_key=viewer_of(owner).key,
            protocol="native",
            client_id=uuid4().hex,
            kind="send",
            digest="d",
            outcome={"text": mark},
        )
    Usage.objects.create(
        day=timezone.now().date(),
        owner_key=viewer_of(owner).key,
        assistant=f"shop-{uuid4().hex[:6]}",
        messages=turns,
        cost="0.5",
    )
    return thread
