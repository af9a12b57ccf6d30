"""How runs have ended is tallied once each, whatever dies in between; and it is nobody's."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from itertools import pairwise
from typing import Any
from uuid import uuid4

import pytest
from django.db import OperationalError, models
from django.db.models import Sum
from django.utils import timezone

from chatkit_app.models import Interrupt, Run, Step, Tally, ToolCall
from chatkit_app.runs import tallying
from chatkit_app.runs.carrying import Carrier
from chatkit_app.runs.sweeping import Sweeper
from chatkit_app.runs.tallying import BOUNDS, bucket_of
from chatkit_app.runs.working_jobs import WorkingJobs
from chatkit_app.threads import erase
from tests.history_rows import Turn, make_thread
from tests.runs.desk import (
    a_visitor,
    cancel,
    carried,
    carry,
    fresh,
    retry,
    started,
    together,
)

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.usefixtures("recorded"),
]

AT = datetime(2026, 3, 1, 12, 59, 59, tzinfo=UTC)
HOUR = datetime(2026, 3, 1, 12, tzinfo=UTC)


def tallies(metric: str = "", **where: Any) -> dict[str, int]:
    """Counts by label, of all buckets."""
    rows = Tally.objects.filter(**({"metric": metric} if metric else {}), **where)
    named = rows.values_list("label").annotate(n=Sum("count"))
    return dict(named.order_by("label"))


@pytest.fixture
def turn() -> Turn:
    return Turn.begin(make_thread(uuid4()), "Hi", depth=0)


def ended(turn: Turn, status: str = "completed", **fields: object) -> Run:
    turn.end(status, **{"finished_at": AT, **fields})
    return turn.run


@pytest.fixture(autouse=True)
def _ends_when_it_says(monkeypatch: pytest.MonkeyPatch) -> None:
    """``Turn.end`` ends a run after some seconds; here at a time of ours."""

    def end(self: Turn, status: str = "completed", **fields: Any) -> None:
        Run.objects.filter(pk=self.run.pk).update(status=status, **fields)

    monkeypatch.setattr(Turn, "end", end)


def test_a_run_that_has_been_carried_to_its_end_is_tallied_with_its_tools() -> None:
    run = carried(a_visitor(), 'call add {"a": 1, "b": 2}\n---\nsay Three.')

    assert fresh(run).tallied_at is not None
    assert tallies("run") == {"completed": 1}
    assert tallies("tool") == {"completed add": 1}
    assert tallies("steps") == {"complete": 2}
    assert tallies("first_token") == {"": 1}
    assert set(Tally.objects.values_list("assistant", "tenant")) == {("test", "")}


def test_a_run_that_only_pauses_is_not_tallied_before_its_end() -> None:
    viewer = a_visitor()
    run = carried(viewer, "call read_selection")
    assert run.status == "requires_action"
    assert not Tally.objects.exists()

    cancel(viewer, run)
    tallying.tally(run.pk)

    assert tallies("run") == {"cancelled": 1}
    assert tallies("tool") == {"cancelled read_selection": 1}


def test_it_goes_to_the_hour_in_which_it_ended(turn: Turn) -> None:
    tallying.tally(ended(turn).pk)

    assert set(Tally.objects.values_list("hour", flat=True)) == {HOUR}


def test_why_a_run_failed_is_part_of_its_label(turn: Turn) -> None:
    tallying.tally(ended(turn, "failed", error_code="provider_rejected").pk)

    assert tallies("run") == {"failed provider_rejected": 1}


def test_the_first_token_is_waited_for_from_the_question_on(turn: Turn) -> None:
    began = AT - timedelta(seconds=60)
    Run.objects.update(created_at=began)
    Step.objects.update(first_token_at=began + timedelta(seconds=4))
    turn.begin_step(1)

    tallying.tally(ended(turn).pk)

    [row] = Tally.objects.filter(metric="first_token")
    assert (row.bucket, row.count, row.total) == (bucket_of(4), 1, 4)


def test_a_run_without_a_token_has_no_first_one(turn: Turn) -> None:
    Step.objects.update(first_token_at=None)
    tallying.tally(ended(turn, "failed").pk)

    assert not Tally.objects.filter(metric="first_token").exists()


def test_what_requests_have_cost_is_told_by_model(turn: Turn, settings) -> None:
    settings.CHATKIT_PRICES = {"model-one": {"input": 1000, "output": 0}}
    turn.begin_step(1)
    Step.objects.filter(index=0).update(cost=Decimal("0.5"), counted_at=AT)

    tallying.tally(ended(turn).pk)

    [row] = Tally.objects.filter(metric="cost")
    assert (row.label, row.count) == ("model-one-2026", 2)
    assert row.total == Decimal("0.5") + Decimal("1.204")  # counted, and not yet


@pytest.mark.parametrize(
    ("status", "code", "outcome"),
    [
        ("completed", "", "completed"),
        ("failed", "tool_error", "failed"),
        ("failed", "client_error", "failed"),
        ("failed", "tool_timeout", "timed_out"),
        ("failed", "deadline", "timed_out"),
        ("failed", "invalid_arguments", "invalid"),
        ("failed", "outcome_unknown", "lost"),
        ("failed", "denied", "denied"),
        ("failed", "answered_instead", "denied"),
        ("failed", "not_permitted", "denied"),
        ("failed", "approval_expired", "expired"),
        ("failed", "question_expired", "expired"),
        ("cancelled", "superseded", "cancelled"),
    ],
)
def test_a_call_is_tallied_by_its_tool_and_how_it_ended(
    turn: Turn, status: str, code: str, outcome: str
) -> None:
    turn.call("refund", status=status, error_code=code)
    tallying.tally(ended(turn).pk)

    assert tallies("tool") == {f"{outcome} refund": 1}


def test_a_tool_that_has_worked_is_measured(turn: Turn) -> None:
    done = {"started_at": AT, "finished_at": AT + timedelta(seconds=2.5)}
    turn.call("refund", **done)
    turn.call("refund", **done)
    turn.call("refund", **{**done, "started_at": None})
    tallying.tally(ended(turn).pk)

    rows = Tally.objects.filter(metric="tool").order_by("bucket")
    assert list(rows.values_list("bucket", "count", "total")) == [
        (tallying.UNMEASURED, 1, 0),
        (bucket_of(2.5), 2, 5),
    ]


def test_a_pages_tool_takes_from_being_asked_to_its_answer(turn: Turn) -> None:
    call = turn.call("look", executor="client", finished_at=AT)
    turn.ask_page(call, status="answered")
    Interrupt.objects.update(created_at=AT - timedelta(seconds=9))
    tallying.tally(ended(turn).pk)

    assert Tally.objects.get(metric="tool").total == 9


def test_what_clocks_make_of_it_is_never_less_than_nothing(turn: Turn) -> None:
    turn.call("refund", started_at=AT, finished_at=AT - timedelta(seconds=2))
    tallying.tally(ended(turn).pk)

    row = Tally.objects.get(metric="tool")
    assert (row.bucket, row.total) == (1, 0)


def test_tools_that_there_are_not_have_one_name(turn: Turn) -> None:
    for number in range(5):
        name = f"<script>{number}"
        turn.call(name, executor="", status="failed", error_code="unknown_tool")
        turn.call(name, executor="", status="failed", error_code="cut_off")
    turn.call("<b>", executor="", status="cancelled", error_code="cancelled")
    turn.call("<i>", executor="", status="cancelled", error_code="step_voided")
    tallying.tally(ended(turn).pk)

    assert tallies("tool") == {
        "cancelled (unknown)": 1,
        "failed (unknown)": 5,
        "invalid (unknown)": 5,
    }


def test_what_a_page_calls_its_tools_is_not_kept(turn: Turn) -> None:
    tool = {"name": "zebra_of_anna", "description": "", "parameters": {}}
    Run.objects.filter(pk=turn.run.pk).update(client_tools=[tool])
    turn.call("zebra_of_anna", executor="client")
    turn.call("zebra_of_anna", executor="", status="failed", error_code="cut_off")
    turn.call("look", executor="client")
    tallying.tally(ended(turn).pk)

    assert tallies("tool") == {
        "completed (page)": 1,
        "completed look": 1,
        "invalid (page)": 1,
    }


def test_however_many_tools_there_are_the_labels_of_an_hour_are_bounded(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(tallying, "MOST_LABELS", 3)
    for first in (0, 2, 4):
        turn = Turn.begin(make_thread(uuid4()), "Hi", depth=0)
        for number in range(first, first + 4):
            turn.call(f"tool{number}")
        tallying.tally(ended(turn).pk)

    assert tallies("tool") == {
        "completed (other)": 8,
        "completed tool0": 1,
        "completed tool1": 1,
        "completed tool2": 2,
    }


def test_the_longest_name_fits(turn: Turn) -> None:
    turn.call("n" * 200, status="failed", error_code="tool_timeout")
    tallying.tally(ended(turn, "failed", error_code="e" * 64).pk)

    assert tallies("tool") == {"timed_out " + "n" * 200: 1}


def test_tallying_again_changes_nothing(turn: Turn) -> None:
    ended(turn)
    tallying.tally(turn.run.pk)
    before = list(Tally.objects.order_by("pk").values())
    tallying.tally(turn.run.pk)

    assert list(Tally.objects.order_by("pk").values()) == before


def test_of_two_processes_one_tallies(turn: Turn) -> None:
    turn.call("refund")
    ended(turn)

    together([lambda: tallying.tally(turn.run.pk)] * 4)

    assert tallies("run") == {"completed": 1}
    assert tallies("tool") == {"completed refund": 1}


def test_many_runs_of_one_hour_lose_nothing_at_once() -> None:
    turns = [Turn.begin(make_thread(uuid4()), "Hi", depth=0) for _ in range(6)]
    for number, turn in enumerate(turns):
        for name in ("a", "b") if number % 2 else ("b", "a"):
            turn.call(name)
        ended(turn)

    found = together([lambda run=one.run.pk: tallying.tally(run) for one in turns])

    assert found == [None] * 6
    assert tallies("run") == {"completed": 6}
    assert tallies("tool") == {"completed a": 6, "completed b": 6}


@pytest.mark.parametrize("broken", ["_mark", "_bounded", "_add"])
def test_a_process_that_dies_in_the_middle_neither_loses_nor_doubles(
    turn: Turn, monkeypatch: pytest.MonkeyPatch, broken: str
) -> None:
    def die(*_args: object) -> None:
        raise OperationalError("gone")

    ended(turn)
    with monkeypatch.context() as patched:
        patched.setattr(tallying, broken, die)
        with pytest.raises(OperationalError):
            tallying.tally(turn.run.pk)
    assert not Tally.objects.exists()
    assert fresh(turn.run).tallied_at is None

    tallying.tally(turn.run.pk)

    assert tallies("run") == {"completed": 1}


def test_a_process_that_dies_between_two_rows_leaves_none(
    turn: Turn, monkeypatch: pytest.MonkeyPatch
) -> None:
    add, added = tallying._add, []

    def die_later(key: Any, sum_: Any) -> None:
        if added:
            raise OperationalError("gone")
        added.append(key)
        add(key, sum_)

    ended(turn)
    with monkeypatch.context() as patched:
        patched.setattr(tallying, "_add", die_later)
        with pytest.raises(OperationalError):
            tallying.tally(turn.run.pk)

    assert added
    assert not Tally.objects.exists()
    assert tallying.untallied(10) == [turn.run.pk]


def test_a_tally_that_fails_fails_no_run_and_a_sweep_makes_up_for_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def die(*_args: object) -> None:
        raise OperationalError("gone")

    with monkeypatch.context() as patched:
        patched.setattr(tallying, "tally", die)
        run = carried(a_visitor(), "say Hi.")
    assert run.status == "completed"
    assert tallying.untallied(10) == []  # its own process may still be at it

    Run.objects.update(finished_at=timezone.now() - timedelta(minutes=1))
    sweep()

    assert tallies("run") == {"completed": 1}
    assert tallying.untallied(10) == []


def sweep() -> None:
    asyncio.run(Sweeper(Carrier(lambda: 0), WorkingJobs()).tally())


def test_what_ends_without_a_process_is_found_by_the_sweep() -> None:
    viewer = a_visitor()
    run = started(viewer, "say Hi.")
    cancel(viewer, run)
    Run.objects.update(finished_at=timezone.now() - timedelta(minutes=1))

    sweep()

    assert fresh(run).status == "cancelled"
    assert tallies("run") == {"cancelled": 1}


def test_one_run_that_can_t_be_tallied_stops_none_of_the_others_and_is_logged_once(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    odd, other = (Turn.begin(make_thread(uuid4()), "Hi", depth=0) for _ in range(2))
    ended(odd, finished_at=AT - timedelta(hours=1))
    ended(other)
    tally = tallying.tally

    def one_fails(run_id: Any) -> None:
        if run_id == odd.run.pk:
            raise ValueError("an odd row")
        tally(run_id)

    monkeypatch.setattr(tallying, "tally", one_fails)
    sweeper = Sweeper(Carrier(lambda: 0), WorkingJobs())
    asyncio.run(sweeper.tally())
    asyncio.run(sweeper.tally())

    assert tallies("run") == {"completed": 1}
    assert caplog.text.count("can't be tallied") == 1


def test_an_answer_that_is_tried_again_is_another_run() -> None:
    viewer = a_visitor()
    run = carried(viewer, "fail rejected")
    carry(Run.objects.get(pk=retry(viewer, run)["run"]))

    assert tallies("run") == {"failed provider_rejected": 2}


def test_the_record_of_a_run_in_a_fork_is_not_tallied_and_not_looked_at_again(
    turn: Turn,
) -> None:
    run = ended(turn, copy_of=uuid4())
    assert tallying.untallied(10) == [run.pk]

    sweep()

    assert not Tally.objects.exists()
    assert tallying.untallied(10) == []


def test_a_run_that_is_gone_is_not_tallied() -> None:
    tallying.tally(uuid4())

    assert not Tally.objects.exists()


def test_nothing_in_a_tally_is_anybodys_and_erasing_leaves_it(turn: Turn) -> None:
    call = turn.call("refund", arguments='{"card": "zebra"}', input={"card": "zebra"})
    ToolCall.objects.filter(pk=call.pk).update(error_text="zebra")
    tallying.tally(ended(turn, "failed", error_text="zebra").pk)
    before = list(Tally.objects.order_by("pk").values())
    assert "zebra" not in str(before)
    assert turn.run.thread.owner_key not in str(before)

    assert erase.erase_thread(turn.run.thread_id)
    assert not Run.objects.exists()

    assert list(Tally.objects.order_by("pk").values()) == before
    fields = Tally._meta.get_fields()
    assert not any(field.is_relation for field in fields)
    assert not any(isinstance(field, models.TextField | models.JSONField) for field in fields)  # fmt: skip
    assert {field.name for field in fields} == {
        *("id", "hour", "tenant", "assistant", "metric", "label", "bucket"),
        *("count", "total"),
    }


def test_a_time_is_in_the_bucket_that_reaches_up_to_it() -> None:
    assert bucket_of(0) == 1
    assert [bucket_of(bound) for bound in BOUNDS] == list(range(1, len(BOUNDS) + 1))
    assert bucket_of(BOUNDS[-1] + 1) == len(BOUNDS) + 1


def test_the_buckets_are_those_of_the_rows_that_are_there_already() -> None:
    assert (len(BOUNDS), BOUNDS[0], BOUNDS[-1]) == (24, 0.05, 300.0)
    assert list(BOUNDS) == sorted(BOUNDS)
    assert max(b / a for a, b in pairwise(BOUNDS)) <= 1.7
