"""All that was seen of one thread, by whichever page: events by position, snapshots, answers."""

from __future__ import annotations

import json
import time
from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from tests.faults.complaints import Complaints
from tests.faults.fold import ENDED, Fold, Json, Unfit, asked_in, difference
from tests.faults.plan import Plan

Arrival = Callable[["Record", Json], None]
ACTIVE = ("queued", "in_progress", "requires_action", "cancelling")


@dataclass(slots=True, kw_only=True)
class Prompt:
    """A message that was accepted, and the runs that answer it (a retry is another one)."""

    plan: Plan
    message: str
    runs: list[str]
    accepted_at: float
    may_be_cancelled: bool = False
    """Somebody has asked for it, or another message may have taken its place."""


@dataclass(slots=True, kw_only=True)
class RunSeen:
    """What events have told of a run, and when it was told."""

    status: str
    code: str | None
    ended_at: float | None = None


@dataclass(slots=True)
class Record:
    """One thread. ``events`` by position: whoever sees one sees the same, at any time."""

    thread: str
    complaints: Complaints
    arrived: Arrival
    epoch: str = ""
    events: dict[int, Json] = field(default_factory=dict)
    snapshots: list[tuple[int, Json]] = field(default_factory=list)
    prompts: list[Prompt] = field(default_factory=list)
    used_ids: list[str] = field(default_factory=list)
    runs: dict[str, RunSeen] = field(default_factory=dict)
    calls: dict[str, Json] = field(default_factory=dict)
    finished_steps: set[str] = field(default_factory=set)
    voided_steps: set[str] = field(default_factory=set)
    sent: dict[str, dict[str, Any]] = field(default_factory=lambda: defaultdict(dict))
    accepted: dict[str, set[str]] = field(default_factory=lambda: defaultdict(set))
    approvals: dict[str, Json] = field(default_factory=dict)
    """Of calls that need one: the last that was told of it."""
    questions: dict[str, dict[str, str]] = field(
        default_factory=lambda: defaultdict(dict)
    )
    """By call: the interrupts' ids by key."""
    begun: dict[str, set[str]] = field(default_factory=lambda: defaultdict(set))
    has_holes: bool = False
    final: Json | None = None
    final_position: int = 0

    def see_event(self, position: int, event: Json) -> None:
        """A page was told this."""
        known = self.events.get(position)
        if known is not None:
            if known != event:
                one, other = json.dumps(known), json.dumps(event)
                self.complain("positions", f"{position} is {one} and {other}"[:400])
            return
        self.events[position] = event
        self._note(event)
        self.arrived(self, event)

    def see_snapshot(self, epoch: str, position: int, snapshot: Json) -> None:
        """A page was given this to begin with."""
        if self.epoch not in ("", epoch):
            self.complain("epochs", f"{self.epoch} became {epoch}")
        self.epoch = epoch
        self.snapshots.append((position, snapshot))
        if run := snapshot["run"]:
            self._note_run(run["id"], run["status"], run["errorCode"])
            told = sorted(one["id"] for one in run["interrupts"])
            if told != asked_in(snapshot):
                text = (
                    f"at {position}: a run asks {told}, its calls {asked_in(snapshot)}"
                )
                self.complain("snapshot", text)
        for message in snapshot["messages"]:
            for part in message["parts"]:
                if part["type"] == "tool-call":
                    self.calls[part["id"]] = {
                        "name": part["name"],
                        "status": part["status"],
                        "executor": part["executor"],
                        "waitsFor": part["waitsFor"],
                        "interrupt": part["interrupt"],
                    }
                    self._note_asked(part["id"], part)

    def _note(self, event: Json) -> None:
        kind = event["type"]
        if kind == "run.changed":
            self._note_run(event["runId"], event["status"], event["errorCode"])
        elif kind == "step.finished":
            self.finished_steps.add(event["stepId"])
        elif kind == "step.voided":
            self.voided_steps.add(event["stepId"])
        elif kind == "part.started" and event["toolCallId"]:
            fresh = {"name": event["toolCallName"], "status": "streaming"}
            nothing = {"executor": None, "waitsFor": None, "interrupt": None}
            self.calls.setdefault(event["toolCallId"], {**fresh, **nothing})
        elif kind in ("tool_call.changed", "tool_call.ended"):
            self._note_call(event)

    def _note_call(self, event: Json) -> None:
        call = self.calls.setdefault(event["toolCallId"], {"name": "", "status": ""})
        if call["status"] not in ENDED:
            call["status"] = event["status"]
            call["waitsFor"] = event.get("waitsFor")
            call["interrupt"] = event.get("interrupt")
        if event.get("executor"):
            call["executor"] = event["executor"]
        self._note_asked(event["toolCallId"], event)

    def _note_asked(self, call: str, told: Json) -> None:
        approval, known = told.get("approval"), self.approvals.get(call)
        if approval and not (known and known["approved"] is not None):
            self.approvals[call] = approval
        elif approval and approval["approved"] is not None and approval != known:
            self.complain("answers", f"{call}: {known} became {approval}")
        interrupt = told.get("interrupt")
        if interrupt and interrupt["kind"] == "question":
            self.questions[call][interrupt["key"]] = interrupt["id"]

    def _note_run(self, run: str, status: str, code: str | None) -> None:
        seen = self.runs.setdefault(run, RunSeen(status=status, code=code))
        if seen.ended_at is None:
            seen.status, seen.code = status, code
            if status in ENDED:
                seen.ended_at = time.time()

    def is_ended(self, run: str) -> bool:
        """Has somebody seen its end?"""
        return run in self.runs and self.runs[run].ended_at is not None

    @property
    def active_run(self) -> str | None:
        """The run that is being written or waits, as far as pages know."""
        found = (r for r, s in self.runs.items() if s.status in ACTIVE)
        return next(found, None)

    def open_calls(self) -> list[str]:
        """Calls that a page must answer."""
        return [
            call_id
            for call_id, call in self.calls.items()
            if call["status"] == "waiting" and call.get("waitsFor") == "client"
        ]

    def asked_of_people(self) -> list[Json]:
        """The interrupts that the visitor must answer."""
        return [
            call["interrupt"]
            for call in self.calls.values()
            if call["status"] == "waiting" and call.get("waitsFor") == "person"
        ]

    def complain(self, rule: str, text: str, **context: Any) -> None:
        """Something is wrong with this thread."""
        self.complaints.add(rule, text, thread=self.thread, **context)

    def replay(self) -> Fold | None:
        """Fold what was seen from the first snapshot on, and hold every snapshot against it.

        Returns the fold at the last position that was seen by anybody without a hole before it.
        """
        fold: Fold | None = None
        at = 0
        for position, snapshot in sorted(self.snapshots, key=lambda one: one[0]):
            if fold is not None:
                at, fold = self._advance(fold, at, position)
            if fold is None:
                fold, at = Fold(snapshot), position
                continue
            if found := difference(fold.copy(), Fold(snapshot).copy()):
                self.complain(
                    "snapshot", f"at {position}: folded and given differ: {found}"
                )
                fold, at = Fold(snapshot), position
        if fold is not None:
            last = max([at, *self.events])
            at, fold = self._advance(fold, at, last)
        return fold

    def _advance(self, fold: Fold, at: int, until: int) -> tuple[int, Fold | None]:
        for position in range(at + 1, until + 1):
            event = self.events.get(position)
            if event is None:
                self.has_holes = True
                self.complaints.count("positions that only snapshots told of")
                return position, None
            try:
                fold.apply(event)
            except Unfit as error:
                self.complain("fold", str(error), position=position)
                return position, None
        return until, fold
