"""Pictures of a quest's report, as data URIs, so that the page needs no other file."""

import base64

import cv2
import numpy as np
from matplotlib import colormaps

from kerasal.visualize import grey

COLORS = "inferno"


def photo(stimulus: np.ndarray, width: int, quality: int = 75) -> str:
    """A stimulus (H, W, 3), uint8 RGB, as a JPEG of that width; the aspect is kept."""
    return _uri(_resized(stimulus, width)[..., ::-1], ".jpg", [cv2.IMWRITE_JPEG_QUALITY, quality])


def heat(saliency_map: np.ndarray, size: tuple[int, int]) -> str:
    """A map (H, W), not negative, stretched to `size` (rows, columns), its maximum the hottest colour."""
    level = grey(cv2.resize(saliency_map.astype("float32"), size[::-1], interpolation=cv2.INTER_LINEAR))
    colored = (colormaps[COLORS](level)[..., :3] * 255).astype("uint8")
    return _uri(colored[..., ::-1], ".jpg", [cv2.IMWRITE_JPEG_QUALITY, 85])


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


def _resized(image: np.ndarray, width: int) -> np.ndarray:
    height = max(1, round(width * image.shape[0] / image.shape[1]))
    shrinks = width < image.shape[1]
    return cv2.resize(image, (width, height), interpolation=cv2.INTER_AREA if shrinks else cv2.INTER_LINEAR)


def _uri(bgr: np.ndarray, suffix: str, parameters: list[int]) -> str:
    data = cv2.imencode(suffix, bgr, parameters)[1].tobytes()
    return f"data:image/{'jpeg' if suffix == '.jpg' else 'png'};base64,{base64.b64encode(data).decode()}"
