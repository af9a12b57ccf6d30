"""Can the tools' types be told to a model, and where is it not held to them?"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Any

from django.core.checks import CheckMessage, Error, Info
from django.core.checks import Warning as Caution

from chatkit_app.engine.assistant import Assistant
from chatkit_app.engine.tools import Tool, ToolDefinition
from chatkit_app.registry import assistants


def check_tools(**_: Any) -> list[CheckMessage]:
    """All tools are known, and their types can work."""
    return [
        message
        for name in assistants.names()
        for message in _about(assistants.get(name))
    ]


def check_strictness(**_: Any) -> list[CheckMessage]:
    """Which tools' arguments the model may get wrong while it writes; they are checked either way."""
    return [
        message
        for name in assistants.names()
        for message in _loose(name, _definitions(assistants.get(name).known_tools))
    ]


def _about(assistant: Assistant) -> Iterator[CheckMessage]:
    if assistant.known_tools is None:
        yield Caution(
            f"Assistant {assistant.name!r} chooses its tools by a function, so they can't be looked"
            " at.",
            hint="Name all that it may give in all_tools= of the assistant.",
            id="chatkit.W050",
        )
    yield from _about_names(assistant)
    for definition in _definitions(assistant.known_tools):
        for fault in definition.faults:
            yield Error(
                f"Assistant {assistant.name!r}, tool {definition.name!r}: {fault}.",
                hint="What goes in and comes out is JSON: plain types, Pydantic models, dataclasses,"
                " TypedDicts. A run that would offer the tool as it is fails.",
                id="chatkit.E040",
            )


def _about_names(assistant: Assistant) -> Iterator[CheckMessage]:
    names = Counter(one.name for one in _definitions(assistant.all_tools))
    for name, times in names.items():
        if times > 1:
            yield Error(
                f"Assistant {assistant.name!r} may have {times} different tools called {name!r}.",
                hint="Both halves of a hybrid tool come from one definition.",
                id="chatkit.E041",
            )


def _definitions(tools: Sequence[Tool] | None) -> list[ToolDefinition[Any, Any]]:
    """Each definition once; what is no tool is told by another check."""
    known = [getattr(tool, "definition", None) for tool in tools or ()]
    return list({id(one): one for one in known if one is not None}.values())


def _loose(
    assistant: str, definitions: Sequence[ToolDefinition[Any, Any]]
) -> Iterator[CheckMessage]:
    reasons = [
        f"{one.name} ({one.loose_because})" for one in definitions if one.loose_because
    ]
    if reasons:
        yield Info(
            f"Assistant {assistant!r}: these tools are not in strict mode, so the model may get their"
            f" arguments wrong and has to mend them: {', '.join(reasons)}.",
            hint="Nothing has to be done. docs/types.md says what strict mode takes.",
            id="chatkit.I060",
        )
