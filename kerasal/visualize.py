"""Pictures: saliency maps, stimuli with their fixations and density maps, the centre bias."""

from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path

import contourpy
import cv2
import numpy as np
from matplotlib import colormaps
from PIL import Image, ImageDraw, ImageFont

from kerasal._files import make_folder, write_array, write_encoded
from kerasal.data.images import read_map, write_picture
from kerasal.data.sample import Sample, center_bias
from kerasal.errors import InputError

WIDTH, GAP, CAPTION = 400, 6, 22  # pixels of a panel, between panels, below them
TALLEST = 4 * WIDTH  # of a panel: one as wide as the others may be of a stimulus that is a line
CENTER_BIAS_SIZE = (300, 400)
# What a map's pictures are stretched between, in percentiles of its values.
STRETCHES = {"none": None, "min-max": (0, 100), "percentile": (1, 99)}


def grey(saliency_map: np.ndarray) -> np.ndarray:
    """A map (H, W) as (H, W) uint8: its maximum is 255, 0 is 0."""
    peak = saliency_map.max()
    return np.round(saliency_map * (255 / peak if peak > 0 else 0)).astype("uint8")


def stretched(saliency_map: np.ndarray, how: str) -> np.ndarray:
    """A map (H, W) for pictures, so that one that is nearly flat shows what there is in it.

    Args:
        how: "none" leaves it; "min-max" takes its lowest value to 0 and its highest to 1; "percentile" does
            so with its first and 99th percentile, where they differ, and clips what lies beyond. Of a
            constant map all is 0.

    InputError: another word.
    """
    if how not in STRETCHES:
        raise InputError(f"unknown stretch {how!r}: one of {', '.join(STRETCHES)}")
    if how == "none":
        return saliency_map
    low, high = np.percentile(saliency_map, STRETCHES[how])
    if low == high:
        low, high = saliency_map.min(), saliency_map.max()
    return np.clip((saliency_map - low) / (high - low if high > low else 1), 0, 1)


def overlay(
    stimulus: np.ndarray,
    saliency_map: np.ndarray,
    *,
    opacity: float = 0.6,
    colors: str = "inferno",
    keep_colors: bool = False,
) -> np.ndarray:
    """The map as a heat map over its stimulus, (H, W, 3) uint8 RGB.

    Args:
        stimulus: (H, W, 3) uint8 RGB.
        saliency_map: (H, W), any non-negative scale; its maximum takes the hottest colour.
        opacity: of the hottest parts, 0..1; cold parts let the stimulus through.
        colors: a Matplotlib colour map.
        keep_colors: the stimulus in its own colours, not greyed.

    InputError: an unknown colour map, or an opacity out of range.
    """
    blends, level = _blends(colors, opacity), grey(saliency_map)
    if keep_colors:
        return np.stack([blends[level, stimulus[..., c], c] for c in range(3)], axis=-1)
    return blends[level, cv2.cvtColor(stimulus, cv2.COLOR_RGB2GRAY)]


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
    size = max(11, round(min(rows, picture.shape[1]) / 28))  # of the letters, in pixels
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


def with_fixations(stimulus: np.ndarray, fixations: np.ndarray) -> np.ndarray:
    """The stimulus (H, W, 3) with a ringed dot at each fixation (N, 2): x, y; enlarged if it is small."""
    times = max(1, _enlargement(stimulus))
    picture = cv2.resize(stimulus, None, fx=times, fy=times, interpolation=cv2.INTER_CUBIC)
    radius = max(2, round(max(picture.shape) / 200))
    for x, y in (fixations * times).astype(int):
        cv2.circle(picture, (int(x), int(y)), radius, (0, 0, 0), -1, cv2.LINE_AA)
        cv2.circle(picture, (int(x), int(y)), max(1, round(0.65 * radius)), (255, 220, 0), -1, cv2.LINE_AA)
    return picture


def rows_of_panels(rows: Sequence[Sequence[tuple[np.ndarray, str]]]) -> Image.Image:
    """Pictures (H, W, 3) in rows, each scaled to the panels' width or TALLEST, with a caption below."""
    made = [[_panel(*panel) for panel in row] for row in rows]
    heights = [max(panel.height for panel in row) for row in made]
    columns = max(map(len, made))
    size = (columns * (WIDTH + GAP) - GAP, sum(heights) + GAP * (len(heights) - 1))
    image = Image.new("RGB", size, "white")
    top = 0
    for row, height in zip(made, heights, strict=True):
        for place, panel in enumerate(row):
            image.paste(panel, (place * (WIDTH + GAP), top))
        top += height + GAP
    return image


def draw_samples(samples: Sequence[Sample], path: Path) -> Path:
    """Write a picture with a row for each sample: stimulus, fixations, density map.

    InputError: a file name that is no picture's.
    """
    _check_name(path, ".jpg", ".jpeg", ".png")
    rows = []
    for sample in samples:
        stimulus = sample.read_stimulus()
        row = [(stimulus, sample.name)]
        if sample.fixations is not None:
            fixations = sample.all_fixations()
            who = "pooled" if sample.pooled else f"{len(sample.fixations)} observers"
            row.append((with_fixations(stimulus, fixations), f"{len(fixations)} fixations, {who}"))
        given = sample.density_file is not None
        blur = "density map, as given" if given else f"density map, sigma {sample.sigma:.3g} px"
        rows.append([*row, (overlay(stimulus, sample.density()), blur)])
    make_folder(path.parent)
    return write_picture(path, rows_of_panels(rows), quality=88)


def draw_center_bias(samples: Sequence[Sample], path: Path) -> list[Path]:
    """Write the centre bias of samples as a picture and, beside it, as .npy; returns both paths.

    InputError: a file name that is no picture's.
    """
    _check_name(path, ".png", ".jpg", ".jpeg", ".pdf", ".svg")
    bias = center_bias(list(samples), CENTER_BIAS_SIZE)
    make_folder(path.parent)
    array = write_array(path.with_suffix(".npy"), bias)
    return [save_center_bias(array, path), array]


def save_center_bias(array: Path, path: Path) -> Path:
    """Draw a centre bias map from its .npy file with its marginals: the paper's Figure 2."""
    # Here, because maps do without figures, and these take long to load.
    from matplotlib.figure import Figure
    from matplotlib.ticker import MaxNLocator

    bias = read_map(array)
    rows, columns = bias.shape
    figure = Figure(figsize=(6.4, 6.4 * (rows + 0.36 * columns) / (1.42 * columns)), layout="constrained")
    grid = figure.add_gridspec(
        2, 2, width_ratios=(columns, 0.28 * columns), height_ratios=(0.28 * columns, rows)
    )
    map_axes = figure.add_subplot(grid[1, 0])
    map_axes.imshow(bias, cmap="inferno", vmin=0, aspect="auto", extent=(0, 1, 1, 0))
    map_axes.set(xlabel="x / width", ylabel="y / height")
    ink = "#7a1f6b"
    above = figure.add_subplot(grid[0, 0], sharex=map_axes)
    above.fill_between((np.arange(columns) + 0.5) / columns, bias.mean(axis=0), color=ink, linewidth=0)
    above.set(ylim=(0, None), ylabel="mean")
    above.tick_params(labelbottom=False)
    beside = figure.add_subplot(grid[1, 1], sharey=map_axes)
    beside.fill_betweenx((np.arange(rows) + 0.5) / rows, bias.mean(axis=1), color=ink, linewidth=0)
    beside.set(xlim=(0, None), xlabel="mean")
    beside.xaxis.set_major_locator(MaxNLocator(2, prune="lower"))
    beside.tick_params(labelleft=False)
    for axes in (above, beside):
        axes.spines[["top", "right"]].set_visible(False)
    return write_encoded(path, lambda stream: figure.savefig(stream, format=path.suffix[1:], dpi=150))


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


def _enlargement(picture: np.ndarray) -> float:
    """By what a picture (H, W, 3) is multiplied to be a panel."""
    return min(WIDTH / picture.shape[1], TALLEST / picture.shape[0])


def _panel(picture: np.ndarray, caption: str) -> Image.Image:
    times = _enlargement(picture)
    height, width = (max(1, round(times * side)) for side in picture.shape[:2])
    image = Image.new("RGB", (WIDTH, height + CAPTION), "white")
    image.paste(Image.fromarray(picture).resize((width, height), Image.Resampling.LANCZOS))
    ImageDraw.Draw(image).text((2, height + 3), caption, fill="black", font_size=15)
    return image


def _check_name(path: Path, *suffixes: str) -> None:
    if path.suffix.lower() not in suffixes:
        raise InputError(f"cannot draw {path}: a picture's name ends in {', '.join(suffixes)}")
