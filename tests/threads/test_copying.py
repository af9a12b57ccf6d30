"""A copied path says what the original says, to people and to the model, and counts for nothing."""

from __future__ import annotations

from typing import Any
from uuid import UUID, uuid4

import pytest
from django.db import transaction
from django.utils import timezone

from chatkit_app.log.snapshot import messages_as_json
from chatkit_app.models import (
    Interrupt,
    Message,
    Part,
    Run,
    Step,
    Thread,
    ToolCall,
    Usage,
)
from chatkit_app.runs import transcript, usage
from chatkit_app.runs.transcript import load_work
from chatkit_app.threads import copying
from chatkit_app.threads.copying import copy_messages
from tests.history_rows import Turn, add_turns, make_thread
from tests.runs.desk import (
    a_visitor,
    answer,
    calls_of,
    cancel,
    carried,
    carry,
    started,
)

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.usefixtures("recorded"),
]

OTHERS_IDS = {"id", "partId", "stepId", "runId", "parentId", "toolCallId", "clientId"}


def path_of(thread: Thread) -> list[UUID]:
    shown = Message.objects.filter(thread=thread, is_shown=True).order_by("depth")
    return list(shown.values_list("pk", flat=True))


def copied(thread: Thread, owner: UUID | None = None) -> Thread:
    copy = make_thread(owner or thread.visitor, assistant=thread.assistant)
    with transaction.atomic():
        copy_messages(path_of(thread), copy, {})
    return copy


def shown_of(thread: Thread) -> Any:
    """All that a page is shown of the messages, but for whose rows they are."""
    rows = Message.objects.filter(thread=thread, is_shown=True).order_by("depth")
    return _without_ids(messages_as_json(list(rows)))


def _without_ids(found: Any) -> Any:
    if isinstance(found, list):
        return [_without_ids(each) for each in found]
    if isinstance(found, dict):
        return {
            name: _without_ids(value)
            for name, value in found.items()
            if name not in OTHERS_IDS
        }
    return found


def told_to_the_model(thread: Thread, viewer) -> Any:
    run = started(viewer, "say Next.", thread.pk)
    return load_work(run, history_tokens=1_000_000).history


@pytest.mark.parametrize(
    "text",
    [
        'say Look:\ncall add {"a": 1, "b": 2}\ncall boom\ncall refuse',
        'think Hm.\ncall no_such_tool\ncall add {"a": "x"}\ncall add {"a',
        'call add {"a": 1, "b": 2}\n---\nsay Then\ncall whoami\n---\nsay Done.',
        "call read_selection\ncall read_selection",
    ],
)
def test_the_model_is_told_in_the_copy_what_it_is_told_in_the_original(
    text: str,
) -> None:
    viewer = a_visitor()
    run = carried(viewer, text)
    for call in calls_of(run):
        if call.status == "waiting":
            answer(viewer, call)
    if run.status == "requires_action":
        carry(run)
    cut = carried(viewer, "say Half.\ncall read_selection", run.thread_id)
    cancel(viewer, cut)
    copy = copied(run.thread)

    assert shown_of(copy) == shown_of(run.thread)
    assert told_to_the_model(copy, viewer) == told_to_the_model(run.thread, viewer)


def test_a_copy_is_told_whole_however_many_messages_are_read_at_once(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(copying, "MESSAGES", 3)
    monkeypatch.setattr(transcript, "PAGE", 2)
    viewer = a_visitor()
    thread = make_thread(viewer.visitor, assistant="test")
    add_turns(thread, 4)

    copy = copied(thread)

    assert shown_of(copy) == shown_of(thread)
    rows = list(Message.objects.filter(thread=copy).order_by("depth"))
    assert [row.parent for row in rows] == [None, *rows[:-1]]
    assert [row.pk for row in rows] == sorted(row.pk for row in rows)
    for row in rows[1::2]:
        assert row.run is not None
        assert row.run.answer == row
        assert row.run.prompt == row.parent
    assert told_to_the_model(copy, viewer) == told_to_the_model(thread, viewer)


def test_what_was_taken_back_is_told_to_nobody_in_the_copy_either() -> None:
    viewer = a_visitor()
    thread = make_thread(viewer.visitor, assistant="test")
    turn = Turn.begin(thread, "Why?", depth=0)
    turn.say("void")
    turn.call("add", output=1)
    Step.objects.update(status="void")
    turn.begin_step(1)
    turn.say("Because.", kind="text")
    turn.end()

    copy = copied(thread)

    assert shown_of(copy) == shown_of(thread)
    assert Step.objects.filter(run__thread=copy, status="void").count() == 1
    assert told_to_the_model(copy, viewer) == told_to_the_model(thread, viewer)


def test_a_copied_run_is_a_record_that_has_cost_nothing() -> None:
    viewer = a_visitor()
    thread = make_thread(viewer.visitor, assistant="test")
    turn = Turn.begin(thread, "What is it?", depth=0)
    turn.say("It.")
    turn.end(cost="1.5", error_code="", tallied_at=None, counted_at=None)
    Step.objects.update(cost="1.5")

    run = Run.objects.get(thread=copied(thread))

    step = run.steps.get()
    assert (run.status, run.copy_of, run.cost) == ("completed", turn.run.pk, None)
    assert run.counted_at is not None
    assert run.tallied_at is not None
    assert (run.owner, run.lease_until, run.batch) == (None, None, 0)
    used = (step.input_tokens, step.cached_tokens, step.output_tokens)
    assert (*used, step.reasoning_tokens, step.cost) == (0, 0, 0, 0, None)
    assert step.counted_at is not None
    assert run.pk not in usage.uncounted(100)
    usage.count(run.pk)
    assert not Usage.objects.exists()


def test_a_copy_of_a_copy_names_the_run_that_has_written_it() -> None:
    thread = make_thread(uuid4(), assistant="test")
    add_turns(thread, 1)
    [run] = Run.objects.all()

    again = copied(copied(thread))

    assert Run.objects.get(thread=again).copy_of == run.pk


def test_what_was_asked_and_answered_comes_along_and_is_nobodys_to_answer() -> None:
    thread = make_thread(uuid4(), assistant="test")
    turn = Turn.begin(thread, "Pay.", depth=0)
    call = turn.call("refund", arguments='{"a": 1}', output="done")
    asked = turn.ask_page(
        call,
        status="answered",
        decision="approve",
        answered_at=timezone.now(),
        claimed_by="tab",
        claim_token=uuid4(),
        submission_id="s",
        answer_digest="d",
    )
    Interrupt.objects.filter(pk=asked.pk).update(kind="approval")
    turn.end()

    copy = copied(thread)

    row = Interrupt.objects.get(run__thread=copy)
    assert shown_of(copy) == shown_of(thread)
    assert (row.status, row.decision) == ("answered", "approve")
    assert row.tool_call == ToolCall.objects.get(run__thread=copy)
    assert (row.claimed_by, row.claim_token) == ("", None)
    assert (row.submission_id, row.answer_digest) == ("", "")


def test_what_is_still_open_in_a_message_that_broke_off_ends_in_the_copy() -> None:
    viewer = a_visitor()
    thread = make_thread(viewer.visitor, assistant="test")
    turn = Turn.begin(thread, "Look.", depth=0)
    turn.say("Half", state="streaming")
    call = turn.call("read_selection", executor="client", status="waiting", input={})
    ToolCall.objects.filter(pk=call.pk).update(index=0, job_owner=uuid4())
    turn.ask_page(call)
    Step.objects.update(status="open")
    Run.objects.update(status="in_progress", owner=uuid4(), lease_until=timezone.now())
    Message.objects.filter(pk=turn.answer.pk).update(status="interrupted")

    copy = copied(thread)

    mine = {"run__thread": copy}
    assert Run.objects.get(thread=copy).status == "cancelled"
    assert Step.objects.get(**mine).status == "failed"
    assert Interrupt.objects.get(**mine).status == "cancelled"
    ended = ToolCall.objects.get(**mine)
    assert (ended.status, ended.error_code) == ("cancelled", "cancelled")
    assert ended.job_owner is None
    parts = Part.objects.filter(message__thread=copy, message__role="assistant")
    assert [(part.kind, part.state) for part in parts.order_by("index")] == [
        ("text", "interrupted"),
        ("tool-call", "complete"),
        ("tool-result", "error"),
    ]
    assert ToolCall.objects.get(pk=call.pk).status == "waiting"


def test_a_copy_has_no_history_of_its_own_events() -> None:
    thread = make_thread(uuid4(), assistant="test")
    add_turns(thread, 1)

    copy = copied(thread)

    assert set(Part.objects.filter(message__thread=copy).values_list("position")) == {
        (0,)
    }
    assert not copy.events.exists()
    assert not copy.commands.exists()
