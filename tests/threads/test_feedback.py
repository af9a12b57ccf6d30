from __future__ import annotations

import json

import pytest
from django.contrib.auth import get_user_model

from chatkit_app.engine.states import FeedbackKind
from chatkit_app.engine.viewer import Viewer
from chatkit_app.models import Event, Feedback
from chatkit_app.signals import message_rated
from chatkit_app.threads import feedback
from tests.history_rows import add_turns, make_thread

pytestmark = pytest.mark.django_db
UP, DOWN = FeedbackKind.UP, FeedbackKind.DOWN


@pytest.fixture
def ann():
    return get_user_model().objects.create_user("ann")


@pytest.fixture
def answer(ann):
    return add_turns(make_thread(ann), 1)[1]


@pytest.fixture
def place(ann, answer):
    """Who rates, and where."""
    return Viewer(user=ann), answer.thread_id, answer.pk


@pytest.fixture
def heard():
    """What the site's receiver is told."""
    found = []

    def hear(sender, signal, **told) -> None:
        found.append((told["feedback"], told["reasons"], told["comment"]))

    message_rated.connect(hear, weak=False)
    yield found
    message_rated.disconnect(hear)


def events(answer) -> list[tuple[str, object]]:
    rows = Event.objects.filter(thread=answer.thread_id).order_by("position")
    found = [json.loads(row.data) for row in rows]
    assert {event["type"] for event in found} <= {"message.rated"}
    return [(event["messageId"], event["feedback"]) for event in found]


def test_watchers_hear_of_each_change_of_mind_and_of_nothing_else(
    place, answer
) -> None:
    feedback.rate(*place, UP)
    feedback.rate(*place, UP)
    feedback.rate(*place, UP, comment="Really.")
    feedback.rate(*place, DOWN)
    feedback.withdraw(*place)
    feedback.withdraw(*place)

    id_ = str(answer.pk)
    assert events(answer) == [(id_, "up"), (id_, "down"), (id_, None)]


def test_the_site_hears_of_whatever_is_new_after_the_commit(
    place, heard, django_capture_on_commit_callbacks
) -> None:
    with django_capture_on_commit_callbacks(execute=True):
        feedback.rate(*place, UP)
        feedback.rate(*place, UP)
        feedback.rate(*place, UP, reasons=["clear"], comment="Fine.")
        feedback.withdraw(*place)
        assert heard == []

    assert heard == [("up", [], ""), ("up", ["clear"], "Fine."), (None, [], "")]


def test_a_receiver_that_fails_is_logged_and_the_rating_stays(
    place, caplog, django_capture_on_commit_callbacks
) -> None:
    def fail(**told) -> None:
        raise RuntimeError("the site's own fault")

    message_rated.connect(fail, weak=False)
    try:
        with django_capture_on_commit_callbacks(execute=True):
            feedback.rate(*place, UP)
    finally:
        message_rated.disconnect(fail)

    assert "has failed" in caplog.text
    assert Feedback.objects.get().kind == "up"


def test_the_owner_s_opinion_is_what_pages_are_told(place, answer) -> None:
    from chatkit_app.log.snapshot import take_snapshot

    feedback.rate(*place, DOWN)

    told = take_snapshot(answer.thread_id).content["messages"]
    assert [message["feedback"] for message in told] == [None, "down"]
