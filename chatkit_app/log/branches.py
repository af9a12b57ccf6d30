"""What else was said in a message's place, how it was liked, and who of the staff has written it."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from uuid import UUID

from django.db.models import F, Q

from chatkit_app.access import policy
from chatkit_app.engine.states import Role
from chatkit_app.models import Feedback, Message


def siblings_of(messages: Sequence[Message]) -> Mapping[UUID, list[str]]:
    """By message: the ids of all in its place, oldest first; none where it is the only one.

    One query for all of them; the messages are one thread's.
    """
    if not messages:
        return {}
    parents = {message.parent_id for message in messages}
    beside = Q(parent__in=parents - {None})
    if None in parents:
        beside |= Q(parent=None, depth=0, thread=messages[0].thread_id)
    found: dict[UUID | None, list[str]] = defaultdict(list)
    rows = Message.objects.filter(beside).order_by("id").values_list("parent_id", "pk")
    for parent, pk in rows:
        found[parent].append(str(pk))
    return {
        message.pk: several if len(several := found[message.parent_id]) > 1 else []
        for message in messages
    }


def feedback_on(messages: Sequence[Message]) -> Mapping[UUID, str]:
    """By message: how the thread's owner liked it, where they have said so. One query."""
    rows = Feedback.objects.filter(
        message__in=messages, owner_key=F("message__thread__owner_key")
    )
    return dict(rows.values_list("message_id", "kind"))


def author_name(message: Message) -> str | None:
    """How the person of the staff is called who has written an assistant's message; else None.

    ``message.author`` is best read with it.
    """
    if message.role != Role.ASSISTANT or message.author is None:
        return None
    return policy().author_name(message.author)
