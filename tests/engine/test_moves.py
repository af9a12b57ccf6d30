"""The tables of moves: whole, and the same that docs/design.md draws."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from chatkit_app.engine.moves import (
    RUN_MOVES,
    STEP_MOVES,
    TOOL_CALL_MOVES,
    before,
    check_move,
)
from chatkit_app.engine.states import (
    ACTIVE_RUN_STATUSES,
    OPEN_TOOL_CALL_STATUSES,
    RunStatus,
    StepStatus,
    ToolCallStatus,
)
from chatkit_app.exceptions import IllegalMove

DESIGN = (Path(__file__).parents[2] / "docs" / "design.md").read_text()
TABLES = {
    "run": (RunStatus, RUN_MOVES),
    "step": (StepStatus, STEP_MOVES),
    "tool call": (ToolCallStatus, TOOL_CALL_MOVES),
}
DRAWN = re.compile(r"<!-- moves of a ([a-z ]+) -->\n```mermaid\n(.*?)```", re.DOTALL)
ARROW = re.compile(r"^ *(\w+) --> (\w+)(?::.*)?$", re.MULTILINE)


@pytest.mark.parametrize("name", TABLES)
def test_every_status_has_a_row(name: str) -> None:
    statuses, moves = TABLES[name]

    assert set(moves) == set(statuses)


def test_what_has_ended_never_moves_again() -> None:
    assert {s for s, to in RUN_MOVES.items() if to} == set(ACTIVE_RUN_STATUSES)
    assert {s for s, to in TOOL_CALL_MOVES.items() if to} == set(
        OPEN_TOOL_CALL_STATUSES
    )
    assert {s for s, to in STEP_MOVES.items() if to} == {StepStatus.OPEN}


@pytest.mark.parametrize("name", TABLES)
def test_the_design_page_draws_exactly_these_moves(name: str) -> None:
    _, moves = TABLES[name]
    drawn = dict(DRAWN.findall(DESIGN))[name]
    arrows = {pair for pair in ARROW.findall(drawn) if "start" not in pair}

    assert arrows == {(old, new) for old, to in moves.items() for new in to}


def test_a_move_that_the_table_lacks_is_refused() -> None:
    check_move(RUN_MOVES, RunStatus.QUEUED, RunStatus.IN_PROGRESS)
    with pytest.raises(IllegalMove, match="completed → queued"):
        check_move(RUN_MOVES, RunStatus.COMPLETED, RunStatus.QUEUED)


def test_before_is_the_table_read_backwards() -> None:
    assert set(before(STEP_MOVES, StepStatus.VOID)) == {StepStatus.OPEN}
    assert before(TOOL_CALL_MOVES, ToolCallStatus.STREAMING) == []
