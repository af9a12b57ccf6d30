"""The test site's assistant. Its model is a script that the visitor's own message spells out:

    say Hello.              call add {"a": 1, "b": 2}         pause 0.5
    think About it.         fail rate_limited | unavailable | rejected | context
    break                   stall                             huge add 1000000
                            "break 2 key", "fail unavailable 2 key": only the first two times
    ---                     what follows is said in the next step, after the calls' results

After its last step it quotes the results of its tools. Without any such line it echoes.
"""

from __future__ import annotations

import asyncio
import base64
import os
import threading
import time
from collections import Counter
from pathlib import Path

from django.utils.translation import get_language
from pydantic import BaseModel
from typing_extensions import TypedDict

from chatkit_app.engine.assistant import Assistant
from chatkit_app.engine.messages import FilePart, Message, TextPart, ToolResultPart
from chatkit_app.engine.provider import ProviderRequest
from chatkit_app.engine.states import Role
from chatkit_app.engine.tools import ToolContext, tool, tool_definition
from chatkit_app.engine.viewer import Viewer
from chatkit_app.exceptions import (
    ProviderContextExceeded,
    ProviderRateLimited,
    ProviderRejected,
    ProviderUnavailable,
    ToolError,
)
from chatkit_app.providers.scripted import (
    BreakOff,
    Call,
    Fail,
    Line,
    Pause,
    Say,
    Script,
    ScriptedProvider,
    Stall,
    Think,
    rounds_of_calls,
)
from chatkit_app.registry import register
from tests.asking_tools import ASKING_TOOLS
from tests.job_tools import JOB_TOOLS
from tests.ledger import ledger
from tests.trading_tools import TRADING_TOOLS

FAILURES = {
    "rate_limited": ProviderRateLimited("Too many requests."),
    "unavailable": ProviderUnavailable("The model is away."),
    "rejected": ProviderRejected("The key was refused."),
    "context": ProviderContextExceeded("The thread is too long."),
}


def spelled_out(request: ProviderRequest) -> Script:
    """The script that the last message of the visitor spells out."""
    asked = max(n for n, m in enumerate(request.messages) if m.role is Role.USER)
    parts = request.messages[asked].parts
    text = "\n".join(_in_words(p) for p in parts if isinstance(p, TextPart | FilePart))
    answered = request.messages[asked + 1 :]
    step = sum(rounds_of_calls(message) for message in answered)
    steps = text.split("\n---\n")
    if step < len(steps):
        lines = [_line(line) for line in steps[step].splitlines() if line.strip()]
        return tuple(lines)
    return (Say("Results: " + " | ".join(_results(answered))),)


def _in_words(part: TextPart | FilePart) -> str:
    if isinstance(part, TextPart):
        return part.text
    size = len(base64.b64decode(part.data))
    return f"say Got {part.name}, {part.media_type}, {size} bytes."


def _line(text: str) -> Line:
    word, _, rest = text.strip().partition(" ")
    if word == "say":
        return Say(rest)
    if word == "think":
        return Think(rest)
    if word == "call":
        name, _, arguments = rest.partition(" ")
        return Call(name, arguments or "{}")
    if word == "huge":
        name, size = rest.split()
        return Call(name, f'{{"text": "{"x" * int(size)}"}}')
    if word == "pause":
        return Pause(float(rest))
    if word == "fail":
        name, _, times = rest.partition(" ")
        return Fail(FAILURES[name]) if _is_due(text, times) else Pause(0.0)
    if word == "break":
        return BreakOff() if _is_due(text, rest) else Pause(0.0)
    if word == "stall":
        return Stall() if _is_due(text, rest) else Pause(0.0)
    return Say(f"You said: {text.strip()}")


_seen: Counter[str] = Counter()


def _is_due(line: str, times: str) -> bool:
    """Is a line with a number done once more? Counted by the whole line, and across a restart."""
    if not times:
        return True
    path = os.environ.get("CHATKIT_TEST_LEDGER")
    if path:
        with Path(path + ".seen").open("a+") as file:
            file.write(line + "\n")
            file.seek(0)
            seen = file.read().splitlines().count(line)
    else:
        _seen[line] += 1
        seen = _seen[line]
    return seen <= int(times.split()[0])


def _results(messages: tuple[Message, ...]) -> list[str]:
    return [
        part.content
        for message in messages
        for part in message.parts
        if isinstance(part, ToolResultPart)
    ]


def make_provider() -> ScriptedProvider:
    """The test site's provider; a word a delta."""
    return ScriptedProvider(
        spelled_out, delay=float(os.environ.get("CHATKIT_TEST_DELAY", "0"))
    )


class Sum(TypedDict):
    total: int


@tool(effect="read")
def add(a: int, b: int) -> Sum:
    """Add two numbers.

    Args:
        a: The one.
        b: The other.
    """
    return {"total": a + b}


@tool(effect="read")
async def whoami(context: ToolContext) -> str:
    """Tell who is asking."""
    return context.viewer.key


@tool(effect="read")
def language() -> str:
    """Tell which language is active."""
    return get_language() or ""


@tool(effect="read")
def boom() -> str:
    """Fail with a secret in the exception."""
    raise RuntimeError("secret-of-the-server")


@tool(effect="read")
def refuse() -> str:
    """Fail with words for the model."""
    raise ToolError("That is not possible on Sundays.")


@tool(effect="read")
def report(steps: int = 3, seconds: float = 0.05) -> str:
    """Work for a while without telling how far it is."""
    time.sleep(steps * seconds)
    return "done"


@tool(effect="read")
def slow_report(context: ToolContext, steps: int = 3, seconds: float = 0.2) -> str:
    """Work for a while and tell how far it is."""
    for step in range(steps):
        context.progress((step + 1) / steps, f"step {step + 1} of {steps}")
        time.sleep(seconds)
    return "done"


@tool(effect="read", timeout=0.2)
async def never() -> str:
    """Never return."""
    await asyncio.Event().wait()
    return ""


@tool
def pay(context: ToolContext, seconds: float = 0.0) -> str:
    """Do something that must be done once."""
    ledger(f"pay {context.tool_call_id}")
    time.sleep(seconds)
    return "paid"


@tool(effect="idempotent")
def book(context: ToolContext, seconds: float = 0.0) -> str:
    """Do something that may be repeated under its id."""
    ledger(f"book {context.tool_call_id}")
    time.sleep(seconds)
    return "booked"


@tool(effect="read")
def thread_name() -> str:
    """Tell in which thread a sync tool runs."""
    return threading.current_thread().name


class Selection(TypedDict):
    text: str


class Colour(TypedDict):
    colour: str


read_selection = tool_definition(
    name="read_selection",
    description="Read the text that is selected in the page.",
    output=Selection,
)
paint = tool_definition(
    name="paint", description="Paint the page.", input=Colour, output=Selection
)
nobody = tool_definition(
    name="nobody", description="No page has a handler for this.", output=Selection
)
impatient = tool_definition(
    name="impatient",
    description="Asks a page for a moment.",
    output=Selection,
    deadline=1.0,
)
order_once = tool_definition(
    name="order_once",
    description="Do something in the page that must be done once.",
    output=Selection,
    effect="once",
)
erase_notes = tool_definition(
    name="erase_notes",
    description="Erase what the page has noted, if the visitor agrees.",
    output=Selection,
    needs_approval=True,
)
ring_bell = tool_definition(
    name="ring_bell",
    description="Ring a bell in the page: not for everybody.",
    output=Selection,
    permission="auth.change_group",
)
add_in_page = tool_definition(
    name="hybrid", description="Either way.", output=Selection
)
hybrid_on_server = add_in_page.server(lambda _input: {"text": "server"})


SERVER_TOOLS = [
    *TRADING_TOOLS,
    add,
    whoami,
    boom,
    language,
    refuse,
    report,
    slow_report,
    never,
    pay,
    book,
    thread_name,
]
CLIENT_TOOLS = [
    erase_notes,
    ring_bell,
    read_selection,
    paint,
    nobody,
    impatient,
    order_once,
]


class Whereabouts(BaseModel):
    """What a page of the test site may tell of itself."""

    path: str = "no page"
    title: str = ""


def tools_of(viewer: Viewer, page: Whereabouts | None) -> list[object]:
    """Those who have logged in get the hybrid on the server."""
    return [
        *SERVER_TOOLS,
        *CLIENT_TOOLS,
        *ASKING_TOOLS,
        *JOB_TOOLS,
        add_in_page if viewer.is_anonymous else hybrid_on_server,
    ]


def instructions_of(viewer: Viewer, page: Whereabouts | None) -> str:
    """For whom, and on which page."""
    return f"You help {viewer.key} on {page.path if page else 'no page'}."


register(
    Assistant(
        name="test",
        title="Test assistant",
        greeting="Ask me anything.",
        suggestions=("say Hello there.",),
        instructions=instructions_of,
        tools=tools_of,
        all_tools=[
            *SERVER_TOOLS,
            *CLIENT_TOOLS,
            *ASKING_TOOLS,
            *JOB_TOOLS,
            add_in_page,
        ],
        page=Whereabouts,
        attachments=True,
        max_steps=6,
    )
)
