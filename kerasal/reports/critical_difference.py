"""The diagram of mean ranks with the critical distance, after Demsar 2006, turned so that names have room."""

import html
import math

from kerasal.evaluation.ranks import MeanRanks
from kerasal.reports.axes import ticks

# Pixels: of the names, the scale, a lane of cliques, a row, above the rows.
NAMES, SCALE, LANE, LINE, TOP = 276, 330, 9, 18, 62
LONGEST = 34  # letters of a name


def critical_difference_figure(found: MeanRanks) -> str:
    """An SVG: a row a system with its mean rank, the best on top; a bar beside the rows of each clique."""
    names, ranks = list(found.ranks), list(found.ranks.values())
    lanes = _lanes([(names.index(clique[0]), names.index(clique[-1])) for clique in found.cliques])
    width = NAMES + SCALE + 34 + LANE * len(lanes)
    height = TOP + LINE * len(names) + 6
    low = math.floor(ranks[0])
    high = math.ceil(max(ranks[-1], low + found.distance, low + 1))

    def x(rank: float) -> float:
        return NAMES + SCALE * (rank - low) / (high - low)

    def y(row: int) -> float:
        return TOP + LINE * (row + 0.5)

    parts = []
    for tick in ticks(low, high, most=9, integer=True):
        parts.append(
            f'<line class="axis" x1="{x(tick):.1f}" x2="{x(tick):.1f}" y1="{TOP}" y2="{height - 6}"/>'
            f'<text x="{x(tick):.1f}" y="{TOP - 8}" text-anchor="middle">{tick:g}</text>'
        )
    parts.append(f'<text x="{NAMES - 12}" y="{TOP - 8}" text-anchor="end">mean rank ↓</text>')
    parts.append(
        f'<path class="distance" d="M{NAMES} 16v8M{NAMES} 20H{x(low + found.distance):.1f}m0 -4v8"/>'
        f'<text x="{NAMES - 12}" y="24" text-anchor="end">critical distance {found.distance:.2f}</text>'
    )
    for row, (name, rank) in enumerate(zip(names, ranks, strict=True)):
        shown = name if len(name) <= LONGEST else f"{name[: LONGEST - 1]}…"
        parts.append(
            f'<line class="axis" x1="{NAMES - 6}" x2="{x(rank):.1f}" y1="{y(row):.1f}" y2="{y(row):.1f}"/>'
            f'<text x="{NAMES - 12}" y="{y(row) + 4:.1f}" text-anchor="end">{html.escape(shown)}</text>'
            f'<circle class="mean" cx="{x(rank):.1f}" cy="{y(row):.1f}" r="4.5">'
            f"<title>{html.escape(name)}: {rank:.2f}</title></circle>"
        )
    for lane, spans in enumerate(lanes):
        at = NAMES + SCALE + 24 + LANE * lane
        for first, final in spans:
            parts.append(
                f'<line class="clique" x1="{at}" x2="{at}" y1="{y(first) - 4:.1f}" y2="{y(final) + 4:.1f}"/>'
            )
    return (
        f'<div class="scroll"><svg class="ranks" viewBox="0 0 {width} {height}" role="img" '
        f'aria-label="Mean ranks with the critical distance">{"".join(parts)}</svg></div>'
    )


def _lanes(spans: list[tuple[int, int]]) -> list[list[tuple[int, int]]]:
    """Spans of rows side by side, so that none touches another of its lane."""
    lanes: list[list[tuple[int, int]]] = []
    for span in spans:
        lane = next((lane for lane in lanes if lane[-1][1] < span[0]), None)
        if lane is None:
            lanes.append(lane := [])
        lane.append(span)
    return lanes
