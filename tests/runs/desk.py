"""What the tests of runs begin with: viewers, messages, runs that are carried here and now."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Sequence
from typing import Any
from uuid import UUID, uuid4

from django.db import connections

from chatkit_app.engine.commands import (
    Answer,
    Cancel,
    Claim,
    InterruptAnswer,
    Release,
    Resolve,
    Retry,
    Send,
)
from chatkit_app.engine.states import Decision
from chatkit_app.engine.viewer import Viewer
from chatkit_app.models import Event, Interrupt, Message, Run, Thread, ToolCall
from chatkit_app.protocols.native import decode_event
from chatkit_app.runs.executor import Execution
from chatkit_app.runs.service import handle
from tests.history_rows import Turn, make_thread

Outcome = dict[str, Any]

WAIT = 30.0  # seconds until what does not come fails the test


def a_visitor() -> Viewer:
    return Viewer(visitor=uuid4())


def a_command_id() -> str:
    return uuid4().hex


def say(
    viewer: Viewer,
    text: str,
    thread: UUID | None = None,
    *,
    name: str = "",
    tab: str = "tab",
    assistant: str = "test",
) -> Outcome:
    command = Send(
        id=name or a_command_id(),
        thread_id=thread,
        assistant=assistant,
        text=text,
        tab=tab,
    )
    return handle(viewer, command)


def started(viewer: Viewer, text: str, thread: UUID | None = None) -> Run:
    """A run that is queued."""
    return Run.objects.get(pk=say(viewer, text, thread)["run"])


def carried(viewer: Viewer, text: str, thread: UUID | None = None) -> Run:
    """A run that has come as far as it could."""
    return carry(started(viewer, text, thread))


def carry(run: Run) -> Run:
    """Execute a run in this very thread, to its next pause or its end."""
    asyncio.run(_execute(run.pk))
    return fresh(run)


async def _execute(run_id: UUID) -> None:
    async with asyncio.timeout(WAIT):
        await Execution(run_id, uuid4()).run()


def fresh(run: Run) -> Run:
    return Run.objects.get(pk=run.pk)


def cancel(viewer: Viewer, run: Run, *, name: str = "") -> Outcome:
    command = Cancel(id=name or a_command_id(), thread_id=run.thread_id, run_id=run.pk)
    return handle(viewer, command)


def retry(viewer: Viewer, run: Run, *, name: str = "") -> Outcome:
    command = Retry(id=name or a_command_id(), thread_id=run.thread_id, run_id=run.pk)
    return handle(viewer, command)


def claim(viewer: Viewer, call: ToolCall, *, tab: str = "tab") -> Outcome:
    command = Claim(thread_id=call.run.thread_id, tool_call_id=call.pk, tab=tab)
    return handle(viewer, command)


def release(viewer: Viewer, call: ToolCall, *, tab: str = "tab") -> Outcome:
    command = Release(thread_id=call.run.thread_id, tool_call_id=call.pk, tab=tab)
    return handle(viewer, command)


def answer(
    viewer: Viewer,
    call: ToolCall,
    output: Any = None,
    *,
    name: str = "",
    tab: str = "tab",
    error: str | None = None,
) -> Outcome:
    if output is None and error is None:
        output = {"text": "fox"}
    command = Answer(
        id=name or a_command_id(),
        thread_id=call.run.thread_id,
        tool_call_id=call.pk,
        tab=tab,
        output=output,
        error=error,
    )
    return handle(viewer, command)


def asked_of(run: Run) -> list[Interrupt]:
    """What the run asks, in the order in which it did."""
    found = Interrupt.objects.filter(run=run).select_related("tool_call")
    return list(found.order_by("created_at", "id"))


def said(interrupt: Interrupt, decision: str, **more: Any) -> InterruptAnswer:
    """One answer, as a command carries it."""
    return InterruptAnswer(
        interrupt_id=interrupt.pk, decision=Decision(decision), **more
    )


def resolve(
    viewer: Viewer,
    *answers: InterruptAnswer,
    thread: UUID | None = None,
    name: str = "",
    tab: str = "tab",
) -> Outcome:
    """Answer what is asked, all at once."""
    command = Resolve(
        id=name or a_command_id(), thread_id=thread, answers=answers, tab=tab
    )
    return handle(viewer, command)


def calls_of(run: Run) -> list[ToolCall]:
    found = ToolCall.objects.filter(run=run).select_related("run")
    return list(found.order_by("step__index", "index"))


def waiting_run(viewer: Viewer, calls: int = 1) -> tuple[Run, list[ToolCall]]:
    """A run whose calls all wait for a page, written straight into the tables."""
    thread = make_thread(viewer.visitor, assistant="test")
    turn = Turn.begin(thread, "call read_selection", depth=0)
    asked = [
        turn.call("read_selection", executor="client", status="waiting", input={})
        for _ in range(calls)
    ]
    for place, call in enumerate(asked):
        ToolCall.objects.filter(pk=call.pk).update(index=place)
        turn.ask_page(call)
    Run.objects.filter(pk=turn.run.pk).update(status="requires_action")
    Message.objects.filter(pk=turn.answer.pk).update(status="open")
    return fresh(turn.run), calls_of(turn.run)


def statuses_told(run: Run) -> list[str]:
    """What the log says of the run, in order."""
    told = [decode_event(data) for data in log_of(run.thread_id, "run.changed")]
    return [str(event.status) for event in told if event.run_id == str(run.pk)]


def log_of(thread: UUID, type_: str = "") -> list[str]:
    found = Event.objects.filter(thread=thread).order_by("position")
    if type_:
        found = found.filter(type=type_)
    return list(found.values_list("data", flat=True))


def assert_no_holes(thread: UUID) -> None:
    """I1: the log holds 1..N, and the thread's counter says N."""
    found = Event.objects.filter(thread=thread).order_by("position")
    row = Thread.objects.get(pk=thread)
    positions = list(found.values_list("position", flat=True))
    assert positions == list(range(row.floor + 1, row.position + 1))


def together(functions: Sequence[Callable[[], Any]]) -> list[Any]:
    """Call them at the same instant, each in a thread of its own: what they return or raise."""
    barrier = threading.Barrier(len(functions))
    found: list[Any] = [None] * len(functions)

    def work(place: int) -> None:
        try:
            connections["default"].ensure_connection()
            barrier.wait(WAIT)
            found[place] = functions[place]()
        except Exception as error:  # noqa: BLE001 (it is the test's to judge)
            found[place] = error
        finally:
            connections.close_all()

    threads = [threading.Thread(target=work, args=(n,)) for n in range(len(functions))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(WAIT)
    assert not any(thread.is_alive() for thread in threads), "a thread hangs"
    return found
