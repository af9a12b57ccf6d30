from __future__ import annotations

import random
from datetime import timedelta
from decimal import Decimal
from uuid import uuid4

import pytest
from django.contrib.auth.models import AnonymousUser
from django.test import RequestFactory
from django.utils import timezone

from chatkit_app.admin import tallies
from chatkit_app.admin.tallies import Wanted, percentile
from chatkit_app.engine.states import FeedbackKind
from chatkit_app.models import Feedback, Run, Thread
from chatkit_app.runs.tallying import BOUNDS, UNMEASURED, bucket_of
from tests.admin.lists import make_user
from tests.admin.tallied import tallied
from tests.history_rows import Turn, make_thread

pytestmark = pytest.mark.django_db


@pytest.fixture
def wanted() -> Wanted:
    return Wanted(tenant="", since=timezone.now() - timedelta(hours=5))


@pytest.fixture
def request_(rf: RequestFactory):
    request = rf.get("/")
    request.user = make_user("root", is_staff=True, is_superuser=True)
    request.session = {}
    return request


def test_sums_of_other_tenants_assistants_and_times_are_none_of_these(wanted) -> None:
    tallied("run", "completed", 3)
    tallied("run", "completed", 5, assistant="shop")
    tallied("run", "completed", 7, tenant="blue")
    tallied("run", "completed", 9, at=timezone.now() - timedelta(hours=9))
    one = Wanted(tenant="", since=wanted.since, assistant="shop")

    assert sum(row.count for row in tallies.ended(wanted)) == 8
    assert sum(row.count for row in tallies.ended(one)) == 5


def test_a_tool_is_rated_by_what_was_its_own_fault(wanted) -> None:
    for label, count in (
        ("completed refund", 6),
        ("failed refund", 1),
        ("timed_out refund", 1),
        ("invalid refund", 1),
        ("lost refund", 1),
        ("denied refund", 50),
        ("expired refund", 50),
        ("cancelled refund", 50),
    ):
        tallied("tool", label, count)

    [found] = tallies.tools(wanted)
    assert (found.tool.name, found.tool.calls) == ("refund", 160)
    assert found.tool.error_rate == 0.4


def test_tools_that_fail_most_come_first_then_those_that_are_called_most(
    wanted,
) -> None:
    tallied("tool", "completed rare", 1)
    tallied("tool", "completed often", 9)
    tallied("tool", "failed bad", 1)
    tallied("tool", "completed bad", 1)
    tallied("tool", "denied never", 100)

    names = [found.tool.name for found in tallies.tools(wanted)]
    assert names == ["bad", "never", "often", "rare"]


def test_a_name_may_hold_spaces(wanted) -> None:
    tallied("tool", "failed <b> a name </b>")

    assert tallies.tools(wanted)[0].tool.name == "<b> a name </b>"


def test_money_is_told_by_hour_and_assistant(wanted) -> None:
    tallied("cost", "m1", 2, total=Decimal("0.25"))
    tallied("cost", "m2", 2, total=Decimal("0.5"))
    tallied("cost", "m1", 2, total=Decimal(1), assistant="shop")
    tallied("cost", "free", 2, assistant="free")

    found = {row.assistant: row.cost for row in tallies.costs(wanted)}
    assert found == {"test": Decimal("0.75"), "shop": 1}


def test_what_is_active_is_counted_by_status_and_of_seen_threads_alone(
    request_,
) -> None:
    for status, tenant in (("queued", ""), ("queued", "blue"), ("in_progress", "")):
        thread = make_thread(uuid4())
        Thread.objects.filter(pk=thread.pk).update(tenant=tenant)
        turn = Turn.begin(thread, "Hi", depth=0)
        Run.objects.filter(pk=turn.run.pk).update(status=status)

    assert tallies.active(request_) == {"queued": 1, "in_progress": 1}
    assert tallies.active(request_, "test") == {}
    request_.user = AnonymousUser()
    assert tallies.active(request_) == {}


def test_feedback_is_counted_so_far_and_of_seen_threads_alone(
    request_, monkeypatch, wanted
) -> None:
    for tenant in ("", "", "", "blue"):
        thread = make_thread(uuid4())
        Thread.objects.filter(pk=thread.pk).update(tenant=tenant)
        turn = Turn.begin(thread, "Hi", depth=0)
        Feedback.objects.create(message=turn.answer, owner_key="u:1", kind="down")

    def down(**more: str) -> int:
        return tallies.feedback(request_, FeedbackKind.DOWN, wanted.since, **more)

    assert down() == 3
    assert down(assistant="shop") == 3
    assert down(assistant="test") == 0
    assert tallies.feedback(request_, FeedbackKind.UP, wanted.since) == 0
    monkeypatch.setattr(tallies, "MOST_FEEDBACK", 1)
    assert down() == 2


@pytest.mark.parametrize("share", [0.5, 0.95])
def test_a_percentile_is_in_the_bucket_in_which_the_true_one_is(share: float) -> None:
    numbers = random.Random(7)  # noqa: S311 (the same each time)
    times = sorted(numbers.lognormvariate(0.5, 1) for _ in range(1000))
    buckets: dict[int, int] = {}
    for each in times:
        buckets[bucket_of(each)] = buckets.get(bucket_of(each), 0) + 1

    found = percentile(buckets, share)

    assert found is not None
    true = times[int(share * 1000) - 1]
    assert bucket_of(found.seconds) == bucket_of(true)
    assert found.seconds == pytest.approx(true, rel=0.25)


def test_of_one_time_the_middle_of_its_bucket_is_told_and_its_end() -> None:
    bucket = bucket_of(2.5)

    assert percentile({bucket: 1}, 0.5) == tallies.Time(seconds=2.5)
    assert percentile({bucket: 1}, 1.0) == tallies.Time(seconds=3.0)


def test_what_took_longer_than_the_last_bound_is_only_known_to_be_longer() -> None:
    found = percentile({len(BOUNDS) + 1: 3}, 0.5)

    assert found == tallies.Time(seconds=300.0, is_over=True)


def test_what_was_not_measured_has_no_part_in_it() -> None:
    assert percentile({UNMEASURED: 9}, 0.5) is None
    assert percentile({}, 0.5) is None
    assert percentile({UNMEASURED: 90, 1: 1}, 0.5) == tallies.Time(seconds=0.025)
