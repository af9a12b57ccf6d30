"""What a rule may say, and a call that somebody has to approve first."""

from __future__ import annotations

from dataclasses import replace
from uuid import UUID

import pytest
from pydantic import BaseModel

from chatkit_app.engine import events
from chatkit_app.engine.approvals import Allow, Ask, Deny, verdict_of
from chatkit_app.engine.states import (
    Approver,
    InterruptKind,
    ToolCallState,
    ToolCallStatus,
    WaitsFor,
)
from chatkit_app.engine.tools import ToolContext, tool, tool_definition
from chatkit_app.exceptions import ToolError
from tests.engine.drive import call, collect, make_calls, only


@pytest.mark.parametrize(
    ("said", "verdict"),
    [
        (True, Ask()),
        (False, Allow()),
        (Ask("Sure?"), Ask("Sure?")),
        (Deny("No."), Deny("No.")),
        (Allow(), Allow()),
    ],
)
def test_a_rule_may_say_it_in_short(said: object, verdict: object) -> None:
    assert verdict_of(said) == verdict


@pytest.mark.parametrize("said", [None, "yes", 1, Ask])
def test_anything_else_is_no_verdict(said: object) -> None:
    with pytest.raises(TypeError, match="needs_approval"):
        verdict_of(said)


def rule(amount: float, user: object) -> bool | Ask | Deny:
    if amount > 1000:
        return Deny("Too much for anybody.")
    return Ask(f"Refund {amount:g} euros?") if amount > 50 else False


class Refund(BaseModel):
    amount: float


ran: list[float] = []

refund_definition = tool_definition(
    name="refund",
    description="",
    input=Refund,
    patience=60,
    needs_approval=lambda given, user, context: rule(given.amount, user),
)
refund = refund_definition.server(lambda given: ran.append(given.amount))


@pytest.fixture(autouse=True)
def _none_ran():
    ran.clear()


async def settle(made, asked):
    calls = make_calls(made)
    return calls, await collect(calls.run([asked]))


async def test_a_call_that_must_be_approved_waits_for_a_person_and_does_not_run() -> (
    None
):
    calls, [waiting] = await settle(refund, call("refund", '{"amount": 80}'))

    assert calls.is_waiting
    assert ran == []
    assert waiting.status is ToolCallStatus.WAITING
    assert waiting.state is ToolCallState.APPROVAL_REQUESTED
    assert waiting.waits_for is WaitsFor.PERSON
    assert waiting.input == {"amount": 80}
    told = waiting.interrupt
    assert (told.kind, told.approver) == (InterruptKind.APPROVAL, Approver.VISITOR)
    assert told.message == "Refund 80 euros?"
    assert told.schema == refund_definition.input_schema
    assert waiting.approval == events.ApprovalTold(id=told.id)
    assert waiting.deadline_at == told.expires_at


async def test_what_the_rule_allows_runs_at_once() -> None:
    calls, found = await settle(refund, call("refund", '{"amount": 5}'))

    assert not calls.is_waiting
    assert ran == [5]
    assert next(only(found, events.ToolCallEnded)).status is ToolCallStatus.COMPLETED


async def test_what_the_rule_denies_is_told_to_the_model_and_to_nobody_else() -> None:
    calls, [ended] = await settle(refund, call("refund", '{"amount": 5000}'))

    assert (ended.error_code, ended.error_text) == ("denied", "Too much for anybody.")
    assert ran == []
    assert calls.results[UUID(int=1)].is_error


async def test_an_approved_call_runs_with_what_the_person_made_of_its_arguments() -> (
    None
):
    asked = replace(
        call("refund", '{"amount": 80}'),
        is_approved=True,
        edited_input={"amount": 60},
    )
    calls, found = await settle(refund, asked)

    assert ran == [60]
    assert {event.state for event in found} == {ToolCallState.APPROVAL_RESPONDED}
    content = calls.results[UUID(int=1)].content
    assert 'a person changed the arguments to {"amount":60}' in content


async def test_nobody_edits_arguments_past_what_the_rule_denies() -> None:
    asked = replace(
        call("refund", '{"amount": 80}'),
        is_approved=True,
        edited_input={"amount": 5000},
    )
    calls, [ended] = await settle(refund, asked)

    assert ran == []
    assert (ended.error_code, ended.error_text) == ("denied", "Too much for anybody.")
    content = calls.results[UUID(int=1)].content
    assert (
        'changed the arguments to {"amount":5000}, and with them it was not' in content
    )


async def test_an_approved_call_of_the_page_is_the_pages_then() -> None:
    given = tool_definition(name="erase", description="", needs_approval=True)
    _calls, [asked] = await settle(given, call("erase"))
    assert asked.waits_for is WaitsFor.PERSON

    _calls, [waiting] = await settle(given, replace(call("erase"), is_approved=True))
    assert waiting.waits_for is WaitsFor.CLIENT
    assert waiting.interrupt.kind is InterruptKind.CLIENT_TOOL
    assert waiting.state is ToolCallState.APPROVAL_RESPONDED


async def test_a_rule_that_fails_lets_nothing_pass(caplog) -> None:
    def broken(given, user, context):
        raise RuntimeError("secret")

    made = tool(needs_approval=broken)(lambda_of("lose"))
    _calls, [ended] = await settle(made, call("lose"))

    assert ended.error_code == "tool_failed"
    assert "secret" not in ended.error_text
    assert "secret" in caplog.text


async def test_a_rule_that_says_nonsense_lets_nothing_pass(caplog) -> None:
    made = tool(needs_approval=lambda given, user, context: None)(lambda_of("lose"))
    _calls, [ended] = await settle(made, call("lose"))

    assert ended.error_code == "tool_failed"


async def test_a_rules_own_words_are_the_models_to_read() -> None:
    def closed(given, user, context):
        raise ToolError("Closed on Sundays.")

    made = tool(needs_approval=closed)(lambda_of("lose"))
    _calls, [ended] = await settle(made, call("lose"))

    assert (ended.error_code, ended.error_text) == ("tool_error", "Closed on Sundays.")


@pytest.mark.parametrize("words", [None, 123, "lazy"])
async def test_a_rules_words_may_be_anything_that_has_some(words: object) -> None:
    made = tool(needs_approval=lambda given, user, context: Ask(words))(
        lambda_of("lose")
    )
    _calls, [waiting] = await settle(made, call("lose"))

    assert waiting.interrupt.message == ("" if words is None else str(words))


async def test_nobody_is_asked_in_the_middle_of_a_call_that_has_begun() -> None:
    asked = replace(call("refund", '{"amount": 80}'), has_begun=True)
    _calls, found = await settle(refund, asked)

    assert ran == [80]
    assert [event.status for event in found] == ["queued", "running", "completed"]


async def test_a_tool_knows_whether_a_person_lets_it_run() -> None:
    known = []

    @tool(needs_approval=True)
    def lose(context: ToolContext) -> None:
        known.append(context.is_approved)

    await settle(lose, replace(call("lose"), is_approved=True))

    assert known == [True]


async def test_a_rule_may_be_async_and_knows_who_asks() -> None:
    seen = []

    async def ask(given, user, context):
        seen.append((given.x, user, context.viewer.key))
        return True

    @tool(needs_approval=ask, approved_by="shop.approve")
    def lose(x: int) -> None: ...

    _calls, [waiting] = await settle(lose, call("lose", '{"x": 1}'))

    assert seen == [(1, None, "v:00000000-0000-0000-0000-000000000007")]
    assert waiting.interrupt.approver is Approver.STAFF
    assert waiting.permission == "shop.approve"


async def test_of_several_calls_only_the_one_that_must_be_approved_waits() -> None:
    calls = make_calls(refund)
    found = await collect(
        calls.run(
            [
                call("refund", '{"amount": 80}', number=1),
                call("refund", '{"amount": 5}', number=2),
            ]
        )
    )

    assert calls.is_waiting
    assert ran == [5]
    [ended] = only(found, events.ToolCallEnded)
    assert ended.tool_call_id == str(UUID(int=2))


def lambda_of(name: str):
    def lose() -> None: ...

    lose.__name__ = name
    return lose
