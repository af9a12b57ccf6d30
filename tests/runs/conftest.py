"""A runner that carries nothing: tests carry runs themselves, when they want."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from pytest_django import Settings

from chatkit_app.registry import providers
from chatkit_app.runs.runner import runner
from tests.runs.recording_runner import RecordingRunner


@pytest.fixture
def recorded(settings: Settings, stopped_background: None) -> Iterator[RecordingRunner]:
    """What the services ask of the runner."""
    runner.stop()
    settings.CHATKIT_RUNNER = "tests.runs.recording_runner.RecordingRunner"
    providers.clear()
    yield runner._runner()  # type: ignore[attr-defined]
    runner.stop()
