"""What the model is told: messages made of parts. Pure values, no ids of rows."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from chatkit_app.engine.states import Role


@dataclass(frozen=True, slots=True, kw_only=True)
class ProviderData:
    """What a provider wants back as it gave it (a reasoning item, encrypted content).

    ``provider`` is the ``Provider.name`` that made it: no other one ever gets it, nor a browser.
    """

    provider: str
    data: Mapping[str, object]


@dataclass(frozen=True, slots=True, kw_only=True)
class TextPart:
    """Text of a person or of the model."""

    text: str
    provider_data: ProviderData | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ReasoningPart:
    """What the model thought, as far as its provider shows it."""

    text: str
    provider_data: ProviderData | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ToolCallPart:
    """A call that the model made. ``arguments`` is always the JSON text of an object.

    ``id`` is the provider's own id of the call, by which the result refers to it.
    """

    id: str
    name: str
    arguments: str
    provider_data: ProviderData | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ToolResultPart:
    """What came of a call: text for the model (JSON, or the words of an error)."""

    tool_call_id: str
    name: str
    content: str
    is_error: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class FilePart:
    """A file that a visitor has sent along. ``name`` is the visitor's, ``size`` in bytes.

    ``ref`` is by which whoever keeps it finds it. A provider gets it with ``data``, its bytes in base64,
    and only if it is of its ``file_types``.
    """

    name: str
    media_type: str
    size: int
    ref: str = ""
    data: str = ""


Part = TextPart | ReasoningPart | ToolCallPart | ToolResultPart | FilePart


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    """One turn of one role.

    An assistant's message holds all steps of a run in order: per step its reasoning, text and
    calls, then the results of these calls in the order of the calls. Every call has exactly one
    result; whoever builds the transcript sees to that.
    """

    role: Role
    parts: tuple[Part, ...]
