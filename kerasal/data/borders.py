"""Grey borders: padding that is part of an image file, as in CAT2000."""

from pathlib import Path
from typing import NamedTuple

import numpy as np

from kerasal.data.images import read_image

GREY, TOLERANCE = 126, 10  # of CAT2000's padding; JPEG lets it ring


class Box(NamedTuple):
    """A window of an image, in pixels: `top` and `left` are its first row and column."""

    top: int
    left: int
    rows: int
    columns: int

    @property
    def size(self) -> tuple[int, int]:
        """(rows, columns)."""
        return self.rows, self.columns


def grey_border(image: np.ndarray) -> Box:
    """The part of an image (H, W, 3) within the rows and columns at its edges that are all padding grey.

    The whole image where nothing but grey is left.
    """
    content = (np.abs(image.astype("int16") - GREY) > TOLERANCE).any(axis=2)
    rows, columns = np.flatnonzero(content.any(axis=1)), np.flatnonzero(content.any(axis=0))
    if not len(rows):
        return Box(0, 0, *image.shape[:2])
    return Box(int(rows[0]), int(columns[0]), int(rows[-1] - rows[0] + 1), int(columns[-1] - columns[0] + 1))


def crop_to(path: Path, box: Box) -> np.ndarray:
    """A window of an image file, (rows, columns, 3) uint8 RGB."""
    return np.ascontiguousarray(
        read_image(path)[box.top : box.top + box.rows, box.left : box.left + box.columns]
    )
