"""An assistant whose tools leave a line in a ledger when they begin and when they end."""

from __future__ import annotations

import asyncio
import os
import time
from pathlib import Path

from pydantic import BaseModel
from typing_extensions import TypedDict

from chatkit_app.engine.assistant import Assistant
from chatkit_app.engine.tools import ToolContext, tool, tool_definition
from chatkit_app.registry import register
from tests.faults.ledger import Ledger

ledger = Ledger(Path(os.environ.get("FAULTS_LEDGER", os.devnull)))


class Done(TypedDict):
    done: str


def _begin(tool: str, context: ToolContext, key: str, place: str) -> dict[str, str]:
    fact = {"tool": tool, "call": str(context.tool_call_id), "key": key, "place": place}
    ledger.note("started", **fact)
    return fact


@tool
def once(context: ToolContext, key: str, place: str, seconds: float) -> Done:
    """Do what must be done once."""
    fact = _begin("once", context, key, place)
    time.sleep(seconds)
    ledger.note("finished", **fact)
    return {"done": f"{key} {place}"}


@tool(effect="idempotent")
async def idempotent(
    context: ToolContext, key: str, place: str, seconds: float
) -> Done:
    """Do what may be repeated under its id."""
    fact = _begin("idempotent", context, key, place)
    context.progress("half", 0.5)
    await asyncio.sleep(seconds)
    ledger.note("finished", **fact)
    return {"done": f"{key} {place}"}


@tool(effect="read")
def read(context: ToolContext, key: str, place: str, seconds: float) -> Done:
    """Look something up."""
    fact = _begin("read", context, key, place)
    time.sleep(seconds)
    ledger.note("finished", **fact)
    return {"done": f"{key} {place}"}


class Place(BaseModel):
    key: str
    place: str
    seconds: float


class Seen(BaseModel):
    seen: str


look = tool_definition(
    name="look",
    description="Look at the page.",
    input=Place,
    output=Seen,
    deadline=20,
)
touch = tool_definition(
    name="touch",
    description="Change the page, once.",
    input=Place,
    output=Seen,
    effect="once",
    deadline=20,
)

register(
    Assistant(
        name="faults",
        instructions="You say what the plan says.",
        tools=[once, idempotent, read, look, touch],
        model_name="fake",
        history_tokens=10_000_000,
    )
)
