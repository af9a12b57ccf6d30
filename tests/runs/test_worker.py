"""A worker's pass over what is due. Its signals and its end are tested as a process."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.utils import timezone

from chatkit_app.models import Event, Run, Thread, ToolCall
from chatkit_app.runs.worker import Worker
from tests.runs.desk import a_visitor, calls_of, carried, fresh, started

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.usefixtures("recorded"),
]


def once(**options: int) -> int:
    return Worker(say=lambda _text: None, **options).once()


def test_it_carries_more_runs_than_it_has_places_for_one_after_the_other() -> None:
    runs = [started(a_visitor(), "say Hi.") for _ in range(5)]
    Run.objects.update(ready_at=timezone.now() - timedelta(seconds=2))

    assert once(runs=2) == 5
    assert {fresh(run).status for run in runs} == {"completed"}


def test_it_ends_calls_past_their_deadline_and_cuts_old_events() -> None:
    waiting = carried(a_visitor(), "call read_selection")
    ToolCall.objects.update(deadline_at=timezone.now() - timedelta(seconds=1))
    old = carried(a_visitor(), "say Hi.")
    Event.objects.filter(thread=old.thread_id).update(
        at=timezone.now() - timedelta(hours=1)
    )
    Thread.objects.filter(pk=old.thread_id).update(
        last_activity_at=timezone.now() - timedelta(hours=1)
    )

    once()

    assert calls_of(waiting)[0].error_code == "deadline"
    assert not Event.objects.filter(thread=old.thread_id).exists()


def test_it_works_on_the_jobs_that_nobody_has() -> None:
    run = carried(a_visitor(), "call crunch")

    once()

    assert [call.status for call in calls_of(run)] == ["completed"]
    assert fresh(run).status == "queued"


def test_where_nothing_is_due_it_does_nothing() -> None:
    assert once() == 0
