"""Who may stand at a door, and what lies behind it: two owners' threads, with a secret in each field."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum
from functools import cache
from typing import Any
from uuid import UUID, uuid4

from django.apps import apps
from django.contrib.auth import get_user_model
from django.contrib.auth.models import Permission
from django.core.files.base import ContentFile
from django.test import Client
from django.utils import timezone

from chatkit_app.access import VISITOR_KEY
from chatkit_app.models import (
    Attachment,
    Feedback,
    Interrupt,
    Message,
    Run,
    Share,
    Thread,
    ToolCall,
)
from tests.history_rows import Turn, make_thread

SECRET = "zebra-crossing"
"""In everything that is content; in no word of ours."""


class Actor(StrEnum):
    """Who asks."""

    OWNER = "the owner"
    OTHER = "another user"
    VISITOR = "the visitor whose it is"
    OTHER_VISITOR = "another visitor"
    NOBODY = "nobody"
    STAFF = "staff without a permission"
    INSPECTOR = "staff who may view threads but not what is in them"
    STAFF_WITH = "staff with every permission"
    SUPERUSER = "a superuser"
    LEFT = "the owner, who has logged out"


MINE = frozenset({Actor.OWNER, Actor.VISITOR})
ABSENT = frozenset({Actor.NOBODY, Actor.LEFT})
PRESENT = frozenset(Actor) - ABSENT
READERS = frozenset({Actor.STAFF_WITH, Actor.SUPERUSER})
INSPECTORS = READERS | {Actor.INSPECTOR}
STAFF = INSPECTORS | {Actor.STAFF}
VISITORS = frozenset({Actor.VISITOR, Actor.OTHER_VISITOR})


@dataclass(kw_only=True)
class Belongings:
    """One owner's thread and all that is in it."""

    thread: Thread
    prompt: Message
    answer: Message
    run: Run
    call: ToolCall
    interrupt: Interrupt
    attachment: Attachment
    unsent: Attachment
    deleted: Thread
    share: Share
    token: str

    @property
    def ids(self) -> dict[str, str]:
        """What an address may be about, by the words of the routes."""
        return {
            "thread": str(self.thread.pk),
            "message": str(self.answer.pk),
            "run": str(self.run.pk),
            "call": str(self.call.pk),
            "attachment": str(self.attachment.pk),
            "share": str(self.share.pk),
            "token": self.token,
        }


class Scene:
    """Two owners, and everybody else."""

    def __init__(self) -> None:
        self.visitor = uuid4()
        self.of_user = belongings(self.user(Actor.OWNER))
        self.of_visitor = belongings(self.visitor)

    @cache  # noqa: B019 (as long as the test that made it)
    def user(self, actor: Actor) -> Any:
        """The actor's account."""
        users = get_user_model().objects
        if actor == Actor.SUPERUSER:
            return users.create_superuser(actor.name.lower())
        user = users.create_user(actor.name.lower(), is_staff=actor in STAFF)
        ours = Permission.objects.filter(content_type__app_label="chatkit_app")
        if actor == Actor.STAFF_WITH:
            user.user_permissions.set(ours)
        if actor == Actor.INSPECTOR:
            # The right to see rows of a kind is not the right to read what people have said.
            seen = ours.filter(codename__startswith="view_")
            user.user_permissions.set(seen.exclude(codename="view_content"))
        return user

    def target(self, actor: Actor) -> Belongings:
        """What this actor reaches for: for owners it is their own."""
        return self.of_visitor if actor in VISITORS else self.of_user

    def client(self, actor: Actor) -> Client:
        """The actor's browser."""
        client = Client()
        if actor == Actor.LEFT:
            client.force_login(self.user(Actor.OWNER))
            client.logout()
        elif actor in VISITORS:
            self._enter(client, self.visitor if actor == Actor.VISITOR else uuid4())
        elif actor != Actor.NOBODY:
            client.force_login(self.user(actor))
        return client

    def _enter(self, client: Client, visitor: UUID) -> None:
        session = client.session
        session[VISITOR_KEY] = str(visitor)
        session.save()
        client.cookies["sessionid"] = session.session_key or ""


def belongings(owner: object) -> Belongings:
    """A thread with a turn that has failed while a page was asked, a file, and a rating."""
    thread = make_thread(owner, assistant="test", title=SECRET, at=timezone.now())
    turn = Turn.begin(thread, SECRET, depth=0)
    turn.say(SECRET)
    call = turn.call(
        "read_selection",
        arguments=f'{{"word": "{SECRET}"}}',
        input={"word": SECRET},
        status="waiting",
        executor="client",
    )
    interrupt = turn.ask_page(call)
    Message.objects.filter(pk=turn.answer.pk).update(text=SECRET, status="open")
    Run.objects.filter(pk=turn.run.pk).update(status="requires_action")
    Feedback.objects.create(
        message=turn.answer, owner_key=thread.owner_key, kind="up", comment=SECRET
    )
    deleted = make_thread(owner, assistant="test", title=SECRET)
    Thread.objects.filter(pk=deleted.pk).update(deleted_at=timezone.now())
    token = uuid4().hex
    share = Share.objects.create(
        thread=thread,
        message=turn.answer,
        token_hash=hashlib.sha256(token.encode()).hexdigest(),
        expires_at=timezone.now() + timedelta(days=1),
    )
    return Belongings(
        thread=thread,
        prompt=turn.prompt,
        answer=turn.answer,
        run=turn.run,
        call=call,
        interrupt=interrupt,
        attachment=attach(thread, thread=thread, status="sent"),
        unsent=attach(thread, expires_at=timezone.now() + timedelta(days=1)),
        deleted=deleted,
        share=share,
        token=token,
    )


def attach(owner: Thread, **fields: Any) -> Attachment:
    """A file of whoever owns that thread."""
    return Attachment.objects.create(
        owner_key=owner.owner_key,
        file=ContentFile(b"\x89PNG", name="x"),
        name=f"{SECRET}.png",
        media_type="image/png",
        size=4,
        sha256="0" * 64,
        **fields,
    )


def state() -> str:
    """All rows of ours, to see that nothing has changed; who has looked is no change."""
    found = hashlib.sha256()
    for model in apps.get_app_config("chatkit_app").get_models():
        if model.__name__ == "AccessLog":
            continue
        for row in model._default_manager.order_by("pk").values():
            found.update(repr(sorted(row.items())).encode())
    return found.hexdigest()
