from __future__ import annotations

import pytest
from django.contrib.auth import get_user_model

from chatkit_app.engine.states import PartKind, Role
from chatkit_app.engine.viewer import Viewer
from chatkit_app.models import Message, Part, Share
from chatkit_app.threads import shared
from chatkit_app.threads.shared import SharedPart, shared_page
from chatkit_app.threads.sharing import share
from tests.history_rows import make_thread
from tests.shared_threads import SECRET, chain, full_thread, hide

pytestmark = pytest.mark.django_db


@pytest.fixture
def ann():
    return get_user_model().objects.create_user("ann")


def made(owner, thread) -> Share:
    row, _token = share(Viewer(user=owner), thread.pk)
    return Share.objects.select_related("message").get(pk=row.pk)


def texts(row: Share) -> list[str]:
    page = shared_page(row)
    return [part.text for message in page.messages for part in message.parts]


def test_words_names_of_files_and_of_tools_are_shown(ann) -> None:
    page = shared_page(made(ann, full_thread(ann)))

    asked, answered, replied = page.messages
    assert (asked.role, asked.author) == (Role.USER, None)
    assert asked.parts == [
        SharedPart(kind=PartKind.TEXT, text="Where to?"),
        SharedPart(kind=PartKind.FILE, name="map.png", media_type="image/png"),
    ]
    assert answered.parts == [
        SharedPart(kind=PartKind.TOOL_CALL, name="find_route", status="completed"),
        SharedPart(kind=PartKind.TOOL_CALL, name="book", status="failed"),
        SharedPart(kind=PartKind.TEXT, text="To the sea."),
    ]
    assert (replied.author, replied.parts[0].text) == ("Sue", "Or not.")


def test_nothing_else_is_shown(ann) -> None:
    assert SECRET not in repr(shared_page(made(ann, full_thread(ann))))


def test_what_is_said_later_is_not_shown(ann) -> None:
    thread = make_thread(ann)
    messages = chain(thread, 1)
    row = made(ann, thread)
    chain(thread, 2, below=messages[-1], name="Later ")

    assert texts(row) == ["Question 0", "Answer 0"]


def test_another_branch_that_is_shown_later_changes_nothing(ann) -> None:
    thread = make_thread(ann)
    messages = chain(thread, 2)
    row = made(ann, thread)
    before = texts(row)
    hide(*messages[1:])
    chain(thread, 3, below=messages[0], name="Other ")

    assert texts(row) == before == ["Question 0", "Answer 0", "Question 1", "Answer 1"]


def test_instructions_of_the_site_are_not_shown(ann) -> None:
    thread = make_thread(ann)
    messages = chain(thread, 1)
    Message.objects.filter(pk=messages[0].pk).update(role="system")

    assert texts(made(ann, thread)) == ["Answer 0"]


def test_what_is_being_written_is_not_shown(ann) -> None:
    thread = make_thread(ann)
    messages = chain(thread, 1)
    row = made(ann, thread)
    Part.objects.filter(message=messages[1]).update(state="streaming")

    assert texts(row) == ["Question 0"]


def test_a_page_costs_three_queries_whatever_is_in_it(
    ann, monkeypatch, django_assert_num_queries
) -> None:
    monkeypatch.setattr(shared, "MESSAGES", 4)
    thread = make_thread(ann)
    messages = chain(thread, 4)
    row = made(ann, thread)
    hide(*messages[3:])

    with django_assert_num_queries(3):
        first = shared_page(row)
    assert first.later == 4
    second = shared_page(row, start=4)
    assert (len(second.messages), second.later) == (4, None)
