"""The assistant that is measured: a line of instructions and one client tool."""

from __future__ import annotations

from typing_extensions import TypedDict

from chatkit_app.engine.assistant import Assistant
from chatkit_app.engine.tools import tool_definition
from chatkit_app.registry import register


class Seen(TypedDict):
    """What the page shows."""

    text: str


register(
    Assistant(
        name="bench",
        model_name="bench",
        instructions="You are measured.",
        tools=[
            tool_definition(name="look", description="Look at the page.", output=Seen)
        ],
    )
)
