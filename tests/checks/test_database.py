from __future__ import annotations

import pytest

from tests.checks.spoiling import POSTGRESQL, SQLITE, ids, only


def test_a_database_without_partial_unique_indexes_is_refused(site, use) -> None:
    use({"ENGINE": "tests.databases.mysql_by_name", "NAME": "site"})

    assert ids() == ["chatkit.E013"]


def test_postgresql_is_supported_as_it_is(site, use) -> None:
    use(POSTGRESQL)

    assert ids() == []


@pytest.mark.parametrize("mode", [None, "DEFERRED"])
def test_sqlite_should_lock_when_a_transaction_begins(site, use, mode) -> None:
    use({**SQLITE, "OPTIONS": {**SQLITE["OPTIONS"], "transaction_mode": mode}})

    assert ids() == ["chatkit.W014"]


@pytest.mark.parametrize("command", ["", "PRAGMA journal_mode=DELETE;"])
def test_sqlite_should_keep_a_write_ahead_log(site, use, command) -> None:
    use({**SQLITE, "OPTIONS": {**SQLITE["OPTIONS"], "init_command": command}})

    assert ids() == ["chatkit.W015"]


def test_an_sqlite_in_memory_needs_neither(site, use) -> None:
    use({"ENGINE": SQLITE["ENGINE"], "NAME": ":memory:"})

    assert ids() == []


@pytest.mark.parametrize(
    ("age", "asgi", "expected"),
    [
        (0, "site.asgi.application", []),
        (60, "site.asgi.application", ["chatkit.W017"]),
        (None, "site.asgi.application", ["chatkit.W017"]),
        (60, None, ["chatkit.W024"]),
    ],
)
def test_connections_are_not_kept_under_asgi(site, use, age, asgi, expected) -> None:
    site.ASGI_APPLICATION = asgi
    use({**SQLITE, "CONN_MAX_AGE": age})

    assert ids() == expected


class ReadsElsewhere:
    """A router with a replica."""

    def db_for_read(self, model, **hints) -> str | None:
        return "replica"


def test_the_tables_are_read_where_they_are_written(site) -> None:
    site.DATABASE_ROUTERS = [f"{__name__}.ReadsElsewhere"]

    assert ids() == ["chatkit.E022"]


@pytest.mark.parametrize(
    ("pool", "tools", "expected"),
    [
        (None, 8, []),
        ({"min_size": 2, "max_size": 16}, 8, []),
        ({"max_size": 13}, 8, []),
        ({"max_size": 12}, 8, ["chatkit.W033"]),
        ({"max_size": 12}, 7, []),
        ({"min_size": 16}, 8, []),
        (True, 8, ["chatkit.W033"]),
    ],
)
def test_slow_tools_leave_the_chat_some_of_the_pool(
    site, use, pool, tools, expected
) -> None:
    site.CHATKIT_TOOL_THREADS = tools
    use({**POSTGRESQL, "OPTIONS": {"pool": pool}})

    assert ids() == expected


def test_the_hint_about_the_pool_names_a_size_that_passes(site, use) -> None:
    use({**POSTGRESQL, "OPTIONS": {"pool": {"max_size": 4}}})

    assert "to 13 or more" in str(only().hint)


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ("-c statement_timeout=30000", []),
        ("-c synchronous_commit=on", []),
        ("-c synchronous_commit=local", []),
        ("-c synchronous_commit=off", ["chatkit.W034"]),
        ("-csynchronous_commit=OFF -c geqo=off", ["chatkit.W034"]),
        ("--synchronous-commit=false", ["chatkit.W034"]),
        ("-c geqo=off", []),
    ],
)
def test_what_postgresql_commits_stays(site, use, options, expected) -> None:
    use({**POSTGRESQL, "OPTIONS": {"options": options}})

    assert ids() == expected


@pytest.mark.parametrize(
    ("command", "expected"),
    [
        ("PRAGMA synchronous=NORMAL;", []),
        ("PRAGMA synchronous = OFF;", ["chatkit.W034"]),
        ("pragma synchronous=0;", ["chatkit.W034"]),
        ("PRAGMA synchronous(off);", ["chatkit.W034"]),
    ],
)
def test_what_sqlite_commits_stays(site, use, command, expected) -> None:
    command = f"PRAGMA journal_mode=WAL; {command}"
    use({**SQLITE, "OPTIONS": {**SQLITE["OPTIONS"], "init_command": command}})

    assert ids() == expected
