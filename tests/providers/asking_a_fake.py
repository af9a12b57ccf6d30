"""A provider that asks a fake OpenAI."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from chatkit_app.providers.openai_chat import OpenAIChatProvider
from chatkit_app.providers.openai_provider import OpenAIProvider
from chatkit_app.providers.openai_responses import OpenAIResponsesProvider
from tests.providers.fake_openai import KEY, FakeOpenAI
from tests.providers.fake_openai_script import Line

BOTH = pytest.mark.parametrize("kind", [OpenAIResponsesProvider, OpenAIChatProvider])
Kind = type[OpenAIResponsesProvider] | type[OpenAIChatProvider]


@asynccontextmanager
async def asked(
    kind: Kind, *lines: Line, fake: FakeOpenAI | None = None, **fields: object
) -> AsyncIterator[tuple[OpenAIProvider, FakeOpenAI]]:
    """A provider that asks a fake, which plays these lines."""
    fake = fake or FakeOpenAI(lambda body: lines)
    async with fake:
        given = {"api_key": KEY, "base_url": fake.base_url, **fields}
        provider = kind(**given)  # type: ignore[arg-type]  # each test names what it needs
        try:
            yield provider, fake
        finally:
            await provider.aclose()
