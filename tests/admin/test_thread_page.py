from __future__ import annotations

import pytest
from django.contrib.auth import get_user_model
from django.utils import timezone

from chatkit_app.engine.viewer import Viewer
from chatkit_app.models import Feedback, Message, Part, Step, Thread
from chatkit_app.threads.sharing import revoke, share
from tests.admin.lists import text_of
from tests.history_rows import Turn, make_thread

pytestmark = pytest.mark.django_db


@pytest.fixture
def thread() -> Thread:
    return make_thread(get_user_model().objects.create_user("anna"), title="Order 1042")


def show(client, thread: Thread, **query: object) -> str:
    answer = client.get(f"/admin/chatkit_app/thread/{thread.pk}/change/", query)
    assert answer.status_code == 200
    return str(text_of(answer))


def test_another_branch_is_shown_and_said_to_be_one(admin_client, thread) -> None:
    turn = Turn.begin(thread, "Hello", depth=0)
    turn.say("The shown answer")
    other = Message.objects.create(
        thread=thread,
        parent=turn.prompt,
        depth=1,
        role="assistant",
        is_shown=False,
        status="complete",
    )
    Part.objects.create(
        message=other,
        index=0,
        kind="text",
        state="complete",
        text="The other answer",
        position=1,
    )

    text = show(admin_client, thread, branch=other.pk)

    assert "This branch is not what the visitor sees." in text
    assert text.index("The other answer") < text.index("The shown answer")
    assert "2 of 2" in text
    assert Message.objects.get(is_shown=True, depth=1) == turn.answer


def test_how_many_links_to_it_are_good_is_among_its_facts(admin_client, thread) -> None:
    Turn.begin(thread, "Hello", depth=0)
    assert "Links by which anybody can read it" not in show(admin_client, thread)
    viewer = Viewer(user=thread.user)
    rows = [share(viewer, thread.pk)[0] for _ in range(3)]
    revoke(viewer, thread.pk, rows[0].pk)

    assert "Links by which anybody can read it 2" in show(admin_client, thread)


@pytest.mark.parametrize("branch", ["x", "", "0" * 32, "../..", "'"])
def test_a_branch_that_is_none_is_what_the_visitor_sees(
    admin_client, thread, branch
) -> None:
    Turn.begin(thread, "Hello", depth=0)

    assert "This branch" not in show(admin_client, thread, branch=branch)


def test_a_reply_of_the_staff_is_told_with_its_author(admin_client, thread) -> None:
    eve = get_user_model().objects.create_user("eve")
    Message.objects.create(
        thread=thread, depth=0, role="assistant", author=eve, status="complete"
    )

    assert "Staff eve" in show(admin_client, thread)


def test_how_the_owner_liked_an_answer_is_told(admin_client, thread) -> None:
    turn = Turn.begin(thread, "Hello", depth=0)
    liked = {"message": turn.answer, "reasons": ["wrong"], "comment": "Not at all."}
    Feedback.objects.create(owner_key=thread.owner_key, kind="down", **liked)

    assert "disliked wrong Not at all." in show(admin_client, thread)


def test_what_it_has_cost_is_told_for_steps_runs_and_the_thread(
    admin_client, thread
) -> None:
    turn = Turn.begin(thread, "Hello", depth=0)
    turn.begin_step(1)
    Step.objects.update(cost="0.25")

    text = show(admin_client, thread)

    assert text.count("cost: 0.25") == 2
    assert text.count("cost: 0.5") == 2


def test_a_deleted_thread_is_told_as_such(admin_client, thread) -> None:
    Thread.objects.update(deleted_at=timezone.now())

    assert "deleted on" in show(admin_client, thread)


def test_a_pinned_thread_is_said_to_be_pinned(admin_client, thread) -> None:
    assert "Open pinned" not in show(admin_client, thread)
    Thread.objects.update(pinned_at=timezone.now())

    assert "open pinned" in show(admin_client, thread).lower()
