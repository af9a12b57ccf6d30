"""The app beside a bare consumer that keeps nothing, in one run.

    python -m benchmarks [--rounds 3] [--json figures.json] [--small]

Ratios within a round are what counts; absolute figures are this machine's, in this minute. The end is
1 if an answer was not whole: a token missing, twice or wrong, or kept otherwise than it was shown.
``DATABASE_URL`` (with ``REDIS_URL``) adds the app on PostgreSQL. Linux only: it reads CPU clocks.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import platform
import sys
import time
from collections.abc import Callable
from contextlib import ExitStack
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from benchmarks import servers
from benchmarks.pages import LimitPage, OurPage, Page
from benchmarks.scenarios import (
    SCENARIOS,
    Sizes,
    Target,
    burst,
    first_token,
    tool_round,
)
from benchmarks.servers import Server
from benchmarks.table import Table
from benchmarks.tokens import NotWhole

USUAL = Sizes(
    warm_ups=2,
    questions=30,
    calls=20,
    streams=10,
    seconds=3,
    rate=50,
    bursts=4,
    burst=1000,
)
SMALL = Sizes(
    warm_ups=1,
    questions=2,
    calls=2,
    streams=2,
    seconds=0.2,
    rate=50,
    bursts=1,
    burst=50,
)
PACKAGES = ("Django", "channels", "daphne", "openai", "aiohttp", "httpx2", "uvloop")


def targets(stack: ExitStack) -> list[Target]:
    """Start the servers; the first is what the others are held to."""
    base_url = f"{stack.enter_context(servers.provider()).url}/v1"
    found = []
    for name, path in (("bare, typed events", "/typed/"), ("bare, dicts", "/dicts/")):
        server = stack.enter_context(servers.limit(base_url))
        found.append(Target(name, server, _bare_page(server, path)))
    ours = {"ours, SQLite": ("", "")}
    if url := os.environ.get("DATABASE_URL"):
        redis = os.environ.get("REDIS_URL", "")
        ours["ours, PostgreSQL" + (" and Redis" if redis else "")] = (url, redis)
    for name, (database, redis) in ours.items():
        server = stack.enter_context(servers.ours(base_url, database, redis))
        found.append(Target(name, server, _our_page(server)))
    return found


def _bare_page(server: Server, path: str) -> Callable[[], Page]:
    return lambda: LimitPage(server, path, {})


def _our_page(server: Server) -> Callable[[], Page]:
    return lambda: OurPage(server)


async def measure(found: list[Target], sizes: Sizes, rounds: int) -> Table:
    """All rounds; within one, each scenario with one target after the other."""
    table = Table([target.name for target in found])
    for _ in range(sizes.warm_ups):
        for target in found:
            for scenario in (first_token, tool_round, burst):
                await scenario(target, sizes)
    for number in range(rounds):
        order = found[number % len(found) :] + found[: number % len(found)]
        for scenario in SCENARIOS:
            for target in order:
                table.add(target.name, await scenario(target, sizes))
        _tell(f"round {number + 1} of {rounds}")
    return table


def _tell(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


def about() -> str:
    """What this was run with."""
    versions = []
    for package in PACKAGES:
        try:
            versions.append(f"{package} {version(package)}")
        except PackageNotFoundError:
            versions.append(f"no {package}")
    python = f"Python {platform.python_version()}"
    return f"{os.cpu_count()} cores, {python}, {', '.join(versions)}"


def main() -> int:
    """Run; 0 if every answer was whole."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--json", type=Path, help="write all figures to this file")
    parser.add_argument(
        "--small", action="store_true", help="as little as shows that it works"
    )
    options = parser.parse_args()
    sizes = SMALL if options.small else USUAL
    started, load = time.monotonic(), os.getloadavg()[0]
    try:
        with ExitStack() as stack:
            table = asyncio.run(measure(targets(stack), sizes, options.rounds))
    except NotWhole as error:
        _tell(f"Not whole: {error}")
        return 1
    print("\n".join(table.lines()))
    took = time.monotonic() - started
    print(
        f"\n{about()}\n{options.rounds} rounds in {took:.0f} s; load {load:.1f} before"
    )
    if options.json:
        found = {"about": about(), "load": load, "rows": table.as_json()}
        options.json.write_text(json.dumps(found, indent=2) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
