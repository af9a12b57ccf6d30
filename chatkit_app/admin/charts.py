"""From numbers to what a template draws: places as text, which SVG reads alike in every language."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby
from math import floor, log10

SLOT = 10.0
"""The width of an hour or a day in the drawing; its height is ``HEIGHT``."""
BAR = 8.0
HEIGHT = 100.0
THINNEST = 0.8
"""So high is the least that is not nothing."""
STEPS = (1, 2, 2.5, 5, 10)
"""An axis ends with one of these, times a power of ten."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Rect:
    """A piece of a bar; ``series`` is whose it is, by its place."""

    x: str
    y: str
    height: str
    series: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """``points`` as a polyline has them. What nobody has measured is a gap."""

    points: str
    series: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Spot:
    """An hour or a day over the whole height, for what is told of it."""

    x: str
    told: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Chart:
    """``top`` is the number at the upper end of the axis; it begins with 0."""

    width: str
    top: float
    rects: Sequence[Rect] = ()
    lines: Sequence[Line] = ()
    spots: Sequence[Spot] = ()


def stacked(rows: Sequence[Sequence[float]], told: Sequence[str]) -> Chart:
    """Bars side by side, each a stack: ``rows`` are the series' numbers, the lowest series first.

    ``told`` is what each of the bars says.
    """
    sums = [sum(numbers) for numbers in zip(*rows, strict=True)]
    top = top_of(max(sums, default=0))
    rects = [
        rect
        for place, numbers in enumerate(zip(*rows, strict=True))
        for rect in _stack(place, numbers, top)
    ]
    return Chart(
        width=_text(SLOT * len(told)), top=top, rects=rects, spots=_spots(told)
    )


def lines(rows: Sequence[Sequence[float | None]], told: Sequence[str]) -> Chart:
    """A line for each series; ``told`` as of ``stacked``."""
    top = top_of(max((n for row in rows for n in row if n is not None), default=0))
    drawn = [
        Line(points=points, series=series)
        for series, row in enumerate(rows)
        for points in _pieces(row, top)
    ]
    return Chart(
        width=_text(SLOT * len(told)), top=top, lines=drawn, spots=_spots(told)
    )


def share_of(number: float, whole: float) -> str:
    """How long a bar that lies is, of 100."""
    return _text(100 * number / whole if whole else 0)


def top_of(largest: float) -> float:
    """A round number that is no less; 1 where there is nothing."""
    if largest <= 0:
        return 1.0
    power = 10.0 ** floor(log10(largest))
    return float(next(s * power for s in STEPS if s * power >= largest * (1 - 1e-9)))


def _stack(place: int, numbers: Sequence[float], top: float) -> Iterator[Rect]:
    x, under = SLOT * place + (SLOT - BAR) / 2, 0.0
    for series, number in enumerate(numbers):
        if number <= 0:
            continue
        height = max(HEIGHT * number / top, THINNEST)
        under += height
        yield Rect(
            x=_text(x),
            y=_text(max(HEIGHT - under, 0)),
            height=_text(height),
            series=series,
        )


def _pieces(row: Sequence[float | None], top: float) -> Iterator[str]:
    """The points of each stretch without a gap; one that is alone is a short line."""
    placed = list(enumerate(row))
    for is_gap, group in groupby(placed, key=lambda one: one[1] is None):
        if is_gap:
            continue
        points = [
            (SLOT * (place + 0.5), HEIGHT * (1 - (number or 0) / top))
            for place, number in group
        ]
        if len(points) == 1:
            [(x, y)] = points
            points = [(x - BAR / 2, y), (x + BAR / 2, y)]
        yield " ".join(f"{_text(x)},{_text(y)}" for x, y in points)


def _spots(told: Sequence[str]) -> list[Spot]:
    return [Spot(x=_text(SLOT * place), told=words) for place, words in enumerate(told)]


def _text(number: float) -> str:
    return f"{number:.2f}"
