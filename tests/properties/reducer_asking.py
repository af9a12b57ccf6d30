"""What tools tell while they run and what they ask of people, in a thread's life."""

from __future__ import annotations

from typing import Any

from hypothesis import strategies as st
from hypothesis.stateful import precondition, rule

from chatkit_app.engine import events
from chatkit_app.engine.states import (
    Approver,
    Decision,
    InterruptKind,
    RunStatus,
    ToolCallState,
    ToolCallStatus,
    WaitsFor,
)
from tests.properties.reducer_story import OUTPUTS, TEXTS, Story

NOTICES = st.none() | st.builds(
    events.Notice,
    level=st.sampled_from(["info", "warning"]),
    title=st.just(""),
    text=st.sampled_from(["Low stock", "Abverkauf 👀"]),
)
DECISIONS = st.sampled_from(
    [Decision.APPROVE, Decision.EDIT, Decision.DENY, Decision.RESPOND]
)


class AskingStory(Story):
    """Progress, notices, effects; approvals and questions, and their answers."""

    def can_ask(self) -> bool:
        return self.has_open_call() and len(self.persons) < len(self.open_calls)

    def has_person(self) -> bool:
        return bool(self.persons)

    @precondition(Story.has_open_call)
    @rule(
        data=st.data(),
        text=TEXTS,
        quarters=st.none() | st.integers(1, 3),
        preliminary=OUTPUTS,
        notice=NOTICES,
    )
    def progresses(
        self, data: st.DataObject, text: str, quarters: int | None, **rest: Any
    ) -> None:
        call = data.draw(st.sampled_from(self.open_calls))
        fraction = quarters and quarters / 4
        self.append(
            events.ToolCallProgressed(
                tool_call_id=call, text=text, fraction=fraction, **rest
            )
        )

    @precondition(Story.has_open_call)
    @rule(data=st.data(), output=OUTPUTS, tab=st.sampled_from(["", "tab-1"]))
    def has_effect(self, data: st.DataObject, output: Any, tab: str) -> None:
        call = data.draw(st.sampled_from(self.open_calls))
        told = [self.new_id(), output]  # each is another one
        self.append(
            events.EffectTold(tool_call_id=call, name="refresh", data=told, tab=tab)
        )

    @precondition(can_ask)
    @rule(
        data=st.data(),
        kind=st.sampled_from([InterruptKind.APPROVAL, InterruptKind.QUESTION]),
        message=TEXTS,
    )
    def asks_a_person(
        self, data: st.DataObject, kind: InterruptKind, message: str
    ) -> None:
        free = [call for call in self.open_calls if call not in self.persons]
        call = data.draw(st.sampled_from(free))
        is_approval = kind is InterruptKind.APPROVAL
        asked = events.InterruptTold(
            id=self.new_id(),
            kind=kind,
            tool_call_id=call,
            key="" if is_approval else "size",
            message=message,
            schema={"type": "object"},
            form=None if is_approval else "<input name=size>",
            approver=Approver.VISITOR if is_approval else None,
            expires_at=self.now(),
        )
        self.persons[call] = asked
        self._change_call(
            call,
            ToolCallStatus.WAITING,
            waits_for=WaitsFor.PERSON,
            interrupt=asked,
            approval=events.ApprovalTold(id=asked.id) if is_approval else None,
        )

    @precondition(has_person)
    @rule(data=st.data(), decision=DECISIONS, output=OUTPUTS, goes_on=st.booleans())
    def is_resolved(
        self, data: st.DataObject, decision: Decision, output: Any, goes_on: bool
    ) -> None:
        call = data.draw(st.sampled_from(sorted(self.persons)))
        asked = self.persons[call]
        if asked.kind is InterruptKind.QUESTION:
            del self.persons[call]
            self._change_call(call, ToolCallStatus.RUNNING)
            return
        is_approved = decision in (Decision.APPROVE, Decision.EDIT)
        approval = events.ApprovalTold(
            id=asked.id,
            approved=is_approved,
            decision=decision,
            reason=None if is_approved else "No 👀.",
            by=Approver.VISITOR,
        )
        if not is_approved:
            self._end_call(call, None, is_well=False, approval=approval)
            if not self.open_calls:
                self._run(RunStatus.IN_PROGRESS)
            return
        del self.persons[call]
        edited = output if decision is Decision.EDIT else None
        rest = {"approval": approval, "edited_input": edited}
        self._go_on(call, ToolCallState.APPROVAL_RESPONDED, is_pages=goes_on, **rest)
