"""The tool calls of my threads, over HTTP."""

from __future__ import annotations

from uuid import uuid4

import pytest

from chatkit_app.models import ToolCall
from tests.api.people import API, ids, walk
from tests.history_rows import Turn, make_thread

pytestmark = pytest.mark.django_db

CALLS = f"{API}tool-calls/"


@pytest.fixture
def turn(anna) -> Turn:
    return Turn.begin(make_thread(anna), "Where is it?", depth=0)


def test_a_call_tells_what_was_called_and_what_came_of_it(page, turn) -> None:
    call = turn.call("order", input={"number": 1042}, output={"status": "<b>sent</b>"})

    told = page.get(f"{CALLS}{call.pk}/").json()

    assert told["createdAt"].endswith("Z")
    assert {name: told[name] for name in ("name", "input", "output", "error")} == {
        "name": "order",
        "input": {"number": 1042},
        "output": {"status": "<b>sent</b>"},
        "error": None,
    }
    assert (told["thread"], told["run"]) == (
        str(turn.run.thread_id),
        str(turn.run.pk),
    )


def test_calls_are_narrowed_by_what_became_of_them(page, turn) -> None:
    done = turn.call("order", output={})
    failed = turn.call("order", status="failed", error_code="boom", error_text="No.")
    waits = turn.call("page", status="waiting", executor="client")

    def found(**query: object) -> set[str]:
        return set(ids(page.get(CALLS, query)))

    assert found() == {str(call.pk) for call in (done, failed, waits)}
    assert found(open="true") == {str(waits.pk)}
    assert found(open="false", failed="false") == {str(done.pk)}
    assert found(failed="true") == {str(failed.pk)}
    assert found(tool="page") == {str(waits.pk)}
    assert found(thread=turn.run.thread_id, run=turn.run.pk) == found()
    assert found(thread=uuid4()) == set()


def test_a_call_that_was_taken_back_is_not_told(page, turn) -> None:
    turn.begin_step(1, status="void")
    void = turn.call("order", output={})

    assert ids(page.get(CALLS)) == []
    assert page.get(f"{CALLS}{void.pk}/").json()["code"] == "call_not_found"


def test_the_calls_of_others_are_as_good_as_missing(page, berta) -> None:
    theirs = Turn.begin(make_thread(berta), "Hi", depth=0).call("order", output={})

    assert ids(page.get(CALLS)) == []
    assert page.get(f"{CALLS}{theirs.pk}/").status_code == 404


def test_the_number_of_queries_does_not_grow_with_the_calls(
    page, turn, django_assert_num_queries
) -> None:
    for _ in range(12):
        turn.call("order", output={})

    for size in (1, 10):
        with django_assert_num_queries(3):  # session, user, calls with their runs
            page.get(CALLS, {"page_size": size})
    assert len(walk(page, f"{CALLS}?page_size=5", "next")) == ToolCall.objects.count()
