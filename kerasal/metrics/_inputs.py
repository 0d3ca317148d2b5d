"""What the array metrics accept: one image, checked, and read a stretch of pixels at a time.

Whatever is not a finite map of the expected shape, or a fixation on it, raises a ValueError that says what
was expected and what came. Arithmetic is in float64 whatever the dtype of a map is. It goes over stretches
that fit a processor's cache: copies of whole maps would cost more time than the arithmetic.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cached_property

import cv2
import numpy as np
from numpy.typing import ArrayLike

EPSILON = 2.220446049250313e-16  # MATLAB's eps, which the MIT benchmark's code adds within logarithms
STRETCH = 49_152  # pixels; 384 KiB in float64
ROW = 8_192  # pixels; see `inner`
SMALLEST_FACTOR, LARGEST_FACTOR = 1e-100, 1e100  # float64 holds the product of three numbers between these


@dataclass(frozen=True)
class Map:
    """A map of finite real numbers: its shape (H, W), its pixels in a row, what one pass finds of them.

    The totals are NaN, and `found_extremes` None, where `read_map` was not asked for them.
    """

    shape: tuple[int, int]
    pixels: np.ndarray
    found_extremes: np.ndarray | None
    total: float
    total_of_squares: float

    @cached_property
    def extremes(self) -> np.ndarray:
        """The lowest and the highest value of each stretch (N, 2)."""
        if self.found_extremes is not None:
            return self.found_extremes
        return np.array([(part.min(), part.max()) for part in map(self.read, stretches(self.pixels))])

    @cached_property
    def lowest(self) -> float:
        return float(self.extremes[:, 0].min())  # NaN passes through

    @cached_property
    def highest(self) -> float:
        return float(self.extremes[:, 1].max())

    @property
    def is_constant(self) -> bool:
        return not self.has_moments and self.lowest == self.highest

    def read(self, selection: slice | np.ndarray) -> np.ndarray:
        """Selected pixels in float64; not always a copy."""
        return np.asarray(self.pixels[selection], dtype=np.float64)

    @property
    def is_ordinary(self) -> bool:
        """Whether squares of the deviations are far inside float64."""
        return self.has_moments or SMALLEST_FACTOR < self.highest - self.lowest < LARGEST_FACTOR

    def deviations(self, selection: slice | np.ndarray) -> np.ndarray:
        """Differences from the mean; in units of the map's range if it is not ordinary."""
        deviations = self.read(selection) - self.total / self.pixels.size
        if not self.is_ordinary:
            deviations /= self.highest - self.lowest
        return deviations

    @cached_property
    def has_moments(self) -> bool:
        """Whether the total of squares holds the spread to all but two digits, far inside float64.

        So the map is not constant, and is ordinary, whatever its extremes are.
        """
        spread = self.total_of_squares - self.total * self.total / self.pixels.size
        return spread > self.total_of_squares / 100 and SMALLEST_FACTOR < spread < LARGEST_FACTOR

    @cached_property
    def squares(self) -> float:
        """Sum of the squared deviations."""
        if self.has_moments:
            return self.total_of_squares - self.total * self.total / self.pixels.size
        deviations = (self.deviations(part) for part in stretches(self.pixels))
        return sum(inner(part, part) for part in deviations)

    @cached_property
    def distribution(self) -> Distribution:
        """A map without negative values as a distribution; uniform if it is zero everywhere."""
        return Distribution.of(self, base=0.0)

    @cached_property
    def shifted_distribution(self) -> Distribution:
        """The map less its minimum as a distribution; uniform if it is constant.

        The same as bringing the map to [0, 1] by minimum and maximum first: that factor cancels.
        """
        return Distribution.of(self, base=self.lowest)


@dataclass(frozen=True)
class Distribution:
    """A map less `base`, divided by the sum of what is left."""

    source: Map
    base: float
    total: float

    @classmethod
    def of(cls, source: Map, base: float) -> Distribution:
        """Of a map with no value under `base`; uniform if it has no other value."""
        pixels, total = source.pixels, source.total
        if source.highest == base:
            zeros = replace(source, pixels=np.broadcast_to(0.0, pixels.shape), found_extremes=None)
            return cls(zeros, -1.0, float(pixels.size))
        if base != 0:
            # Not the total less n times the base, which loses digits where the base is large.
            total = float(sum((source.read(part) - base).sum() for part in stretches(pixels)))
        if not SMALLEST_FACTOR < total < LARGEST_FACTOR:
            scaled = (source.read(slice(None)) - base) / total
            return cls(replace(source, pixels=scaled, found_extremes=None), 0.0, 1.0)
        return cls(source, base, total)

    def masses(self, selection: slice | np.ndarray) -> np.ndarray:
        """Of the selected pixels: what `total` divides. Not always a copy."""
        values = self.source.read(selection)
        return values - self.base if self.base else values

    def lowest_mass(self, part: slice) -> float:
        """Of one of the `stretches`."""
        return self.source.extremes[part.start // STRETCH, 0] - self.base

    def probabilities(self, selection: slice | np.ndarray) -> np.ndarray:
        """Of the selected pixels; a new array, which may be overwritten."""
        return self.masses(selection) / self.total


def stretches(pixels: np.ndarray) -> Iterator[slice]:
    """Slices that go through the pixels of a map."""
    return (slice(start, start + STRETCH) for start in range(0, pixels.size, STRETCH))


def inner(a: np.ndarray, b: np.ndarray) -> float:
    """Sum of products of two arrays (N,).

    Row by row: for more than 10,000 products BLAS starts threads, which wait for each other on a busy
    machine.
    """
    in_rows = a.size - a.size % ROW
    rows = a[:in_rows].reshape(-1, 1, ROW) @ b[:in_rows].reshape(-1, ROW, 1)
    return float(rows.sum() + a[in_rows:] @ b[in_rows:])


def read_map(
    values: ArrayLike | Map, name: str = "saliency_map", totals: bool = True, extremes: bool = True
) -> Map:
    """A map (H, W) of finite real numbers. `name` is the argument's name in errors.

    The AUCs do not need the `totals`, NSS and CC mostly not the `extremes`: one of them is left out then.
    """
    if isinstance(values, Map):
        return values
    values = _unmasked(values, name)
    if values.ndim != 2 or values.size == 0:
        raise ValueError(f"{name} must be (height, width), got shape {values.shape}")
    if values.dtype.kind not in "buif":
        raise ValueError(f"{name} must hold real numbers, got dtype {values.dtype}")
    pixels = values.reshape(-1)
    with np.errstate(over="ignore", invalid="ignore"):  # refused below
        found = np.array([_measured(pixels[part], totals, extremes) for part in stretches(pixels)])
        found_extremes, sums = found[:, :2] if extremes else None, found[:, 2:].sum(axis=0).tolist()
        checked = Map(values.shape, pixels, found_extremes, *sums)
        # Whatever is not finite, or too large to be summed, has no finite square.
        if not checked.total_of_squares < np.inf:
            largest_sum = max(abs(checked.lowest), abs(checked.highest)) * 2.0 * values.size
            if not largest_sum < np.inf:
                _refuse_unbounded(values, name)
    return checked


def read_positive_map(values: ArrayLike | Map, name: str, why: str) -> Map:
    """A map without negative values. `why` ends the error's first half."""
    checked = read_map(values, name)
    if checked.lowest < 0:
        raise ValueError(f"{name} must not be negative{why}, got a minimum of {checked.lowest:.6g}")
    return checked


def read_density(density: ArrayLike, saliency_map: Map) -> Map:
    """A density map of the saliency map's shape, without negative values."""
    checked = read_positive_map(density, "density", "")
    check_same_shape(checked, saliency_map, "density")
    return checked


def check_same_shape(other: Map, saliency_map: Map, name: str) -> None:
    """Metrics never resize: raise if the map called `name` and the saliency map differ in shape."""
    if other.shape != saliency_map.shape:
        raise ValueError(
            f"{name} and saliency_map must have one shape, got {other.shape} and {saliency_map.shape}"
        )


def read_fixations(fixations: ArrayLike, saliency_map: Map, name: str = "fixations") -> np.ndarray:
    """Flat pixel indices of the fixations on the saliency map, repeats kept.

    fixations: a binary fixation map (H, W), or (N, 2) integers (row, column). An array of the saliency
    map's own shape is always taken for a fixation map.
    """
    if isinstance(fixations, tuple) and any(isinstance(part, np.ndarray) for part in fixations):
        raise ValueError(f"{name} are (N, 2), row and column, got a tuple of arrays: np.argwhere gives them")
    fixations = _unmasked(fixations, name)
    shape = saliency_map.shape
    if fixations.shape == shape:
        return _indices_of_fixation_map(fixations, name)
    if fixations.shape in ((0,), (0, 2)):
        return np.empty(0, dtype=np.intp)
    if fixations.ndim != 2 or fixations.shape[1] != 2:
        raise ValueError(
            f"{name} must be a binary map of shape {shape} or an (N, 2) array of (row, column), "
            f"got shape {fixations.shape}"
        )
    if fixations.dtype.kind not in "ui":
        raise ValueError(f"{name} must be integer (row, column), got dtype {fixations.dtype}")
    return _indices_of_coordinates(fixations, shape, name)


def _unmasked(values: ArrayLike, name: str) -> np.ndarray:
    if np.ma.is_masked(values):
        raise ValueError(f"{name} has masked pixels, which no metric leaves out: crop the map")
    return np.asarray(values)


def _measured(pixels: np.ndarray, totals: bool, extremes: bool) -> tuple[float, float, float, float]:
    """Lowest and highest value, sum and sum of squares; NaN for what is not asked for."""
    pixels = np.asarray(pixels, dtype=np.float64)
    lowest, highest = (pixels.min(), pixels.max()) if extremes else (np.nan, np.nan)
    if not totals:
        return lowest, highest, np.nan, np.nan
    # OpenCV sums in half of numpy's time.
    total = cv2.reduce(pixels.reshape(1, -1), 1, cv2.REDUCE_SUM)[0, 0]
    return lowest, highest, total, cv2.norm(pixels, cv2.NORM_L2SQR)


def _refuse_unbounded(values: np.ndarray, name: str) -> None:
    unbounded = np.flatnonzero(~np.isfinite(values))
    if unbounded.size == 0:
        raise ValueError(
            f"{name} must have a sum within float64, got values from {values.min():.6g} to {values.max():.6g}"
        )
    row, column = np.unravel_index(unbounded[0], values.shape)
    raise ValueError(
        f"{name} must be finite, got {values[row, column]} at row {row}, column {column} "
        f"({unbounded.size} of {values.size} pixels are not finite)"
    )


def _indices_of_fixation_map(fixation_map: np.ndarray, name: str) -> np.ndarray:
    if fixation_map.dtype.kind not in "buif":
        raise ValueError(f"{name} must be a map of 0 and 1, got dtype {fixation_map.dtype}")
    fixation_map = fixation_map.ravel()
    # Finding the true values of a boolean array is many times faster than those of a numeric one.
    indices = np.flatnonzero(fixation_map != 0)
    others = fixation_map[indices] != 1
    if others.any():
        raise ValueError(
            f"{name} must be binary (0 and 1), got the value {fixation_map[indices[np.argmax(others)]]}; "
            "a density map is not a fixation map"
        )
    return indices


def _indices_of_coordinates(coordinates: np.ndarray, shape: tuple[int, int], name: str) -> np.ndarray:
    height, width = shape
    rows, columns = coordinates[:, 0], coordinates[:, 1]
    outside = (rows < 0) | (rows >= height) | (columns < 0) | (columns >= width)
    if outside.any():
        index = int(np.argmax(outside))
        raise ValueError(
            f"{name} must lie on the map of {height} rows and {width} columns, "
            f"got row {rows[index]}, column {columns[index]} at index {index}"
        )
    return rows.astype(np.intp) * width + columns.astype(np.intp)
