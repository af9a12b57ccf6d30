"""Commands as rows: the same id gets the same outcome, whoever repeats it and how often."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import asdict
from datetime import timedelta
from uuid import uuid4

from django.db import IntegrityError, transaction
from django.db.models import Q, QuerySet
from django.utils import timezone
from pydantic import JsonValue
from pydantic_core import to_json

from chatkit_app.conf import settings
from chatkit_app.db import one_at_a_time
from chatkit_app.engine.commands import (
    Answer,
    Cancel,
    Edit,
    Regenerate,
    Reply,
    Resolve,
    Retry,
    Send,
    Show,
)
from chatkit_app.engine.states import ACTIVE_RUN_STATUSES, CommandKind
from chatkit_app.engine.viewer import Viewer
from chatkit_app.exceptions import CommandConflict, RateLimited
from chatkit_app.models import Command, Run
from chatkit_app.runs.budgets import ERASED, VISITORS, pseudonym

Remembered = Send | Regenerate | Edit | Show | Reply | Retry | Cancel | Answer | Resolve
Outcome = dict[str, JsonValue]

VISITORS_OWN = Q(owner_key__startswith=VISITORS) | Q(
    owner_key__startswith=ERASED + VISITORS
)
"""What anonymous visitors have asked for, those that were erased since among them."""

KINDS: dict[type[Remembered], CommandKind] = {
    Send: CommandKind.SEND,
    Regenerate: CommandKind.REGENERATE,
    Edit: CommandKind.EDIT,
    Show: CommandKind.SHOW,
    Reply: CommandKind.REPLY,
    Retry: CommandKind.RETRY,
    Cancel: CommandKind.CANCEL,
    Answer: CommandKind.ANSWER,
    Resolve: CommandKind.RESOLVE,
}
ASKING = (
    CommandKind.SEND,
    CommandKind.RETRY,
    CommandKind.REGENERATE,
    CommandKind.EDIT,
)
"""What has an answer written, and is counted."""
MINUTE = timedelta(minutes=1)


def once(
    viewer: Viewer,
    command: Remembered,
    act: Callable[[Command], Outcome],
    *,
    protocol: str,
) -> Outcome:
    """Do ``act`` in one transaction unless this id was done before; its outcome in both cases.

    What ``act`` raises undoes everything, this row too: the same id may then be tried again.

    Raises:
        CommandConflict: The id was used for something else.
    """
    digest = _digest(command)
    with transaction.atomic():
        row = _insert(viewer, command, digest, protocol)
        if row is None:
            return _known_outcome(viewer, command.id, digest, protocol)
        outcome = act(row)
        row.outcome = outcome
        row.save(
            update_fields=[
                "thread",
                "run",
                "outcome",
                "first_position",
                "last_position",
            ]
        )
        return outcome


def _digest(command: Remembered) -> str:
    """What the command asks for; which tab asks and what its page looked like is not part of it."""
    asked = {
        key: value
        for key, value in asdict(command).items()
        if key not in ("id", "tab", "page", "tools")
    }
    asked["kind"] = KINDS[type(command)]
    return hashlib.sha256(to_json(asked)).hexdigest()


def _insert(
    viewer: Viewer, command: Remembered, digest: str, protocol: str
) -> Command | None:
    try:
        with transaction.atomic():
            return Command.objects.create(
                tenant=viewer.tenant,
                owner_key=viewer.key,
                protocol=protocol,
                client_id=command.id,
                kind=KINDS[type(command)],
                digest=digest,
            )
    except IntegrityError:
        return None


def _known_outcome(
    viewer: Viewer, client_id: str, digest: str, protocol: str
) -> Outcome:
    known = Command.objects.get(
        tenant=viewer.tenant,
        owner_key=viewer.key,
        protocol=protocol,
        client_id=client_id,
    )
    if known.digest != digest:
        raise CommandConflict("This id was used for another command.")
    outcome: Outcome = known.outcome
    return outcome


def unname(rows: QuerySet[Command]) -> None:
    """Let visitors' messages of the last minute count for all of them, though whose they were is erased."""
    since = timezone.now() - MINUTE
    theirs = rows.filter(VISITORS_OWN, kind__in=ASKING, created_at__gt=since)
    for pk in list(theirs.values_list("pk", flat=True)):
        name = uuid4().hex
        rows.filter(pk=pk).update(
            thread=None,
            run=None,
            outcome={},
            digest="",
            client_id=name,
            owner_key=pseudonym(name, is_visitor=True),
        )


def check_limits(viewer: Viewer) -> None:
    """Before a new run is made, in its transaction.

    Raises:
        RateLimited: The viewer has asked too often in the last minute, or has too many runs; or all
            anonymous visitors together have asked too often.
    """
    # This viewer's other messages wait, so that they count each other.
    one_at_a_time(f"chatkit {viewer.tenant}/{viewer.key}")
    mine = _recent().filter(tenant=viewer.tenant, owner_key=viewer.key)
    _check_pace(mine, settings.MESSAGES_PER_MINUTE, "At most {} messages a minute.")
    if viewer.is_anonymous:
        # A new visitor costs a click, so what each may do is no limit.
        everybodys = _recent().filter(VISITORS_OWN)
        _check_pace(
            everybodys,
            settings.VISITOR_MESSAGES_PER_MINUTE,
            "Too many visitors are writing at once.",
        )
    active = Run.objects.filter(
        thread__tenant=viewer.tenant,
        thread__owner_key=viewer.key,
        status__in=ACTIVE_RUN_STATUSES,
    ).exclude(status="requires_action")
    if active.count() >= settings.ACTIVE_RUNS_PER_VIEWER:
        raise RateLimited(
            "Too many answers are being written for you at once.", retry_after=5.0
        )


def _recent() -> QuerySet[Command]:
    """What was asked for in the last minute, this one among them."""
    return Command.objects.filter(
        kind__in=ASKING,
        created_at__gt=timezone.now() - MINUTE,
    )


def _check_pace(commands: QuerySet[Command], allowed: int, text: str) -> None:
    newest = commands.order_by("-created_at").values_list("created_at", flat=True)
    # This one is among them: the limit is passed if there is one after so many. Only that one is
    # read, and the one before it: when that is a minute old, there is room again.
    times = list(newest[max(allowed - 1, 0) : allowed + 1])
    if len(times) < (2 if allowed else 1):
        return
    wait = (times[0] + MINUTE - timezone.now()).total_seconds() if allowed else 60.0
    raise RateLimited(text.format(allowed), retry_after=max(1.0, wait))
