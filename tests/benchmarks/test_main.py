from __future__ import annotations

import json
import subprocess
import sys

import pytest

from benchmarks import __main__ as program
from benchmarks.table import Table
from benchmarks.tokens import Answer, NotWhole, token
from tests.live import ROOT

ROWS = {
    "first token after the question, p50 ms",
    "first token after the question, p99 ms",
    "first token after the provider's, p50 ms",
    "first token after the provider's, p99 ms",
    "a short answer, CPU ms",
    "client tool, call shown to next token, p50 ms",
    "client tool, call shown to next token, p99 ms",
    "an answer with a client tool, CPU ms",
    "paced, lateness of a token, p50 ms",
    "paced, lateness of a token, p99 ms",
    "paced, longest gap, ms",
    "paced, CPU us a token",
    "burst, CPU us a token",
    "burst, time us a token",
}


def test_a_small_run_is_whole_and_its_table_has_all_rows(tmp_path) -> None:
    path = tmp_path / "figures.json"

    done = subprocess.run(
        [sys.executable, "-m", "benchmarks", "--small", "--rounds=1", f"--json={path}"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )

    assert done.returncode == 0, done.stderr
    found = json.loads(path.read_text())["rows"]
    assert found.keys() == ROWS
    assert {"bare, typed events", "bare, dicts", "ours, SQLite"} <= found[
        "burst, CPU us a token"
    ].keys()
    assert all(
        figure > 0
        for targets in found.values()
        for figures in targets.values()
        for figure in figures["rounds"]
    )
    assert all(f"| {row} |" in done.stdout for row in ROWS)


def test_a_run_that_is_not_whole_fails(monkeypatch, capsys) -> None:
    async def measure(*_: object) -> Table:
        raise NotWhole("3 of 4 tokens came.")

    monkeypatch.setattr(program, "targets", lambda _: [])
    monkeypatch.setattr(program, "measure", measure)
    monkeypatch.setattr(sys, "argv", ["benchmarks"])

    assert program.main() == 1
    assert "3 of 4" in capsys.readouterr().err


def test_an_answer_is_read_however_its_deltas_were_joined_or_cut() -> None:
    text = "".join(token(number) for number in range(3))
    answer = Answer(asked_at=0)

    for piece in (text[:5], text[5:60], text[60:]):
        answer.add(piece)

    answer.check(3)
    assert len(answer.received) == 3


@pytest.mark.parametrize("numbers", [[0, 2], [0, 0, 1], [1, 0]])
def test_a_token_that_is_missing_doubled_or_early_is_noticed(numbers) -> None:
    answer = Answer(asked_at=0)

    with pytest.raises(NotWhole):
        answer.add("".join(token(number) for number in numbers))


def test_an_answer_that_breaks_off_is_not_whole() -> None:
    answer = Answer(asked_at=0)
    answer.add(token(0))

    with pytest.raises(NotWhole, match="1 of 2"):
        answer.check(2)


def test_ratios_are_taken_within_a_round() -> None:
    table = Table(["bare", "ours"])
    for bare, ours in ((1.0, 2.0), (10.0, 10.0), (4.0, 12.0)):
        table.add("bare", {"ms": bare})
        table.add("ours", {"ms": ours})

    assert table.ratios("ms", "ours") == [2.0, 1.0, 3.0]
    assert table.lines()[-1] == "| ms | 4.00 | 10.0 | **2.00** (1.00–3.00) noisy |"
