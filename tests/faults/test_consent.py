"""The oracle knows what people wanted: whatever else happens is found."""

from __future__ import annotations

from typing import Any

import pytest

from tests.faults.consent import check_consent
from tests.faults.fold import Json
from tests.faults.record import Record
from tests.faults.telling import (
    CALL,
    OUTPUT,
    call_changed,
    call_ended,
    good_events,
    told,
)

ASKED = {"id": "approval", "needsApproval": True, "approved": None, "decision": None}
ASKED |= {"reason": None, "by": None}
ARGUMENTS = {"key": "r1", "place": "0.0", "seconds": 0.0}


def responded(decision: str, reason: str | None = None) -> Json:
    """The approval, once somebody has said so."""
    approved = decision in ("approve", "edit")
    said = {"decision": decision, "reason": reason, "by": "visitor"}
    return {**ASKED, "approved": approved, **said}


def waiting(kind: str = "approval", key: str = "", name: str = "approval") -> Json:
    interrupt = {"id": name, "kind": kind, "key": key, "toolCallId": CALL}
    event = {**call_changed("waiting"), "waitsFor": "person", "interrupt": interrupt}
    return {**event, "approval": ASKED if kind == "approval" else None}


def a_thread(
    *events: Json, tool: str = "pay", answer: Json | None = None, **taken: Json
) -> Record:
    """A thread in which this happens to its one call; ``taken`` was said, and accepted, by interrupt."""
    found: list[Json] = []
    for event in good_events():
        if event.get("toolCallName"):
            found.append({**event, "toolCallName": tool})
        elif event["type"] == "tool_call.changed":
            found += events
        elif event["type"] != "tool_call.ended":
            found.append(event)
    record = told(found)
    for interrupt, said in {"approval": answer, **taken}.items():
        if said is not None:
            record.sent[interrupt]["command"] = said
            record.accepted[interrupt].add("command")
    return record


def paid(
    *, approval: Json | None, note: str = "", answer: Json | None = None
) -> Record:
    """A call of ``pay`` that was asked for, answered so, and has run."""
    edited = {**ARGUMENTS, "note": note} if note else None
    yes = {**call_changed("queued"), "approval": approval, "editedInput": edited}
    return a_thread(
        waiting(), yes, call_changed("running"), call_ended(), answer=answer
    )


def facts(tool: str = "pay", note: str = "") -> list[Json]:
    fact = {"tool": tool, "call": CALL, "key": "r1", "place": "0.0", "pid": 1}
    return [{"kind": "started", **fact}, {"kind": "finished", **fact, "note": note}]


def complaints(record: Record, tool: list[Json] | None = None) -> set[str]:
    check_consent(record, {CALL: facts() if tool is None else tool})
    return {one.rule for one in record.complaints.found}


YES: Json = {"decision": "approve"}


def test_what_was_approved_and_then_done_is_good() -> None:
    assert complaints(paid(approval=responded("approve"), answer=YES)) == set()


def test_what_nobody_was_asked_for_is_found() -> None:
    record = a_thread(call_changed("running"), call_ended())

    assert "approvals" in complaints(record)


def test_what_was_begun_before_the_yes_is_found() -> None:
    yes = {**call_changed("queued"), "approval": responded("approve")}
    record = a_thread(waiting(), call_changed("running"), yes, call_ended(), answer=YES)

    assert "approvals" in complaints(record)


def test_what_was_denied_and_yet_done_is_found() -> None:
    denied: Json = {"decision": "deny", "text": "No."}

    found = complaints(paid(approval=responded("deny", "No."), answer=denied))

    assert "approvals" in found


@pytest.mark.parametrize(
    ("shown", "answer"),
    [
        (responded("approve"), {"decision": "deny", "text": "No."}),
        (responded("deny", "No."), {"decision": "deny", "text": "Never."}),
        (responded("approve"), None),
        (None, YES),
    ],
)
def test_another_answer_than_the_one_that_was_taken_is_found(
    shown: Json | None, answer: Json | None
) -> None:
    assert "answers" in complaints(paid(approval=shown, answer=answer))


def test_an_answer_that_becomes_another_is_found() -> None:
    yes = {**call_changed("queued"), "approval": responded("approve")}
    other = {**call_changed("queued"), "approval": responded("edit")}

    assert "answers" in complaints(a_thread(waiting(), yes, other, answer=YES))


@pytest.mark.parametrize(
    ("note", "done", "rule"),
    [("word", "", "tools"), ("", "word", "tools"), ("other", "other", "answers")],
)
def test_a_tool_that_did_not_run_with_the_edited_arguments_is_found(
    note: str, done: str, rule: str
) -> None:
    answer: Json = {"decision": "edit", "input": {**ARGUMENTS, "note": "word"}}
    decision = "edit" if note else "approve"
    record = paid(
        approval=responded(decision), note=note, answer=answer if note else YES
    )

    assert rule in complaints(record, facts(note=done))


@pytest.mark.parametrize(
    ("words", "is_found"), [("fox -", False), ("- fox", True), ("fox", True)]
)
def test_a_tool_that_was_told_another_answer_than_the_given_one_is_found(
    words: str, is_found: bool
) -> None:
    done: dict[str, Any] = {"done": f"{OUTPUT['done']} {words}"}
    record = a_thread(
        waiting("question", "first", "q1"),
        call_changed("queued"),
        waiting("question", "second", "q2"),
        {**call_ended(), "output": done},
        tool="wonder",
        q1={"decision": "answer", "output": {"word": "fox"}},
        q2={"decision": "skip"},
    )

    assert bool(complaints(record, [])) is is_found
