from __future__ import annotations

from uuid import UUID

from chatkit_app.runs.carrying import carry
from chatkit_app.runs.worker_runner import WorkerRunner
from tests.celery_site.queue import app


@app.task(ignore_result=True, acks_late=True)
def carry_run(run_id: str) -> None:
    carry(UUID(run_id))


class CeleryRunner(WorkerRunner):
    def submit(self, run_id: UUID) -> None:
        carry_run.delay(str(run_id))
