"""The worker's command line; what it does is tested as a process, in test_workers.py."""

from __future__ import annotations

import io

import pytest
from django.core.management import CommandError, call_command

from tests.runs.desk import a_visitor, fresh, started


@pytest.mark.django_db(transaction=True)
@pytest.mark.usefixtures("recorded")
def test_once_says_how_many_runs_it_carried() -> None:
    runs = [started(a_visitor(), "say Hi.") for _ in range(3)]
    type(runs[0]).objects.update(ready_at="2026-01-01T00:00Z")
    said = io.StringIO()

    call_command("chatkit_worker", "--once", "--runs", "1", stdout=said)

    assert said.getvalue().strip() == "Carried 3 runs."
    assert {fresh(run).status for run in runs} == {"completed"}


@pytest.mark.parametrize(
    "wrong",
    [("--runs", "0"), ("--runs", "many"), ("--grace", "-1"), ("--grace", "inf")],
)
def test_a_number_that_can_t_be_meant_is_refused(wrong: tuple[str, str]) -> None:
    with pytest.raises(CommandError, match=wrong[0]):
        call_command("chatkit_worker", *wrong)
