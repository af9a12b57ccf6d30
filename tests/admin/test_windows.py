from __future__ import annotations

import pytest
from django.contrib.auth import get_user_model

from chatkit_app.admin.windows import MESSAGES, window_of
from chatkit_app.models import Message, Thread
from tests.history_rows import add_turns, make_thread

pytestmark = pytest.mark.django_db


@pytest.fixture
def thread() -> Thread:
    return make_thread(get_user_model().objects.create_user("anna"))


def say(thread: Thread, depth: int, parent: Message | None, *, shown: bool) -> Message:
    return Message.objects.create(
        thread=thread,
        parent=parent,
        depth=depth,
        role="user" if depth % 2 == 0 else "assistant",
        is_shown=shown,
        status="complete",
    )


@pytest.fixture
def branches(thread) -> dict[str, Message]:
    """A question, edited once, each with its answers; the second branch is shown."""
    first = say(thread, 0, None, shown=False)
    old = say(thread, 1, first, shown=False)
    second = say(thread, 0, None, shown=True)
    failed = say(thread, 1, second, shown=False)
    answer = say(thread, 1, second, shown=True)
    return {
        "first": first,
        "old": old,
        "second": second,
        "failed": failed,
        "answer": answer,
    }


def messages(thread: Thread, asked: Message | None = None) -> list[Message]:
    window = window_of(thread, asked=asked.pk if asked else None)
    return [place.message for place in window.places]


def test_the_page_shows_what_the_visitor_sees(thread, branches) -> None:
    assert messages(thread) == [branches["second"], branches["answer"]]


def test_what_else_was_said_in_a_place_is_numbered(thread, branches) -> None:
    asked, answered = window_of(thread).places

    assert (asked.number, len(asked.siblings)) == (2, 2)
    assert list(answered.siblings) == [branches["failed"], branches["answer"]]


def test_a_hidden_message_brings_its_whole_branch(thread, branches) -> None:
    window = window_of(thread, asked=branches["first"].pk)

    assert window.branch == branches["first"]
    assert messages(thread, branches["first"]) == [branches["first"], branches["old"]]
    assert messages(thread, branches["old"]) == [branches["first"], branches["old"]]
    assert messages(thread, branches["failed"]) == [
        branches["second"],
        branches["failed"],
    ]


def test_nothing_that_is_asked_for_changes_what_the_visitor_sees(
    thread, branches
) -> None:
    before = list(Message.objects.values_list("pk", "is_shown").order_by("pk"))

    window_of(thread, asked=branches["old"].pk)

    assert list(Message.objects.values_list("pk", "is_shown").order_by("pk")) == before


def test_a_message_of_long_ago_is_found_with_what_is_around_it(thread) -> None:
    told = add_turns(thread, 2 * MESSAGES)

    window = window_of(thread, asked=told[40].pk)

    assert told[40] in [place.message for place in window.places]
    assert not window.is_newest
    assert window.branch is None
    assert len(window.places) <= MESSAGES


def test_a_message_of_the_newest_page_is_on_the_newest_page(thread) -> None:
    told = add_turns(thread, MESSAGES)

    assert window_of(thread, asked=told[-1].pk).is_newest


def test_another_threads_message_is_as_good_as_none(thread, branches) -> None:
    other = make_thread(thread.user)

    assert window_of(other, asked=branches["old"].pk).places == []


def test_what_is_not_shown_comes_along_with_what_is_in_its_place(thread) -> None:
    told = add_turns(thread, MESSAGES)
    place = told[MESSAGES]
    for _ in range(3):
        say(thread, MESSAGES, place.parent, shown=False)

    newest = window_of(thread)
    earlier = window_of(thread, newest.earlier)

    assert newest.earlier == MESSAGES
    assert len(newest.places) == len(earlier.places) == MESSAGES
    assert len(newest.places[0].siblings) == 4
    assert earlier.earlier is None
