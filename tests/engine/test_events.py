from __future__ import annotations

from dataclasses import fields
from datetime import UTC, datetime
from typing import get_args

import pytest
from pydantic import TypeAdapter

from chatkit_app.engine import events
from chatkit_app.engine.messages import ProviderData
from chatkit_app.engine.states import (
    Approver,
    Effect,
    Executor,
    FeedbackKind,
    FinishReason,
    InterruptKind,
    MessageStatus,
    PartKind,
    PartState,
    Role,
    RunStatus,
    ThreadStatus,
    ToolCallState,
    ToolCallStatus,
    WaitsFor,
)

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
KINDS = get_args(events.AnyEvent)
COMPLETE = ToolCallState.INPUT_COMPLETE

SECRET = "for-the-rows-alone"

# One of each kind, every field filled; those for the rows alone hold the secret.
FILLED = [
    events.ThreadChanged(title="Lamps", status=ThreadStatus.LOCKED),
    events.MessageCreated(
        message_id="m",
        role=Role.USER,
        run_id="r",
        client_id="c",
        status=MessageStatus.COMPLETE,
        content="Hello 👋",
        created_at=NOON,
        parent_id="n",
        siblings=["l", "m"],
        author=events.AuthorTold(name="Kim"),
        files=[
            events.FileTold(
                part_id="p",
                index=1,
                attachment_id="a",
                name="parcel.png",
                media_type="image/png",
                size=3,
                url="/chatkit/api/attachments/a/content/",
            )
        ],
    ),
    events.MessageEnded(message_id="m", status=MessageStatus.INTERRUPTED),
    events.MessageHidden(message_id="m"),
    events.MessageRated(message_id="m", feedback=FeedbackKind.DOWN),
    events.BranchShown(message_id="m"),
    events.RunChanged(
        run_id="r",
        status=RunStatus.FAILED,
        answer_id="m",
        error_code="provider_unavailable",
        error_text="Away.",
    ),
    events.StepStarted(
        run_id="r", step_id="s", index=1, provider=SECRET, model_name=SECRET
    ),
    events.StepVoided(
        run_id="r",
        step_id="s",
        index=1,
        attempt=2,
        error_code="provider_unavailable",
        retry_at=NOON,
    ),
    events.StepFinished(
        run_id="r",
        step_id="s",
        finish_reason=FinishReason.LENGTH,
        input_tokens=1,
        output_tokens=2,
        cached_tokens=3,
        reasoning_tokens=4,
        response_id=SECRET,
        model_name=SECRET,
    ),
    events.PartStarted(
        message_id="m",
        part_id="p",
        index=3,
        kind=PartKind.TOOL_CALL,
        step_id="s",
        tool_call_id="t",
        tool_call_name="add",
        tool_call_index=1,
        provider_call_id=SECRET,
    ),
    events.PartDelta(part_id="p", offset=5, delta="👋"),
    events.PartEnded(
        part_id="p",
        state=PartState.INTERRUPTED,
        length=2,
        digest="d",
        text=SECRET,
        provider_data=ProviderData(provider="openai", data={"item": SECRET}),
    ),
    events.ToolCallChanged(
        tool_call_id="t",
        status=ToolCallStatus.WAITING,
        state=COMPLETE,
        executor=Executor.CLIENT,
        input={"some_key": [1, None]},
        deadline_at=NOON,
        effect=Effect.ONCE,
        schema_digest=SECRET,
        permission=SECRET,
        request={"name": SECRET},
        waits_for=WaitsFor.PERSON,
        interrupt=events.InterruptTold(
            id="i",
            kind=InterruptKind.APPROVAL,
            tool_call_id="t",
            message="Shall I?",
            schema={"type": "object"},
            approver=Approver.STAFF,
            expires_at=NOON,
        ),
        approval=events.ApprovalTold(id="i"),
    ),
    events.ToolCallClaimed(tool_call_id="t", tab=None),
    events.ToolCallProgressed(
        tool_call_id="t",
        text="half",
        fraction=0.5,
        preliminary=[1],
        notice=events.Notice(level="warning", text="Slow."),
    ),
    events.EffectTold(tool_call_id="t", name="confetti", data={"n": 1}, tab="a"),
    events.ToolCallEnded(
        tool_call_id="t",
        message_id="m",
        part_id="p",
        index=4,
        step_id="s",
        status=ToolCallStatus.FAILED,
        state=COMPLETE,
        output={"a": 1},
        error_code="tool_failed",
        error_text="The tool failed.",
    ),
]


def name_of(event: object) -> str:
    return type(event).__name__


def inside(event: object) -> set[str]:
    return {
        name
        for name in (field.name for field in fields(event))
        if "Inside" in str(type(event).__annotations__.get(name, ""))
    }


def test_each_kind_of_event_has_a_type_of_its_own() -> None:
    types = [kind.type for kind in FILLED]

    assert {type(event) for event in FILLED} == set(KINDS)
    assert len(set(types)) == len(KINDS)


@pytest.mark.parametrize("event", FILLED, ids=name_of)
def test_an_event_comes_back_from_json_but_for_what_is_for_the_rows(event) -> None:
    adapter = TypeAdapter(type(event))
    text = adapter.dump_json(event, by_alias=True)
    back = adapter.validate_json(text)

    for field in fields(event):
        if field.name not in inside(event):
            assert getattr(back, field.name) == getattr(event, field.name)


@pytest.mark.parametrize("event", FILLED, ids=name_of)
def test_what_is_for_the_rows_alone_is_never_encoded(event) -> None:
    told = TypeAdapter(type(event)).dump_python(event, mode="json", by_alias=True)
    shown = {events.to_camel(name) for name in inside(event)} & told.keys()

    assert shown == set()
    assert SECRET not in str(told)


@pytest.mark.parametrize("event", FILLED, ids=name_of)
def test_fields_are_in_camel_case_on_the_wire(event) -> None:
    told = TypeAdapter(type(event)).dump_python(event, mode="json", by_alias=True)

    assert [name for name in told if "_" in name] == []
    assert told["type"] == event.type


@pytest.mark.parametrize("event", FILLED, ids=name_of)
def test_an_event_is_frozen(event) -> None:
    with pytest.raises(AttributeError):
        event.type = "another"


def test_the_keys_of_an_input_are_left_as_they_are() -> None:
    event = next(e for e in FILLED if isinstance(e, events.ToolCallChanged))
    told = TypeAdapter(type(event)).dump_python(event, mode="json", by_alias=True)

    assert told["input"] == {"some_key": [1, None]}
