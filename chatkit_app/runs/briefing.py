"""What an assistant is for one viewer on one page: its instructions and tools, asked of the site."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Awaitable, Callable, Mapping
from typing import TypeVar
from uuid import UUID

from django.conf import settings
from django.contrib.auth import get_user_model
from django.core.exceptions import ImproperlyConfigured
from django.utils import translation
from pydantic import JsonValue

from chatkit_app.engine.assistant import Assistant
from chatkit_app.engine.loop import Brief
from chatkit_app.engine.tools import Tool
from chatkit_app.engine.viewer import Viewer
from chatkit_app.models import Run, Thread
from chatkit_app.registry import assistants

T = TypeVar("T")


def viewer_of_run(run: Run, thread: Thread) -> Viewer:
    """Whoever started the run, as the row remembers them: no request is at hand any more."""
    user = None
    if run.started_by_id is not None:
        user = get_user_model()._default_manager.filter(pk=run.started_by_id).first()
    visitor = None
    if user is None:
        named = run.context.get("visitor")
        visitor = UUID(named) if named else thread.visitor
    return Viewer(
        user=user,
        visitor=visitor,
        tenant=thread.tenant,
        language=str(run.context.get("language") or ""),
    )


def in_language(viewer: Viewer) -> translation.override:
    """Speak the viewer's language, the site's own where we don't know it."""
    return translation.override(viewer.language or settings.LANGUAGE_CODE)


def page_of_run(run: Run) -> Mapping[str, JsonValue]:
    """What the page told of itself with the message."""
    page = run.context.get("page")
    return page if isinstance(page, dict) else {}


def brief(run: Run, viewer: Viewer) -> Brief:
    """Ask the site what its assistant is; sync, in a thread that may be kept long.

    Raises:
        UnknownAssistant: No such assistant is registered any more.
        ImproperlyConfigured: Two of its tools have one name.
    """
    assistant = assistants.get(run.thread.assistant)
    page = page_of_run(run)
    instructions = assistant.instructions
    if callable(instructions):
        instructions = _resolved(instructions, viewer, page)
    return Brief(
        instructions=instructions,
        tools=tools_for(assistant, viewer, page),
        model_name=run.model_name or assistant.model_name,
        options=assistant.options,
        max_steps=assistant.max_steps,
        history_tokens=assistant.history_tokens,
        safety_key=hashlib.sha256(f"{viewer.tenant}/{viewer.key}".encode()).hexdigest()[
            :32
        ],
    )


def tools_for(
    assistant: Assistant, viewer: Viewer, page: Mapping[str, JsonValue]
) -> dict[str, Tool]:
    """The tools that this viewer gets, by name."""
    given = assistant.tools
    if callable(given):
        given = _resolved(given, viewer, page)
    tools: dict[str, Tool] = {}
    for tool in given:
        if tools.setdefault(tool.definition.name, tool) is not tool:
            raise ImproperlyConfigured(
                f"Assistant {assistant.name!r} has two tools called {tool.definition.name!r}."
            )
    return tools


def _resolved(
    function: Callable[[Viewer, Mapping[str, JsonValue]], T | Awaitable[T]],
    viewer: Viewer,
    page: Mapping[str, JsonValue],
) -> T:
    found = function(viewer, page)
    return asyncio.run(_awaited(found)) if isinstance(found, Awaitable) else found


async def _awaited(found: Awaitable[T]) -> T:
    return await found
