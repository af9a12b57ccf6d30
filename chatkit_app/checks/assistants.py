"""Do the assistants name what exists, and can their tools be told apart?"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from difflib import get_close_matches
from typing import Any

from django.apps import apps
from django.conf import settings as django_settings
from django.contrib.auth import get_permission_codename
from django.core.checks import CheckMessage, Error
from django.core.checks import Warning as Caution
from pydantic import BaseModel

from chatkit_app.checks.values import is_count, is_time
from chatkit_app.engine.assistant import Assistant, Titles
from chatkit_app.engine.jobs import JobTool
from chatkit_app.engine.tools import ServerTool, ToolDefinition
from chatkit_app.registry import assistants

COUNTS = ("max_steps", "max_output_bytes", "history_tokens")
OPTIONAL_COUNTS = ("max_calls", "max_tokens")


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
    yield from _about_titles(assistant)
    yield from _about_limits(assistant)
    yield from _about_page(assistant)
    if not callable(assistant.tools):  # a function's tools are known when it is called
        yield from _about_tools(assistant.name, assistant.tools)
    known = {id(tool): tool for tool in assistant.known_tools or ()}
    yield from _about_permissions(assistant.name, [*known.values()])


def _about_titles(assistant: Assistant) -> Iterator[CheckMessage]:
    titles = assistant.titles
    if not isinstance(titles, Titles) or not titles.provider:
        return
    known = getattr(django_settings, "CHATKIT_PROVIDERS", None) or {}
    if titles.provider not in known:
        yield Error(
            f"Assistant {assistant.name!r}: its titles are to be written by"
            f" {titles.provider!r}, which CHATKIT_PROVIDERS does not have.",
            hint="Leave it out for the assistant's own provider.",
            id="chatkit.E066",
        )


def _about_limits(assistant: Assistant) -> Iterator[CheckMessage]:
    for name in (*COUNTS, *OPTIONAL_COUNTS, "max_seconds"):
        value = getattr(assistant, name)
        if value is None and name not in COUNTS:
            continue
        is_right = is_time if name == "max_seconds" else is_count
        if not is_right(value):
            what = "seconds above 0" if is_right is is_time else "a whole number from 1"
            yield Error(
                f"Assistant {assistant.name!r}: {name} is {value!r}, not {what}.",
                hint="Leave it out for the default, which docs/tools.md tells.",
                id="chatkit.E051",
            )


def _about_page(assistant: Assistant) -> Iterator[CheckMessage]:
    page: object = assistant.page
    make: object = assistant.dependencies
    is_model = isinstance(page, type) and issubclass(page, BaseModel)
    if page is not None and not is_model:
        yield Error(
            f"Assistant {assistant.name!r}: page is {page!r}, no Pydantic model.",
            hint="Give it the class: Assistant(page=ShopPage).",
            id="chatkit.E052",
        )
    if make is not None and not callable(make):
        yield Error(
            f"Assistant {assistant.name!r}: dependencies is no function.",
            hint="Give it one that takes the viewer and the page, and makes them.",
            id="chatkit.E053",
        )


def _about_permissions(
    assistant: str, tools: Sequence[object]
) -> Iterator[CheckMessage]:
    known = _permissions()
    for tool in tools:
        if not known or not isinstance(tool, ToolDefinition | ServerTool | JobTool):
            continue
        for option in ("permission", "approved_by"):
            name = getattr(tool.definition, option)
            if name == "" or callable(name) or name in known:
                continue
            near = get_close_matches(name, known, n=1)
            meant = f"Is {near[0]} meant? " if near else ""
            yield Caution(
                f"Assistant {assistant!r}: {option} of tool {tool.name!r} is {name!r}, which no"
                " model here has: only superusers have it.",
                hint=f"{meant}Permissions come with the models, add, change, delete and view, and"
                " from their Meta.permissions. Silence this where a backend or a migration of"
                " yours makes it.",
                id="chatkit.W056",
            )


def _permissions() -> set[str]:
    """The permissions that migrating makes of the models, by their full names; no database is asked.

    None where nothing makes any.
    """
    if not apps.is_installed("django.contrib.auth"):
        return set()
    return {
        f"{options.app_label}.{codename}"
        for options in (model._meta for model in apps.get_models())
        for codename in (
            *(
                get_permission_codename(each, options)
                for each in options.default_permissions
            ),
            *(codename for codename, _name in options.permissions),
        )
    }


def _about_tools(assistant: str, tools: Sequence[object]) -> Iterator[CheckMessage]:
    names: Counter[str] = Counter()
    for tool in tools:
        if isinstance(tool, ToolDefinition | ServerTool | JobTool):
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
