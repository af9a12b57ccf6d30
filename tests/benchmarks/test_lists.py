from __future__ import annotations

import json
import os
import subprocess
import sys

from benchmarks.lists import lines, timed
from tests.live import ROOT


def test_a_small_history_is_filled_and_each_page_measured(tmp_path) -> None:
    path, file = tmp_path / "figures.json", tmp_path / "kept.sqlite3"
    wanted = ["--messages=400", "--rounds=1", f"--database={file}", f"--json={path}"]
    without = {
        name: value
        for name, value in os.environ.items()
        if name not in ("DATABASE_URL", "DJANGO_SETTINGS_MODULE")
    }

    done = subprocess.run(
        [sys.executable, "-m", "benchmarks.lists", *wanted],
        cwd=ROOT,
        env=without,
        capture_output=True,
        text=True,
        check=False,
    )

    assert done.returncode == 0, done.stderr
    told = json.loads(path.read_text())
    assert file.exists()
    assert {"threads", "runs", "tool calls", "history of a long thread"} <= told[
        "rows"
    ].keys()
    assert all(
        figure > 0
        for row in told["rows"].values()
        for figures in row.values()
        for figure in figures
    )
    assert all(f"| {name}, ms |" in done.stdout for name in told["rows"])


def test_a_ratio_is_taken_within_its_round() -> None:
    told = lines({"threads": {"bare": [1.0, 2.0, 4.0], "ours": [2.0, 6.0, 8.0]}})

    assert told[-1] == "| threads, ms | 2.00 | 6.00 | **2.00** (2.00–3.00) |"


def test_time_is_told_in_milliseconds() -> None:
    ticks = iter([1.0, 1.5])

    assert timed(lambda: None, lambda: next(ticks)) == 500
