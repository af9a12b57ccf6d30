"""How much of a thread the model is told: whole oldest turns are left out, never half of one."""

from __future__ import annotations

from collections.abc import Sequence

from chatkit_app.engine.messages import Message, ReasoningPart, TextPart, ToolCallPart
from chatkit_app.engine.states import Role

CHARS_PER_TOKEN = 3.5
"""A guess on the safe side for English; other scripts take fewer characters a token."""
TOKENS_PER_PART = 8
"""What the wire adds to each part."""


def estimate_tokens(message: Message) -> int:
    """About how many tokens a message costs."""
    return sum(_estimate(part) for part in message.parts)


def _estimate(part: object) -> int:
    if isinstance(part, TextPart | ReasoningPart):
        text = part.text
    elif isinstance(part, ToolCallPart):
        text = part.name + part.arguments
    else:
        text = getattr(part, "content", "")
    # Beyond ASCII a token holds about one character.
    size = len(text) if text.isascii() else len(text.encode())
    return TOKENS_PER_PART + int(size / CHARS_PER_TOKEN)


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
