"""What is asked, as pages are told: the same from a row as in the event that asked it."""

from __future__ import annotations

import json

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from chatkit_app.log.interrupts import (
    CallsInterrupts,
    approval_as_json,
    interrupt_as_json,
)
from tests.runs.desk import (
    a_visitor,
    asked_of,
    calls_of,
    carried,
    log_of,
    resolve,
    said,
)

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.usefixtures("recorded"),
]


def asked_in_log(run) -> list[dict[str, object]]:
    told = [json.loads(data) for data in log_of(run.thread_id, "tool_call.changed")]
    return [event["interrupt"] for event in told if event["interrupt"]]


@pytest.mark.parametrize(
    "text",
    ['call refund {"amount": 80}', "call read_selection", "call order_shirt"],
)
def test_a_row_says_what_its_event_said(text: str) -> None:
    run = carried(a_visitor(), text)
    [row] = asked_of(run)

    assert [interrupt_as_json(row)] == asked_in_log(run)


def test_whose_approval_it_is_is_told_and_who_may_have_it_is_not() -> None:
    run = carried(a_visitor(), 'call staff_refund {"amount": 1}')
    [row] = asked_of(run)

    told = interrupt_as_json(row)

    assert told["approver"] == "staff"
    assert "change_group" not in json.dumps(told)


def test_an_approval_says_what_came_of_it() -> None:
    viewer = a_visitor()
    run = carried(viewer, 'call refund {"amount": 80}')
    [row] = asked_of(run)
    assert approval_as_json(None) is None
    assert approval_as_json(row) == {
        "id": str(row.pk),
        "needsApproval": True,
        "approved": None,
        "decision": None,
        "reason": None,
        "by": None,
    }

    resolve(viewer, said(row, "respond", text="Rather not."))

    row.refresh_from_db()
    told = approval_as_json(row)
    assert (told["approved"], told["decision"]) == (False, "respond")
    assert (told["reason"], told["by"]) == ("Rather not.", "visitor")


def test_the_interrupts_of_many_calls_are_one_query() -> None:
    run = carried(a_visitor(), "call read_selection\n" * 3)
    calls = [call.pk for call in calls_of(run)]
    with CaptureQueriesContext(
        connection,
    ) as queries:
        found = CallsInterrupts(calls)
        opened = [found.open(call) for call in calls]
    assert len(queries) == 1
    assert [row.pk for row in opened if row] == [row.pk for row in asked_of(run)]
    assert CallsInterrupts([]).open(calls[0]) is None
