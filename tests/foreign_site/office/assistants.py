"""One assistant, with a tool of each kind."""

from __future__ import annotations

from chatkit_app.engine.assistant import Assistant
from chatkit_app.engine.tools import ToolContext, tool, tool_definition
from chatkit_app.registry import register


@tool
def clock_in(context: ToolContext, minutes_late: int) -> str:
    """Write down when somebody came."""
    return f"{minutes_late} minutes late"


read_badge = tool_definition(
    name="read_badge", description="Read the badge that the visitor wears."
)

register(Assistant(name="desk", instructions="Be kind.", tools=[clock_in, read_badge]))
