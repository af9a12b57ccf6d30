"""A viewer's budgets over the API."""

from __future__ import annotations

from uuid import uuid4

import pytest
from django.test import Client

from chatkit_app.models import Usage
from chatkit_app.runs.budgets import _today
from tests.api.people import ask, client_of

pytestmark = pytest.mark.django_db

BUDGETS = [
    {"who": "visitor", "per": "day", "messages": 3, "money": "0.5"},
    {"who": "user", "per": "month", "tokens": 100},
    {"who": "visitors", "per": "day", "tokens": 10},
]


def test_each_sees_their_own_budgets_and_what_is_left(settings) -> None:
    settings.CHATKIT_BUDGETS = BUDGETS
    visitor = uuid4()
    for key in (f"v:{visitor}", f"v:{uuid4()}"):
        Usage.objects.create(
            day=_today(),
            owner_key=key,
            assistant="test",
            messages=1,
            input_tokens=6,
            cost="0.125",
        )

    answer = ask(client_of(visitor), "get", "usage/")

    assert answer.status_code == 200
    mine, shared = answer.json()["budgets"]
    assert mine["messages"] == {"limit": 3, "used": 1, "left": 2}
    assert {name: float(value) for name, value in mine["money"].items()} == {
        "limit": 0.5,
        "used": 0.125,
        "left": 0.375,
    }
    assert (mine["tokens"], mine["isSpent"], mine["isShared"]) == (None, False, False)
    assert mine["until"].endswith("T00:00:00Z")
    # What others use is not told.
    assert (shared["tokens"], shared["isSpent"], shared["isShared"]) == (
        None,
        True,
        True,
    )


def test_where_there_are_no_budgets_the_list_is_empty() -> None:
    assert ask(client_of(uuid4()), "get", "usage/").json() == {"budgets": []}


def test_nobody_has_no_budgets() -> None:
    answer = ask(Client(), "get", "usage/")

    assert (answer.status_code, answer.json()["code"]) == (403, "no_viewer")
