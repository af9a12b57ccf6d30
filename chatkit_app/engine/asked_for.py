"""The events by which a call begins to wait for the outside: a page, somebody who approves, an answer."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from uuid import UUID

from pydantic import JsonValue

from chatkit_app.engine.approvals import Ask
from chatkit_app.engine.assembler import sound
from chatkit_app.engine.calls import Call
from chatkit_app.engine.events import ApprovalTold, InterruptTold, ToolCallChanged
from chatkit_app.engine.performing import Pending
from chatkit_app.engine.states import (
    Approver,
    InterruptKind,
    ToolCallState,
    ToolCallStatus,
    WaitsFor,
    shown_state,
)
from chatkit_app.engine.tools import AnyJob, Tool

MESSAGE_CHARS = 2000


def state_of(call: Call) -> ToolCallState:
    """What people see of a call whose arguments are whole."""
    return shown_state(
        ToolCallStatus.RUNNING,
        has_arguments=True,
        is_responded=True if call.is_approved else None,
    )


def client_tool(
    new_id: UUID, call: Call, tool: Tool, value: JsonValue, *, now: datetime
) -> ToolCallChanged:
    """A page is to run the call; ``value`` is its input as JSON."""
    definition = tool.definition
    told = _interrupt(
        new_id,
        call,
        InterruptKind.CLIENT_TOOL,
        schema=definition.answer_schema,
        expires_at=now + timedelta(seconds=definition.deadline),
    )
    return _waiting(call, WaitsFor.CLIENT, told, {"name": call.name, "input": value})


def approval(
    new_id: UUID, call: Call, tool: Tool, ask: Ask, *, now: datetime
) -> ToolCallChanged:
    """Somebody has to approve the call before it runs, wherever it runs."""
    definition = tool.definition
    is_visitors = definition.approved_by == ""
    told = _interrupt(
        new_id,
        call,
        InterruptKind.APPROVAL,
        message=ask.message,
        schema=definition.input_schema,
        approver=Approver.VISITOR if is_visitors else Approver.STAFF,
        expires_at=now + timedelta(seconds=definition.patience),
    )
    return _waiting(
        call,
        WaitsFor.PERSON,
        told,
        {"name": call.name},
        state=ToolCallState.APPROVAL_REQUESTED,
        approval=ApprovalTold(id=told.id),
        permission=definition.approved_by,
    )


def question(
    new_id: UUID, call: Call, tool: Tool, pending: Pending, *, now: datetime
) -> ToolCallChanged:
    """The tool has asked the visitor something in the middle of its work."""
    told = _interrupt(
        new_id,
        call,
        InterruptKind.QUESTION,
        key=pending.key,
        message=pending.message,
        schema=pending.schema,
        form=pending.form,
        expires_at=now + timedelta(seconds=tool.definition.patience),
    )
    arguments = dict(pending.arguments) if pending.arguments is not None else None
    request: dict[str, JsonValue] = {
        "name": call.name,
        "question": pending.name,
        "arguments": arguments,
    }
    return _waiting(call, WaitsFor.PERSON, told, request)


def job(call: Call, tool: AnyJob, *, now: datetime) -> ToolCallChanged:
    """Somebody else does the work: a queue of the site's has it, or a process of ours may begin."""
    return ToolCallChanged(
        tool_call_id=str(call.tool_call_id),
        status=ToolCallStatus.WAITING,
        state=state_of(call),
        executor=tool.executor,
        waits_for=WaitsFor.JOB,
        deadline_at=now + timedelta(seconds=tool.deadline),
        is_our_job=tool.is_ours,
    )


def _interrupt(
    new_id: UUID, call: Call, kind: InterruptKind, *, message: str = "", **more: object
) -> InterruptTold:
    return InterruptTold(
        id=str(new_id),
        kind=kind,
        tool_call_id=str(call.tool_call_id),
        message=sound(message)[:MESSAGE_CHARS],
        **more,  # type: ignore[arg-type]  # each caller's own
    )


def _waiting(
    call: Call,
    waits_for: WaitsFor,
    told: InterruptTold,
    request: Mapping[str, JsonValue],
    *,
    state: ToolCallState | None = None,
    approval: ApprovalTold | None = None,
    permission: str = "",
) -> ToolCallChanged:
    return ToolCallChanged(
        tool_call_id=str(call.tool_call_id),
        status=ToolCallStatus.WAITING,
        state=state or state_of(call),
        waits_for=waits_for,
        interrupt=told,
        approval=approval,
        deadline_at=told.expires_at,
        permission=permission,
        request=request,
    )
