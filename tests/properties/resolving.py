"""Rules: the people who are asked. Approvals and questions, one by one or several at once."""

from __future__ import annotations

from typing import Any
from uuid import UUID, uuid4

from hypothesis.stateful import precondition, rule
from hypothesis.strategies import booleans, integers, sampled_from

from chatkit_app.engine.commands import InterruptAnswer, Resolve
from chatkit_app.engine.states import Decision
from tests.properties.answering import Answering
from tests.properties.story import CallTold, RunTold
from tests.properties.world import TABS, Asked
from tests.runs.desk import a_command_id

picks = integers(0, 7)

DECISIONS = {
    "approval": ("approve", "edit", "deny", "respond", "approve"),
    "question": ("answer", "answer", "skip"),
    "client_tool": ("answer", "fail"),
}
COMES_TO = {"deny": "denied", "respond": "answered_instead", "fail": "client_error"}
"""The error's code of a call that was settled with the answer."""
EDITED = {
    "refund": ({"amount": 60.0, "note": "mine"}, {"amount": -1}),
    "staff_refund": ({"amount": 7.0}, {"amount": "lots"}),
    "erase_notes": ({}, None),
}
"""By tool: arguments that fit, and others that don't."""
ANSWERS = {
    "Size": ({"size": "M"}, {"size": "XXL"}),
    "AddressForm": ({"street": "Here 1", "country": "DE"}, {"street": ""}),
}
"""By question."""


class Resolving(Answering):
    """Answers by the interrupts' ids, and what must come of them."""

    @precondition(lambda self: self.asked)
    @rule(
        which=picks,
        count=integers(1, 3),
        how=integers(0, 29),
        is_staff=booleans(),
        is_unfit=sampled_from([False, False, False, True]),
    )
    def answer_what_is_asked(
        self, which: int, count: int, how: int, is_staff: bool, is_unfit: bool
    ) -> None:
        """One interrupt, or several of a run; by the visitor, or by staff."""
        _place, run, _call, first = self.pick_asked(which, self.asked.values())
        others = [one for one in self._asked_in(run) if one is not first]
        is_staff = first.is_staffs if how % 5 else is_staff
        if how % 5:
            others = [
                one
                for one in others
                if one.is_staffs == is_staff and one.status == "open"
            ]
        chosen = [first, *others][:count]
        self.resolve(run, chosen, how, is_staff=is_staff, is_unfit=is_unfit)

    # Twice as often: a run that waits for people does nothing else.
    answer_more = answer_what_is_asked

    @precondition(lambda self: self.asked)
    @rule(which=picks, how=integers(0, 4))
    def forge_a_resolve(self, which: int, how: int) -> None:
        """A stranger; an id that is not there; the wrong thread; a decision for something else."""
        place, _run, _call, asked = self.pick_asked(which, self.asked.values())
        viewer = self.staff if asked.is_staffs else self.viewer
        said, thread = self._said(asked, how, is_unfit=False), place.id
        answers, expected = [said], "interrupt_not_found"
        if how == 0:
            viewer = self.stranger
        elif how == 1:
            answers = [
                said,
                InterruptAnswer(interrupt_id=uuid4(), decision=Decision.SKIP),
            ]
        elif how == 2:
            [thread] = [other.id for other in self.places if other is not place]
        elif how == 3:
            answers, expected = [said, said], "invalid_command"
        else:
            wrong = Decision.SKIP if asked.kind == "approval" else Decision.APPROVE
            answers = [InterruptAnswer(interrupt_id=UUID(asked.id), decision=wrong)]
            expected = "invalid_command"
        command = Resolve(
            id=a_command_id(), thread_id=thread, answers=tuple(answers), tab=TABS[0]
        )
        assert self.ask(command, viewer) == expected

    def resolve(
        self,
        run: RunTold,
        chosen: list[Asked],
        how: int,
        *,
        is_staff: bool,
        is_unfit: bool,
    ) -> None:
        """All of them or none, and then the run goes on if it can."""
        viewer = self.staff if is_staff else self.viewer
        is_unfit = is_unfit and chosen[0].kind != "client_tool"
        said = [
            self._said(one, how + n, is_unfit=is_unfit and n == 0)
            for n, one in enumerate(chosen)
        ]
        is_unfit = is_unfit and said[0].decision in ("edit", "answer", "respond")
        is_unfit = is_unfit and self.call_told(chosen[0].call).name != "erase_notes"
        expected = self._refusal(run, chosen, is_staff) or (
            "answer_invalid" if is_unfit else ""
        )
        place, _ = self.run_told(run.id)
        thread = None if how % 2 else place.id
        command = Resolve(
            id=a_command_id(), thread_id=thread, answers=tuple(said), tab=TABS[0]
        )
        was = run.status

        outcome = self.ask(command, viewer)

        if expected != "":
            assert outcome == expected
            return
        assert isinstance(outcome, dict), outcome
        if is_staff:
            submitted = list(self.submitted)
            assert self.ask(command, viewer) == outcome
            self.submitted[:] = submitted
        else:
            self.done.append((command, outcome))
        for one, answer in zip(chosen, said, strict=True):
            one.decision = str(answer.decision)
            self.note_answer(one)
        self.look()
        for one in chosen:
            self._check_call(one)
        answered = {one.call for one in chosen}
        others = [call for call in run.open_calls if call.id not in answered]
        self._check_going_on(run, was, others)

    def _check_call(self, asked: Asked) -> None:
        """What has become of a call with the answer to what it had asked."""
        call = self.call_told(asked.call)
        if asked.decision in COMES_TO:
            assert (call.status, call.error_code) == (
                "failed",
                COMES_TO[asked.decision],
            )
        elif asked.kind == "client_tool":
            assert call.status == "completed"
        else:
            assert call.status == "queued"
        if asked.kind == "approval":
            assert call.approval is not None
            assert call.approval["decision"] == asked.decision
            assert call.approval["by"] == ("staff" if asked.is_staffs else "visitor")

    def _refusal(self, run: RunTold, chosen: list[Asked], is_staff: bool) -> str:
        """The code; "" where all of them may be answered."""
        for asked in chosen:
            if is_staff and not asked.is_staffs:
                return "interrupt_not_found"
            if asked.is_staffs and not is_staff:
                return "not_allowed"
        for asked in chosen:
            call = self.call_told(asked.call)
            refusal = self.closed(run, call, asked)
            if not refusal and asked.kind == "client_tool":
                refusal = self._expected(run, call, asked, TABS[0])
            if refusal:
                return refusal
        return ""

    def _said(self, asked: Asked, how: int, *, is_unfit: bool) -> InterruptAnswer:
        """An answer of a kind that the interrupt can have."""
        kinds = DECISIONS[asked.kind]
        decision = Decision(kinds[how % len(kinds)])
        given: dict[str, Any] = {}
        if decision is Decision.EDIT:
            given["input"] = EDITED[self.call_told(asked.call).name][is_unfit]
        elif decision is Decision.ANSWER and asked.kind == "question":
            given["output"] = ANSWERS[asked.key][is_unfit]
        elif decision is Decision.ANSWER:
            given["output"] = {"text": "fox"}
        elif decision is Decision.RESPOND:
            given["text"] = "" if is_unfit else "Rather not."
        elif decision in (Decision.DENY, Decision.FAIL):
            given["text"] = "No."
        return InterruptAnswer(interrupt_id=UUID(asked.id), decision=decision, **given)

    def _asked_in(self, run: RunTold) -> list[Asked]:
        calls: list[CallTold] = run.calls
        ids = {call.id for call in calls}
        found = [one for one in self.asked.values() if one.call in ids]
        return sorted(found, key=lambda one: one.status != "open")
