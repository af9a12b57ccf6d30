"""A redactor in the box: e-mail addresses and card numbers, and an example of how one is written.

``CHATKIT_REDACTOR = "chatkit_app.redactors.RegexRedactor"``. Subclass it to look for more.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass

EMAIL = re.compile(
    r"[A-Za-z0-9._%+-]{1,64}@[A-Za-z0-9-]{1,63}(?:\.[A-Za-z0-9-]{1,63}){1,4}"
)
CARD = re.compile(r"(?<![0-9])[0-9](?:[ -]?[0-9]){12,18}")
CARD_DIGITS = range(13, 20)


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """What is looked for, and what is put in its place.

    ``found`` never matches more than the redactor's ``window`` and looks at most one character behind
    itself and ahead. ``accepts`` says how many characters of a match are really meant; 0: none.
    """

    found: re.Pattern[str]
    replacement: str
    accepts: Callable[[str, str], int] = lambda match, _after: len(match)


def card_length(match: str, after: str) -> int:
    """How many characters of the digits make a card number by Luhn's check; ``after`` follows them."""
    for end in range(len(match), 0, -1):
        following = match[end : end + 1] or after
        digits = [int(char) for char in match[:end] if char.isdigit()]
        is_whole = match[end - 1].isdigit() and not following.isdigit()
        if is_whole and len(digits) in CARD_DIGITS and _has_luhn(digits):
            return end
    return 0


def _has_luhn(digits: Sequence[int]) -> bool:
    doubled = [
        digit if place % 2 == 0 else digit * 2 - 9 * (digit > 4)
        for place, digit in enumerate(reversed(digits))
    ]
    return sum(doubled) % 10 == 0


class RegexRedactor:
    """One stream: what no rule can match any more is given back at once, the rest is held back.

    However the text is cut into pieces, what comes out is the same. A whole word may be held back, or a
    row of numbers, and never more than ``window`` characters.
    """

    rules: Sequence[Rule] = (
        Rule(found=EMAIL, replacement="[e-mail]"),
        Rule(found=CARD, replacement="[card]", accepts=card_length),
    )
    window = 384
    """Characters: no rule matches more."""
    breaks = re.compile(r"[^A-Za-z0-9._%+@ -]|(?<![0-9]) |(?<=[0-9]) (?=[^0-9])")
    """One character over which no rule matches: what stands before it can't grow any more."""

    def __init__(self) -> None:
        self._text = ""
        self._done = 0

    def feed(self, text: str) -> str:
        """More of the text; what may be stored by now."""
        self._text += text
        return self._redacted(self._settled())

    def close(self) -> str:
        """The rest."""
        return self._redacted(len(self._text))

    def _settled(self) -> int:
        """Up to where no match can begin that what is to come would change."""
        begin = max(self._done, len(self._text) - self.window - 1)
        breaks = self.breaks.finditer(self._text, begin)
        return max((found.end() for found in breaks), default=begin)

    def _redacted(self, settled: int) -> str:
        """The text up to there, or to the end of a match that begins before it."""
        pieces: list[str] = []
        while self._done < settled:
            start, end, replacement = self._next(settled)
            pieces += [self._text[self._done : start], replacement]
            self._done = end
        # One character is kept for those who look behind themselves.
        kept = max(0, self._done - 1)
        self._text, self._done = self._text[kept:], self._done - kept
        return "".join(pieces)

    def _next(self, settled: int) -> tuple[int, int, str]:
        """The first match that begins before ``settled``, and what stands in its place."""
        matches = [self._first(rule, settled) for rule in self.rules]
        found = [match for match in matches if match is not None]
        return min(found, key=lambda match: match[0], default=(settled, settled, ""))

    def _first(self, rule: Rule, settled: int) -> tuple[int, int, str] | None:
        at = self._done
        while (match := rule.found.search(self._text, at)) is not None:
            if match.start() >= settled:
                return None
            after = self._text[match.end() : match.end() + 1]
            if length := rule.accepts(match.group(), after):
                return match.start(), match.start() + length, rule.replacement
            at = match.start() + 1
        return None
