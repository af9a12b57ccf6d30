from __future__ import annotations

import pytest
from django.db import connection

from chatkit_app.admin import said
from chatkit_app.admin.said import has_index, said_in, search_help
from chatkit_app.models import Message, Thread
from chatkit_app.threads.search import messages_matching
from tests.admin.lists import THREADS, make_user, text_of, thread_of

pytestmark = pytest.mark.django_db


@pytest.fixture
def threads() -> list[Thread]:
    anna = make_user("anna")
    return [thread_of(anna, f"Zebra number {number}") for number in range(3)]


def titles(words: str) -> set[str]:
    return set(Thread.objects.filter(said_in(words)).values_list("title", flat=True))


@pytest.mark.parametrize(
    "words",
    ["'", '"', "\\", "%", "_", "a & b", "!", "<->", ":*", "')--", "x" * 5000, "é 雪"],
)
def test_any_words_can_be_looked_for(threads, words) -> None:
    assert titles(words) == set()


def test_all_the_words_are_in_a_title_or_in_one_message(threads) -> None:
    assert len(titles("zebra NUMBER")) == 3
    assert titles("zebra 1") == {"Zebra number 1"}
    assert titles("sent zebra") == set()


def test_a_word_of_too_many_messages_is_looked_for_in_the_newest(
    threads, monkeypatch
) -> None:
    Thread.objects.update(title="")
    monkeypatch.setattr(said, "FREQUENT", 1)
    monkeypatch.setattr(said, "NEWEST", 2)

    found = Thread.objects.filter(said_in("zebra"))

    assert [thread.pk for thread in found] == [threads[-1].pk]


def test_the_box_says_in_words_what_it_looks_at(admin_client) -> None:
    text = text_of(admin_client.get(THREADS))

    assert "the newest 50,000 messages" in text
    assert ("has no index of words" in text) != has_index()
    assert "those who may read" in str(search_help(may_read=False))


@pytest.mark.skipif(connection.vendor != "postgresql", reason="the index is its")
def test_words_are_found_along_the_index(threads) -> None:
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL enable_seqscan = off")  # for a table this small

    plan = messages_matching(Message.objects.all(), "zebra number").explain()

    assert "chatkit_message_words" in plan
