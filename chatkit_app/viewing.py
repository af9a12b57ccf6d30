"""What a socket asks for its viewer, as they are at that moment: each function one transaction.

What the scope knows is as old as the handshake. Somebody may have logged out since, or lost a right.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import replace
from typing import Any
from uuid import UUID

from chatkit_app.access import policy, viewer_now
from chatkit_app.engine.commands import Command
from chatkit_app.engine.viewer import Viewer
from chatkit_app.exceptions import NoViewer
from chatkit_app.models import Thread
from chatkit_app.runs import service
from chatkit_app.runs.remembering import Outcome
from chatkit_app.runs.replies import Reply
from chatkit_app.threads.accesses import check_may_watch, may_read_content


def check_viewer(scope: Mapping[str, Any], viewer: Viewer) -> Viewer:
    """The viewer of the handshake, as they are now.

    Raises:
        NoViewer: The cookie stands for somebody else.
    """
    now = viewer_now(scope)
    if now is None or now.key != viewer.key:
        raise NoViewer("The session stands for somebody else now.")
    return replace(now, tenant=viewer.tenant, language=viewer.language)


def read(
    scope: Mapping[str, Any], viewer: Viewer, command: Command
) -> list[Reply] | None:
    """See ``service.read``."""
    return service.read(check_viewer(scope, viewer), command)


def handle(
    scope: Mapping[str, Any],
    viewer: Viewer,
    command: Command,
    replies: list[Reply] | None,
) -> Outcome:
    """Do what is asked, with the rights of today and not those of the handshake."""
    return service.handle(check_viewer(scope, viewer), command, replies=replies)


def check_may_see(scope: Mapping[str, Any], viewer: Viewer, thread: UUID) -> None:
    """See ``accesses.check_may_watch``."""
    check_may_watch(check_viewer(scope, viewer), thread)


def not_seen_any_more(
    scope: Mapping[str, Any], viewer: Viewer, threads: Collection[UUID]
) -> frozenset[UUID]:
    """Of the threads that a socket watches those that its viewer may not watch by now."""
    now = check_viewer(scope, viewer)
    found = Thread.objects.in_bulk(list(threads))
    own = policy().threads(now).filter(pk__in=threads)
    seen = set(own.values_list("pk", flat=True))
    seen |= {
        pk
        for pk, thread in found.items()
        if pk not in seen and may_read_content(now, thread)
    }
    return frozenset(threads) - seen


def waiting_approvals(scope: Mapping[str, Any], viewer: Viewer) -> frozenset[UUID]:
    """The approvals of others' that they may decide on and nobody has."""
    found = policy().answerable(check_viewer(scope, viewer)).exclude(permission="")
    return frozenset(found.order_by().values_list("pk", flat=True))
