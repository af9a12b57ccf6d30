"""What a provider was asked: is it a valid history, and which step of which plan comes next?

A turn is told as a list of ``[kind, text]``: what was said, called and given back, in its order.
The same list is made of a thread as pages see it (``oracle``), and the two must be equal.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field
from typing import Any

from tests.faults.plan import Plan

Turn = dict[str, Any]
"""``{"key": the plan's, "told": [[kind, text] …]}``; told is of the answer."""


EDITED = "Before this ran, a person changed the arguments to {}. The result:\n"
_EDITED = re.compile(re.escape(EDITED).replace(r"\{\}", r"(\{.*\})"))


def without_order(text: str) -> str:
    """The same with the keys of edited arguments sorted: a database keeps them in its own order."""
    found = _EDITED.match(text)
    if found is None:
        return text
    arguments = json.dumps(json.loads(found[1]), sort_keys=True)
    return EDITED.format(arguments) + text[found.end() :]


@dataclass(slots=True, kw_only=True)
class Asked:
    """One request, understood. ``turns`` has the earlier ones and, last, the one to go on with."""

    plan: Plan
    step: int
    turns: list[Turn]
    complaints: list[str] = field(default_factory=list)


def asked(messages: list[dict[str, Any]]) -> Asked:
    """Read a request's messages."""
    reading = _Reading()
    for message in messages:
        reading.read(message)
    reading.end_of_calls()
    plan = reading.plan or Plan(key="nobody")
    return Asked(
        plan=plan,
        step=reading.rounds,
        turns=reading.turns,
        complaints=reading.complaints,
    )


class _Reading:
    def __init__(self) -> None:
        self.plan: Plan | None = None
        self.rounds = 0
        self.turns: list[Turn] = []
        self.complaints: list[str] = []
        self._ids: set[str] = set()
        self._open: list[str] = []

    def read(self, message: dict[str, Any]) -> None:
        role = message["role"]
        if role == "tool":
            self._result(message)
            return
        self.end_of_calls()
        if role == "user":
            self._user(message)
        elif role == "assistant":
            self._assistant(message)

    def end_of_calls(self) -> None:
        if self._open:
            self.complaints.append(f"calls without a result: {self._open}")
        self._open = []

    def _user(self, message: dict[str, Any]) -> None:
        self.plan = Plan.read(message["content"])
        self.rounds = 0
        if self.plan is None:
            self.complaints.append(f"no plan in {message['content'][:80]!r}")
        key = self.plan.key if self.plan else "nobody"
        self.turns.append({"key": key, "told": []})

    def _assistant(self, message: dict[str, Any]) -> None:
        if not self.turns:
            self.complaints.append("an answer without a question")
            return
        told = self.turns[-1]["told"]
        if message.get("content"):
            told.append(["text", message["content"]])
        calls = message.get("tool_calls") or []
        for call in calls:
            function = call["function"]
            told.append(["call", function["name"] + function["arguments"]])
            if call["id"] in self._ids:
                self.complaints.append(f"a call's id twice: {call['id']}")
            self._ids.add(call["id"])
            self._open.append(call["id"])
        self.rounds += bool(calls)

    def _result(self, message: dict[str, Any]) -> None:
        call_id = message["tool_call_id"]
        if not self._open or self._open[0] != call_id:
            self.complaints.append(
                f"a result of {call_id} where {self._open[:1]} is next"
            )
        if call_id in self._open:
            self._open.remove(call_id)
        if self.turns:
            self.turns[-1]["told"].append(["result", message["content"]])
