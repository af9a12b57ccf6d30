from __future__ import annotations

import pytest

from tests.admin.lists import RUNS, found, make_staff, make_user, text_of, thread_of
from tests.history_rows import Turn

pytestmark = pytest.mark.django_db


def test_a_row_tells_how_a_run_ended_and_what_it_took(admin_client) -> None:
    thread = thread_of(make_user("anna"), "Order 1042")
    turn = Turn.begin(thread, "And now?", depth=2)
    for name in ("order_status", "a", "b", "c", "order_status"):
        turn.call(name, output={})
    turn.end("failed", error_code="provider_rejected", cost="0.125")

    text = text_of(admin_client.get(RUNS, {"what": "failed"}))

    for words in (
        "failed",
        "refused the request.",
        "provider_rejected",
        "Order 1042",
        "anna",
        "model-one",
        "order_status a b +1",
        "1,204, 210",
        "0.1250",
        "3.2",
    ):
        assert words in text


def test_a_run_is_found_by_its_owner_and_by_its_error(admin_client) -> None:
    anna = make_user("anna")
    thread = thread_of(anna, status="failed", error_code="provider_rejected", days=1)
    thread_of(make_user("berta"))
    [run] = thread.runs.all()

    for term in (f"u:{anna.pk}", "provider_rejected", str(run.pk), str(thread.pk)):
        assert found(admin_client, RUNS, q=term) == [run]
    assert found(admin_client, RUNS, q="provider_reject") == []


def test_what_a_run_was_told_is_for_those_who_may_read_it(client) -> None:
    thread = thread_of(make_user("anna"), error_text="My secret", status="failed")
    [run] = thread.runs.all()
    page = f"{RUNS}{run.pk}/change/"
    staff = make_staff(client, "view_thread", "view_run")

    assert "My secret" not in staff.get(page).content.decode()


def test_the_queries_of_the_list_do_not_grow_with_it(
    admin_client, django_assert_num_queries
) -> None:
    anna = make_user("anna")
    for number in range(12):
        thread_of(anna)
        if number in (1, 11):
            # session, user; count, page; tokens, tools
            with django_assert_num_queries(6):
                admin_client.get(RUNS)
