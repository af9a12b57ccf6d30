from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from django.utils import timezone

from chatkit_app.admin import periods
from chatkit_app.admin.periods import NAMES, Period, period, period_of
from tests.admin.lists import RUNS, THREADS, found, make_user, text_of, thread_of

ID = "0192aaaa-aaaa-7aaa-8aaa-aaaaaaaaaaaa"


@pytest.mark.parametrize(
    ("query", "name"),
    [
        ({}, "7"),
        ({"when": "30"}, "30"),
        ({"when": "nonsense"}, "7"),
        ({"q": "order"}, "7"),
        ({"q": "u:1"}, "all"),
        ({"q": "u:1", "when": "1"}, "1"),
        ({"q": ID}, "all"),
        ({"q": ID, "when": "1"}, "all"),
        ({"owner_key": "u:1"}, "all"),
        ({"thread__id__exact": ID}, "all"),
        ({"what": "stuck"}, "all"),
        ({"what": "failed"}, "7"),
    ],
)
def test_a_list_goes_back_as_far_as_it_was_asked_for(rf, query, name) -> None:
    assert period_of(rf.get("/", query)).name == name


def test_days_begin_at_midnight_where_the_reader_is(monkeypatch) -> None:
    # The night in which Berlin puts its clocks forward: a day of 23 hours.
    noon = datetime(2026, 3, 30, 10, tzinfo=UTC)
    monkeypatch.setattr(periods, "localtime", lambda: timezone.localtime(noon))
    with timezone.override("Europe/Berlin"):
        today, yesterday = period("today"), period("yesterday")

        assert today.since == datetime(2026, 3, 29, 22, tzinfo=UTC)
        assert yesterday.until == today.since
        assert yesterday.since == datetime(2026, 3, 28, 23, tzinfo=UTC)


def test_every_name_is_a_period() -> None:
    for name in NAMES:
        assert (period(name).since is None) == (name == "all")


def test_a_period_is_conditions_on_a_column() -> None:
    at = timezone.now()

    assert Period(name="x", since=at, until=at).of("a") == {"a__gte": at, "a__lt": at}
    assert Period(name="x", since=at).of("a") == {"a__gte": at}
    assert Period(name="x", until=at).of("a", "b") == {"b__lt": at}


@pytest.mark.django_db
def test_a_list_shows_the_last_week_and_says_so(admin_client) -> None:
    anna = make_user("anna")
    young, old = thread_of(anna, days=6.9), thread_of(anna, days=7.1)

    assert found(admin_client, THREADS) == [young]
    assert found(admin_client, THREADS, when="30") == [young, old]
    assert found(admin_client, THREADS, when="1") == []
    assert len(found(admin_client, RUNS)) == 1
    assert len(found(admin_client, RUNS, when="all")) == 2
    body = admin_client.get(THREADS).content.decode()
    assert '<li class="selected">' in body.replace("\n", "")
    assert "Last 7 days" in text_of(admin_client.get(THREADS))


@pytest.mark.django_db
def test_what_was_just_now_is_of_today(admin_client) -> None:
    thread = thread_of(make_user("anna"))
    assert timezone.now() - thread.last_activity_at < timedelta(minutes=5)

    assert found(admin_client, THREADS, when="today") == [thread]
    assert found(admin_client, THREADS, when="yesterday") == []
