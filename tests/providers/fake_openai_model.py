"""A simple "model" for the fakes: it does what the last message of the user says.

- ``call NAME {json}``: calls this tool; several such lines are parallel calls
- ``then``: a line that divides steps; what stands behind it is done after the results
- ``think TEXT``: thinks aloud first
- ``say TEXT``: says that; without it results are quoted, or the message echoed
- ``fault NAME``: one of ``FAULTS``; with ``once`` behind it the same message succeeds afterwards
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from chatkit_app.providers.scripted import BreakOff, Call, Pause, Say, Stall, Think
from tests.providers.fake_openai_script import (
    ErrorEvent,
    Event,
    Finish,
    Line,
    Reset,
    Script,
    Status,
)

PART = Say("The first words of an answer that", is_whole=False)
FAULTS: dict[str, Script] = {
    "401": (Status(401, "invalid_api_key", "Incorrect API key provided: sk-wrong."),),
    "429": (
        Status(429, "rate_limit_exceeded", "Slow down.", headers={"Retry-After": "2"}),
    ),
    "quota": (Status(429, "insufficient_quota", "You exceeded your current quota."),),
    "500": (Status(500, "server_error"),),
    "context": (Status(400, "context_length_exceeded", "Too long."),),
    "stall": (Stall(),),
    "stall-between": (PART, Stall()),
    "reset": (PART, Reset()),
    "cut": (PART, BreakOff()),
    "error-event": (PART, ErrorEvent()),
    "length": (PART, Finish("length")),
    "filter": (PART, Finish("content_filter")),
    "slow": tuple(line for n in range(60) for line in (Say(f"Word {n}. "), Pause(0.5))),
    "huge": (Say("x" * 2_000_000, pieces=("x" * 2_000_000,)),),
    "characters": (Say("Zürich 😀 ok.", pieces=tuple("Zürich 😀 ok.")),),
    "surrogates": (Say("\ud83d\ude00!", pieces=("\ud83d", "\ude00", "!")),),
}


@dataclass(frozen=True, slots=True)
class Turn:
    """What a request says, whichever API it came by."""

    asked: str
    rounds: int
    results: tuple[str, ...]


class SimpleModel:
    """Remembers only which ``once`` faults have happened."""

    def __init__(self) -> None:
        self._happened: set[str] = set()

    def __call__(self, body: Event) -> Script:
        turn = read_turn(body)
        fault = re.search(r"^fault (\S+)( once)?\s*$", turn.asked, re.MULTILINE)
        if fault and fault[1] in FAULTS and turn.asked not in self._happened:
            if fault[2]:
                self._happened.add(turn.asked)
            return FAULTS[fault[1]]
        groups = re.split(r"^then\s*$", turn.asked, flags=re.MULTILINE)
        group = groups[turn.rounds] if turn.rounds < len(groups) else ""
        return tuple(_lines(group)) or (_last_words(turn),)


def _lines(group: str) -> Iterator[Line]:
    for line in group.splitlines():
        if match := re.match(r"\s*call (\S+)\s*(.*)", line):
            yield Call(match[1], match[2] or "{}")
        elif match := re.match(r"\s*think (.+)", line):
            yield Think(match[1])
        elif match := re.match(r"\s*say (.+)", line):
            yield Say(match[1])


def _last_words(turn: Turn) -> Say:
    if turn.results:
        return Say("The tools answered: " + "; ".join(turn.results))
    return Say(f"You said: {turn.asked}")


def read_turn(body: Event) -> Turn:
    """The last message of the user and what came behind it."""
    asked, rounds, results = "", 0, list[str]()
    was_result = False
    for role, text in _said(body):
        match role:
            case "user":
                asked, rounds, results = text, 0, []
            case "result":
                rounds += not was_result
                results.append(text)
        was_result = role == "result"
    return Turn(asked, rounds, tuple(results))


def _said(body: Event) -> Iterator[tuple[str, str]]:
    items = body.get("messages", body.get("input"))
    for item in (
        items if isinstance(items, list) else [{"role": "user", "content": items}]
    ):
        if item.get("type") == "function_call_output":
            yield "result", _text(item["output"])
        elif item.get("role") == "tool":
            yield "result", _text(item["content"])
        elif item.get("type") != "reasoning":
            yield str(item.get("role", "call")), _text(item.get("content"))


def _text(content: object) -> str:
    if isinstance(content, list):
        return "".join(part.get("text", "") for part in content)
    return str(content or "")
