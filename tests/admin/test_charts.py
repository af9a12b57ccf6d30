from __future__ import annotations

import pytest

from chatkit_app.admin.charts import lines, share_of, stacked, top_of


@pytest.mark.parametrize(
    ("largest", "top"),
    [(0, 1), (1, 1), (3, 5), (10, 10), (11, 20), (24, 25), (0.3, 0.5), (999, 1000)],
)
def test_an_axis_ends_with_a_round_number(largest: float, top: float) -> None:
    assert top_of(largest) == pytest.approx(top)


def test_bars_stand_on_each_other_and_on_the_ground() -> None:
    chart = stacked([[1, 0], [3, 2]], ["a", "b"])

    assert (chart.width, chart.top) == ("20.00", 5)
    drawn = [(r.x, r.y, r.height, r.series) for r in chart.rects]
    assert drawn == [
        ("1.00", "80.00", "20.00", 0),
        ("1.00", "20.00", "60.00", 1),
        ("11.00", "60.00", "40.00", 1),
    ]


def test_little_is_to_be_seen_beside_much() -> None:
    [_much, little] = stacked([[100_000, 1]], ["a", "b"]).rects

    assert float(little.height) > 0.5


def test_each_hour_tells_its_numbers_over_its_whole_height() -> None:
    spots = stacked([[1, 2]], ["one", "two"]).spots

    assert [(spot.x, spot.told) for spot in spots] == [
        ("0.00", "one"),
        ("10.00", "two"),
    ]


def test_nothing_at_all_is_an_empty_drawing() -> None:
    assert stacked([], ["a"]).rects == []
    assert stacked([[0, 0]], ["a", "b"]).rects == []
    assert lines([[None, None]], ["a", "b"]).lines == []


def test_what_nobody_measured_is_a_gap_in_the_line() -> None:
    chart = lines([[1, 2, None, 2, None]], list("abcde"))

    assert [line.points for line in chart.lines] == [
        "5.00,50.00 15.00,0.00",
        "31.00,0.00 39.00,0.00",  # alone, and still to be seen
    ]


def test_a_line_may_lie_on_the_ground() -> None:
    assert lines([[0.0, 0.0]], ["a", "b"]).lines[0].points == "5.00,100.00 15.00,100.00"


def test_a_share_of_nothing_is_none() -> None:
    assert (share_of(1, 4), share_of(0, 0)) == ("25.00", "0.00")
