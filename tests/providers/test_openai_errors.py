from __future__ import annotations

import asyncio
import socket
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest

from chatkit_app.exceptions import (
    ProviderContextExceeded,
    ProviderError,
    ProviderRateLimited,
    ProviderRejected,
    ProviderUnavailable,
)
from chatkit_app.providers.scripted import BreakOff, Say
from tests.providers.asking_a_fake import BOTH, Kind, asked
from tests.providers.fake_openai import KEY
from tests.providers.fake_openai_script import (
    ErrorEvent,
    Line,
    Raw,
    Reset,
    Status,
)
from tests.providers.streams import (
    asking,
    stream,
)

pytestmark = pytest.mark.usefixtures("transport")


@BOTH
@pytest.mark.parametrize(
    ("line", "error"),
    [
        (Status(401, "invalid_api_key"), ProviderRejected),
        (Status(403), ProviderRejected),
        (Status(404, "model_not_found"), ProviderRejected),
        (Status(400, "invalid_value"), ProviderRejected),
        (Status(422), ProviderRejected),
        (Status(429, "rate_limit_exceeded"), ProviderRateLimited),
        (Status(429, "insufficient_quota"), ProviderRejected),
        (Status(400, "context_length_exceeded"), ProviderContextExceeded),
        (
            Status(400, None, "This model's maximum context length is 4096."),
            ProviderContextExceeded,
        ),
        (Status(413), ProviderContextExceeded),
        (Status(408), ProviderUnavailable),
        (Status(500), ProviderUnavailable),
        (Status(503), ProviderUnavailable),
        (ErrorEvent("server_error"), ProviderUnavailable),
        (ErrorEvent("rate_limit_exceeded"), ProviderRateLimited),
        (ErrorEvent("insufficient_quota"), ProviderRejected),
        (ErrorEvent("context_length_exceeded"), ProviderContextExceeded),
        (ErrorEvent("invalid_prompt"), ProviderRejected),
        (BreakOff(), ProviderUnavailable),
        (Reset(), ProviderUnavailable),
        (Raw(('{"type": "broken', "[DONE]")), ProviderUnavailable),
        (Raw(("[]", "null", "1", '"text"')), ProviderUnavailable),
    ],
    ids=str,
)
async def test_each_failure_of_the_server_has_its_error(
    kind: Kind, line: Line, error: type[ProviderError]
) -> None:
    async with asked(kind, line) as (provider, _):
        got = await stream(provider, asking("Hello"))
    assert type(got.failure) is error


@BOTH
@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({}, None),
        ({"Retry-After": "7"}, 7),
        ({"Retry-After": "1.5"}, 1.5),
        ({"Retry-After": "-3"}, 0),
        ({"Retry-After": "nan"}, None),
        ({"Retry-After": "soon"}, None),
        ({"retry-after-ms": "250", "Retry-After": "7"}, 0.25),
        ({"Retry-After": "Wed, 21 Oct 2015 07:28:00 GMT"}, 0),
    ],
    ids=str,
)
async def test_the_wish_of_the_server_when_to_come_back_is_kept(
    kind: Kind, headers: dict[str, str], seconds: float | None
) -> None:
    async with asked(kind, Status(429, headers=headers)) as (provider, _):
        got = await stream(provider, asking("Hello"))
    assert got.failure.retry_after == seconds


@BOTH
async def test_a_date_in_retry_after_is_seconds_from_now(kind: Kind) -> None:
    date = format_datetime(datetime.now(UTC) + timedelta(seconds=60), usegmt=True)
    async with asked(kind, Status(503, headers={"Retry-After": date})) as (provider, _):
        got = await stream(provider, asking("Hello"))
    assert 50 < (got.failure.retry_after or 0) <= 60


@BOTH
async def test_a_refusal_is_asked_once_and_tells_neither_key_nor_content(
    kind: Kind,
) -> None:
    async with asked(kind, Say("Never said"), api_key="sk-wrong-key") as (
        provider,
        fake,
    ):
        got = await stream(provider, asking("My secret"))
    assert len(fake.requests) == 1
    assert "sk-wrong-key" in str(got.failure.__cause__)
    assert "sk-wrong-key" not in f"{got.failure!r} {provider._connection!r}"


@BOTH
async def test_nobody_listening_is_an_unavailable_provider(kind: Kind) -> None:
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{closed.getsockname()[1]}/v1"
        provider = kind(api_key=KEY, base_url=url)
        got = await stream(provider, asking("Hello"))
        await provider.aclose()
    assert isinstance(got.failure, ProviderUnavailable)


@BOTH
async def test_a_server_that_speaks_no_http_is_an_unavailable_provider(
    kind: Kind,
) -> None:
    async def babble(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"SSH-2.0-OpenSSH\r\n\r\n")
        writer.close()

    async with await asyncio.start_server(babble, "127.0.0.1", 0) as server:
        url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/v1"
        provider = kind(api_key=KEY, base_url=url)
        got = await stream(provider, asking("Hello"))
        await provider.aclose()
    assert isinstance(got.failure, ProviderUnavailable)
