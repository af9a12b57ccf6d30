"""Commands as rows: the same id gets the same outcome, whoever repeats it and how often."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import asdict
from datetime import timedelta

from django.db import IntegrityError, transaction
from django.utils import timezone
from pydantic import JsonValue
from pydantic_core import to_json

from chatkit_app.conf import settings
from chatkit_app.engine.commands import Answer, Cancel, Retry, Send
from chatkit_app.engine.states import ACTIVE_RUN_STATUSES, CommandKind
from chatkit_app.engine.viewer import Viewer
from chatkit_app.exceptions import CommandConflict, RateLimited
from chatkit_app.models import Command, Run

Remembered = Send | Retry | Cancel | Answer
Outcome = dict[str, JsonValue]

KINDS: dict[type[Remembered], CommandKind] = {
    Send: CommandKind.SEND,
    Retry: CommandKind.RETRY,
    Cancel: CommandKind.CANCEL,
    Answer: CommandKind.ANSWER,
}
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
    """What the command asks for; which tab asks and what the page looked like is not part of it."""
    asked = {
        key: value
        for key, value in asdict(command).items()
        if key not in ("id", "tab", "page")
    }
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


def check_limits(viewer: Viewer) -> None:
    """Before a new run is made.

    Raises:
        RateLimited: The viewer has asked too often in the last minute, or has too many runs.
    """
    mine = Command.objects.filter(
        tenant=viewer.tenant,
        owner_key=viewer.key,
        kind__in=(CommandKind.SEND, CommandKind.RETRY),
        created_at__gt=timezone.now() - MINUTE,
    )
    allowed = settings.MESSAGES_PER_MINUTE
    newest = mine.order_by("-created_at").values_list("created_at", flat=True)
    times = list(newest[: allowed + 1])
    if len(times) > allowed:  # this command's own row is among them
        wait = (
            (times[allowed - 1] + MINUTE - timezone.now()).total_seconds()
            if allowed
            else 60.0
        )
        raise RateLimited(
            f"At most {allowed} messages a minute.", retry_after=max(1.0, wait)
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
