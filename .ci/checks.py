"""Everything that `make test` promises, on a machine that has little but a Python.

    python .ci/checks.py all | lint | python | javascript | browser | bench | package | faults | fuzz

Every check runs to its end even if an earlier one failed; the last lines say what
ran, what failed and what could not be had. Where Node or a browser is missing that
is said in capitals, and is a failure under CI=true.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path

from machine import (
    Cell,
    chromium,
    full_cell,
    node_environment,
    postgres_url,
    redis_url,
    smoke_cell,
)
from report import REPORT, ROOT, step


def lint() -> None:
    python = full_cell().python
    step("ruff", [python, "-m", "ruff", "check"])
    step("ruff format", [python, "-m", "ruff", "format", "--check"])
    step("mypy", [python, "-m", "mypy"])
    step("import-linter", [python.parent / "lint-imports", "--no-cache"])


def javascript() -> None:
    env = node_environment()
    if env is None:
        return
    tests = sorted((ROOT / "tests" / "js").glob("*.test.js"))
    step("node --test", ["node", "--test", "--test-reporter=spec", *tests], env=env)
    step("tsc", ["tsc"], env=env)
    step("biome", ["biome", "ci", "--colors=off"], env=env)


TOGETHER = ("-n", "2", "--dist", "worksteal")
NEITHER_PAGE_NOR_NODE = ("live", "package", "browser", "node")
ONE_DATABASE = (
    *("engine", "providers", "protocols", "permissions"),
    *("api/test_fuzz.py", "benchmarks", "project"),
)
"""Rooms without a row, who is let in where, and long ones that are no other there."""
LONG_SEARCHES = ("properties", "permissions", "api/test_fuzz.py", "benchmarks")
"""Thousands of cases of few kinds."""


def without(*marks: str) -> str:
    """An expression for `pytest -m`: none of these."""
    return " and ".join(f"not {mark}" for mark in marks)


def pytest(
    cell: Cell, name: str, marks: str, env: Mapping[str, str], *options: str
) -> None:
    # development mode: unclosed sockets, never-awaited coroutines and the like; by the
    # environment, for the processes that share the work must be told, too
    env = {**env, "PYTHONDEVMODE": "1"}
    run: list[str | Path] = [cell.python, "-m", "pytest", "-m", marks]
    run.append("--durations=40")
    failed_before = ROOT / ".pytest_cache" / "v" / "cache" / "lastfailed"
    failed_before.unlink(missing_ok=True)
    if not step(f"pytest: {name}", [*run, *options], env=env):
        again(name, [*run, "--last-failed", "--last-failed-no-failures=none"], env)


MOST_UNSTEADY = 3
"""Failures of thousands of tests that may have been the busy machine's; more are the code's."""


def again(name: str, command: list[str | Path], env: Mapping[str, str]) -> None:
    """Run the few that failed once more, alone; who passes then is named in the summary.

    Two at once on a busy machine, next to real browsers and killed processes, now and then one comes
    too late. A fault in the code fails again.
    """
    first = REPORT.outcomes[-1]
    names = [line for line in first.complaints if line.startswith("FAILED ")]
    if not 0 < len(names) == len(first.complaints) <= MOST_UNSTEADY:
        return
    if step(f"pytest: {name}, once more, alone", command, env=env):
        REPORT.outcomes.remove(first)
        REPORT.outcomes.append(replace(first, is_ok=True))
        REPORT.notes += [f"unsteady: {line.removeprefix('FAILED ')}" for line in names]


def python() -> None:
    """The suite without a page, on the servers; then all of it, on SQLite."""
    services()
    node, browser = node_environment(), chromium()
    lacking = [
        mark for mark, had in (("node", node), ("browser", browser)) if had is None
    ]
    marks = without("live", "package", "postgres", "redis", *lacking)
    cell = full_cell()
    pytest(cell, f"{cell.name}, SQLite", marks, node or {}, *TOGETHER)


def services() -> None:
    found = {"DATABASE_URL": postgres_url(), "REDIS_URL": redis_url()}
    env = {name: url for name, url in found.items() if url}
    if not env:
        return
    lacking = [
        mark
        for mark, name in (("postgres", "DATABASE_URL"), ("redis", "REDIS_URL"))
        if name not in env
    ]
    names = {"DATABASE_URL": "PostgreSQL", "REDIS_URL": "Redis"}
    there = " and ".join(names[name] for name in env)
    cell = full_cell()
    without_rows = [f"--ignore=tests/{room}" for room in ONE_DATABASE]
    marks = without(*NEITHER_PAGE_NOR_NODE, *lacking)
    pytest(cell, f"{cell.name}, {there}", marks, env, *without_rows, *TOGETHER)


def smoke() -> None:
    cell = smoke_cell()
    if cell is None:
        REPORT.notes.append(f"only one cell here: {full_cell().name}")
        return
    marks = without(*NEITHER_PAGE_NOR_NODE, "postgres", "redis", "processes")
    # The long searches need one Python: what they look for is in no version of it.
    elsewhere = [f"--ignore=tests/{room}" for room in LONG_SEARCHES]
    pytest(
        cell, f"{cell.name}, SQLite, without a page", marks, {}, *elsewhere, *TOGETHER
    )


def package() -> None:
    cell = full_cell()
    pytest(cell, "the wheel in an empty environment", "package", {})


def browser() -> None:
    if chromium() is not None:
        pytest(full_cell(), "the page in Chromium", "browser", {}, *TOGETHER)


def bench() -> None:
    """Figures, not a check: a part of nothing else, for a busy machine says nothing."""
    found = {"DATABASE_URL": postgres_url(), "REDIS_URL": redis_url()}
    env = {name: url for name, url in found.items() if url}
    step("bench", [full_cell().python, "-m", "benchmarks"], env=env)


FAULTS_LIMIT = 1500.0  # seconds: two stages of some minutes, and time to settle


def faults() -> None:
    """Kill, pause and restart what serves; FAULTS has more words for the program."""
    words = os.environ.get("FAULTS", "").split()
    if os.environ.get("QUICK", "") not in ("", "0"):
        words.append("--quick")
    run_faults("faults", *words)


def run_faults(name: str, *words: str) -> None:
    command: list[str | Path] = [full_cell().python, "-m", "tests.faults", *words]
    step(name, command, limit=FAULTS_LIMIT)


MUTANTS_LIMIT = 7200.0  # seconds: dozens of copies, each with the tests that find it


FUZZ_LIMIT = 3600.0  # seconds: some thousands of requests, each held to the schema


def fuzz() -> None:
    """Send the API what its schema allows and what it does not. FUZZ has words for the program."""
    words = os.environ.get("FUZZ", "").split()
    step(
        "fuzz",
        [full_cell().python, "-m", "tests.fuzz", *words],
        env={},
        limit=FUZZ_LIMIT,
    )


def mutants() -> None:
    """Plant faults: the tests must find each. MUTANTS has names, or words for the program."""
    url = postgres_url()
    command: list[str | Path] = [full_cell().python, "-m", "tests.mutants"]
    words = os.environ.get("MUTANTS", "").split()
    env = {"DATABASE_URL": url} if url else {}
    step("mutants", [*command, *words], env=env, limit=MUTANTS_LIMIT)


def everything() -> None:
    """All of it, the longest last, so that pytest's closing lines end the output."""
    lint()
    javascript()
    package()
    smoke()
    run_faults("faults: a minute of kills on SQLite", "--quick")
    python()


CHECKS: dict[str, Callable[[], None]] = {
    "all": everything,
    "lint": lint,
    "python": python,
    "javascript": javascript,
    "browser": browser,
    "bench": bench,
    "package": package,
    "faults": faults,
    "mutants": mutants,
    "fuzz": fuzz,
}


def main() -> int:
    """Run the checks that the arguments name; 0 if all is well."""
    names = sys.argv[1:] or ["all"]
    unknown = [name for name in names if name not in CHECKS]
    if unknown:
        print(f"unknown: {', '.join(unknown)}; there are {', '.join(CHECKS)}")
        return 2
    for name in names:
        CHECKS[name]()
    REPORT.show()
    return 0 if REPORT.is_ok() else 1


if __name__ == "__main__":
    sys.exit(main())
