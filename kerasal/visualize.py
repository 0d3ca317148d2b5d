"""Saliency maps as pictures."""

import cv2
import numpy as np
from matplotlib import colormaps


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
    """
    level = grey(saliency_map).astype("float32") / 255
    heat = colormaps[colors](level)[..., :3].astype("float32") * 255
    shade = cv2.cvtColor(stimulus, cv2.COLOR_RGB2GRAY).astype("float32")[..., None]
    alpha = opacity * np.minimum(1, 1.5 * level**0.7)[..., None]
    return np.clip((1 - alpha) * shade + alpha * heat, 0, 255).astype("uint8")
