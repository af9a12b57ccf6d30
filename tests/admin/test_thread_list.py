from __future__ import annotations

from datetime import timedelta
from uuid import uuid4

import pytest
from django.contrib import admin
from django.contrib.admin.models import LogEntry
from django.test import RequestFactory
from django.utils import timezone

from chatkit_app.access import AccessPolicy
from chatkit_app.admin import ThreadAdmin
from chatkit_app.models import Feedback, Thread
from tests.admin.lists import (
    CALLS,
    RUNS,
    THREADS,
    found,
    make_staff,
    make_user,
    text_of,
    thread_of,
)
from tests.history_rows import Turn, make_thread

pytestmark = pytest.mark.django_db

HOSTILE = '"><script>alert(1)</script><img src=x>{{ 7|add:7 }}'


@pytest.fixture
def anna():
    return make_user("anna")


class OneTenant(AccessPolicy):
    """Each member of the staff sees the threads of the tenant that they are named after."""

    def tenant(self, user, host):
        return str(user) if user is not None else ""


def test_a_row_tells_who_asked_whom_and_how_it_ended(admin_client, anna) -> None:
    thread = thread_of(anna, "Order 1042")
    turn = Turn.begin(thread, "And now?", depth=2)
    turn.call("order_status", output={})
    turn.end("failed", error_code="provider_unavailable", cost="0.25")
    Feedback.objects.create(message=turn.answer, owner_key=f"u:{anna.pk}", kind="down")

    text = text_of(admin_client.get(THREADS))

    for words in (
        "Order 1042",
        "4 messages",
        "anna",
        "shop",
        "failed",
        "service was not there.",
        "provider_unavailable",
        "order_status",
        "0.2500",
        "-1",
    ):
        assert words in text


def test_a_visitor_is_named_by_the_beginning_of_their_id(admin_client) -> None:
    visitor = uuid4()
    thread_of(visitor)

    assert f"visitor {str(visitor)[:8]}" in text_of(admin_client.get(THREADS))


def test_the_owner_of_a_row_leads_to_all_their_threads(admin_client, anna) -> None:
    old, new = thread_of(anna, days=200), thread_of(anna)
    thread_of(uuid4())
    body = admin_client.get(THREADS).content.decode()
    address = f"?owner_key=u%3A{anna.pk}"
    assert address in body

    rows = list(admin_client.get(THREADS + address).context["cl"].result_list)

    assert rows == [new, old]


def test_what_people_wrote_is_for_those_who_may_read_it(client, anna) -> None:
    thread = thread_of(anna, "My secret")
    staff = make_staff(client, "view_thread", "view_run", "view_toolcall")

    for url in (THREADS, RUNS, CALLS):
        assert "My secret" not in text_of(staff.get(url))
    text = text_of(staff.get(THREADS))
    assert f"Thread {thread.pk}" in text
    assert "2 messages" in text
    assert "answered" in text


def test_who_may_not_read_content_cannot_search_it_either(client, anna) -> None:
    thread_of(anna, "My secret")
    staff = make_staff(client, "view_thread")

    answer = staff.get(THREADS, {"q": "secret"})

    assert list(answer.context["cl"].result_list) == []
    assert "Words are for those who may read what was said." in text_of(answer)


def test_only_threads_that_the_policy_shows_are_listed(client, anna, settings) -> None:
    settings.CHATKIT_ACCESS_POLICY = f"{__name__}.OneTenant"
    ours, theirs = (thread_of(anna, status="failed") for _ in range(2))
    Thread.objects.filter(pk=ours.pk).update(tenant="staff")
    Thread.objects.filter(pk=theirs.pk).update(tenant="others")
    staff = make_staff(
        client, "view_thread", "view_run", "view_toolcall", "view_content"
    )

    for query in ({}, {"q": str(theirs.pk)}, {"what": "failed"}, {"q": "where"}):
        shown = found(staff, THREADS, **query)
        assert theirs not in shown
    assert found(staff, THREADS) == [ours]
    assert {run.thread_id for run in found(staff, RUNS)} == {ours.pk}
    page = staff.get(f"{THREADS}{theirs.pk}/change/")
    assert page.status_code == 302  # Django's way of saying that there is none
    for model in ("message", "event", "command"):
        assert staff.get(f"/admin/chatkit_app/{model}/").status_code == 403


@pytest.mark.parametrize(
    "term",
    ["1042", "anna", "{id}", "{hex}", "u:{user}", " {id} ", "{run}", "{message}"],
)
def test_a_thread_is_found_by_words_ids_and_owners(admin_client, anna, term) -> None:
    thread = thread_of(anna, "Order 1042")
    thread_of(uuid4(), "Something else")
    query = term.format(
        id=thread.pk,
        hex=thread.pk.hex,
        user=anna.pk,
        run=thread.runs.get().pk,
        message=thread.messages.first().pk,
    )

    assert found(admin_client, THREADS, q=query) == [thread]


def test_a_visitors_id_finds_their_threads_however_old(admin_client, anna) -> None:
    visitor = uuid4()
    theirs = thread_of(visitor, days=300)
    thread_of(anna)

    assert found(admin_client, THREADS, q=str(visitor)) == [theirs]
    assert found(admin_client, THREADS, q=str(visitor), when="today") == [theirs]
    assert found(admin_client, THREADS, q=f"v:{visitor}") == [theirs]


def test_words_are_looked_for_in_what_was_said(admin_client, anna) -> None:
    thread = thread_of(anna, "Order 1042")
    Turn.begin(thread, "The zebra is missing", depth=2)
    thread_of(anna, "Another")

    assert found(admin_client, THREADS, q="zebra") == [thread]
    assert found(admin_client, THREADS, q="zebra unicorn") == []


def test_archived_and_deleted_threads_say_so(admin_client, anna) -> None:
    thread_of(anna)
    Thread.objects.update(status="archived")
    assert "archived" in text_of(admin_client.get(THREADS)).split("Filter", 1)[-1]

    Thread.objects.update(deleted_at=timezone.now())
    assert "deleted" in text_of(admin_client.get(THREADS))


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ({"owner": "visitor"}, "theirs"),
        ({"owner": "user"}, "mine"),
        ({"owner": "nonsense"}, "both"),
        ({"status__exact": "locked"}, "theirs"),
        ({"assistant": "test"}, "theirs"),
    ],
)
def test_threads_are_filtered(admin_client, anna, query, expected) -> None:
    now = timezone.now()
    mine = make_thread(anna, at=now)
    theirs = make_thread(uuid4(), at=now, assistant="test")
    Thread.objects.filter(pk=theirs.pk).update(status="locked")
    rows = {"mine": {mine}, "theirs": {theirs}, "both": {mine, theirs}}[expected]

    assert set(found(admin_client, THREADS, **query)) == rows


def test_hostile_titles_names_and_errors_are_shown_as_text(admin_client) -> None:
    hostile = make_user(HOSTILE[:150])
    thread = thread_of(
        hostile, HOSTILE, status="failed", error_code=HOSTILE[:64], error_text=HOSTILE
    )
    turn = Turn.begin(thread, HOSTILE, depth=2)
    turn.call(HOSTILE, output={})
    turn.end("failed", error_code=HOSTILE[:64])

    for url in (THREADS, RUNS, CALLS):
        body = admin_client.get(url, {"tool": HOSTILE}).content.decode()
        body += admin_client.get(url, {"q": HOSTILE, "when": HOSTILE}).content.decode()
        body += admin_client.get(url).content.decode()
        assert "<script>alert" not in body
        assert "<img src=x" not in body


def test_nobody_sorts_a_million_rows(admin_client, anna) -> None:
    first, second = thread_of(anna, "A", days=2), thread_of(anna, "B", days=1)

    rows = found(admin_client, THREADS, o="1.2.-3")

    assert rows == [second, first]
    assert "sortable" not in admin_client.get(THREADS).content.decode()


def test_the_queries_of_the_list_do_not_grow_with_it(
    admin_client, anna, django_assert_num_queries
) -> None:
    for number in range(30):
        thread = thread_of(anna)
        turn = Turn.begin(thread, "More", depth=2)
        turn.call("order_status", output={})
        turn.end()
        if number in (1, 29):
            # session, user, what waits for me (permissions twice, count); count, page;
            # shapes, runs, tools, money, answers, feedback
            with django_assert_num_queries(13):
                admin_client.get(THREADS)


def test_a_large_thread_does_not_hold_up_the_list(
    admin_client, anna, monkeypatch, django_assert_max_num_queries
) -> None:
    monkeypatch.setattr("chatkit_app.admin.thread_rows.LARGE", 1)
    thread_of(anna, cost="0.5")

    text = text_of(admin_client.get(THREADS))

    assert "…" in text
    assert "0.5000" not in text


def test_what_is_logged_of_a_thread_is_its_id(anna) -> None:
    thread = thread_of(anna, "My secret")
    request = RequestFactory().get("/")
    request.user = make_user("boss", is_staff=True)

    ThreadAdmin(Thread, admin.site).log_change(request, thread, "exported")

    entry = LogEntry.objects.get()
    assert str(thread.pk) in entry.object_repr
    assert "secret" not in f"{entry.object_repr} {entry.change_message}"
    assert "secret" not in str(thread)


def test_a_site_puts_its_own_in_the_place_of_ours(rf, anna) -> None:
    class ShopThreadAdmin(ThreadAdmin):
        list_display = ("name", "shop")
        list_filter = ()

        @admin.display(description="shop")
        def shop(self, thread: Thread) -> str:
            return f"shop of {thread.assistant}"

    site = admin.AdminSite("shop")
    site.register(Thread, ShopThreadAdmin)
    thread_of(anna)
    request = rf.get("/")
    request.user = make_user("root", is_staff=True, is_superuser=True)
    request.session = {}

    changes = site._registry[Thread].get_changelist_instance(request)
    site.unregister(Thread)

    assert len(changes.result_list) == 1
    assert Thread not in site._registry


def test_a_thread_of_yesterday_that_went_on_today_is_found_in_both(
    admin_client, anna
) -> None:
    thread = thread_of(anna, days=1)
    Thread.objects.update(last_activity_at=timezone.now())
    Thread.objects.update(created_at=timezone.now() - timedelta(days=1))

    assert found(admin_client, THREADS, when="yesterday") == [thread]
    assert found(admin_client, THREADS, when="today") == [thread]
