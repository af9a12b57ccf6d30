"""Plant each fault in a copy of the tree and run the tests there: they must fail.

    python -m tests.mutants [--whole] [--jobs N] [name …]

``--whole`` runs the whole fast suite instead of the tests that a mutant names. A mutant that needs
PostgreSQL is tried where DATABASE_URL names one. Ends with 1 if a mutant survives.
"""

from __future__ import annotations

import argparse
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from tests.mutants.mutant import Change, Mutant
from tests.mutants.planted import MUTANTS

ROOT = Path(__file__).parent.parent.parent
LEFT_OUT = shutil.ignore_patterns(
    ".*", "node_modules", "__pycache__", "dist", "build", "staticfiles"
)
WHOLE = ("tests", "-m", "not (live or package or browser or node or redis)")
LIMIT = 1200.0
"""Seconds that the tests of one mutant may take."""
TESTS_FAILED = 1
"""pytest's code for it; others mean that it could not even begin."""


class Misfit(Exception):
    """A change does not fit the tree any more."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """What came of one mutant; ``is_well`` unless it survived or could not be tried."""

    mutant: str
    by: str
    seconds: float
    is_well: bool


def apply(change: Change, root: Path) -> None:
    """Make the change below ``root``.

    Raises:
        Misfit: Its anchor is not there exactly once, or what comes out is no Python.
    """
    path = root / change.file
    text = path.read_text()
    if (count := text.count(change.old)) != 1:
        raise Misfit(f"{change.file} has {count} times: {change.old!r}")
    text = text.replace(change.old, change.new)
    try:
        compile(text, change.file, "exec")
    except SyntaxError as error:
        raise Misfit(f"{change.file} is no Python then: {error}") from error
    path.write_text(text)


def try_one(mutant: Mutant, *, is_whole: bool) -> Found:
    """Plant it in a copy of its own, and run the tests there."""
    url = os.environ.get("DATABASE_URL", "")
    if mutant.needs == "postgres" and not url.startswith("postgres"):
        by = "NOT TRIED: it needs DATABASE_URL with PostgreSQL"
        return Found(mutant=mutant.name, by=by, seconds=0.0, is_well=False)
    started = time.monotonic()
    by, is_found = _search(mutant, WHOLE if is_whole else mutant.tests)
    seconds = time.monotonic() - started
    return Found(mutant=mutant.name, by=by, seconds=seconds, is_well=is_found)


def _search(mutant: Mutant, tests: tuple[str, ...]) -> tuple[str, bool]:
    with tempfile.TemporaryDirectory(prefix="chatkit-mutant-") as name:
        root = Path(name) / "tree"
        shutil.copytree(ROOT, root, ignore=LEFT_OUT)
        try:
            for change in mutant.changes:
                apply(change, root)
        except Misfit as error:
            return f"MISFIT: {error}", False
        code, output = _pytest(root, tests, needs=mutant.needs)
    if code == TESTS_FAILED:
        return first_failure(output), True
    if code == 0:
        return "SURVIVED", False
    return f"pytest ended with {code}: {output[-300:]!r}", False


def _pytest(root: Path, tests: tuple[str, ...], *, needs: str) -> tuple[int, str]:
    env = {
        **os.environ,
        "CHATKIT_HYPOTHESIS": "unshrunk",
        "PYTHONDONTWRITEBYTECODE": "1",
        "PYTHONPATH": str(root),
    }
    if needs != "postgres":  # two at once would share its test database
        env.pop("DATABASE_URL", None)
    env.pop("CHATKIT_TEST_DATABASE", None)
    # In the order in which they are named: the quick ones come first.
    options = ["-x", "-q", "-p", "no:cacheprovider", "-p", "no:randomly"]
    command = [sys.executable, "-m", "pytest", *options]
    try:
        ended = subprocess.run(
            [*command, *tests],
            cwd=root,
            env=env,
            capture_output=True,
            text=True,
            timeout=LIMIT,
            check=False,
        )
    except subprocess.TimeoutExpired:
        return -1, f"longer than {LIMIT:g} seconds"
    return ended.returncode, ended.stdout + ended.stderr


def first_failure(output: str) -> str:
    """The name of the test that failed, without the folders before it."""
    found = re.search(r"^(?:FAILED|ERROR) (?:tests/)?(\S+)", output, re.MULTILINE)
    return found.group(1) if found else "?"


def try_all(mutants: list[Mutant], *, is_whole: bool, jobs: int) -> list[Found]:
    """Those that need a server one after the other, the others some at a time."""
    alone = [mutant for mutant in mutants if mutant.needs]
    others = [mutant for mutant in mutants if not mutant.needs]
    found: dict[str, Found] = {}
    with ThreadPoolExecutor(jobs) as pool:
        for one in pool.map(lambda m: try_one(m, is_whole=is_whole), others):
            found[one.mutant] = one
            show(one)
    for mutant in alone:
        found[mutant.name] = try_one(mutant, is_whole=is_whole)
        show(found[mutant.name])
    return [found[mutant.name] for mutant in mutants]


def show(found: Found) -> None:
    mark = "found" if found.is_well else "MISSED"
    print(
        f"{mark:7}{found.mutant:32}{found.seconds:6.0f} s  {found.by}",
        flush=True,
    )


def clean_tests(mutants: list[Mutant]) -> bool:
    """Do the tests pass that are to find them? Else a failure says nothing."""
    tests = sorted({test for mutant in mutants for test in mutant.tests})
    needs = "postgres" if any(mutant.needs for mutant in mutants) else ""
    code, output = _pytest(ROOT, (*tests,), needs=needs)
    if code:
        print(output[-3000:])
    return code == 0


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.mutants")
    parser.add_argument("names", nargs="*")
    parser.add_argument("--whole", action="store_true")
    parser.add_argument("--jobs", type=int, default=max(1, (os.cpu_count() or 2) // 2))
    asked = parser.parse_args()
    unknown = set(asked.names) - {mutant.name for mutant in MUTANTS}
    if unknown:
        parser.error(f"unknown: {', '.join(sorted(unknown))}")
    mutants = [m for m in MUTANTS if not asked.names or m.name in asked.names]
    if not asked.whole and not clean_tests(mutants):
        print("The tests fail without a mutant: nothing is proved.")
        return 2
    found = try_all(mutants, is_whole=asked.whole, jobs=asked.jobs)
    missed = [one.mutant for one in found if not one.is_well]
    print(f"{len(found) - len(missed)} of {len(found)} found")
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())
