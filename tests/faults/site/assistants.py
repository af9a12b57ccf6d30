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

PATIENCE = 20.0
"""Seconds that a person has."""

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
    context.progress(0.5, "half")
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


@tool(needs_approval=True, patience=PATIENCE)
def pay(
    context: ToolContext, key: str, place: str, seconds: float, note: str = ""
) -> Done:
    """Do what must be done once, and only if the visitor agrees."""
    fact = _begin("pay", context, key, place)
    time.sleep(seconds)
    ledger.note("finished", **fact, note=note)
    return {"done": f"{key} {place} {note}".strip()}


class Wish(BaseModel):
    """What the visitor wants."""

    word: str


@tool(effect="idempotent", questions=[Wish], patience=PATIENCE)
def wonder(context: ToolContext, key: str, place: str, seconds: float) -> Done:
    """Ask twice in the middle of the work."""
    fact = _begin("wonder", context, key, place)
    words = []
    try:
        for number in ("first", "second"):
            wish = context.ask(Wish, f"The {number} word?", key=number)
            words.append(wish.word if wish else "-")
            time.sleep(seconds / 2)
    finally:
        ledger.note("left", **fact)
    ledger.note("finished", **fact)
    return {"done": " ".join([key, place, *words])}


@tool(background=True, deadline=30)
def dig(context: ToolContext, key: str, place: str, seconds: float) -> Done:
    """Do what must be done once, and takes longer than the run's process may live."""
    fact = _begin("dig", context, key, place)
    time.sleep(seconds)
    ledger.note("finished", **fact)
    return {"done": f"{key} {place}"}


@tool(background=True, effect="idempotent", deadline=30)
async def haul(context: ToolContext, key: str, place: str, seconds: float) -> Done:
    """Do what takes long, and may be begun again."""
    fact = _begin("haul", context, key, place)
    await asyncio.sleep(seconds / 2)
    context.progress(0.5, "half")
    await asyncio.sleep(seconds / 2)
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
sign = tool_definition(
    name="sign",
    description="Write the visitor's name into the page, if they agree.",
    input=Place,
    output=Seen,
    needs_approval=True,
    deadline=20,
    patience=PATIENCE,
)

register(
    Assistant(
        name="faults",
        instructions="You say what the plan says.",
        tools=[once, idempotent, read, dig, haul, pay, wonder, look, touch, sign],
        model_name="fake",
        history_tokens=10_000_000,
    )
)
