"""Where workers execute, a web process only rings."""

from __future__ import annotations

from uuid import UUID, uuid4

import pytest

from chatkit_app.models import Run
from chatkit_app.runs import worker_runner as module
from chatkit_app.runs.worker_runner import WorkerRunner
from tests.runs.desk import a_visitor, started


@pytest.mark.django_db(transaction=True)
@pytest.mark.usefixtures("recorded")
def test_it_rings_for_what_is_to_be_done_and_does_nothing(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    rung: list[UUID] = []
    monkeypatch.setattr(module.doorbell, "ring_run", rung.append)
    runner, other = WorkerRunner(), uuid4()
    run = started(a_visitor(), "say Hi.")

    runner.start()
    runner.submit(run.pk)
    runner.cancel(other)
    runner.drain(1.0)
    runner.stop()

    assert rung == [run.pk, other]
    assert Run.objects.get().status == "queued"
