"""A plot of one metric: each system's mean and interval, on a line."""

import html
import math

from kerasal.comparison.entries import REFERENCE_KIND
from kerasal.comparison.results import Results
from kerasal.metrics import METRICS

# Pixels: of the names, the scale, right of it, a row, above the rows.
NAMES, SCALE, RIGHT, LINE, TOP = 190, 250, 14, 20, 26
LONGEST = 26  # letters of a name


def interval_plot(results: Results, metric: str) -> str:
    """An SVG: a row a system with its mean and 95 % interval, the best on top; reference lines go through."""
    summaries = {label: its[metric] for label, its in results.comparison().summaries.items()}
    known = {label: its for label, its in summaries.items() if math.isfinite(its.mean)}
    if not known:
        return ""
    ends = [end for its in known.values() for end in (its.mean, *its.interval) if math.isfinite(end)]
    low, high = min(ends), max(ends)
    span = (high - low) or 1.0
    info = METRICS[metric]
    order = sorted(known, key=lambda label: known[label].mean, reverse=info.higher_is_better)
    height = TOP + LINE * len(order)

    def x(value: float) -> float:
        return NAMES + SCALE * (value - low) / span

    lines, rows = [], []
    for row, label in enumerate(order):
        its, y = known[label], TOP + LINE * (row + 0.5)
        kind = "reference" if results.systems[label]["kind"] == REFERENCE_KIND else "system"
        if kind == "reference":
            at = f"{x(its.mean):.1f}"
            lines.append(f'<line class="reference" x1="{at}" x2="{at}" y1="{TOP}" y2="{height}"/>')
        shown = label if len(label) <= LONGEST else f"{label[: LONGEST - 1]}…"
        rows.append(f'<text x="{NAMES - 8}" y="{y + 4:.1f}" text-anchor="end">{html.escape(shown)}</text>')
        if math.isfinite(its.interval[0]):
            rows.append(
                f'<line class="{kind} interval" x1="{x(its.interval[0]):.1f}" '
                f'x2="{x(its.interval[1]):.1f}" y1="{y:.1f}" y2="{y:.1f}"/>'
            )
        rows.append(
            f'<circle class="{kind}" cx="{x(its.mean):.1f}" cy="{y:.1f}" r="4">'
            f"<title>{html.escape(label)}: {its.mean:.3f}</title></circle>"
        )
    for value, anchor in ((low, "start"), (high, "end")):
        lines.append(
            f'<text class="tick" x="{x(value):.1f}" y="16" text-anchor="{anchor}">{value:.3g}</text>'
        )
    head = f'<text x="{NAMES - 8}" y="16" text-anchor="end" font-weight="600">{info.name} ' + (
        "↑</text>" if info.higher_is_better else "↓</text>"
    )
    return (
        f'<svg class="intervals" viewBox="0 0 {NAMES + SCALE + RIGHT} {height + 4}" role="img" '
        f'aria-label="{info.name} of each system with its 95 % interval">{head}{"".join(lines + rows)}</svg>'
    )
