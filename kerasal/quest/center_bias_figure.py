"""The picture of the centre bias in a quest's report."""

import numpy as np

from kerasal.reports import heat


def center_bias_figure(center_bias: np.ndarray, width: int = 360, margin: int = 70) -> str:
    """The paper's Figure 2: the mean training density in colour with its two marginals, as an SVG."""
    rows, columns = center_bias.shape
    height = round(width * rows / columns)
    across, down = center_bias.sum(axis=0), center_bias.sum(axis=1)
    top = " ".join(
        f"{x:.1f},{margin - y:.1f}"
        for x, y in zip(np.linspace(0, width, columns), 0.9 * margin * across / across.max(), strict=True)
    )
    right = " ".join(
        f"{width + x:.1f},{margin + y:.1f}"
        for x, y in zip(0.9 * margin * down / down.max(), np.linspace(0, height, rows), strict=True)
    )
    return (
        f'<svg class="bias" viewBox="0 0 {width + margin} {height + margin}" role="img" '
        'aria-label="Mean density of the training split, with its horizontal and vertical marginals">'
        f'<image href="{heat(center_bias, (height, width))}" x="0" y="{margin}" width="{width}" '
        f'height="{height}"/>'
        f'<polyline points="0,{margin} {top} {width},{margin}"/>'
        f'<polyline points="{width},{margin} {right} {width},{margin + height}"/></svg>'
    )
