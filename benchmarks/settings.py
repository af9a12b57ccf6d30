"""The demo's settings, with limits that a benchmark doesn't reach. They cost the same where they are."""

from __future__ import annotations

from project.settings import *  # noqa: F403
from project.settings import INSTALLED_APPS

INSTALLED_APPS = [*INSTALLED_APPS, "benchmarks"]

CHATKIT_MESSAGES_PER_MINUTE = 1_000_000
CHATKIT_VISITOR_MESSAGES_PER_MINUTE = 1_000_000
CHATKIT_ACTIVE_RUNS_PER_VIEWER = 1_000
CHATKIT_RUNS_PER_PROCESS = 1_000
CHATKIT_FRAMES_PER_SECOND = 1_000_000
