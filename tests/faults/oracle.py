"""Does everything agree? Pages, the model's ledger, the tools' ledger and the answers of pages.

Pure: it reads what was recorded and complains. ``test_oracle.py`` shows that it can.
"""

from __future__ import annotations

import json
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from tests.faults.consent import check_consent
from tests.faults.fold import ENDED, Json
from tests.faults.history import EDITED, without_order
from tests.faults.ledger import Fact
from tests.faults.plan import ODD, ONCE_TOOLS, SERVER_TOOLS, Plan, token
from tests.faults.record import ACTIVE, Prompt, Record

REASONS = {
    "run_interrupted",
    "provider_rate_limited",
    "provider_unavailable",
    "provider_rejected",
    "step_limit_exceeded",
    "call_limit_exceeded",
    "token_limit_exceeded",
    "time_limit_exceeded",
}
"""Why a run may fail, as the documents say."""
MAX_TAKEOVERS = 3
SLACK = 1.0
"""Seconds by which a fault may have come before what it spoils."""


@dataclass(slots=True)
class Ledgers:
    """What was written outside, by plan's key and by call."""

    begins: dict[str, list[Fact]] = field(default_factory=lambda: defaultdict(list))
    ends: dict[tuple[str, int, int], Fact] = field(default_factory=dict)
    faults: Counter[str] = field(default_factory=Counter)
    tools: dict[str, list[Fact]] = field(default_factory=lambda: defaultdict(list))
    deaths: list[float] = field(default_factory=list)
    refusals: list[float] = field(default_factory=list)

    @classmethod
    def of(cls, model: Iterable[Fact], tools: Iterable[Fact]) -> Ledgers:
        """Sort the facts."""
        found = cls()
        for fact in model:
            if fact["kind"] == "begin":
                found.begins[fact["key"]].append(fact)
            elif fact["kind"] == "end":
                found.ends[fact["key"], fact["step"], fact["attempt"]] = fact
            elif fact["kind"] == "fault":
                found.faults[fact["key"]] += 1
        for fact in tools:
            found.tools[fact["call"]].append(fact)
        return found


def check(record: Record, ledgers: Ledgers) -> None:
    """Everything that must be true of a thread whose runs have ended."""
    check_order(record)
    check_answers(record)
    check_consent(record, ledgers.tools)
    if record.final is None:
        record.complain("lost threads", "nobody has compared it")
        return
    for prompt in record.prompts:
        check_runs(record, prompt, ledgers)
        answer = answer_to(record, prompt)
        if answer is None:
            record.complain("lost runs", f"no answer to {prompt.message}")
            continue
        check_calls(record, answer)
        check_texts(record, prompt, answer, ledgers)
        check_requests(record, prompt, ledgers)
    check_tools(record, ledgers)


def answer_to(record: Record, prompt: Prompt) -> Json | None:
    """The answer that is shown below a message, by its newest run."""
    messages = record.final["messages"] if record.final else []
    found = (m for m in messages if m["runId"] == prompt.runs[-1])
    return next(found, None)


# -- the log ---------------------------------------------------------------------


def check_order(record: Record) -> None:
    """One active run at a time, and nothing of a run after its end."""
    active: set[str] = set()
    ended: set[str] = set()
    run_of_message: dict[str, str] = {}
    run_of_thing: dict[str, str] = {}
    last = 0
    for position, event in sorted(record.events.items()):
        if position != last + 1:
            active.clear()  # what only snapshots told of may have been an end
        last = position
        run = event.get("runId") or _owner(event, run_of_message, run_of_thing)
        if event["type"] == "message.created" and run:
            run_of_message[event["messageId"]] = run
        for name in ("partId", "toolCallId"):
            if run and event.get(name):
                run_of_thing[event[name]] = run
        if run in ended:
            record.complain(
                "after the end", f"{event['type']} of run {run}", position=position
            )
        if event["type"] == "run.changed":
            (active.add if event["status"] in ACTIVE else active.discard)(run)
            if event["status"] in ENDED:
                ended.add(run)
        if len(active) > 1:
            record.complain("one run", f"active: {active}", position=position)
            active = {run}


def _owner(event: Json, messages: dict[str, str], things: dict[str, str]) -> str:
    if event["type"] == "message.hidden":
        return ""
    message = messages.get(event.get("messageId", ""), "")
    part = things.get(event.get("partId", ""), "")
    return message or part or things.get(event.get("toolCallId") or "", "")


# -- runs ------------------------------------------------------------------------


def check_runs(record: Record, prompt: Prompt, ledgers: Ledgers) -> None:
    """Each has ended, and for a reason that there was."""
    for run in prompt.runs:
        seen = record.runs.get(run)
        if seen is None or seen.ended_at is None:
            record.complain("lost runs", f"{run} of {prompt.plan.key} has not ended")
        elif seen.status == "cancelled" and not prompt.may_be_cancelled:
            record.complain("runs", f"{run} was cancelled, which nobody asked for")
        elif seen.status == "failed":
            why = seen.code or ""
            if not _is_reason(why, prompt, seen.ended_at, ledgers):
                text = f"{run} of {prompt.plan.key} failed with {why!r} for no reason"
                record.complain("runs", text, faults=prompt.plan.faults)


def _is_reason(code: str, prompt: Prompt, ended_at: float, ledgers: Ledgers) -> bool:
    def during(times: Iterable[float]) -> int:
        begun = prompt.accepted_at - SLACK
        return sum(begun <= at <= ended_at + 1 for at in times)

    if code not in REASONS:
        return False
    if code == "provider_rejected":
        return prompt.plan.is_refused
    if code == "run_interrupted":
        return during(ledgers.deaths) > MAX_TAKEOVERS
    has_faults = any(kind not in ODD for kind in prompt.plan.faults)
    return has_faults or during(ledgers.refusals) > 0


# -- texts -----------------------------------------------------------------------


def steps_of(answer: Json) -> list[list[Json]]:
    """The parts of an answer by their step, in the order of the steps."""
    found: dict[str, list[Json]] = {}
    for part in answer["parts"]:
        found.setdefault(part["stepId"], []).append(part)
    return list(found.values())


def check_texts(record: Record, prompt: Prompt, answer: Json, ledgers: Ledgers) -> None:
    """What is shown is what the model said: of one attempt, from the first token on, whole."""
    is_completed = record.runs[prompt.runs[-1]].status == "completed"
    steps = steps_of(answer)
    if (answer["status"] == "complete") != is_completed:
        record.complain("runs", f"a run's answer is {answer['status']}")
    for number, parts in enumerate(steps):
        if parts[0]["stepId"] in record.voided_steps:
            record.complain("void", f"a voided step is shown: {parts[0]['stepId']}")
        is_whole = is_completed or number < len(steps) - 1
        _check_text(record, prompt.plan, number, parts, ledgers, is_whole=is_whole)
    expected = [step for step in prompt.plan.steps if step.size or step.calls]
    if is_completed and len(steps) != len(expected):
        text = f"{prompt.plan.key} has {len(steps)} steps, not {len(expected)}"
        record.complain("texts", text)


def _check_text(
    record: Record,
    plan: Plan,
    number: int,
    parts: list[Json],
    ledgers: Ledgers,
    *,
    is_whole: bool,
) -> None:
    texts = [part["text"] for part in parts if part["type"] == "text"]
    said = "".join(texts)
    if number >= len(plan.steps) or len(texts) > 1:
        record.complain("texts", f"{plan.key}.{number} has {len(texts)} texts")
        return
    ends = {
        a: e for (k, s, a), e in ledgers.ends.items() if (k, s) == (plan.key, number)
    }
    size = plan.steps[number].size
    for attempt, end in ends.items():
        whole = "".join(token(plan.key, number, i, attempt) for i in range(size))
        if is_whole and said == whole and end["whole"]:
            return
        sent = "".join(token(plan.key, number, i, attempt) for i in range(end["sent"]))
        if not is_whole and sent.startswith(said):
            return
    if not is_whole and not said:
        return
    kind = "whole" if is_whole else "a beginning"
    text = f"{plan.key}.{number} is not {kind} of any of {len(ends)} attempts"
    record.complain("texts", text, shown=_around_break(plan.key, number, said))


def _around_break(key: str, number: int, said: str) -> str:
    """The place at which a text stops being what it should be."""
    attempt = said.split("~", 1)[-1].split(" ", 1)[0] if "~" in said else "1"
    for index, word in enumerate(said.split(" ")[:-1]):
        if word != f"{key}.{number}.{index}~{attempt}":
            words = said.split(" ")
            return " ".join(words[max(0, index - 3) : index + 4])
    return f"{said[:40]} … {said[-40:]}"


# -- calls -----------------------------------------------------------------------


def check_calls(record: Record, answer: Json) -> None:
    """Each call has ended and has exactly one result."""
    results = Counter(
        part["toolCallId"] for part in answer["parts"] if part["type"] == "tool-result"
    )
    for part in answer["parts"]:
        if part["type"] != "tool-call":
            continue
        if part["status"] not in ENDED or results[part["id"]] != 1:
            text = (
                f"{part['id']} is {part['status']}, has {results[part['id']]} results"
            )
            record.complain("results", text, tool=part["name"])


def check_answers(record: Record) -> None:
    """At most one answer of a call was taken, and it is the one that is shown."""
    for call, taken in record.accepted.items():
        if len(taken) > 1:
            record.complain("answers", f"{len(taken)} answers of {call} were taken")
    for call, tabs in record.begun.items():
        if len(tabs) > 1:
            record.complain("once", f"{len(tabs)} pages have begun {call}")
    for part in _calls(record):
        taken, sent = record.accepted.get(part["id"], set()), record.sent[part["id"]]
        if part["executor"] != "client" or part["status"] != "completed":
            if taken and part["executor"] == "client":
                text = f"{part['id']} is {part['status']}, an answer was accepted"
                record.complain("answers", text)
            continue
        outputs = [sent[command] for command in taken] or list(sent.values())
        if part["output"] not in outputs:
            text = f"{part['id']} has {part['output']}, which nobody answered"
            record.complain("answers", text, accepted=len(taken))


def _calls(record: Record) -> Iterator[Json]:
    for message in record.final["messages"] if record.final else []:
        yield from (part for part in message["parts"] if part["type"] == "tool-call")


def check_tools(record: Record, ledgers: Ledgers) -> None:
    """A tool that must run once has begun at most once; what is completed was done."""
    runs = {prompt.plan.key: len(prompt.runs) for prompt in record.prompts}
    begun: Counter[tuple[str, str]] = Counter()
    for call in record.calls:
        started = [f for f in ledgers.tools.get(call, ()) if f["kind"] == "started"]
        if len(started) > 1 and started[0]["tool"] in ONCE_TOOLS:
            text = f"{call} was begun {len(started)} times"
            record.complain("once", text, pids=[f["pid"] for f in started])
        for fact in started[:1]:
            if fact["tool"] in ONCE_TOOLS:
                begun[fact["key"], fact["place"]] += 1
    for (key, place), count in begun.items():
        if count > runs.get(key, 0):
            record.complain("once", f"{key} {place} was begun under {count} ids")
    for part in _calls(record):
        _check_done(record, part, ledgers)


def _check_done(record: Record, part: Json, ledgers: Ledgers) -> None:
    if part["name"] not in SERVER_TOOLS or part["status"] != "completed":
        return
    facts = ledgers.tools.get(part["id"], [])
    if not any(fact["kind"] == "finished" for fact in facts):
        record.complain("tools", f"{part['id']} is completed, but was never done")
        return
    wanted = {"done": f"{facts[0]['key']} {facts[0]['place']}"}
    if part["output"] != wanted:
        record.complain("tools", f"{part['id']} has {part['output']}, not {wanted}")


# -- what the provider was asked ----------------------------------------------------


def check_requests(record: Record, prompt: Prompt, ledgers: Ledgers) -> None:
    """Every history was valid, and told exactly what pages show of the earlier turns."""
    by_key = {one.plan.key: one for one in record.prompts}
    for fact in ledgers.begins.get(prompt.plan.key, ()):
        for complaint in fact["complaints"]:
            record.complain("history", complaint, key=prompt.plan.key)
        *earlier, current = fact["turns"]
        for turn in earlier:
            found = by_key.get(turn["key"])
            if found is None:
                record.complain("history", f"a turn of another thread: {turn['key']}")
            else:
                _check_turn(record, found, turn["told"], is_over=True)
        if len(prompt.runs) == 1:
            _check_turn(record, prompt, current["told"], is_over=False)


def _check_turn(
    record: Record, prompt: Prompt, told: list[list[str]], *, is_over: bool
) -> None:
    answer = answer_to(record, prompt)
    if answer is None or record.has_holes:
        return
    shown = told_of(record, answer)
    told = [[kind, without_order(text)] for kind, text in told]
    if (told == shown) if is_over else (told == shown[: len(told)]):
        return
    place = next(
        (n for n, (a, b) in enumerate(zip(told, shown, strict=False)) if a != b),
        min(len(told), len(shown)),
    )
    pair = f"{told[place : place + 1]} and {shown[place : place + 1]}"
    text = (
        f"{prompt.plan.key}: told {len(told)}, shown {len(shown)}; at {place}: {pair}"
    )
    record.complain("history", text[:600])


def told_of(record: Record, answer: Json) -> list[list[str]]:
    """An answer as the provider must be told of it."""
    is_whole = record.runs[answer["runId"]].status == "completed"
    found: list[list[str]] = []
    for parts in steps_of(answer):
        text = "".join(part["text"] for part in parts if part["type"] == "text")
        found += [["text", text]] if text else []
        if not is_whole and parts[0]["stepId"] not in record.finished_steps:
            continue
        calls = [part for part in parts if part["type"] == "tool-call"]
        found += [["call", call["name"] + _arguments(call["text"])] for call in calls]
        results = {p["toolCallId"]: p for p in parts if p["type"] == "tool-result"}
        found += [["result", _content(call, results.get(call["id"]))] for call in calls]
    return found


def _arguments(text: str) -> str:
    try:
        return text if isinstance(json.loads(text), dict) else "{}"
    except ValueError:
        return "{}"


def _content(call: Json, result: Json | None) -> str:
    if result is None:
        return "(no result)"
    edited = call["editedInput"]
    first = without_order(EDITED.format(json.dumps(edited))) if edited else ""
    if result["state"] == "complete":
        return first + json.dumps(call["output"], separators=(",", ":"))
    return f"{first}Error: {result['text']}"
