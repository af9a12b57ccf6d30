"""Runs that use up what their assistant allows: how they end, and what is told of large outputs."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import timedelta

import pytest

from chatkit_app.engine.assistant import Assistant
from chatkit_app.engine.limits import CUT
from chatkit_app.engine.tools import tool, tool_definition
from chatkit_app.engine.viewer import Viewer
from chatkit_app.models import Run, Step
from chatkit_app.protocols.native import MAX_SENT_BYTES, event_frame
from chatkit_app.registry import assistants
from chatkit_app.runs.transcript import load_work
from tests.runs.desk import a_visitor, answer, calls_of, carry, fresh, log_of, say

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.usefixtures("recorded"),
]

Start = Callable[..., Run]
SIZE = 200_000
YEAR = timedelta(days=365)


@tool(effect="read")
def look() -> str:
    """Look."""
    return "seen"


@tool(effect="read")
def much(letter: str = "x", count: int = SIZE) -> str:
    """Return a lot."""
    return letter * count


ask_page = tool_definition(name="ask_page", description="Ask the page.", output=str)


@pytest.fixture
def start() -> Iterator[Start]:
    """A run of an assistant with these limits, carried as far as it comes."""

    def start(text: str, viewer: Viewer | None = None, **limits: object) -> Run:
        assistants.register(
            Assistant(name="desk", tools=[look, much, ask_page], **limits)  # type: ignore[arg-type]
        )
        said = say(viewer or a_visitor(), text, assistant="desk")
        return carry(Run.objects.get(pk=said["run"]))

    yield start
    assistants.unregister("desk")


def test_too_many_calls_fail_the_run_before_they_begin(start: Start) -> None:
    run = start("call look\n---\ncall look\ncall look", max_calls=2)

    assert (run.status, run.error_code) == ("failed", "call_limit_exceeded")
    assert "the limit is 2" in run.error_text
    calls = calls_of(run)
    assert [call.status for call in calls] == ["completed", "cancelled", "cancelled"]
    assert [call.starts for call in calls] == [1, 0, 0]


def test_tokens_are_counted_over_a_pause(start: Start) -> None:
    viewer = a_visitor()
    run = start("call ask_page", viewer, max_tokens=5000)
    assert run.status == "requires_action"
    Step.objects.filter(run=run).update(input_tokens=4990, output_tokens=10)

    answer(viewer, calls_of(run)[0], "yes")
    run = carry(run)

    assert (run.status, run.error_code) == ("failed", "token_limit_exceeded")


def test_the_time_in_which_a_page_is_waited_for_does_not_count(start: Start) -> None:
    viewer = a_visitor()
    run = start("call ask_page", viewer, max_seconds=60)
    step = Step.objects.get(run=run)
    assert step.finished_at is not None
    Step.objects.filter(pk=step.pk).update(
        created_at=step.created_at - YEAR, finished_at=step.finished_at - YEAR
    )

    answer(viewer, calls_of(run)[0], "yes")

    assert carry(run).status == "completed"


def test_the_time_that_a_run_has_worked_is_kept_over_a_pause(start: Start) -> None:
    viewer = a_visitor()
    run = start("call ask_page", viewer, max_seconds=60)
    step = Step.objects.get(run=run)
    Step.objects.filter(pk=step.pk).update(created_at=step.created_at - YEAR)

    answer(viewer, calls_of(run)[0], "yes")
    run = carry(run)

    assert (run.status, run.error_code) == ("failed", "time_limit_exceeded")


def told_of(run: Run, limit: int) -> str:
    """The result as the next process tells it to the model."""
    work = load_work(fresh(run), history_tokens=1_000_000, told_bytes=limit)
    return work.answer[-2].content  # type: ignore[union-attr]


def test_a_large_output_is_cut_for_the_model_and_whole_in_the_row(
    start: Start,
) -> None:
    run = start("call much", max_output_bytes=100)

    [call] = calls_of(run)
    assert (call.output, call.output_size) == ("x" * SIZE, SIZE + 2)
    cut = "x" * 100 + CUT.format(size=SIZE, shown=100)
    texts = run.answer.parts.filter(kind="text").values_list("text", flat=True)
    assert list(texts) == [f"Results: {cut}"]
    assert told_of(run, 100) == cut


def test_the_largest_output_that_a_row_keeps_fits_into_a_frame(start: Start) -> None:
    """A control character is six bytes of JSON, and so it is counted."""
    arguments = '{"letter": "\\u0001", "count": 43690}'
    run = start(f"call much {arguments}")

    [call] = calls_of(run)
    assert (call.status, call.output_size) == ("completed", 262_142)
    frames = [
        event_frame(run.thread_id, 1, data)
        for data in log_of(run.thread_id, "tool_call.ended")
    ]
    assert max(len(frame.encode()) for frame in frames) < MAX_SENT_BYTES // 3


def test_an_output_beyond_what_a_row_keeps_is_the_tools_error(start: Start) -> None:
    run = start('call much {"count": 262143}')

    [call] = calls_of(run)
    assert (call.status, call.error_code) == ("failed", "output_too_large")
