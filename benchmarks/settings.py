"""The demo's settings, with limits that a benchmark doesn't reach. They cost the same where they are."""

from __future__ import annotations

import os

from project.settings import *  # noqa: F403
from project.settings import DATABASES, INSTALLED_APPS

INSTALLED_APPS = [*INSTALLED_APPS, "benchmarks"]

CHATKIT_MESSAGES_PER_MINUTE = 1_000_000
CHATKIT_VISITOR_MESSAGES_PER_MINUTE = 1_000_000
CHATKIT_ACTIVE_RUNS_PER_VIEWER = 1_000
CHATKIT_RUNS_PER_PROCESS = 1_000
CHATKIT_FRAMES_PER_SECOND = 1_000_000

# What benchmarks.lists fills: SQLite's "test" database would live in memory.
DATABASES = {"default": {**DATABASES["default"], "TEST": {"NAME": "chatkit_lists"}}}
if os.environ.get("BENCHMARK_DATABASE") and "sqlite3" in DATABASES["default"]["ENGINE"]:
    _file = os.environ["BENCHMARK_DATABASE"]
    DATABASES["default"] |= {"NAME": _file, "TEST": {"NAME": _file}}
