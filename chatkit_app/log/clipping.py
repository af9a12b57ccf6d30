"""As much of a thread as one frame may carry: the newest messages, and of a huge one a clipped form.

Only a snapshot is clipped, never what the history API gives.
"""

from __future__ import annotations

import json
from collections.abc import Sequence

from pydantic import JsonValue

from chatkit_app.engine.states import OPEN_TOOL_CALL_STATUSES, ToolCallStatus

Shown = dict[str, JsonValue]

CLIPS = (32_768, 8192, 2048, 512, 64)
"""Characters that are left of each text of a message that is too large: the first that is enough."""


def within_budget(messages: Sequence[Shown], budget: int) -> list[Shown]:
    """The newest messages that have at most ``budget`` bytes as JSON; oldest first.

    The newest one is always there: if it alone is too large, its long texts are clipped.
    """
    found: list[Shown] = []
    for message in reversed(messages):
        budget -= _size(message)
        if budget < 0 and found:
            break
        found.append(
            message if budget >= 0 else _clip(message, _size(message) + budget)
        )
    return found[::-1]


def _clip(message: Shown, budget: int) -> Shown:
    parts = message["parts"]
    assert isinstance(parts, list)  # noqa: S101 (our own shape)
    clipped = message
    for limit in CLIPS:
        clipped = {**message, "parts": [_clip_part(part, limit) for part in parts]}
        if _size(clipped) <= budget:
            break
    return clipped


def _clip_part(part: JsonValue, limit: int) -> JsonValue:
    """The part with at most ``limit`` characters in each of its values.

    What is still open stays whole: deltas go on from the length of a text that is streaming, and a
    page runs a call with its whole input. Only the form of a question may go: its schema asks the same.
    """
    assert isinstance(part, dict)  # noqa: S101 (our own shape)
    status = part.get("status")
    if part.get("state") == "streaming" or status == ToolCallStatus.STREAMING:
        return part
    names = ["content", "arguments", "output"]
    if status not in OPEN_TOOL_CALL_STATUSES:
        names.append("input")
    changes = {
        name: _clip_value(part[name], limit)
        for name in names
        if name in part and _size(part[name]) > limit
    }
    asked = part.get("interrupt")
    if isinstance(asked, dict) and _size(asked.get("form")) > limit:
        changes["interrupt"] = {**asked, "form": None}
    return {**part, **changes, "clipped": True} if changes else part


def _clip_value(value: JsonValue, limit: int) -> JsonValue:
    """The beginning of a text (between characters, so that no pair is cut); other values go."""
    return value[:limit] if isinstance(value, str) else None


def _size(value: JsonValue) -> int:
    return len(json.dumps(value, ensure_ascii=False).encode())
