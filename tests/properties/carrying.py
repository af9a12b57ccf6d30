"""Rules: the processes that carry runs. They claim, write, pause, end, die, and come back too late."""

from __future__ import annotations

from datetime import timedelta
from uuid import UUID, uuid4

from hypothesis.stateful import precondition, rule
from hypothesis.strategies import booleans, integers, sampled_from

from chatkit_app.conf import settings
from chatkit_app.engine import events
from chatkit_app.engine.assembler import utf16_length
from chatkit_app.engine.states import (
    PartKind,
    RunStatus,
)
from chatkit_app.exceptions import LeaseLost
from chatkit_app.log.batches import transact
from chatkit_app.models import Run
from chatkit_app.runs.claiming import claim_run
from chatkit_app.runs.recovery import runs_to_claim
from chatkit_app.runs.releasing import releasing
from tests.properties.story import CallTold, RunTold
from tests.properties.world import HELD
from tests.properties.writing import (
    Writing,
    closing,
    make_batch,
    pausing,
    step_finished,
)

OWNERS = tuple(uuid4() for _ in range(3))
MAX_TAKEOVERS = 3

picks = integers(0, 7)

STEPS: tuple[tuple[str, ...], ...] = (
    (),
    ("read_selection",),
    ("read_selection", "read_selection"),
    ("order_once",),
    ("pay",),
    ("pay", "read_selection"),
    ("add", "book", "order_once"),
    ("refund", "refund", "add"),
    ("refund", "staff_refund", "read_selection"),
    ("staff_refund",),
    ("erase_notes", "pay"),
    ("order_shirt", "refund"),
    ("order_shirt", "order_shirt", "erase_notes"),
)
"""The tools that a step of the model calls."""
SHORT, LONG = "a", "ü🙂 "


class Carrying(Writing):
    """What processes do with runs, in any order; the fence decides what counts."""

    @precondition(lambda self: self.runs("queued", *HELD))
    @rule(
        which=picks,
        times=integers(1, 4),
        owner=sampled_from(OWNERS),
        step=sampled_from(STEPS),
        is_whole=booleans(),
    )
    def go_on(
        self, which: int, times: int, owner: UUID, step: tuple[str, ...], is_whole: bool
    ) -> None:
        """A run comes further, by whoever holds it or takes it now."""
        _place, run = self.pick(self.runs("queued", *HELD), which)
        for _ in range(times):
            if run.status not in ("queued", *HELD):
                return
            self.next(run, owner, step, is_whole=is_whole)

    # Twice as often: the other rules need something to act on.
    carry_on = go_on

    def next(
        self, run: RunTold, owner: UUID, step: tuple[str, ...], *, is_whole: bool
    ) -> None:
        holding = self.held_by(run)
        if holding is None or self.lease[run.id] < self.time.now:
            self.take(run, owner)
        elif run.status == "cancelling" and is_whole:
            self.fail_or_stop(run, is_bad=False)
        elif run.open_step:
            self.stream(run, LONG, how=4)
        elif any(call.status != "waiting" for call in run.open_calls):
            if not self.begin_calls(run):
                self.end_a_call(run, is_failed=is_whole)
        elif run.open_calls or self.check_work(run).is_answered:
            self.pause_or_end(run)
        else:
            self.ask_the_model(run, step, is_whole=is_whole)

    @precondition(lambda self: self.runs("queued", *HELD))
    @rule(which=picks, owner=sampled_from(OWNERS), is_late=booleans())
    def claim_a_run(self, which: int, owner: UUID, is_late: bool) -> None:
        """Whether it is free or not; or after its process was silent for too long."""
        if is_late:
            self.time.pass_(settings.LEASE_SECONDS)
        self.sweep_runs()
        _place, run = self.pick(self.runs("queued", *HELD), which)
        self.take(run, owner)

    @precondition(lambda self: any(run.open_step for _, run in self.carried()))
    @rule(which=picks, text=sampled_from([SHORT, LONG]), how=integers(0, 4))
    def say_more(self, which: int, text: str, how: int) -> None:
        streaming = [(p, run) for p, run in self.carried() if run.open_step]
        _place, run = self.pick(streaming, which)
        self.stream(run, text, how)

    @precondition(lambda self: self.carried())
    @rule(which=picks, how=integers(0, 3))
    def leave(self, which: int, how: int) -> None:
        """A process stops working on a run, in good order."""
        _place, run = self.pick(self.carried(), which)
        if how == 0:
            self.fail_or_stop(run, is_bad=True)
        elif how == 1:
            self.let_go(run)
        else:
            self.fail_or_stop(run, is_bad=False)

    @precondition(lambda self: self.holdings)
    @rule(
        which=integers(0, 30),
        ahead=sampled_from([1, 1, 1, 0, 2, -1]),
        knows=booleans(),
    )
    def write_anyway(self, which: int, ahead: int, knows: bool) -> None:
        self.write_out_of_turn(which, ahead, knows=knows)

    @precondition(lambda self: len(self.carried()) == 2)
    @rule(spoiled=integers(0, 2))
    def write_together(self, spoiled: int) -> None:
        self.write_for_two(spoiled)

    def take(self, run: RunTold, owner: UUID) -> None:
        is_new, was = run.status == "queued", run.status
        was_let_go = not is_new and self.held_by(run) is None
        is_free = is_new or was_let_go or self.lease[run.id] < self.time.now
        broken = run.open_step
        is_kept = broken is not None and bool(broken.parts) and self.keeps()
        unknown = [
            call
            for call in run.open_calls
            if call.status == "running" and self.effects[call.id] == "once"
        ]
        takeovers = run.takeovers + (0 if is_new or was_let_go else 1)

        held = claim_run(UUID(run.id), owner)
        if held is not None:
            self.hold(run, held.batch, owner, held.attempt, held.thread)
        self.look()

        if not is_free:
            assert held is None
            return
        run.takeovers = takeovers
        if was == "cancelling":
            assert (held, run.status) == (None, "cancelled")
        elif takeovers > MAX_TAKEOVERS or is_kept:
            assert (held, run.status) == (None, "failed")
            assert run.error_code == "run_interrupted"
        else:
            assert (held is not None, run.status) == (True, "in_progress")
            assert broken is None or broken.state == "void"
            assert all(call.error_code == "outcome_unknown" for call in unknown)
            self.check_work(run)

    def sweep_runs(self) -> None:
        """Whatever nobody carries is found, and nothing else."""
        free = {
            run.id
            for _, run in self.runs(*HELD)
            if not self.held_by(run) or self.lease[run.id] < self.time.now
        }
        second = timedelta(seconds=1)
        free |= {
            run.id
            for _, run in self.runs("queued")
            if self.queued_at[run.id] <= self.time.now - second
        }
        mine = {run.id for place in self.places for run in place.story.runs.values()}
        assert {str(pk) for pk in runs_to_claim(100)} & mine == free

    def ask_the_model(
        self, run: RunTold, step: tuple[str, ...], *, is_whole: bool
    ) -> None:
        """A step begins: in pieces, or all of it in one batch."""
        if run.open_step or run.open_calls:
            return
        work = self.check_work(run)
        if work.is_answered:
            return
        step_id, index = str(uuid4()), work.next_index
        found: list[events.AnyEvent] = [
            events.StepStarted(
                run_id=run.id,
                step_id=step_id,
                index=work.next_step,
                attempt=work.next_attempt,
            ),
            *self.said(run, step_id, index, PartKind.TEXT, LONG, is_whole),
        ]
        for place, name in enumerate(step):
            index += 1
            found += self.called(run, step_id, index, place, name, is_whole)
        if is_whole:
            found.append(step_finished(run, step_id))
        self.write(run, found)

    def stream(self, run: RunTold, text: str, how: int) -> None:
        """The open step goes on: a delta, another part, a part's end, its own end; or it breaks."""
        step = run.open_step
        if step is None:
            return
        open_parts = [part for part in step.parts if part.state == "streaming"]
        if how == 0 and open_parts:
            part = open_parts[-1]
            offset = utf16_length(part.text)
            found = [events.PartDelta(part_id=part.id, offset=offset, delta=text)]
        elif how == 1 and open_parts:
            found = [self.ended(open_parts[0].id, open_parts[0].text)]
        elif how == 2:
            last = max((part.index for part in step.parts), default=-1)
            kind = PartKind.REASONING
            found = self.said(run, step.id, last + 1, kind, text, False)
        elif how == 3 and not self.keeps():
            found = [
                events.StepVoided(
                    run_id=run.id,
                    step_id=step.id,
                    index=step.index,
                    attempt=step.attempt,
                    error_code="provider_unavailable",
                )
            ]
        else:
            found = [self.ended(part.id, part.text) for part in open_parts]
            found.append(step_finished(run, step.id))
        self.write(run, found)

    def begin_calls(self, run: RunTold) -> bool:
        """As the loop does: all that has no result yet and that no page was asked for."""
        holding = self.held_by(run)
        if holding is None or run.open_step:
            return False
        found: list[events.AnyEvent] = []
        for call in self.check_work(run).calls:
            mark = self._mark(self.call_told(str(call.tool_call_id)))
            if call.result is None and not call.is_asked and mark not in holding.begun:
                holding.begun.add(mark)
                found += self.begun(call)
        if found:
            self.write(run, found)
        return bool(found)

    def end_a_call(self, run: RunTold, *, is_failed: bool) -> None:
        holding = self.held_by(run)
        running = [
            call
            for call in run.open_calls
            if call.status == "running"
            and holding
            and self._mark(call) in holding.begun
        ]
        if not running:
            return
        call = running[0]
        self.write(run, [self.outcome(run, call, is_failed=is_failed)])

    def _mark(self, call: CallTold) -> tuple[str, int]:
        """Answered, a call is begun again, by whoever holds the run."""
        return call.id, call.returns

    def pause_or_end(self, run: RunTold) -> None:
        """Where the loop has come to its end: wait for the pages, or be done."""
        if run.open_step:
            return
        was, waits = run.status, run.open_calls
        statuses = {call.status for call in waits}
        if not statuses <= {"waiting", "queued"} or statuses == {"queued"}:
            return
        if not waits and not self.check_work(run).is_answered:
            return
        self.write(run, prepare=lambda: pausing(run) if waits else closing(run))
        if was == "cancelling":
            assert run.status == ("cancelling" if waits else "cancelled")
        elif "queued" in statuses:
            assert run.status == was, "a call that was approved meanwhile is left alone"
        else:
            assert run.status == ("requires_action" if waits else "completed")

    def fail_or_stop(self, run: RunTold, *, is_bad: bool) -> None:
        was = run.status
        if was == "in_progress" and not is_bad:
            return
        status = RunStatus.FAILED if is_bad else RunStatus.CANCELLED
        self.write(run, prepare=lambda: closing(run, status))
        assert run.status == ("cancelled" if was == "cancelling" else "failed")

    def let_go(self, run: RunTold) -> None:
        """The process ends in good order: anybody may go on with the run at once."""
        self.write(run, prepare=releasing(UUID(run.id)))
        del self.holder[run.id]

    def write_out_of_turn(self, which: int, ahead: int, *, knows: bool) -> None:
        """Anybody who has ever held a run writes for it, with any number of batch.

        ``knows``: counted from what the row says, and not from what they have written.
        """
        holding = self.holdings[which % len(self.holdings)]
        place, run = self.run_told(holding.run)
        is_mine = self.held_by(run) is holding
        written = Run.objects.values_list("batch", flat=True).get(pk=run.id)
        batch = max(0, (written if knows else holding.log.batch) + ahead)
        before, lease = place.position, self.lease_ends()

        outcome = self.commit(holding, [self.news(run)], batch=batch)
        self.look()

        if is_mine and batch == written + 1:
            assert outcome == "written"
            assert place.position == before + 1
            holding.log.batch, self.lease[run.id] = batch, lease
        else:
            known = Run.objects.get(pk=run.id)
            is_known = (holding.log.attempt, batch) == (known.attempt, known.batch)
            assert outcome == ("known" if is_known else "lost")
            assert place.position == before

    def write_for_two(self, spoiled: int) -> None:
        """One transaction for both, or for none if one of them is not theirs."""
        lines = [(run, self.held_by(run)) for _, run in self.carried()]
        batches = []
        for place, (run, holding) in enumerate(lines):
            assert holding is not None
            ahead = 2 if place == spoiled else 1
            news = [self.news(run)]
            batches.append(make_batch(holding, news, holding.log.batch + ahead, None))
        before = [place.position for place in self.places]
        try:
            transact(batches)
        except LeaseLost:
            assert spoiled < 2
            self.look()
            assert [place.position for place in self.places] == before
            return
        assert spoiled == 2
        for run, holding in lines:
            assert holding is not None
            holding.log.batch += 1
            self.lease[run.id] = self.lease_ends()
