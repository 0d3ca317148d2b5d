"""Saliency maps as pictures."""

from collections.abc import Sequence
from functools import lru_cache

import contourpy
import cv2
import numpy as np
from matplotlib import colormaps
from PIL import Image, ImageDraw, ImageFont

from kerasal.errors import InputError


def grey(saliency_map: np.ndarray) -> np.ndarray:
    """A map (H, W) as (H, W) uint8: its maximum is 255, 0 is 0."""
    peak = saliency_map.max()
    return np.round(saliency_map * (255 / peak if peak > 0 else 0)).astype("uint8")


def overlay(
    stimulus: np.ndarray, saliency_map: np.ndarray, *, opacity: float = 0.6, colors: str = "inferno"
) -> np.ndarray:
    """The map as a heat map over its stimulus, (H, W, 3) uint8 RGB.

    Args:
        stimulus: (H, W, 3) uint8 RGB.
        saliency_map: (H, W), any non-negative scale; its maximum takes the hottest colour.
        opacity: of the hottest parts, 0..1; cold parts let the greyed stimulus through.
        colors: a Matplotlib colour map.

    InputError: an unknown colour map, or an opacity out of range.
    """
    shade = cv2.cvtColor(stimulus, cv2.COLOR_RGB2GRAY)
    return _blends(colors, opacity)[grey(saliency_map), shade]


def color_table(colors: str) -> np.ndarray:
    """The 256 colours of a Matplotlib colour map, (256, 3) float64, 0..255. InputError: an unknown name."""
    if colors not in colormaps:
        known = "inferno, viridis, magma, turbo, jet, gray"
        raise InputError(f"unknown colour map {colors!r}: one of Matplotlib's, such as {known}")
    return colormaps[colors](np.arange(256) / 255)[:, :3] * 255


def draw_contours(picture: np.ndarray, saliency_map: np.ndarray, quantiles: Sequence[float]) -> np.ndarray:
    """The picture (H, W, 3) with lines around the most salient pixels; the line at 0.9 has a tenth inside.

    InputError: a quantile that is not between 0 and 1.
    """
    if wrong := [quantile for quantile in quantiles if not 0 < quantile < 1]:
        raise InputError(f"contours are quantiles between 0 and 1, got {wrong[0]:g}")
    picture = np.ascontiguousarray(picture).copy()
    if min(saliency_map.shape) < 2:
        return picture  # too thin for a line
    lines = contourpy.contour_generator(z=saliency_map)
    width = max(1, round(min(picture.shape[:2]) / 300))
    for quantile in quantiles:
        for line in lines.lines(float(np.quantile(saliency_map, quantile))):
            points = [np.round(line * 16).astype("int32")]
            for color, extra in (((0, 0, 0), 2), ((255, 255, 255), 0)):  # white, seen on white too
                cv2.polylines(picture, points, False, color, width + extra, cv2.LINE_AA, shift=4)
    return picture


def add_color_bar(picture: np.ndarray, colors: str = "inferno") -> np.ndarray:
    """The picture (H, W, 3) with a bar of the map's scale at its right: 0, and 1 at each map's maximum."""
    rows = max(picture.shape[0], 96)
    size = int(np.clip(rows / 28, 11, 48))  # of the letters, in pixels
    bar = Image.new("RGB", (5 * size, rows), "white")
    height = rows - 2 * size
    levels = np.linspace(255, 0, height).round().astype(int)
    scale = np.repeat(color_table(colors)[levels][:, None].round().astype("uint8"), size, axis=1)
    bar.paste(Image.fromarray(scale), (size, size))
    pen, font = ImageDraw.Draw(bar), ImageFont.load_default(size)
    for value in (0, 0.5, 1):
        y = size + (1 - value) * (height - 1)
        pen.line([(2 * size, y), (2 * size + size // 3, y)], fill="black", width=max(1, size // 12))
        pen.text((2.5 * size, y), f"{value:g}", fill="black", font=font, anchor="lm")
    whole = Image.new("RGB", (picture.shape[1] + bar.width, rows), "white")
    whole.paste(Image.fromarray(picture), (0, 0))
    whole.paste(bar, (picture.shape[1], 0))
    return np.asarray(whole)


@lru_cache(maxsize=8)
def _blends(colors: str, opacity: float) -> np.ndarray:
    """The colour of each (level of the map, shade of the stimulus), (256, 256, 3) uint8.

    A picture has but these colours: looking them up takes a tenth of the time of computing them.
    """
    if not 0 <= opacity <= 1:
        raise InputError(f"opacity must lie between 0 and 1, got {opacity:g}")
    level = np.arange(256) / 255
    alpha = (opacity * np.minimum(1, 1.5 * level**0.7))[:, None, None]
    shade = np.arange(256.0)[None, :, None]
    return ((1 - alpha) * shade + alpha * color_table(colors)[:, None]).astype("uint8")
