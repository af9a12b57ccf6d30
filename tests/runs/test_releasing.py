"""Letting go of a run: it is anybody's at once, and nobody's who has lost it before."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from uuid import UUID, uuid4

import pytest
from django.utils import timezone

from chatkit_app.db import in_thread
from chatkit_app.models import Run, Step
from chatkit_app.runs.claiming import claim_run
from chatkit_app.runs.executor import Execution
from tests.runs.desk import (
    WAIT,
    a_visitor,
    assert_no_holes,
    carry,
    fresh,
    log_of,
    started,
)

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.usefixtures("recorded"),
]


async def logged(run: Run, kind: str) -> None:
    while not await in_thread(log_of, run.thread_id, kind):  # noqa: ASYNC110 (rows ring no bell)
        await asyncio.sleep(0.005)


def handed_over(run: Run, *, after: str = "part.delta") -> Run:
    """Carry the run until its log has such an event, then let go of it."""

    async def work() -> None:
        execution = Execution(run.pk, uuid4())
        task = asyncio.create_task(execution.run())
        async with asyncio.timeout(WAIT):
            await logged(run, after)
            await execution.hand_over()
            await task

    asyncio.run(work())
    return fresh(run)


def test_a_run_that_is_let_go_keeps_its_status_and_has_no_owner() -> None:
    run = handed_over(started(a_visitor(), "say Half an\nstall"))

    assert (run.status, run.owner, run.lease_until) == ("in_progress", None, None)


def test_what_was_said_before_is_written() -> None:
    run = handed_over(started(a_visitor(), "say Half an answer\nstall"))

    assert_no_holes(run.thread_id)
    assert Step.objects.get(run=run).status == "open"


def test_another_takes_it_at_once_and_counts_no_crash() -> None:
    run = handed_over(started(a_visitor(), "say Half\nstall"))

    held = claim_run(run.pk, uuid4())

    assert held is not None
    assert (held.attempt, fresh(run).takeovers) == (2, 0)


def test_who_has_lost_a_run_lets_nothing_go() -> None:
    run, thief = started(a_visitor(), "say Half\nstall"), uuid4()

    async def work() -> None:
        execution = Execution(run.pk, uuid4())
        task = asyncio.create_task(execution.run())
        async with asyncio.timeout(WAIT):
            await logged(run, "part.delta")
            await in_thread(steal, run.pk, thief)
            await execution.hand_over()
            await task

    asyncio.run(work())

    assert fresh(run).owner == thief


def steal(run: UUID, thief: UUID) -> None:
    Run.objects.filter(pk=run).update(
        owner=thief, attempt=2, lease_until=timezone.now() + timedelta(hours=1)
    )


def test_a_run_that_is_let_go_while_it_is_claimed_does_not_begin() -> None:
    run = started(a_visitor(), "say Hi.")

    async def work() -> None:
        execution = Execution(run.pk, uuid4())
        await execution.hand_over()
        await execution.run()

    asyncio.run(work())

    assert (fresh(run).status, fresh(run).owner) == ("in_progress", None)
    assert not Step.objects.exists()
    assert carry(run).status == "completed"


def test_a_tool_that_is_about_to_end_is_waited_for() -> None:
    run = started(a_visitor(), 'call pay {"seconds": 0.2}\n---\nstall')
    run = handed_over(run, after="tool_call.changed")

    assert log_of(run.thread_id, "tool_call.ended")
    assert run.owner is None


def test_a_run_that_has_ended_meanwhile_is_left_as_it_is() -> None:
    run = handed_over(started(a_visitor(), "say Hi."), after="message.ended")

    assert run.status == "completed"
