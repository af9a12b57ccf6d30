"""The oracle of the faults complains when it must: a check that can't fail is worth nothing."""

from __future__ import annotations

import copy
import time

import pytest

from tests.faults import oracle
from tests.faults.fold import Json
from tests.faults.oracle import Ledgers
from tests.faults.record import Record
from tests.faults.telling import (
    CALL,
    RUN,
    call_ended,
    good_events,
    ledgers,
    model_facts,
    run_changed,
    said,
    told,
    tool_facts,
)


def complaints(record: Record, found: Ledgers | None = None) -> set[str]:
    """The rules that the oracle says are broken."""
    oracle.check(record, found or ledgers())
    return {one.rule for one in record.complaints.found}


def with_texts(first: str | None = None, second: str | None = None) -> Record:
    return told(good_events((first or said(0), second or said(1))))


def test_a_thread_that_went_well_is_found_good() -> None:
    assert complaints(told(good_events())) == set()


def test_a_doubled_token_is_found() -> None:
    words = said(1).split(" ")
    doubled = " ".join([*words[:2], words[1], *words[2:]])

    assert "texts" in complaints(with_texts(second=doubled))


def test_a_lost_token_is_found() -> None:
    words = said(1).split(" ")

    assert "texts" in complaints(with_texts(second=" ".join(words[:1] + words[2:])))


def test_two_tokens_that_changed_places_are_found() -> None:
    words = said(1).split(" ")
    words[1], words[2] = words[2], words[1]

    assert "texts" in complaints(with_texts(second=" ".join(words)))


def test_a_completed_answer_that_lacks_its_last_token_is_found() -> None:
    assert "texts" in complaints(with_texts(second=said(1).rsplit(" ", 2)[0] + " "))


def test_an_answer_of_two_attempts_is_found() -> None:
    mixed = said(1, 1)[: len(said(1)) // 2] + said(1, 2)[len(said(1)) // 2 :]
    facts = [*model_facts()]
    again = {"key": "r1", "step": 1, "attempt": 2, "sent": 4, "whole": True}
    facts.append({"kind": "end", **again})
    found = Ledgers.of(facts, tool_facts())

    assert "texts" in complaints(with_texts(second=mixed), found)


def test_what_the_model_never_sent_is_found() -> None:
    facts = model_facts()
    facts[-1] = {**facts[-1], "sent": 2, "whole": False}

    assert "texts" in complaints(told(good_events()), Ledgers.of(facts, tool_facts()))


def test_the_beginning_of_a_cancelled_answer_is_found_good() -> None:
    events = good_events((said(0), said(1).split(" ")[0] + " "))
    events[-3:] = [
        {"type": "message.ended", "messageId": "answer", "status": "interrupted"},
        run_changed("cancelled"),
    ]
    record = told(events)
    record.prompts[0].may_be_cancelled = True

    assert complaints(record) == set()


def test_a_second_result_of_a_call_is_found() -> None:
    events = good_events()
    place = events.index(call_ended())
    record = told([*events[: place + 1], call_ended("again", 9), *events[place + 1 :]])

    assert "fold" in {one.rule for one in record.complaints.found}


def test_a_second_result_in_a_snapshot_is_found() -> None:
    record = told(good_events())
    assert record.final is not None
    parts = record.final["messages"][1]["parts"]
    result = next(part for part in parts if part["type"] == "tool-result")
    parts.append({**result, "index": 9, "partId": "again"})

    assert "results" in complaints(record)


def test_a_call_without_a_result_is_found() -> None:
    events = [event for event in good_events() if event != call_ended()]

    assert "results" in complaints(told(events))


def test_a_tool_that_must_run_once_and_began_twice_is_found() -> None:
    assert "once" in complaints(told(good_events()), ledgers(starts=2))


def test_a_tool_that_may_be_repeated_is_found_good() -> None:
    found = ledgers(starts=2, tool="idempotent")

    assert complaints(told(good_events()), found) == set()


def test_a_tool_that_is_completed_but_was_never_done_is_found() -> None:
    found = Ledgers.of(model_facts(), [])

    assert "tools" in complaints(told(good_events()), found)


def test_a_call_that_two_pages_have_begun_is_found() -> None:
    record = told(good_events())
    record.begun[CALL] = {"one", "other"}

    assert "once" in complaints(record)


def test_two_accepted_answers_of_a_call_are_found() -> None:
    record = told(good_events())
    record.accepted[CALL] = {"a", "b"}
    record.sent[CALL] = {"a": 1, "b": 2}

    assert "answers" in complaints(record)


def test_a_run_that_never_ended_is_found() -> None:
    assert "lost runs" in complaints(told(good_events()[:-1]))


def test_a_message_that_has_no_answer_is_found() -> None:
    record = told(good_events())
    assert record.final is not None
    record.final["messages"].pop()

    assert "lost runs" in complaints(record)


@pytest.mark.parametrize("code", ["internal", "provider_rejected", "run_interrupted"])
def test_a_failure_for_no_reason_is_found(code: str) -> None:
    events = good_events()
    events[-1] = run_changed("failed", code)

    assert "runs" in complaints(told(events))


def test_a_run_that_was_interrupted_too_often_is_found_good() -> None:
    events = good_events()
    events[-2] = {**events[-2], "status": "interrupted"}
    events[-1] = run_changed("failed", "run_interrupted")
    found = ledgers()
    found.deaths = [time.time()] * 4
    record = told(events)
    record.prompts[0].accepted_at = time.time()

    assert complaints(record, found) == set()


def test_a_cancel_that_nobody_asked_for_is_found() -> None:
    events = good_events()
    events[-1] = run_changed("cancelled")

    assert "runs" in complaints(told(events))


def test_an_event_after_the_end_is_found() -> None:
    late = {"type": "part.delta", "partId": "part-1-3", "offset": 0, "delta": "x"}
    record = told([*good_events(), late])

    assert "after the end" in complaints(record)


def test_two_active_runs_are_found() -> None:
    events = good_events()
    other = {**run_changed("in_progress"), "runId": "other"}
    record = told([*events[:5], other, *events[5:]])

    assert "one run" in complaints(record)


def test_a_voided_step_that_is_still_shown_is_found() -> None:
    record = told(good_events())
    record.voided_steps.add("step-1")

    assert "void" in complaints(record)


def test_a_history_that_tells_something_else_than_pages_show_is_found() -> None:
    facts = copy.deepcopy(model_facts())
    facts[2]["turns"][-1]["told"][0][1] += "and more"

    assert "history" in complaints(told(good_events()), Ledgers.of(facts, tool_facts()))


def test_a_call_that_was_sent_without_a_result_is_found() -> None:
    facts = copy.deepcopy(model_facts())
    facts[2]["complaints"] = ["calls without a result: ['c']"]

    assert "history" in complaints(told(good_events()), Ledgers.of(facts, tool_facts()))


def test_another_event_at_the_same_position_is_found() -> None:
    record = told(good_events())
    record.see_event(2, run_changed("in_progress"))

    assert {one.rule for one in record.complaints.found} == {"positions"}


def test_a_snapshot_that_is_not_the_fold_of_its_events_is_found() -> None:
    record = told(good_events())
    run = {**run_changed("completed"), "id": RUN, "interrupts": []}
    snapshot: Json = {"messages": [], "run": run}
    record.see_snapshot("epoch", len(record.events), snapshot)
    record.replay()

    assert "snapshot" in {one.rule for one in record.complaints.found}


def test_an_end_that_only_a_snapshot_told_of_is_no_second_run() -> None:
    record = told([])
    record.events = {
        1: run_changed("in_progress"),
        3: {**run_changed("queued"), "runId": "other"},
    }
    oracle.check_order(record)

    assert record.complaints.found == []
