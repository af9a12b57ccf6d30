"""Calls that a queue of the site's works on."""

from __future__ import annotations

import importlib
from collections.abc import Iterator
from datetime import timedelta
from functools import partial
from typing import Any
from uuid import UUID, uuid4

import django
import pytest
from django.utils import timezone

from chatkit_app import jobs
from chatkit_app.engine.tools import ToolContext
from chatkit_app.exceptions import (
    AnswerDuplicate,
    AnswerLate,
    CallNotFound,
    ToolError,
)
from chatkit_app.jobs import job
from chatkit_app.models import Run, ToolCall
from chatkit_app.protocols.native import decode_event
from chatkit_app.runs.job_news import job_news
from tests import job_tools
from tests.job_tools import Export, Exported, handed_over
from tests.live import ROOT
from tests.runs.conftest import recorded  # noqa: F401 (a fixture)
from tests.runs.desk import (
    a_visitor,
    calls_of,
    cancel,
    carried,
    carry,
    fresh,
    log_of,
    say,
    statuses_told,
    together,
)
from tests.runs.recording_runner import RecordingRunner

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.usefixtures("recorded"),
]


@pytest.fixture(autouse=True)
def _queue() -> Iterator[None]:
    handed_over.clear()
    yield
    job_news.stop()


def handed(name: str = "export", arguments: str = '{"rows": 2}') -> ToolCall:
    """A call that waits for its job."""
    [call] = calls_of(carried(a_visitor(), f"call {name} {arguments}"))
    return call


def again(call: ToolCall) -> ToolCall:
    return ToolCall.objects.select_related("run").get(pk=call.pk)


def answer_of(call: ToolCall) -> str:
    run = carry(Run.objects.get(pk=call.run_id))
    run.answer.refresh_from_db()
    return run.answer.text


def news_of(call: ToolCall) -> list[Any]:
    thread = call.run.thread_id
    told = [*log_of(thread, "tool_call.progressed"), *log_of(thread, "effect")]
    return [decode_event(data) for data in told]


def test_a_call_is_handed_over_and_the_run_pauses_without_a_process() -> None:
    call = handed()

    assert handed_over == [call.pk]
    assert (call.status, call.executor) == ("waiting", "job")
    assert call.run.status == "requires_action"
    assert call.deadline_at is not None
    assert (call.deadline_at - timezone.now()).total_seconds() == pytest.approx(
        3600, abs=30
    )


def test_pages_are_told_that_it_waits_for_a_job() -> None:
    call = handed()
    told: list[Any] = [
        decode_event(e) for e in log_of(call.run.thread_id, "tool_call.changed")
    ]

    assert [str(event.status) for event in told] == ["queued", "running", "waiting"]
    assert (told[-1].waits_for, told[-1].interrupt) == ("job", None)


def test_the_output_of_a_job_is_the_call_s_result_and_the_run_goes_on() -> None:
    call = handed()
    with job(str(call.pk)) as work:
        assert work.begin()
        work.complete(Exported(rows=work.input.rows))

    assert fresh(call.run).status == "queued"
    assert answer_of(call) == 'Results: {"rows":2}'


def test_a_job_knows_its_input_and_who_asked() -> None:
    visitor = a_visitor()
    [call] = calls_of(carried(visitor, 'call export {"rows": 7}'))
    work = job(call.pk)

    assert work.input == Export(rows=7)
    assert (work.viewer.key, work.user) == (visitor.key, None)
    assert (work.tool_call_id, work.run_id) == (call.pk, call.run_id)
    assert work.thread_id == call.run.thread_id


def test_what_the_person_made_of_the_arguments_is_what_the_job_gets() -> None:
    call = handed()
    ToolCall.objects.filter(pk=call.pk).update(edited_input={"rows": 9})

    assert job(call.pk).input == Export(rows=9)


def test_a_job_may_end_before_its_call_waits(recorded: RecordingRunner) -> None:  # noqa: F811
    run = Run.objects.get(pk=say(a_visitor(), "call export")["run"])

    class Quick(list[UUID]):
        def append(self, call_id: UUID) -> None:
            job(call_id).complete({"rows": 1})

    with pytest.MonkeyPatch.context() as patched:
        patched.setattr("tests.job_tools.handed_over", Quick())
        run = carry(run)

    [call] = calls_of(run)
    assert (call.status, run.status) == ("completed", "completed")
    assert "requires_action" not in statuses_told(run)


@pytest.mark.parametrize("error", [ToolError("No answer."), TimeoutError("redis")])
def test_a_job_that_has_ended_before_its_queue_fails_has_the_result(
    error: Exception, monkeypatch: pytest.MonkeyPatch
) -> None:
    def enqueue(context: ToolContext, _wanted: Export) -> None:
        job(context.tool_call_id).complete({"rows": 7})
        raise error

    monkeypatch.setattr(job_tools, "hand_over", enqueue)
    run = carried(a_visitor(), "call export")

    assert [call.status for call in calls_of(run)] == ["completed"]
    assert (run.status, run.answer.text) == ("completed", 'Results: {"rows":7}')


def test_a_job_that_fails_where_it_is_handed_over_fails_its_call_and_not_the_run(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """As in a queue that does its tasks at once and lets their errors out: in tests of the site."""

    def enqueue(context: ToolContext, _wanted: Export) -> None:
        with job(context.tool_call_id) as work:
            work.begin()
            raise ToolError("The disk is full.")

    monkeypatch.setattr(job_tools, "hand_over", enqueue)
    run = carried(a_visitor(), "call export")

    assert [call.status for call in calls_of(run)] == ["failed"]
    assert run.answer.text == "Results: Error: The disk is full."


def test_a_job_that_was_quicker_breaks_off_no_tool_beside_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def enqueue(context: ToolContext, _wanted: Export) -> None:
        job(context.tool_call_id).complete({"rows": 7})
        raise ToolError("No answer.")

    monkeypatch.setattr(job_tools, "hand_over", enqueue)
    beside = 'call slow_report {"steps": 1, "seconds": 0.3}'
    run = carried(a_visitor(), f"call export\n{beside}")
    _export, slow = calls_of(run)

    assert (slow.status, slow.starts) == ("completed", 1)
    assert run.answer.text.startswith('Results: {"rows":7}')


def test_what_can_not_be_handed_over_is_the_tool_s_error() -> None:
    call = handed(arguments='{"rows": -1}')

    assert (call.status, call.error_code) == ("failed", "tool_error")
    assert call.error_text == "There are no such rows."


def test_a_failure_is_told_to_the_model_in_the_job_s_words() -> None:
    call = handed()
    job(call.pk).fail("The disk is full.")

    assert (again(call).status, again(call).error_code) == ("failed", "tool_error")
    assert answer_of(call) == "Results: Error: The disk is full."


def test_the_same_result_again_is_accepted_again_and_another_one_is_not() -> None:
    call = handed()
    job(call.pk).complete({"rows": 1})
    job(call.pk).complete({"rows": 1})
    with pytest.raises(AnswerDuplicate):
        job(call.pk).complete({"rows": 2})
    with pytest.raises(AnswerDuplicate):
        job(call.pk).fail("Oh.")

    assert again(call).output == {"rows": 1}


def test_the_same_failure_again_is_accepted_again() -> None:
    call = handed()
    job(call.pk).fail("Oh.")
    job(call.pk).fail("Oh.")
    with pytest.raises(AnswerLate):
        job(call.pk).complete({"rows": 2})

    assert again(call).error_text == "Oh."


def test_an_output_that_does_not_fit_is_the_job_s_fault_and_the_call_stays_open() -> (
    None
):
    call = handed()
    with pytest.raises(ValueError, match="does not fit"):
        job(call.pk).complete({"rows": "many"})

    assert again(call).status == "waiting"


def test_after_a_cancel_nobody_wants_the_result() -> None:
    visitor = a_visitor()
    run = carried(visitor, "call export")
    [call] = calls_of(run)
    work = job(call.pk)
    assert not work.is_cancelled
    cancel(visitor, run)

    assert job(call.pk).is_cancelled
    assert not work.begin()
    with pytest.raises(AnswerLate):
        work.complete({"rows": 1})


def test_a_job_that_runs_sees_a_cancel(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(jobs, "LOOK_SECONDS", 0.0)
    visitor = a_visitor()
    run = carried(visitor, "call export")
    [call] = calls_of(run)
    reached: list[object] = []
    with job(call.pk) as work:
        reached.append(work.begin())
        cancel(visitor, run)
        work.check_cancelled()
        reached.append("not here")

    assert reached == [True]


def test_a_new_message_closes_the_call() -> None:
    visitor = a_visitor()
    run = carried(visitor, "call export")
    [call] = calls_of(run)
    say(visitor, "say Something else.", run.thread_id)

    assert again(call).status == "cancelled"
    assert not job(call.pk).begin()


def test_a_result_after_the_deadline_is_late() -> None:
    call = handed()
    past = timezone.now() - timedelta(seconds=1)
    ToolCall.objects.filter(pk=call.pk).update(deadline_at=past)

    with pytest.raises(AnswerLate):
        job(call.pk).complete({"rows": 1})
    assert not job(call.pk).begin()


def test_a_tool_that_must_run_once_is_begun_once() -> None:
    call = handed("export_once")

    assert job(call.pk).begin()
    assert not job(call.pk).begin()
    assert again(call).starts == 1


def test_one_that_may_be_repeated_is_begun_as_often_as_its_queue_delivers_it() -> None:
    call = handed()

    assert job(call.pk).begin()
    assert job(call.pk).begin()
    assert again(call).starts == 2


def test_of_two_deliveries_at_once_one_begins() -> None:
    call = handed("export_once")
    works = [job(call.pk), job(call.pk)]

    assert sorted(together([work.begin for work in works])) == [False, True]


def test_of_two_results_at_once_one_is_the_call_s() -> None:
    call = handed()
    works = [job(call.pk), job(call.pk)]
    done = [partial(work.complete, {"rows": n}) for n, work in enumerate(works)]
    found = together(done)

    assert sorted(type(one).__name__ for one in found) == [
        "AnswerDuplicate",
        "NoneType",
    ]
    assert found[(again(call).output or {})["rows"]] is None


def test_an_unknown_call_is_not_found() -> None:
    with pytest.raises(CallNotFound):
        job(uuid4())


def test_a_server_tool_s_call_is_no_job_s() -> None:
    [call] = calls_of(carried(a_visitor(), 'call add {"a": 1, "b": 2}'))

    with pytest.raises(CallNotFound):
        job(call.pk)


def test_what_a_job_tells_is_in_the_log_and_the_last_of_it_in_the_row() -> None:
    call = handed()
    with job(call.pk) as work:
        work.progress(0.5, "Half of it")
        work.notice("It is large.", "warning")
        work.effect("highlight", {"row": 1})
        work.preliminary({"rows": 1})
    *_, told, effect = news_of(call)

    assert again(call).progress == {
        "text": "Half of it",
        "fraction": 0.5,
        "preliminary": {"rows": 1},
        "notice": {"level": "warning", "title": "", "text": "It is large."},
    }
    assert (told.fraction, told.preliminary) == (0.5, {"rows": 1})
    assert (effect.name, effect.data, effect.tab) == ("highlight", {"row": 1}, "tab")


def test_of_many_reports_few_are_written_and_always_the_last() -> None:
    call = handed()
    with job(call.pk) as work:
        for number in range(500):
            work.progress(number / 500, f"{number}")
        work.complete({"rows": 1})
    told = [event.text for event in news_of(call)]

    assert told[-1] == "499"
    assert len(told) <= 10


def test_what_was_told_before_the_job_began_again_is_not_lost() -> None:
    call = handed()
    with job(call.pk) as work:
        work.preliminary({"rows": 1})
    with job(call.pk) as work:
        work.progress(0.5, "Half of it")

    assert (again(call).progress or {})["preliminary"] == {"rows": 1}


def test_nothing_is_told_of_a_closed_call() -> None:
    call = handed()
    job(call.pk).complete({"rows": 1})
    before = len(news_of(call))
    with job(call.pk) as work:
        work.progress(0.5, "Still here")

    assert len(news_of(call)) == before


@pytest.mark.parametrize(
    ("error", "code", "text"),
    [
        (ToolError("No more disks."), "tool_error", "No more disks."),
        (RuntimeError("secret"), "tool_failed", "The tool failed."),
    ],
)
def test_an_exception_that_leaves_the_block_is_the_result_and_goes_on(
    error: Exception, code: str, text: str
) -> None:
    call = handed()
    with pytest.raises(type(error)), job(call.pk):
        raise error

    assert (again(call).error_code, again(call).error_text) == (code, text)


def test_a_process_that_is_told_to_end_says_nothing_of_the_call() -> None:
    call = handed()
    with pytest.raises(SystemExit), job(call.pk):
        raise SystemExit

    assert again(call).status == "waiting"


@pytest.mark.skipif(django.VERSION < (6,), reason="Django has tasks since 6.0")
def test_django_s_own_tasks_are_a_queue_too(monkeypatch: pytest.MonkeyPatch) -> None:
    tasks = importlib.import_module("tests.django_tasks")
    monkeypatch.setattr(job_tools, "hand_over", tasks.enqueue)
    run = carried(a_visitor(), 'call export {"rows": 4}')

    assert run.answer.text == 'Results: {"rows":4}'


def test_the_page_on_jobs_shows_the_example_that_is_tested() -> None:
    page = (ROOT / "docs" / "jobs.md").read_text()
    for name in ("celery_site/exports.py", "celery_site/assistants.py"):
        example = (ROOT / "tests" / name).read_text()
        assert f"<!-- tests/{name} -->\n```python\n{example}```" in page
