"""The machines carry runs themselves."""

from __future__ import annotations

import pytest

ROOMS = (
    "answering",
    "asking",
    "carrying",
    "listening",
    "resolving",
    "story",
    "watching",
    "world",
    "writing",
)
pytest.register_assert_rewrite(*(f"tests.properties.{room}" for room in ROOMS))

from tests.runs.conftest import recorded  # noqa: E402 (first the rewriting)

__all__ = ["recorded"]
