"""What docs say of bad input and of others' tools is held to tests: each that is named is there."""

from __future__ import annotations

import ast
import re
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
COVERAGE = ROOT / "docs" / "tools-coverage.md"
TOOLS = ROOT / "docs" / "tools.md"

TEST = re.compile(r"`(tests/[\w/.-]+?\.(?:py|test\.js))::([^`]+)`")
REASON = re.compile(
    r"\*\*(not there|no sense here|a protocol adapter)\*\*(.*)", re.DOTALL
)

# So that no claim is lost in an edit: whoever adds or takes away a row says so here.
ROWS = {
    "ChatKit's page on tools": 26,
    "TanStack AI's page on client tools": 50,
    "ChatKit's wire": 77,
    "TanStack AI's wire": 93,
}
WRONG = 22
BAD_INPUT = "What goes wrong, and who is told what"


def rows(page: Path, heading: str) -> list[list[str]]:
    """The cells of each row below a heading, those of its smaller headings included."""
    text = page.read_text()
    found = re.search(rf"^## {re.escape(heading)}\n(.*?)(?=^## |\Z)", text, re.M | re.S)
    assert found is not None, heading
    lines = [line for line in found[1].splitlines() if line.startswith("|")]
    heads = {n - 1 for n, line in enumerate(lines) if set(line) <= set("|-")}
    kept = [n for n in range(len(lines)) if n not in heads and n - 1 not in heads]
    return [[cell.strip() for cell in lines[n][1:-1].split(" | ")] for n in kept]


CLAIMS = [row for part in ROWS for row in rows(COVERAGE, part)]
TOLD = rows(TOOLS, BAD_INPUT)


@cache
def names_in(path: str) -> frozenset[str]:
    """The names of all tests in a file: functions in Python, titles in JavaScript."""
    if not (ROOT / path).exists():
        return frozenset()
    text = (ROOT / path).read_text()
    if path.endswith(".js"):
        return frozenset(re.findall(r'^test\("(.+?)", ', text, re.M))
    functions = ast.FunctionDef, ast.AsyncFunctionDef
    found = (node for node in ast.parse(text).body if isinstance(node, functions))
    return frozenset(node.name for node in found if node.name.startswith("test_"))


@pytest.mark.parametrize("page", [COVERAGE, TOOLS], ids=lambda page: page.name)
def test_each_test_that_a_page_names_is_there(page: Path) -> None:
    named = TEST.findall(page.read_text())

    assert named
    assert [one for one in named if one[1] not in names_in(one[0])] == []
    assert page.read_text().count("`tests/") == len(named) + page.read_text().count(
        "`tests/test_tools_coverage.py`"
    )


def test_each_claim_says_how_it_is_here_and_is_shown_or_has_a_reason() -> None:
    assert [row for row in CLAIMS if len(row) != 3 or not all(row)] == []
    assert [row for row in CLAIMS if not is_held(row[2])] == []


def is_held(shown: str) -> bool:
    """Is there a test, or a reason that stands without one?"""
    reason = REASON.match(shown)
    if reason is None or reason[1] == "a protocol adapter":
        return bool(TEST.search(shown))
    return reason[1] == "not there" or len(reason[2]) > len(": why")


@pytest.mark.parametrize("part", ROWS)
def test_no_claim_is_lost_silently(part: str) -> None:
    assert len(rows(COVERAGE, part)) == ROWS[part]


def test_each_bad_input_says_what_comes_of_it_and_is_shown() -> None:
    assert len(TOLD) == WRONG
    assert [row for row in TOLD if len(row) != 5 or not all(row)] == []
    assert [row for row in TOLD if not TEST.search(row[4])] == []
