"""How a process writes for a run that it holds, and what there is to write."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from uuid import UUID, uuid4

from chatkit_app.conf import settings
from chatkit_app.engine import events
from chatkit_app.engine.assembler import part_ended
from chatkit_app.engine.messages import (
    ReasoningPart,
    TextPart,
    ToolCallPart,
    ToolResultPart,
)
from chatkit_app.engine.states import (
    Effect,
    Executor,
    FinishReason,
    PartKind,
    PartState,
    RunStatus,
    ToolCallState,
    ToolCallStatus,
)
from chatkit_app.exceptions import LeaseLost
from chatkit_app.log.batches import Batch, RunLog, commit_once
from chatkit_app.log.statements import Fence
from chatkit_app.models import Run, ToolCall
from chatkit_app.runs.closing import close_run, move_run
from chatkit_app.runs.recorder import record
from chatkit_app.runs.transcript import load_work
from tests.properties.story import CallTold, RunTold, told_to_the_model
from tests.properties.world import HELD, Holding, Place, World

TOOLS = {
    "read_selection": (Executor.CLIENT, Effect.READ),
    "order_once": (Executor.CLIENT, Effect.ONCE),
    "add": (Executor.SERVER, Effect.READ),
    "book": (Executor.SERVER, Effect.IDEMPOTENT),
    "pay": (Executor.SERVER, Effect.ONCE),
}
CALL_SECONDS = 5.0
"""How long a page may take."""


class Writing(World):
    """Commits under the fence, and the events of a model's step."""

    def carried(self) -> list[tuple[Place, RunTold]]:
        """The runs that somebody holds."""
        return [(p, run) for p, run in self.runs(*HELD) if self.held_by(run)]

    def pick(
        self, found: list[tuple[Place, RunTold]], which: int
    ) -> tuple[Place, RunTold]:
        return found[which % len(found)]

    def keeps(self) -> bool:
        return settings.BROKEN_STEP == "keep"

    def hold(
        self, run: RunTold, batch: int, owner: UUID, attempt: int, thread: UUID
    ) -> None:
        log = RunLog(
            run=UUID(run.id),
            thread=thread,
            owner=owner,
            attempt=attempt,
            batch=batch,
            record=record,
            on_cancel=lambda: heard(),
            on_lost=lambda _error: None,
        )
        holding = Holding(run.id, log)

        def heard() -> None:
            holding.told_to_cancel += 1

        self.holdings.append(holding)
        self.holder[run.id] = holding
        self.lease[run.id] = self.lease_ends()

    def write(
        self,
        run: RunTold,
        found: Sequence[events.AnyEvent] = (),
        prepare: Callable[[], Sequence[events.AnyEvent]] | None = None,
    ) -> None:
        """By whoever holds the run: it is written, once, and a cancel is heard of."""
        holding = self.holder[run.id]
        told, is_wanted = holding.told_to_cancel, run.status == "cancelling"
        batch = holding.log.batch + 1
        assert self.commit(holding, found, prepare=prepare, batch=batch) == "written"
        holding.log.batch = batch
        self.lease[run.id] = self.lease_ends()
        assert holding.told_to_cancel == told + is_wanted
        self.look()
        # The outcome may never have been heard: then it is committed again.
        assert self.commit(holding, found, prepare=prepare, batch=batch) == "known"

    def commit(
        self,
        holding: Holding,
        found: Sequence[events.AnyEvent],
        *,
        prepare: Callable[[], Sequence[events.AnyEvent]] | None = None,
        batch: int,
    ) -> str:
        row = Run.objects.values_list("attempt", "batch")
        is_known = row.get(pk=holding.run) == (holding.log.attempt, batch)
        try:
            commit_once(make_batch(holding, found, batch, prepare))
        except LeaseLost:
            return "lost"
        return "known" if is_known else "written"

    def check_work(self, run: RunTold):
        """What the rows tell the loop: exactly what was said, each call with one result."""
        place, _ = self.run_told(run.id)
        work = load_work(Run.objects.get(pk=run.id), history_tokens=1_000_000)
        parts = [part for message in work.history for part in message.parts]
        told = [_told(part) for part in (*parts, *work.answer)]
        assert told == told_to_the_model(place.story, run)
        for call in work.calls:
            is_open = place.story.calls[str(call.tool_call_id)] in run.open_calls
            assert (call.result is None) == is_open
        return work

    def said(
        self,
        run: RunTold,
        step: str,
        index: int,
        kind: PartKind,
        text: str,
        is_whole: bool,
    ) -> list[events.AnyEvent]:
        part = str(uuid4())
        started = events.PartStarted(
            message_id=run.answer, part_id=part, index=index, kind=kind, step_id=step
        )
        delta = events.PartDelta(part_id=part, offset=0, delta=text)
        return [started, delta, *([self.ended(part, text)] if is_whole else [])]

    def called(
        self,
        run: RunTold,
        step: str,
        index: int,
        place: int,
        name: str,
        is_whole: bool,
    ) -> list[events.AnyEvent]:
        part, call = str(uuid4()), str(uuid4())
        self.effects[call] = str(TOOLS[name][1])
        started = events.PartStarted(
            message_id=run.answer,
            part_id=part,
            index=index,
            kind=PartKind.TOOL_CALL,
            step_id=step,
            tool_call_id=call,
            tool_call_name=name,
            tool_call_index=place,
            provider_call_id=call,
        )
        delta = events.PartDelta(part_id=part, offset=0, delta="{}")
        return [started, delta, *([self.ended(part, "{}")] if is_whole else [])]

    def ended(self, part: str, text: str) -> events.PartEnded:
        return part_ended(part, text, PartState.COMPLETE)

    def begun(self, call: str, name: str) -> list[events.AnyEvent]:
        executor, effect = TOOLS[name]
        is_client = executor is Executor.CLIENT
        status = ToolCallStatus.WAITING if is_client else ToolCallStatus.QUEUED
        accepted = events.ToolCallChanged(
            tool_call_id=call,
            status=status,
            state=ToolCallState.INPUT_COMPLETE,
            executor=executor,
            effect=effect,
            input={},
            deadline_at=self.time.later(CALL_SECONDS) if is_client else None,
        )
        if is_client:
            return [accepted]
        running = events.ToolCallChanged(
            tool_call_id=call,
            status=ToolCallStatus.RUNNING,
            state=ToolCallState.INPUT_COMPLETE,
        )
        return [accepted, running]

    def result(
        self, run: RunTold, call: CallTold, *, is_failed: bool
    ) -> events.ToolCallEnded:
        [found] = [
            one
            for one in self.check_work(run).calls
            if str(one.tool_call_id) == call.id
        ]
        return events.ToolCallEnded(
            tool_call_id=call.id,
            message_id=run.answer,
            part_id=str(uuid4()),
            index=found.result_index,
            step_id=call.step,
            status=ToolCallStatus.FAILED if is_failed else ToolCallStatus.COMPLETED,
            state=ToolCallState.INPUT_COMPLETE,
            output=None if is_failed else {"total": 3},
            error_code="tool_error" if is_failed else None,
            error_text="No." if is_failed else None,
        )

    def news(self, run: RunTold) -> events.AnyEvent:
        """An event that stands for no row and shows nothing."""
        return events.ToolCallProgressed(tool_call_id=str(uuid4()), text=run.id)


def make_batch(
    holding: Holding,
    found: Sequence[events.AnyEvent],
    batch: int,
    prepare: Callable[[], Sequence[events.AnyEvent]] | None,
) -> Batch:
    log = holding.log
    fence = Fence(run=log.run, owner=log.owner, attempt=log.attempt, batch=batch)
    return Batch(log=log, fence=fence, events=[*found], prepare=prepare, waiting=[])


def step_finished(run: RunTold, step: str) -> events.StepFinished:
    return events.StepFinished(
        run_id=run.id, step_id=step, finish_reason=FinishReason.STOP
    )


def pausing(run: RunTold) -> Sequence[events.AnyEvent]:
    """As the executor does it, inside the fence."""
    row = Run.objects.get(pk=run.id)
    waits = ToolCall.objects.filter(run=row, status=ToolCallStatus.WAITING).exists()
    if waits and row.status == RunStatus.IN_PROGRESS:
        return [move_run(row, RunStatus.REQUIRES_ACTION)]
    return []


def closing(
    run: RunTold, status: RunStatus = RunStatus.COMPLETED
) -> Sequence[events.AnyEvent]:
    return close_run(Run.objects.get(pk=run.id), status)


def _told(part: object) -> tuple[str, str]:
    match part:
        case TextPart():
            return "text", part.text
        case ReasoningPart():
            return "reasoning", part.text
        case ToolCallPart():
            return "call", part.id
        case ToolResultPart():
            return "result", part.tool_call_id
    raise AssertionError(part)
