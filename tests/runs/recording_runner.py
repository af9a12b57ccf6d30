"""A runner that carries nothing and remembers what it was told."""

from __future__ import annotations

from uuid import UUID

from chatkit_app.runs.runner import Runner


class RecordingRunner(Runner):
    """The port's double, for tests of what a service asks of its runner, and when."""

    def __init__(self) -> None:
        self.submitted: list[UUID] = []
        self.cancelled: list[UUID] = []
        self.starts = 0
        self.is_stopped = False

    def start(self) -> None:
        self.starts += 1

    def submit(self, run_id: UUID) -> None:
        self.submitted.append(run_id)

    def cancel(self, run_id: UUID) -> None:
        self.cancelled.append(run_id)

    def stop(self) -> None:
        self.is_stopped = True
