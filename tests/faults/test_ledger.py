"""Ledgers: lines of several writers stay whole, and each reader reads each line once."""

from __future__ import annotations

from pathlib import Path

from tests.faults.ledger import Ledger


def test_each_fact_is_news_once(tmp_path: Path) -> None:
    path = tmp_path / "ledger.jsonl"
    writer, reader = Ledger(path), Ledger(path)
    assert list(reader.news()) == []
    writer.note("started", call="a")
    Ledger(path).note("started", call="b")
    first = [fact["call"] for fact in reader.news()]
    writer.note("finished", call="a")

    assert first == ["a", "b"]
    assert [fact["kind"] for fact in reader.news()] == ["finished"]
    assert len(reader.facts()) == 3


def test_a_line_that_is_half_written_is_read_when_it_is_whole(tmp_path: Path) -> None:
    path = tmp_path / "ledger.jsonl"
    reader = Ledger(path)
    path.write_bytes(b'{"kind": "star')
    half = list(reader.news())
    with path.open("ab") as file:
        file.write(b'ted"}\n')

    assert half == []
    assert list(reader.news()) == [{"kind": "started"}]
