"""The app's index tells how the chat does: to whom, of what, and at which cost."""

from __future__ import annotations

import random
import re
from collections import Counter
from datetime import timedelta
from decimal import Decimal
from typing import Any
from uuid import uuid4

import pytest
from django.contrib.admin import AdminSite
from django.test import RequestFactory
from django.utils import timezone
from django.utils.translation import override

from chatkit_app.access import AccessPolicy, Action
from chatkit_app.admin import RunAdmin, ThreadAdmin
from chatkit_app.models import Feedback, Run, Tally, Thread, ToolCall
from chatkit_app.runs import tallying
from tests.admin.lists import make_staff, make_user, text_of, thread_of
from tests.admin.tallied import INDEX, tallied
from tests.history_rows import Turn, make_thread

pytestmark = pytest.mark.django_db

HOSTILE = '"><script>alert(1)</script><svg/onload=x>{{ 7|add:7 }}\u202e'
DRAWN = "chatkit-dashboard"


class Named(AccessPolicy):
    """Whoever works in the admin works for the tenant that they are named after."""

    def tenant(self, user, host):
        return str(user) if user is not None else ""


class Closed(AccessPolicy):
    """Nobody inspects anything, whatever Django says."""

    def can(self, viewer, action, thread=None):
        return action is not Action.INSPECT and super().can(viewer, action, thread)


def shown(answer: Any) -> Any:
    """The dashboard that a page has drawn."""
    assert answer.status_code == 200
    return answer.context["dashboard"]


def tile(dashboard: Any, label: str) -> Any:
    tiles = [*dashboard.now, *dashboard.figures]
    return next(one for one in tiles if one.label == label)


def value(dashboard: Any, label: str) -> str:
    return str(tile(dashboard, label).value)


def test_whoever_may_inspect_sees_it_on_the_apps_index(client) -> None:
    tallied("run", "completed", 12)

    answer = make_staff(client, "view_thread").get(INDEX)

    assert value(shown(answer), "Runs") == "12"
    assert DRAWN in answer.content.decode()


def test_staff_without_that_right_see_the_index_as_django_has_it(client) -> None:
    tallied("run", "completed", 12)

    answer = make_staff(client, "view_run").get(INDEX)

    assert shown(answer) is None
    assert f'class="{DRAWN}' not in answer.content.decode()
    assert "Runs" in text_of(answer)


def test_the_policy_has_the_last_word(admin_client, settings) -> None:
    settings.CHATKIT_ACCESS_POLICY = f"{__name__}.Closed"

    assert shown(admin_client.get(INDEX)) is None


def test_figures_are_those_of_the_readers_tenant(client, settings) -> None:
    settings.CHATKIT_ACCESS_POLICY = f"{__name__}.Named"
    for tenant, count in (("staff", 3), ("others", 40), ("", 500)):
        tallied("run", "failed run_error", count, tenant=tenant)
        tallied("tool", f"failed of_{tenant or 'none'}", tenant=tenant)
        tallied("cost", "m", total=Decimal(count), tenant=tenant)
        thread = thread_of(make_user(f"owner-{tenant}"), status="queued")
        Thread.objects.filter(pk=thread.pk).update(tenant=tenant)
        Feedback.objects.create(
            message=thread.messages.last(), owner_key="u:1", kind="up"
        )

    found = shown(make_staff(client, "view_thread").get(INDEX))

    assert value(found, "Runs") == "3"
    assert value(found, "In the queue") == "1"
    assert value(found, "Thumbs up") == "1"
    assert [cause.row.count for cause in found.causes] == ["3"]
    assert [tool.row.name for tool in found.tools] == ["of_staff"]
    assert [series.told for series in found.cost.series] == ["3.00"]


def many_runs(count: int) -> None:
    """Some days of runs, from rows as they are left, tallied."""
    numbers = random.Random(1)  # noqa: S311 (the same each time)
    for _run in range(count):
        thread = make_thread(uuid4(), assistant=numbers.choice(["test", "shop"]))
        turn = Turn.begin(thread, "Hi", depth=0)
        for _call in range(numbers.randrange(4)):
            status = numbers.choice(["completed", "failed"])
            code = "tool_error" if status == "failed" else ""
            turn.call(numbers.choice("ab"), status=status, error_code=code)
        status = numbers.choice(["completed", "failed", "cancelled"])
        code = numbers.choice(["run_error", "budget_spent"])
        Run.objects.filter(pk=turn.run.pk).update(
            status=status,
            error_code=code if status == "failed" else "",
            finished_at=timezone.now() - timedelta(hours=numbers.uniform(0, 20 * 24)),
        )
        tallying.tally(turn.run.pk)


@pytest.mark.parametrize("days", [1, 7, 30])
@pytest.mark.parametrize("assistant", ["", "test"])
def test_the_figures_are_those_of_the_rows_themselves(
    admin_client, days: int, assistant: str
) -> None:
    many_runs(40)

    found = shown(admin_client.get(INDEX, {"days": days, "assistant": assistant}))

    since = {1: timezone.now() - timedelta(hours=23), 7: None, 30: None}[days]
    if since is None:
        midnight = timezone.localtime().replace(hour=0, minute=0, second=0)
        since = midnight - timedelta(days=days - 1)
    since = since.replace(minute=0, second=0, microsecond=0)
    runs = Run.objects.filter(finished_at__gte=since)
    calls = ToolCall.objects.filter(run__finished_at__gte=since)
    if assistant:
        runs = runs.filter(thread__assistant=assistant)
        calls = calls.filter(run__thread__assistant=assistant)
    statuses = Counter(runs.values_list("status", flat=True))
    causes = Counter(runs.filter(status="failed").values_list("error_code", flat=True))
    tools = Counter(calls.values_list("name", flat=True))
    assert value(found, "Runs") == str(runs.count())
    assert [series.told for series in found.runs.series] == [
        str(statuses[name]) for name in ("completed", "cancelled", "failed")
    ]
    assert {one.row.code: one.row.count for one in found.causes} == {
        code: str(count) for code, count in causes.items()
    }
    assert {one.row.name: one.row.calls for one in found.tools} == {
        name: str(count) for name, count in tools.items()
    }


def test_it_tells_what_is_so_at_this_moment(admin_client) -> None:
    for status in ("queued", "queued", "in_progress", "cancelling", "requires_action"):
        thread_of(make_user(uuid4().hex), status=status)

    found = shown(admin_client.get(INDEX))

    assert [one.value for one in found.now] == ["2", "2", "1"]


def test_without_any_run_it_says_what_will_be_there(admin_client) -> None:
    answer = admin_client.get(INDEX)

    assert shown(answer).is_empty
    assert "No run has ended in this period." in text_of(answer)


@pytest.mark.parametrize(
    "query",
    [
        {"days": "0"},
        {"days": "9" * 5000},
        {"days": HOSTILE, "assistant": HOSTILE},
        {"assistant": "nobody"},
        {"assistant": "\x00"},
    ],
)
def test_what_makes_no_sense_is_as_if_nothing_was_asked(admin_client, query) -> None:
    tallied("run", "completed", 2)

    found = shown(admin_client.get(INDEX, query))

    assert [one.url for one in found.periods if one.is_here] == ["?"]
    assert [one.url for one in found.assistants if one.is_here] == ["?"]
    assert value(found, "Runs") == "2"


def test_period_and_assistant_are_chosen_by_links(admin_client) -> None:
    tallied("run", "completed", 2, at=timezone.now() - timedelta(days=3))
    tallied("run", "completed", 5, assistant="shop")

    def runs(query: str) -> str:
        return value(shown(admin_client.get(f"{INDEX}{query}")), "Runs")

    found = shown(admin_client.get(INDEX))
    assert [runs(one.url) for one in found.periods] == ["5", "7", "7"]
    week = shown(admin_client.get(f"{INDEX}?days=7"))
    by_name = {str(one.label): runs(one.url) for one in week.assistants}
    assert by_name == {"All assistants": "7", "shop": "5", "test": "2"}


def test_every_figure_leads_to_a_list_that_opens(admin_client) -> None:
    thread = thread_of(make_user("anna"), status="failed", error_code="run_error")
    Feedback.objects.create(
        message=thread.messages.last(), owner_key="u:1", kind="down"
    )
    tallied("run", "failed run_error")
    tallied("run", "failed")
    tallied("tool", "failed refund")

    found = shown(admin_client.get(INDEX, {"days": "7", "assistant": "test"}))

    linked = [*found.now, *found.figures, *found.causes, *found.tools]
    urls = {one.url for one in linked if one.url}
    assert len(urls) >= 8
    for url in urls:
        assert admin_client.get(url).status_code == 200, url
    [cause] = [one for one in found.causes if one.row.code]
    rows = admin_client.get(cause.url).context["cl"].result_list
    assert [run.error_code for run in rows] == ["run_error"]


def test_nothing_leads_where_the_reader_may_not_go(client) -> None:
    tallied("run", "failed run_error")
    tallied("tool", "failed refund")

    found = shown(make_staff(client, "view_thread").get(INDEX))

    linked = [*found.now, *found.figures, *found.causes, *found.tools]
    assert {one.url.partition("?")[0] for one in linked if one.url} <= {
        f"{INDEX}thread/",
        f"{INDEX}interrupt/",
    }


@pytest.mark.parametrize("registered", [[Thread], [Run], [Thread, Run]])
def test_a_sites_own_admin_draws_it_with_what_it_has(
    rf: RequestFactory, registered: list[Any]
) -> None:
    site = AdminSite(name="backstage")
    for model in registered:
        site.register(model, {Thread: ThreadAdmin, Run: RunAdmin}[model])
    tallied("run", "failed run_error", 3)
    tallied("tool", "failed refund")
    request = rf.get("/backstage/chatkit_app/")
    request.user = make_user("root", is_staff=True, is_superuser=True)
    request.session = {}

    # No address of this site is served: whatever is linked must be asked of the site itself.
    site.each_context = lambda _request: {}  # type: ignore[method-assign]
    answer = site.app_index(request, "chatkit_app").render()

    assert "failed</bdi> <b>3</b>" in answer.content.decode()
    assert "/toolcall/" not in answer.content.decode()


def test_whatever_tools_codes_and_assistants_are_called_is_text(admin_client) -> None:
    tallied("tool", f"failed {HOSTILE}", 5)
    tallied("run", f"failed {HOSTILE}", 5)
    tallied("run", HOSTILE, 5)
    tallied("steps", HOSTILE, 5)
    tallied("cost", HOSTILE, total=1, assistant=HOSTILE)

    body = admin_client.get(INDEX).content.decode()

    assert "alert(1)" in body
    assert "<script>alert" not in body
    assert "<svg/onload" not in body
    assert (
        "14" not in re.sub(r"[^<>]*</?(?:svg|rect|polyline)[^<>]*>", "", body).split()
    )


def test_a_strict_policy_finds_nothing_to_forbid(admin_client) -> None:
    tallied("run", "failed run_error", 5)
    tallied("tool", "failed refund", 5)
    tallied("first_token", "", 5, bucket=9)
    tallied("cost", "m", total=1)

    body = admin_client.get(INDEX).content.decode()
    drawn = body[body.index(f'class="{DRAWN}') : body.index('id="content-main"')]

    assert (
        re.findall(r"<(?:script|style|iframe|object)|\s(?:style|on\w+)=", drawn) == []
    )
    assert drawn.count('role="img"') == drawn.count("aria-label") - 3
    assert drawn.count("<details") == 3  # a table for each drawing


@pytest.mark.parametrize("hours", [1, 24 * 29])
def test_however_much_there_is_it_asks_as_often(
    client, hours: int, django_assert_num_queries
) -> None:
    now = tallying.hour_of(timezone.now())
    kinds = [
        *(("run", label) for label in ("completed", "failed run_error", "cancelled")),
        *(("tool", f"{how} t{n}") for n in range(8) for how in ("completed", "failed")),
        *(("cost", "m"), ("steps", "complete"), ("first_token", "")),
    ]
    Tally.objects.bulk_create(
        Tally(
            hour=now - timedelta(hours=hour),
            assistant=assistant,
            metric=metric,
            label=label,
            bucket=9 if metric in ("tool", "first_token") else 0,
            count=3,
            total=1,
        )
        for hour in range(hours)
        for assistant in ("shop", "test")
        for metric, label in kinds
    )
    make_staff(client, "view_thread", "view_run", "view_toolcall", "view_interrupt")

    # Session and user, two of Django's for rights, three of tallies, runs now, feedback by kind.
    with django_assert_num_queries(10):
        found = shown(client.get(INDEX, {"days": "30"}))

    assert value(found, "Runs") == f"{hours * 2 * 9:,}"


def test_it_speaks_german(admin_client) -> None:
    tallied("run", "failed run_error", 1234)
    tallied("tool", "failed refund", 5)
    with override("de"):
        text = text_of(admin_client.get(INDEX, headers={"accept-language": "de"}))

    for words in ("Letzte 24 Stunden", "Fehlgeschlagen", "1.234", "Werkzeuge"):
        assert words in text, words
