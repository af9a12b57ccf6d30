"""What a fake OpenAI may be told to do: the provider scripts' lines, and faults of servers."""

from __future__ import annotations

import json
import re
import uuid
from dataclasses import dataclass, field

from chatkit_app.providers.scripted import (
    BreakOff,
    Call,
    Pause,
    Say,
    Stall,
    Think,
)


@dataclass(frozen=True, slots=True)
class Status:
    """An HTTP error instead of an answer."""

    status: int
    code: str | None = None
    message: str = "It failed."
    param: str | None = None
    headers: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class ErrorEvent:
    """The stream says that something failed, then ends."""

    code: str = "server_error"
    message: str = "It failed in the middle."


@dataclass(frozen=True, slots=True)
class Finish:
    """The answer ends early: ``length`` or ``content_filter``."""

    reason: str


@dataclass(frozen=True, slots=True)
class Reset:
    """The connection is reset (RST)."""


@dataclass(frozen=True, slots=True)
class Raw:
    """Exactly these events, text as the data itself. The stream ends without a finish."""

    events: tuple[dict[str, object] | str, ...]


Control = Pause | Stall | BreakOff | Reset
Line = Say | Think | Call | Control | Status | ErrorEvent | Finish | Raw
Script = tuple[Line, ...]
Event = dict[str, object]
Data = Event | str | Control

ENCRYPTED = (
    "gAAAA-"  # what a fake's encrypted content begins with; others can't be read
)


def pieces(line: Say | Think | Call) -> list[str]:
    if line.pieces:
        return list(line.pieces)
    return re.findall(
        r"\s*\S+|\s+", arguments(line) if isinstance(line, Call) else line.text
    )


def arguments(line: Call) -> str:
    return (
        line.arguments
        if isinstance(line.arguments, str)
        else json.dumps(line.arguments)
    )


def new_id(prefix: str) -> str:
    return f"{prefix}_{uuid.uuid4().hex}"


def usage_of(script: Script) -> tuple[int, int]:
    thought = sum(len(pieces(line)) for line in script if isinstance(line, Think))
    said = sum(len(pieces(line)) for line in script if isinstance(line, Say | Call))
    return thought, said + thought
