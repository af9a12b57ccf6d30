from __future__ import annotations

import pytest
from django.contrib.auth import get_user_model

from chatkit_app.log.paths import page_of_path
from chatkit_app.models import Message
from tests.history_rows import make_thread
from tests.shared_threads import chain, hide

pytestmark = pytest.mark.django_db


@pytest.fixture
def thread():
    return make_thread(get_user_model().objects.create_user("ann"))


def path(end: Message, *, start: int = 0, size: int = 100) -> list[Message]:
    return [*page_of_path(again(end), start=start, size=size).messages]


def again(message: Message) -> Message:
    return Message.objects.get(pk=message.pk)


def test_of_what_is_shown_the_path_is_what_stands_above_and_nothing_below(thread):
    messages = chain(thread, 3)

    assert path(messages[3]) == messages[:4]
    assert path(messages[0]) == messages[:1]


def test_a_path_of_which_the_end_was_hidden_goes_up_to_what_is_shown(thread) -> None:
    messages = chain(thread, 3)
    hide(*messages[2:])
    others = chain(thread, 4, below=messages[1], name="Other ")

    assert path(messages[5]) == messages
    assert path(others[-1]) == messages[:2] + others


def test_a_path_of_which_all_was_hidden_is_found_to_its_beginning(thread) -> None:
    messages = chain(thread, 2)
    hide(*messages)
    others = chain(thread, 2, name="Other ")

    assert path(messages[-1]) == messages
    assert path(others[-1]) == others


def test_hidden_twice_a_path_has_none_of_the_branches_beside_it(thread) -> None:
    messages = chain(thread, 3)
    hide(*messages[4:])
    second = chain(thread, 1, below=messages[3], name="Second ")
    hide(*messages[2:4], *second)
    third = chain(thread, 3, below=messages[1], name="Third ")

    assert path(messages[-1]) == messages
    assert path(second[-1]) == messages[:4] + second
    assert path(third[-1]) == messages[:2] + third


@pytest.mark.parametrize("hidden_from", [0, 3, 6, 99])
def test_pages_follow_each_other_without_a_gap(thread, hidden_from) -> None:
    messages = chain(thread, 5)
    hide(*messages[hidden_from:])

    found, start = [], 0
    while start is not None:
        page = page_of_path(again(messages[-1]), start=start, size=4)
        assert len(page.messages) <= 4
        found += page.messages
        start = page.later

    assert found == messages


def test_beyond_its_end_there_is_nothing(thread) -> None:
    messages = chain(thread, 1)

    page = page_of_path(messages[-1], start=10**9 - 1, size=4)

    assert (page.messages, page.later) == ([], None)


@pytest.mark.parametrize("is_hidden", [False, True])
def test_a_page_costs_two_queries_however_long_the_path_is(
    thread, is_hidden, django_assert_num_queries
) -> None:
    messages = chain(thread, 30)
    if is_hidden:
        hide(*messages)
    end = again(messages[-1])

    with django_assert_num_queries(2):
        page = page_of_path(end, start=10, size=20)
        assert [each.author for each in page.messages] == [None] * 20
