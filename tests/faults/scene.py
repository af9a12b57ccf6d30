"""What a campaign shares: the stage, all threads, what the ledgers tell, how long recoveries took."""

from __future__ import annotations

import asyncio
import time
from collections import Counter, defaultdict
from dataclasses import dataclass, field
from random import Random

from tests.faults.complaints import AT_REST, Complaints
from tests.faults.fold import Json
from tests.faults.ledger import Fact
from tests.faults.plan import PROVIDER_FAULTS, Plan, draw_plan
from tests.faults.record import Record
from tests.faults.stage import Stage


@dataclass(slots=True, kw_only=True)
class Recovering:
    """A fault whose end was at ``since``: its thread has to show that it goes on."""

    fault: str
    thread: str
    since: float


@dataclass(slots=True)
class Scene:
    """Everything that is going on. ``is_over``: nothing new is begun."""

    stage: Stage
    complaints: Complaints
    random: Random
    records: list[Record] = field(default_factory=list)
    injected: Counter[str] = field(default_factory=Counter)
    recoveries: dict[str, list[float]] = field(
        default_factory=lambda: defaultdict(list)
    )
    is_over: bool = False
    deaths: list[float] = field(default_factory=list)
    """When processes were killed, paused or ended."""
    refusals: list[float] = field(default_factory=list)
    """When the model's door was closed: other plans' runs meet that, too."""
    requests: dict[tuple[str, int, int], Fact] = field(default_factory=dict)
    """What the model is asked at this moment, with the pid of who asked."""
    tools: dict[str, Fact] = field(default_factory=dict)
    """Server tools that run at this moment, with their pid."""
    accepted_in: str = ""
    """The thread of the answer that was accepted last."""
    accepted: asyncio.Event = field(default_factory=asyncio.Event)
    """Set when an answer was accepted; whoever waits for it clears it."""
    threads_of: dict[str, str] = field(default_factory=dict)
    _recovering: list[Recovering] = field(default_factory=list)
    _faults: list[tuple[float, str]] = field(default_factory=list)
    _deck: list[str] = field(default_factory=list)
    _keys: int = 0

    def new_plan(self) -> Plan:
        """A plan with a name of its own; more than every second has a fault, each kind in turn."""
        kind = ""
        if self.random.random() < 0.55:
            if not self._deck:
                self._deck = list(PROVIDER_FAULTS)
                self.random.shuffle(self._deck)
            kind = self._deck.pop()
        return draw_plan(self._new_key(), self.random, kind)

    def _new_key(self) -> str:
        """A name for a plan."""
        self._keys += 1
        return f"r{self._keys}"

    def arrived(self, record: Record, event: Json) -> None:
        """A page was told of an event for the first time."""
        if event["type"] in ("part.delta", "tool_call.claimed", "tool_call.progressed"):
            return  # may have been on its way before the fault
        for one in [r for r in self._recovering if r.thread == record.thread]:
            if event["type"] == "step.voided" and one.fault.startswith("provider"):
                continue  # it goes on with the next attempt
            self._recovering.remove(one)
            if any(at > one.since for at, _fault in self._faults):
                self.complaints.count("recoveries during which the next fault came")
            else:
                self.recoveries[one.fault].append(time.time() - one.since)

    def recover(self, fault: str, thread: str, *, since: float | None = None) -> None:
        """The fault is over now: from here on it is counted how long the thread stands still."""
        if thread:
            self._recovering.append(
                Recovering(fault=fault, thread=thread, since=since or time.time())
            )

    @property
    def is_recovering(self) -> bool:
        """Does a thread still stand still after a fault of a process or a server?"""
        return any(not r.fault.startswith("provider") for r in self._recovering)

    def inject(self, fault: str) -> None:
        """Count it; what goes wrong from now on is put down to it."""
        self.injected[fault] += 1
        if fault not in QUIET:
            self.complaints.fault = fault
            self._faults.append((time.time(), fault))

    def last_fault(self, record: Record) -> str:
        """What was done last before the last run of a thread ended."""
        ends = [seen.ended_at or time.time() for seen in record.runs.values()]
        found = [fault for at, fault in self._faults if at <= max(ends, default=0)]
        return found[-1] if found else AT_REST

    def read_ledgers(self) -> None:
        """What has been written since the last time."""
        for fact in self.stage.model_ledger.news():
            self._read_model(fact)
        for fact in self.stage.tool_ledger.news():
            if fact["kind"] == "started":
                self.tools[fact["call"]] = fact
            else:
                self.tools.pop(fact["call"], None)

    def _read_model(self, fact: Fact) -> None:
        if fact["kind"] not in ("begin", "end", "fault"):
            return
        place = (fact["key"], fact["step"], fact["attempt"])
        if fact["kind"] == "begin":
            self.requests[place] = fact
        elif fact["kind"] == "end":
            self.requests.pop(place, None)
        else:
            fault = f"provider: {fact['fault']}"
            self.injected[fault] += 1
            if fact["fault"] == "refuse":
                self.refusals.append(fact["at"])
            thread = self.threads_of.get(fact["key"], "")
            self.recover(fault, thread, since=fact["at"])


QUIET = frozenset(
    {
        "client: connection reset",
        "client: reload",
        "client: does not read",
        "client: does not read for 42 s",
        "client: five tabs",
        "answers: forged, late, foreign",
        "answers: at the same instant",
        "answers: several at once",
        "a new message instead of an answer",
        "sends: two at a barrier",
        "cancel",
    }
)
"""Clients do this all the time: it hides no other fault."""
