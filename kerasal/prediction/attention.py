"""What a saliency map says of parts of its image: attention shares of regions, and the best crop."""

import re
from dataclasses import dataclass

import cv2
import numpy as np

from kerasal.errors import InputError

_NUMBER = r"(\d+(?:\.\d+)?)(%?)"
_REGION = re.compile(rf"(?P<name>.+):{_NUMBER},{_NUMBER},{_NUMBER},{_NUMBER}")


def to_density(saliency_map: np.ndarray) -> np.ndarray:
    """A map (H, W) divided by its sum, float32; a map without any saliency becomes uniform."""
    total = saliency_map.sum(dtype="float64")
    if total > 0:
        return (saliency_map / total).astype("float32")
    return np.full(saliency_map.shape, 1 / saliency_map.size, "float32")


@dataclass(frozen=True)
class Region:
    """A named rectangle: left, top, width, height, each in pixels or, where `percent` says so, in percent."""

    name: str
    box: tuple[float, float, float, float]
    percent: tuple[bool, bool, bool, bool] = (False, False, False, False)

    @classmethod
    def parse(cls, text: str) -> "Region":
        """From `name:x,y,w,h`, in pixels, or percent of the image: `name:10%,0%,50%,25%`.

        InputError: another form, or an empty rectangle.
        """
        name, _, box = text.rpartition(":")
        match = _REGION.fullmatch(f"{name.strip()}:{box.replace(' ', '')}")
        if not match:
            raise InputError(
                f"region {text!r} is not name:x,y,w,h, such as logo:10,20,200,80 or logo:0%,0%,50%,9%"
            )
        values = match.groups()[1:]
        region = cls(match["name"], tuple(map(float, values[::2])), tuple(map(bool, values[1::2])))
        if not (region.box[2] and region.box[3]):
            raise InputError(f"region {text!r} is empty: width and height must be positive")
        return region

    def slices(self, shape: tuple[int, int]) -> tuple[slice, slice]:
        """The rows and columns of an image of `shape` (rows, columns) that it covers; the rest is cut off."""
        sides = (shape[1], shape[0]) * 2
        left, top, width, height = (
            value * side / 100 if percent else value
            for value, percent, side in zip(self.box, self.percent, sides, strict=True)
        )
        ends = [(top, top + height, shape[0]), (left, left + width, shape[1])]
        return tuple(slice(min(round(start), side), min(round(end), side)) for start, end, side in ends)


def attention_share(saliency_map: np.ndarray, region: Region) -> dict[str, float]:
    """How much of the attention on an image (H, W) goes to a region.

    Returns `share`, the part of the map's sum within the region, and `area`, the part of the image that it
    covers, both in [0, 1]: attention spread evenly would give equal ones.
    """
    part = to_density(saliency_map)[region.slices(saliency_map.shape)]
    return {"share": float(part.sum(dtype="float64")), "area": part.size / saliency_map.size}


def parse_aspect(text: str) -> float:
    """Width over height from `16:9` or `1.5`. InputError: neither, or not positive."""
    try:
        width, _, height = text.partition(":")
        aspect = float(width) / float(height or 1)
        if not 0 < aspect < float("inf"):
            raise ValueError
    except (ValueError, ZeroDivisionError):
        raise InputError(f"aspect {text!r} is not WIDTH:HEIGHT, such as 16:9") from None
    return aspect


def best_crop(saliency_map: np.ndarray, aspect: float, scale: float = 1.0) -> tuple[int, int, int, int]:
    """The window of a map (H, W) that holds the most saliency, as (left, top, width, height) in pixels.

    Args:
        aspect: width over height of the window.
        scale: its size, as a part (0, 1] of the largest window of that aspect.

    Of windows that hold as much, the one nearest to the centre. InputError: `aspect` or `scale` out of range.
    """
    if not 0 < aspect < float("inf"):
        raise InputError(f"the crop's aspect must be positive, got {aspect:g}")
    if not 0 < scale <= 1:
        raise InputError(f"the crop's scale must lie between 0 and 1, got {scale:g}")
    rows, columns = saliency_map.shape
    width = max(1, min(columns, round(min(columns, rows * aspect) * scale)))
    height = max(1, min(rows, round(min(rows, columns / aspect) * scale)))
    total = cv2.integral(saliency_map.astype("float32"), sdepth=cv2.CV_64F)
    sums = (
        total[height:, width:] - total[:-height, width:] - total[height:, :-width] + total[:-height, :-width]
    )
    tops, lefts = np.nonzero(sums >= sums.max() - 1e-9 * total[-1, -1])
    off_centre = np.abs(tops - (rows - height) / 2) + np.abs(lefts - (columns - width) / 2)
    best = off_centre.argmin()
    return int(lefts[best]), int(tops[best]), width, height
