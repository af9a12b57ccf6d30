"""Calls that wait for a job, as rows. What a site's job sees of them: ``tests/test_jobs.py``."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from datetime import timedelta
from uuid import uuid4

import pytest
from django.utils import timezone
from pytest_django import Settings

from chatkit_app.engine import events
from chatkit_app.engine.calls import completed
from chatkit_app.engine.tools import ServerTool, ToolContext
from chatkit_app.exceptions import AnswerLate, ToolError
from chatkit_app.jobs import job
from chatkit_app.models import Run, ToolCall
from chatkit_app.registry import assistants
from chatkit_app.runs import answering, jobs, recovery
from chatkit_app.runs.claiming import claim_run
from tests import job_tools
from tests.job_tools import handed_over
from tests.runs.desk import (
    a_visitor,
    asked_of,
    assert_no_holes,
    calls_of,
    cancel,
    carried,
    carry,
    fresh,
    log_of,
    resolve,
    said,
    started,
    together,
)

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.usefixtures("recorded"),
]

DONE = completed("done", max_bytes=100)


@pytest.fixture(autouse=True)
def _queue() -> None:
    handed_over.clear()


def waiting(name: str = "crunch") -> ToolCall:
    [call] = calls_of(carried(a_visitor(), f"call {name}"))
    return call


def again(call: ToolCall) -> ToolCall:
    return ToolCall.objects.select_related("run").get(pk=call.pk)


def pass_lease(call: ToolCall) -> None:
    past = timezone.now() - timedelta(seconds=1)
    ToolCall.objects.filter(pk=call.pk).update(job_until=past)


def sweep() -> None:
    for call_id in recovery.calls_past_deadline(10):
        answering.expire(call_id)


def test_a_call_past_its_deadline_ends_with_nobody_connected() -> None:
    for name in ("crunch", "export"):
        call = waiting(name)
        past = timezone.now() - timedelta(seconds=1)
        ToolCall.objects.filter(pk=call.pk).update(deadline_at=past)
        sweep()

        assert (again(call).status, again(call).error_code) == ("failed", "deadline")
        run = carry(fresh(call.run))
        assert run.status == "completed"
        assert run.answer.text == "Results: Error: The job did not end in time."


def test_a_job_is_claimed_by_one_and_for_a_while() -> None:
    call, me, other = waiting(), uuid4(), uuid4()
    claims = together(
        [lambda: jobs.claim(call.pk, me), lambda: jobs.claim(call.pk, me)]
    )
    mine = [found for found in claims if found is not None]

    assert [found.pk for found in mine] == [call.pk]
    assert jobs.to_claim(10) == []
    assert jobs.claim(call.pk, other) is None
    assert (again(call).job_owner, again(call).starts) == (me, 1)


def test_a_job_of_the_site_s_queue_is_nobody_s_to_claim() -> None:
    call = waiting("export")

    assert jobs.to_claim(10) == []
    assert jobs.claim(call.pk, uuid4()) is None


def test_a_lease_that_is_kept_keeps_others_away_and_one_that_is_over_does_not() -> None:
    call, me, other = waiting(), uuid4(), uuid4()
    jobs.claim(call.pk, me)
    pass_lease(call)
    jobs.renew(call.pk, me)
    assert jobs.to_claim(10) == []
    pass_lease(call)

    assert jobs.to_claim(10) == [call.pk]
    assert jobs.claim(call.pk, other) is not None
    assert jobs.wanted_of(me) == set()
    assert jobs.wanted_of(other) == {call.pk}


def test_whoever_has_lost_a_job_tells_nothing_of_it_and_has_no_result() -> None:
    call, me, other = waiting(), uuid4(), uuid4()
    jobs.claim(call.pk, me)
    pass_lease(call)
    jobs.claim(call.pk, other)
    news = events.ToolCallProgressed(tool_call_id=str(call.pk), text="Half of it")

    assert not jobs.tell(call, [news], me)
    with pytest.raises(AnswerLate):
        jobs.settle(call, DONE, owner=me)
    jobs.settle(call, DONE, owner=other)
    assert again(call).status == "completed"


def test_a_job_that_must_run_once_and_whose_process_died_has_an_unknown_outcome() -> (
    None
):
    call = waiting("crunch_once")
    jobs.claim(call.pk, uuid4())
    assert jobs.lost(10) == []
    pass_lease(call)

    assert jobs.to_claim(10) == []
    assert jobs.lost(10) == [call.pk]
    jobs.end_lost(call.pk)
    assert again(call).error_code == "outcome_unknown"
    assert fresh(call.run).status == "queued"


def test_a_job_that_its_process_has_kept_meanwhile_is_not_ended() -> None:
    call, me = waiting("crunch_once"), uuid4()
    jobs.claim(call.pk, me)
    pass_lease(call)
    assert jobs.lost(10) == [call.pk]
    jobs.renew(call.pk, me)
    jobs.end_lost(call.pk)

    assert again(call).status == "waiting"


def test_a_job_that_takes_its_process_down_again_and_again_is_given_up(
    settings: Settings,
) -> None:
    settings.CHATKIT_MAX_TAKEOVERS = 2
    call = waiting()
    for _ in range(3):
        assert jobs.claim(call.pk, uuid4()) is not None
        pass_lease(call)

    assert jobs.to_claim(10) == []
    assert jobs.lost(10) == [call.pk]
    jobs.end_lost(call.pk)
    assert again(call).error_code == "tool_failed"


def test_a_job_that_is_handed_back_is_anybody_s_and_was_no_crash() -> None:
    call, me = waiting(), uuid4()
    jobs.claim(call.pk, me)
    jobs.hand_back(call.pk, me)

    assert jobs.to_claim(10) == [call.pk]
    assert again(call).starts == 0


def test_a_job_that_is_handed_back_for_later_waits_till_then() -> None:
    call, me = waiting(), uuid4()
    jobs.claim(call.pk, me)
    jobs.hand_back(call.pk, me, after=60)

    assert jobs.to_claim(10) == []
    assert again(call).job_owner is None


def test_a_job_that_could_not_begin_is_tried_again_also_one_that_must_run_once(
    settings: Settings,
) -> None:
    settings.CHATKIT_MAX_TAKEOVERS = 2
    call, me = waiting("crunch_once"), uuid4()
    for _ in range(3):
        assert jobs.to_claim(10) == [call.pk]
        assert jobs.claim(call.pk, me) is not None
        jobs.put_off(call.pk, me, after=60)
        assert jobs.to_claim(10) == []
        pass_lease(call)

    assert jobs.to_claim(10) == []
    assert jobs.lost(10) == [call.pk]
    jobs.end_lost(call.pk)
    assert again(call).error_code == "tool_failed"


def test_one_that_was_put_off_and_then_begun_is_not_begun_again() -> None:
    call, me = waiting("crunch_once"), uuid4()
    jobs.claim(call.pk, me)
    jobs.put_off(call.pk, me, after=0)
    jobs.claim(call.pk, me)
    pass_lease(call)

    assert jobs.to_claim(10) == []
    jobs.end_lost(call.pk)
    assert again(call).error_code == "outcome_unknown"


def test_a_call_is_approved_when_a_person_lets_it_run() -> None:
    visitor = a_visitor()
    run = carried(visitor, 'call crunch_if_allowed {"rows": 3}')
    [call] = calls_of(run)
    assert not jobs.is_approved(call)
    resolve(visitor, said(*asked_of(run), "approve"))

    assert jobs.is_approved(call)
    assert job(carried_job(run).pk).is_approved


def carried_job(run: Run) -> ToolCall:
    [call] = calls_of(carry(fresh(run)))
    return call


def test_a_job_past_its_deadline_is_not_begun() -> None:
    call = waiting()
    past = timezone.now() - timedelta(seconds=1)
    ToolCall.objects.filter(pk=call.pk).update(deadline_at=past)

    assert jobs.to_claim(10) == []
    assert jobs.claim(call.pk, uuid4()) is None


def test_a_cancelled_run_wants_none_of_its_jobs() -> None:
    visitor, me = a_visitor(), uuid4()
    run = carried(visitor, "call crunch")
    [call] = calls_of(run)
    jobs.claim(call.pk, me)
    assert jobs.is_wanted(call.pk)
    cancel(visitor, run)

    assert jobs.wanted_of(me) == set()
    assert not jobs.is_wanted(call.pk)


def test_what_a_job_tells_comes_before_its_end_and_the_log_has_no_holes() -> None:
    call = waiting()
    news = events.ToolCallProgressed(tool_call_id=str(call.pk), text="Half of it")
    assert jobs.tell(call, [news])
    jobs.settle(call, DONE, news=[replace_text(news, "All of it")])
    carry(fresh(call.run))
    log = log_of(call.run.thread_id)
    told = [n for n, data in enumerate(log) if "tool_call.progressed" in data]
    [end] = [n for n, data in enumerate(log) if "tool_call.ended" in data]

    assert len(told) == 2
    assert told[-1] < end
    assert_no_holes(call.run.thread_id)


def replace_text(
    news: events.ToolCallProgressed, text: str
) -> events.ToolCallProgressed:
    return events.ToolCallProgressed(tool_call_id=news.tool_call_id, text=text)


@pytest.mark.parametrize("name", ["export", "export_once"])
def test_a_call_whose_run_died_while_it_was_handed_over_is_handed_over_again(
    name: str,
) -> None:
    """Whether the queue had it is unknown; it knows the call by its id, whatever the effect."""
    call = waiting(name)
    run = _died_while_handing_over(call)
    run = carry(run)

    assert handed_over == [call.pk, call.pk]
    assert (again(call).status, run.status) == ("waiting", "requires_action")
    assert again(call).starts == 1


def test_the_job_of_such_a_call_may_end_while_nobody_has_the_run() -> None:
    call = waiting("export_once")
    run = _died_while_handing_over(call)
    with job(call.pk) as work:
        assert work.begin()
        work.complete({"rows": 1})
    run = carry(run)

    assert handed_over == [call.pk]
    assert (again(call).status, run.status) == ("completed", "completed")


def test_such_a_job_may_end_while_another_process_puts_the_run_in_order() -> None:
    call = waiting("export")
    run = _died_while_handing_over(call)
    claim_run(run.pk, uuid4())

    assert again(call).status == "running"
    job(call.pk).complete({"rows": 1})
    assert again(call).status == "completed"


def test_a_queue_that_refuses_a_call_that_has_ended_meanwhile_changes_nothing(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    call = waiting("export")
    run = _died_while_handing_over(call)

    def enqueue(context: ToolContext, _wanted: object) -> None:
        job(context.tool_call_id).complete({"rows": 1})
        raise ToolError("It is in the queue already.")

    monkeypatch.setattr(job_tools, "hand_over", enqueue)
    run = carry(run)

    assert (again(call).status, run.status) == ("completed", "completed")
    assert run.answer.text == 'Results: {"rows":1}'


@pytest.fixture
def newer() -> Iterator[Callable[[ServerTool], None]]:
    """Newer code: ``export`` is done by a server tool now."""
    desk = assistants.get("test")

    def deploy(*tools: ServerTool, before: Callable[[], None] = lambda: None) -> None:
        def given(_viewer: object, _page: object) -> Sequence[ServerTool]:
            before()
            return tools

        assistants.unregister("test")
        assistants.register(replace(desk, tools=given))

    yield deploy
    assistants.unregister("test")
    assistants.register(desk)


def test_a_job_that_ends_while_newer_code_would_begin_its_call_has_the_result(
    newer: Callable[..., None],
) -> None:
    call = waiting("export")
    run = _died_while_handing_over(call)
    ran: list[int] = []
    done = completed({"rows": 7}, max_bytes=100)

    def work(wanted: job_tools.Export) -> job_tools.Exported:
        ran.append(wanted.rows)
        return job_tools.Exported(rows=0)

    tool = job_tools.export.definition.server(work)
    # The site is asked for its tools when the rows have been read.
    newer(tool, before=lambda: jobs.settle(call, done))
    run = carry(run)

    assert ran == []
    assert (again(call).output, run.status) == ({"rows": 7}, "completed")
    assert run.answer.text == 'Results: {"rows":7}'


def _died_while_handing_over(call: ToolCall) -> Run:
    """The rows as they are between the event of the start and that of the wait."""
    past = timezone.now() - timedelta(seconds=1)
    ToolCall.objects.filter(pk=call.pk).update(status="running", deadline_at=None)
    Run.objects.filter(pk=call.run_id).update(
        status="in_progress", owner=uuid4(), lease_until=past
    )
    return fresh(call.run)


def test_a_job_beside_a_client_tool_waits_with_it() -> None:
    run = carried(a_visitor(), "call read_selection\ncall export")
    page, mine = calls_of(run)
    job(mine.pk).complete({"rows": 1})

    assert fresh(run).status == "requires_action"
    assert again(page).status == "waiting"


def test_a_run_that_is_still_queued_has_no_job() -> None:
    started(a_visitor(), "call export")

    assert handed_over == []
