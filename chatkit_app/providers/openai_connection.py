"""The way to an OpenAI-like server: its client, and how long it is waited for."""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import TypeVar

from openai import (
    AsyncOpenAI,
    AsyncStream,
    DefaultAioHttpClient,
    DefaultAsyncHttpxClient,
    Timeout,
)

from chatkit_app.engine.provider import PartDelta, ProviderEvent
from chatkit_app.exceptions import ProviderError, ProviderUnavailable
from chatkit_app.providers.openai_errors import provider_error

LAST_WORDS_SECONDS = 1.0  # for what follows the finish: usage, the end of the body

ApiKey = str | Callable[[], str | Awaitable[str]]
T = TypeVar("T")


@dataclass(frozen=True, slots=True, kw_only=True)
class Timeouts:
    """How long a stream is waited for, in seconds."""

    first_token: float
    next_token: float
    total: float


class Patience:
    """The clock of one stream.

    ``first_token`` is waited for whatever may need thought: the first delta of the answer and of
    each of its parts; ``next_token`` within a part. Events that bring nothing don't count, nor does
    the time that whoever reads the stream takes for itself, except within ``total``.
    """

    def __init__(self, timeouts: Timeouts) -> None:
        self._timeouts = timeouts
        self._clock = asyncio.get_running_loop().time
        self._end = self._clock() + timeouts.total
        self._limit = timeouts.first_token
        self._until: float | None = None

    def progressed(self, event: ProviderEvent) -> None:
        """Something came: the wait begins anew."""
        is_delta = isinstance(event, PartDelta)
        self._limit = (
            self._timeouts.next_token if is_delta else self._timeouts.first_token
        )
        self._until = None

    def finished(self) -> None:
        """The answer is whole: only its last words are still waited for."""
        self._end = min(self._end, self._clock() + LAST_WORDS_SECONDS)

    async def wait(self, waiting: Awaitable[T]) -> T:
        """What comes, in time.

        Raises:
            ProviderError: It did not come, or an error came.
        """
        if self._until is None:
            self._until = self._clock() + self._limit
        try:
            async with asyncio.timeout_at(min(self._until, self._end)):
                return await waiting
        except ProviderError:
            raise
        except TimeoutError as exc:
            raise ProviderUnavailable("The provider stopped answering.") from exc
        except Exception as exc:  # the border to the SDK and its transports
            raise provider_error(exc) from exc


@dataclass(frozen=True, slots=True, kw_only=True)
class Connection:
    """Where a provider is, and who asks it. Equal ones share a client in each event loop."""

    api_key: ApiKey = field(repr=False)
    base_url: str
    organization: str | None
    project: str | None
    connect_timeout: float

    async def open(self, path: str, content: bytes) -> AsyncStream[object]:
        """Send the request; the answer's head has come when this returns."""
        return await self.client().post(
            path,
            cast_to=object,
            content=content,
            stream=True,
            stream_cls=AsyncStream[object],
        )

    def client(self) -> AsyncOpenAI:
        """The SDK's client of this process and event loop, made at its first use."""
        key = (asyncio.get_running_loop(), self)
        if key not in _clients:
            for stale in [place for place in _clients if place[0].is_closed()]:
                del _clients[stale]
            _clients[key] = self._new_client()
        return _clients[key]

    def _new_client(self) -> AsyncOpenAI:
        timeout = Timeout(None, connect=self.connect_timeout, pool=self.connect_timeout)
        return AsyncOpenAI(
            api_key=self._fresh_key if callable(self.api_key) else self.api_key,
            base_url=self.base_url,
            organization=self.organization,
            project=self.project,
            max_retries=0,
            timeout=timeout,
            http_client=_http_client(timeout),
        )

    async def _fresh_key(self) -> str:
        try:
            key = self.api_key() if callable(self.api_key) else self.api_key
            return await key if inspect.isawaitable(key) else key
        except Exception as exc:  # the border to the site's function
            raise ProviderUnavailable("There is no key for the provider.") from exc

    async def aclose(self) -> None:
        """Close this event loop's client; the next use makes a new one."""
        client = _clients.pop((asyncio.get_running_loop(), self), None)
        if client is not None:
            await client.close()


_clients: dict[tuple[asyncio.AbstractEventLoop, Connection], AsyncOpenAI] = {}


def _http_client(timeout: Timeout) -> DefaultAsyncHttpxClient:
    try:
        return DefaultAioHttpClient(timeout=timeout)
    except (
        RuntimeError
    ):  # aiohttp is not installed; the other transport takes more CPU a token
        return DefaultAsyncHttpxClient(timeout=timeout)
