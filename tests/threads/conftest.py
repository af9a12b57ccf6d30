"""Use cases of threads end runs as well: with a runner that carries nothing."""

from __future__ import annotations

from tests.runs.conftest import recorded as recorded
