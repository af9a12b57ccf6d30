"""A small thread that went well, told as pages, model and tools would: for the oracle's own tests."""

from __future__ import annotations

import copy
import hashlib
from random import Random
from typing import Any

from tests.faults.complaints import Complaints
from tests.faults.fold import ASKED, Fold, Json, units
from tests.faults.history import asked
from tests.faults.oracle import Ledgers
from tests.faults.plan import Call, Plan, Step, token
from tests.faults.record import Prompt, Record

THREAD, RUN, PROMPT, ANSWER = "thread", "run", "prompt", "answer"
CALL, STEPS = "call-0", ("step-0", "step-1")
PLAN = Plan(
    key="r1",
    steps=(
        Step(size=3, delay=0.0, calls=(Call(tool="once"),)),
        Step(size=4, delay=0.0),
    ),
)
ARGUMENTS = '{"key": "r1", "place": "0.0", "seconds": 0.0}'
OUTPUT = {"done": "r1 0.0"}
EMPTY = {"messages": [], "run": None}


def run_changed(status: str, code: str | None = None) -> Json:
    event = {"type": "run.changed", "runId": RUN, "status": status}
    return {**event, "answerId": ANSWER, "errorCode": code, "errorText": None}


def message(message_id: str, role: str, content: str | None, run: str | None) -> Json:
    return {
        "type": "message.created",
        "messageId": message_id,
        "role": role,
        "runId": run,
        "clientId": None,
        "status": "complete" if content else "open",
        "content": content,
        "createdAt": "",
    }


def part(step: int, index: int, text: str, **call: Any) -> list[Json]:
    """A part that starts, grows and ends."""
    part_id = f"part-{step}-{index}"
    half = len(text) // 2
    deltas = [(0, text[:half]), (units(text[:half]), text[half:])]
    started = {
        "type": "part.started",
        "messageId": ANSWER,
        "partId": part_id,
        "index": index,
        "kind": "tool-call" if call else "text",
        "stepId": STEPS[step],
        "toolCallId": call.get("id"),
        "toolCallName": call.get("name"),
    }
    ended = {"type": "part.ended", "partId": part_id, "state": "complete"}
    digest = hashlib.sha256(text.encode()).hexdigest()
    return [
        started,
        *(
            {"type": "part.delta", "partId": part_id, "offset": at, "delta": delta}
            for at, delta in deltas
        ),
        {**ended, "length": units(text), "digest": digest},
    ]


def step_finished(step: int) -> Json:
    return {"type": "step.finished", "runId": RUN, "stepId": STEPS[step]}


def call_changed(status: str) -> Json:
    event = {"type": "tool_call.changed", "toolCallId": CALL, "status": status}
    told = {"executor": "server", "input": {"key": "r1"}, **dict.fromkeys(ASKED)}
    return {**event, **told}


def call_ended(part_id: str = "part-result", index: int = 2) -> Json:
    return {
        "type": "tool_call.ended",
        "toolCallId": CALL,
        "messageId": ANSWER,
        "partId": part_id,
        "index": index,
        "stepId": STEPS[0],
        "status": "completed",
        "output": OUTPUT,
        "errorCode": None,
        "errorText": None,
        "approval": None,
    }


def said(step: int, attempt: int = 1) -> str:
    size = PLAN.steps[step].size
    return "".join(token("r1", step, index, attempt) for index in range(size))


def good_events(texts: tuple[str, str] | None = None) -> list[Json]:
    """Of a run that went well; with other texts, if they are given."""
    first, second = texts or (said(0), said(1))
    return [
        message(PROMPT, "user", PLAN.text, None),
        run_changed("queued"),
        message(ANSWER, "assistant", None, RUN),
        run_changed("in_progress"),
        *part(0, 0, first),
        *part(0, 1, ARGUMENTS, id=CALL, name="once"),
        step_finished(0),
        call_changed("running"),
        call_ended(),
        *part(1, 3, second),
        step_finished(1),
        {"type": "message.ended", "messageId": ANSWER, "status": "complete"},
        run_changed("completed"),
    ]


def told(events: list[Json]) -> Record:
    """What a page makes of these events, and a fresh page as well."""
    record = Record(THREAD, Complaints(), lambda _record, _event: None)
    record.see_snapshot("epoch", 0, copy.deepcopy(EMPTY))
    for position, event in enumerate(events, 1):
        record.see_event(position, event)
    prompt = Prompt(plan=PLAN, message=PROMPT, runs=[RUN], accepted_at=0.0)
    record.prompts.append(prompt)
    fold = record.replay()
    record.final = fold.copy() if fold else None
    record.final_position = len(events)
    return record


def request(step: int) -> Json:
    """What the model was asked for this step."""
    call = {"id": "c", "function": {"name": "once", "arguments": ARGUMENTS}}
    messages: list[Json] = [
        {"role": "user", "content": PLAN.text},
        {"role": "assistant", "content": said(0), "tool_calls": [call]},
        {"role": "tool", "tool_call_id": "c", "content": '{"done":"r1 0.0"}'},
    ]
    found = asked(messages if step else messages[:1])
    return {"turns": found.turns, "complaints": found.complaints}


def model_facts() -> list[Json]:
    """What the model has noted of a run that went well."""
    facts: list[Json] = []
    for step in (0, 1):
        name = {"key": "r1", "step": step, "attempt": 1}
        facts.append({"kind": "begin", **name, **request(step)})
        sent = PLAN.steps[step].size
        facts.append({"kind": "end", **name, "sent": sent, "whole": True})
    return facts


def tool_facts(starts: int = 1, tool: str = "once") -> list[Json]:
    """What the tool has noted."""
    fact = {"tool": tool, "call": CALL, "key": "r1", "place": "0.0", "pid": 1}
    started = [{"kind": "started", **fact} for _ in range(starts)]
    return [*started, {"kind": "finished", **fact}]


def ledgers(**tools: Any) -> Ledgers:
    """Those of a run that went well."""
    return Ledgers.of(model_facts(), tool_facts(**tools))


def fresh_fold() -> Fold:
    """Of an empty thread."""
    return Fold(copy.deepcopy(EMPTY))


def chance() -> Random:
    return Random(1)  # noqa: S311 (the same in each test)
