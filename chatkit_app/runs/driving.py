"""The loop for one drive of a run: what the rows, the site and its settings make of it."""

from __future__ import annotations

import asyncio
import contextvars
from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import TypeVar

from django.utils import translation

from chatkit_app.conf import settings
from chatkit_app.engine.asking import Retries
from chatkit_app.engine.calls import Call
from chatkit_app.engine.context import ToolContext
from chatkit_app.engine.loop import Brief, Loop
from chatkit_app.engine.settling import MakeContext
from chatkit_app.engine.telling import Told
from chatkit_app.models import new_id
from chatkit_app.runs.briefing import brief, dependencies_for
from chatkit_app.runs.claiming import Loaded
from chatkit_app.runs.redacting import redaction
from chatkit_app.runs.tool_threads import call_in_thread

T = TypeVar("T")

ASK_SECONDS = 60.0
"""How long the site may take to say what its assistant is."""


async def make_loop(loaded: Loaded, check: Callable[[], Awaitable[None]]) -> Loop:
    """Ask the site what its assistant is, and make the loop; ``check`` is ``Loop.check``."""
    told = await _brief(loaded)
    return Loop(
        work=loaded.work,
        brief=told,
        provider=loaded.provider,
        in_thread=in_tool_thread,
        context=_contexts(loaded, told),
        new_id=new_id,
        retries=_retries(),
        now=loaded.now,
        max_output_bytes=settings.MAX_OUTPUT_BYTES,
        redaction=redaction(),
        check=check,
    )


def _contexts(loaded: Loaded, told: Brief) -> MakeContext:
    def context(call: Call, teller: Told, cancelled: Callable[[], bool]) -> ToolContext:
        return ToolContext(
            viewer=loaded.viewer,
            assistant=loaded.run.thread.assistant,
            thread_id=loaded.run.thread_id,
            run_id=loaded.run.pk,
            tool_call_id=call.tool_call_id,
            page=told.page,
            dependencies=told.dependencies,
            teller=teller,
            cancelled=cancelled,
        )

    return context


def _retries() -> Retries:
    return Retries(
        tries=settings.PROVIDER_TRIES,
        first=settings.PROVIDER_PAUSE_SECONDS,
        takes_back=settings.BROKEN_STEP == "void",
    )


async def _brief(loaded: Loaded) -> Brief:
    """Ask the site, in a thread of the tools': it may be slow, and the ORM's threads are few."""
    async with asyncio.timeout(ASK_SECONDS):
        told = await in_tool_thread(lambda: brief(loaded.run, loaded.viewer))
        made = await dependencies_for(
            loaded.run, loaded.viewer, told.page, in_thread=in_tool_thread
        )
        return replace(told, dependencies=made)


async def in_tool_thread(function: Callable[[], T]) -> T:
    """Run the site's sync code in the bounded pool, with the caller's context and language."""
    language = translation.get_language()  # Django's is the thread's, not the context's

    def speaking() -> T:
        with translation.override(language):
            return function()

    return await call_in_thread(contextvars.copy_context(), speaking)
