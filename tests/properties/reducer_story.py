"""A plausible life of a thread, written by rules as events of the app's own classes."""

from __future__ import annotations

import hashlib
import json
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, precondition, rule

from chatkit_app.engine import events
from chatkit_app.engine.states import (
    Executor,
    FeedbackKind,
    FinishReason,
    InterruptKind,
    MessageStatus,
    PartKind,
    PartState,
    Role,
    RunStatus,
    ThreadStatus,
    ToolCallState,
    ToolCallStatus,
    WaitsFor,
)
from chatkit_app.protocols.native import encode_event, event_frame
from tests.properties.reducer_fold import Fold

START = datetime(2026, 1, 5, 12, tzinfo=UTC)

# A pair of surrogates in a browser, accents apart from their letters, what JSON escapes.
TEXTS = st.text(
    st.sampled_from('aß\u0301 \n"\\\u2028\u200d👀🏳️‍🌈漢\x7f\U0010ffff'),
    min_size=1,
    max_size=12,
)
OUTPUTS = st.recursive(
    st.none() | st.booleans() | st.integers(-999, 999) | TEXTS,
    lambda inner: (
        st.lists(inner, max_size=2)
        | st.dictionaries(st.sampled_from(["a", "ß", "👀"]), inner, max_size=2)
    ),
    max_leaves=4,
)
CODES = st.sampled_from(["provider_rate_limited", "run_interrupted", "of_tomorrow"])


class Story(RuleBasedStateMachine):
    """What happens in the thread; ``commit`` is what whoever plays the server hears of it."""

    def __init__(self) -> None:
        super().__init__()
        self._ids = 0
        self.thread = self.new_id()
        self.fold = Fold(self.thread)
        self.log: list[str] = []  # the frame of position 1, of 2 …
        self.run: str | None = None
        self.answer = ""
        self.step: str | None = None
        self.step_index = 0
        self.attempt = 1
        self.place = 0
        self.texts: dict[str, str] = {}  # of open parts
        self.calls: dict[str, str] = {}  # of the step: their parts
        self.open_calls: list[str] = []
        self.persons: dict[str, events.InterruptTold] = {}  # by call: for a person

    def new_id(self) -> str:
        self._ids += 1
        return f"01900000-0000-7000-8000-{self._ids:012x}"

    def now(self) -> datetime:
        return START + timedelta(seconds=len(self.log))

    def append(self, event: events.AnyEvent) -> None:
        self.append_json(encode_event(event))

    def append_json(self, text: str) -> None:
        position = len(self.log) + 1
        self.fold.apply(position, json.loads(text))
        self.log.append(event_frame(UUID(self.thread), position, text))
        self.commit(position)

    def commit(self, position: int) -> None:
        raise NotImplementedError

    def has_run(self) -> bool:
        return self.run is not None

    def is_between_steps(self) -> bool:
        return self.run is not None and self.step is None and not self.open_calls

    def is_in_step(self) -> bool:
        return self.step is not None

    def has_open_part(self) -> bool:
        return bool(self.texts)

    def has_open_call(self) -> bool:
        return bool(self.open_calls) and self.step is None

    def has_messages(self) -> bool:
        return bool(self.fold.messages)

    def can_hide(self) -> bool:
        return self.run is None and bool(self.fold.messages)

    @precondition(lambda self: self.run is None)
    @rule(
        text=TEXTS,
        has_file=st.booleans(),
        author=st.none() | TEXTS,
        siblings=st.integers(0, 3),
    )
    def asks(
        self, text: str, has_file: bool, author: str | None, siblings: int
    ) -> None:
        shown = self.fold.messages
        self._ask(
            text,
            parent_id=shown[-1]["id"] if shown else None,
            siblings=[self.new_id() for _ in range(siblings)],
            author=None if author is None else events.AuthorTold(name=author),
            files=[self._file(text)] if has_file else [],
        )

    def _file(self, name: str) -> events.FileTold:
        told = {"name": name, "media_type": "text/plain", "size": 7, "url": None}
        return events.FileTold(
            part_id=self.new_id(), index=1, attachment_id=None, **told
        )

    def _ask(self, text: str, **rest: Any) -> None:
        said = {"content": text, "client_id": self.new_id(), "created_at": self.now()}
        said |= rest
        self._message(self.new_id(), Role.USER, MessageStatus.COMPLETE, **said)
        self.run, self.answer = self.new_id(), self.new_id()
        self.step_index, self.attempt, self.place = 0, 1, 0
        self._run(RunStatus.QUEUED)
        told = {"run_id": self.run, "created_at": self.now()}
        self._message(self.answer, Role.ASSISTANT, MessageStatus.OPEN, **told)
        self._run(RunStatus.IN_PROGRESS)
        self.begins_step()

    @precondition(is_between_steps)
    @rule()
    def begins_step(self) -> None:
        assert self.run is not None
        self.step, self.calls = self.new_id(), {}
        place = {"index": self.step_index, "attempt": self.attempt}
        self.append(events.StepStarted(run_id=self.run, step_id=self.step, **place))

    @precondition(is_in_step)
    @rule(kind=st.sampled_from([PartKind.TEXT, PartKind.TEXT, PartKind.REASONING]))
    def begins_part(self, kind: PartKind) -> None:
        self._begin_part(kind)

    @precondition(is_in_step)
    @rule(name=st.sampled_from(["order_status", "highlight"]))
    def begins_call(self, name: str) -> None:
        call = self.new_id()
        part = self._begin_part(
            PartKind.TOOL_CALL, tool_call_id=call, tool_call_name=name
        )
        self.calls[call] = part

    @precondition(is_in_step)
    @rule(data=st.data(), pieces=st.lists(TEXTS, min_size=1, max_size=8))
    def says(self, data: st.DataObject, pieces: list[str]) -> None:
        if not self.texts:
            self._begin_part(PartKind.TEXT)
        self._say(data.draw(st.sampled_from(sorted(self.texts))), pieces)

    def _say(self, part: str, pieces: list[str]) -> None:
        for piece in pieces:
            offset = units(self.texts[part])
            self.texts[part] += piece
            self.append(events.PartDelta(part_id=part, offset=offset, delta=piece))

    @precondition(lambda self: not self.open_calls)
    @rule(asked=TEXTS, pieces=st.lists(TEXTS, min_size=1, max_size=8))
    def is_written(self, asked: str, pieces: list[str]) -> None:
        """Whatever it takes until there are words: most of what happens in a thread."""
        if self.run is None:
            self._ask(asked)
        if self.step is None:
            self.begins_step()
        part = sorted(self.texts)[-1] if self.texts else self._begin_part(PartKind.TEXT)
        self._say(part, pieces)

    @precondition(has_open_part)
    @rule(data=st.data())
    def ends_part(self, data: st.DataObject) -> None:
        self._end_part(data.draw(st.sampled_from(sorted(self.texts))))

    @precondition(is_in_step)
    @rule(
        code=CODES,
        seconds=st.none() | st.integers(0, 30),
        goes_on=st.sampled_from(["speaks", "is asked", "not yet"]),
    )
    def breaks_off(self, code: str, seconds: int | None, goes_on: str) -> None:
        assert self.run is not None
        assert self.step is not None
        later = None if seconds is None else self.now() + timedelta(seconds=seconds)
        self.append(
            events.StepVoided(
                run_id=self.run,
                step_id=self.step,
                index=self.step_index,
                attempt=self.attempt,
                error_code=code,
                retry_at=later,
            )
        )
        self.texts, self.calls, self.step = {}, {}, None
        self.attempt += 1
        if goes_on != "not yet":
            self.begins_step()
        if goes_on == "speaks":
            self._begin_part(PartKind.TEXT)

    @precondition(is_in_step)
    @rule()
    def finishes_step(self) -> None:
        assert self.run is not None
        assert self.step is not None
        for part in sorted(self.texts):
            self._end_part(part)
        reason = FinishReason.TOOL_CALLS if self.calls else FinishReason.STOP
        self.append(
            events.StepFinished(
                run_id=self.run, step_id=self.step, finish_reason=reason
            )
        )
        self.open_calls = [*self.calls]
        self.finished_step, self.step = self.step, None
        self.step_index, self.attempt = self.step_index + 1, 1
        for call in self.open_calls:
            self._move_call(call)
        if self.open_calls:
            self._run(RunStatus.REQUIRES_ACTION)

    @precondition(has_open_call)
    @rule(data=st.data(), tab=st.none() | st.sampled_from(["tab-1", "tab-2"]))
    def claims(self, data: st.DataObject, tab: str | None) -> None:
        call = data.draw(st.sampled_from(self.open_calls))
        self.append(events.ToolCallClaimed(tool_call_id=call, tab=tab))

    @precondition(has_open_call)
    @rule(data=st.data(), output=OUTPUTS, is_well=st.booleans())
    def answers(self, data: st.DataObject, output: Any, is_well: bool) -> None:
        call = data.draw(st.sampled_from(self.open_calls))
        self._end_call(call, output if is_well else None, is_well=is_well)
        if not self.open_calls:
            self._run(RunStatus.IN_PROGRESS)

    @precondition(has_run)
    @rule(
        status=st.sampled_from(
            [RunStatus.COMPLETED, RunStatus.FAILED, RunStatus.CANCELLED]
        ),
        is_tidy=st.booleans(),
    )
    def ends(self, status: RunStatus, is_tidy: bool) -> None:
        """Untidy: parts are left open, their message's end is theirs."""
        for call in [*self.open_calls]:
            self._end_call(call, None, is_well=False)
        for part in sorted(self.texts):
            if is_tidy or self.must_end(part):
                self._end_part(part, PartState.INTERRUPTED)
        is_whole = status is RunStatus.COMPLETED and self.step is None
        ended = MessageStatus.COMPLETE if is_whole else MessageStatus.INTERRUPTED
        self.append(events.MessageEnded(message_id=self.answer, status=ended))
        failed = {"error_code": "provider_unavailable", "error_text": "It is away."}
        self._run(status, **(failed if status is RunStatus.FAILED else {}))
        self.run = self.step = None
        self.texts, self.calls = {}, {}

    @precondition(can_hide)
    @rule(data=st.data())
    def hides(self, data: st.DataObject) -> None:
        ids = [message["id"] for message in self.fold.messages]
        message = data.draw(st.sampled_from(ids))
        self.append(events.MessageHidden(message_id=message))

    @precondition(has_messages)
    @rule(data=st.data(), feedback=st.none() | st.sampled_from(FeedbackKind))
    def is_rated(self, data: st.DataObject, feedback: FeedbackKind | None) -> None:
        ids = [message["id"] for message in self.fold.messages]
        message = data.draw(st.sampled_from(ids))
        self.append(events.MessageRated(message_id=message, feedback=feedback))

    @rule(title=TEXTS, is_newer=st.booleans())
    def is_renamed(self, title: str, is_newer: bool) -> None:
        """By an event that the page knows, or by one that is newer than it."""
        if is_newer:
            self.append_json(json.dumps({"type": "thread.dreamt", "title": title}))
        else:
            self.append(events.ThreadChanged(title=title, status=ThreadStatus.OPEN))

    def must_end(self, part: str) -> bool:
        """Is an end that says its digest needed, or may the message's end do?"""
        return False

    def _message(
        self, message_id: str, role: Role, status: MessageStatus, **rest: Any
    ) -> None:
        self.append(
            events.MessageCreated(
                message_id=message_id, role=role, status=status, **rest
            )
        )

    def _run(self, status: RunStatus, **rest: Any) -> None:
        assert self.run is not None
        self.append(
            events.RunChanged(
                run_id=self.run, status=status, answer_id=self.answer, **rest
            )
        )

    def _begin_part(self, kind: PartKind, **call: Any) -> str:
        assert self.step is not None
        part = self.new_id()
        place = {"index": self.place, "step_id": self.step, "message_id": self.answer}
        self.place += 1
        self.append(events.PartStarted(part_id=part, kind=kind, **place, **call))
        self.texts[part] = ""
        return part

    def _end_part(self, part: str, state: PartState = PartState.COMPLETE) -> None:
        text = self.texts.pop(part)
        digest = hashlib.sha256(text.encode()).hexdigest()
        self.append(
            events.PartEnded(
                part_id=part, state=state, length=units(text), digest=digest
            )
        )

    def _move_call(self, call: str) -> None:
        is_pages = self.fold.call(call)["name"] == "highlight"
        self._go_on(call, is_pages=is_pages, input={"number": 7})

    def _go_on(
        self,
        call: str,
        state: ToolCallState = ToolCallState.INPUT_COMPLETE,
        *,
        is_pages: bool,
        **rest: Any,
    ) -> None:
        """A page is asked to run it, or the server does."""
        if not is_pages:
            where = {"executor": Executor.SERVER, "state": state}
            return self._change_call(call, ToolCallStatus.RUNNING, **where, **rest)
        asked = events.InterruptTold(
            id=self.new_id(), kind=InterruptKind.CLIENT_TOOL, tool_call_id=call
        )
        return self._change_call(
            call,
            ToolCallStatus.WAITING,
            state=state,
            executor=Executor.CLIENT,
            waits_for=WaitsFor.CLIENT,
            interrupt=asked,
            deadline_at=self.now(),
            **rest,
        )

    def _change_call(self, call: str, status: ToolCallStatus, **rest: Any) -> None:
        told = {"state": ToolCallState.INPUT_COMPLETE} | rest
        self.append(events.ToolCallChanged(tool_call_id=call, status=status, **told))

    def _end_call(
        self,
        call: str,
        output: Any,
        *,
        is_well: bool,
        approval: events.ApprovalTold | None = None,
    ) -> None:
        self.open_calls.remove(call)
        self.persons.pop(call, None)
        status = ToolCallStatus.COMPLETED if is_well else ToolCallStatus.FAILED
        why = {} if is_well else {"error_code": "tool_error", "error_text": "No 👀."}
        self.append(
            events.ToolCallEnded(
                tool_call_id=call,
                message_id=self.answer,
                part_id=self.new_id(),
                index=self.place,
                step_id=self.finished_step,
                status=status,
                state=ToolCallState.INPUT_COMPLETE,
                output=output,
                approval=approval,
                **why,
            )
        )
        self.place += 1


def units(text: str) -> int:
    """Its length as a browser counts it."""
    return len(text.encode("utf-16-le")) // 2
