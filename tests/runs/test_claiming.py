"""Taking a run: who is first has it, and what nobody holds any more may be taken."""

from __future__ import annotations

from datetime import timedelta
from uuid import UUID, uuid4

import pytest
from django.utils import timezone

from chatkit_app.models import Run
from chatkit_app.runs.claiming import Held, claim_run, load
from tests.runs.desk import (
    a_visitor,
    assert_no_holes,
    carried,
    fresh,
    started,
    statuses_told,
    together,
)

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.usefixtures("recorded"),
]


def expire(run: Run) -> None:
    """Its process has said nothing for too long."""
    before = timezone.now() - timedelta(seconds=1)
    Run.objects.filter(pk=run.pk).update(lease_until=before)


def claimed(run: Run) -> tuple[Held, UUID]:
    owner = uuid4()
    held = claim_run(run.pk, owner)
    assert held is not None
    return held, owner


def test_a_queued_run_is_taken_and_its_thread_is_told() -> None:
    run = started(a_visitor(), "say Hi.")

    held, owner = claimed(run)

    row = fresh(run)
    assert (row.status, row.owner, row.attempt) == ("in_progress", owner, 1)
    assert row.lease_until > timezone.now()
    assert (held.run, held.thread, held.owner) == (run.pk, run.thread_id, owner)
    assert (held.attempt, held.batch) == (row.attempt, row.batch)
    assert statuses_told(run)[-1] == "in_progress"


def test_what_another_holds_is_not_taken() -> None:
    run = started(a_visitor(), "say Hi.")
    _held, owner = claimed(run)

    assert claim_run(run.pk, uuid4()) is None
    assert (fresh(run).owner, fresh(run).attempt) == (owner, 1)


def test_what_nobody_holds_any_more_is_taken_in_a_new_attempt() -> None:
    run = started(a_visitor(), "say Hi.")
    first, _ = claimed(run)
    expire(run)

    second, owner = claimed(run)

    assert fresh(run).owner == owner
    assert second.attempt == first.attempt + 1


def test_an_orphan_that_was_to_be_cancelled_ends_and_is_not_held() -> None:
    run = started(a_visitor(), "say Hi.")
    claimed(run)
    Run.objects.filter(pk=run.pk).update(
        status="cancelling", cancel_requested_at=timezone.now()
    )
    expire(run)

    assert claim_run(run.pk, uuid4()) is None
    assert fresh(run).status == "cancelled"
    assert_no_holes(run.thread_id)


def test_a_run_that_has_ended_or_is_missing_is_not_taken() -> None:
    run = carried(a_visitor(), "say Hi.")

    assert claim_run(run.pk, uuid4()) is None
    assert claim_run(uuid4(), uuid4()) is None


@pytest.mark.parametrize("is_orphan", [False, True])
def test_of_those_who_claim_at_once_one_has_it(is_orphan: bool) -> None:
    run = started(a_visitor(), "say Hi.")
    if is_orphan:
        claimed(run)
        expire(run)

    found = together([lambda: claim_run(run.pk, uuid4()) for _ in range(4)])

    [held] = [one for one in found if isinstance(one, Held)]
    assert [one for one in found if one is not held] == [None] * 3
    assert fresh(run).owner == held.owner
    assert_no_holes(run.thread_id)


def test_what_the_loop_needs_is_read_in_one_go() -> None:
    viewer = a_visitor()
    run = started(viewer, "say Hi.")
    claimed(run)

    loaded = load(run.pk)

    assert loaded.work.run_id == run.pk
    assert loaded.viewer.key == viewer.key
    assert loaded.provider is not None
