"""What is looked for in a list's box: an id, an owner, or words."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.contrib.admin.views.main import SEARCH_VAR
from django.contrib.auth import get_user_model
from django.db.models import Q, QuerySet
from django.http import HttpRequest

from chatkit_app.models import Interrupt, Message, Run, Thread, ToolCall

OWNER = re.compile(r"[uv]:\S{1,78}")
MOST_USERS = 50
"""Users whose names are looked at."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Sought:
    """One of the three; none of them where nothing is looked for."""

    id: UUID | None = None
    owner: str = ""
    words: str = ""


def sought_by(request: HttpRequest) -> Sought:
    """What a request looks for."""
    return sought(request.GET.get(SEARCH_VAR, ""))


def sought(text: str) -> Sought:
    """What a text looks for."""
    text = text.strip()
    try:
        return Sought(id=UUID(text))
    except ValueError:
        is_owner = OWNER.fullmatch(text) is not None
    return Sought(owner=text) if is_owner else Sought(words=text)


def threads_of_id(threads: QuerySet[Thread], wanted: UUID) -> QuerySet[Thread]:
    """By the thread's id, its owner's, or that of something in it; each by an index."""
    owners = [f"v:{wanted}", f"u:{wanted}"]
    return threads.filter(
        Q(pk__in=[wanted, *_threads_with(wanted)]) | Q(owner_key__in=owners)
    )


def _threads_with(wanted: UUID) -> list[UUID]:
    """The thread of a run, a message, a call or an interrupt, as logs name them."""
    of_runs = (ToolCall, Interrupt)
    rows: list[Any] = [
        model._default_manager.filter(pk=wanted).values_list("run__thread", flat=True)
        for model in of_runs
    ]
    rows += [
        model._default_manager.filter(pk=wanted).values_list("thread", flat=True)
        for model in (Run, Message)
    ]
    return [found for each in rows for found in each]


def users_named(words: str) -> list[object]:
    """The keys of the users whose name begins so, or whose address it is."""
    user = get_user_model()
    name = getattr(user, "USERNAME_FIELD", "pk")
    wanted = Q(**{f"{name}__startswith": words})
    address = getattr(user, "EMAIL_FIELD", "")
    if address and address != name:
        wanted |= Q(**{address: words})
    return list(
        user._default_manager.filter(wanted).values_list("pk", flat=True)[:MOST_USERS]
    )
