"""Budgets: what is refused, what ends, who is told; and that two at once can't both have the last."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import timedelta
from decimal import Decimal
from typing import Any
from uuid import uuid4

import pytest
from django.contrib.auth import get_user_model
from django.contrib.auth.models import Group
from django.core.exceptions import ImproperlyConfigured
from django.utils import timezone

from chatkit_app.api.errors import answer_to
from chatkit_app.engine.viewer import Viewer
from chatkit_app.exceptions import BudgetSpent
from chatkit_app.models import Command, Message, Run, Step, Thread, Usage
from chatkit_app.protocols.native import error_frame
from chatkit_app.runs import budgets, usage
from chatkit_app.runs.budgets import _today
from chatkit_app.signals import budget_nearly_spent, budget_spent
from chatkit_app.threads.erase import erase_own
from tests.runs.desk import (
    a_visitor,
    answer,
    calls_of,
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


def use_up(key: str, *, days: int = 0, **used: Any) -> None:
    day = _today() - timedelta(days=days)
    names = {"assistant": "test", **used}
    Usage.objects.create(owner_key=key, day=day, **names)


def refused(viewer: Viewer, text: str = "say Hi.") -> BudgetSpent:
    with pytest.raises(BudgetSpent) as caught:
        say(viewer, text)
    return caught.value


@pytest.fixture
def told() -> Iterator[list[tuple[str, dict[str, Any]]]]:
    found: list[tuple[str, dict[str, Any]]] = []

    def spent(**what: Any) -> None:
        found.append(("spent", what))

    def nearly(**what: Any) -> None:
        found.append(("nearly", what))

    budget_spent.connect(spent)
    budget_nearly_spent.connect(nearly)
    yield found
    budget_spent.disconnect(spent)
    budget_nearly_spent.disconnect(nearly)


def a_user(name: str, *groups: str) -> Viewer:
    user = get_user_model().objects.create_user(name)
    for group in groups:
        user.groups.add(Group.objects.get_or_create(name=group)[0])
    return Viewer(user=user)


def test_the_message_after_the_last_one_is_refused_until_midnight(settings) -> None:
    settings.CHATKIT_BUDGETS = [{"who": "viewer", "per": "day", "messages": 1}]
    viewer = a_visitor()
    carried(viewer, "say Hi.")

    error = refused(viewer)

    assert str(error) == "You have used up your budget for today."
    assert 0 < error.retry_after <= 86_400
    assert (Thread.objects.count(), Command.objects.count()) == (1, 1)
    carried(a_visitor(), "say Hi.")  # another's is another's


def test_a_message_counts_before_anything_of_it_is_carried(settings) -> None:
    settings.CHATKIT_BUDGETS = [{"who": "viewer", "per": "day", "messages": 1}]
    viewer = a_visitor()
    started(viewer, "say Hi.")

    refused(viewer)


def test_a_refusal_speaks_the_viewers_language_and_says_when(settings) -> None:
    settings.CHATKIT_BUDGETS = [{"who": "visitors", "per": "month", "messages": 0}]
    error = refused(Viewer(visitor=uuid4(), language="de"))

    assert str(error) == "Das Budget des Assistenten für diesen Monat ist aufgebraucht."
    assert '"retryMs":' in error_frame(error)
    response = answer_to(error, {})
    assert response is not None
    assert (response.status_code, response.data["code"]) == (429, "budget_spent")
    assert response.data["retryMs"] > 0


@pytest.mark.parametrize("who", ["viewer", "visitors", "everybody"])
def test_of_two_messages_at_once_one_gets_the_last(settings, who: str) -> None:
    settings.CHATKIT_BUDGETS = [{"who": who, "per": "day", "messages": 1}]
    viewer = a_visitor()
    viewers = [viewer if who == "viewer" else a_visitor() for _ in range(4)]

    found = together([lambda one=one: say(one, "say Hi.") for one in viewers])

    assert sum(isinstance(one, BudgetSpent) for one in found) == 3
    assert Run.objects.count() == 1


def test_counting_while_others_ask_lets_nobody_slip_through(settings) -> None:
    settings.CHATKIT_BUDGETS = [{"who": "viewer", "per": "day", "messages": 1}]
    viewer = a_visitor()
    run = started(viewer, "say Hi.")

    found = together(
        [lambda: usage.count(run.pk), *[lambda: say(viewer, "say Ho.")] * 3]
    )

    assert sum(isinstance(one, BudgetSpent) for one in found) == 3


@pytest.mark.parametrize(
    ("budget", "used"),
    [
        ({"tokens": 100}, {"input_tokens": 60, "output_tokens": 40}),
        ({"money": "0.5"}, {"cost": Decimal("0.5")}),
        ({"messages": 2}, {"messages": 2}),
    ],
)
@pytest.mark.parametrize(("per", "days"), [("day", 0), ("month", 0)])
def test_each_kind_of_limit_refuses(
    settings, budget: dict[str, Any], used: dict[str, Any], per: str, days: int
) -> None:
    settings.CHATKIT_BUDGETS = [{"who": "viewer", "per": per, **budget}]
    viewer = a_visitor()
    use_up(viewer.key, days=days, **used)

    refused(viewer)


def test_what_was_used_before_the_period_does_not_count(settings) -> None:
    settings.CHATKIT_BUDGETS = [
        {"who": "viewer", "per": "day", "messages": 1},
        {"who": "viewer", "per": "month", "messages": 1},
    ]
    viewer = a_visitor()
    use_up(viewer.key, days=32, messages=5)

    assert say(viewer, "say Hi.")["run"]


def test_groups_have_budgets_for_each_member_or_for_all_together(settings) -> None:
    settings.CHATKIT_BUDGETS = [
        {"who": "member", "group": "trial", "per": "day", "messages": 1},
        {"who": "group", "group": "sales", "per": "day", "messages": 1},
    ]
    ann, bob = a_user("ann", "trial"), a_user("bob", "trial")
    cleo, dan, eve = a_user("cleo", "sales"), a_user("dan", "sales"), a_user("eve")
    for viewer in (ann, bob, cleo, eve, eve):
        carried(viewer, "say Hi.")

    refused(ann)
    refused(bob)
    refused(dan)
    assert Run.objects.count() == 5


def test_a_budget_of_one_assistant_leaves_the_others_alone(settings) -> None:
    settings.CHATKIT_BUDGETS = [
        {"who": "everybody", "assistant": "other", "per": "day", "messages": 0}
    ]

    assert say(a_visitor(), "say Hi.")["run"]


def test_users_and_visitors_have_budgets_of_their_own(settings) -> None:
    settings.CHATKIT_BUDGETS = [
        {"who": "visitor", "per": "day", "messages": 0},
        {"who": "user", "per": "day", "messages": 1},
    ]
    ann = a_user("ann")

    refused(a_visitor())
    say(ann, "say Hi.")
    refused(ann)


def test_the_visitors_common_budget_stays_spent_whoever_erases_all(settings) -> None:
    settings.CHATKIT_BUDGETS = [{"who": "visitors", "per": "day", "tokens": 10}]
    visitor = a_visitor()
    use_up(visitor.key, input_tokens=10)

    erase_own(visitor)

    refused(visitor)


def test_trying_again_is_refused_as_well(settings) -> None:
    viewer = a_visitor()
    run = carried(viewer, "fail rejected")
    settings.CHATKIT_BUDGETS = [{"who": "viewer", "per": "day", "messages": 1}]

    with pytest.raises(BudgetSpent):
        retry(viewer, run)
    assert Run.objects.get().status == "failed"


def test_a_run_ends_before_what_it_called_begins_and_keeps_what_it_said(
    settings,
) -> None:
    settings.CHATKIT_BUDGETS = [{"who": "viewer", "per": "day", "tokens": 1}]

    run = carried(a_visitor(), 'say One moment.\ncall add {"a": 1, "b": 2}')

    assert (run.status, run.error_code) == ("failed", "budget_spent")
    assert run.error_text == "You have used up your budget for today."
    [call] = calls_of(run)
    assert (call.status, call.starts) == ("cancelled", 0)
    assert Message.objects.get(pk=run.answer_id).text == "One moment."


def test_the_last_answer_that_the_budget_pays_for_is_whole(settings) -> None:
    settings.CHATKIT_BUDGETS = [{"who": "viewer", "per": "day", "tokens": 1}]

    assert carried(a_visitor(), "say All of it.").status == "completed"


def test_a_run_that_comes_back_from_a_pause_finds_its_budget_spent(settings) -> None:
    settings.CHATKIT_BUDGETS = [{"who": "viewer", "per": "day", "tokens": 10_000}]
    viewer = a_visitor()
    run = carried(viewer, "call read_selection")
    use_up(viewer.key, model_name="other", input_tokens=10_000)

    answer(viewer, calls_of(run)[0])
    run = carry(run)

    assert (run.status, run.error_code) == ("failed", "budget_spent")
    assert calls_of(run)[0].status == "completed"
    assert Step.objects.filter(run=run).count() == 1


def test_the_site_is_told_once_when_little_and_when_nothing_is_left(
    settings, told
) -> None:
    settings.CHATKIT_BUDGETS = [{"who": "viewer", "per": "day", "messages": 5}]
    viewer = a_visitor()

    for _ in range(5):
        carried(viewer, "say Hi.")
    refused(viewer)
    refused(viewer)

    assert [(name, what["used"], what["allowed"]) for name, what in told] == [
        ("nearly", 4, 5),
        ("spent", 5, 5),
    ]
    assert told[0][1]["owner_key"] == viewer.key
    assert told[0][1]["budget"] == settings.CHATKIT_BUDGETS[0]
    assert told[0][1]["until"] > timezone.now()


def test_of_many_who_spend_a_shared_budget_at_once_one_is_told_of(
    settings, told
) -> None:
    settings.CHATKIT_BUDGETS = [{"who": "visitors", "per": "day", "messages": 6}]
    runs = [started(a_visitor(), "say Hi.") for _ in range(6)]

    together([lambda run=run: usage.count(run.pk) for run in runs])

    assert [name for name, _what in told] == ["nearly", "spent"]
    assert {what["owner_key"] for _name, what in told} == {""}


def test_a_receiver_that_fails_stops_nothing(settings) -> None:
    settings.CHATKIT_BUDGETS = [{"who": "viewer", "per": "day", "messages": 1}]

    def fail(**_what: Any) -> None:
        raise RuntimeError("no")

    budget_spent.connect(fail)
    try:
        run = carried(a_visitor(), "say Hi.")
    finally:
        budget_spent.disconnect(fail)

    assert run.status == "completed"
    assert fresh(run).counted_at is not None


def test_a_budget_that_makes_no_sense_lets_nobody_in(settings) -> None:
    settings.CHATKIT_BUDGETS = [{"who": "nobody", "per": "day", "messages": 1}]

    with pytest.raises(ImproperlyConfigured, match="'who' is one of"):
        say(a_visitor(), "say Hi.")
    assert not Run.objects.exists()


def test_without_budgets_nothing_is_asked(
    django_assert_num_queries: Callable[[int], Any],
) -> None:
    with django_assert_num_queries(0):
        budgets.check(a_visitor(), "test")
