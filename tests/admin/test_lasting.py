from __future__ import annotations

import pytest

from chatkit_app.admin.lasting import lasting


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (0.04, "0.0 s"),
        (59.9, "59.9 s"),
        (61, "1 min 1 s"),
        (3600, "1 h 0 min"),
        (90_000, "1 d 1 h"),
    ],
)
def test_a_time_is_told_by_its_largest_units(seconds: float, words: str) -> None:
    assert lasting(seconds) == words
