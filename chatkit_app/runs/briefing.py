"""What an assistant is for one viewer on one page: its instructions and tools, asked of the site."""

from __future__ import annotations

import asyncio
import hashlib
import logging
from collections.abc import Awaitable, Callable, Iterable, Mapping
from dataclasses import dataclass
from inspect import isawaitable
from typing import Any, TypeVar
from uuid import UUID

from django.conf import settings
from django.contrib.auth import get_user_model
from django.core.exceptions import ImproperlyConfigured
from django.utils import translation

from chatkit_app.access import policy
from chatkit_app.conf import settings as chatkit_settings
from chatkit_app.engine.assistant import Assistant, Page
from chatkit_app.engine.loop import Brief
from chatkit_app.engine.page_tools import definition_of, stored_tools
from chatkit_app.engine.pages import read_page
from chatkit_app.engine.tools import Tool
from chatkit_app.engine.viewer import Viewer
from chatkit_app.models import Run, Thread
from chatkit_app.registry import assistants
from chatkit_app.runs.attached import read_attachment

logger = logging.getLogger(__name__)

T = TypeVar("T")


@dataclass(frozen=True, slots=True, kw_only=True)
class Offer:
    """The tools that a viewer gets, by name, and the names of those that they may not use.

    ``known`` are all of them: what was allowed to begin may end, though a right was withdrawn since.
    """

    tools: Mapping[str, Tool]
    withheld: frozenset[str]
    known: Mapping[str, Tool]


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


def page_of_run(run: Run, assistant: Assistant) -> Page:
    """What the page told of itself with the message, as the assistant declares it now.

    It was valid then. Where newer code has another model that it does not fit, it counts as told by
    nobody: a deploy ends no run.
    """
    told = run.context.get("page")
    try:
        return read_page(assistant.page, told if isinstance(told, dict) else {})
    except Exception as error:  # noqa: BLE001 (the site's own validators run in there)
        logger.warning(
            "The page of run %s does not fit assistant %r any more (%s): its functions get None.",
            run.pk,
            assistant.name,
            type(error).__name__,
        )
        return None


def brief(run: Run, viewer: Viewer) -> Brief:
    """Ask the site what its assistant is; sync, in a thread that may be kept long.

    Raises:
        UnknownAssistant: No such assistant is registered any more.
        ImproperlyConfigured: Two of its tools have one name.
    """
    assistant = assistants.get(run.thread.assistant)
    page = page_of_run(run, assistant)
    instructions = assistant.instructions
    if callable(instructions):
        instructions = _resolved(instructions(viewer, page))
    offer = offer_of(run, assistant, viewer, page)
    return Brief(
        instructions=instructions,
        tools=offer.tools,
        withheld=offer.withheld,
        permits=lambda tool: may_use(tool, viewer_of_run(run, run.thread)),
        tab=str(run.context.get("tab") or ""),
        page=page,
        model_name=run.model_name or assistant.model_name,
        options=assistant.options,
        max_steps=assistant.max_steps,
        limits=assistant.limits,
        history_tokens=assistant.history_tokens,
        read_file=read_attachment,
        file_bytes=chatkit_settings.TOLD_ATTACHMENT_BYTES,
        safety_key=hashlib.sha256(f"{viewer.tenant}/{viewer.key}".encode()).hexdigest()[
            :32
        ],
    )


def tools_of_run(run: Run) -> Offer:
    """The tools of a run as whoever started it has them now; ``run`` has its thread with it.

    Raises:
        UnknownAssistant: No such assistant is registered any more.
    """
    assistant = assistants.get(run.thread.assistant)
    viewer = viewer_of_run(run, run.thread)
    return offer_of(run, assistant, viewer, page_of_run(run, assistant))


def offer_of(run: Run, assistant: Assistant, viewer: Viewer, page: Page) -> Offer:
    """The assistant's tools for this viewer, and those that the page has declared for this run.

    A name of the assistant's is never the page's: not of a tool that is withheld, nor of one that its
    function gives to others, where ``all_tools`` tells of it.
    """
    offer = tools_for(assistant, viewer, page)
    if not assistant.page_tools:
        return offer
    taken = offer.withheld | {tool.name for tool in assistant.known_tools or ()}
    declared = {
        tool.name: definition_of(tool)
        for tool in stored_tools(run.client_tools)
        if tool.name not in taken
    }
    return Offer(
        tools={**declared, **offer.tools},
        withheld=offer.withheld,
        known={**declared, **offer.known},
    )


def tools_for(assistant: Assistant, viewer: Viewer, page: Page) -> Offer:
    """The assistant's own tools, by name, without those that this viewer may not use.

    Raises:
        ImproperlyConfigured: Two of them have one name.
    """
    given = assistant.tools
    if callable(given):
        given = _resolved(given(viewer, page))
    tools = _by_name(assistant, given)
    withheld = frozenset(
        name for name, tool in tools.items() if not may_use(tool, viewer)
    )
    offered = {name: tool for name, tool in tools.items() if name not in withheld}
    return Offer(tools=offered, withheld=withheld, known=tools)


def _by_name(assistant: Assistant, given: Iterable[Tool]) -> dict[str, Tool]:
    tools: dict[str, Tool] = {}
    for tool in given:
        if tools.setdefault(tool.definition.name, tool) is not tool:
            raise ImproperlyConfigured(
                f"Assistant {assistant.name!r} has two tools called {tool.definition.name!r}."
            )
    return tools


def may_use(tool: Tool, viewer: Viewer) -> bool:
    """Whether the tool's permission is this viewer's; a rule that fails lets nobody in.

    A user remembers what they were asked for: a fresh answer takes a fresh viewer.
    """
    permission = tool.definition.permission
    if not permission:
        return True
    try:
        if callable(permission):
            return bool(_resolved(permission(viewer)))
        return policy().can_use(viewer, permission)
    except Exception:
        logger.exception(
            "The permission of tool %s can't be told", tool.definition.name
        )
        return False


async def dependencies_for(
    run: Run,
    viewer: Viewer,
    page: Page,
    *,
    in_thread: Callable[[Callable[[], object]], Awaitable[object]],
) -> Any:
    """What the site makes for one drive of a run; None where it makes nothing.

    It is called in a thread, where it may use the ORM; what it returns to be awaited is awaited here,
    on the loop on which the async tools run: a client that it opens belongs to that loop.
    """
    make = assistants.get(run.thread.assistant).dependencies
    if make is None:
        return None
    made = await in_thread(lambda: make(viewer, page))
    return await made if isawaitable(made) else made


def _resolved(found: T | Awaitable[T]) -> T:
    return asyncio.run(_awaited(found)) if isinstance(found, Awaitable) else found


async def _awaited(found: Awaitable[T]) -> T:
    return await found
