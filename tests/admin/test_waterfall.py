from __future__ import annotations

from datetime import timedelta

import pytest
from django.contrib.auth import get_user_model

from chatkit_app.admin.waterfall import Waterfall, waterfall_of
from chatkit_app.models import Interrupt, Run, Step, ToolCall
from tests.history_rows import Turn, make_thread

pytestmark = pytest.mark.django_db


@pytest.fixture
def turn() -> Turn:
    anna = get_user_model().objects.create_user("anna")
    return Turn.begin(make_thread(anna), "Hello", depth=0)


def after(turn: Turn, seconds: float):
    return turn.run.created_at + timedelta(seconds=seconds)


def drawn(turn: Turn) -> Waterfall:
    run = Run.objects.get(pk=turn.run.pk)
    asked: dict = {}
    for row in Interrupt.objects.filter(run=run):
        asked.setdefault(row.tool_call_id, []).append(row)
    steps = list(Step.objects.filter(run=run).order_by("index", "attempt"))
    return waterfall_of(run, steps, ToolCall.objects.filter(run=run), asked)


def end(turn: Turn, seconds: float) -> None:
    Run.objects.filter(pk=turn.run.pk).update(
        status="completed", finished_at=after(turn, seconds)
    )


def move(turn: Turn, start: float, first: float, stop: float) -> None:
    Step.objects.filter(pk=turn.step.pk).update(
        created_at=after(turn, start),
        first_token_at=after(turn, first),
        finished_at=after(turn, stop),
    )


def kinds(found: Waterfall) -> list[str]:
    return [bar.span.kind for bar in found.bars]


def test_steps_tools_and_waits_stand_in_the_order_in_which_they_began(turn) -> None:
    move(turn, 1, 2, 3)
    turn.call("add", started_at=after(turn, 3), finished_at=after(turn, 4))
    page = turn.call("paint", executor="client", status="completed")
    row = turn.ask_page(page, status="answered", answered_at=after(turn, 6))
    Interrupt.objects.filter(pk=row.pk).update(created_at=after(turn, 5))
    end(turn, 6)

    found = drawn(turn)

    assert kinds(found) == ["queue", "model", "tool", "page"]
    assert [bar.span.seconds for bar in found.bars] == [1, 2, 1, 1]
    assert found.seconds == 6


def test_a_step_is_marked_where_its_first_token_came(turn) -> None:
    move(turn, 0, 1, 4)
    end(turn, 4)

    [bar] = drawn(turn).bars

    assert (bar.x, bar.width, bar.mark) == ("0.00", "100.00", "25.00")
    assert bar.span.mark_seconds == 1


def test_a_wait_of_days_leaves_room_for_the_seconds(turn) -> None:
    move(turn, 0, 1, 4)
    call = turn.call("refund", started_at=after(turn, 90_000), status="completed")
    ToolCall.objects.filter(pk=call.pk).update(finished_at=after(turn, 90_004))
    row = turn.ask_page(call, answered_at=after(turn, 90_000), status="answered")
    Interrupt.objects.filter(pk=row.pk).update(
        kind="approval", created_at=after(turn, 4)
    )
    end(turn, 90_004)

    found = drawn(turn)
    widths = {bar.span.kind: float(bar.width) for bar in found.bars}

    assert found.is_broken
    assert widths["model"] > 20
    assert widths["tool"] > 20
    assert found.lasting == "1 d 1 h"


def test_what_has_not_ended_is_open_until_now(turn) -> None:
    Step.objects.filter(pk=turn.step.pk).update(
        status="open", first_token_at=None, finished_at=None
    )
    Run.objects.filter(pk=turn.run.pk).update(status="in_progress")

    [bar] = drawn(turn).bars

    assert bar.span.is_open
    assert bar.mark == ""


def test_a_pause_before_the_next_attempt_is_a_bar(turn) -> None:
    move(turn, 0, 1, 2)
    Step.objects.filter(pk=turn.step.pk).update(
        status="void", retry_at=after(turn, 5), error_code="provider_unavailable"
    )
    end(turn, 6)

    found = drawn(turn)

    assert kinds(found) == ["model", "pause"]
    assert found.bars[0].span.is_wrong


def test_times_that_lie_before_the_run_draw_nothing_outside(turn) -> None:
    move(turn, -5, -4, -3)
    end(turn, 1)

    for bar in drawn(turn).bars:
        assert 0 <= float(bar.x) <= 100
        assert float(bar.x) + float(bar.width) <= 100.01
