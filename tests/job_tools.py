"""The test site's tools whose work outlives the run: one for a queue of the site's, some for our workers."""

from __future__ import annotations

import asyncio
import os
import threading
import time
from pathlib import Path
from uuid import UUID

from django.contrib.auth import get_user_model
from pydantic import BaseModel

from chatkit_app.engine.tools import ToolContext, tool, tool_definition
from chatkit_app.exceptions import ToolError

handed_over: list[UUID] = []
"""The site's queue, as far as a test plays it: the calls in the order in which they came."""
gate = threading.Event()
"""Until it is set, ``crunch`` with ``wait`` is at work; other processes go by ``is_let_go``."""
at_work = threading.Event()
"""Set by ``crunch`` when it is."""

POLL = 0.01


def note(line: str) -> None:
    """Write down a side effect where every process of a test can see it."""
    if path := os.environ.get("CHATKIT_TEST_LEDGER"):
        with Path(path).open("a") as file:
            file.write(line + "\n")


def is_let_go() -> bool:
    """Has the test said that what stands still may go on? (``Site.let_go``)."""
    path = os.environ.get("CHATKIT_TEST_GATE")
    return gate.is_set() or bool(path and Path(path).exists())


class Export(BaseModel):
    rows: int = 3


class Exported(BaseModel):
    rows: int


def hand_over(context: ToolContext, _wanted: Export) -> None:
    """What a test may put another queue in place of."""
    handed_over.append(context.tool_call_id)


def enqueue(context: ToolContext, wanted: Export) -> None:
    if wanted.rows < 0:
        raise ToolError("There are no such rows.")
    hand_over(context, wanted)


async def enqueue_soon(context: ToolContext, _wanted: Export) -> None:
    await asyncio.sleep(0)
    handed_over.append(context.tool_call_id)


export = tool_definition(
    name="export",
    description="Export rows to a file.",
    input=Export,
    output=Exported,
    effect="idempotent",
).job(enqueue)
export_once = tool_definition(
    name="export_once",
    description="Export rows to a file, for good.",
    input=Export,
    output=Exported,
).job(enqueue_soon)
export_soon = tool_definition(
    name="export_soon",
    description="Export rows to a file within a second.",
    input=Export,
    output=Exported,
    effect="read",
    deadline=1.0,
).job(enqueue)


def _crunch(context: ToolContext, seconds: float, *, wait: bool) -> str:
    note(f"{context.tool_call_id} begins")
    context.progress(0.0, "Crunching")
    at_work.set()
    until = time.monotonic() + seconds
    while (wait and not is_let_go()) or time.monotonic() < until:
        context.check_cancelled()
        time.sleep(POLL)
    context.progress(1.0, "Crunched")
    note(f"{context.tool_call_id} ends")
    return f"crunched on {threading.current_thread().name}"


@tool(background=True, effect="idempotent")
def crunch(context: ToolContext, seconds: float = 0.0, wait: bool = False) -> str:
    """Work for a while; it may be repeated."""
    return _crunch(context, seconds, wait=wait)


@tool(background=True)
def crunch_once(context: ToolContext, seconds: float = 0.0, wait: bool = False) -> str:
    """Work for a while, once."""
    return _crunch(context, seconds, wait=wait)


@tool(background=True, effect="read")
async def crunch_async(context: ToolContext, seconds: float = 0.0) -> str:
    """Work for a while, on the loop."""
    await context.progress(0.5, "Half of it")
    try:
        await asyncio.sleep(seconds)
    except asyncio.CancelledError:
        note(f"{context.tool_call_id} cancelled")
        raise
    return "done"


@tool(background=True, effect="read")
def crunch_who(context: ToolContext) -> dict[str, object]:
    """Tell who is asking, and how many users there are."""
    return {
        "viewer": context.viewer.key,
        "assistant": context.assistant,
        "users": get_user_model()._default_manager.count(),
    }


@tool(background=True, effect="read")
def crunch_badly() -> str:
    """Fail with a secret in the exception."""
    raise RuntimeError("secret-of-the-server")


@tool(background=True, effect="read", needs_approval=True)
def crunch_if_allowed(context: ToolContext, rows: int) -> int:
    """Crunch rows, if somebody approves."""
    assert context.is_approved
    return rows


@tool(background=True, effect="read", deadline=1.0)
async def crunch_for_ever() -> str:
    """Never return."""
    await asyncio.Event().wait()
    return ""


JOB_TOOLS = [
    export,
    export_once,
    export_soon,
    crunch,
    crunch_once,
    crunch_async,
    crunch_who,
    crunch_badly,
    crunch_if_allowed,
    crunch_for_ever,
]
