"""What is counted of a run on its way, and what is asked of its budgets."""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable
from uuid import UUID

from django.db.models import Q

from chatkit_app.conf import settings
from chatkit_app.db import in_thread
from chatkit_app.engine.asking import counts_of
from chatkit_app.engine.provider import Usage
from chatkit_app.engine.states import StepStatus
from chatkit_app.exceptions import ProviderError, RunError
from chatkit_app.models import Run, Step
from chatkit_app.runs import budgets, tallying, titling, usage
from chatkit_app.runs.claiming import Loaded

logger = logging.getLogger(__name__)


def count_thread(thread_id: UUID) -> None:
    """Count and tally what nobody has yet of a thread's runs, before they go; what fails is lost."""
    left = Q(counted_at=None) | Q(tallied_at=None) | Q(steps__counted_at=None)
    runs = Run.objects.filter(left, thread=thread_id).distinct()
    for pk in list(runs.values_list("pk", flat=True)):
        try:
            usage.count(pk)
            tallying.tally(pk)
        except Exception:
            logger.exception("Run %s is erased and can't be counted", pk)


class Counting:
    """Counts after each step and at the end; what fails here fails no run, and a sweep makes up for it."""

    def __init__(self, run_id: UUID) -> None:
        self._run_id = run_id
        self._finished: Loaded | None = None
        self._lost: Usage | None = None

    async def count(self) -> None:
        """Count what the run has used by now."""
        await self._try(usage.count, "Run %s can't be counted; a sweep will do it")

    async def _try(self, add_up: Callable[[UUID], None], said: str) -> None:
        try:
            await in_thread(add_up, self._run_id)
        except Exception:
            logger.warning(said, self._run_id, exc_info=True)

    def lost(self, error: RunError) -> None:
        """The run fails: what its provider has counted all the same is kept with its open step."""
        self._lost = error.usage if isinstance(error, ProviderError) else None

    def keep_lost(self) -> None:
        """Write it, in the transaction that closes the step."""
        if self._lost is not None:
            open_step = Step.objects.filter(run=self._run_id, status=StepStatus.OPEN)
            open_step.update(**counts_of(self._lost))

    def finished(self, loaded: Loaded) -> None:
        """The answer is whole: its thread may get a title once all is counted."""
        self._finished = loaded

    async def end(self) -> None:
        """The run pauses or has ended here: count what is left, failed attempts among it.

        If it has ended, it goes into the tally.
        """
        await self.count()
        await self._try(tallying.tally, "Run %s can't be tallied; a sweep will do it")
        if self._finished is not None:
            titling.begin(self._finished)

    def checking(self, loaded: Loaded) -> Callable[[], Awaitable[None]]:
        """What the loop asks before it goes on.

        Raises, when called:
            BudgetSpent: Nothing is left to go on with.
        """

        async def check() -> None:
            if settings.BUDGETS:
                assistant = loaded.run.thread.assistant
                await in_thread(budgets.check_step, loaded.viewer, assistant)

        return check
