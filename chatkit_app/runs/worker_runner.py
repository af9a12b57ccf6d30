"""Runs executed elsewhere: by processes of ``manage.py chatkit_worker``, which are rung for."""

from __future__ import annotations

from uuid import UUID

from chatkit_app.log.doorbell import doorbell
from chatkit_app.runs.runner import Runner


class WorkerRunner(Runner):
    """For web processes that carry nothing themselves.

    The rows are the queue; the bell spares the workers' next look at them, a quarter of a second.
    """

    def start(self) -> None:
        """Nothing: the workers sweep."""

    def submit(self, run_id: UUID) -> None:
        """Ring: some worker with a free place takes it."""
        doorbell.ring_run(run_id)

    def cancel(self, run_id: UUID) -> None:
        """Ring: the worker that carries it looks at its row."""
        doorbell.ring_run(run_id)

    def stop(self) -> None:
        """Nothing is carried here."""
