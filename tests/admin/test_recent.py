from __future__ import annotations

import pytest
from django.contrib.admin import site
from django.db import connection

from chatkit_app.admin.recent import OlderFilter, RecentAdmin
from tests.admin.lists import CALLS, RUNS, THREADS


def test_every_list_on_the_index_is_newest_first_by_a_column_and_the_key(rf) -> None:
    lists = [page for page in site._registry.values() if isinstance(page, RecentAdmin)]

    assert len(lists) >= 3
    for page in lists:
        assert page.get_ordering(rf.get("/")) == [f"-{page.moment}", "-id"]
        indexes = [index.fields for index in page.model._meta.indexes]
        assert any(
            fields[-1] == page.moment or fields[-2:] == [page.moment, "id"]
            for fields in indexes
        )


@pytest.mark.django_db
@pytest.mark.parametrize("url", [THREADS, RUNS, CALLS])
def test_an_empty_list_is_answered(admin_client, url) -> None:
    answer = admin_client.get(url)

    assert answer.status_code == 200
    assert answer.context["cl"].older == ""


def test_nobody_is_offered_a_key_to_choose(rf) -> None:
    page = next(
        page for page in site._registry.values() if isinstance(page, RecentAdmin)
    )

    chosen = OlderFilter(rf.get("/"), {}, page.model, page)

    assert not chosen.has_output()


@pytest.mark.django_db
@pytest.mark.skipif(
    connection.vendor != "sqlite", reason="PostgreSQL reads small tables whole"
)
@pytest.mark.parametrize(
    ("url", "query", "index"),
    [
        (THREADS, {}, "chatkit_thread_recent"),
        (THREADS, {"when": "all"}, "chatkit_thread_recent"),
        (THREADS, {"owner_key": "u:1"}, "chatkit_thread_of_owner"),
        (THREADS, {"what": "failed"}, "chatkit_run_status"),
        (THREADS, {"what": "expensive"}, "chatkit_run_cost"),
        (THREADS, {"what": "expensive"}, "chatkit_step_input"),
        (THREADS, {"what": "disliked"}, "chatkit_feedback_kind"),
        (THREADS, {"tool": "refund"}, "chatkit_tool_call_tool"),
        (RUNS, {}, "chatkit_run_recent"),
        (RUNS, {"what": "failed"}, "chatkit_run_status"),
        (RUNS, {"what": "stuck"}, "chatkit_run_lease"),
        (CALLS, {}, "chatkit_tool_call_recent"),
        (CALLS, {"tool": "refund"}, "chatkit_tool_call_tool"),
        (CALLS, {"what": "failed"}, "chatkit_tool_call_status"),
    ],
)
def test_a_list_is_read_along_an_index_and_no_table_whole(
    admin_client, url, query, index
) -> None:
    rows = admin_client.get(url, query).context["cl"].queryset

    plan = rows.explain()

    assert index in plan
    scans = [line for line in plan.splitlines() if "SCAN chatkit_app" in line]
    assert all("USING" in line for line in scans), plan
