"""What the two OpenAI APIs have in common: a request, and its stream read as dicts.

The SDK's typed events cost more CPU than everything else in a run, and its walk through the
parameters blocks the event loop the longer the history is. So the body and the events are plain
dicts; what stays the SDK's are authentication, server-sent events and errors.
"""

from __future__ import annotations

import asyncio
from abc import abstractmethod
from collections.abc import AsyncGenerator, Iterable, Mapping
from contextlib import aclosing, suppress
from typing import Protocol
from urllib.parse import urlsplit

from openai import AsyncStream

from chatkit_app.engine.files import IMAGE_TYPES, PDF
from chatkit_app.engine.messages import FilePart
from chatkit_app.engine.provider import Provider, ProviderEvent, ProviderRequest
from chatkit_app.exceptions import ProviderUnavailable
from chatkit_app.providers.openai_connection import (
    LAST_WORDS_SECONDS,
    ApiKey,
    Connection,
    Patience,
    Timeouts,
)
from chatkit_app.providers.openai_fields import Json, encoded

OPENAI_URL = "https://api.openai.com/v1"
_END = object()


class Answer(Protocol):
    """An answer in the making: the vendor's events go in, ours come out."""

    @property
    def is_finished(self) -> bool:
        """Has the vendor said explicitly that it is done?"""

    def read(self, event: Json) -> Iterable[ProviderEvent]:
        """What this event of the vendor brings."""

    def end(self) -> Iterable[ProviderEvent]:
        """What is left to say when the stream has ended.

        Raises:
            ProviderUnavailable: It ended without the explicit finish.
        """


class OpenAIProvider(Provider):
    """A provider that an ``openai`` client asks.

    ``api_key`` may be a function (sync and quick, or async) that gives the key for each request.
    Timeouts are seconds. ``default_options`` go into each request's body, below the assistant's
    own. ``safety_field`` is the body's field for the viewer's ``safety_key``; by default OpenAI's
    own at OpenAI, none elsewhere, since other servers may refuse fields that they don't know.
    ``file_types`` are the media types of the files that the model reads: pictures, at OpenAI PDF too;
    none (``()``) for a model of text alone.
    """

    path: str
    reserved_options: frozenset[str]

    def __init__(
        self,
        *,
        api_key: ApiKey,
        base_url: str | None = None,
        organization: str | None = None,
        project: str | None = None,
        connect_timeout: float = 5.0,
        first_token_timeout: float = 60.0,
        next_token_timeout: float = 30.0,
        total_timeout: float = 600.0,
        default_options: Mapping[str, object] | None = None,
        safety_field: str | None = None,
        file_types: Iterable[str] | None = None,
    ) -> None:
        if isinstance(api_key, str):
            api_key = api_key.strip()  # files and environments bring line ends
        if not api_key:
            raise ValueError(
                "api_key is empty. (A server that needs none takes any word.)"
            )
        self._connection = Connection(
            api_key=api_key,
            base_url=base_url or OPENAI_URL,
            organization=organization,
            project=project,
            connect_timeout=connect_timeout,
        )
        self._timeouts = Timeouts(
            first_token=first_token_timeout,
            next_token=next_token_timeout,
            total=total_timeout,
        )
        self._default_options = self._allowed(default_options or {})
        self._safety_field = (
            _safety_field(self._connection) if safety_field is None else safety_field
        )
        if file_types is None:
            file_types = (
                (*IMAGE_TYPES, PDF) if _is_openai(self._connection) else IMAGE_TYPES
            )
        self.file_types = frozenset(file_types)

    async def stream(self, request: ProviderRequest) -> AsyncGenerator[ProviderEvent]:
        """Ask once, as ``Provider.stream`` says.

        Raises:
            ValueError: The options name a field that is the provider's own.
            ProviderError: Its subclasses, with the SDK's error chained.
        """
        patience = Patience(self._timeouts)
        answer = self._answer_to(request)
        async with aclosing(self._events(request, patience)) as events:
            try:
                async for event in events:
                    for ours in answer.read(event):
                        patience.progressed(ours)
                        yield ours
                    if answer.is_finished:
                        patience.finished()
            except ProviderUnavailable:
                if not answer.is_finished:
                    raise
        for ours in answer.end():
            yield ours

    async def _events(
        self, request: ProviderRequest, patience: Patience
    ) -> AsyncGenerator[Json]:
        stream = await self._open(request, patience)
        try:
            while (event := await patience.wait(anext(stream, _END))) is not _END:
                if isinstance(event, dict):
                    yield event
        finally:
            await _close(stream)

    async def _open(
        self, request: ProviderRequest, patience: Patience
    ) -> AsyncStream[object]:
        return await self._ask(self._body(request), patience)

    async def _ask(self, body: Json, patience: Patience) -> AsyncStream[object]:
        return await patience.wait(self._connection.open(self.path, encoded(body)))

    @abstractmethod
    def _body(self, request: ProviderRequest) -> dict[str, object]:
        """The request's JSON."""

    @abstractmethod
    def _answer_to(self, request: ProviderRequest) -> Answer:
        """The reader of one answer."""

    def _options(self, request: ProviderRequest) -> dict[str, object]:
        options = {**self._default_options, **self._allowed(request.options)}
        if self._safety_field and request.safety_key:
            options.setdefault(self._safety_field, request.safety_key)
        return options

    def _allowed(self, options: Mapping[str, object]) -> Mapping[str, object]:
        if taken := self.reserved_options & options.keys():
            raise ValueError(
                f"Options that {self.name} sets itself: {', '.join(sorted(taken))}."
            )
        return options

    async def aclose(self) -> None:
        """Close the connections of this event loop, also for equal providers."""
        await self._connection.aclose()


async def _close(stream: AsyncStream[object]) -> None:
    # what it was read for is over: a close that fails tells nothing
    with suppress(Exception):
        async with asyncio.timeout(LAST_WORDS_SECONDS):
            await stream.close()


def _safety_field(connection: Connection) -> str:
    return "safety_identifier" if _is_openai(connection) else ""


def _is_openai(connection: Connection) -> bool:
    host = urlsplit(connection.base_url).hostname or ""
    return host == "openai.com" or host.endswith(".openai.com")


def data_url(part: FilePart) -> str:
    """The file itself, as both APIs take it."""
    return f"data:{part.media_type};base64,{part.data}"
