"""The port to whoever executes runs: the site's choice, made when it is needed."""

from __future__ import annotations

from uuid import uuid4

import pytest
from pytest_django import Settings

from chatkit_app.log.doorbell import doorbell
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


def test_a_runner_of_a_site_s_own_rings_for_the_jobs_of_our_workers(
    recorded: RecordingRunner, monkeypatch: pytest.MonkeyPatch
) -> None:
    rung: list[object] = []
    monkeypatch.setattr(doorbell, "ring_job", rung.append)
    call = uuid4()

    runner.submit_job(call)

    assert rung == [call]


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


def test_a_runner_that_fails_does_not_look_like_a_refusal(
    recorded: RecordingRunner,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    def fail(run_id: object) -> None:
        raise OSError("the broker is away")

    monkeypatch.setattr(recorded, "submit", fail)
    monkeypatch.setattr(recorded, "cancel", fail)

    monkeypatch.setattr(recorded, "submit_job", fail)

    runner.submit(uuid4())
    runner.cancel(uuid4())
    runner.submit_job(uuid4())

    assert "a sweep will find it" in caplog.text
    assert "Nobody can be told of job" in caplog.text
    assert "Nobody can be told to cancel" in caplog.text


def test_a_process_may_have_a_runner_of_its_own(recorded: RecordingRunner) -> None:
    own, run = RecordingRunner(), uuid4()

    runner.use(own)
    runner.submit(run)

    assert (own.submitted, recorded.submitted) == ([run], [])


def test_draining_makes_no_runner_and_is_nothing_to_one_that_carries_nothing(
    recorded: RecordingRunner,
) -> None:
    runner.drain(1.0)
    runner.start()
    runner.stop()
    runner.drain(1.0)

    assert (recorded.submitted, recorded.starts) == ([], 0)
