from __future__ import annotations

from datetime import timedelta

import pytest
from django.utils import timezone

from chatkit_app.models import Feedback, Interrupt, Run, Step, Thread
from tests.admin.lists import CALLS, RUNS, THREADS, aged, found, make_user, thread_of
from tests.history_rows import Turn

pytestmark = pytest.mark.django_db


@pytest.fixture
def anna():
    return make_user("anna")


@pytest.fixture
def other(anna) -> Thread:
    """A thread in which all is well."""
    return thread_of(anna)


def changed(thread: Thread, **fields: object) -> Run:
    Run.objects.filter(thread=thread).update(**fields)
    return Run.objects.get(thread=thread)


def asked(thread: Thread, kind: str, **fields: object) -> None:
    changed(thread, status="requires_action", finished_at=None)
    turn = Run.objects.get(thread=thread)
    Interrupt.objects.create(run=turn, kind=kind, **fields)


def long_ago() -> object:
    return timezone.now() - timedelta(hours=1)


def failed(thread: Thread) -> None:
    changed(thread, status="failed", error_code="provider_unavailable")


def waits_for_staff(thread: Thread) -> None:
    asked(thread, "approval", permission="shop.refund")


def waits_for_the_visitor(thread: Thread) -> None:
    asked(thread, "question")


def waits_for_a_page(thread: Thread) -> None:
    asked(thread, "client_tool")


def active(thread: Thread) -> None:
    changed(thread, status="in_progress", lease_until=timezone.now())


def never_begun(thread: Thread) -> None:
    changed(thread, status="queued", ready_at=long_ago())


def fallen_silent(thread: Thread) -> None:
    changed(thread, status="in_progress", lease_until=long_ago())


def dear(thread: Thread) -> None:
    changed(thread, cost="2.5")


def large(thread: Thread) -> None:
    Step.objects.filter(run__thread=thread).update(input_tokens=60_000)


HAPPENINGS = [
    ("failed", failed),
    ("staff", waits_for_staff),
    ("visitor", waits_for_the_visitor),
    ("visitor", waits_for_a_page),
    ("active", active),
    ("stuck", never_begun),
    ("stuck", fallen_silent),
    ("expensive", dear),
    ("expensive", large),
]


@pytest.mark.parametrize(("name", "happen"), HAPPENINGS)
def test_what_happened_finds_the_thread_and_the_run(
    admin_client, anna, other, name, happen
) -> None:
    thread = thread_of(anna)
    happen(thread)

    assert found(admin_client, THREADS, what=name) == [thread]
    assert [run.thread for run in found(admin_client, RUNS, what=name)] == [thread]


@pytest.mark.parametrize(
    ("name", "happen"), [HAPPENINGS[1], HAPPENINGS[2], HAPPENINGS[5]]
)
def test_what_is_so_now_is_found_whenever_it_began(
    admin_client, anna, name, happen
) -> None:
    thread = thread_of(anna)
    happen(thread)
    aged(thread, 40)

    assert found(admin_client, THREADS, what=name) == [thread]
    assert len(found(admin_client, RUNS, what=name)) == 1
    assert found(admin_client, THREADS, what=name, when="7") == []


def test_a_run_that_is_worked_on_is_not_stuck(admin_client, anna) -> None:
    active(thread_of(anna))

    assert found(admin_client, THREADS, what="stuck") == []


def test_limits_are_settings(admin_client, anna, settings) -> None:
    thread = thread_of(anna, cost="0.02")
    assert found(admin_client, THREADS, what="expensive") == []

    settings.CHATKIT_EXPENSIVE_COST = 0.01

    assert found(admin_client, THREADS, what="expensive") == [thread]


def test_a_disliked_answer_finds_its_thread(admin_client, anna, other) -> None:
    thread = thread_of(anna)
    answer = thread.messages.get(role="assistant")
    Feedback.objects.create(message=answer, owner_key=f"u:{anna.pk}", kind="down")
    liked = other.messages.get(role="assistant")
    Feedback.objects.create(message=liked, owner_key=f"u:{anna.pk}", kind="up")

    assert found(admin_client, THREADS, what="disliked") == [thread]


def test_a_tool_finds_its_threads_and_calls(admin_client, anna, other) -> None:
    thread = thread_of(anna)
    turn = Turn.begin(thread, "Again", depth=2)
    call = turn.call("order_status", output={})
    turn.call("stock_report", status="failed", error_code="tool_error")

    assert found(admin_client, THREADS, tool="order_status") == [thread]
    assert found(admin_client, THREADS, tool="nothing") == []
    assert found(admin_client, CALLS, tool="order_status") == [call]


@pytest.mark.parametrize(
    ("what", "names"),
    [
        ("failed", {"stock_report"}),
        ("open", {"highlight"}),
        ("completed", {"order_status"}),
        ("nonsense", {"stock_report", "highlight", "order_status"}),
    ],
)
def test_calls_are_found_by_what_became_of_them(
    admin_client, anna, what, names
) -> None:
    turn = Turn.begin(thread_of(anna), "Again", depth=2)
    turn.call("order_status", output={})
    turn.call("stock_report", status="failed", error_code="tool_error")
    turn.call("highlight", status="waiting", executor="client")

    assert {call.name for call in found(admin_client, CALLS, what=what)} == names


def test_the_newest_are_enough_and_what_is_older_is_on_the_next_page(
    admin_client, anna, monkeypatch
) -> None:
    monkeypatch.setattr("chatkit_app.admin.happenings.MOST", 2)
    threads = [thread_of(anna, days=days, status="failed") for days in (3, 2, 1)]

    first = found(admin_client, THREADS, what="failed")
    last = first[-1]
    older = f"{last.last_activity_at.isoformat()}~{last.pk}"

    assert first == [threads[2], threads[1]]
    assert found(admin_client, THREADS, what="failed", older=older) == [threads[0]]


def test_words_that_name_nothing_change_nothing(admin_client, other) -> None:
    for query in ({"what": "nonsense"}, {"assistant": ""}, {"tool": ""}):
        assert found(admin_client, THREADS, **query) == [other]
