"""What is asked of the outside, from its row to what pages are told: one shape everywhere."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from uuid import UUID

from pydantic import JsonValue, TypeAdapter

from chatkit_app.engine.events import ApprovalTold, InterruptTold
from chatkit_app.engine.states import (
    Approver,
    Decision,
    InterruptKind,
    InterruptStatus,
)
from chatkit_app.models import Interrupt

APPROVED = (Decision.APPROVE, Decision.EDIT)

_interrupts: TypeAdapter[InterruptTold] = TypeAdapter(InterruptTold)
_approvals: TypeAdapter[ApprovalTold] = TypeAdapter(ApprovalTold)


def interrupt_told(row: Interrupt) -> InterruptTold:
    """What is asked, as an event carries it."""
    request = row.request or {}
    return InterruptTold(
        id=str(row.pk),
        kind=InterruptKind(row.kind),
        tool_call_id=str(row.tool_call_id),
        key=row.key,
        message=str(request.get("message") or ""),
        schema=row.response_schema,
        form=request.get("form"),
        approver=approver_of(row) if row.kind == InterruptKind.APPROVAL else None,
        expires_at=row.expires_at,
    )


def approval_told(row: Interrupt) -> ApprovalTold:
    """How the approval that a call needs stands."""
    if row.status != InterruptStatus.ANSWERED:
        return ApprovalTold(id=str(row.pk))
    answer = row.answer if isinstance(row.answer, dict) else {}
    return ApprovalTold(
        id=str(row.pk),
        approved=row.decision in APPROVED,
        decision=Decision(row.decision),
        reason=str(answer.get("text") or "") or None,
        by=approver_of(row),
    )


def approver_of(row: Interrupt) -> Approver:
    """Who is asked: the thread's owner, or anybody who holds the permission."""
    return Approver.STAFF if row.permission else Approver.VISITOR


def interrupt_as_json(row: Interrupt) -> dict[str, JsonValue]:
    """What is asked, in a frame or an API's answer."""
    found: dict[str, JsonValue] = _interrupts.dump_python(
        interrupt_told(row), mode="json", by_alias=True
    )
    return found


def approval_as_json(row: Interrupt | None) -> dict[str, JsonValue] | None:
    """The approval of a call in a frame or an API's answer; None where it needs none."""
    if row is None:
        return None
    found: dict[str, JsonValue] = _approvals.dump_python(
        approval_told(row), mode="json", by_alias=True
    )
    return found


class CallsInterrupts:
    """The interrupts of some calls, read in one query."""

    def __init__(self, calls: Sequence[UUID]) -> None:
        self._of_call: dict[UUID, list[Interrupt]] = defaultdict(list)
        if calls:
            for row in Interrupt.objects.filter(tool_call__in=calls):
                self._of_call[row.tool_call_id].append(row)  # type: ignore[index]

    def open(self, call: UUID) -> Interrupt | None:
        """What the call waits for now."""
        for row in self._of_call.get(call, ()):
            if row.status == InterruptStatus.OPEN:
                return row
        return None

    def approval(self, call: UUID) -> Interrupt | None:
        """The approval that the call needed, answered or not."""
        for row in self._of_call.get(call, ()):
            if row.kind == InterruptKind.APPROVAL:
                return row
        return None

    def answers(self, call: UUID) -> Mapping[str, Interrupt]:
        """The questions of the call that were answered, by key."""
        return {
            row.key: row
            for row in self._of_call.get(call, ())
            if row.kind == InterruptKind.QUESTION
            and row.status == InterruptStatus.ANSWERED
        }
