"""Logging in: what the anonymous visitor has said becomes the user's."""

from __future__ import annotations

import logging
from typing import Any
from uuid import UUID

from django.db import Error, transaction
from django.db.models import Exists, OuterRef
from django.http import HttpRequest

from chatkit_app.access import VISITOR_KEY, visitor_of
from chatkit_app.engine.viewer import Viewer
from chatkit_app.models import Command, Thread

logger = logging.getLogger(__name__)


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
