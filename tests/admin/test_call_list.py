from __future__ import annotations

from datetime import timedelta

import pytest

from tests.admin.lists import CALLS, found, make_staff, make_user, text_of, thread_of
from tests.history_rows import NOON, Turn

pytestmark = pytest.mark.django_db


@pytest.fixture
def turn() -> Turn:
    thread = thread_of(make_user("anna"), "Order 1042")
    return Turn.begin(thread, "Again", depth=2)


def test_a_row_tells_which_tool_how_it_ended_and_how_long_it_took(
    admin_client, turn
) -> None:
    turn.call(
        "refund",
        status="failed",
        error_code="tool_error",
        started_at=NOON,
        finished_at=NOON + timedelta(seconds=1.7),
    )

    text = text_of(admin_client.get(CALLS))

    for words in ("refund", "The tool failed.", "tool_error", "Order 1042", "anna"):
        assert words in text
    assert "1.7" in text


def test_a_call_is_found_by_tool_owner_and_ids(admin_client, turn) -> None:
    call = turn.call("refund", output={})
    owner = turn.run.thread.owner_key

    for term in ("ref", owner, str(call.pk), str(turn.run.pk)):
        assert found(admin_client, CALLS, q=term) == [call]
    assert found(admin_client, CALLS, q="efund") == []


def test_what_a_tool_was_called_with_is_for_those_who_may_read_it(client, turn) -> None:
    call = turn.call("refund", arguments='{"iban":"secret"}', output={"x": "secret"})
    staff = make_staff(client, "view_thread", "view_toolcall")

    body = staff.get(f"{CALLS}{call.pk}/change/").content.decode()

    assert "secret" not in body
    assert "refund" in body


def test_the_queries_of_the_list_do_not_grow_with_it(
    admin_client, turn, django_assert_num_queries
) -> None:
    for number in range(12):
        turn.call("refund", output={})
        if number in (0, 11):
            # session, user; count, page
            with django_assert_num_queries(4):
                admin_client.get(CALLS)
