from __future__ import annotations

import pytest
from django.contrib.auth import get_user_model
from django.utils import timezone

from chatkit_app.admin.events_page import ROWS
from chatkit_app.models import Event, Thread
from tests.admin.lists import make_staff
from tests.history_rows import make_thread

pytestmark = pytest.mark.django_db


@pytest.fixture
def thread() -> Thread:
    """One with more events than a page has, of which the first ten are folded."""
    found = make_thread(get_user_model().objects.create_user("anna"))
    Event.objects.bulk_create(
        Event(
            thread=found,
            position=n,
            type="part.delta",
            data='{"n": 1}',
            at=timezone.now(),
        )
        for n in range(11, ROWS * 2 + 21)
    )
    Thread.objects.filter(pk=found.pk).update(position=ROWS * 2 + 20, floor=10)
    return Thread.objects.get(pk=found.pk)


@pytest.fixture
def reader(client):
    return make_staff(client, "view_thread", "view_content", "view_event")


def positions(client, thread: Thread, **query: object) -> list[int]:
    answer = client.get(f"/admin/chatkit_app/thread/{thread.pk}/events/", query)
    assert answer.status_code == 200
    return [line.row.position for line in answer.context["lines"]]


def test_the_newest_come_first_and_the_others_page_by_page(reader, thread) -> None:
    newest = positions(reader, thread)
    before = positions(reader, thread, after=newest[0] - 1 - ROWS)

    assert newest[-1] == thread.position
    assert before == list(range(newest[0] - ROWS, newest[0]))
    assert positions(reader, thread, after=10)[0] == 11


@pytest.mark.parametrize("after", ["x", "-1", "9" * 40, "²", ""])
def test_a_position_that_is_none_is_the_newest_page(reader, thread, after) -> None:
    assert positions(reader, thread, after=after)[-1] == thread.position


@pytest.mark.parametrize("data", ["{", "[" * 100_000, "<script>alert(1)</script>"])
def test_what_is_no_json_is_told_as_it_came(reader, thread, data) -> None:
    Event.objects.filter(position=thread.position).update(data=data)

    answer = reader.get(f"/admin/chatkit_app/thread/{thread.pk}/events/")

    assert answer.status_code == 200
    assert "<script>alert" not in answer.content.decode()


def test_it_needs_the_permission_to_see_events(client, thread) -> None:
    make_staff(client, "view_thread", "view_content")

    url = f"/admin/chatkit_app/thread/{thread.pk}/events/"
    assert client.get(url).status_code == 403
