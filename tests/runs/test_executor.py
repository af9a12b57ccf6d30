"""One run on its way: from the claim to a pause or an end, whatever happens meanwhile."""

from __future__ import annotations

import asyncio
from uuid import uuid4

import pytest

from chatkit_app.db import in_thread
from chatkit_app.log import writer as writing
from chatkit_app.models import Message, Run, Step
from chatkit_app.runs.executor import Execution
from tests.runs.desk import (
    WAIT,
    a_visitor,
    answer,
    assert_no_holes,
    calls_of,
    cancel,
    carried,
    carry,
    fresh,
    started,
    statuses_told,
)

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.usefixtures("recorded"),
]


def test_a_run_comes_to_its_end_and_lets_go() -> None:
    run = carried(a_visitor(), "say Hello there.")

    assert (run.status, run.owner, run.lease_until) == ("completed", None, None)
    assert statuses_told(run) == ["queued", "in_progress", "completed"]
    message = Message.objects.get(pk=run.answer_id)
    assert (message.status, message.text) == ("complete", "Hello there.")
    assert_no_holes(run.thread_id)


def test_a_run_that_waits_has_no_owner() -> None:
    run = carried(a_visitor(), "call read_selection")

    assert (run.status, run.owner, run.lease_until) == ("requires_action", None, None)
    assert statuses_told(run)[-1] == "requires_action"


@pytest.mark.parametrize(
    ("word", "code"),
    [
        ("fail rejected", "provider_rejected"),
        ("fail rate_limited", "provider_rate_limited"),
        ("break", "provider_unavailable"),
        ("fail context", "provider_context_exceeded"),
    ],
)
def test_a_provider_that_fails_fails_the_run_and_the_text_stays(
    word: str, code: str
) -> None:
    run = carried(a_visitor(), f"say Half\n{word}")

    assert (run.status, run.error_code) == ("failed", code)
    message = Message.objects.get(pk=run.answer_id)
    assert (message.status, message.text) == ("interrupted", "Half")
    assert Step.objects.get(run=run).status == "failed"
    assert_no_holes(run.thread_id)


def test_a_model_that_never_stops_calling_is_stopped() -> None:
    run = carried(a_visitor(), "\n---\n".join(["call whoami"] * 8))

    assert (run.status, run.error_code) == ("failed", "step_limit_exceeded")
    assert {call.status for call in calls_of(run)} == {"completed"}


def test_an_assistant_that_is_gone_fails_the_run_without_its_secrets(
    caplog: pytest.LogCaptureFixture,
) -> None:
    run = started(a_visitor(), "say Hi.")
    type(run.thread).objects.update(assistant="gone")

    done = carry(run)

    assert (done.status, done.error_code) == ("failed", "internal")
    assert "gone" not in done.error_text
    assert "gone" in caplog.text


def test_two_processes_that_want_one_run_carry_it_once() -> None:
    run = started(a_visitor(), "say Hi.")

    async def both() -> None:
        await asyncio.gather(*[Execution(run.pk, uuid4()).run() for _ in range(2)])

    asyncio.run(both())

    assert statuses_told(run) == ["queued", "in_progress", "completed"]
    assert fresh(run).attempt == 1


async def test_a_cancel_stops_a_model_that_has_stalled() -> None:
    viewer = a_visitor()
    run = await in_thread(started, viewer, "say Half\nstall")
    execution = Execution(run.pk, uuid4())
    task = asyncio.create_task(execution.run())
    await reached(run, Step)

    await in_thread(cancel, viewer, run)
    execution.cancel()
    async with asyncio.timeout(WAIT):
        await task

    done = await in_thread(fresh, run)
    assert done.status == "cancelled"
    told = await in_thread(statuses_told, run)
    assert told == ["queued", "in_progress", "cancelling", "cancelled"]


async def reached(run: Run, rows: type) -> None:
    """Wait until the run has a row of these."""
    async with asyncio.timeout(WAIT):
        # It happens in the writer's thread.
        while not await in_thread(rows.objects.filter(run=run).exists):  # noqa: ASYNC110
            await asyncio.sleep(0.002)


async def test_another_processs_cancel_is_heard_with_the_next_heartbeat(
    settings,
) -> None:
    settings.CHATKIT_LEASE_SECONDS = 0.15
    viewer = a_visitor()
    run = await in_thread(started, viewer, "say Half\nstall")
    task = asyncio.create_task(Execution(run.pk, uuid4()).run())
    await reached(run, Step)

    await in_thread(cancel, viewer, run)  # nobody tells the execution itself
    async with asyncio.timeout(WAIT):
        await task

    assert (await in_thread(fresh, run)).status == "cancelled"


async def test_who_loses_the_run_stops_and_leaves_it_alone(settings) -> None:
    settings.CHATKIT_LEASE_SECONDS = 0.15
    run = await in_thread(started, a_visitor(), "say Half\nstall")
    task = asyncio.create_task(Execution(run.pk, uuid4()).run())
    await reached(run, Step)

    other = uuid4()
    takeover = Run.objects.filter(pk=run.pk).update
    await in_thread(takeover, owner=other, attempt=2)
    async with asyncio.timeout(WAIT):
        await task

    now = await in_thread(fresh, run)
    assert (now.status, now.owner) == ("in_progress", other)


async def test_the_end_of_the_process_leaves_the_run_to_the_next_one() -> None:
    run = await in_thread(started, a_visitor(), "say Half\nstall")
    task = asyncio.create_task(Execution(run.pk, uuid4()).run())
    await reached(run, Step)

    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task

    assert (await in_thread(fresh, run)).status == "in_progress"
    assert writing.writer._logs == set()


async def test_a_page_that_answers_before_the_servers_tools_end_does_not_pause_it() -> (
    None
):
    viewer = a_visitor()
    text = 'call read_selection\ncall slow_report {"steps": 1, "seconds": 0.3}'
    run = await in_thread(started, viewer, text)
    task = asyncio.create_task(Execution(run.pk, uuid4()).run())
    async with asyncio.timeout(WAIT):
        while True:
            calls = await in_thread(calls_of, run)
            if calls and calls[0].status == "waiting":
                break
            await asyncio.sleep(0.002)

    await in_thread(answer, viewer, calls[0])
    async with asyncio.timeout(WAIT):
        await task

    assert (await in_thread(fresh, run)).status == "completed"
    assert "requires_action" not in await in_thread(statuses_told, run)
