from __future__ import annotations

from tests.runs.conftest import recorded as recorded
