"""Rules: the pages and the client tools that wait for them."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID, uuid4

from hypothesis.stateful import precondition, rule
from hypothesis.strategies import booleans, integers, sampled_from

from chatkit_app.conf import settings
from chatkit_app.engine.commands import Answer, Claim, Release
from chatkit_app.runs import answering, recovery
from tests.properties.story import CallTold, RunTold
from tests.properties.world import TABS, Asked, Place, World
from tests.runs.desk import a_command_id

picks = integers(0, 7)
tabs = sampled_from(TABS)
PRECEDENCE = 2.0
OUTPUTS = ({"text": "fox"}, {"text": "hen"}, {"colour": "red"})
"""The last one does not fit."""


class Answering(World):
    """Claims, answers, deadlines, and what must come of them."""

    @precondition(lambda self: self.asked)
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

    @precondition(lambda self: self.asked)
    @rule(which=picks, tab=tabs, output=sampled_from(OUTPUTS), is_error=booleans())
    def page_answers(
        self, which: int, tab: str, output: dict[str, str], is_error: bool
    ) -> None:
        self.answer(which, tab, output, is_error)

    @precondition(lambda self: self.asked)
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
            expected = "answer_invalid" if asked.strikes < answering.STRIKES else ""
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
        asked.status = "answered"
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
            servers = [c for c in place.story.calls.values() if c.executor == "server"]
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
        mine = found & self.asked.keys()
        assert mine == due.keys()
        for call_id, code in due.items():
            _place, run = self.run_told(self._told(call_id).run)
            was = run.status
            others = [c for c in run.open_calls if c.id != call_id]
            self.submitted.clear()

            answering.expire(UUID(call_id))
            answering.expire(UUID(call_id))

            self.asked[call_id].status = "expired"
            self.look()
            assert self._told(call_id).error_code == code
            self._check_going_on(run, was, others)

    def expire_too_early(self, which: int) -> None:
        place, _run, call, _asked = self._call(which)
        if call.id in dict(self._due()):
            return
        before = place.position

        answering.expire(UUID(call.id))
        self.look()

        assert place.position == before

    def _check_going_on(
        self, run: RunTold, was: str | None, others: list[CallTold]
    ) -> None:
        """With the last open call of a paused run, and only then, it goes on; once."""
        if was == "requires_action" and not others:
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
        if asked.status == "answered":
            return "answer_duplicate"
        if asked.status != "open" or run.status == "cancelling":
            return "answer_late"
        if self._deadline(call) < now:
            return "answer_late"
        age = (now - asked.created_at).total_seconds()
        if claiming and tab != TABS[0] and age < PRECEDENCE:
            return "claim_held"
        is_once = self.effects[call.id] == "once"
        until = asked.claim_until or now
        is_free = asked.claimed_by in ("", tab)
        if claiming:
            return "" if is_free or (until < now and not is_once) else "claim_held"
        return "" if is_free or not (until > now or is_once) else "claim_held"

    def _due(self) -> list[tuple[str, str]]:
        """The calls whose time is over, with the error's code."""
        found = []
        for id_, asked in self.asked.items():
            if asked.status != "open":
                continue
            until = asked.claim_until
            is_gone = until is not None and until < self.time.now
            if self._deadline(self._told(id_)) < self.time.now:
                found.append((id_, "deadline"))
            elif is_gone and self.effects[id_] == "once":
                found.append((id_, "outcome_unknown"))
        return found

    def _call(self, which: int) -> tuple[Place, RunTold, CallTold, Asked]:
        """The open ones before the others."""
        ids = sorted(self.asked, key=lambda id_: self.asked[id_].status != "open")
        call = self._told(ids[which % min(len(ids), 4)])
        place, run = self.run_told(call.run)
        return place, run, call, self.asked[call.id]

    def _told(self, call_id: str) -> CallTold:
        [call] = [
            p.story.calls[call_id] for p in self.places if call_id in p.story.calls
        ]
        return call

    def _deadline(self, call: CallTold) -> datetime:
        return datetime.fromisoformat(call.deadline_at or "")

    def _claim_ends(self) -> datetime:
        return self.time.later(settings.CLAIM_SECONDS)
