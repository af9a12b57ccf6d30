"""What a run has used up, by its rows."""

from __future__ import annotations

from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest

from chatkit_app.engine.limits import Spent
from chatkit_app.models import Step, ToolCall
from chatkit_app.runs.spending import spent_by
from tests.history_rows import Turn, make_thread

pytestmark = pytest.mark.django_db

STEP = 2.4  # seconds that a step of these rows took
TOKENS = 1204 + 210


@pytest.fixture
def turn() -> Turn:
    """A run with one whole step."""
    return Turn.begin(make_thread(uuid4()), "Hi", depth=0)


def worked(turn: Turn, begin: float, end: float | None, **fields: Any) -> ToolCall:
    """A server tool that ran for some seconds after its step had ended."""
    ended = turn.step.finished_at
    assert ended is not None
    return turn.call(
        "add",
        started_at=ended + timedelta(seconds=begin),
        finished_at=None if end is None else ended + timedelta(seconds=end),
        **fields,
    )


def spent(turn: Turn) -> Spent:
    return spent_by(turn.run, list(Step.objects.filter(run=turn.run)))


def test_steps_and_their_tokens_add_up(turn: Turn) -> None:
    turn.begin_step(1)

    found = spent(turn)

    assert found.tokens == 2 * TOKENS
    # Rows made in one instant: two steps that overlap but for a moment.
    assert found.seconds == pytest.approx(STEP, abs=0.5)


def test_server_tools_at_the_same_time_count_once(turn: Turn) -> None:
    worked(turn, 0, 3)
    worked(turn, 1, 5)
    worked(turn, 10, 11)

    found = spent(turn)

    assert found.calls == 3
    assert found.seconds == pytest.approx(STEP + 5 + 1)


@pytest.mark.parametrize("executor", ["client", "job"])
def test_what_a_page_or_a_job_took_does_not_count(turn: Turn, executor: str) -> None:
    worked(turn, 0, 1000, executor=executor)

    assert spent(turn).seconds == pytest.approx(STEP)


@pytest.mark.parametrize(
    "code",
    ["question_expired", "outcome_unknown", "not_permitted", "unknown_tool", "denied"],
)
def test_a_day_in_which_a_tool_did_not_work_does_not_count(
    turn: Turn, code: str
) -> None:
    """Nobody answered its question, its process was gone, or newer code did not let it go on."""
    worked(turn, 0, 86_400, status="failed", error_code=code)

    found = spent(turn)

    assert (found.calls, found.seconds) == (1, pytest.approx(STEP, abs=0.5))


def test_a_tool_that_failed_has_worked_until_then(turn: Turn) -> None:
    worked(turn, 0, 5, status="failed", error_code="tool_error")

    assert spent(turn).seconds == pytest.approx(STEP + 5)


def test_a_call_that_has_not_ended_counts_as_a_call(turn: Turn) -> None:
    worked(turn, 0, None, status="running")

    found = spent(turn)

    assert found.calls == 1
    assert found.seconds == pytest.approx(STEP)


def test_an_attempt_that_was_taken_back_has_taken_its_time_and_called_nothing(
    turn: Turn,
) -> None:
    Step.objects.filter(pk=turn.step.pk).update(
        status="void", error_code="provider_unavailable"
    )
    turn.call("add", status="cancelled")

    found = spent(turn)

    assert found.calls == 0
    assert found.seconds == pytest.approx(STEP)


def test_what_a_dead_process_was_in_the_middle_of_does_not_count(turn: Turn) -> None:
    """The row tells when the takeover was, not when the process died."""
    Step.objects.filter(pk=turn.step.pk).update(
        status="void", error_code="run_interrupted"
    )

    assert spent(turn).seconds == 0.0


def test_a_run_that_has_done_nothing_has_used_up_nothing(turn: Turn) -> None:
    Step.objects.all().delete()

    assert spent(turn) == Spent()
