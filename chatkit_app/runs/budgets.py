"""Budgets: whether anything is left of what somebody may use in a day or a month.

A message is refused, and the next step of a run not asked for, where nothing is left. What is used is
what ``runs/usage.py`` has summed up; of messages those count, too, that were taken a moment ago.
"""

from __future__ import annotations

from datetime import UTC, date
from decimal import Decimal
from typing import Any

from django.contrib.auth import get_user_model
from django.db import transaction
from django.db.models import CharField, IntegerField, Q, QuerySet, Sum, Value
from django.db.models.functions import Cast, Concat
from django.dispatch import Signal
from django.utils import timezone
from django.utils.translation import pgettext

from chatkit_app.conf import settings
from chatkit_app.db import one_at_a_time
from chatkit_app.engine.viewer import Viewer
from chatkit_app.exceptions import BudgetSpent
from chatkit_app.models import Run, Usage
from chatkit_app.runs.briefing import in_language
from chatkit_app.runs.declared_budgets import (
    Budget,
    Per,
    Spent,
    Used,
    Who,
    applying,
    midnight,
)
from chatkit_app.signals import budget_nearly_spent, budget_spent

NEARLY = Decimal("0.8")
"""The part of a budget after which the site is told that it is nearly spent."""

VISITORS = "v:"
ERASED = "x:"
"""Begins the pseudonyms of those who have erased what was theirs; then comes ``VISITORS`` for a visitor's."""


def pseudonym(name: str, *, is_visitor: bool) -> str:
    """The owner's key of what somebody has used who was erased.

    A visitor's stays one of a visitor: the visitors' common budget is as spent as before.
    """
    return f"{ERASED}{VISITORS if is_visitor else ''}{name}"


def check(viewer: Viewer, assistant: str) -> None:
    """Before an answer is begun, at the end of what its transaction locks.

    Raises:
        BudgetSpent: Nothing is left.
    """
    found = list(applying(viewer, assistant))
    # Of two messages at once the second one counts the first, and none is just being counted.
    _lock([budget for budget in found if budget.messages is not None], viewer)
    for budget in found:
        used = _used(budget, viewer, _today())
        _check(viewer, budget, _with_waiting(budget, viewer, used))


def check_step(viewer: Viewer, assistant: str) -> None:
    """Before a run goes on: its own message was taken, tokens and money must be left.

    Raises:
        BudgetSpent: Nothing is left.
    """
    for budget in applying(viewer, assistant):
        used = _used(budget, viewer, _today())
        _check(viewer, budget, Used(messages=-1, tokens=used.tokens, money=used.money))


def overview(viewer: Viewer) -> list[dict[str, Any]]:
    """The viewer's budgets as JSON: docs/budgets.md has the shape.

    Of those that they share with others it says whether they are spent, and no more.
    """
    return [_as_json(viewer, budget) for budget in applying(viewer)]


def note(tenant: str, owner_key: str, assistant: str, day: date, spent: Spent) -> None:
    """Tell the site, after the commit, of budgets that ``spent`` has brought near to or over their end.

    It has been added in this very transaction. Those who add to one budget wait for each other here,
    so that exactly one of them sees it cross the line.
    """
    if not settings.BUDGETS:
        return
    viewer = _viewer(tenant, owner_key)
    found = list(applying(viewer, assistant))
    _lock(found, viewer)
    for budget in found:
        _tell_crossing(budget, viewer, day, spent)


def _tell_crossing(budget: Budget, viewer: Viewer, day: date, spent: Spent) -> None:
    used = _used(budget, viewer, day)
    before = {name: was for name, _, was in budget.limits(used.before(spent))}
    for name, allowed, found in budget.limits(used):
        told = {
            "budget": budget.declared,
            "limit": name,
            "used": found,
            "allowed": allowed,
            "until": budget.per.until(day),
            "tenant": viewer.tenant,
            "owner_key": "" if budget.is_shared else viewer.key,
        }
        if before[name] < allowed <= found:
            _send(budget_spent, told)
        elif before[name] < NEARLY * allowed <= found < allowed:
            _send(budget_nearly_spent, told)


def _send(signal: Signal, told: dict[str, Any]) -> None:
    transaction.on_commit(lambda: signal.send_robust(sender=Usage, **told))


def _lock(found: list[Budget], viewer: Viewer) -> None:
    """Let others wait who draw on the same budgets; in one order, whoever locks them."""
    for whose in sorted({_whose(budget, viewer) for budget in found}):
        one_at_a_time(f"chatkit usage {viewer.tenant} {whose}")


def _whose(budget: Budget, viewer: Viewer) -> str:
    if not budget.is_shared:
        return viewer.key
    return f"{budget.who} {budget.group} {budget.assistant} {budget.per}"


def _viewer(tenant: str, owner_key: str) -> Viewer:
    """Whoever the key of a row stands for; a user who is gone is in no group any more."""
    user = None
    if owner_key.startswith("u:"):
        users = get_user_model()._default_manager
        user = users.filter(pk=owner_key.removeprefix("u:")).first()
    visitor: Any = owner_key.removeprefix(VISITORS) if user is None else None
    return Viewer(user=user, visitor=visitor, tenant=tenant)


def _used(budget: Budget, viewer: Viewer, day: date) -> Used:
    rows = Usage.objects.filter(
        tenant=viewer.tenant,
        day__gte=budget.per.begin(day),
        day__lt=budget.per.end(day),
    )
    if budget.assistant:
        rows = rows.filter(assistant=budget.assistant)
    found = _of(budget, viewer, rows).aggregate(
        messages=Sum("messages"),
        tokens_in=Sum("input_tokens"),
        tokens_out=Sum("output_tokens"),
        money=Sum("cost"),
    )
    return Used(
        messages=found["messages"] or 0,
        tokens=(found["tokens_in"] or 0) + (found["tokens_out"] or 0),
        money=found["money"] or Decimal(0),
    )


def _of(budget: Budget, viewer: Viewer, rows: QuerySet[Usage]) -> QuerySet[Usage]:
    match budget.who:
        case Who.EVERYBODY:
            return rows
        case Who.VISITORS:
            gone = Q(owner_key__startswith=ERASED + VISITORS)
            return rows.filter(Q(owner_key__startswith=VISITORS) | gone)
        case Who.GROUP:
            return rows.filter(owner_key__in=_keys_of(budget.group))
        case _:
            return rows.filter(owner_key=viewer.key)


def _keys_of(group: str) -> QuerySet[Any] | list[str]:
    """The owner's keys of a group's members; of users with numbers the database makes them itself."""
    users = get_user_model()
    members = users._default_manager.filter(groups__name=group).values_list("pk")
    if not isinstance(
        users._meta.pk, IntegerField
    ):  # databases write others differently
        return [f"u:{pk}" for (pk,) in members]
    number = Cast("pk", CharField())
    return members.annotate(key=Concat(Value("u:"), number)).values_list("key")


def _with_waiting(budget: Budget, viewer: Viewer, used: Used) -> Used:
    """The same with the messages that were taken and not counted yet."""
    if budget.messages is None:
        return used
    runs = Run.objects.filter(
        thread__tenant=viewer.tenant,
        counted_at=None,
        created_at__gte=midnight(budget.per.begin(_today())),
    )
    if budget.assistant:
        runs = runs.filter(thread__assistant=budget.assistant)
    waiting = _waiting_of(budget, viewer, runs).count()
    return Used(messages=used.messages + waiting, tokens=used.tokens, money=used.money)


def _waiting_of(budget: Budget, viewer: Viewer, runs: QuerySet[Run]) -> QuerySet[Run]:
    match budget.who:
        case Who.EVERYBODY:
            return runs
        case Who.VISITORS:
            return runs.filter(thread__owner_key__startswith=VISITORS)
        case Who.GROUP:
            return runs.filter(started_by__groups__name=budget.group)
        case _ if viewer.user is not None:
            return runs.filter(started_by=viewer.user)
        case _:
            return runs.filter(thread__owner_key=viewer.key)


def _check(viewer: Viewer, budget: Budget, used: Used) -> None:
    if not budget.is_spent(used):
        return
    left = (budget.per.until(_today()) - timezone.now()).total_seconds()
    raise BudgetSpent(_words(viewer, budget), retry_after=max(1.0, left))


def _words(viewer: Viewer, budget: Budget) -> str:
    """Why nothing is answered, in the viewer's language."""
    with in_language(viewer):
        match (budget.is_shared, budget.per):
            case (False, Per.DAY):
                return pgettext("chatkit", "You have used up your budget for today.")
            case (False, _):
                return pgettext(
                    "chatkit", "You have used up your budget for this month."
                )
            case (_, Per.DAY):
                return pgettext(
                    "chatkit", "The assistant has used up its budget for today."
                )
            case _:
                return pgettext(
                    "chatkit", "The assistant has used up its budget for this month."
                )


def _as_json(viewer: Viewer, budget: Budget) -> dict[str, Any]:
    used = _used(budget, viewer, _today())
    used = _with_waiting(budget, viewer, used)
    told: dict[str, Any] = {
        "who": budget.who,
        "assistant": budget.assistant or None,
        "per": budget.per,
        "until": budget.per.until(_today()).isoformat().replace("+00:00", "Z"),
        "isShared": budget.is_shared,
        "isSpent": budget.is_spent(used),
        "messages": None,
        "tokens": None,
        "money": None,
    }
    if not budget.is_shared:
        for name, allowed, found in budget.limits(used):
            left = max(allowed - found, 0)
            told[name] = {
                word: str(value) if name == "money" else value
                for word, value in (("limit", allowed), ("used", found), ("left", left))
            }
    return told


def _today() -> date:
    return timezone.now().astimezone(UTC).date()
