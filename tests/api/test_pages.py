from __future__ import annotations

from contextlib import suppress
from datetime import UTC, datetime
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chatkit_app.api.pages import NEWER, OLDER, Cursor, decode_cursor
from chatkit_app.exceptions import CursorNotFound

MOMENTS = st.datetimes(min_value=datetime(1970, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001 (Hypothesis adds the zone)
CURSOR = Cursor(direction=OLDER, at=datetime(2026, 1, 1, tzinfo=UTC), id=UUID(int=0))


@given(st.sampled_from([NEWER, OLDER]), MOMENTS, st.uuids())
def test_a_cursor_comes_back_as_it_was_written(direction, at, id_) -> None:
    cursor = Cursor(direction=direction, at=at, id=id_)

    assert decode_cursor(cursor.encode("mine"), "mine") == cursor


@given(st.text())
def test_whatever_stands_for_a_cursor_is_read_or_refused(text) -> None:
    with suppress(CursorNotFound):
        decode_cursor(text, "mine")


@given(st.binary(min_size=1, max_size=40))
def test_a_cursor_that_was_tampered_with_is_refused(noise) -> None:
    text = CURSOR.encode("mine")

    with pytest.raises(CursorNotFound):
        decode_cursor(text[: len(text) // 2] + noise.hex(), "mine")


def test_a_cursor_of_another_list_is_refused() -> None:
    with pytest.raises(CursorNotFound):
        decode_cursor(CURSOR.encode("theirs"), "mine")
