"""What most tests need: the live site, and a clean end of this process's own background."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from django.core.cache import cache
from django.db import connection
from django.db.backends.base.operations import BaseDatabaseOperations
from django.utils import translation
from pytest_django.plugin import DjangoDbBlocker

from chatkit_app import db
from chatkit_app.background import background
from chatkit_app.log.doorbell import doorbell
from chatkit_app.log.owner_bell import owner_bell
from chatkit_app.log.writer import writer
from chatkit_app.runs.job_news import job_news
from chatkit_app.runs.runner import runner
from chatkit_app.runs.tool_threads import reply_threads, tool_threads
from tests.live import Browser, Site


@pytest.fixture(autouse=True)
def no_language_left() -> Iterator[None]:
    """A request in German leaves its language in this thread, for whatever comes next."""
    yield
    translation.deactivate()


@pytest.fixture(autouse=True)
def no_count_left() -> Iterator[None]:
    """What throttles have counted of one test is in this process's cache for the next."""
    yield
    cache.clear()


@pytest.fixture(scope="session")
def django_db_setup(
    django_db_setup: None, django_db_blocker: DjangoDbBlocker
) -> Iterator[None]:
    """At the end nobody is left in the database: a thread of the last test may still have its connection."""
    yield
    if connection.vendor == "postgresql":
        with django_db_blocker.unblock(), connection.cursor() as cursor:
            cursor.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                " WHERE datname = current_database() AND pid <> pg_backend_pid()"
            )


@pytest.fixture(scope="session", autouse=True)
def quick_flush() -> Iterator[None]:
    """Empty PostgreSQL's tables by DELETE: a TRUNCATE of all takes 200 ms a test, of hardly a row."""
    with pytest.MonkeyPatch.context() as patch:
        if connection.vendor == "postgresql":
            patch.setattr(type(connection.ops), "sql_flush", deletions)
        yield


def deletions(
    operations: BaseDatabaseOperations, style: object, tables: list[str], **how: bool
) -> list[str]:
    """In any order: the constraints are checked when the transaction ends."""
    return [f"DELETE FROM {operations.quote_name(table)}" for table in tables]  # noqa: S608 (our own tables' names)


@pytest.fixture(scope="session")
def migrated() -> Iterator[Site]:
    """A site that never serves: its database is what the others begin with."""
    site = Site()
    try:
        yield site.migrate()
    finally:
        site.close()


@pytest.fixture(scope="session")
def shared_site(migrated: Site) -> Iterator[Site]:
    """One server for all tests that leave it alive."""
    site = Site()
    try:
        yield site.make(migrated)
    finally:
        site.close()


@pytest.fixture
def site(migrated: Site) -> Iterator[Site]:
    """A server of the test's own, which may be killed."""
    site = Site()
    try:
        yield site.make(migrated)
    finally:
        site.close()


@pytest.fixture
def ann(shared_site: Site) -> Browser:
    """A customer who has logged in."""
    return Browser(shared_site).log_in("ann")


@pytest.fixture
def visitor(shared_site: Site) -> Browser:
    """An anonymous visitor, a new one for each test."""
    return Browser(shared_site).visit()


@pytest.fixture
def stopped_background() -> Iterator[None]:
    """Whatever a test starts in this process ends with it, database connections included."""
    yield
    stop_background()


def stop_background() -> None:
    runner.stop()
    background.stop()
    job_news.stop()
    doorbell.stop()
    owner_bell.stop()
    writer.stop()
    tool_threads.stop()
    reply_threads.stop()
    db.threads.close()
