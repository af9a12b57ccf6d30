"""The port to whoever executes runs: the site's choice, made when it is needed."""

from __future__ import annotations

from uuid import uuid4

import pytest
from pytest_django import Settings

from chatkit_app.runs.runner import runner
from tests.runs.recording_runner import RecordingRunner


def test_the_sites_runner_is_told(recorded: RecordingRunner) -> None:
    one, two = uuid4(), uuid4()

    runner.start()
    runner.submit(one)
    runner.cancel(two)

    assert (recorded.starts, recorded.submitted, recorded.cancelled) == (
        1,
        [one],
        [two],
    )


def test_a_stopped_runner_is_stopped_and_made_anew(recorded: RecordingRunner) -> None:
    runner.stop()
    runner.stop()
    runner.start()

    assert recorded.is_stopped
    assert recorded.starts == 0


def test_a_runner_that_is_not_there_is_told_at_its_first_use(
    settings: Settings, recorded: RecordingRunner
) -> None:
    runner.stop()
    settings.CHATKIT_RUNNER = "tests.runs.nowhere.Runner"

    with pytest.raises(ImportError):
        runner.start()
