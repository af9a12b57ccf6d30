"""The inspector: threads with readable timelines, and the rows beneath them.

No row is changed here by hand. What the staff do, they do by the commands that pages send, each behind
a permission of its own.
"""

from __future__ import annotations

from chatkit_app.admin.accesses import AccessLogAdmin
from chatkit_app.admin.approvals import InterruptAdmin
from chatkit_app.admin.rows import (
    CommandAdmin,
    EventAdmin,
    MessageAdmin,
    RunAdmin,
    ToolCallAdmin,
)
from chatkit_app.admin.threads import ThreadAdmin

__all__ = [
    "AccessLogAdmin",
    "CommandAdmin",
    "EventAdmin",
    "InterruptAdmin",
    "MessageAdmin",
    "RunAdmin",
    "ThreadAdmin",
    "ToolCallAdmin",
]
