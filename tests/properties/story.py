"""What the log tells, folded in plain Python: runs, steps and calls, and which orders are possible.

Independent of the app's own folding: it knows the frames and docs/protocol.md alone. Facts that stay
inside (a tool's effect, the provider's ids) are told by whoever wrote the events.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from typing import Any

ENDED = ("completed", "failed", "cancelled")
ACTIVE = ("queued", "in_progress", "requires_action", "cancelling")
OPEN_CALLS = ("streaming", "queued", "running", "waiting")
MOVES = {
    None: {"queued"},
    "queued": {"in_progress", "cancelled"},
    "in_progress": {
        "in_progress",  # taken over
        "requires_action",
        "cancelling",
        "completed",
        "failed",
        "cancelled",
    },
    "requires_action": {"queued", "cancelled"},
    "cancelling": {"cancelled"},
}
CALL_MOVES = {
    "streaming": {"queued", "waiting", "failed", "cancelled"},
    "queued": {"queued", "running", "waiting", "failed", "cancelled"},
    "running": {"queued", "waiting", *ENDED},
    "waiting": {"queued", *ENDED},
}
GO_BACK = ("approval", "question")
"""What is asked of a person; after the answer the call goes back to the queue."""


@dataclass
class PartTold:
    id: str
    index: int
    kind: str
    call: str | None
    text: str = ""
    state: str = "streaming"


@dataclass
class CallTold:
    id: str
    run: str
    step: str
    index: int
    name: str
    executor: str = ""
    status: str = "streaming"
    starts: int = 0
    deadline_at: str | None = None
    interrupt: dict[str, Any] | None = None  # what it waits for now
    approval: dict[str, Any] | None = None
    returns: int = 0  # from a person, to the queue
    content: str | None = None  # of its result
    error_code: str | None = None


@dataclass
class StepTold:
    id: str
    run: str
    index: int
    attempt: int
    state: str = "open"  # complete, void, broken
    parts: list[PartTold] = field(default_factory=list)
    calls: list[CallTold] = field(default_factory=list)


@dataclass
class RunTold:
    id: str
    answer: str
    status: str | None = None
    error_code: str | None = None
    steps: list[StepTold] = field(default_factory=list)
    takeovers: int = 0  # since it last got further

    @property
    def open_step(self) -> StepTold | None:
        return next((step for step in self.steps if step.state == "open"), None)

    @property
    def is_active(self) -> bool:
        return self.status in ACTIVE

    @property
    def calls(self) -> list[CallTold]:
        return [call for step in self.steps for call in step.calls]

    @property
    def open_calls(self) -> list[CallTold]:
        return [call for call in self.calls if call.status in OPEN_CALLS]


@dataclass
class MessageTold:
    id: str
    role: str
    text: str
    is_hidden: bool = False


class Story:
    """One thread's. ``apply`` fails on what may never follow what was told before."""

    def __init__(self) -> None:
        self.messages: list[MessageTold] = []
        self.runs: dict[str, RunTold] = {}
        self.steps: dict[str, StepTold] = {}
        self.calls: dict[str, CallTold] = {}
        self.parts: dict[str, PartTold] = {}
        self.interrupts: set[str] = set()

    @property
    def active(self) -> list[RunTold]:
        return [run for run in self.runs.values() if run.is_active]

    @property
    def newest(self) -> RunTold | None:
        return next(reversed(self.runs.values()), None)

    def apply(self, event: dict[str, Any], run_id: str | None) -> None:
        run = self.runs.get(run_id or "")
        assert run is None or run.status not in ENDED, f"after the end: {event}"
        found = getattr(self, "_" + event["type"].replace(".", "_"), None)
        if found is not None:
            found(event)

    def _message_created(self, event: dict[str, Any]) -> None:
        self.messages.append(
            MessageTold(event["messageId"], event["role"], event["content"] or "")
        )

    def _message_hidden(self, event: dict[str, Any]) -> None:
        [found] = [m for m in self.messages if m.id == event["messageId"]]
        found.is_hidden = True

    def _run_changed(self, event: dict[str, Any]) -> None:
        run = self.runs.setdefault(
            event["runId"], RunTold(event["runId"], event["answerId"])
        )
        assert event["status"] in MOVES[run.status], (run.status, event)
        run.status, run.error_code = event["status"], event["errorCode"]
        assert len(self.active) <= 1, "two active runs"
        if run.status in ENDED:
            assert not run.open_calls, "an ended run has an open call"
            for step in run.steps:
                step.state = "broken" if step.state == "open" else step.state
            open_parts = [p for s in run.steps for p in s.parts if _is_open(s, p)]
            assert not open_parts, "an ended run has an open part"
        if run.status == "requires_action":
            open_ones = {call.status for call in run.open_calls}
            assert open_ones == {"waiting"}, f"stuck, or too early: {open_ones}"

    def _step_started(self, event: dict[str, Any]) -> None:
        run = self.runs[event["runId"]]
        assert run.status in ("in_progress", "cancelling")
        assert run.open_step is None
        assert not run.open_calls
        whole = sum(step.state == "complete" for step in run.steps)
        void = [s for s in run.steps if s.state == "void" and s.index == whole]
        assert (event["index"], event["attempt"]) == (whole, len(void) + 1)
        step = StepTold(event["stepId"], run.id, event["index"], event["attempt"])
        run.steps.append(step)
        self.steps[step.id] = step

    def _step_finished(self, event: dict[str, Any]) -> None:
        step = self.steps[event["stepId"]]
        assert step.state == "open"
        step.state = "complete"
        self.runs[step.run].takeovers = 0

    def _step_voided(self, event: dict[str, Any]) -> None:
        step = self.steps[event["stepId"]]
        assert step.state == "open", "only what broke off is taken back"
        assert (event["index"], event["attempt"]) == (step.index, step.attempt)
        step.state = "void"
        for call in step.calls:
            call.status = "cancelled"

    def _part_started(self, event: dict[str, Any]) -> None:
        step = self.steps[event["stepId"]]
        assert step.state == "open"
        part = PartTold(
            event["partId"], event["index"], event["kind"], event["toolCallId"]
        )
        assert part.id not in self.parts
        self.parts[part.id] = part
        step.parts.append(part)
        if part.call is not None:
            name, place = event["toolCallName"], len(step.calls)
            call = CallTold(part.call, step.run, step.id, place, name)
            step.calls.append(call)
            self.calls[call.id] = call

    def _part_delta(self, event: dict[str, Any]) -> None:
        part = self.parts[event["partId"]]
        assert part.state == "streaming"
        assert event["offset"] == utf16(part.text), "a delta is lost or doubled"
        part.text += event["delta"]

    def _part_ended(self, event: dict[str, Any]) -> None:
        part = self.parts[event["partId"]]
        assert part.state == "streaming"
        assert event["length"] == utf16(part.text)
        assert event["digest"] == hashlib.sha256(part.text.encode()).hexdigest()
        part.state = event["state"]

    def _tool_call_changed(self, event: dict[str, Any]) -> None:
        call = self.calls[event["toolCallId"]]
        assert call.status in OPEN_CALLS, "a settled call moves"
        assert event["status"] in CALL_MOVES[call.status], (call.status, event)
        assert self.steps[call.step].state == "complete"
        if call.status == "waiting":
            assert (call.interrupt or {}).get("kind") in GO_BACK
            call.returns += 1
        call.status = event["status"]
        call.executor = event["executor"] or call.executor
        call.deadline_at = event["deadlineAt"]
        self._hear_of_approval(call, event)
        self._hear_of_interrupt(call, event["interrupt"])
        if call.status == "running":
            call.starts += 1
            assert is_let(call), "begun before it was approved"

    def _hear_of_interrupt(self, call: CallTold, told: dict[str, Any] | None) -> None:
        assert (told is not None) == (call.status == "waiting")
        call.interrupt = told
        if told is None:
            return
        assert told["toolCallId"] == call.id
        assert told["id"] not in self.interrupts, "asked twice under one id"
        self.interrupts.add(told["id"])
        if told["kind"] == "client_tool":
            assert is_let(call), "given to a page before it was approved"

    def _hear_of_approval(self, call: CallTold, event: dict[str, Any]) -> None:
        told, known = event["approval"], call.approval
        if told is None:
            return
        if known is not None:
            assert told["id"] == known["id"], "asked to approve it twice"
            assert known["approved"] is None or told == known, "another answer"
        call.approval = told

    def _tool_call_ended(self, event: dict[str, Any]) -> None:
        call = self.calls[event["toolCallId"]]
        assert call.status in OPEN_CALLS, "a second result"
        assert event["status"] in ENDED
        assert event["status"] in CALL_MOVES[call.status], (call.status, event)
        self._hear_of_approval(call, event)
        assert is_let(call) or event["status"] != "completed"
        call.interrupt = None
        call.status, call.error_code = event["status"], event["errorCode"]
        call.content = event["errorText"] or ""
        if call.error_code != "outcome_unknown":  # which is a takeover's own word
            self.runs[call.run].takeovers = 0


def is_let(call: CallTold) -> bool:
    """Was nobody asked whether it may run, or did they say yes?"""
    return call.approval is None or call.approval["approved"] is True


def _is_open(step: StepTold, part: PartTold) -> bool:
    return part.state == "streaming" and step.state != "void"


def utf16(text: str) -> int:
    return len(text.encode("utf-16-le")) // 2


def told_to_the_model(story: Story, run: RunTold) -> list[tuple[str, ...]]:
    """All that the provider may be told when this run goes on, the open step's results excepted."""
    found: list[tuple[str, ...]] = []
    for message in story.messages:
        if message.id == run.answer:
            break
        if message.is_hidden:
            continue
        if message.role == "user":
            found.append(("text", message.text))
        else:
            [of] = [one for one in story.runs.values() if one.answer == message.id]
            found += _answer(of)
    return found + _answer(run)


def _answer(run: RunTold) -> list[tuple[str, ...]]:
    found: list[tuple[str, ...]] = []
    for step in run.steps:
        if step.state == "void":
            continue
        is_whole = step.state == "complete"
        for part in sorted(step.parts, key=lambda part: part.index):
            if part.kind == "text" and part.text:
                found.append(("text", part.text))
            elif is_whole and part.kind == "tool-call":
                found.append(("call", part.call or ""))
            elif is_whole and part.kind == "reasoning":
                found.append(("reasoning", part.text))
        if is_whole and not any(call.status in OPEN_CALLS for call in step.calls):
            found += [("result", call.id) for call in step.calls]
    return found
