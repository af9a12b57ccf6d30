from __future__ import annotations

import pytest
from django.db import transaction

from chatkit_app.exceptions import RunConflict, ThreadNotFound
from chatkit_app.models import Thread
from chatkit_app.runs.superseding import make_way
from tests.history_rows import make_thread
from tests.runs.desk import a_visitor, fresh, started, waiting_run

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.usefixtures("recorded"),
]


def made(thread: Thread) -> list[str]:
    """What has happened so that something new may begin, by the types of its events."""
    with transaction.atomic():
        return [event.type for event in make_way(thread)]


def test_where_nothing_is_going_on_nothing_makes_way() -> None:
    assert made(make_thread(a_visitor().visitor)) == []


def test_what_waits_for_a_page_ends_with_its_calls() -> None:
    run, _calls = waiting_run(a_visitor())

    assert made(run.thread) == ["tool_call.ended", "message.ended", "run.changed"]
    assert (fresh(run).status, fresh(run).error_code) == ("cancelled", "superseded")


def test_what_is_being_written_does_not_make_way() -> None:
    run = started(a_visitor(), "say Hello.")

    with pytest.raises(RunConflict):
        made(run.thread)
    assert fresh(run).status == "queued"


@pytest.mark.parametrize("how", ["deleted", "erased"])
def test_a_thread_that_went_since_it_was_looked_up_is_not_found(how: str) -> None:
    thread = make_thread(a_visitor().visitor)
    rows = Thread.objects.filter(pk=thread.pk)
    if how == "deleted":
        rows.update(deleted_at=thread.created_at)
    else:
        rows.delete()

    with pytest.raises(ThreadNotFound):
        made(thread)


def test_the_thread_s_position_is_the_one_under_the_lock() -> None:
    thread = make_thread(a_visitor().visitor)
    Thread.objects.filter(pk=thread.pk).update(position=7)

    made(thread)

    assert thread.position == 7
