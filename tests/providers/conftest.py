from __future__ import annotations

import pytest

from chatkit_app.providers import openai_connection


class MissingAioHttpClient:
    """What the SDK has in its place where aiohttp is not installed."""

    def __init__(self, **_: object) -> None:
        raise RuntimeError("aiohttp is not installed")


@pytest.fixture(params=["aiohttp", "httpx2"])
def transport(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """The test runs twice: on the transport for those who have aiohttp, and on the other."""
    if request.param == "httpx2":
        monkeypatch.setattr(
            openai_connection, "DefaultAioHttpClient", MissingAioHttpClient
        )
