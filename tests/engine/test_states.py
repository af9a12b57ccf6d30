from __future__ import annotations

import pytest

from chatkit_app.engine.states import (
    ACTIVE_RUN_STATUSES,
    OPEN_TOOL_CALL_STATUSES,
    RunStatus,
    ToolCallState,
    ToolCallStatus,
    shown_state,
)

ENDED = {ToolCallStatus.COMPLETED, ToolCallStatus.FAILED, ToolCallStatus.CANCELLED}


def test_a_run_is_active_until_it_has_completed_failed_or_been_cancelled() -> None:
    assert set(RunStatus) - set(ACTIVE_RUN_STATUSES) == {
        RunStatus.COMPLETED,
        RunStatus.FAILED,
        RunStatus.CANCELLED,
    }


def test_a_call_is_open_until_it_has_its_result() -> None:
    assert set(ToolCallStatus) - set(OPEN_TOOL_CALL_STATUSES) == ENDED


def test_a_streaming_call_shows_whether_its_arguments_have_begun() -> None:
    status = ToolCallStatus.STREAMING

    assert shown_state(status, has_arguments=False) is ToolCallState.AWAITING_INPUT
    assert shown_state(status, has_arguments=True) is ToolCallState.INPUT_STREAMING


@pytest.mark.parametrize("has_arguments", [True, False])
@pytest.mark.parametrize(
    "status", sorted(set(ToolCallStatus) - {ToolCallStatus.STREAMING})
)
def test_a_call_that_streams_no_more_keeps_one_state(status, has_arguments) -> None:
    shown = shown_state(str(status), has_arguments=has_arguments)

    assert shown is ToolCallState.INPUT_COMPLETE
