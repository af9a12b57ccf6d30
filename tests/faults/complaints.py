"""What was found wrong, and during which fault."""

from __future__ import annotations

import time
from collections import Counter
from dataclasses import dataclass, field
from typing import Any

AT_REST = "(no fault)"


@dataclass(frozen=True, slots=True, kw_only=True)
class Violation:
    """A promise that was broken. ``context`` is what one needs to look it up in the logs."""

    rule: str
    text: str
    fault: str
    at: float
    context: dict[str, Any]

    def __str__(self) -> str:
        context = " ".join(f"{key}={value}" for key, value in self.context.items())
        clock = time.strftime("%H:%M:%S", time.gmtime(self.at))
        return f"[{clock}Z, {self.fault}] {self.rule}: {self.text}\n      {context}"


@dataclass(slots=True)
class Complaints:
    """Collects them. ``fault`` is what is being injected, or was last."""

    found: list[Violation] = field(default_factory=list)
    counts: Counter[str] = field(default_factory=Counter)
    fault: str = AT_REST

    def add(self, rule: str, text: str, *, fault: str = "", **context: Any) -> None:
        """Something is wrong."""
        self.found.append(
            Violation(
                rule=rule,
                text=text,
                fault=fault or self.fault,
                at=time.time(),
                context=context,
            )
        )

    def count(self, what: str) -> None:
        """Something is worth a number at the end, but is not wrong."""
        self.counts[what] += 1
