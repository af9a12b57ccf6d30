"""Runs that a test holds itself, and a writer to write for them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from uuid import UUID, uuid4

from chatkit_app.engine import events
from chatkit_app.log.batches import RunLog
from chatkit_app.log.writer import Writer
from chatkit_app.models import Run
from chatkit_app.protocols.native import decode_event
from chatkit_app.runs.claiming import Held, claim_run
from tests.runs.desk import a_visitor, log_of, started

Record = Callable[[events.AnyEvent, int], None]


@dataclass
class Line:
    """One run's way into the log, and what the writer has told of it."""

    log: RunLog
    cancels: list[bool] = field(default_factory=list)
    losses: list[Exception] = field(default_factory=list)

    @property
    def thread(self) -> UUID:
        return self.log.thread

    def told(self) -> list[str]:
        """The deltas that stand in the log, in order."""
        found = [decode_event(data) for data in log_of(self.thread, "part.delta")]
        return [event.delta for event in found if isinstance(event, events.PartDelta)]


def nothing(_event: events.AnyEvent, _position: int) -> None:
    """Records no rows."""


def held_run() -> Held:
    held = claim_run(started(a_visitor(), "say Hi.").pk, uuid4())
    assert held is not None
    return held


def line_of(held: Held, record: Record = nothing) -> Line:
    log = RunLog(
        run=held.run,
        thread=held.thread,
        owner=held.owner,
        attempt=held.attempt,
        batch=held.batch,
        record=record,
        on_cancel=lambda: line.cancels.append(True),
        on_lost=lambda error: line.losses.append(error),
    )
    line = Line(log)
    return line


def open_line(writer: Writer, held: Held | None = None, **of_log: Record) -> Line:
    line = line_of(held or held_run(), **of_log)
    writer.open(line.log)
    return line


def delta(text: str, *, part: str = "part", offset: int = 0) -> events.PartDelta:
    return events.PartDelta(part_id=part, offset=offset, delta=text)


def news(line: Line) -> events.ToolCallClaimed:
    """An event that stands for no row."""
    return events.ToolCallClaimed(tool_call_id=str(uuid4()), tab="tab")


def row_of(line: Line) -> Run:
    return Run.objects.get(pk=line.log.run)
