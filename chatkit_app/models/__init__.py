"""The tables. What a row means is written at its class; rows are changed in ``runs`` and ``threads``.

Every change of state is one conditional update in one transaction together with its event.
Lock order everywhere: command, runs by id, threads by id, tool calls, interrupts.
"""

from __future__ import annotations

from chatkit_app.models.attachments import Attachment
from chatkit_app.models.base import new_id
from chatkit_app.models.log import Command, Event
from chatkit_app.models.people import AccessLog, Feedback, Share
from chatkit_app.models.runs import Interrupt, Run, Step, ToolCall
from chatkit_app.models.threads import Message, Part, Thread
from chatkit_app.models.usage import Tally, Usage

__all__ = [
    "AccessLog",
    "Attachment",
    "Command",
    "Event",
    "Feedback",
    "Interrupt",
    "Message",
    "Part",
    "Run",
    "Share",
    "Step",
    "Tally",
    "Thread",
    "ToolCall",
    "Usage",
    "new_id",
]
