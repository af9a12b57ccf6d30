"""The limit: bare Channels consumers that send on what the provider says, and keep nothing.

``/typed/`` reads the SDK's typed events, as its documentation shows it; ``/dicts/`` reads plain dicts
over the transport that the app would take, to tell what is the SDK's share.
"""

from __future__ import annotations

import asyncio
import json
import os
from collections.abc import AsyncIterator
from typing import Any

import django
from django.conf import settings

settings.configure(SECRET_KEY="bench", ALLOWED_HOSTS=["*"], INSTALLED_APPS=["channels"])
django.setup()

from channels.generic.websocket import AsyncWebsocketConsumer  # noqa: E402
from channels.routing import ProtocolTypeRouter, URLRouter  # noqa: E402
from django.urls import path  # noqa: E402
from openai import AsyncOpenAI, AsyncStream, DefaultAioHttpClient  # noqa: E402

INSTRUCTIONS = "You are measured."
TOOL: dict[str, Any] = {
    "type": "function",
    "name": "look",
    "description": "Look at the page.",
    "parameters": {"type": "object", "properties": {}, "additionalProperties": False},
    "strict": False,
}

where = {"api_key": "bench", "base_url": os.environ["OPENAI_BASE_URL"]}
typed = AsyncOpenAI(**where)
try:
    plain = AsyncOpenAI(**where, http_client=DefaultAioHttpClient())
except RuntimeError:  # aiohttp is not installed
    plain = AsyncOpenAI(**where)


class Bare(AsyncWebsocketConsumer):
    """Asks, and sends on."""

    items: list[Any]
    task: asyncio.Task[None]

    async def receive(
        self, text_data: str | None = None, bytes_data: bytes | None = None
    ) -> None:
        frame = json.loads(text_data or "{}")
        if frame["type"] == "send":
            self.items = [{"type": "message", "role": "user", "content": frame["text"]}]
        else:
            output = json.dumps(frame["output"])
            self.items.append(
                {
                    "type": "function_call_output",
                    "call_id": frame["id"],
                    "output": output,
                }
            )
        self.task = asyncio.create_task(self.answer())  # the next frame may be a "stop"

    async def answer(self) -> None:
        """Stream one answer; a call of the tool goes to the page."""
        kind, field = "end", ""
        async for delta, call in self.happening():
            if delta:
                await self.send(json.dumps({"type": "delta", "delta": delta}))
            if call:
                self.items.append(call)
                kind, field = "call", call["call_id"]
        await self.send(json.dumps({"type": kind, "id": field}))

    def happening(self) -> AsyncIterator[tuple[str, dict[str, Any] | None]]:
        """Deltas and calls."""
        raise NotImplementedError


class Typed(Bare):
    """Everybody's way."""

    async def happening(self) -> AsyncIterator[tuple[str, dict[str, Any] | None]]:
        stream = await typed.responses.create(
            model="bench",
            instructions=INSTRUCTIONS,
            input=self.items,
            tools=[TOOL],  # type: ignore[list-item]
            stream=True,
            store=False,
        )
        async for event in stream:
            if event.type == "response.output_text.delta":
                yield event.delta, None
            elif (
                event.type == "response.output_item.done"
                and event.item.type == "function_call"
            ):
                yield "", event.item.model_dump()


class Dicts(Bare):
    """Without the SDK's types."""

    async def happening(self) -> AsyncIterator[tuple[str, dict[str, Any] | None]]:
        body = {
            "model": "bench",
            "instructions": INSTRUCTIONS,
            "input": self.items,
            "tools": [TOOL],
            "stream": True,
            "store": False,
        }
        stream = await plain.post(
            "/responses",
            content=json.dumps(body).encode(),
            cast_to=object,
            stream=True,
            stream_cls=AsyncStream[object],
        )
        async for event in stream:
            assert isinstance(event, dict)
            if event["type"] == "response.output_text.delta":
                yield event["delta"], None
            elif (
                event["type"] == "response.output_item.done"
                and event["item"]["type"] == "function_call"
            ):
                yield "", event["item"]


async def nothing(scope: Any, receive: Any, send: Any) -> None:
    """It only tells that the server is up."""
    await send({"type": "http.response.start", "status": 204, "headers": []})
    await send({"type": "http.response.body"})


application = ProtocolTypeRouter(
    {
        "http": nothing,
        "websocket": URLRouter(
            [path("typed/", Typed.as_asgi()), path("dicts/", Dicts.as_asgi())]
        ),
    }
)
