"""A token that tells its number and when it was sent, and the reading of them."""

from __future__ import annotations

import time
from dataclasses import dataclass, field

WIDTH = 26
"""Characters of a token: deltas may be joined on their way, and are taken apart again."""


class NotWhole(Exception):
    """An answer is not what the provider has said."""


def token(number: int) -> str:
    """The token of this number, sent now. The clock is the machine's, the same in each process."""
    return f"{number:06d}@{time.monotonic_ns():018d} "


@dataclass(slots=True)
class Answer:
    """What a page saw of one answer; times are the monotonic clock's nanoseconds.

    ``sent`` and ``received`` have one entry a token. ``shown_at`` is when a tool's call was seen.
    """

    asked_at: int
    sent: list[int] = field(default_factory=list)
    received: list[int] = field(default_factory=list)
    shown_at: int = 0
    text: str = ""

    def add(self, delta: str) -> None:
        """Take apart what has come now."""
        now = time.monotonic_ns()
        self.text += delta
        while len(self.text) >= (len(self.sent) + 1) * WIDTH:
            start = len(self.sent) * WIDTH
            self.sent.append(_stamp(self.text[start : start + WIDTH], len(self.sent)))
            self.received.append(now)

    def check(self, count: int) -> None:
        """Nothing is missing, twice or out of order.

        Raises:
            NotWhole: Something is.
        """
        if len(self.sent) != count or len(self.text) != count * WIDTH:
            raise NotWhole(f"{len(self.sent)} of {count} tokens came.")


def _stamp(text: str, number: int) -> int:
    found, _, stamp = text.rstrip(" ").partition("@")
    if found != f"{number:06d}" or not stamp.isdigit():
        raise NotWhole(f"In place of token {number} came {text!r}.")
    return int(stamp)
