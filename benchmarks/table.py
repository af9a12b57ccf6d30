"""The table: medians of the rounds, and ratios taken within each round."""

from __future__ import annotations

import statistics
from collections.abc import Sequence
from dataclasses import dataclass, field

NOISY = 1.5
"""A row whose highest ratio is so many times its lowest says little."""


@dataclass(slots=True)
class Table:
    """Figures by row and target, one a round. The first target is what the others are held to."""

    targets: Sequence[str]
    rows: dict[str, dict[str, list[float]]] = field(default_factory=dict)

    def add(self, target: str, figures: dict[str, float]) -> None:
        """Take the figures of one round."""
        for row, figure in figures.items():
            self.rows.setdefault(row, {}).setdefault(target, []).append(figure)

    def ratios(self, row: str, target: str) -> list[float]:
        """Of each round, to the first target."""
        base, found = self.rows[row][self.targets[0]], self.rows[row][target]
        return [mine / its for its, mine in zip(base, found, strict=True)]

    def lines(self) -> list[str]:
        """As Markdown."""
        head = ["", self.targets[0]]
        for target in self.targets[1:]:
            head += [target, "ratio (low–high)"]
        aligned = [":--", *["--:"] * (len(head) - 1)]
        return [_line(head), _line(aligned), *(self._row(row) for row in self.rows)]

    def _row(self, row: str) -> str:
        cells = [row, _figure(statistics.median(self.rows[row][self.targets[0]]))]
        for target in self.targets[1:]:
            cells.append(_figure(statistics.median(self.rows[row][target])))
            cells.append(_ratio(self.ratios(row, target)))
        return _line(cells)

    def as_json(self) -> dict[str, object]:
        """All figures, and the ratios."""
        return {
            row: {
                target: {
                    "rounds": figures,
                    "median": statistics.median(figures),
                    "ratios": self.ratios(row, target),
                    "ratio": statistics.median(self.ratios(row, target)),
                }
                for target, figures in by_target.items()
            }
            for row, by_target in self.rows.items()
        }


def _ratio(ratios: Sequence[float]) -> str:
    low, high = min(ratios), max(ratios)
    noisy = " noisy" if high > NOISY * low else ""
    return f"**{statistics.median(ratios):.2f}** ({low:.2f}–{high:.2f}){noisy}"


def _figure(value: float) -> str:
    return f"{value:.1f}" if value >= 10 else f"{value:.2f}"


def _line(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cells)} |"
