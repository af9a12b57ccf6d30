from __future__ import annotations

import pytest
from django.contrib.admin import site
from django.db import connection

from chatkit_app.admin.recent import OlderFilter, RecentAdmin
from chatkit_app.engine.viewer import Viewer
from chatkit_app.models import Interrupt, Thread, ToolCall
from chatkit_app.threads.forking import Fork, fork
from tests.admin.lists import (
    CALLS,
    RUNS,
    THREADS,
    found,
    make_user,
    text_of,
    thread_of,
)


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


@pytest.mark.django_db(transaction=True)
@pytest.mark.usefixtures("stopped_background")  # the fork rings its owner's bell
def test_what_a_fork_has_copied_is_found_with_its_thread_and_in_no_other_list(
    admin_client,
) -> None:
    anna = make_user("anna")
    thread = thread_of(anna, status="failed", cost=5)
    Thread.objects.update(assistant="test")
    [run] = thread.runs.all()
    step = run.steps.get()
    call = ToolCall.objects.create(
        run=run, step=step, index=0, name="refund", status="failed", error_code="boom"
    )
    Interrupt.objects.create(
        run=run, step=step, tool_call=call, kind="approval", status="answered"
    )
    asked = Fork(thread_id=thread.pk, message_id=run.answer_id)
    made, _ = fork(Viewer(user=anna), asked)
    [copy] = made.runs.all()
    [copied_call] = copy.tool_calls.all()

    for query in ({}, {"what": "failed"}, {"what": "expensive"}, {"q": f"u:{anna.pk}"}):
        assert found(admin_client, RUNS, **query) == [run]
    for query in ({}, {"what": "failed"}, {"tool": "refund"}):
        assert found(admin_client, CALLS, **query) == [call]
    for query in ({"what": "failed"}, {"what": "expensive"}, {"tool": "refund"}):
        assert found(admin_client, THREADS, **query) == [thread]
    decided = found(admin_client, "/admin/chatkit_app/interrupt/", waits="nobody")
    assert [row.run for row in decided] == [run]

    for query in ({"thread__id__exact": made.pk}, {"q": made.pk}, {"q": copy.pk}):
        assert found(admin_client, RUNS, **query) == [copy]
    for query in ({"run__id__exact": copy.pk}, {"q": made.pk}):
        assert found(admin_client, CALLS, **query) == [copied_call]
    page = admin_client.get(f"{THREADS}{made.pk}/change/")
    assert "copied from another thread" in text_of(page)
    assert admin_client.get(f"{RUNS}{copy.pk}/change/").status_code == 200
