"""Do the assistants name what exists, and can their tools be told apart?"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Any

from django.conf import settings as django_settings
from django.core.checks import CheckMessage, Error

from chatkit_app.engine.assistant import Assistant
from chatkit_app.engine.tools import ServerTool, ToolDefinition
from chatkit_app.registry import assistants


def check_assistants(**_: Any) -> list[CheckMessage]:
    """What assistants name exists, and their tools can be told apart."""
    return [
        message
        for name in assistants.names()
        for message in _about_assistant(assistants.get(name))
    ]


def _about_assistant(assistant: Assistant) -> Iterator[CheckMessage]:
    if assistant.provider not in (
        getattr(django_settings, "CHATKIT_PROVIDERS", None) or {}
    ):
        yield Error(
            f"Assistant {assistant.name!r}: CHATKIT_PROVIDERS has no"
            f" {assistant.provider!r}.",
            hint="Declare it there, or give the assistant the alias of another one.",
            id="chatkit.E010",
        )
    if not callable(assistant.tools):  # a function's tools are known when it is called
        yield from _about_tools(assistant.name, assistant.tools)


def _about_tools(assistant: str, tools: Sequence[object]) -> Iterator[CheckMessage]:
    names: Counter[str] = Counter()
    for tool in tools:
        if isinstance(tool, ToolDefinition | ServerTool):
            names[tool.name] += 1
        else:
            yield Error(
                f"Assistant {assistant!r}: {tool!r} is no tool.",
                hint="Decorate the function with @tool.",
                id="chatkit.E011",
            )
    for name, count in names.items():
        if count > 1:
            yield Error(
                f"Assistant {assistant!r} has {count} tools called {name!r}.",
                hint="Of a hybrid tool, give it the half that shall run.",
                id="chatkit.E012",
            )
