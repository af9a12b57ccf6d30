"""Finding threads by their words, on whichever database."""

from __future__ import annotations

from uuid import uuid4

import pytest

from chatkit_app.models import Message, Thread
from chatkit_app.threads.search import excerpt, matching, messages_matching, words_of
from tests.history_rows import add_turn, make_thread

pytestmark = pytest.mark.django_db


def found(words: str) -> set[str]:
    return {thread.title for thread in matching(Thread.objects.all(), words)}


@pytest.fixture(autouse=True)
def rows():
    make_thread(uuid4(), title="Order 1042")
    said = make_thread(uuid4(), title="said")
    add_turn(said, "Wo ist meine Bestellung?", "Unterwegs nach Köln.", depth=0)
    answer = Message.objects.get(thread=said, depth=1)
    Message.objects.filter(pk=answer.pk).update(text="Unterwegs nach Köln.")


@pytest.mark.parametrize(
    ("words", "titles"),
    [
        ("1042", {"Order 1042"}),
        ("order", {"Order 1042"}),
        ("bestell", {"said"}),
        ("meine BESTELLUNG", {"said"}),
        ("Köln", {"said"}),
        ("bestellung köln", set()),  # each is in another message
        ("refund", set()),
    ],
)
def test_all_words_stand_in_the_title_or_in_one_message(words, titles) -> None:
    assert found(words) == titles


def test_what_is_beyond_the_limit_of_words_is_passed_over() -> None:
    assert words_of("a b c d e f g h i j") == list("abcdefgh")


@pytest.mark.parametrize(
    "words", ["'", "''", "\\", "\\'", "':*", "a|b", "&", "%", "\t"]
)
def test_no_sign_breaks_a_search(words) -> None:
    list(matching(Thread.objects.all(), words))
    list(messages_matching(Message.objects.all(), words))


def test_an_excerpt_shows_the_place_of_the_first_word() -> None:
    text = "x " * 100 + "the parcel\n<b>is</b> lost" + " y" * 200

    cut = excerpt(text, "lost Parcel")

    assert "the parcel <b>is</b> lost" in cut
    assert (cut[0], cut[-1]) == ("…", "…")
    assert len(cut) <= 162


def test_an_excerpt_of_a_short_text_is_the_text() -> None:
    assert excerpt("It was\nsent.", "sent") == "It was sent."
