"""Generated scenes with a known fixation density, the stimuli of `kerasal.data.synthetic`.

Two families. Pop-out displays: one or two odd items in a jittered array of like distractors, odd by colour,
by orientation or by size. Things on a texture: one to three schematic faces, a shaded object, or a line of
letter-like strokes on a plate. The density is a sum of Gaussians at these targets, a centred Gaussian and a
uniform part (see `SHARES`). The fixations are an exact sample of it, so the expected value of every metric
is known, for the true map and for any other.
"""

from dataclasses import dataclass

import cv2
import numpy as np

SIZE = (300, 400)  # rows, columns
KINDS = {"color": 0.2, "orientation": 0.15, "size": 0.15, "faces": 0.25, "object": 0.125, "text": 0.125}
SHARES = {"targets": 0.80, "center": 0.15, "uniform": 0.05}  # of the density's mass
CENTER_SIGMA = 0.2  # of the image's height and width
SPOT_SIGMA = 14.0  # pixels of SIZE: about one degree, as in the density maps of eye-tracking datasets


@dataclass(frozen=True, eq=False)
class Scene:
    """One stimulus, the density of its fixations, and a sample of it.

    Coordinates are x (column) and y (row), 0-based and continuous: a point lies in the pixel of its floor.
    """

    image: np.ndarray  # (H, W, 3) uint8 RGB
    density: np.ndarray  # (H, W) float64, positive, sums to 1
    fixations: tuple[np.ndarray, ...]  # per observer (N, 2) float64: x in [0, W), y in [0, H)
    kind: str  # one of KINDS
    targets: np.ndarray  # (K, 3) float64: x, y and radius of a circle around each odd item or thing


def scene(
    index: int,
    seed: int = 0,
    size: tuple[int, int] = SIZE,
    observers: int = 15,
    fixations_per_observer: int = 8,
) -> Scene:
    """Scene number `index` of the endless series `seed`; it does not depend on what else was generated.

    size: (rows, columns), each at least 64. Another size of the same proportions gives the same scene, larger
    or smaller. More observers come after the earlier ones and change nothing else. Equal arguments give equal
    scenes for as long as numpy keeps the stream of its default Generator.
    """
    layout, texture, gaze = (
        np.random.default_rng(child) for child in np.random.SeedSequence(seed, spawn_key=(index,)).spawn(3)
    )
    kind = str(layout.choice(list(KINDS), p=list(KINDS.values())))
    canvas = _Canvas(size, texture)
    paint = {"faces": _faces, "object": _object, "text": _text}.get(kind)
    targets, spots = paint(canvas, layout) if paint else _pop_out(canvas, layout, kind)
    density = _density(spots * [canvas.unit, canvas.unit, canvas.unit, 1], size)
    cumulative = np.cumsum(density)
    fixations = tuple(_sample(gaze, cumulative, fixations_per_observer, size[1]) for _ in range(observers))
    return Scene(canvas.image, density, fixations, kind, targets * canvas.unit)


def _density(spots, size):
    """`spots`: (M, 4) with x, y, sigma, in pixels of the image, and weight; the weights sum to 1."""
    height, width = size
    center = _gaussian(size, width / 2, height / 2, CENTER_SIGMA * width, CENTER_SIGMA * height)
    density = SHARES["center"] * center + SHARES["uniform"] / (height * width)
    for x, y, sigma, weight in spots:
        density += SHARES["targets"] * weight * _gaussian(size, x, y, sigma, sigma)
    return density / density.sum()


def _gaussian(size, x, y, sigma_x, sigma_y):
    """A Gaussian at the centres of the pixels, with its mass beyond the borders put back inside: sum 1."""
    columns = np.exp(-0.5 * ((np.arange(size[1]) + 0.5 - x) / sigma_x) ** 2)
    rows = np.exp(-0.5 * ((np.arange(size[0]) + 0.5 - y) / sigma_y) ** 2)
    return np.outer(rows / rows.sum(), columns / columns.sum())


def _sample(rng, cumulative, count, width):
    """`count` draws of a pixel, each at a uniform place inside its pixel: (count, 2), x and y.

    `cumulative`: the cumulative sum of the density, row after row of `width` pixels.
    """
    pixels = np.searchsorted(cumulative, rng.random(count) * cumulative[-1], side="right")
    rows, columns = np.divmod(pixels, width)
    # A float32 fraction keeps 24 bits: added in float64, it never rounds up into the next pixel.
    return np.stack([columns, rows], axis=1) + rng.random((count, 2), dtype=np.float32).astype(np.float64)


# Stimuli. Each function paints the canvas and gives its targets (K, 3) and spots (M, 4), in canvas units.


def _pop_out(canvas, rng, kind):
    """Odd ones are warm among cool, tilted among upright, or large among small items.

    These cues are fixed so that frozen features learn them from a few dozen displays; a hue or tilt that is
    odd only by comparison takes them far more.
    """
    dark_ground = rng.random() < 0.5
    ground = _rgb(rng.uniform(14, 24) if dark_ground else rng.uniform(84, 92), 6, rng.uniform(0, 360))
    canvas.texture([ground, ground], contrast=4)

    grid = np.array([rng.integers(4, 8), rng.integers(3, 6)])  # columns, rows
    odd = rng.choice(grid.prod(), size=rng.choice([1, 2], p=[0.65, 0.35]), replace=False)
    sides = rng.choice([3, 4, 5, 48])
    radius = rng.uniform(*{"color": (13, 16), "orientation": (18, 21), "size": (8, 10)}[kind])
    cool, warm, lightness = rng.uniform(140, 320), rng.uniform(20, 80), rng.uniform(50, 62)
    tilt, scale = rng.uniform(40, 140), rng.uniform(2.0, 2.3)
    targets = []
    for cell in range(grid.prod()):
        is_odd = cell in odd
        reach = radius * (scale if is_odd and kind == "size" else 1)
        turn = rng.uniform(-8, 8) + (tilt if is_odd and kind == "orientation" else 0)
        color = _rgb(lightness, 70, warm) if is_odd and kind == "color" else _rgb(lightness, 35, cool)
        outline = _ellipse(0.3 * reach, reach) if kind == "orientation" else _polygon(sides, reach)
        middle = (np.array([cell % grid[0], cell // grid[0]]) + 0.5) * canvas.sides / grid
        place = middle + rng.uniform(-0.35, 0.35, 2) * (canvas.sides / grid - 2 * reach)
        canvas.fill(place, _turned(outline, turn), color)
        if is_odd:
            targets.append((*place, reach))
    spots = [(x, y, SPOT_SIGMA, rng.uniform(0.7, 1)) for x, y, _ in targets]
    return np.array(targets), _normalized(spots)


def _faces(canvas, rng):
    _landscape(canvas, rng)
    targets, spots = [], []
    radii = rng.uniform(29, 53, size=rng.choice([1, 2, 3], p=[0.45, 0.35, 0.2]))
    for x, y, radius in _places(canvas, rng, radii):
        tilt = rng.uniform(-15, 15)
        _face(canvas, rng, (x, y), 0.9 * radius, tilt)  # the hair reaches 1.1 times as far as the face
        eyes = np.array([x, y]) + _turned(np.array([0, -0.11 * radius]), tilt)
        weight = rng.uniform(0.7, 1)
        targets.append((x, y, radius))
        spots += [(*eyes, 12, 0.6 * weight), (x, y + 0.1 * radius, 16, 0.4 * weight)]
    return np.array(targets), _normalized(spots)


def _face(canvas, rng, place, radius, tilt):
    skin_hue, lightness, chroma = rng.uniform(50, 75), rng.uniform(38, 84), rng.uniform(20, 34)
    skin = _rgb(lightness, chroma, skin_hue)
    shade = _rgb(lightness - 12, chroma, skin_hue - 8)
    hair = _rgb(rng.uniform(6, lightness - 22), rng.uniform(2, 30), rng.uniform(50, 80))
    iris = _rgb(rng.uniform(15, 40), 25, rng.choice([60, 150, 260]))
    eye_gap, eye, smile = rng.uniform(0.28, 0.34), rng.uniform(0.12, 0.15), rng.uniform(0.05, 0.16)
    length = rng.uniform(0.8, 1.25)  # of the hair

    def part(outline, x, y, color):
        canvas.fill(place, _turned((outline + np.array([x, y])) * radius, tilt), color)

    part(_ellipse(0.84, 0.55 + 0.35 * length), 0, -0.1, hair)
    for side in (-1, 1):
        part(_ellipse(0.12, 0.2), 0.74 * side, 0.02, shade)
    part(_ellipse(0.74, 0.98), 0, 0, shade)
    part(_ellipse(0.7, 0.95), -0.03, -0.02, skin)
    part(_ellipse(0.66, 0.3), 0, -0.74, hair)  # the fringe
    for side in (-1, 1):
        part(_ellipse(1.35 * eye, 0.85 * eye), side * eye_gap, -0.12, (250, 250, 250))
        part(_ellipse(0.75 * eye, 0.75 * eye), side * eye_gap, -0.12, iris)
        part(_ellipse(0.4 * eye, 0.4 * eye), side * eye_gap, -0.12, (10, 10, 10))
        part(_ellipse(1.5 * eye, 0.28 * eye), side * eye_gap, -0.34, hair)
    part(_ellipse(0.09, 0.2), 0.02, 0.18, shade)
    part(_ellipse(0.3, smile), 0, 0.52, _rgb(lightness - 25, 40, 25))


def _object(canvas, rng):
    hue = _landscape(canvas, rng)
    ((x, y, radius),) = _places(canvas, rng, [rng.uniform(26, 44)])
    lobes, depth, phase = rng.integers(2, 8), rng.uniform(0.05, 0.3), rng.uniform(0, 360)
    hue, lightness, chroma = hue + rng.uniform(100, 260), rng.uniform(35, 55), rng.uniform(45, 70)
    light = radius * _turned(np.array([0, -1]), rng.uniform(-60, 60))
    outline = _turned(_lobed(lobes, depth) * radius, phase)
    for step in np.linspace(0, 1, 6):  # from the dark rim to the highlight
        color = _rgb(lightness + 30 * step, chroma * (1 - 0.3 * step), hue)
        canvas.fill((x, y), outline * (1 - 0.85 * step) + 0.35 * step * light, color)
    return np.array([(x, y, radius)]), np.array([(x, y, 16, 1)])


def _text(canvas, rng):
    _landscape(canvas, rng)
    letters, height, tilt = rng.integers(4, 9), rng.uniform(22, 32), rng.uniform(-10, 10)
    step = 0.75 * height
    middles = (np.arange(letters) - (letters - 1) / 2) * step  # along the line
    plate = np.array([letters * step / 2 + 0.3 * height, 0.8 * height])  # half its sides
    corners = _turned(np.array([[-1, -1], [1, -1], [1, 1], [-1, 1]]) * plate, tilt)
    x, y = place = rng.uniform(corners.max(axis=0), canvas.sides - corners.max(axis=0))
    hue = rng.uniform(0, 360)
    colors = [_rgb(90, 12, hue), _rgb(20, 25, hue + 180)]
    paper, ink = colors if rng.random() < 0.6 else colors[::-1]
    canvas.fill(place, corners, paper)
    for middle in middles:
        for line in _letter(rng):
            points = (line - 0.5) * [0.54 * height, height] + [middle, 0]
            canvas.stroke(place, _turned(points, tilt), ink, 0.13 * height)
    along = place + _turned(np.stack([middles, 0 * middles], axis=1), tilt)
    return np.array([(x, y, np.hypot(*plate))]), _normalized([(*point, 12, 1) for point in along])


def _letter(rng):
    """A stem and one to three more strokes in the unit box: like a letter, but of no alphabet."""
    nodes = np.array([(0, 0), (1, 0), (0, 0.5), (1, 0.5), (0, 1), (1, 1)])
    strokes = np.array([(0, 1), (2, 3), (4, 5), (1, 3), (3, 5), (0, 3), (2, 5), (1, 2), (3, 4)])
    stem = (0, 4) if rng.random() < 0.8 else (1, 5)
    return [nodes[list(stem)], *nodes[rng.choice(strokes, size=rng.integers(1, 4), replace=False)]]


def _landscape(canvas, rng):
    """A texture of two natural colours, mixed by noise and from top to bottom; gives the upper one's hue."""
    hues = rng.choice([75, 100, 130, 150, 240, 265], size=2)
    colors = [_rgb(rng.uniform(30, 75), rng.uniform(6, 28), hue) for hue in hues]
    canvas.texture(colors, contrast=rng.uniform(12, 26), slope=rng.uniform(0, 2))
    return hues[0]


def _places(canvas, rng, radii):
    """Circles (x, y, radius) anywhere in the image, none over another; one without room is left out."""
    found = []
    for radius in radii:
        for _ in range(50):
            x, y = rng.uniform(radius, canvas.sides - radius)
            if all(np.hypot(x - a, y - b) > radius + other for a, b, other in found):
                found.append((x, y, radius))
                break
    return found


def _normalized(spots):
    spots = np.array(spots, np.float64)
    spots[:, 3] /= spots[:, 3].sum()
    return spots


class _Canvas:
    """An image to paint in units of 1/300 of the height or 1/400 of the width, whichever is smaller."""

    def __init__(self, size, rng):
        self.unit = min(size[0] / SIZE[0], size[1] / SIZE[1])
        self.sides = np.array(size[::-1]) / self.unit  # width and height: at least 400 and 300
        self.image = np.empty((*size, 3), np.uint8)
        self._rng = rng

    def texture(self, colors, contrast, slope=0.0):
        """Cover all with a blend of two colours, from the first on top to the second, and grey 1/f noise."""
        down = np.linspace(-1, 1, self.image.shape[0], dtype=np.float32)[:, None]
        blend = np.clip(0.5 + 0.35 * self._noise(4) + 0.5 * np.float32(slope) * down, 0, 1)
        grain = np.float32(contrast) * self._noise(7)
        for channel, (upper, lower) in enumerate(zip(*colors, strict=True)):
            values = np.float32(upper) + np.float32(lower - upper) * blend + grain
            self.image[..., channel] = np.clip(np.rint(values), 0, 255)

    def _noise(self, octaves):
        """Noise of mean 0 and deviation about 1 whose amplitude falls as 1/f: octaves of equal strength.

        The octaves are grids of 3 x 4 to 192 x 256 random numbers, whatever the size of the image.
        """
        height, width = self.image.shape[:2]
        total = np.zeros((height, width), np.float32)
        for octave in range(octaves):
            grid = self._rng.standard_normal((3 * 2**octave, 4 * 2**octave), dtype=np.float32)
            total += cv2.resize(grid, (width, height), interpolation=cv2.INTER_CUBIC)
        return total / np.float32(octaves**0.5)

    def fill(self, place, outline, color):
        """Fill the polygon `outline` (N, 2), given around `place`."""
        cv2.fillPoly(self.image, [self._fixed(place, outline)], color, cv2.LINE_AA, shift=4)

    def stroke(self, place, line, color, thickness):
        """Draw the open `line` (N, 2), given around `place`."""
        thickness = max(1, round(thickness * self.unit))
        points = self._fixed(place, line)
        cv2.polylines(self.image, [points], False, color, thickness, cv2.LINE_AA, shift=4)

    def _fixed(self, place, points):
        """In OpenCV's fixed point with 4 fractional bits, whose whole numbers are the centres of pixels."""
        return np.rint(((np.array(place) + points) * self.unit - 0.5) * 16).astype(np.int32)


def _turned(points, degrees):
    c, s = np.cos(np.radians(degrees)), np.sin(np.radians(degrees))
    return points @ np.array([[c, s], [-s, c]])


def _polygon(sides, radius):
    angles = 2 * np.pi * np.arange(sides) / sides
    return radius * np.stack([np.sin(angles), -np.cos(angles)], axis=1)


def _ellipse(half_width, half_height):
    return _polygon(40, 1) * [half_width, half_height]


def _lobed(lobes, depth):
    """A closed curve with its radius between 1 - 2 depth and 1."""
    angles = 2 * np.pi * np.arange(90) / 90
    return _polygon(90, 1) * (1 - depth + depth * np.cos(lobes * angles))[:, None]


def _rgb(lightness, chroma, hue):
    """The 8-bit RGB of a CIE LCh colour (hue in degrees), clipped to what a screen can show."""
    lab = [lightness, chroma * np.cos(np.radians(hue)), chroma * np.sin(np.radians(hue))]
    rgb = cv2.cvtColor(np.array([[lab]], np.float32), cv2.COLOR_LAB2RGB)[0, 0]
    return tuple(int(value) for value in np.rint(255 * np.clip(rgb, 0, 1)))
