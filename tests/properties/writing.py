"""How a process writes for a run that it holds, and what there is to write."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import replace
from uuid import UUID, uuid4

from chatkit_app.conf import settings
from chatkit_app.engine import events
from chatkit_app.engine.approvals import Ask
from chatkit_app.engine.asked_for import approval, client_tool, question, state_of
from chatkit_app.engine.assembler import part_ended
from chatkit_app.engine.calls import Call
from chatkit_app.engine.messages import (
    ReasoningPart,
    TextPart,
    ToolCallPart,
    ToolResultPart,
)
from chatkit_app.engine.performing import Pending
from chatkit_app.engine.questions import question_of
from chatkit_app.engine.states import (
    Executor,
    FinishReason,
    PartKind,
    PartState,
    RunStatus,
    ToolCallStatus,
)
from chatkit_app.engine.tools import Tool
from chatkit_app.exceptions import LeaseLost
from chatkit_app.log.batches import Batch, RunLog, commit_once
from chatkit_app.log.statements import Fence
from chatkit_app.models import Run, ToolCall, new_id
from chatkit_app.runs.closing import close_run, move_run
from chatkit_app.runs.recorder import record
from chatkit_app.runs.transcript import load_work
from tests import assistants as site
from tests import trading_tools as trade
from tests.properties.story import CallTold, RunTold, told_to_the_model
from tests.properties.world import HELD, NEED_APPROVAL, Holding, Place, World

TOOLS: dict[str, Tool] = {
    tool.definition.name: tool
    for tool in (
        *(site.add, site.book, site.pay),
        *(trade.refund, trade.staff_refund, trade.order_shirt),
        *(site.read_selection.client(), site.order_once.client()),
        site.erase_notes.client(),
    )
}
ARGUMENTS = {"refund": '{"amount":70}', "staff_refund": '{"amount":5}'}
QUESTIONS = {"order_shirt": (trade.Size, trade.AddressForm)}
CALL_SECONDS, PERSON_SECONDS = 5.0, 9.0
"""How long a page may take, and a person."""


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
        self.effects[call] = str(TOOLS[name].effect)
        arguments = ARGUMENTS.get(name, "{}")
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
        delta = events.PartDelta(part_id=part, offset=0, delta=arguments)
        return [started, delta, *([self.ended(part, arguments)] if is_whole else [])]

    def ended(self, part: str, text: str) -> events.PartEnded:
        return part_ended(part, text, PartState.COMPLETE)

    def begun(self, call: Call) -> list[events.AnyEvent]:
        """As the loop does it: a person is asked first where one has to be."""
        tool, now = TOOLS[call.name], self.time.now
        if call.name in NEED_APPROVAL and not call.is_approved:
            asking = approval(new_id(), call, tool, Ask("May it?"), now=now)
            return [self._accepted(self._until(asking, PERSON_SECONDS), call)]
        if tool.executor is Executor.CLIENT:
            asking = client_tool(new_id(), call, tool, {}, now=now)
            return [self._accepted(self._until(asking, CALL_SECONDS), call)]
        queued = events.ToolCallChanged(
            tool_call_id=str(call.tool_call_id),
            status=ToolCallStatus.QUEUED,
            state=state_of(call),
        )
        running = replace(queued, status=ToolCallStatus.RUNNING)
        return [self._accepted(queued, call), running]

    def _accepted(
        self, event: events.ToolCallChanged, call: Call
    ) -> events.ToolCallChanged:
        tool = TOOLS[call.name]
        value = json.loads(ARGUMENTS.get(call.name, "{}"))
        value = None if call.is_approved else value
        return replace(event, executor=tool.executor, effect=tool.effect, input=value)

    def _until(
        self, event: events.ToolCallChanged, seconds: float
    ) -> events.ToolCallChanged:
        assert event.interrupt is not None
        until = self.time.later(seconds)
        told = replace(event.interrupt, expires_at=until)
        return replace(event, deadline_at=until, interrupt=told)

    def question(self, call: Call) -> events.ToolCallChanged | None:
        """What the call's tool asks next; None where it has all its answers."""
        for kind in QUESTIONS.get(call.name, ()):
            found = question_of(kind)
            if found.name not in call.answers:
                pending = Pending(
                    key=found.name,
                    message="Which?",
                    name=found.name,
                    arguments=None,
                    schema=found.schema(None),
                    form=found.html(None, None),
                )
                asking = question(
                    new_id(), call, TOOLS[call.name], pending, now=self.time.now
                )
                return self._until(asking, PERSON_SECONDS)
        return None

    def outcome(
        self, run: RunTold, call: CallTold, *, is_failed: bool
    ) -> events.AnyEvent:
        """What a server tool's function comes to: a question, or its result."""
        [found] = [
            one
            for one in self.check_work(run).calls
            if str(one.tool_call_id) == call.id
        ]
        asking = None if is_failed else self.question(found)
        if asking is not None:
            return asking
        return events.ToolCallEnded(
            tool_call_id=call.id,
            message_id=run.answer,
            part_id=str(uuid4()),
            index=found.result_index,
            step_id=call.step,
            status=ToolCallStatus.FAILED if is_failed else ToolCallStatus.COMPLETED,
            state=state_of(found),
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
    calls = ToolCall.objects.filter(run=row)
    waits = calls.filter(status=ToolCallStatus.WAITING).exists()
    may_go_on = calls.filter(status=ToolCallStatus.QUEUED).exists()
    if waits and not may_go_on and row.status == RunStatus.IN_PROGRESS:
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
