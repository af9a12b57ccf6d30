"""The redactor in the box: what it finds, what it leaves alone, and that pieces make no difference."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chatkit_app.redactors import RegexRedactor

CARD = "4111 1111 1111 1111"
PIECES = st.sampled_from(
    [
        *(
            "4111111111111111",
            CARD,
            "5500-0000-0000-0004",
            "378282246310005",
            "4",
            "11",
            "0 ",
        ),
        *(
            "ann@example.org",
            "a.b+c@mail.example.co.uk",
            "@",
            ".",
            "org",
            "x",
            "a" * 70,
        ),
        *(
            " ",
            "  ",
            "-",
            "\n",
            "é",
            "😀",
            '"',
            ", ",
            "Call 12 or 345",
            "1234567890123",
        ),
    ]
)


def redacted(*pieces: str) -> str:
    redactor = RegexRedactor()
    return "".join([*map(redactor.feed, pieces), redactor.close()])


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (f"My card is {CARD}.", "My card is [card]."),
        ("4111111111111111", "[card]"),
        ("5500-0000-0000-0004!", "[card]!"),
        ("x4111111111111111y", "x[card]y"),
        (f"12 {CARD} 12", "12 [card] 12"),
        ('{"card": "4111111111111111"}', '{"card": "[card]"}'),
        ("write to ann.lee+shop@mail.example.org, please", "write to [e-mail], please"),
        ("<ann@example.org>", "<[e-mail]>"),
        ("4111111111111111@example.org", "[e-mail]"),
    ],
)
def test_cards_and_addresses_are_taken_out(text: str, expected: str) -> None:
    assert redacted(text) == expected


@pytest.mark.parametrize(
    "text",
    [
        "4111111111111112",  # not by Luhn
        "04111111111111111111111",  # a longer number
        "Order 1234 of 2026-03-01, 12:30",
        "a@b and @ann",
        "",
    ],
)
def test_what_only_looks_like_one_stays(text: str) -> None:
    assert redacted(text) == text


@given(st.lists(PIECES, max_size=30), st.data())
def test_however_the_text_is_cut_the_same_comes_out(
    parts: list[str], data: st.DataObject
) -> None:
    text = "".join(parts)
    cuts = sorted(data.draw(st.lists(st.integers(0, len(text)), max_size=12)))
    places = [0, *cuts, len(text)]
    pieces = [text[a:b] for a, b in pairwise(places)]

    assert redacted(*pieces) == redacted(text)
    assert redacted(*text) == redacted(text)


@given(st.text(max_size=60), st.text(max_size=60))
def test_a_card_between_words_never_gets_through(before: str, after: str) -> None:
    said = redacted(*f"{before} \n{CARD}\n {after}")

    assert CARD not in said


def test_what_no_rule_can_match_any_more_is_given_back_at_once() -> None:
    redactor = RegexRedactor()

    assert redactor.feed("Hello, my na") == "Hello, my "
    assert redactor.feed("me is Ann. ") == "name is Ann. "
    assert redactor.feed("I pay with 4111 1111 ") == "I pay with "
    assert redactor.feed("1111 1111, or ") == "[card], or "
    assert redactor.close() == ""


def test_not_more_than_the_window_is_held_back() -> None:
    redactor = RegexRedactor()

    given_back = redactor.feed("a" * 10_000)

    assert len(given_back) >= 10_000 - RegexRedactor.window - 1
