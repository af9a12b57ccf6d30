"""Was it as people wanted it? Nothing runs that was not approved, and every answer is the one given.

Pure, as ``oracle`` is, of which it is a part.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from tests.faults.fold import Json
from tests.faults.ledger import Fact
from tests.faults.plan import APPROVED_TOOLS
from tests.faults.record import Record


def check_consent(record: Record, tools: Mapping[str, list[Fact]]) -> None:
    """Everything that must be true of approvals and questions of a thread."""
    check_order_of_approvals(record)
    for call, approval in record.approvals.items():
        check_decision(record, call, approval)
    for call in record.calls:
        started = [f for f in tools.get(call, ()) if f["kind"] == "started"]
        if any(fact["tool"] in APPROVED_TOOLS for fact in started):
            _check_approved(record, call, "has begun")
        if record.calls[call]["name"] in APPROVED_TOOLS and record.accepted.get(call):
            _check_approved(record, call, "was answered by a page")
    for part in _calls(record.final):
        if part["name"] == "pay" and part["status"] == "completed":
            _check_approved(record, part["id"], "is completed")
            check_edited(record, part, tools.get(part["id"], []))
        if part["name"] == "wonder" and part["status"] == "completed":
            check_words(record, part)


def check_order_of_approvals(record: Record) -> None:
    """First the yes, then the call: in the server, and in a page."""
    if record.has_holes:
        return
    first = min(record.snapshots, key=lambda one: one[0])[1]
    approved = {p["id"] for p in _calls(first) if (p["approval"] or {}).get("approved")}
    for position, event in sorted(record.events.items()):
        if event["type"] != "tool_call.changed":
            continue
        call = event["toolCallId"]
        if (event["approval"] or {}).get("approved"):
            approved.add(call)
        is_given = event["status"] == "running" or event["waitsFor"] == "client"
        if (
            is_given
            and record.calls[call]["name"] in APPROVED_TOOLS
            and call not in approved
        ):
            text = f"{call} became {event['status']} without a yes"
            record.complain("approvals", text, position=position)


def check_decision(record: Record, call: str, approval: Json) -> None:
    """What is shown is what was taken; what was taken is shown."""
    interrupt, decision = approval["id"], approval["decision"]
    given = _given(record, interrupt)
    if decision is None:
        if record.accepted.get(interrupt):
            text = f"{call}: an answer was accepted, and is not there"
            record.complain("answers", text)
        return
    fitting = [one for one in given if one["decision"] == decision]
    if not fitting:
        text = f"{call} shows {decision}, given was {[o['decision'] for o in given]}"
        record.complain("answers", text)
    elif approval["approved"] is not (decision in ("approve", "edit")):
        record.complain("approvals", f"{call}: {approval}")
    elif approval["reason"] not in [one.get("text") for one in fitting]:
        record.complain("answers", f"{call} has the reason of nobody: {approval}")


def check_edited(record: Record, part: Json, facts: Iterable[Fact]) -> None:
    """It was called with what somebody made of the arguments, or with the model's own."""
    approval, edited = record.approvals.get(part["id"]), part["editedInput"]
    if approval is None:
        return
    if (edited is not None) != (approval["decision"] == "edit"):
        record.complain("answers", f"{part['id']}: {approval['decision']}, {edited}")
        return
    given = [one.get("input") for one in _given(record, approval["id"])]
    if edited is not None and edited not in given:
        record.complain("answers", f"{part['id']} was edited by nobody: {edited}")
    note = edited["note"] if edited else ""
    done = [fact for fact in facts if fact["kind"] == "finished"]
    if [fact["note"] for fact in done] != [note]:
        text = f"{part['id']} was to run with {note!r}, done was {done}"
        record.complain("tools", text)


def check_words(record: Record, part: Json) -> None:
    """A tool that has asked twice was given both answers, each for its own question."""
    words = part["output"]["done"].split(" ")[2:]
    if len(words) != 2:
        record.complain("tools", f"{part['id']} has {part['output']}")
        return
    for key, word in zip(("first", "second"), words, strict=True):
        interrupt = record.questions[part["id"]].get(key)
        if interrupt is None:
            continue  # only a snapshot of later has told of it
        given = [
            one["output"]["word"] if one["decision"] == "answer" else "-"
            for one in _given(record, interrupt)
        ]
        if word not in given:
            text = f"{part['id']} was told {word} for {key}, given was {given}"
            record.complain("answers", text)


def _given(record: Record, interrupt: str) -> list[Json]:
    """What was taken; where that was never heard, what may have been."""
    taken, sent = record.accepted.get(interrupt, set()), record.sent[interrupt]
    return [sent[command] for command in taken] or list(sent.values())


def _check_approved(record: Record, call: str, what: str) -> None:
    if not _is_approved(record, call):
        approval = record.approvals.get(call)
        record.complain("approvals", f"{call} {what}, its approval is {approval}")


def _is_approved(record: Record, call: str) -> bool:
    return bool((record.approvals.get(call) or {}).get("approved"))


def _calls(thread: Json | None) -> list[Json]:
    messages = thread["messages"] if thread else []
    return [p for m in messages for p in m["parts"] if p["type"] == "tool-call"]
