from __future__ import annotations

import pytest
from django.contrib.auth import get_user_model

from chatkit_app.admin.timeline import MESSAGES, timeline_of
from chatkit_app.models import Message, Step, Thread
from tests.history_rows import Turn, add_turns, make_thread

pytestmark = pytest.mark.django_db


@pytest.fixture
def thread() -> Thread:
    return make_thread(get_user_model().objects.create_user("anna"))


def test_the_parts_of_an_answer_stand_with_the_step_that_made_them(thread) -> None:
    turn = Turn.begin(thread, "Where is it?", depth=0)
    turn.say("Let me see.")
    turn.call("order_status", output={})
    turn.begin_step(1)
    turn.say("It was sent.")
    turn.end()

    asked, answered = timeline_of(thread).entries

    assert [step.step for step in asked.steps] == [None]
    assert [step.step.index for step in answered.steps if step.step] == [0, 1]
    kinds = [[shown.part.kind for shown in step.parts] for step in answered.steps]
    assert kinds == [["text", "tool-call"], ["text"]]


def test_a_step_that_was_taken_back_is_kept_with_what_it_wrote(thread) -> None:
    turn = Turn.begin(thread, "Where is it?", depth=0)
    turn.say("It wa", state="interrupted")
    Step.objects.filter(pk=turn.step.pk).update(
        status="void", error_code="provider_unavailable"
    )
    turn.begin_step(0 + 1)
    turn.say("It was sent.")
    turn.end()

    _, answered = timeline_of(thread).entries

    told = [
        (step.step.status, step.parts[0].text) for step in answered.steps if step.step
    ]
    assert told == [("void", "It wa"), ("complete", "It was sent.")]


def test_a_result_is_told_with_its_call(thread) -> None:
    turn = Turn.begin(thread, "Where is it?", depth=0)
    turn.call("order_status", arguments='{"number": "1042"}', output=None)
    turn.end()

    call = timeline_of(thread).entries[1].steps[0].parts[0].call

    assert call is not None
    assert call.arguments == '{\n  "number": "1042"\n}'
    assert call.result == "null"


@pytest.mark.parametrize("text", ["", "{", "[" * 100_000, "\ud83d"])
def test_arguments_that_are_no_json_are_told_as_they_came(thread, text) -> None:
    turn = Turn.begin(thread, "Where is it?", depth=0)
    call = turn.call("order_status", status="failed", error_code="x")
    kept = text.encode("utf-8", "replace").decode()
    type(call).objects.filter(pk=call.pk).update(arguments=kept)
    turn.end()

    shown = timeline_of(thread).entries[1].steps[0].parts[0].call

    assert shown is not None
    assert shown.arguments.startswith((kept or "{}")[:1000])


def test_what_is_not_shown_comes_along_with_what_is_in_its_place(thread) -> None:
    add_turns(thread, MESSAGES)
    place = Message.objects.get(thread=thread, depth=MESSAGES)
    for _ in range(3):
        Message.objects.create(
            thread=thread,
            depth=MESSAGES,
            is_shown=False,
            role="user",
            status="complete",
        )

    newest = timeline_of(thread)
    earlier = timeline_of(thread, newest.earlier)

    assert newest.earlier == place.depth
    assert len(newest.entries) == MESSAGES + 3
    assert len(earlier.entries) == MESSAGES
    assert earlier.earlier is None
