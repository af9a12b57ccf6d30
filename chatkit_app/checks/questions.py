"""Can the assistants' tools ask what they say that they ask?"""

from __future__ import annotations

import inspect
from collections.abc import Iterator
from typing import Any

from django import forms
from django.core.checks import CheckMessage, Error
from django.forms.models import BaseModelForm

from chatkit_app.engine.jobs import JobTool
from chatkit_app.engine.questions import name_of, question_of
from chatkit_app.engine.tools import ServerTool, ToolDefinition
from chatkit_app.forms.fields import obstacle
from chatkit_app.registry import assistants


def check_questions(**_: Any) -> list[CheckMessage]:
    """Every question can be asked, and its answer can come back."""
    return [
        message
        for where, kinds in _declared()
        for message in _about_kinds(where, kinds)
    ]


def _declared() -> Iterator[tuple[str, tuple[object, ...]]]:
    """The questions of each tool; those of a function's tools are known when it is called."""
    for name in assistants.names():
        tools = assistants.get(name).tools
        if callable(tools):
            continue
        for tool in tools:
            if isinstance(tool, ToolDefinition | ServerTool | JobTool):
                where = f"Assistant {name!r}, tool {tool.name!r}"
                yield where, tool.definition.questions


def _about_kinds(where: str, kinds: tuple[object, ...]) -> Iterator[CheckMessage]:
    for kind in kinds:
        if isinstance(kind, type) and issubclass(kind, forms.BaseForm):
            yield from _about_form(where, kind)
        else:
            yield from _about_schema(where, kind)


def _about_schema(where: str, kind: object) -> Iterator[CheckMessage]:
    try:
        question_of(kind)  # type: ignore[arg-type]  # whatever the site wrote there
    except TypeError as error:
        yield Error(
            f"{where} can't ask {name_of(kind)}: {error}",
            hint="A question is a Pydantic model, a dataclass, a TypedDict or a Django form.",
            id="chatkit.E045",
        )


def _about_form(where: str, kind: type[forms.BaseForm]) -> Iterator[CheckMessage]:
    if reason := _constructors_obstacle(kind):
        yield Error(
            f"{where} can't ask {name_of(kind)}: {reason}.",
            hint="It is made of data= and of what context.ask(…, arguments={…}) gives: the"
            " constructor takes data=, and all its other parameters have defaults.",
            id="chatkit.E047",
        )
    # Fields that a constructor adds are seen when it is asked.
    for name, field in getattr(kind, "base_fields", {}).items():
        if reason := obstacle(field):
            yield Error(
                f"{where} can't ask {name_of(kind)}: its field {name!r} can't be answered, as"
                f" {reason}.",
                hint="Ask in a form without it.",
                id="chatkit.E046",
            )


def _constructors_obstacle(kind: type[forms.BaseForm]) -> str:
    options = getattr(kind, "_meta", None)  # ModelForm itself has none
    if issubclass(kind, BaseModelForm) and not getattr(options, "model", None):
        return "it has no Meta.model"
    parameters = inspect.signature(kind).parameters.values()
    variadic = (inspect.Parameter.VAR_POSITIONAL, inspect.Parameter.VAR_KEYWORD)
    needed = [
        each.name
        for each in parameters
        if each.default is each.empty and each.kind not in variadic
    ]
    if needed:
        return f"its constructor needs {', '.join(needed)}"
    takes_data = any(
        each.name == "data" or each.kind is each.VAR_KEYWORD for each in parameters
    )
    return "" if takes_data else "its constructor takes no data="
