"""Background tools at work in this process."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import pytest
from django.db import OperationalError
from django.utils import timezone
from pytest_django import Settings

from chatkit_app import db
from chatkit_app.background import background
from chatkit_app.engine.assistant import Assistant
from chatkit_app.engine.commands import InterruptAnswer, Resolve
from chatkit_app.engine.states import Decision
from chatkit_app.engine.tools import ToolContext, tool
from chatkit_app.engine.viewer import Viewer
from chatkit_app.log.doorbell import doorbell
from chatkit_app.models import Interrupt, Run, ToolCall
from chatkit_app.registry import assistants
from chatkit_app.runs import job_news as news_module
from chatkit_app.runs import jobs
from chatkit_app.runs import sweeping as sweeping_module
from chatkit_app.runs import working_jobs as working_module
from chatkit_app.runs.job_news import job_news
from chatkit_app.runs.local_runner import LocalRunner
from chatkit_app.runs.runner import runner as configured
from chatkit_app.runs.service import handle
from tests.job_tools import at_work, crunch, crunch_once, gate
from tests.runs.desk import (
    WAIT,
    a_visitor,
    calls_of,
    cancel,
    carried,
    carry,
    fresh,
    log_of,
    say,
)

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.usefixtures("recorded"),
]


@pytest.fixture
def local(monkeypatch: pytest.MonkeyPatch) -> Iterator[LocalRunner]:
    """A process that carries runs and jobs, and sweeps."""
    monkeypatch.setattr(sweeping_module, "CLAIM_SECONDS", 0.01)
    monkeypatch.setattr(sweeping_module, "EXPIRE_SECONDS", 0.01)
    monkeypatch.setattr(news_module, "LOOK_SECONDS", 0.02)
    gate.clear()
    at_work.clear()
    local = LocalRunner(patience=0.0)
    yield local
    gate.set()
    local.stop()
    background.stop()
    job_news.stop()


@pytest.fixture
def serving(local: LocalRunner) -> LocalRunner:
    """The same, and the services tell it what there is to do."""
    configured.use(local)
    return local


@pytest.fixture
def rung(monkeypatch: pytest.MonkeyPatch) -> list[UUID]:
    """The jobs that others are told of."""
    rung: list[UUID] = []
    monkeypatch.setattr(doorbell, "ring_job", rung.append)
    return rung


def until(is_so: Callable[[], bool]) -> None:
    end = time.monotonic() + WAIT
    while not is_so():
        assert time.monotonic() < end, "it did not come to that"
        time.sleep(0.005)


def again(call: ToolCall) -> ToolCall:
    return ToolCall.objects.select_related("run__answer").get(pk=call.pk)


def asked(viewer: Viewer, text: str) -> Run:
    return Run.objects.get(pk=say(viewer, text)["run"])


def ended(run: Run) -> Run:
    until(lambda: fresh(run).status in ("completed", "failed", "cancelled"))
    return fresh(run)


def waiting(name: str = "crunch", arguments: str = "{}") -> ToolCall:
    """A job that nobody works on yet."""
    [call] = calls_of(carried(a_visitor(), f"call {name} {arguments}"))
    return call


def test_a_job_is_done_beside_the_tools_of_runs_and_the_run_goes_on(
    serving: LocalRunner,
) -> None:
    run = ended(asked(a_visitor(), "call crunch"))

    assert run.answer.text.startswith("Results: crunched on chatkit-tool")


def test_an_async_job_is_done_on_the_loop(serving: LocalRunner) -> None:
    run = ended(asked(a_visitor(), "call crunch_async"))

    assert run.answer.text == "Results: done"
    assert any("Half of it" in e for e in log_of(run.thread_id, "tool_call.progressed"))


def test_a_job_knows_who_asked_and_may_use_the_orm(serving: LocalRunner) -> None:
    visitor = a_visitor()
    run = ended(asked(visitor, "call crunch_who"))
    [call] = calls_of(run)

    assert call.output == {"viewer": visitor.key, "assistant": "test", "users": 0}


def test_an_error_is_the_call_s_and_none_of_its_words_are_told(
    serving: LocalRunner, caplog: pytest.LogCaptureFixture
) -> None:
    run = ended(asked(a_visitor(), "call crunch_badly"))

    assert run.answer.text == "Results: Error: The tool failed."
    assert "secret-of-the-server" in caplog.text


def test_what_a_job_tells_last_is_in_the_row_when_it_has_ended(
    serving: LocalRunner,
) -> None:
    [call] = calls_of(ended(asked(a_visitor(), "call crunch")))

    assert call.progress == {"text": "Crunched", "fraction": 1.0}


def test_the_sweep_finds_a_job_that_nobody_was_told_of(local: LocalRunner) -> None:
    call = waiting()
    local.start()

    until(lambda: again(call).status == "completed")


def test_no_more_jobs_are_begun_than_there_are_threads(
    local: LocalRunner, settings: Settings
) -> None:
    settings.CHATKIT_TOOL_THREADS = 1
    first, second = (waiting(arguments='{"wait": true}') for _ in range(2))
    local.start()
    until(at_work.is_set)
    seen = [again(call).starts for call in (first, second)]
    gate.set()

    until(lambda: again(second).status == "completed")
    assert sorted(seen) == [0, 1]


def test_a_job_that_takes_all_day_keeps_no_tool_of_a_run_from_its_thread(
    serving: LocalRunner, settings: Settings
) -> None:
    settings.CHATKIT_TOOL_THREADS = 1
    asked(a_visitor(), 'call crunch {"wait": true}')
    until(at_work.is_set)
    run = ended(asked(a_visitor(), 'call add {"a": 1, "b": 2}'))

    assert run.answer.text == 'Results: {"total":3}'


def test_a_job_without_a_place_is_rung_for(
    serving: LocalRunner, settings: Settings, rung: list[UUID]
) -> None:
    settings.CHATKIT_TOOL_THREADS = 1
    asked(a_visitor(), 'call crunch {"wait": true}')
    until(at_work.is_set)
    other = uuid4()
    serving.submit_job(other)

    assert rung == [other]


def test_a_job_that_needs_approval_begins_when_it_has_it_with_the_edited_arguments(
    serving: LocalRunner,
) -> None:
    visitor = a_visitor()
    run = asked(visitor, 'call crunch_if_allowed {"rows": 1000}')
    until(lambda: fresh(run).status == "requires_action")
    asked_for = Interrupt.objects.get(run=run)
    assert not jobs.begin(calls_of(run)[0])
    assert jobs.to_claim(10) == []
    edited = InterruptAnswer(
        interrupt_id=asked_for.pk, decision=Decision.EDIT, input={"rows": 3}
    )
    resolve = Resolve(id="approve-3", thread_id=run.thread_id, answers=(edited,))
    handle(visitor, resolve)

    ended(run)
    [call] = calls_of(run)
    assert (call.status, call.output, call.starts) == ("completed", 3, 1)


def test_a_cancel_reaches_a_job_that_asks(serving: LocalRunner) -> None:
    visitor = a_visitor()
    run = asked(visitor, 'call crunch {"wait": true}')
    until(at_work.is_set)
    until(lambda: fresh(run).status == "requires_action")
    cancel(visitor, fresh(run))

    until(lambda: not serving.jobs._tasks)
    assert [call.status for call in calls_of(run)] == ["cancelled"]


def test_an_async_job_is_cancelled_with_its_run(
    serving: LocalRunner, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("CHATKIT_TEST_LEDGER", str(tmp_path / "ledger"))
    visitor = a_visitor()
    run = asked(visitor, 'call crunch_async {"seconds": 60}')
    until(lambda: any(call.starts for call in calls_of(run)))
    until(lambda: fresh(run).status == "requires_action")
    [call] = calls_of(run)
    until(lambda: again(call).progress is not None)
    cancel(visitor, fresh(run))

    until(lambda: not serving.jobs._tasks)
    assert (tmp_path / "ledger").read_text() == f"{call.pk} cancelled\n"


def test_a_job_past_its_deadline_is_ended_and_its_late_result_refused(
    serving: LocalRunner,
) -> None:
    run = ended(asked(a_visitor(), "call crunch_for_ever"))

    assert run.answer.text == "Results: Error: The job did not end in time."
    until(lambda: not serving.jobs._tasks)


def test_a_job_whose_process_died_runs_again_when_its_lease_is_over(
    local: LocalRunner,
) -> None:
    call = waiting()
    jobs.claim(call.pk, uuid4())
    past = timezone.now() - timedelta(seconds=1)
    ToolCall.objects.filter(pk=call.pk).update(job_until=past)
    local.start()

    until(lambda: again(call).status == "completed")
    assert again(call).starts == 2


def test_one_that_must_run_once_does_not(local: LocalRunner) -> None:
    call = waiting("crunch_once")
    jobs.claim(call.pk, uuid4())
    past = timezone.now() - timedelta(seconds=1)
    ToolCall.objects.filter(pk=call.pk).update(job_until=past)
    local.start()

    until(lambda: again(call).error_code == "outcome_unknown")
    assert again(call).starts == 1


def test_a_process_that_ends_hands_back_what_may_be_repeated(
    serving: LocalRunner, rung: list[UUID]
) -> None:
    run = asked(a_visitor(), 'call crunch {"wait": true}')
    until(at_work.is_set)
    [call] = calls_of(run)
    serving.drain(5)

    assert rung == [call.pk]
    assert jobs.to_claim(10) == [call.pk]
    assert again(call).starts == 0


def test_of_one_that_must_run_once_the_outcome_is_unknown_then(
    serving: LocalRunner,
) -> None:
    run = asked(a_visitor(), 'call crunch_once {"wait": true}')
    until(at_work.is_set)
    until(lambda: fresh(run).status == "requires_action")
    serving.drain(5)

    assert [call.error_code for call in calls_of(run)] == ["outcome_unknown"]


def test_a_job_that_is_about_to_end_is_waited_for(serving: LocalRunner) -> None:
    run = asked(a_visitor(), 'call crunch_once {"seconds": 0.2}')
    until(at_work.is_set)
    serving.drain(5)

    assert [call.status for call in calls_of(run)] == ["completed"]


def test_a_process_on_its_way_out_begins_nothing(local: LocalRunner) -> None:
    call = waiting()
    local.start()
    local.drain(5)
    local.submit_job(call.pk)

    assert local.jobs.free == 0


def test_a_job_of_an_assistant_that_is_not_here_is_left_to_others(
    local: LocalRunner,
) -> None:
    call = waiting()
    run = call.run
    type(run.thread).objects.filter(pk=run.thread_id).update(assistant="newer")
    local.start()

    now = timezone.now()
    handed_back = ToolCall.objects.filter(job_owner=None, job_until__gt=now)
    until(handed_back.exists)
    assert again(call).starts == 0


class Desk:
    """An assistant whose hooks fail when they are told to."""

    is_failing = False
    is_allowed = True

    def dependencies(self, _viewer: Viewer, _page: object) -> str:
        if self.is_failing:
            raise RuntimeError("the order service is away")
        return "the order service"


@pytest.fixture
def desk(monkeypatch: pytest.MonkeyPatch) -> Iterator[Desk]:
    monkeypatch.setattr(working_module, "PAUSE_SECONDS", 0.01)
    desk = Desk()

    @tool(background=True, permission=lambda _viewer: desk.is_allowed)
    def staffed(context: ToolContext) -> str:
        """Say whose dependencies these are."""
        return str(context.dependencies)

    tools = [crunch, crunch_once, staffed]
    assistants.register(
        Assistant(name="desk", tools=tools, dependencies=desk.dependencies)
    )
    yield desk
    assistants.unregister("desk")


def waiting_at_desk(name: str) -> ToolCall:
    told = say(a_visitor(), f"call {name}", assistant="desk")
    [call] = calls_of(carry(Run.objects.get(pk=told["run"])))
    return call


def test_a_job_whose_dependencies_fail_is_put_off_and_begins_when_they_are_back(
    local: LocalRunner, desk: Desk
) -> None:
    call = waiting_at_desk("staffed")
    desk.is_failing = True
    local.start()
    put_off = ToolCall.objects.filter(pk=call.pk, job_owner=None, starts__gte=1)
    until(put_off.exists)
    desk.is_failing = False

    until(lambda: again(call).output == "the order service")


@pytest.mark.parametrize("name", ["crunch", "crunch_once"])
def test_one_whose_dependencies_fail_again_and_again_is_given_up(
    name: str, local: LocalRunner, desk: Desk, caplog: pytest.LogCaptureFixture
) -> None:
    call = waiting_at_desk(name)
    desk.is_failing = True
    local.start()

    until(lambda: again(call).error_code == "tool_failed")
    assert not at_work.is_set()
    assert caplog.text.count("can't begin") == again(call).starts == 4


def test_a_right_that_is_withdrawn_before_the_job_begins_is_not_permitted(
    local: LocalRunner, desk: Desk
) -> None:
    call = waiting_at_desk("staffed")
    desk.is_allowed = False
    local.start()

    until(lambda: again(call).error_code == "not_permitted")


@pytest.fixture
def away(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """The database is away for results, so many tries long."""
    left, settle = [3], jobs.settle

    def settle_later(*given: Any, **more: Any) -> None:
        if left[0]:
            left[0] -= 1
            raise OperationalError("the server is restarting")
        settle(*given, **more)

    monkeypatch.setattr(jobs, "settle", settle_later)
    monkeypatch.setattr(db, "PATIENCE_SECONDS", 0.0)
    return left


def test_a_result_is_written_when_the_database_is_there_again(
    local: LocalRunner, away: list[int]
) -> None:
    call = waiting("crunch_once")
    local.start()

    until(lambda: again(call).status == "completed")
    assert (away, again(call).starts) == ([0], 1)


def test_after_the_deadline_nobody_tries_to_write_a_result(
    local: LocalRunner, away: list[int]
) -> None:
    away[0] = 10**6
    call = waiting("crunch_once")
    soon = timezone.now() + timedelta(seconds=0.5)
    ToolCall.objects.filter(pk=call.pk).update(deadline_at=soon)
    local.start()
    until(lambda: away[0] < 10**6)

    until(lambda: again(call).error_code == "deadline")
    until(lambda: not local.jobs._tasks)


def test_a_process_that_ends_waits_for_a_result_that_is_being_written(
    serving: LocalRunner,
    rung: list[UUID],
    monkeypatch: pytest.MonkeyPatch,
    settings: Settings,
) -> None:
    settings.CHATKIT_EXIT_SECONDS = 30.0
    settle, is_settling = jobs.settle, threading.Event()

    def settle_slowly(*given: Any, **more: Any) -> None:
        is_settling.set()
        until(lambda: bool(rung))  # what is handed back does not wait for this
        time.sleep(0.2)  # somebody holds the row
        settle(*given, **more)

    monkeypatch.setattr(jobs, "settle", settle_slowly)
    run = asked(a_visitor(), 'call crunch_once\ncall crunch {"wait": true}')
    assert is_settling.wait(WAIT)
    _settling, working = calls_of(run)
    until(lambda: again(working).progress is not None)
    serving.drain(5)

    assert [call.status for call in calls_of(run)] == ["completed", "waiting"]


def test_a_tool_that_is_gone_is_an_error_for_the_model(local: LocalRunner) -> None:
    call = waiting()
    ToolCall.objects.filter(pk=call.pk).update(name="gone")
    local.start()

    until(lambda: again(call).error_code == "unknown_tool")
