"""The inspector: threads with readable timelines, and the rows beneath them; all read-only."""

from __future__ import annotations

from chatkit_app.admin.rows import (
    CommandAdmin,
    EventAdmin,
    InterruptAdmin,
    MessageAdmin,
    RunAdmin,
    ToolCallAdmin,
)
from chatkit_app.admin.threads import ThreadAdmin

__all__ = [
    "CommandAdmin",
    "EventAdmin",
    "InterruptAdmin",
    "MessageAdmin",
    "RunAdmin",
    "ThreadAdmin",
    "ToolCallAdmin",
]
