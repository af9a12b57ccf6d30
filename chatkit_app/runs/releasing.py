"""Letting go of a run that has not ended: another process may claim it at once."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from uuid import UUID

from chatkit_app.engine.events import AnyEvent
from chatkit_app.models import Run


def releasing(run_id: UUID) -> Callable[[], Sequence[AnyEvent]]:
    """What the holder's last batch does to the row, once it has passed the fence.

    The run keeps its status: without an owner it is whoever's claims it (``claiming``), and was not
    left by a crash. Nothing happens that a page should see, so there is no event.
    """

    def release() -> Sequence[AnyEvent]:
        Run.objects.filter(pk=run_id).update(owner=None, lease_until=None)
        return []

    return release
