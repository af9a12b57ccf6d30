from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncGenerator
from typing import Any

import pytest

from chatkit_app.engine.provider import PartDelta, ProviderEvent, StepFinished
from chatkit_app.engine.states import FinishReason
from chatkit_app.exceptions import (
    ProviderRejected,
    ProviderUnavailable,
)
from chatkit_app.providers import openai_connection
from chatkit_app.providers.openai_chat import OpenAIChatProvider
from chatkit_app.providers.scripted import Call, Pause, Say, Stall
from tests.providers.asking_a_fake import BOTH, Kind, asked
from tests.providers.fake_openai import KEY
from tests.providers.fake_openai_script import (
    Raw,
    Script,
)
from tests.providers.streams import (
    asking,
    stream,
)

pytestmark = pytest.mark.usefixtures("transport")


SHORT: dict[str, Any] = {
    "connect_timeout": 0.5,
    "first_token_timeout": 0.5,
    "next_token_timeout": 0.5,
}


TINY: dict[str, dict[str, Any]] = {
    "first_token_timeout": {"first_token_timeout": 0.2},
    "next_token_timeout": {"next_token_timeout": 0.2},
    # Until then the first token must have come, on a busy machine too.
    "total_timeout": {"total_timeout": 1.5},
}
MUCH_LATER = 15.0
"""Seconds: far less than without the timeout that is tried."""


@BOTH
@pytest.mark.parametrize("name", ["first_token_timeout", "total_timeout"])
async def test_a_stall_before_the_first_token_ends(kind: Kind, name: str) -> None:
    async with asked(kind, Stall(), **TINY[name]) as (provider, fake):
        began = time.monotonic()
        got = await stream(provider, asking("Hello"))
        assert isinstance(got.failure, ProviderUnavailable)
        assert 0.15 < time.monotonic() - began < MUCH_LATER
        await asyncio.wait_for(fake.disconnected.wait(), MUCH_LATER)


@BOTH
@pytest.mark.parametrize("name", ["next_token_timeout", "total_timeout"])
async def test_a_stall_between_tokens_ends(kind: Kind, name: str) -> None:
    async with asked(kind, Say("Hi", is_whole=False), Stall(), **TINY[name]) as (
        provider,
        fake,
    ):
        began = time.monotonic()
        got = await stream(provider, asking("Hello"))
        assert got.texts == [("text", "Hi")]
        assert isinstance(got.failure, ProviderUnavailable)
        assert 0.15 < time.monotonic() - began < MUCH_LATER
        await asyncio.wait_for(fake.disconnected.wait(), MUCH_LATER)


@BOTH
async def test_the_time_that_the_reader_takes_for_itself_is_no_stall(
    kind: Kind,
) -> None:
    lines = (Say("Good day to you"),)
    async with asked(kind, *lines, next_token_timeout=0.4, first_token_timeout=0.4) as (
        provider,
        _,
    ):
        events: list[ProviderEvent] = []
        async for event in provider.stream(asking("Hello")):
            if len(events) in {0, 2}:
                await asyncio.sleep(0.5)  # a slow reader is what this is about
            events.append(event)
    assert isinstance(events[-1], StepFinished)


@BOTH
async def test_closing_the_stream_closes_the_connection_at_once(kind: Kind) -> None:
    async with asked(kind, Say("Hello", is_whole=False), Stall()) as (provider, fake):
        events = provider.stream(asking("Hello"))
        assert isinstance(events, AsyncGenerator)
        async for event in events:
            if isinstance(event, PartDelta):
                break
        assert not fake.disconnected.is_set()
        await events.aclose()
        await asyncio.wait_for(fake.disconnected.wait(), 1)


@BOTH
async def test_cancelling_the_reader_closes_the_connection_at_once(kind: Kind) -> None:
    async with asked(kind, Stall()) as (provider, fake):
        task = asyncio.create_task(stream(provider, asking("Hello")))
        await asyncio.wait_for(fake.streaming.wait(), 2)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        await asyncio.wait_for(fake.disconnected.wait(), 1)


@BOTH
async def test_one_connection_serves_one_step_after_the_other(kind: Kind) -> None:
    async with asked(kind, Say("Hello"), Call("now")) as (provider, fake):
        for _ in range(3):
            got = await stream(provider, asking("Hello"))
            assert got.finish
    assert len(fake.requests) == 3
    assert fake.connections == 1


@BOTH
async def test_equal_providers_share_a_client_and_others_do_not(kind: Kind) -> None:
    async with asked(kind, Say("Hello")) as (provider, fake):
        twin = kind(api_key=KEY, base_url=fake.base_url)
        other = kind(api_key="sk-other", base_url=fake.base_url)
        assert twin._connection.client() is provider._connection.client()
        assert other._connection.client() is not provider._connection.client()
        await other.aclose()


@BOTH
def test_each_event_loop_has_its_own_client_and_that_of_a_closed_loop_is_forgotten(
    kind: Kind,
) -> None:
    provider = kind(api_key=KEY)

    async def clients() -> tuple[object, object]:
        return provider._connection.client(), provider._connection.client()

    with asyncio.Runner() as runner:
        first, again = runner.run(clients())
        assert first is again
    with asyncio.Runner() as runner:
        assert runner.run(clients())[0] is not first
        places = openai_connection._clients
        assert not [loop for loop, _ in places if loop.is_closed()]
        runner.run(provider.aclose())


@BOTH
async def test_a_key_may_be_a_function_that_is_asked_for_each_request(
    kind: Kind,
) -> None:
    keys = iter(["sk-old", KEY])

    async def key() -> str:
        return next(keys)

    async with asked(kind, Say("Hi"), api_key=key) as (provider, _):
        assert isinstance(
            (await stream(provider, asking("Hello"))).failure, ProviderRejected
        )
        assert (await stream(provider, asking("Hello"))).finish


@BOTH
async def test_a_key_that_cannot_be_had_is_an_unavailable_provider(kind: Kind) -> None:
    def key() -> str:
        raise OSError("the vault is shut")

    async with asked(kind, Say("Hi"), api_key=key) as (provider, fake):
        got = await stream(provider, asking("Hello"))
    assert isinstance(got.failure, ProviderUnavailable)
    assert not fake.requests


@BOTH
async def test_organisation_and_project_are_named(kind: Kind) -> None:
    async with asked(kind, Say("Hi"), organization="org-1", project="proj-1") as (
        provider,
        fake,
    ):
        await stream(provider, asking("Hello"))
    headers = fake.requests[0].headers
    assert (headers["openai-organization"], headers["openai-project"]) == (
        "org-1",
        "proj-1",
    )
    assert headers["content-type"] == "application/json"


@BOTH
async def test_a_finish_is_believed_though_the_connection_hangs_behind_it(
    kind: Kind,
) -> None:
    chat: Script = (
        Raw(
            (
                {
                    "id": "1",
                    "choices": [
                        {
                            "index": 0,
                            "delta": {"content": "Hi"},
                            "finish_reason": "stop",
                        }
                    ],
                },
            )
        ),
        Stall(),
    )
    responses: Script = (
        Raw(
            (
                {
                    "type": "response.completed",
                    "response": {"id": "1", "status": "completed"},
                },
            )
        ),
        Stall(),
    )
    script = chat if kind is OpenAIChatProvider else responses
    async with asked(kind, *script) as (provider, _):
        got = await stream(provider, asking("Hello"))
    assert got.end.reason == FinishReason.STOP


@BOTH
async def test_a_pause_within_the_limits_is_no_stall(kind: Kind) -> None:
    async with asked(
        kind, Pause(0.1), Say("Hi"), Pause(0.1), Say("there"), **SHORT
    ) as (provider, _):
        got = await stream(provider, asking("Hello"))
    assert "".join(part.text for part in got.parts) == "Hithere"
