"""What the engine asks of an LLM API, and what it gets back.

To add one: subclass ``Provider``, give it a ``name``, write ``stream``. A provider maps the
vendor's fields and nothing else: no retries, no ids of ours, no joining of deltas.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import AsyncGenerator, Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from chatkit_app.engine.messages import Message, ProviderData
from chatkit_app.engine.states import FinishReason, PartKind


@dataclass(frozen=True, slots=True, kw_only=True)
class ToolSpec:
    """A tool as the model is told of it. ``parameters`` is the JSON Schema of an object.

    ``is_strict``: the schema keeps OpenAI's rules for strict mode, so the model may be held to it.
    """

    name: str
    description: str
    parameters: Mapping[str, object]
    is_strict: bool = False


class Purpose(StrEnum):
    """What is asked for: an answer to the visitor, or a title for their thread."""

    ANSWER = "answer"
    TITLE = "title"


@dataclass(frozen=True, slots=True, kw_only=True)
class ProviderRequest:
    """One step: everything that the provider is told.

    ``options`` are the assistant's own for this provider (``temperature``, ``reasoning`` …) and go
    into the request's body as they stand. ``safety_key`` names the viewer without revealing them.
    """

    model_name: str
    instructions: str
    messages: tuple[Message, ...]
    tools: tuple[ToolSpec, ...] = ()
    options: Mapping[str, object] = field(default_factory=dict)
    safety_key: str = ""
    purpose: Purpose = Purpose.ANSWER


@dataclass(frozen=True, slots=True, kw_only=True)
class PartStarted:
    """A part begins. ``key`` names it within this stream; several may be open at once.

    ``provider_call_id`` and ``name`` are there for tool calls only.
    """

    key: str
    kind: PartKind
    provider_call_id: str = ""
    name: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class PartDelta:
    """More text of an open part; of a tool call: more of its arguments' JSON."""

    key: str
    delta: str


@dataclass(frozen=True, slots=True, kw_only=True)
class PartEnded:
    """A part is whole."""

    key: str
    provider_data: ProviderData | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Usage:
    """Tokens, as the provider counts them. ``cached`` is within input, ``reasoning`` within output."""

    input_tokens: int = 0
    cached_tokens: int = 0
    output_tokens: int = 0
    reasoning_tokens: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class StepFinished:
    """The provider said explicitly that it is done. Always the last event of a whole stream."""

    reason: FinishReason
    usage: Usage = field(default_factory=Usage)
    response_id: str = ""
    model_name: str = ""


ProviderEvent = PartStarted | PartDelta | PartEnded | StepFinished


class Provider(ABC):
    """An LLM API."""

    name: str
    """Stable: stored with each step and with ``ProviderData``."""

    file_types: frozenset[str] = frozenset()
    """Media types of the files that it hands to the model; of others the model is told in words."""

    is_simulated = False
    """Does a script answer instead of a model? Then every page says so."""

    @abstractmethod
    def stream(self, request: ProviderRequest) -> AsyncGenerator[ProviderEvent, None]:
        """Ask once and yield what comes, as it comes.

        It is an async generator: closing it (``aclose``) closes the connection at once. A stream
        that ends without the vendor's explicit finish raises ``ProviderUnavailable``.

        Raises:
            ProviderError: one of its subclasses, with the vendor's error chained.
        """

    async def aclose(self) -> None:
        """Free what is kept between streams (connections)."""
