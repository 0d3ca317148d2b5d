"""Pictures of a report, as data URIs, so that the page needs no other file."""

import base64

import cv2
import numpy as np
from matplotlib import colormaps

from kerasal.visualize import grey

COLORS = "inferno"


def photo(stimulus: np.ndarray, width: int, quality: int = 75) -> str:
    """A stimulus (H, W, 3), uint8 RGB, as a JPEG of that width; the aspect is kept."""
    return _uri(resized(stimulus, width)[..., ::-1], ".jpg", [cv2.IMWRITE_JPEG_QUALITY, quality])


def heat(saliency_map: np.ndarray, size: tuple[int, int]) -> str:
    """A map (H, W), not negative, stretched to `size` (rows, columns), its maximum the hottest colour."""
    level = grey(cv2.resize(saliency_map.astype("float32"), size[::-1], interpolation=cv2.INTER_LINEAR))
    colored = (colormaps[COLORS](level)[..., :3] * 255).astype("uint8")
    return _uri(colored[..., ::-1], ".jpg", [cv2.IMWRITE_JPEG_QUALITY, 85])


def resized(image: np.ndarray, width: int) -> np.ndarray:
    """An image, or a map as float32, at that width; the aspect is kept."""
    height = max(1, round(width * image.shape[0] / image.shape[1]))
    shrinks = width < image.shape[1]
    return cv2.resize(image, (width, height), interpolation=cv2.INTER_AREA if shrinks else cv2.INTER_LINEAR)


def _uri(bgr: np.ndarray, suffix: str, parameters: list[int]) -> str:
    data = cv2.imencode(suffix, bgr, parameters)[1].tobytes()
    return f"data:image/{'jpeg' if suffix == '.jpg' else 'png'};base64,{base64.b64encode(data).decode()}"
