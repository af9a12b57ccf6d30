"""The schemas of a thread's tools, to tell their values by: those that the code still has as they were."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from chatkit_app.engine.tools import ToolDefinition
from chatkit_app.models import ToolCall
from chatkit_app.registry import assistants


def definitions_of(assistant: str) -> Mapping[str, ToolDefinition[Any, Any]]:
    """An assistant's tools by name.

    Not those of a ``tools=`` function: it would have to be asked for a visitor who isn't here.
    """
    try:
        tools = assistants.get(assistant).tools
    except LookupError:
        return {}
    if callable(tools):
        return {}
    return {tool.definition.name: tool.definition for tool in tools}


def definition_of(
    call: ToolCall, known: Mapping[str, ToolDefinition[Any, Any]]
) -> ToolDefinition[Any, Any] | None:
    """The definition that the call was made by, if it has not been changed since."""
    found = known.get(call.name)
    is_the_same = found is not None and found.digest == call.schema_digest
    return found if is_the_same else None
