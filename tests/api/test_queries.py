"""What stands behind a question mark."""

from __future__ import annotations

from contextlib import suppress
from datetime import UTC, datetime
from uuid import UUID

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from rest_framework.request import Request
from rest_framework.test import APIRequestFactory

from chatkit_app.api import queries
from chatkit_app.exceptions import InvalidCommand


def request(**query: str) -> Request:
    return Request(APIRequestFactory().get("/", query))


def test_a_moment_without_an_offset_is_in_utc() -> None:
    noon = datetime(2026, 3, 1, 12, tzinfo=UTC)

    for text in ("2026-03-01T12:00:00", "2026-03-01T14:00:00+02:00"):
        assert queries.query_time(request(at=text), "at") == noon


def test_what_is_not_given_is_none() -> None:
    asked = request()

    assert queries.query_time(asked, "at") is None
    assert queries.query_id(asked, "id") is None
    assert queries.query_flag(asked, "open") is None
    assert queries.query_size(asked, "limit", 7) == 7
    assert queries.query_text(asked, "search") == ""


def test_an_id_and_a_flag_are_read() -> None:
    assert queries.query_id(request(id=str(UUID(int=5))), "id") == UUID(int=5)
    assert queries.query_flag(request(open="false"), "open") is False


def test_words_are_read_with_commas_between() -> None:
    words = ("open", "locked")

    assert queries.query_words(request(), "of", words) == []
    assert queries.query_words(request(of="locked"), "of", words) == ["locked"]
    assert queries.query_words(request(of="open,locked"), "of", words) == [*words]
    for text in ("", ",", "open,", "closed", "open,open,open"):
        with pytest.raises(InvalidCommand):
            queries.query_words(request(of=text), "of", words)


@settings(deadline=None)  # a busy machine is no fault
@given(st.text(max_size=50))
def test_whatever_is_asked_is_read_or_refused(text) -> None:
    asked = request(x=text.encode("utf-8", "ignore").decode())
    for read in (queries.query_time, queries.query_id, queries.query_flag):
        with suppress(InvalidCommand):
            read(asked, "x")


def test_a_name_that_is_none_of_the_views_is_refused() -> None:
    queries.check_known(request(limit="1", format="json"), ("limit",))
    with pytest.raises(InvalidCommand, match="colour"):
        queries.check_known(request(colour="red"), ("limit",))
