"""The fake model notices a history that no real provider would take."""

from __future__ import annotations

from tests.faults.fold import Json
from tests.faults.history import asked
from tests.faults.telling import PLAN

USER: Json = {"role": "user", "content": PLAN.text}


def calls(*ids: str) -> Json:
    function = {"name": "read", "arguments": "{}"}
    found = [{"id": call, "function": function} for call in ids]
    return {"role": "assistant", "content": "", "tool_calls": found}


def result(call: str) -> Json:
    return {"role": "tool", "tool_call_id": call, "content": "x"}


def test_a_valid_history_names_the_next_step() -> None:
    found = asked([USER, calls("a", "b"), result("a"), result("b")])

    assert (found.plan.key, found.step, found.complaints) == ("r1", 1, [])


def test_a_call_without_a_result_is_found() -> None:
    assert asked([USER, calls("a", "b"), result("a")]).complaints
    assert asked([USER, calls("a"), USER]).complaints


def test_a_second_result_is_found() -> None:
    assert asked([USER, calls("a"), result("a"), result("a")]).complaints


def test_results_in_another_order_are_found() -> None:
    assert asked([USER, calls("a", "b"), result("b"), result("a")]).complaints


def test_a_result_without_a_call_is_found() -> None:
    assert asked([USER, result("a")]).complaints


def test_an_id_that_two_calls_share_is_found() -> None:
    assert asked([USER, calls("a"), result("a"), calls("a"), result("a")]).complaints


def test_a_message_that_is_no_plan_is_found() -> None:
    assert asked([{"role": "user", "content": "Hello"}]).complaints
