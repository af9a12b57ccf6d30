from __future__ import annotations

from decimal import Decimal
from uuid import uuid4

import pytest

from chatkit_app.admin.thread_rows import Told, told_of, tools_of
from chatkit_app.models import Feedback, Message
from tests.admin.lists import thread_of
from tests.history_rows import Turn, make_thread

pytestmark = pytest.mark.django_db


def test_a_thread_is_told_by_its_newest_run_and_the_sum_of_all() -> None:
    thread = thread_of(uuid4(), cost="0.5")
    turn = Turn.begin(thread, "And now?", depth=2)
    turn.call("order_status", output={})
    turn.end("failed", cost="0.25")
    for kind in ("up", "down"):
        Feedback.objects.create(message=turn.answer, owner_key=kind, kind=kind)

    told = told_of([thread])[thread.pk]

    assert told.run is not None
    assert told.run.pk == turn.run.pk
    assert told.tools == ["order_status"]
    assert (told.messages, told.cost) == (4, Decimal("0.75"))
    assert (told.ups, told.downs) == (1, 1)


def test_what_is_not_shown_is_not_counted() -> None:
    thread = thread_of(uuid4())
    Message.objects.filter(role="assistant").update(is_shown=False)

    assert told_of([thread])[thread.pk].messages == 1


def test_an_empty_thread_has_nothing_to_tell() -> None:
    thread = make_thread(uuid4())

    assert told_of([thread]) == {thread.pk: Told()}
    assert told_of([]) == {}


def test_a_runs_tools_are_named_once_and_the_rest_counted() -> None:
    turn = Turn.begin(thread_of(uuid4()), "Again", depth=2)
    for name in ("b", "a", "b", "c", "d", "e"):
        turn.call(name, output={})

    assert tools_of([turn.run.pk])[turn.run.pk] == ["b", "a", "c", "+2"]
