"""Which status may follow which. docs/design.md draws these tables; every write is held to them."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from typing import TypeVar

from chatkit_app.engine.states import RunStatus, StepStatus, ToolCallStatus
from chatkit_app.exceptions import IllegalMove

Status = TypeVar("Status", bound=StrEnum)

RUN_MOVES: Mapping[RunStatus, frozenset[RunStatus]] = {
    RunStatus.QUEUED: frozenset({RunStatus.IN_PROGRESS, RunStatus.CANCELLED}),
    RunStatus.IN_PROGRESS: frozenset(
        {
            RunStatus.REQUIRES_ACTION,
            RunStatus.CANCELLING,
            RunStatus.COMPLETED,
            RunStatus.FAILED,
        }
    ),
    RunStatus.REQUIRES_ACTION: frozenset({RunStatus.QUEUED, RunStatus.CANCELLED}),
    RunStatus.CANCELLING: frozenset({RunStatus.CANCELLED}),
    RunStatus.COMPLETED: frozenset(),
    RunStatus.FAILED: frozenset(),
    RunStatus.CANCELLED: frozenset(),
}

STEP_MOVES: Mapping[StepStatus, frozenset[StepStatus]] = {
    StepStatus.OPEN: frozenset(
        {StepStatus.COMPLETE, StepStatus.VOID, StepStatus.FAILED}
    ),
    StepStatus.COMPLETE: frozenset(),
    StepStatus.VOID: frozenset(),
    StepStatus.FAILED: frozenset(),
}

_ENDS = {ToolCallStatus.COMPLETED, ToolCallStatus.FAILED, ToolCallStatus.CANCELLED}

TOOL_CALL_MOVES: Mapping[ToolCallStatus, frozenset[ToolCallStatus]] = {
    ToolCallStatus.STREAMING: frozenset(
        {
            ToolCallStatus.QUEUED,
            ToolCallStatus.WAITING,
            ToolCallStatus.FAILED,
            ToolCallStatus.CANCELLED,
        }
    ),
    # To itself: another process took the run over, and accepts the call again. To waiting: with its
    # newer code the tool is the page's.
    ToolCallStatus.QUEUED: frozenset(
        {
            ToolCallStatus.QUEUED,
            ToolCallStatus.RUNNING,
            ToolCallStatus.WAITING,
            ToolCallStatus.FAILED,
            ToolCallStatus.CANCELLED,
        }
    ),
    # Back to the queue only where it may be repeated: a tool that must run once is ended instead.
    ToolCallStatus.RUNNING: frozenset(
        {ToolCallStatus.QUEUED, ToolCallStatus.WAITING, *_ENDS}
    ),
    # To the queue: it was approved, or the question that its tool has asked was answered.
    ToolCallStatus.WAITING: frozenset({ToolCallStatus.QUEUED, *_ENDS}),
    ToolCallStatus.COMPLETED: frozenset(),
    ToolCallStatus.FAILED: frozenset(),
    ToolCallStatus.CANCELLED: frozenset(),
}


def before(moves: Mapping[Status, frozenset[Status]], new: Status) -> list[Status]:
    """The statuses from which something may come to this one."""
    return [old for old, following in moves.items() if new in following]


def check_move(
    moves: Mapping[Status, frozenset[Status]], old: Status, new: Status
) -> None:
    """Let a move pass that the table has.

    Raises:
        IllegalMove: It has not.
    """
    if new not in moves[old]:
        raise IllegalMove(f"{type(new).__name__}: {old} → {new}")
