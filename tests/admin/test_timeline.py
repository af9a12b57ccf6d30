from __future__ import annotations

import pytest
from django.contrib.auth import get_user_model

from chatkit_app.admin.timeline import Timeline, timeline_of
from chatkit_app.admin.windows import window_of
from chatkit_app.models import Step, Thread
from tests.history_rows import Turn, make_thread

pytestmark = pytest.mark.django_db


@pytest.fixture
def thread() -> Thread:
    return make_thread(get_user_model().objects.create_user("anna"))


def told(thread: Thread, **options: bool) -> Timeline:
    return timeline_of(thread, window_of(thread), **options)


def test_the_parts_of_an_answer_stand_with_the_step_that_made_them(thread) -> None:
    turn = Turn.begin(thread, "Where is it?", depth=0)
    turn.say("Let me see.")
    turn.call("order_status", output={})
    turn.begin_step(1)
    turn.say("It was sent.")
    turn.end()

    asked, answered = told(thread).entries

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

    _, answered = told(thread).entries

    kept = [
        (step.step.status, step.parts[0].text) for step in answered.steps if step.step
    ]
    assert kept == [("void", "It wa"), ("complete", "It was sent.")]


def test_a_result_is_told_with_its_call(thread) -> None:
    turn = Turn.begin(thread, "Where is it?", depth=0)
    turn.call("order_status", arguments='{"number": "1042"}', output=None)
    turn.end()

    call = told(thread).entries[1].steps[0].parts[0].call

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

    shown = told(thread).entries[1].steps[0].parts[0].call

    assert shown is not None
    assert shown.arguments.startswith((kept or "{}")[:1000])
