"""A plot of one metric: each system's mean and interval, on a line."""

import html
import math

from kerasal.metrics import METRICS
from kerasal.reports import axis_range, ticks
from kerasal.table1.entries import REFERENCE_KIND
from kerasal.table1.results import Results

# Pixels: of the names, the scale, right of it, a row, above the rows.
NAMES, SCALE, RIGHT, LINE, TOP = 190, 250, 14, 20, 26
LONGEST = 26  # letters of a name


def interval_plot(results: Results, metric: str) -> str:
    """An SVG: a row a system with its mean and 95 % interval, the best on top; reference lines go through.

    What one outlier would flatten is clipped: a triangle at the border has its mean beyond it.
    """
    summaries = {label: by_metric[metric] for label, by_metric in results.comparison().summaries.items()}
    known = {label: summary for label, summary in summaries.items() if math.isfinite(summary.mean)}
    if not known:
        return ""
    lowest, highest = axis_range([summary.mean for summary in known.values()])
    shown = [summary for summary in known.values() if lowest <= summary.mean <= highest]
    ends = [end for summary in shown for end in (summary.mean, *summary.interval) if math.isfinite(end)]
    low, high = min(ends), max(ends)
    span = (high - low) or 1.0
    info = METRICS[metric]
    order = sorted(known, key=lambda label: known[label].mean, reverse=info.higher_is_better)
    height = TOP + LINE * len(order)

    def x(value: float) -> float:
        return NAMES + SCALE * (min(max(value, low), high) - low) / span

    lines, rows = [], []
    for value in ticks(low, high):
        at = f"{x(value):.1f}"
        lines.append(
            f'<line class="axis" x1="{at}" x2="{at}" y1="{TOP - 4}" y2="{height}"/>'
            f'<text class="tick" x="{at}" y="16" text-anchor="middle">{value:g}</text>'
        )
    for row, label in enumerate(order):
        summary, y = known[label], TOP + LINE * (row + 0.5)
        kind = "reference" if results.systems[label]["kind"] == REFERENCE_KIND else "system"
        inside = lowest <= summary.mean <= highest
        at = x(summary.mean)
        if kind == "reference" and inside:
            lines.append(f'<line class="reference" x1="{at:.1f}" x2="{at:.1f}" y1="{TOP}" y2="{height}"/>')
        name = label if len(label) <= LONGEST else f"{label[: LONGEST - 1]}…"
        rows.append(f'<text x="{NAMES - 8}" y="{y + 4:.1f}" text-anchor="end">{html.escape(name)}</text>')
        title = f"<title>{html.escape(label)}: {summary.mean:.3f}</title>"
        if not inside:
            side = 1 if summary.mean > high else -1
            rows.append(
                f'<path class="{kind} beyond" d="M{at - 4 * side:.1f} {y - 4:.1f}v8l{8 * side} -4z">'
                f'{title}</path><text class="tick" x="{at - 10 * side:.1f}" y="{y + 4:.1f}" '
                f'text-anchor="{"end" if side > 0 else "start"}">{summary.mean:.3g}</text>'
            )
            continue
        if math.isfinite(summary.interval[0]):
            rows.append(
                f'<line class="{kind} interval" x1="{x(summary.interval[0]):.1f}" '
                f'x2="{x(summary.interval[1]):.1f}" y1="{y:.1f}" y2="{y:.1f}"/>'
            )
        rows.append(f'<circle class="{kind}" cx="{at:.1f}" cy="{y:.1f}" r="4">{title}</circle>')
    head = f'<text x="{NAMES - 8}" y="16" text-anchor="end" font-weight="600">{info.name} ' + (
        "↑</text>" if info.higher_is_better else "↓</text>"
    )
    return (
        f'<svg class="intervals" viewBox="0 0 {NAMES + SCALE + RIGHT} {height + 4}" role="img" '
        f'aria-label="{info.name} of each system with its 95 % interval">{head}{"".join(lines + rows)}</svg>'
    )
