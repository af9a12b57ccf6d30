"""Does the database keep what the tables rely on, and are its connections enough?"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from django.conf import settings as django_settings
from django.core.checks import CheckMessage, Error
from django.core.checks import Warning as Caution
from django.db import DEFAULT_DB_ALIAS, connections, router

from chatkit_app.conf import Settings
from chatkit_app.db import THREADS
from chatkit_app.models import Thread

SUPPORTED = {"sqlite", "postgresql"}
WRITER = 1  # log/writer.py keeps its own connection
POOL_DEFAULT = (
    4  # psycopg_pool's min_size, which is the size where no max_size is given
)

LOOSE_POSTGRESQL = re.compile(
    r"synchronous[_-]commit\s*=\s*'?(off|false|no|0)\b", re.IGNORECASE
)
LOOSE_SQLITE = re.compile(r"synchronous\s*[=(]\s*'?(off|0)\b", re.IGNORECASE)


def check_database(**_: Any) -> Iterator[CheckMessage]:
    """It is one database, of a kind that holds the rules of the tables."""
    written, read = router.db_for_write(Thread), router.db_for_read(Thread)
    if {written, read} != {DEFAULT_DB_ALIAS}:
        yield Error(
            f"The chat's tables are read from {read!r} and written to {written!r}.",
            hint="Both must be the default database: a replica that lags behind is a hole in"
            " every thread, and a transaction can't span two.",
            id="chatkit.E022",
        )
    connection = connections[written]
    if connection.vendor not in SUPPORTED:
        yield Error(
            f"{connection.display_name} is not supported.",
            hint="Use PostgreSQL or SQLite. (MySQL and MariaDB ignore the partial unique"
            " indexes that keep a thread to one active run.)",
            id="chatkit.E013",
        )
    if connection.vendor == "sqlite" and not _is_in_memory(connection.settings_dict):
        yield from _about_sqlite(connection.settings_dict.get("OPTIONS", {}))


def _is_in_memory(database: Mapping[str, object]) -> bool:
    name = str(database.get("NAME"))
    return ":memory:" in name or "mode=memory" in name


def _about_sqlite(options: Mapping[str, object]) -> Iterator[CheckMessage]:
    if str(options.get("transaction_mode")).upper() not in ("IMMEDIATE", "EXCLUSIVE"):
        yield Caution(
            "SQLite begins transactions without a lock: two writers at once fail with"
            ' "database is locked".',
            hint='Set OPTIONS["transaction_mode"] = "IMMEDIATE".',
            id="chatkit.W014",
        )
    command = "".join(str(options.get("init_command", "")).lower().split())
    if "journal_mode=wal" not in command:
        yield Caution(
            "SQLite is not told to keep a write-ahead log: readers and the writer of an"
            " answer block each other.",
            hint='Set OPTIONS["init_command"] = "PRAGMA journal_mode=WAL;".',
            id="chatkit.W015",
        )


def check_connections(**_: Any) -> Iterator[CheckMessage]:
    """None is lost sight of, and slow tools leave the chat some of the pool."""
    connection = connections[router.db_for_write(Thread)]
    database = connection.settings_dict
    if (
        getattr(django_settings, "ASGI_APPLICATION", None)
        and database["CONN_MAX_AGE"] != 0
    ):
        yield Caution(
            "CONN_MAX_AGE keeps connections open, which under ASGI are left behind with"
            " their threads until the database has no more of them.",
            hint='Set CONN_MAX_AGE = 0; on PostgreSQL use OPTIONS["pool"].',
            id="chatkit.W017",
        )
    pool = database.get("OPTIONS", {}).get("pool")
    if connection.vendor == "postgresql" and pool:
        yield from _about_pool(pool if isinstance(pool, Mapping) else {})


def _about_pool(pool: Mapping[str, Any]) -> Iterator[CheckMessage]:
    """A sync tool that has asked the database keeps its connection until it returns."""
    tools: Any = Settings().TOOL_THREADS
    size = pool.get("max_size") or pool.get("min_size", POOL_DEFAULT)
    needed = tools + THREADS + WRITER
    if isinstance(size, int) and isinstance(tools, int) and size < needed:
        yield Caution(
            f"The pool has {size} connections; {tools} tools that wait for something"
            " else keep one each, and answers that are being written find none.",
            hint=f'Set OPTIONS["pool"]["max_size"] to {needed} or more ({tools}'
            f" CHATKIT_TOOL_THREADS, {THREADS} threads and the writer of the chat; the"
            " site's own requests come on top), or lower CHATKIT_TOOL_THREADS.",
            id="chatkit.W033",
        )


def check_durability(**_: Any) -> Iterator[CheckMessage]:
    """What is committed stays: pages are shown it, and count on its number."""
    connection = connections[router.db_for_write(Thread)]
    options = connection.settings_dict.get("OPTIONS", {})
    told = {
        "postgresql": (LOOSE_POSTGRESQL, "options", "synchronous_commit is off"),
        "sqlite": (LOOSE_SQLITE, "init_command", "PRAGMA synchronous is OFF"),
    }.get(connection.vendor)
    if told is not None and told[0].search(str(options.get(told[1], ""))):
        yield Caution(
            f"{told[2]}: a crash takes back what was committed and shown, and its numbers"
            " are given to other events.",
            hint=f'Take it out of OPTIONS["{told[1]}"]. (The writer commits for all runs at'
            " once, so that little is gained by it.)",
            id="chatkit.W034",
        )
