"""The critical-difference diagram: what stands where in it."""

import re
import xml.etree.ElementTree as ET

import pytest

from kerasal.evaluation.ranks import MeanRanks, cliques, critical_distance
from kerasal.reports import critical_difference_figure, ticks
from kerasal.reports.critical_difference import LINE, NAMES, SCALE, TOP, _lanes


def drawn(ranks, distance):
    """The elements of the diagram, by their class."""
    found = MeanRanks(ranks, 100, ("cc",), 1e-9, distance, cliques(ranks, distance))
    svg = ET.fromstring(critical_difference_figure(found)).find("svg")
    by_class = {}
    for element in svg:
        by_class.setdefault(element.get("class", element.tag), []).append(element)
    return svg, by_class


def test_points_bars_and_distance_share_one_scale():
    ranks = {"a": 1.0, "b": 1.5, "c": 3.0, "d": 4.5}
    _, elements = drawn(ranks, 1.5)
    points = [float(point.get("cx")) for point in elements["mean"]]
    unit = SCALE / 4  # from 1 to 5
    assert points == pytest.approx([NAMES + unit * (rank - 1) for rank in ranks.values()], abs=0.06)
    start, end = re.fullmatch(r".*M(\d+) 20H([\d.]+)m.*", elements["distance"][0].get("d")).groups()
    assert float(end) - float(start) == pytest.approx(1.5 * unit, abs=0.06)
    # Cliques: a and b; b and c; c and d. Each bar goes from its first row to its last.
    rows = [
        tuple((float(bar.get(end)) - TOP) / LINE - 0.5 for end in ("y1", "y2")) for bar in elements["clique"]
    ]
    assert sorted((round(first + 4 / LINE), round(last - 4 / LINE)) for first, last in rows) == [
        (0, 1),
        (1, 2),
        (2, 3),
    ]
    assert [text.text for text in elements["text"] if text.text in ranks] == list(ranks)


def test_bars_of_a_lane_do_not_touch():
    assert _lanes([(0, 3), (1, 4), (4, 6), (5, 7)]) == [[(0, 3), (4, 6)], [(1, 4), (5, 7)]]
    assert _lanes([]) == []


def test_names_are_escaped_and_long_ones_end_in_dots():
    ranks = {"<b>&": 1.0, "x" * 50: 2.0}
    _, elements = drawn(ranks, 0.5)
    names = [text.text for text in elements["text"]]
    assert "<b>&" in names
    assert f"{'x' * 33}…" in names
    assert elements["mean"][1].find("title").text == f"{'x' * 50}: 2.00"


@pytest.mark.parametrize("count", [2, 33, 150])
def test_everything_lies_within_the_picture(count):
    ranks = {str(index): 1 + index * (count - 1) / count for index in range(count)}
    for distance in (0.01, critical_distance(count, 6), critical_distance(count, 100)):
        svg, elements = drawn(ranks, distance)
        _, _, width, height = map(float, svg.get("viewBox").split())
        points = [(float(point.get("cx")), float(point.get("cy"))) for point in elements["mean"]]
        points += [(float(bar.get("x1")), float(bar.get("y2"))) for bar in elements.get("clique", [])]
        points.append((float(re.search(r"H([\d.]+)", elements["distance"][0].get("d"))[1]), 0.0))
        assert all(0 <= x <= width and 0 <= y <= height for x, y in points)


@pytest.mark.parametrize(
    ("low", "high", "expected"),
    [
        (1, 2, [1, 2]),
        (1, 4, [1, 2, 3, 4]),
        (9, 28, [10, 15, 20, 25]),
        (1, 150, [20, 40, 60, 80, 100, 120, 140]),
        (1, 3000, [500, 1000, 1500, 2000, 2500, 3000]),
    ],
)
def test_ticks_of_ranks_are_round_whole_numbers_and_few(low, high, expected):
    assert ticks(low, high, most=9, integer=True) == expected
