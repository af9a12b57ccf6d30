"""The log's tests ask the services for what they need, without a run being carried."""

from __future__ import annotations

from tests.runs.conftest import recorded

__all__ = ["recorded"]
