from __future__ import annotations

from decimal import Decimal

import pytest
from django.contrib.auth import get_user_model

from chatkit_app.admin import spent
from chatkit_app.admin.spent import spent_in, spent_on
from chatkit_app.models import Step, Thread
from tests.history_rows import Turn, add_turns, make_thread

pytestmark = pytest.mark.django_db


@pytest.fixture
def thread() -> Thread:
    return make_thread(get_user_model().objects.create_user("anna"))


def test_what_was_taken_back_is_paid_for_too(thread) -> None:
    turn = Turn.begin(thread, "Hello", depth=0)
    turn.begin_step(1, status="void")
    Step.objects.update(cost="0.25")

    found = spent_in(Step.objects.all())

    assert (found.input_tokens, found.cost) == (2408, Decimal("0.5"))
    assert spent_on(thread) == found


def test_where_no_price_is_known_there_is_no_cost(thread) -> None:
    add_turns(thread, 1)

    assert spent_on(thread).cost is None
    assert not spent_in([])


def test_a_thread_of_too_many_runs_is_not_summed_up(thread, monkeypatch) -> None:
    monkeypatch.setattr(spent, "MOST_RUNS", 2)
    add_turns(thread, 3)

    assert spent_on(thread) is None
