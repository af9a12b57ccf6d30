"""Run one step after the other, show it, and tell at the end what happened."""

from __future__ import annotations

import contextlib
import os
import re
import signal
import subprocess
import time
from collections import deque
from collections.abc import Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
STEP_LIMIT = 2400.0  # seconds; a step that takes longer hangs
MOST_NAMED = 25  # failures of one step that the summary repeats
# a key in the shell must not turn a test into a bill, nor its database into a test's
UNWANTED = (
    "OPENAI_",
    "DATABASE_URL",
    "REDIS_URL",
    "DJANGO_SETTINGS_MODULE",
    "VIRTUAL_ENV",
)
ON_CI = os.environ.get("CI", "").lower() in {"1", "true", "yes"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """How one step ended: its closing line is the tool's own."""

    name: str
    is_ok: bool
    seconds: float
    closing: str = ""
    complaints: tuple[str, ...] = ()


@dataclass(slots=True)
class Report:
    """What ran, and what could not."""

    outcomes: list[Outcome] = field(default_factory=list)
    missing: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    def is_ok(self) -> bool:
        return all(o.is_ok for o in self.outcomes) and not (ON_CI and self.missing)

    def show(self) -> None:
        heading("summary")
        for outcome in self.outcomes:
            mark = "ok    " if outcome.is_ok else "FAILED"
            print(f"{mark}  {outcome.name}  ({outcome.seconds:.0f} s)")
            for line in (*outcome.complaints, outcome.closing):
                if line:
                    print(f"        {line}")
        for note in self.notes:
            print(f"note    {note}")
        for lack in self.missing:
            print(f"\n!!!!!!  NOT TESTED: {lack}  !!!!!!")
        if self.missing and ON_CI:
            print("        CI=true: what is not tested counts as failed.")
        failed = sum(not outcome.is_ok for outcome in self.outcomes)
        print(
            f"\n{len(self.outcomes)} steps, {failed} failed, {len(self.missing)} not to be had"
        )


REPORT = Report()


def heading(text: str) -> None:
    print(f"\n── {text} {'─' * max(3, 76 - len(text))}", flush=True)


def clean_environment(extra: Mapping[str, str] | None = None) -> dict[str, str]:
    kept = {k: v for k, v in os.environ.items() if not k.startswith(UNWANTED)}
    return {**kept, "PYTHONUNBUFFERED": "1", "NO_COLOR": "1", **(extra or {})}


def step(
    name: str,
    command: Iterable[str | Path],
    *,
    env: Mapping[str, str] | None = None,
    cwd: Path = ROOT,
    limit: float = STEP_LIMIT,
) -> bool:
    """Run one check, show what it prints, and keep how it ended."""
    heading(name)
    started = time.monotonic()
    tail: deque[str] = deque(maxlen=2000)
    process = subprocess.Popen(
        [str(word) for word in command],
        cwd=cwd,
        env=clean_environment(env),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
        start_new_session=True,  # so that what it started ends with it
    )
    pool = ThreadPoolExecutor(1)
    reader = pool.submit(echo, process, tail)
    try:
        process.wait(limit)
    except subprocess.TimeoutExpired:
        tail.append(f"ended after {limit:.0f} seconds without an end")
    finally:
        end_group(process)
        reader.result(10)
        pool.shutdown()
    outcome = Outcome(
        name=name,
        is_ok=process.returncode == 0,
        seconds=time.monotonic() - started,
        closing=closing_line(tail),
        complaints=failures(tail),
    )
    REPORT.outcomes.append(outcome)
    return outcome.is_ok


def closing_line(tail: Iterable[str]) -> str:
    """The tool's own last word: pytest's line of counts, node's block of them."""
    said = [line for line in tail if line.strip()]
    counts = [
        line[2:] for line in said if re.match(r"\S (tests|pass|fail|skipped) \d", line)
    ]
    totals = [line for line in said if re.match(r"=+ .* in [\d.]+s.* =+$", line)]
    return (totals or [", ".join(counts)])[-1] or (said[-1] if said else "")


def failures(tail: Iterable[str]) -> tuple[str, ...]:
    """The names of what failed, as pytest lists them; the first of very many."""
    found = [line for line in tail if line.startswith(("FAILED ", "ERROR "))]
    more = len(found) - MOST_NAMED
    return (*found[:MOST_NAMED], *([f"… and {more} more"] if more > 0 else []))


def echo(process: subprocess.Popen[str], tail: deque[str]) -> None:
    assert process.stdout is not None  # noqa: S101  it was asked for
    for line in process.stdout:
        print(line, end="", flush=True)
        tail.append(line.rstrip())


def end_group(process: subprocess.Popen[str]) -> None:
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()


def quiet(*command: str | Path, cwd: Path = ROOT, limit: float = STEP_LIMIT) -> str:
    """Run what prepares; its output, or the end of everything with what it said."""
    done = subprocess.run(
        [str(word) for word in command],
        cwd=cwd,
        env=clean_environment(),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
        timeout=limit,
    )
    if done.returncode:
        raise SystemExit(f"{' '.join(map(str, command))}\n{done.stdout}{done.stderr}")
    return done.stdout.strip()
