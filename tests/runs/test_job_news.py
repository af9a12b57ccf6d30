"""What jobs tell of themselves, on its way into the log."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any
from uuid import uuid4

import pytest
from django.db import connection, connections, transaction
from pytest_django import Settings

from chatkit_app.engine.telling import Voice
from chatkit_app.models import ToolCall
from chatkit_app.protocols.native import decode_event
from chatkit_app.runs import job_news as module
from chatkit_app.runs import jobs
from chatkit_app.runs.briefing import viewer_of_run
from chatkit_app.runs.job_news import JobNews
from tests.runs.desk import WAIT, a_visitor, calls_of, cancel, carried, log_of

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.usefixtures("recorded"),
]


@pytest.fixture
def news(monkeypatch: pytest.MonkeyPatch) -> Iterator[JobNews]:
    monkeypatch.setattr(module, "LOOK_SECONDS", 0.02)
    news = JobNews()
    yield news
    news.stop()


@pytest.fixture
def call() -> ToolCall:
    [call] = calls_of(carried(a_visitor(), "call crunch"))
    return call


def until(is_so: Callable[[], bool]) -> None:
    end = time.monotonic() + WAIT
    while not is_so():
        assert time.monotonic() < end, "it did not come to that"
        time.sleep(0.005)


def again(call: ToolCall) -> ToolCall:
    return ToolCall.objects.get(pk=call.pk)


def told_of(call: ToolCall) -> list[str]:
    found = log_of(call.run.thread_id, "tool_call.progressed")
    told: list[Any] = [decode_event(data) for data in found]
    return [event.text for event in told]


def is_gone() -> bool:
    return not any(t.name == "chatkit-jobs" for t in threading.enumerate())


def test_what_is_told_is_written_while_the_job_goes_on(
    news: JobNews, call: ToolCall
) -> None:
    voice = news.open(call)
    voice.progress("first", None)
    until(lambda: told_of(call) == ["first"])
    voice.progress("second", None)
    voice.progress("third", None)

    until(lambda: told_of(call)[-1] == "third")


def test_the_last_words_are_whoever_s_who_ends_it(
    news: JobNews, call: ToolCall
) -> None:
    voice = news.open(call)
    voice.progress("first", None)
    until(lambda: told_of(call) == ["first"])
    voice.progress("last", None)
    last: list[Any] = list(news.close(call.pk))
    voice.progress("too late", None)

    until(is_gone)
    assert [event.text for event in last] in ([], ["last"])
    assert "too late" not in told_of(call)
    assert news.close(call.pk) == []


def test_the_thread_ends_with_the_last_job_and_comes_back_with_the_next(
    news: JobNews, call: ToolCall
) -> None:
    news.open(call)
    news.close(call.pk)
    until(is_gone)
    news.open(call).progress("again", None)

    until(lambda: told_of(call) == ["again"])


def test_the_lease_is_kept(news: JobNews, call: ToolCall, settings: Settings) -> None:
    settings.CHATKIT_LEASE_SECONDS = 0.3
    me = uuid4()
    claimed = jobs.claim(call.pk, me)
    assert claimed is not None
    news.open(claimed, owner=me)
    end = time.monotonic() + 1.0
    while time.monotonic() < end:
        assert jobs.to_claim(1) == []
        time.sleep(0.02)


def test_the_lease_of_a_job_that_is_not_at_work_is_not_kept(
    news: JobNews, call: ToolCall, settings: Settings
) -> None:
    settings.CHATKIT_LEASE_SECONDS = 0.3
    [other] = calls_of(carried(a_visitor(), "call crunch"))
    me = uuid4()
    claimed = jobs.claim(call.pk, me)
    assert claimed is not None
    jobs.claim(other.pk, me)
    news.open(claimed, owner=me)

    until(lambda: jobs.to_claim(2) == [other.pk])


@pytest.mark.skipif(connection.vendor != "postgresql", reason="SQLite has no row locks")
def test_keeping_leases_holds_no_row_while_it_waits_for_another(
    call: ToolCall, settings: Settings
) -> None:
    """Whoever closes a run with both locks them in an order of their own."""
    settings.CHATKIT_LEASE_SECONDS = 300
    [other] = calls_of(carried(a_visitor(), "call crunch"))
    me = uuid4()
    both = [jobs.claim(one.pk, me) for one in (call, other)]
    at_work = [
        module.AtWork(
            call=one, voice=Voice(one.pk, tab="", ring=int), owner=me, on_unwanted=int
        )
        for one in both
        if one is not None
    ]
    rows = ToolCall.objects.select_for_update(of=("self",))
    before = again(call).job_until
    keeping = threading.Thread(target=partial(_renewed, at_work))
    with transaction.atomic():
        rows.get(pk=other.pk)
        keeping.start()
        until(lambda: again(call).job_until != before)
        with connection.cursor() as cursor:
            cursor.execute("SET LOCAL lock_timeout = '3s'")
        rows.get(pk=call.pk)
    keeping.join(WAIT)

    assert not keeping.is_alive()


def _renewed(at_work: list[module.AtWork]) -> None:
    try:
        module._renew(at_work)
    finally:
        connections.close_all()


def test_a_job_that_nobody_wants_any_more_is_told(
    news: JobNews, call: ToolCall
) -> None:
    me, unwanted = uuid4(), threading.Event()
    claimed = jobs.claim(call.pk, me)
    assert claimed is not None
    news.open(claimed, owner=me, on_unwanted=unwanted.set)
    cancel(viewer_of_run(call.run, call.run.thread), call.run)

    assert unwanted.wait(WAIT)


def test_a_job_that_another_process_has_is_told(news: JobNews, call: ToolCall) -> None:
    me, unwanted = uuid4(), threading.Event()
    claimed = jobs.claim(call.pk, me)
    assert claimed is not None
    news.open(claimed, owner=me, on_unwanted=unwanted.set)
    ToolCall.objects.filter(pk=call.pk).update(job_owner=uuid4())

    assert unwanted.wait(WAIT)


def test_what_can_not_be_written_costs_the_news_and_not_the_job(
    news: JobNews,
    call: ToolCall,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    failed, original = threading.Event(), jobs.tell

    def fail_once(*given: Any) -> bool:
        if not failed.is_set():
            failed.set()
            raise RuntimeError("the database is away")
        return original(*given)

    monkeypatch.setattr(jobs, "tell", fail_once)
    voice = news.open(call)
    voice.progress("lost", None)
    assert failed.wait(WAIT)
    voice.progress("heard", None)

    until(lambda: told_of(call) == ["heard"])
    assert caplog.text.count("can't be written") == 1
