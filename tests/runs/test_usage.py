"""What was used is summed up once, whatever dies in between."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal
from typing import Any
from uuid import uuid4

import pytest
from django.contrib.auth import get_user_model
from django.db import OperationalError
from django.db.models import Sum
from django.utils import timezone

from chatkit_app.engine.provider import Usage as ProvidersUsage
from chatkit_app.engine.viewer import Viewer
from chatkit_app.exceptions import ProviderError, ProviderRejected, ProviderUnavailable
from chatkit_app.models import Run, Step, Usage
from chatkit_app.providers.scripted import Fail, Say, Script, ScriptedProvider
from chatkit_app.registry import providers
from chatkit_app.runs import usage
from chatkit_app.threads.adopt import adopt
from tests.history_rows import Turn, make_thread
from tests.runs.desk import (
    a_visitor,
    carried,
    carry,
    fresh,
    retry,
    say,
    started,
    together,
)

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.usefixtures("recorded"),
]

PRICES = {"model-one": {"input": 1, "cached": "0.1", "output": 10}}
# 180 fresh, 1024 cached, 210 out: by a million
COST = (180 + Decimal("102.4") + 2100) / 1_000_000


def sums(**where: Any) -> dict[str, Any]:
    names = ("messages", "steps", "input_tokens", "output_tokens", "cost")
    found = Usage.objects.filter(**where).aggregate(**{n: Sum(n) for n in names})
    return {name: found[name] or 0 for name in names}


@pytest.fixture
def turn(settings) -> Turn:
    settings.CHATKIT_PRICES = PRICES
    return Turn.begin(make_thread(uuid4()), "Hi", depth=0)


def test_an_answer_and_its_steps_are_counted_by_whom_and_what() -> None:
    viewer = a_visitor()
    run = carried(viewer, 'call add {"a": 1, "b": 2}\n---\nsay Three.')

    [row] = Usage.objects.all()
    steps = Step.objects.filter(run=run)
    assert (row.owner_key, row.assistant, row.day) == (
        viewer.key,
        "test",
        timezone.now().date(),
    )
    assert (row.messages, row.steps) == (1, 2)
    assert row.input_tokens == sum(step.input_tokens for step in steps) > 0
    assert row.output_tokens == sum(step.output_tokens for step in steps) > 0
    assert all(step.counted_at for step in steps)


def test_a_price_that_is_known_is_the_steps_the_runs_and_the_days(turn: Turn) -> None:
    turn.begin_step(1)
    usage.count(turn.run.pk)

    assert fresh(turn.run).cost == 2 * COST
    assert {step.cost for step in Step.objects.all()} == {COST}
    assert sums()["cost"] == 2 * COST


def test_a_price_that_nobody_knows_is_none_and_adds_nothing(
    turn: Turn, settings
) -> None:
    settings.CHATKIT_PRICES = {}
    usage.count(turn.run.pk)

    assert fresh(turn.run).cost is None
    assert Step.objects.get().cost is None
    assert (sums()["cost"], sums()["steps"]) == (0, 1)


def test_counting_again_changes_nothing(turn: Turn) -> None:
    usage.count(turn.run.pk)
    before = sums()
    usage.count(turn.run.pk)

    assert sums() == before
    assert (before["messages"], before["steps"]) == (1, 1)


def test_of_two_processes_one_counts(turn: Turn) -> None:
    for number in range(1, 6):
        turn.begin_step(number)

    together([lambda: usage.count(turn.run.pk)] * 4)

    assert (sums()["messages"], sums()["steps"]) == (1, 6)
    assert fresh(turn.run).cost == 6 * COST


def test_many_runs_of_one_viewer_lose_nothing_at_once(turn: Turn) -> None:
    owner = uuid4()
    turns = [Turn.begin(make_thread(owner), "Hi", depth=0) for _ in range(6)]

    together([lambda run=one.run.pk: usage.count(run) for one in turns])

    assert sums(owner_key=f"v:{owner}")["steps"] == 6


@pytest.mark.parametrize("broken", ["_add", "_note", "_mark"])
def test_a_process_that_dies_in_the_middle_neither_loses_nor_doubles(
    turn: Turn, monkeypatch: pytest.MonkeyPatch, broken: str
) -> None:
    def die(*_args: object) -> None:
        raise OperationalError("gone")

    with monkeypatch.context() as patched:
        patched.setattr(usage, broken, die)
        with pytest.raises(OperationalError):
            usage.count(turn.run.pk)
    assert sums()["steps"] == 0
    assert not Step.objects.exclude(counted_at=None).exists()

    usage.count(turn.run.pk)

    assert (sums()["messages"], sums()["steps"]) == (1, 1)


def test_a_count_that_fails_fails_no_run_and_a_sweep_makes_up_for_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def die(*_args: object) -> None:
        raise OperationalError("gone")

    with monkeypatch.context() as patched:
        patched.setattr(usage, "count", die)
        run = carried(a_visitor(), "say Hi.")
    assert run.status == "completed"
    assert usage.uncounted(10) == []  # its own process may still be at it

    past = timezone.now() - timedelta(minutes=1)
    Step.objects.update(finished_at=past)
    Run.objects.update(created_at=past)
    [left] = usage.uncounted(10)
    usage.count(left)

    assert (sums()["messages"], sums()["steps"]) == (1, 1)
    assert usage.uncounted(10) == []


def test_an_attempt_that_was_taken_back_and_one_that_failed_count_as_steps() -> None:
    carried(a_visitor(), "say Half\nbreak 1 counted-once\nsay Whole.")
    carried(a_visitor(), "fail rejected")

    assert (sums()["messages"], sums()["steps"]) == (2, 3)


def failing(error: ProviderError, tokens: int) -> Script:
    error.usage = ProvidersUsage(input_tokens=tokens, output_tokens=1)
    return (Say("Half"), Fail(error))


def make_failing_provider() -> ScriptedProvider:
    """Its first attempt breaks off, the second one is refused; both were counted."""
    attempts = iter(
        [
            failing(ProviderUnavailable("It broke off."), 100),
            failing(ProviderRejected("No."), 50),
        ]
    )
    return ScriptedProvider(lambda _request: next(attempts))


def test_what_a_provider_has_counted_of_a_failure_counts(settings) -> None:
    settings.CHATKIT_PROVIDERS = {
        "default": {"BACKEND": "tests.runs.test_usage.make_failing_provider"}
    }
    providers.clear()
    run = carried(a_visitor(), "Hi")

    void, failed = Step.objects.filter(run=run).order_by("attempt")
    assert (void.status, void.input_tokens) == ("void", 100)
    assert (failed.status, failed.input_tokens) == ("failed", 50)
    assert (sums()["steps"], sums()["input_tokens"], sums()["output_tokens"]) == (
        2,
        150,
        2,
    )
    providers.clear()


def test_an_answer_that_is_tried_again_is_another_message() -> None:
    viewer = a_visitor()
    run = carried(viewer, "fail rejected")
    carry(Run.objects.get(pk=retry(viewer, run)["run"]))

    assert sums(owner_key=viewer.key)["messages"] == 2


def test_what_the_staff_have_tried_again_is_the_owners() -> None:
    ann = Viewer(user=get_user_model().objects.create_user("ann"))
    run = Run.objects.get(pk=say(ann, "say Hi.")["run"])

    assert usage.owner_key(run) == ann.key


def test_what_runs_while_its_visitor_logs_in_is_the_users() -> None:
    visitor = a_visitor()
    run = started(visitor, "say Hello.")
    ann = get_user_model().objects.create_user("ann")
    adopt(visitor.visitor, ann)

    carry(run)

    assert set(Usage.objects.values_list("owner_key", flat=True)) == {f"u:{ann.pk}"}


def test_a_run_that_is_gone_is_not_counted() -> None:
    usage.count(uuid4())

    assert not Usage.objects.exists()


def test_a_step_counts_for_the_day_on_which_it_ended(turn: Turn) -> None:
    noon = timezone.now().replace(hour=12) - timedelta(days=3)
    Step.objects.update(finished_at=noon)
    usage.count(turn.run.pk)

    assert sums(day=noon.date())["steps"] == 1
    assert sums(day=timezone.now().date())["messages"] == 1
