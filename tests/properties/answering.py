"""Rules: the pages and the client tools that wait for them."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from uuid import UUID, uuid4

from hypothesis.stateful import precondition, rule
from hypothesis.strategies import booleans, integers, sampled_from

from chatkit_app.conf import settings
from chatkit_app.engine.commands import Answer, Claim, Release
from chatkit_app.models import Interrupt
from chatkit_app.runs import answering, recovery
from chatkit_app.runs.replies import STRIKES
from tests.properties.story import CallTold, RunTold
from tests.properties.world import TABS, Asked, Place, World, answer_of
from tests.runs.desk import a_command_id

picks = integers(0, 7)
tabs = sampled_from(TABS)
PRECEDENCE = 2.0
TOO_LATE = {
    "client_tool": "deadline",
    "approval": "approval_expired",
    "question": "question_expired",
}
OUTPUTS = ({"text": "fox"}, {"text": "hen"}, {"colour": "red"})
"""The last one does not fit."""


class Answering(World):
    """Claims, answers, deadlines, and what must come of them."""

    @precondition(lambda self: self._of_pages())
    @rule(
        act=sampled_from(["claim", "claim", "release", "live"]), which=picks, tab=tabs
    )
    def keep(self, act: str, which: int, tab: str) -> None:
        match act:
            case "claim":
                self.claim(which, tab)
            case "release":
                self.release(which, tab)
            case _:
                self.show_life(which, tab)

    @precondition(lambda self: self._of_pages())
    @rule(which=picks, tab=tabs, output=sampled_from(OUTPUTS), is_error=booleans())
    def page_answers(
        self, which: int, tab: str, output: dict[str, str], is_error: bool
    ) -> None:
        self.answer(which, tab, output, is_error)

    @precondition(lambda self: self._of_pages())
    @rule(which=picks, tab=tabs, how=integers(0, 3))
    def forge_an_answer(self, which: int, tab: str, how: int) -> None:
        self.answer_what_is_not_theirs(which, tab, how)

    @precondition(lambda self: self.asked)
    @rule(which=picks)
    def sweep_calls(self, which: int) -> None:
        self.expire_too_early(which)
        self.sweep()

    def claim(self, which: int, tab: str) -> None:
        place, run, call, asked = self._call(which)
        expected = self._expected(run, call, asked, tab, claiming=True)
        command = Claim(thread_id=place.id, tool_call_id=UUID(call.id), tab=tab)

        outcome = self.ask(command)

        if expected != "":
            assert outcome == expected
            return
        assert isinstance(outcome, dict), outcome
        asked.claimed_by, asked.claim_until = tab, self._claim_ends()
        self.look()

    def release(self, which: int, tab: str) -> None:
        place, _run, call, asked = self._call(which)
        gives_back = (
            asked.status == "open"
            and asked.claimed_by == tab
            and self.effects[call.id] != "once"
        )
        before = place.position
        command = Release(thread_id=place.id, tool_call_id=UUID(call.id), tab=tab)

        assert isinstance(self.ask(command), dict)
        self.look()

        assert place.position == before + gives_back
        if gives_back:
            asked.claimed_by, asked.claim_until = "", None

    def show_life(self, which: int, tab: str) -> None:
        _place, _run, call, asked = self._call(which)

        answering.renew(tab, [UUID(call.id)])

        if asked.status == "open" and asked.claimed_by == tab:
            asked.claim_until = self._claim_ends()

    def answer(
        self, which: int, tab: str, output: dict[str, str], is_error: bool
    ) -> None:
        place, run, call, asked = self._call(which)
        expected = self._expected(run, call, asked, tab)
        fits = "text" in output or (is_error and output is OUTPUTS[0])
        error = "it broke" if is_error and output is OUTPUTS[0] else None
        if expected == "" and not fits:
            asked.strikes += 1
            expected = "answer_invalid" if asked.strikes < STRIKES else ""
        was, others = run.status, [c for c in run.open_calls if c is not call]
        command = Answer(
            id=a_command_id(),
            thread_id=place.id,
            tool_call_id=UUID(call.id),
            tab=tab,
            output=None if error else output,
            error=error,
        )

        outcome = self.ask(command)

        if expected != "":
            assert outcome == expected
            return
        assert isinstance(outcome, dict), outcome
        self.done.append((command, outcome))
        asked.decision = "fail" if error else "answer"
        self.note_answer(asked)
        self.look()
        assert call.status == ("completed" if fits and not error else "failed")
        self._check_going_on(run, was, others)

    def answer_what_is_not_theirs(self, which: int, tab: str, how: int) -> None:
        """A stranger; a call that is not there; one's own call in another thread; a server's."""
        place, _run, call, _asked = self._call(which)
        thread, call_id, viewer = place.id, UUID(call.id), self.viewer
        if how == 0:
            viewer = self.stranger
        elif how == 1:
            call_id = uuid4()
        elif how == 2:
            [thread] = [other.id for other in self.places if other is not place]
        else:
            asked_pages = {asked.call for asked in self._of_pages()}
            servers = [
                c
                for c in place.story.calls.values()
                if c.executor and c.id not in asked_pages
            ]
            if not servers:
                return
            call_id = UUID(servers[-1].id)
        command = Answer(
            id=a_command_id(),
            thread_id=thread,
            tool_call_id=call_id,
            tab=tab,
            output=OUTPUTS[0],
        )
        assert self.ask(command, viewer) == "call_not_found"

    def sweep(self) -> None:
        """What is late is found, and ends by it; nothing else does."""
        due = dict(self._due())
        found = {str(pk) for pk in recovery.calls_past_deadline(100)}
        mine = found & {asked.call for asked in self.asked.values()}
        assert mine == due.keys(), (mine, due)
        for call_id, code in due.items():
            _place, run = self.run_told(self.call_told(call_id).run)
            was = run.status
            others = [c for c in run.open_calls if c.id != call_id]
            self.submitted.clear()

            answering.expire(UUID(call_id))
            answering.expire(UUID(call_id))

            [asked] = [a for a in self.asked_of(call_id) if a.status == "open"]
            asked.status = "expired"
            self.look()
            assert self.call_told(call_id).error_code == code
            self._check_going_on(run, was, others)

    def expire_too_early(self, which: int) -> None:
        place, _run, call, _asked = self.pick_asked(which, self.asked.values())
        if call.id in dict(self._due()):
            return
        before = place.position

        answering.expire(UUID(call.id))
        self.look()

        assert place.position == before

    def _check_going_on(
        self, run: RunTold, was: str | None, others: list[CallTold]
    ) -> None:
        """A paused run goes on with its last open call, or when one may run; once."""
        may_run = any(call.status == "queued" for call in run.open_calls)
        if was == "requires_action" and (may_run or not others):
            assert run.status == "queued"
            assert self.submitted == [UUID(run.id)]
        else:
            assert run.status == was
            assert self.submitted == []

    def _expected(
        self,
        run: RunTold,
        call: CallTold,
        asked: Asked,
        tab: str,
        *,
        claiming: bool = False,
    ) -> str:
        """The refusal's code, or "" where it is taken."""
        now = self.time.now
        if refusal := self.closed(run, call, asked):
            return refusal
        age = (now - asked.created_at).total_seconds()
        if claiming and tab != TABS[0] and age < PRECEDENCE:
            return "claim_held"
        is_once = self.effects[call.id] == "once"
        until = asked.claim_until or now
        is_free = asked.claimed_by in ("", tab)
        if claiming:
            return "" if is_free or (until < now and not is_once) else "claim_held"
        return "" if is_free or not (until > now or is_once) else "claim_held"

    def closed(self, run: RunTold, call: CallTold, asked: Asked) -> str:
        """Why nobody can answer this any more; "" where they can."""
        if asked.status == "answered":
            return "answer_duplicate"
        if asked.status != "open" or run.status == "cancelling":
            return "answer_late"
        return "answer_late" if self._deadline(call) < self.time.now else ""

    def _due(self) -> list[tuple[str, str]]:
        """The calls whose time is over, with the error's code."""
        found = []
        for asked in self.asked.values():
            if asked.status != "open":
                continue
            until = asked.claim_until
            is_gone = until is not None and until < self.time.now
            if self._deadline(self.call_told(asked.call)) < self.time.now:
                found.append((asked.call, TOO_LATE[asked.kind]))
            elif is_gone and self.effects[asked.call] == "once":
                found.append((asked.call, "outcome_unknown"))
        return found

    def _call(self, which: int) -> tuple[Place, RunTold, CallTold, Asked]:
        """What a page was asked; the open ones before the others."""
        return self.pick_asked(which, self._of_pages())

    def _of_pages(self) -> list[Asked]:
        return [one for one in self.asked.values() if one.kind == "client_tool"]

    def pick_asked(
        self, which: int, among: Iterable[Asked]
    ) -> tuple[Place, RunTold, CallTold, Asked]:
        found = sorted(among, key=lambda asked: asked.status != "open")
        asked = found[which % min(len(found), 4)]
        call = self.call_told(asked.call)
        place, run = self.run_told(call.run)
        return place, run, call, asked

    def note_answer(self, asked: Asked) -> None:
        """It is answered now, and for ever."""
        asked.status = "answered"
        asked.row = answer_of(Interrupt.objects.get(pk=asked.id))
        assert asked.row[0] == asked.decision

    def _deadline(self, call: CallTold) -> datetime:
        return datetime.fromisoformat(call.deadline_at or "")

    def _claim_ends(self) -> datetime:
        return self.time.later(settings.CLAIM_SECONDS)
