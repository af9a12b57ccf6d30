"""How much of a thread the model is told: whole oldest turns are left out, never half of one."""

from __future__ import annotations

from collections.abc import Sequence

from chatkit_app.engine.files import TEXT_TYPES
from chatkit_app.engine.limits import TOLD_BYTES
from chatkit_app.engine.messages import (
    FilePart,
    Message,
    ReasoningPart,
    TextPart,
    ToolCallPart,
)
from chatkit_app.engine.states import Role

CHARS_PER_TOKEN = 3.5
"""A guess on the safe side for English; other scripts take fewer characters a token."""
IMAGE_TOKENS = 1_500
"""What a large picture costs most models: they make it smaller first."""
BYTES_PER_TOKEN = 8
MOST_FILE_TOKENS = 50_000
"""A guess for other files, whose pages nobody has counted."""
TOKENS_PER_PART = 8
"""What the wire adds to each part."""


def estimate_tokens(message: Message) -> int:
    """About how many tokens a message costs."""
    return sum(_estimate(part) for part in message.parts)


def _estimate(part: object) -> int:
    if isinstance(part, FilePart):
        return TOKENS_PER_PART + _estimate_file(part)
    if isinstance(part, TextPart | ReasoningPart):
        text = part.text
    elif isinstance(part, ToolCallPart):
        text = part.name + part.arguments
    else:
        text = getattr(part, "content", "")
    # Beyond ASCII a token holds about one character.
    size = len(text) if text.isascii() else len(text.encode())
    return TOKENS_PER_PART + int(size / CHARS_PER_TOKEN)


def _estimate_file(part: FilePart) -> int:
    if part.media_type.startswith("image/"):
        return IMAGE_TOKENS
    if part.media_type in TEXT_TYPES:
        return int(min(part.size, TOLD_BYTES) / CHARS_PER_TOKEN)
    return min(part.size // BYTES_PER_TOKEN, MOST_FILE_TOKENS)


def turns(messages: Sequence[Message]) -> list[list[Message]]:
    """The messages by turn: what a person said, and all that was answered to it."""
    found: list[list[Message]] = []
    for message in messages:
        if message.role is Role.USER or not found:
            found.append([])
        found[-1].append(message)
    return found


def fit(messages: Sequence[Message], budget: int) -> tuple[Message, ...]:
    """The newest turns that fit into ``budget`` tokens; the last one always stays."""
    kept: list[list[Message]] = []
    left = budget
    for turn in reversed(turns(messages)):
        left -= sum(estimate_tokens(message) for message in turn)
        if left < 0 and kept:
            break
        kept.append(turn)
    return tuple(message for turn in reversed(kept) for message in turn)
