"""A run on its way: counted after each step, whatever the counting does; and asked of its budgets."""

from __future__ import annotations

from uuid import uuid4

import pytest
from django.db import OperationalError

from chatkit_app.models import Step
from chatkit_app.runs import usage
from chatkit_app.runs.counting import Counting
from tests.runs.desk import a_visitor, carried, fresh, started

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.usefixtures("recorded"),
]


def test_a_step_is_counted_before_the_next_one_is_asked(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    count, seen = usage.count, []

    def watch(run_id: object) -> None:
        count(run_id)  # type: ignore[arg-type]
        steps = Step.objects.order_by("index")
        seen.append([step.counted_at is not None for step in steps])

    monkeypatch.setattr(usage, "count", watch)
    carried(a_visitor(), 'call add {"a": 1, "b": 2}\n---\nsay Three.')

    assert seen == [[True], [True, True], [True, True]]


async def test_counting_that_fails_is_logged_and_raises_nothing(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def fail(_run_id: object) -> None:
        raise OperationalError("away")

    monkeypatch.setattr(usage, "count", fail)
    await Counting(uuid4()).end()

    assert "a sweep will do it" in caplog.text


def test_a_run_that_waits_is_counted_as_far_as_it_has_come() -> None:
    run = carried(a_visitor(), "call read_selection")

    assert run.status == "requires_action"
    assert fresh(run).counted_at is not None
    assert Step.objects.get(run=run).counted_at is not None


def test_a_run_in_the_queue_is_not_counted_yet() -> None:
    assert started(a_visitor(), "say Hi.").counted_at is None
