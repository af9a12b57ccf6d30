"""What a site declares in ``CHATKIT_BUDGETS``, read: values, and whose they are."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from enum import StrEnum
from typing import Any, Protocol

from django.core.exceptions import ImproperlyConfigured

from chatkit_app.conf import settings
from chatkit_app.engine.viewer import Viewer
from chatkit_app.runs.pricing import money

KEYS = frozenset({"who", "per", "group", "assistant", "messages", "tokens", "money"})


class Who(StrEnum):
    """Whose budget it is. Those of several people together come last."""

    VIEWER = "viewer"
    USER = "user"
    VISITOR = "visitor"
    MEMBER = "member"
    VISITORS = "visitors"
    GROUP = "group"
    EVERYBODY = "everybody"


OF_GROUPS = (Who.MEMBER, Who.GROUP)
SHARED = (Who.VISITORS, Who.GROUP, Who.EVERYBODY)


class Per(StrEnum):
    """How long it is for, UTC."""

    DAY = "day"
    MONTH = "month"

    def begin(self, day: date) -> date:
        """The first day of the one that this day is in."""
        return day if self is Per.DAY else day.replace(day=1)

    def end(self, day: date) -> date:
        """The first day after it."""
        if self is Per.DAY:
            return day + timedelta(days=1)
        return (day.replace(day=1) + timedelta(days=32)).replace(day=1)

    def until(self, day: date) -> datetime:
        """When it ends: midnight, UTC."""
        return midnight(self.end(day))


def midnight(day: date) -> datetime:
    """When the day begins, UTC."""
    return datetime.combine(day, time(), UTC)


class Spent(Protocol):
    """What is added at once: ``usage.Sum``."""

    messages: int
    input_tokens: int
    output_tokens: int
    cost: Decimal


@dataclass(frozen=True, slots=True, kw_only=True)
class Used:
    """Messages, tokens (in and out) and money."""

    messages: int = 0
    tokens: int = 0
    money: Decimal = Decimal(0)

    def before(self, spent: Spent) -> Used:
        """What it was before this was added."""
        return Used(
            messages=self.messages - spent.messages,
            tokens=self.tokens - spent.input_tokens - spent.output_tokens,
            money=self.money - spent.cost,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Budget:
    """One of ``CHATKIT_BUDGETS``, read; ``declared`` is what the site wrote. None is no limit."""

    declared: Mapping[str, Any]
    who: Who
    per: Per
    group: str = ""
    assistant: str = ""
    messages: int | None = None
    tokens: int | None = None
    money: Decimal | None = None

    @property
    def is_shared(self) -> bool:
        """Have several people one budget together?"""
        return self.who in SHARED

    def limits(self, used: Used) -> Iterator[tuple[str, Any, Any]]:
        """Its limits: the name, what is allowed, what is used of it. Ints, or Decimals of money."""
        for name in ("messages", "tokens", "money"):
            allowed = getattr(self, name)
            if allowed is not None:
                yield name, allowed, getattr(used, name)

    def is_spent(self, used: Used) -> bool:
        """Is nothing left of one of them?"""
        return any(found >= allowed for _name, allowed, found in self.limits(used))


def read_budget(declared: Any) -> Budget:
    """A budget as the site declares it (Any: whatever stands in the settings).

    Raises:
        ValueError: It makes no sense; the words say why.
    """
    if not isinstance(declared, Mapping):
        raise ValueError("it is no dict")
    unknown = sorted(map(str, set(declared) - KEYS))
    if unknown:
        raise ValueError(f"it has {', '.join(unknown)}, which no budget has")
    budget = Budget(
        declared=declared,
        who=_word(Who, declared, "who"),
        per=_word(Per, declared, "per"),
        group=_name(declared, "group"),
        assistant=_name(declared, "assistant"),
        messages=_count(declared, "messages"),
        tokens=_count(declared, "tokens"),
        money=None if declared.get("money") is None else money(declared["money"]),
    )
    if bool(budget.group) != (budget.who in OF_GROUPS):
        raise ValueError(
            'a "group" belongs to "member" and "group", and to nobody else'
        )
    if not any(True for _ in budget.limits(Used())):
        raise ValueError("it limits neither messages nor tokens nor money")
    return budget


def _word(words: type[Any], declared: Mapping[str, Any], name: str) -> Any:
    """One of the words of an enumeration (Any: of either)."""
    try:
        return words(declared.get(name))
    except ValueError as error:
        known = ", ".join(repr(word.value) for word in words)
        raise ValueError(f"{name!r} is one of {known}") from error


def _name(declared: Mapping[str, Any], name: str) -> str:
    found = declared.get(name, "")
    if not isinstance(found, str):
        raise ValueError(f"{name!r} is {found!r}, no name")
    return found


def _count(declared: Mapping[str, Any], name: str) -> int | None:
    found = declared.get(name)
    is_count = isinstance(found, int) and not isinstance(found, bool) and found >= 0
    if found is not None and not is_count:
        raise ValueError(f"{name!r} is {found!r}, no whole number from 0 on")
    return found


def budgets() -> list[Budget]:
    """Those of the site.

    Raises:
        ImproperlyConfigured: One makes no sense: then nobody gets anything for nothing.
    """
    try:
        return [read_budget(declared) for declared in settings.BUDGETS]
    except ValueError as error:
        raise ImproperlyConfigured(f"CHATKIT_BUDGETS: {error}.") from error


def applying(viewer: Viewer, assistant: str | None = None) -> Iterator[Budget]:
    """The budgets that this viewer draws on, with this assistant or with any."""
    groups: set[str] | None = None
    for budget in budgets():
        if assistant is not None and budget.assistant not in ("", assistant):
            continue
        if budget.who in OF_GROUPS and groups is None:
            groups = _groups(viewer)
        if _is_theirs(budget, viewer, groups or set()):
            yield budget


def _groups(viewer: Viewer) -> set[str]:
    """The names of the user's groups; a site's user model may have none."""
    found = getattr(viewer.user, "groups", None)
    return set() if found is None else set(found.values_list("name", flat=True))


def _is_theirs(budget: Budget, viewer: Viewer, groups: set[str]) -> bool:
    match budget.who:
        case Who.VIEWER | Who.EVERYBODY:
            return True
        case Who.USER:
            return not viewer.is_anonymous
        case Who.VISITOR | Who.VISITORS:
            return viewer.is_anonymous
        case _:
            return budget.group in groups
