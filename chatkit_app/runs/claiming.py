"""Taking a run, by its row alone, and reading everything that is needed to go on with it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db.models import F, Q
from django.db.transaction import atomic

from chatkit_app import clock
from chatkit_app.conf import settings
from chatkit_app.engine.loop import Work
from chatkit_app.engine.provider import Provider
from chatkit_app.engine.states import RunStatus
from chatkit_app.engine.viewer import Viewer
from chatkit_app.log.append import append
from chatkit_app.models import Run
from chatkit_app.registry import assistants, providers
from chatkit_app.runs.briefing import viewer_of_run
from chatkit_app.runs.closing import run_changed
from chatkit_app.runs.recorder import record
from chatkit_app.runs.recovery import recover
from chatkit_app.runs.transcript import load_work

CARRIED = Q(status__in=(RunStatus.IN_PROGRESS, RunStatus.CANCELLING))
"""Runs that somebody must hold: without an owner or past their lease, nobody does."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Held:
    """A run that this process has claimed; the fence's numbers."""

    run: UUID
    thread: UUID
    owner: UUID
    attempt: int
    batch: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Loaded:
    """What the rows tell the loop, read in one go; ``run`` has its thread with it.

    ``now`` is the clock that all processes share, without a query each time.
    """

    run: Run
    work: Work
    provider: Provider
    viewer: Viewer
    now: Callable[[], datetime]


def claim_run(run_id: UUID, owner: UUID) -> Held | None:
    """Take a run that is queued, was handed over, or whose lease has run out; None if it is neither.

    What another process has left behind is put in order on the way (``recovery``); that may end the
    run, and then there is nothing to hold.
    """
    mine: dict[str, Any] = {
        "owner": owner,
        "attempt": F("attempt") + 1,
        "lease_until": clock.later(settings.LEASE_SECONDS),
    }
    with atomic():
        runs = Run.objects.filter(pk=run_id)
        is_new = runs.filter(status=RunStatus.QUEUED).update(
            status=RunStatus.IN_PROGRESS, **mine
        )
        held = runs.filter(CARRIED)
        was_handed_over = not is_new and held.filter(owner=None).update(**mine)
        if not (is_new or was_handed_over) and not held.filter(
            lease_until__lt=clock.now()
        ).update(**mine):
            return None
        run = (
            Run.objects.select_for_update(of=("self",))
            .select_related("thread")
            .get(pk=run_id)
        )
        found = (
            [run_changed(run)] if is_new else recover(run, crashed=not was_handed_over)
        )
        append(run.thread_id, found, record=record, run=run.pk)
        if run.status != RunStatus.IN_PROGRESS:
            return None
        return Held(
            run=run.pk,
            thread=run.thread_id,
            owner=owner,
            attempt=run.attempt,
            batch=run.batch,
        )


def load(run_id: UUID) -> Loaded:
    """Read where the run stands. The site is asked for its part elsewhere: it may be slow.

    Raises:
        UnknownAssistant: Its assistant is not registered any more.
    """
    run = Run.objects.select_related("thread", "answer").get(pk=run_id)
    assistant = assistants.get(run.thread.assistant)
    return Loaded(
        run=run,
        work=load_work(
            run,
            history_tokens=assistant.history_tokens,
            told_bytes=assistant.max_output_bytes,
        ),
        provider=providers.get(assistant.provider),
        viewer=viewer_of_run(run, run.thread),
        now=clock.ticking(),
    )
