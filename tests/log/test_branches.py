from __future__ import annotations

from uuid import uuid4

import pytest
from pytest_django import DjangoAssertNumQueries

from chatkit_app.log.branches import author_name, feedback_on, siblings_of
from chatkit_app.models import Feedback, Message
from tests.history_rows import Turn, make_thread

pytestmark = pytest.mark.django_db


def test_messages_that_are_the_only_ones_in_their_place_have_no_siblings() -> None:
    thread = make_thread(uuid4())
    Turn.begin(thread, "Hello", depth=0)
    messages = list(Message.objects.filter(thread=thread))

    assert set(map(tuple, siblings_of(messages).values())) == {()}
    assert siblings_of([]) == {}


def test_the_first_message_s_siblings_are_of_its_own_thread() -> None:
    here, there = make_thread(uuid4()), make_thread(uuid4())
    first = Message.objects.create(
        thread=here, depth=0, role="user", status="complete", is_shown=False
    )
    second = Message.objects.create(
        thread=here, depth=0, role="user", status="complete"
    )
    Message.objects.create(thread=there, depth=0, role="user", status="complete")

    assert siblings_of([second]) == {second.pk: [str(first.pk), str(second.pk)]}


def test_however_many_messages_it_is_one_query(
    django_assert_num_queries: DjangoAssertNumQueries,
) -> None:
    thread = make_thread(uuid4())
    for turn in range(5):
        Turn.begin(thread, "Hello", depth=2 * turn)
    messages = list(Message.objects.filter(thread=thread))

    with django_assert_num_queries(1):
        siblings_of(messages)
    with django_assert_num_queries(1):
        feedback_on(messages)


def test_only_the_owner_s_own_liking_is_told() -> None:
    thread = make_thread(uuid4())
    turn = Turn.begin(thread, "Hello", depth=0)
    Feedback.objects.create(message=turn.answer, owner_key="u:999", kind="down")
    assert feedback_on([turn.answer]) == {}

    Feedback.objects.create(message=turn.answer, owner_key=thread.owner_key, kind="up")
    assert feedback_on([turn.answer]) == {turn.answer.pk: "up"}


def test_what_a_visitor_has_written_has_no_author_to_show(
    django_user_model: type,
) -> None:
    ann = django_user_model.objects.create_user("ann", first_name="Ann")
    thread = make_thread(uuid4())

    assert author_name(Message(thread=thread, role="user", author=ann)) is None
    assert author_name(Message(thread=thread, role="assistant")) is None
    assert author_name(Message(thread=thread, role="assistant", author=ann)) == "Ann"
