"""A snapshot at a position is what the events up to it make of an empty page."""

from __future__ import annotations

import json
from uuid import uuid4

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from chatkit_app.engine import events
from chatkit_app.log import snapshot as snapshots
from chatkit_app.log.snapshot import (
    BUDGET_BYTES,
    messages_as_json,
    read_frames,
    take_snapshot,
)
from chatkit_app.models import Event, Message, Part, Step, Thread
from chatkit_app.runs import recorder
from tests.history_rows import Turn, add_turns, make_thread
from tests.log.telling import Page, comparable
from tests.runs.desk import (
    a_visitor,
    answer,
    calls_of,
    cancel,
    carried,
    carry,
    claim,
    retry,
    say,
    started,
    together,
)

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.usefixtures("recorded"),
]

STORIES = {
    "a plain answer": "say Hello 🙂 there, ü.",
    "thoughts": "think Hm hm.\nsay Done.",
    "server tools": 'say Look:\ncall add {"a": 1, "b": 2}\ncall boom\ncall refuse',
    "a call that does not fit": 'call add {"a": "x"}\ncall no_such_tool\ncall add {"a',
    "a failure in the middle": "say Half\nfail rejected",
    "a page is asked": 'say Look:\ncall read_selection\ncall add {"a": 1, "b": 2}',
    "an answer asked again": "think Hm.\nsay Half\nfail unavailable 2 story\nsay Whole.",
    "an answer asked again in vain": "say Half\nfail unavailable",
    "two steps": 'call add {"a": 1, "b": 2}\n---\nsay Then this.',
}


def told_of(thread) -> dict[str, object]:
    page = Page()
    for _position, data in read_frames(thread, 0, 10_000):
        page.apply(json.loads(data))
    return page.shown()


@pytest.mark.parametrize("text", STORIES.values(), ids=STORIES)
def test_the_snapshot_is_what_the_events_tell(text: str) -> None:
    run = carried(a_visitor(), text)

    snapshot = take_snapshot(run.thread_id)

    assert snapshot.position == Event.objects.filter(thread=run.thread_id).count()
    assert comparable(snapshot.content) == told_of(run.thread_id)


def test_so_is_it_after_all_that_can_happen_in_a_thread() -> None:
    viewer = a_visitor()
    run = carried(viewer, "say Look:\ncall read_selection\ncall read_selection")
    first, second = calls_of(run)
    same(run.thread_id)
    claim(viewer, first)
    same(run.thread_id)
    answer(viewer, first)
    same(run.thread_id)
    answer(viewer, second, error="it broke")
    carry(run)
    same(run.thread_id)
    failed = carried(viewer, "say Half\nfail rejected", run.thread_id)
    retry(viewer, failed)
    same(run.thread_id)
    cancel(viewer, type(run).objects.get(thread=run.thread_id, status="queued"))
    same(run.thread_id)
    superseded = carried(viewer, "call read_selection", run.thread_id)
    say(viewer, "say More.", superseded.thread_id)
    same(run.thread_id)


def same(thread) -> None:
    assert comparable(take_snapshot(thread).content) == told_of(thread)


@pytest.mark.parametrize(
    "text",
    [
        "say Hello 🙂 there.\ncall add {}\ncall read_selection",
        "say Half\ncall add {}\nfail rate_limited 1 each\nsay Whole.",
    ],
)
def test_so_is_it_at_each_position_of_an_answer_that_is_being_written(
    monkeypatch: pytest.MonkeyPatch, text: str
) -> None:
    run = started(a_visitor(), text)
    page, applied, compared = Page(), [0], []
    original = recorder.record

    def compare(event: events.AnyEvent, position: int) -> None:
        # Inside the writer's transaction, where all before this event is recorded.
        for place, data in read_frames(run.thread_id, applied[0], 10_000):
            if place < position:
                page.apply(json.loads(data))
                applied[0] = place
        snapshot = take_snapshot(run.thread_id)
        if snapshot.position == position:
            original(event, position)
            for _place, data in read_frames(run.thread_id, applied[0], 1):
                page.apply(json.loads(data))
                applied[0] = position
            now = take_snapshot(run.thread_id)
            compared.append(comparable(now.content) == page.shown())
        else:
            original(event, position)

    monkeypatch.setattr("chatkit_app.runs.executor.record", compare)
    carry(run)

    assert len(compared) >= 5
    assert all(compared)


def test_the_number_of_queries_does_not_grow_with_the_thread() -> None:
    few, many = (make_thread(uuid4(), assistant="test") for _ in range(2))
    add_turns(few, 2)
    add_turns(many, 30)

    counts = []
    for thread in (few, many):
        with CaptureQueriesContext(
            connection,
        ) as queries:
            take_snapshot(thread.pk)
        counts.append(len(queries))

    # siblings, feedback and authors among them; on PostgreSQL the isolation, too
    assert counts[0] == counts[1] <= 9


def test_only_the_newest_messages_are_in_it() -> None:
    thread = make_thread(uuid4(), assistant="test")
    messages = add_turns(thread, 26)

    content = take_snapshot(thread.pk).content

    assert content["earlier"] is True
    assert [m["id"] for m in content["messages"]] == [str(m.pk) for m in messages[2:]]


def test_a_thread_of_long_messages_begins_where_its_newest_fit() -> None:
    run = None
    viewer = a_visitor()
    for _ in range(8):
        run = carried(viewer, "say " + "漢" * 9000, run and run.thread_id)
    messages = list(Message.objects.filter(thread=run.thread_id).order_by("depth"))

    content = take_snapshot(run.thread_id).content

    shown = [message["id"] for message in content["messages"]]
    assert content["earlier"] is True
    assert 2 < len(shown) < len(messages)
    assert shown == [str(message.pk) for message in messages[-len(shown) :]]
    size = len(json.dumps(content["messages"], ensure_ascii=False).encode())
    assert size <= BUDGET_BYTES
    assert len(messages_as_json(messages)) == len(messages)  # the history API's


def test_a_message_that_is_too_large_is_clipped_there_and_whole_elsewhere() -> None:
    thread = make_thread(uuid4(), assistant="test")
    turn = Turn.begin(thread, "Why?", depth=0)
    turn.say("x" * 400_000)
    turn.end()

    [shown] = take_snapshot(thread.pk).content["messages"]
    [whole] = messages_as_json([turn.answer])

    assert shown["id"] == whole["id"]
    assert shown["parts"][0]["clipped"] is True
    assert len(shown["parts"][0]["content"]) < BUDGET_BYTES
    assert len(whole["parts"][0]["content"]) == 400_000
    assert "clipped" not in whole["parts"][0]


def test_a_void_step_is_not_shown_and_a_hidden_message_neither() -> None:
    thread = make_thread(uuid4(), assistant="test")
    turn = Turn.begin(thread, "Why?", depth=0)
    turn.say("void")
    Step.objects.update(status="void")
    turn.begin_step(1)
    turn.say("kept")
    Message.objects.create(
        thread=thread, depth=1, role="assistant", status="complete", is_shown=False
    )

    question, reply = take_snapshot(thread.pk).content["messages"]

    assert [part["content"] for part in reply["parts"]] == ["kept"]
    assert len(question["parts"]) == 1


def test_what_is_the_providers_never_reaches_a_page() -> None:
    thread = make_thread(uuid4(), assistant="test")
    turn = Turn.begin(thread, "Why?", depth=0)
    turn.say("Hm.", kind="reasoning")
    call = turn.call("add", provider_call_id="secret-call-id", output=1)
    turn.end()
    secret = {"provider": "openai", "data": {"encrypted": "secret-of-the-provider"}}
    Part.objects.update(provider_data=secret)
    Step.objects.update(response_id="secret-response")

    shown = json.dumps(take_snapshot(thread.pk).content)

    assert str(call.pk) in shown
    assert "secret" not in shown
    assert "provider" not in shown


def test_nothing_inside_an_event_reaches_the_log() -> None:
    run = carried(a_visitor(), 'call add {"a": 1, "b": 2}')

    log = " ".join(data for _p, data in read_frames(run.thread_id, 0, 1000))

    assert "providerData" not in log
    assert "providerCallId" not in log
    assert "responseSchema" not in log


def test_the_frames_after_a_position_come_in_order() -> None:
    run = carried(a_visitor(), "say Hi.")
    last = Thread.objects.get(pk=run.thread_id).position

    assert [p for p, _d in read_frames(run.thread_id, 2, 3)] == [3, 4, 5]
    assert read_frames(run.thread_id, last, 3) == []
    assert messages_as_json([]) == []


def test_what_is_committed_while_it_is_taken_is_not_in_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    viewer = a_visitor()
    run = carried(viewer, "say Look:\ncall read_selection")
    before = take_snapshot(run.thread_id)
    original = snapshots.messages_as_json

    def read_late(messages: list[Message]) -> list[dict[str, object]]:
        found = together([lambda: cancel(viewer, run)])
        assert isinstance(found[0], dict), found
        return original(messages)

    monkeypatch.setattr(snapshots, "messages_as_json", read_late)
    taken = take_snapshot(run.thread_id)

    assert taken == before
    assert take_snapshot(run.thread_id).position > before.position
