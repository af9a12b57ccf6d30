"""What a run may use up, what it has used up so far, and how much of an output the model is told."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime

from chatkit_app.engine import events
from chatkit_app.engine.states import PartKind, ToolCallStatus
from chatkit_app.exceptions import (
    CallLimitExceeded,
    TimeLimitExceeded,
    TokenLimitExceeded,
)

TOLD_BYTES = 65_536
"""What the model is told of one output, in bytes of UTF-8, unless the assistant says otherwise."""

CUT = "\n[The output is cut here: it has {size} bytes, of which you see the first {shown}.]"


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """What one run may use up; None is no limit.

    ``calls`` are the tool calls of all its steps, ``tokens`` what the provider says that went in and
    came out, failed attempts that were counted included. ``seconds`` is the run's own work: its steps
    and its server tools, not what it waits for. ``output_bytes`` is what the model is told of an
    output; the row keeps the whole.
    """

    calls: int | None = None
    tokens: int | None = None
    seconds: float | None = None
    output_bytes: int = TOLD_BYTES

    def check_calls(self, spent: Spent) -> None:
        """Before any call of a step begins.

        Raises:
            CallLimitExceeded: With this step's calls there are too many.
        """
        if self.calls is not None and spent.calls > self.calls:
            raise CallLimitExceeded(
                f"The run wanted {spent.calls} tool calls; the limit is {self.calls}."
            )

    def check_step(self, spent: Spent) -> None:
        """Before the model is asked again.

        Raises:
            TokenLimitExceeded: It has read and written as much as it may.
            TimeLimitExceeded: It has worked for as long as it may.
        """
        if self.tokens is not None and spent.tokens >= self.tokens:
            raise TokenLimitExceeded(
                f"The run used {spent.tokens} tokens; the limit is {self.tokens}."
            )
        if self.seconds is not None and spent.seconds >= self.seconds:
            raise TimeLimitExceeded(
                f"The run worked for {spent.seconds:.0f} seconds; the limit is {self.seconds:g}."
            )


@dataclass(slots=True, kw_only=True)
class Spent:
    """What a run has used up, by its rows and by what has happened since. Not frozen: it counts on.

    ``calls`` are those of whole steps: what an attempt that was taken back wanted to call was never
    called.
    """

    calls: int = 0
    tokens: int = 0
    seconds: float = 0.0
    _asked: set[str] = field(default_factory=set, init=False)
    _busy: set[str] = field(default_factory=set, init=False)
    _since: datetime | None = field(default=None, init=False)

    def note(self, event: events.AnyEvent, now: datetime) -> None:
        """Count what an event tells; ``now`` is when it happened."""
        match event:
            case events.StepStarted():
                self._asked = set()
                self._begin(event.step_id, now)
            case events.PartStarted(kind=PartKind.TOOL_CALL):
                self._asked.add(str(event.tool_call_id))
            case events.StepFinished():
                self.calls += len(self._asked)
                self.tokens += event.input_tokens + event.output_tokens
                self._end(event.step_id, now)
            case events.StepVoided():
                self.tokens += event.input_tokens + event.output_tokens
                self._end(event.step_id, now)
            case events.ToolCallChanged(status=ToolCallStatus.RUNNING):
                self._begin(event.tool_call_id, now)
            case events.ToolCallChanged() | events.ToolCallEnded():
                self._end(event.tool_call_id, now)
            case _:
                pass

    def _begin(self, what: str, now: datetime) -> None:
        """What works at the same time counts once."""
        if not self._busy:
            self._since = now
        self._busy.add(what)

    def _end(self, what: str, now: datetime) -> None:
        if what not in self._busy:
            return
        self._busy.discard(what)
        if not self._busy and self._since is not None:
            self.seconds += max(0.0, (now - self._since).total_seconds())


def cut_for_model(text: str, max_bytes: int) -> str:
    """The text, or its first ``max_bytes`` of UTF-8 and a note that says so.

    No character is cut in two; the note comes on top.
    """
    if 4 * len(text) <= max_bytes:  # no character of UTF-8 has more than four bytes
        return text
    encoded = text.encode("utf-8", "replace")
    if len(encoded) <= max_bytes:
        return text
    shown = encoded[:max_bytes].decode("utf-8", "ignore")
    return shown + CUT.format(size=len(encoded), shown=len(shown.encode()))
