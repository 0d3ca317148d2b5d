"""Pictures of a report, as data URIs, so that the page needs no other file."""

import base64

import cv2
import numpy as np

from kerasal.visualize import color_table, grey

COLORS = "inferno"


def photo(stimulus: np.ndarray, width: int, quality: int = 75) -> str:
    """A stimulus (H, W, 3), uint8 RGB, as a JPEG of that width; the aspect is kept."""
    return _jpeg(resized(stimulus, width), quality)


def heat(saliency_map: np.ndarray, size: tuple[int, int]) -> str:
    """A map (H, W), not negative, stretched to `size` (rows, columns), its maximum the hottest colour."""
    level = grey(cv2.resize(saliency_map.astype("float32"), size[::-1], interpolation=cv2.INTER_LINEAR))
    return _jpeg(color_table(COLORS)[level].astype("uint8"), 85)


def resized(image: np.ndarray, width: int) -> np.ndarray:
    """An image, or a map as float32, at that width; the aspect is kept."""
    height = max(1, round(width * image.shape[0] / image.shape[1]))
    shrinks = width < image.shape[1]
    return cv2.resize(image, (width, height), interpolation=cv2.INTER_AREA if shrinks else cv2.INTER_LINEAR)


def _jpeg(image: np.ndarray, quality: int) -> str:
    data = cv2.imencode(".jpg", image[..., ::-1], [cv2.IMWRITE_JPEG_QUALITY, quality])[1].tobytes()
    return f"data:image/jpeg;base64,{base64.b64encode(data).decode()}"
