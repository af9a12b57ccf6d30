"""The inspector and the history beside bare queries of the same rows, at a million messages.

    python -m benchmarks.lists [--messages 1000000] [--rounds 5] [--database FILE] [--json FILE] [--cpu]

Each page is asked for as a browser asks, without a network; beside it stands a bare queryset of the rows
that the page shows, read and thrown away. Their ratio within a round is what counts. SQLite in a file
that is thrown away, or kept and used again (``--database``); ``DATABASE_URL`` names a PostgreSQL server,
where a database of its own is made and dropped.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

PAGE = 50
THREADS = "/admin/chatkit_app/thread/"
RUNS = "/admin/chatkit_app/run/"
CALLS = "/admin/chatkit_app/toolcall/"

Page = tuple[str, Callable[[], object]]


def main() -> int:
    """Fill, measure, print. Returns 1 if a page was not answered."""
    wanted = _arguments()
    with tempfile.TemporaryDirectory() as folder:
        file = wanted.database or Path(folder) / "lists.sqlite3"
        _set_up(file)
        with _filled(wanted.messages, keep=wanted.database is not None) as seconds:
            clock = time.process_time if wanted.cpu else time.perf_counter
            rows = measured(_pages(), wanted.rounds, clock)
    print(*lines(rows), sep="\n")
    if wanted.json:
        told = {"messages": wanted.messages, "fill_seconds": seconds, "rows": rows}
        wanted.json.write_text(json.dumps(told, indent=2))
    return 0


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--messages", type=int, default=1_000_000)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--database", type=Path)
    parser.add_argument("--json", type=Path)
    parser.add_argument(
        "--cpu",
        action="store_true",
        help="CPU time: for SQLite on a machine that others are busy on",
    )
    return parser.parse_args()


def _set_up(file: Path) -> None:
    """Django with the demo's settings, on a database of our own."""
    os.environ["DJANGO_SETTINGS_MODULE"] = "benchmarks.settings"
    os.environ["BENCHMARK_DATABASE"] = str(file)
    import django

    django.setup()


@contextmanager
def _filled(messages: int, *, keep: bool) -> Iterator[float]:
    """A database with so many messages; a kept one is filled once. Gives the seconds that it took."""
    from django.conf import settings
    from django.db import connection

    from benchmarks.history import fill
    from chatkit_app.models import Message

    settings.ALLOWED_HOSTS = ["testserver"]
    before = connection.settings_dict["NAME"]
    connection.creation.create_test_db(verbosity=0, autoclobber=not keep, keepdb=keep)
    began = time.monotonic()
    try:
        if not Message.objects.exists():
            fill(messages)
        yield time.monotonic() - began
    finally:
        if not keep:
            connection.creation.destroy_test_db(before, verbosity=0)


def _pages() -> Mapping[str, Page]:
    """Each page by what it is called: its address, and the bare rows that it shows."""
    from chatkit_app.models import Message, Run, Thread, ToolCall

    # With the tenant, as the policy asks: by its index.
    threads = Thread.objects.filter(tenant="").order_by("-last_activity_at", "-id")
    runs = Run.objects.order_by("-created_at", "-id")
    calls = ToolCall.objects.order_by("-created_at", "-id")
    newest = list(threads[:2])
    long, short = newest[0], newest[1]
    owner = short.owner_key
    bare_threads, bare_runs = _rows(threads), _rows(runs)
    asked = {
        "threads": "",
        "threads, any time": "?when=all",
        "threads, page 20 of any time": "?when=all&p=20",
        "threads: failed": "?what=failed",
        "threads: failed, any time": "?what=failed&when=all",
        "threads: waits for approval": "?what=staff",
        "threads: stuck": "?what=stuck",
        "threads: expensive": "?what=expensive",
        "threads: thumbs down": "?what=disliked",
        "threads: a tool": "?tool=refund",
        "threads: a tool of every second, any time": "?tool=order_status&when=all",
        "threads: one user's": f"?owner_key={owner}",
        "threads: today": "?when=today",
        "threads: search for an id": f"?q={short.pk}",
        "threads: search for a rare word, any time": "?q=quixotic&when=all",
        "threads: search for a frequent word, any time": "?q=order&when=all",
    }
    found: dict[str, Page] = {
        name: (THREADS + query, bare_threads) for name, query in asked.items()
    }
    found["runs"] = (RUNS, bare_runs)
    found["runs: failed, any time"] = (f"{RUNS}?what=failed&when=all", bare_runs)
    found["tool calls"] = (CALLS, _rows(calls))
    found["tool calls: failed, any time"] = (
        f"{CALLS}?what=failed&when=all",
        _rows(calls.filter(status="failed")),
    )
    for name, thread in (("short", short), ("long", long)):
        messages = Message.objects.filter(thread=thread, is_shown=True)
        bare = _rows(messages.order_by("-depth"))
        found[f"a {name} thread's page"] = (f"{THREADS}{thread.pk}/change/", bare)
        address = f"/chatkit/api/threads/{thread.pk}/messages/"
        found[f"history of a {name} thread"] = (address, bare)
    return found


def _rows(rows: Any) -> Callable[[], object]:
    return lambda: list(rows[:PAGE])


def measured(
    pages: Mapping[str, Page], rounds: int, clock: Callable[[], float]
) -> dict[str, dict[str, list[float]]]:
    """Milliseconds of each page and of its bare rows, by round; the first round warms up."""
    clients = _Clients()
    told: dict[str, dict[str, list[float]]] = {
        name: {"bare": [], "ours": []} for name in pages
    }
    for number in range(rounds + 1):
        for name, (address, bare) in pages.items():
            ours = partial(clients.get, address)
            times = {"bare": timed(bare, clock), "ours": timed(ours, clock)}
            for target, milliseconds in times.items() if number else ():
                told[name][target].append(milliseconds)
    return told


class _Clients:
    """Who asks: of the admin a superuser, of a history its owner."""

    def __init__(self) -> None:
        from django.contrib.auth import get_user_model
        from django.test import Client

        self._users = get_user_model()
        self._client = Client
        staff, _ = self._users.objects.get_or_create(
            username="root", defaults={"is_staff": True, "is_superuser": True}
        )
        self._staff = self._logged_in(staff)
        self._owners: dict[str, Any] = {}

    def get(self, address: str) -> None:
        """Ask for a page.

        Raises:
            SystemExit: It was not answered.
        """
        answer = self._of(address).get(address)
        if answer.status_code != 200:
            sys.exit(f"{address}: {answer.status_code}")

    def _of(self, address: str) -> Any:
        if address.startswith("/admin/"):
            return self._staff
        if address not in self._owners:
            from chatkit_app.models import Thread

            thread = Thread.objects.get(pk=address.split("/")[4])
            self._owners[address] = self._logged_in(thread.user)
        return self._owners[address]

    def _logged_in(self, user: Any) -> Any:
        client = self._client()
        client.force_login(user)
        return client


def timed(do: Callable[[], object], clock: Callable[[], float]) -> float:
    """Milliseconds."""
    began = clock()
    do()
    return (clock() - began) * 1000


def lines(rows: Mapping[str, Mapping[str, list[float]]]) -> list[str]:
    """As Markdown: medians, and the ratio with its lowest and highest."""
    from benchmarks.table import Table

    table = Table(["bare rows", "the page"])
    for name, by_target in rows.items():
        for bare, ours in zip(by_target["bare"], by_target["ours"], strict=True):
            table.add("bare rows", {f"{name}, ms": bare})
            table.add("the page", {f"{name}, ms": ours})
    return table.lines()


if __name__ == "__main__":
    sys.exit(main())
