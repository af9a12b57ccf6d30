"""How answers went, over HTTP; ending one, trying one again."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal

import pytest

from chatkit_app.models import Run, Step
from tests.api.people import API, ask, client_of, ids, walk
from tests.history_rows import NOON, Turn, add_turns, make_thread

pytestmark = pytest.mark.django_db

RUNS = f"{API}runs/"


def finished(thread, depth: int = 0) -> Run:
    turn = Turn.begin(thread, "Where is it?", depth=depth)
    turn.begin_step(1)
    turn.end()
    run = Run.objects.get(pk=turn.run.pk)
    Step.objects.filter(run=run).update(
        created_at=run.created_at + timedelta(seconds=0.25),
        first_token_at=run.created_at + timedelta(seconds=0.8),
        finished_at=run.created_at + timedelta(seconds=2),
        cost=Decimal("0.00123400"),
    )
    return run


def test_a_run_tells_what_it_took_and_what_it_cost(page, anna) -> None:
    thread = make_thread(anna)
    run = finished(thread)

    told = page.get(f"{RUNS}{run.pk}/").json()

    assert told["timings"] == {"queuedMs": 250, "firstTokenMs": 800, "totalMs": 3200}
    assert told["usage"] == {
        "inputTokens": 2408,
        "cachedTokens": 2048,
        "outputTokens": 420,
        "reasoningTokens": 128,
        "cost": "0.00246800",
    }
    assert (told["thread"], told["status"], told["error"]) == (
        str(thread.pk),
        "completed",
        None,
    )
    assert [step["index"] for step in told["steps"]] == [0, 1]
    assert told["steps"][0]["firstTokenMs"] == 550


def test_a_failed_run_tells_why(page, anna) -> None:
    turn = Turn.begin(make_thread(anna), "Hi", depth=0)
    turn.end("failed", error_code="provider_error", error_text="It broke off.")

    told = page.get(f"{RUNS}{turn.run.pk}/").json()

    assert told["error"] == {"code": "provider_error", "text": "It broke off."}


def test_runs_come_newest_first_page_by_page_and_narrowed(page, anna, berta) -> None:
    thread, other = make_thread(anna), make_thread(anna)
    for number in range(5):
        run = finished(thread, depth=2 * number)
        Run.objects.filter(pk=run.pk).update(created_at=NOON + timedelta(hours=number))
    failed = Turn.begin(other, "Hi", depth=0)
    failed.end("failed")
    finished(make_thread(berta))

    whole = walk(page, f"{RUNS}?page_size=2", "next")

    assert len(whole) == len(set(whole)) == 6
    assert ids(page.get(RUNS, {"status": "failed"})) == [str(failed.run.pk)]
    assert len(ids(page.get(RUNS, {"thread": thread.pk}))) == 5


def test_the_number_of_queries_does_not_grow_with_the_runs(
    page, anna, django_assert_num_queries
) -> None:
    thread = make_thread(anna)
    for number in range(12):
        finished(thread, depth=2 * number)

    for size in (1, 10):
        with django_assert_num_queries(4):  # session, user, runs, steps
            page.get(RUNS, {"page_size": size})


def test_a_run_is_ended_once_whoever_asks_again(page, anna, recorded) -> None:
    made = ask(
        page, "post", "messages/", {"id": "1", "assistant": "test", "text": "say Hi."}
    )
    path = f"runs/{made.json()['run']}/cancel/"

    first, second = (ask(page, "post", path, {"id": "2"}) for _ in range(2))

    assert first.status_code == 202
    assert first.json() == second.json()
    assert Run.objects.get().status == "cancelled"


def test_a_failed_answer_is_tried_again_beside_the_first(page, anna, recorded) -> None:
    thread = make_thread(anna, assistant="test")
    turn = Turn.begin(thread, "say Hi.", depth=0)
    turn.end("failed")

    again = ask(page, "post", f"runs/{turn.run.pk}/retry/", {"id": "1"})

    assert again.status_code == 202
    assert again.json()["run"] != str(turn.run.pk)
    assert Run.objects.get(pk=again.json()["run"]).prompt_id == turn.prompt.pk


def test_an_answer_that_did_not_fail_is_not_tried_again(page, anna, recorded) -> None:
    thread = make_thread(anna, assistant="test")
    run = finished(thread)

    answer = ask(page, "post", f"runs/{run.pk}/retry/", {"id": "1"})

    assert (answer.status_code, answer.json()["code"]) == (409, "run_conflict")


@pytest.mark.parametrize("tail", ["", "cancel/", "retry/"])
def test_the_run_of_others_is_as_good_as_missing(page, berta, tail) -> None:
    thread = make_thread(berta)
    add_turns(thread, 1)
    run = Run.objects.get()

    method = "post" if tail else "get"
    answer = ask(page, method, f"runs/{run.pk}/{tail}", {"id": "1"} if tail else None)

    assert (answer.status_code, answer.json()["code"]) == (404, "run_not_found")
    assert ids(page.get(RUNS)) == []
    assert ids(client_of(berta).get(RUNS)) == [str(run.pk)]


@pytest.mark.parametrize("body", [{}, {"id": ""}, {"id": 3}, {"id": "1", "run": "x"}])
def test_a_cancel_that_is_none_changes_nothing(page, anna, recorded, body) -> None:
    made = ask(
        page, "post", "messages/", {"id": "1", "assistant": "test", "text": "say Hi."}
    )

    answer = ask(page, "post", f"runs/{made.json()['run']}/cancel/", body)

    assert (answer.status_code, answer.json()["code"]) == (400, "invalid_command")
    assert Run.objects.get().status == "queued"
