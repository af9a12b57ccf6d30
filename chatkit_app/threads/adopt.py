"""Logging in: what the anonymous visitor has said becomes the user's."""

from __future__ import annotations

import logging
from typing import Any
from uuid import UUID

from django.db import Error, transaction
from django.db.models import Exists, F, OuterRef
from django.http import HttpRequest

from chatkit_app.access import VISITOR_KEY, visitor_of
from chatkit_app.engine.viewer import Viewer
from chatkit_app.log.lists import Bell
from chatkit_app.log.owner_bell import owner_bell
from chatkit_app.models import Attachment, Command, Feedback, Thread, Usage

logger = logging.getLogger(__name__)

ROW = ("tenant", "owner_key", "assistant", "model_name", "day")
"""What a row of usage is the sum of; in this order all lock them."""
SUMS = (
    *("messages", "steps", "input_tokens", "cached_tokens"),
    *("output_tokens", "reasoning_tokens", "cost"),
)


def adopt_on_login(
    sender: object, request: HttpRequest, user: Any, **kwargs: object
) -> None:
    """Receive ``user_logged_in``: the session's key has changed, its data has stayed."""
    if not hasattr(request, "session"):
        return
    visitor = visitor_of(request.session)
    try:
        if visitor:
            adopt(visitor, user)
    except Error:
        # Logging in matters more; the session keeps its visitor, so the next log-in tries again.
        logger.exception("The threads of a visitor could not be adopted")
    else:
        request.session.pop(VISITOR_KEY, None)


def adopt(visitor: UUID, user: Any) -> int:
    """Give a visitor's threads to a user; a clash of external ids drops the id.

    Returns how many there were.
    """
    viewer = Viewer(user=user)
    with transaction.atomic():
        mine = Thread.objects.filter(owner_key=f"v:{visitor}")
        # In the order in which everybody locks threads.
        list(mine.select_for_update().order_by("pk").values_list("pk"))
        taken = Thread.objects.filter(
            tenant=OuterRef("tenant"),
            owner_key=viewer.key,
            external_id=OuterRef("external_id"),
            deleted_at__isnull=True,
        )
        mine.filter(Exists(taken)).update(external_id=None)
        _adopt_commands(f"v:{visitor}", viewer.key)
        _adopt_attachments(f"v:{visitor}", viewer.key)
        _adopt_feedback(f"v:{visitor}", viewer.key)
        _adopt_usage(f"v:{visitor}", viewer.key)
        # What was being counted at this moment is there by then.
        transaction.on_commit(
            lambda: _adopt_usage(f"v:{visitor}", viewer.key), robust=True
        )
        tenants = set(mine.order_by().values_list("tenant", flat=True))
        keys = (f"v:{visitor}", viewer.key)
        bells = [Bell(tenant=tenant, owner=key) for tenant in tenants for key in keys]
        transaction.on_commit(lambda: owner_bell.ring(bells))
        return mine.update(user=user, visitor=None, owner_key=viewer.key)


def _adopt_commands(visitor: str, user: str) -> None:
    """What was asked before logging in may be repeated after it, and is known then."""
    known = Command.objects.filter(
        tenant=OuterRef("tenant"),
        owner_key=user,
        protocol=OuterRef("protocol"),
        client_id=OuterRef("client_id"),
    )
    Command.objects.filter(~Exists(known), owner_key=visitor).update(owner_key=user)


def _adopt_attachments(visitor: str, user: str) -> None:
    """The files go along, those that wait to be sent too; a clash of external ids drops the id."""
    taken = Attachment.objects.filter(
        tenant=OuterRef("tenant"), owner_key=user, external_id=OuterRef("external_id")
    )
    theirs = Attachment.objects.filter(owner_key=visitor)
    theirs.filter(Exists(taken)).update(external_id=None)
    theirs.update(owner_key=user)


def _adopt_feedback(visitor: str, user: str) -> None:
    """What they have said of an answer is still theirs; of two opinions the newer one counts."""
    other = Feedback.objects.filter(message=OuterRef("message"))
    theirs, mine = (
        Feedback.objects.filter(owner_key=visitor),
        Feedback.objects.filter(owner_key=user),
    )
    newer = other.filter(owner_key=visitor, created_at__gte=OuterRef("created_at"))
    mine.filter(Exists(newer)).delete()
    theirs.filter(Exists(other.filter(owner_key=user))).delete()
    theirs.update(owner_key=user)


@transaction.atomic
def _adopt_usage(visitor: str, user: str) -> None:
    """What they have used counts as the user's: sums of the same day become one."""
    theirs = Usage.objects.filter(owner_key=visitor).order_by(*ROW)
    for row in theirs.select_for_update():
        mine = Usage.objects.filter(
            tenant=row.tenant,
            owner_key=user,
            assistant=row.assistant,
            model_name=row.model_name,
            day=row.day,
        )
        if mine.update(**{name: F(name) + getattr(row, name) for name in SUMS}):
            row.delete()
        else:
            Usage.objects.filter(pk=row.pk).update(owner_key=user)
