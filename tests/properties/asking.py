"""Rules: what a viewer asks. Send, cancel, try again; twice, too late, with another's ids."""

from __future__ import annotations

from dataclasses import replace
from typing import Any
from uuid import UUID

from hypothesis.stateful import precondition, rule
from hypothesis.strategies import integers, sampled_from

from chatkit_app.engine.commands import (
    Answer,
    Cancel,
    Command,
    Resolve,
    Retry,
    Send,
)
from chatkit_app.runs.service import handle
from tests.properties.story import ENDED, RunTold
from tests.properties.world import TABS, Place, World
from tests.runs.desk import a_command_id, together

picks = integers(0, 7)


class Asking(World):
    """Commands, and what must come of them."""

    @rule(
        what=sampled_from(["send", "send", "cancel", "retry", "two"]),
        where=picks,
        which=picks,
    )
    def ask_for(self, what: str, where: int, which: int) -> None:
        match what:
            case "send":
                self.send(where)
            case "cancel":
                self.cancel(where, which)
            case "retry":
                self.retry(where, which)
            case _ if self._idle():
                self.send_twice_at_once(is_same=which % 2 == 0)

    @precondition(lambda self: self.done)
    @rule(which=picks)
    def ask_once_more(self, which: int) -> None:
        self.ask_again(which)

    @precondition(lambda self: self.done)
    @rule(how=integers(0, 3), where=picks, which=picks)
    def forge(self, how: int, where: int, which: int) -> None:
        match how:
            case 0:
                self.ask_for_something_else_under_the_same_id(which)
            case 1:
                self.use_anothers_id(which)
            case _:
                self.cancel_what_is_not_there(where, which, is_other=how == 2)

    def send(self, where: int) -> None:
        place = self._place(where)
        run = place.story.newest
        command = self._send(place)
        asked_before = run.status if run else None
        is_staffs = run is not None and self._waits_for_staff(run)

        outcome = self.ask(command)
        self.look()

        if asked_before in ("queued", "in_progress", "cancelling"):
            assert outcome == "run_conflict"
            return
        if is_staffs:
            assert outcome == "approval_pending"
            return
        assert isinstance(outcome, dict), outcome
        self.done.append((command, outcome))
        assert self.submitted == [UUID(outcome["run"])]
        assert run is None or run.status in ENDED
        if asked_before == "requires_action":
            assert run is not None
            assert (run.status, run.error_code) == ("cancelled", "superseded")
        assert place.story.newest is not run

    def ask_again(self, which: int) -> None:
        command, outcome = self.done[-1 - which % len(self.done)]
        before = [place.position for place in self.places]

        if isinstance(
            command, Send | Answer | Resolve | Retry
        ):  # by the same page, reloaded
            command = replace(command, tab="reloaded")
        assert self.ask(command) == outcome
        self.look()

        assert [place.position for place in self.places] == before
        assert not self.submitted

    def ask_for_something_else_under_the_same_id(self, which: int) -> None:
        command, _outcome = self.done[-1 - which % len(self.done)]

        assert self.ask(another(command)) == "command_conflict"

    def use_anothers_id(self, which: int) -> None:
        """It is no id of theirs, so the stranger is told that there is no such thing."""
        command, _outcome = self.done[-1 - which % len(self.done)]

        refusal = self.ask(command, self.stranger)

        assert refusal in ("thread_not_found", "call_not_found", "interrupt_not_found")

    def cancel(self, where: int, which: int) -> None:
        place = self._place(where)
        run = self._run(place, which)
        before, status = place.position, run.status
        command = self._cancel(place, run)

        outcome = self.ask(command)
        self.look()

        assert isinstance(outcome, dict), outcome
        self.done.append((command, outcome))
        if status in ("queued", "requires_action"):
            assert run.status == "cancelled"
        elif status == "in_progress":
            assert run.status == "cancelling"
        else:
            assert place.position == before

    def cancel_what_is_not_there(self, where: int, which: int, is_other: bool) -> None:
        """A stranger's wish, or one that names another thread's run."""
        place = self._place(where)
        if is_other:
            run = self._run(self._place(where + 1), which)
            refusal = self.ask(self._cancel(place, run))
        else:
            run = self._run(place, which)
            refusal = self.ask(self._cancel(place, run), self.stranger)
        assert refusal == "thread_not_found"

    def retry(self, where: int, which: int) -> None:
        place = self._place(where)
        run = self._run(place, which)
        is_newest = run is place.story.newest
        command = Retry(
            id=a_command_id(), thread_id=place.id, run_id=UUID(run.id), tab=TABS[0]
        )

        outcome = self.ask(command)
        self.look()

        if not is_newest:
            assert outcome == "not_allowed"
        elif run.status not in ("failed", "cancelled"):
            assert outcome == "run_conflict"
        else:
            assert isinstance(outcome, dict), outcome
            self.done.append((command, outcome))
            assert self.submitted == [UUID(outcome["run"])]

    def send_twice_at_once(self, is_same: bool) -> None:
        """In two threads of this process: a barrier lets both go."""
        place = self._idle()[0]
        first = self._send(place)
        second = first if is_same else self._send(place)

        found = together([lambda: self._handle(first), lambda: self._handle(second)])
        self.look()

        taken = [one for one in found if isinstance(one, dict)]
        if is_same:
            assert taken == [taken[0]] * 2, found
        else:
            assert len(taken) == 1, found
        assert len(place.story.active) == 1

    def _waits_for_staff(self, run: RunTold) -> bool:
        return any(
            asked.is_staffs and asked.status == "open"
            for call in run.open_calls
            for asked in self.asked_of(call.id)
        )

    def _idle(self) -> list[Place]:
        return [place for place in self.places if not place.story.active]

    def _place(self, where: int) -> Place:
        return self.places[where % len(self.places)]

    def _run(self, place: Place, which: int) -> RunTold:
        """The newest one most of the time."""
        runs = list(place.story.runs.values())
        return runs[-1 - (which % len(runs) if which > 4 else 0)]

    def _send(self, place: Place) -> Send:
        return Send(
            id=a_command_id(),
            thread_id=place.id,
            assistant="test",
            text="say Hello.",
            tab=TABS[0],
        )

    def _cancel(self, place: Place, run: RunTold) -> Cancel:
        return Cancel(id=a_command_id(), thread_id=place.id, run_id=UUID(run.id))

    def _handle(self, command: Command) -> dict[str, Any]:
        return handle(self.viewer, command)


def another(command: Command) -> Command:
    """A wish under the same id that is not the same."""
    match command:
        case Send():
            return replace(command, text="say Another.")
        case Answer():
            return replace(command, output={"text": "another"}, error=None)
        case Resolve():
            first, *rest = command.answers
            return replace(command, answers=(replace(first, text="another"), *rest))
        case Retry():
            return Cancel(
                id=command.id, thread_id=command.thread_id, run_id=command.run_id
            )
        case Cancel():
            return Retry(
                id=command.id, thread_id=command.thread_id, run_id=command.run_id
            )
    raise AssertionError(command)
