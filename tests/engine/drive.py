"""Driving the engine without a site: ids that count up, a provider that remembers, tools run here."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Callable, Iterator, Sequence
from contextlib import aclosing
from itertools import count
from uuid import UUID

from hypothesis import HealthCheck, settings

from chatkit_app.engine.asking import Retries
from chatkit_app.engine.calls import Call
from chatkit_app.engine.context import Silence
from chatkit_app.engine.loop import Brief, Loop, Work
from chatkit_app.engine.messages import Message, TextPart
from chatkit_app.engine.provider import Provider, ProviderEvent, ProviderRequest
from chatkit_app.engine.settling import Calls
from chatkit_app.engine.states import Role
from chatkit_app.engine.tools import Tool, ToolContext
from chatkit_app.engine.viewer import Viewer

SOON = 5.0
"""Seconds after which a test that waits has failed."""

VISITOR = UUID(int=7)

unhurried = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
"""For properties: a busy machine is no fault."""


def ids(first: int = 1) -> Callable[[], UUID]:
    numbers = count(first)
    return lambda: UUID(int=next(numbers))


def user_says(text: str) -> Message:
    return Message(role=Role.USER, parts=(TextPart(text=text),))


def assistant_says(text: str) -> Message:
    return Message(role=Role.ASSISTANT, parts=(TextPart(text=text),))


class RememberingProvider(Provider):
    """Hands on what another one streams; keeps the requests, and whether each stream was closed."""

    def __init__(self, inner: Provider) -> None:
        self.name = inner.name
        self.requests: list[ProviderRequest] = []
        self.open_streams = 0
        self._inner = inner

    async def stream(self, request: ProviderRequest) -> AsyncGenerator[ProviderEvent]:
        self.requests.append(request)
        self.open_streams += 1
        try:
            async with aclosing(self._inner.stream(request)) as stream:
                async for event in stream:
                    yield event
        finally:
            self.open_streams -= 1


class ListedProvider(Provider):
    """Yields these events and nothing else: also what no real provider should."""

    name = "listed"

    def __init__(self, *found: ProviderEvent) -> None:
        self._found = found

    async def stream(self, request: ProviderRequest) -> AsyncGenerator[ProviderEvent]:
        for event in self._found:
            yield event


async def in_thread(function):
    """Run it in a thread of asyncio's own pool."""
    return await asyncio.to_thread(function)


def context_of(call: Call, teller=None, cancelled=lambda: False) -> ToolContext:
    return ToolContext(
        viewer=Viewer(visitor=VISITOR),
        thread_id=UUID(int=1),
        run_id=UUID(int=2),
        tool_call_id=call.tool_call_id,
        page={"path": "/shop/"},
        teller=teller or Silence(),
        cancelled=cancelled,
    )


def make_calls(
    *tools: Tool, max_parallel: int = 8, max_output_bytes: int = 1000
) -> Calls:
    return Calls(
        tools={tool.definition.name: tool for tool in tools},
        context=context_of,
        in_thread=in_thread,
        message_id="message",
        step_id="step",
        new_id=ids(1000),
        max_parallel=max_parallel,
        max_output_bytes=max_output_bytes,
    )


def call(name: str, arguments: str = "{}", *, number: int = 1, **more) -> Call:
    return Call(
        tool_call_id=UUID(int=number),
        provider_call_id=f"call_{number}",
        name=name,
        arguments=arguments,
        result_index=number,
        **more,
    )


def make_loop(provider: Provider, *tools: Tool, **more) -> Loop:
    """A loop that answers "Hi", unless ``work`` says otherwise; it asks once, unless told to."""
    limits = {
        name: more.pop(name) for name in ("max_steps", "history_tokens") if name in more
    }
    work = Work(run_id=UUID(int=2), message_id=UUID(int=3), history=(user_says("Hi"),))
    brief = Brief(
        instructions="Be brief.",
        tools={tool.definition.name: tool for tool in tools},
        model_name="model-1",
        options={"temperature": 0},
        **{"max_steps": 5, "history_tokens": 1000} | limits,
    )
    return Loop(
        **{
            "work": work,
            "brief": brief,
            "provider": provider,
            "in_thread": in_thread,
            "context": context_of,
            "new_id": ids(100),
            "retries": Retries(tries=1),
        }
        | more
    )


async def collect(stream, into: list | None = None) -> list:
    """All that a stream yields, under a time limit; ``into`` holds also what came before an error."""
    found = [] if into is None else into
    async with asyncio.timeout(SOON), aclosing(stream):
        async for event in stream:
            found.append(event)
    return found


def only(found: Sequence[object], kind: type) -> Iterator:
    return (event for event in found if isinstance(event, kind))
