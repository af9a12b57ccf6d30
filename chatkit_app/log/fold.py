"""From deltas back to text: what is still open, and what may be pruned once it is folded."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import timedelta
from uuid import UUID

from django.db import transaction
from django.db.models import F
from django.utils import timezone

from chatkit_app.conf import settings
from chatkit_app.engine.events import PartDelta
from chatkit_app.engine.states import ACTIVE_RUN_STATUSES, PartState
from chatkit_app.models import Event, Part, Run, Thread
from chatkit_app.protocols.native import decode_event

PRUNE_ROWS = 2000
"""Events that one pruning takes at most: it holds the thread's row while it does."""


def open_parts(message_ids: Iterable[UUID]) -> list[Part]:
    """The parts of these messages whose text is not in their row yet."""
    return list(
        Part.objects.filter(message__in=list(message_ids), state=PartState.STREAMING)
        .select_related("tool_call")
        .order_by("message_id", "index")
    )


def open_texts(run: UUID) -> dict[str, str]:
    """The text so far of each part that the run has deltas of, by the part's id."""
    texts: dict[str, list[str]] = {}
    found = Event.objects.filter(run_id=run, type="part.delta", thread__runs=run)
    for data in found.order_by("position").values_list("data", flat=True).iterator():
        delta = decode_event(data)
        if isinstance(delta, PartDelta):
            texts.setdefault(delta.part_id, []).append(delta.delta)
    return {part: "".join(pieces) for part, pieces in texts.items()}


def prune(thread: UUID) -> int:
    """Cut the oldest events: only a prefix, old enough, and never of a thread with an active run.

    Everything they said stands in the rows. Returns how many went.
    """
    before = timezone.now() - timedelta(seconds=settings.EVENT_RETENTION_SECONDS)
    with transaction.atomic():
        Thread.objects.filter(pk=thread).update(floor=F("floor"))  # lock it first
        if Run.objects.filter(thread=thread, status__in=ACTIVE_RUN_STATUSES).exists():
            return 0
        floor = Thread.objects.values_list("floor", flat=True).get(pk=thread)
        young = (
            Event.objects.filter(thread=thread, at__gte=before)
            .order_by("position")
            .values_list("position", flat=True)
            .first()
        )
        position = Thread.objects.values_list("position", flat=True).get(pk=thread)
        until = min((young - 1) if young else position, floor + PRUNE_ROWS)
        if until <= floor:
            return 0
        Event.objects.filter(thread=thread, position__lte=until).delete()
        Thread.objects.filter(pk=thread).update(floor=until)
        return until - floor
