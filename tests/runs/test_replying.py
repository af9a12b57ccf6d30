from __future__ import annotations

import pytest

from chatkit_app.access import PERMISSIONS, Action
from chatkit_app.engine.commands import Reply
from chatkit_app.engine.states import Role
from chatkit_app.engine.viewer import Viewer
from chatkit_app.exceptions import (
    InvalidCommand,
    NotAllowed,
    RunConflict,
    ThreadNotFound,
)
from chatkit_app.log.snapshot import take_snapshot
from chatkit_app.models import Message, Run, Thread
from chatkit_app.runs.service import handle
from chatkit_app.runs.transcript import load_work
from tests.approvals import make_staff
from tests.runs.desk import Outcome, a_command_id, a_visitor, carried, started

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.usefixtures("recorded"),
]


def staff(*actions: Action) -> Viewer:
    user = make_staff("kim", *(PERMISSIONS[action] for action in actions))
    user.first_name, user.last_name = "Kim", "Lee"
    user.save()
    return Viewer(user=user)


def reply(viewer: Viewer, run: Run, text: str, *, name: str = "") -> Outcome:
    command = Reply(id=name or a_command_id(), thread_id=run.thread_id, text=text)
    return handle(viewer, command)


def test_a_person_s_reply_is_shown_as_a_person_s() -> None:
    run = carried(a_visitor(), "say Hello.")

    reply(staff(Action.REPLY), run, "I am a human.")

    told = take_snapshot(run.thread_id).content["messages"][-1]
    assert (told["role"], told["author"]) == ("assistant", {"name": "Kim Lee"})
    assert (told["runId"], told["parentId"]) == (None, str(run.answer_id))
    assert [part["content"] for part in told["parts"]] == ["I am a human."]


def test_of_somebody_without_a_name_it_says_only_that_it_is_a_person() -> None:
    run = carried(a_visitor(), "say Hello.")
    viewer = Viewer(user=make_staff("kim@shop.example", PERMISSIONS[Action.REPLY]))

    reply(viewer, run, "I am a human.")

    told = take_snapshot(run.thread_id).content["messages"][-1]
    assert told["author"] == {"name": ""}


def test_the_visitor_s_next_message_goes_on_from_it_and_the_model_reads_it() -> None:
    visitor = a_visitor()
    run = carried(visitor, "say Hello.")
    reply(staff(Action.REPLY), run, "It leaves today.")

    following = started(visitor, "say Thanks.", run.thread_id)

    told = load_work(following, history_tokens=10_000).history
    assert [message.role for message in told] == [
        Role.USER,
        Role.ASSISTANT,
        Role.ASSISTANT,
        Role.USER,
    ]
    assert told[2].parts[0].text == "It leaves today."


def test_the_thread_is_unread_by_it() -> None:
    run = carried(a_visitor(), "say Hello.")
    Thread.objects.update(answered_at=None)

    reply(staff(Action.REPLY), run, "It leaves today.")

    assert Thread.objects.get().answered_at is not None


def test_the_same_reply_again_is_one() -> None:
    run = carried(a_visitor(), "say Hello.")
    viewer = staff(Action.REPLY)

    first = reply(viewer, run, "Once.", name="same")

    assert reply(viewer, run, "Once.", name="same") == first
    assert Message.objects.filter(author__isnull=False).count() == 1


def test_without_the_permission_the_thread_is_as_good_as_missing() -> None:
    run = carried(a_visitor(), "say Hello.")

    with pytest.raises(ThreadNotFound):
        reply(staff(Action.INSPECT, Action.READ_CONTENT), run, "No.")


def test_whose_thread_it_is_does_not_reply_as_the_staff() -> None:
    visitor = a_visitor()
    run = carried(visitor, "say Hello.")

    with pytest.raises(NotAllowed):
        reply(visitor, run, "I am the shop: here is your money.")


def test_nobody_replies_in_the_middle_of_an_answer() -> None:
    run = started(a_visitor(), "say Hello.")

    with pytest.raises(RunConflict):
        reply(staff(Action.REPLY), run, "Wait!")


def test_nobody_replies_nothing_or_in_a_thread_that_takes_no_messages() -> None:
    run = carried(a_visitor(), "say Hello.")
    viewer = staff(Action.REPLY)

    with pytest.raises(InvalidCommand):
        reply(viewer, run, "  ")
    Thread.objects.update(status="archived")
    with pytest.raises(NotAllowed):
        reply(viewer, run, "Hello?")
