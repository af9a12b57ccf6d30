from __future__ import annotations

from datetime import timedelta
from decimal import Decimal
from uuid import UUID

from django.utils.safestring import SafeString

from chatkit_app.admin.columns import money, names_of, seconds_text, side_by_side, who
from chatkit_app.models import Thread
from tests.history_rows import NOON


def test_what_has_not_ended_takes_a_dash() -> None:
    assert seconds_text(NOON, NOON + timedelta(seconds=1.66)) == "1.7"
    assert seconds_text(NOON, None) == "-"


def test_money_without_a_price_is_nothing() -> None:
    assert money(Decimal("0.12345678")) == "0.1235"
    assert money(None) is None


def test_a_visitor_is_known_by_the_beginning_of_their_id() -> None:
    thread = Thread(visitor=UUID("0192aaaa-aaaa-7aaa-8aaa-aaaaaaaaaaaa"))

    assert who(thread) == "visitor 0192aaaa"


def test_names_are_text_and_cut() -> None:
    told = names_of(["<b>", "x" * 100])

    assert isinstance(told, SafeString)
    assert told.startswith("<code>&lt;b&gt;</code> <code>xxx")
    assert len(told) < 120


def test_marks_stay_marks_and_others_are_text() -> None:
    assert side_by_side([SafeString("<b>1</b>"), SafeString("2")]) == "<b>1</b> 2"
