"""What the tables themselves refuse, whoever writes to them."""

from __future__ import annotations

from collections.abc import Callable
from uuid import uuid4

import pytest
from django.contrib.auth import get_user_model
from django.db import IntegrityError, transaction
from django.utils import timezone

from chatkit_app.engine.states import ACTIVE_RUN_STATUSES
from chatkit_app.models import Command, Event, Message, Run, Thread, ToolCall
from tests.history_rows import Turn, make_thread

pytestmark = pytest.mark.django_db


def refused(write: Callable[[], object]) -> bool:
    try:
        with transaction.atomic():
            write()
    except IntegrityError:
        return True
    return False


def another_run(run: Run, status: str) -> Run:
    return Run.objects.create(
        thread=run.thread, prompt=run.prompt, answer=run.answer, status=status
    )


@pytest.mark.parametrize("status", ACTIVE_RUN_STATUSES)
def test_a_thread_has_one_active_run(status: str) -> None:
    run = Turn.begin(make_thread(uuid4()), "Hi", depth=0).run
    another_run(run, "completed")
    another_run(run, status)

    for second in ACTIVE_RUN_STATUSES:
        assert refused(lambda second=second: another_run(run, second))
    another_run(run, "failed")


def test_a_run_that_waits_has_no_owner() -> None:
    run = Turn.begin(make_thread(uuid4()), "Hi", depth=0).run

    found = Run.objects.filter(pk=run.pk)
    assert refused(lambda: found.update(status="requires_action", owner=uuid4()))


def test_a_position_is_given_once() -> None:
    thread = make_thread(uuid4())

    def write(position: int) -> Event:
        now = timezone.now()
        return Event.objects.create(
            thread=thread, position=position, type="t", data="{}", at=now
        )

    write(1)
    assert refused(lambda: write(1))
    assert refused(lambda: write(0))


def test_of_siblings_one_is_shown() -> None:
    thread = make_thread(uuid4())
    Turn.begin(thread, "Hi", depth=0)

    def sibling(*, is_shown: bool) -> Message:
        return Message.objects.create(
            thread=thread, depth=1, role="assistant", status="open", is_shown=is_shown
        )

    assert refused(lambda: sibling(is_shown=True))
    sibling(is_shown=False)
    sibling(is_shown=False)


def test_a_thread_is_a_users_or_a_visitors_and_never_boths() -> None:
    ann = get_user_model().objects.create(username="ann")
    thread = make_thread(ann)

    assert refused(lambda: Thread.objects.filter(pk=thread.pk).update(visitor=uuid4()))


def test_an_external_name_is_its_owners_and_free_again_after_the_deletion() -> None:
    one, two = (make_thread(visitor) for visitor in [uuid4()] * 2)
    foreign = make_thread(uuid4())
    for thread in (one, foreign):
        Thread.objects.filter(pk=thread.pk).update(external_id="x")

    second = Thread.objects.filter(pk=two.pk)
    assert refused(lambda: second.update(external_id="x"))
    Thread.objects.filter(pk=one.pk).update(deleted_at=timezone.now())
    assert second.update(external_id="x") == 1


def test_a_calls_place_in_its_step_is_its_own() -> None:
    turn = Turn.begin(make_thread(uuid4()), "Hi", depth=0)
    call = turn.call("add", output=1)

    assert refused(
        lambda: ToolCall.objects.create(
            run=turn.run, step=turn.step, index=call.index, name="b", status="queued"
        )
    )
    assert refused(lambda: ToolCall.objects.update(error_code="but completed"))


def test_a_commands_id_is_its_owners() -> None:
    def command(owner: str) -> Command:
        return Command.objects.create(
            owner_key=owner, protocol="native", client_id="x", kind="send", digest="d"
        )

    command("v:a")
    command("v:b")
    assert refused(lambda: command("v:a"))
