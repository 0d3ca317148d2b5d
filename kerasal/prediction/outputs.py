"""What is written of one map."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from kerasal._files import write_array
from kerasal.data.images import write_picture
from kerasal.errors import InputError
from kerasal.prediction.attention import Region, attention_share, best_crop, to_density
from kerasal.visualize import add_color_bar, draw_contours, grey, overlay, stretched


@dataclass(frozen=True)
class Outputs:
    """What to write for each image STEM.jpg, and how overlays look.

    InputError: a colour map, stretch, opacity, quantile, aspect or scale that there is not, two regions of
    one name, or nothing to write.
    """

    map: bool = True  # STEM.png, the map in grey
    overlay: bool = True  # STEM_overlay.jpg, the heat map over the image
    npy: bool = False  # STEM.npy, the map, float32, in [0, 1]
    density: bool = False  # STEM_density.npy, the map divided by its sum
    crop: float | None = None  # STEM_crop.jpg, the most salient window of this width over height
    crop_scale: float = 1.0  # its size, as a part of the largest such window
    regions: tuple[Region, ...] = ()
    colors: str = "inferno"
    opacity: float = 0.6
    contours: tuple[float, ...] = ()  # quantiles of the map
    color_bar: bool = False
    keep_colors: bool = False  # of the image, under the heat map
    stretch: str = "none"  # of the pictures of a map; see `kerasal.visualize.stretched`

    def __post_init__(self):
        if not (self.map or self.overlay or self.npy or self.density or self.crop or self.regions):
            raise InputError("nothing to write: ask for a map, overlay, npy, density, crop or region")
        # What cannot be drawn is refused of one pixel, before anything is predicted.
        pixel = np.zeros((1, 1), "float32")
        self.picture(np.zeros((1, 1, 3), "uint8"), pixel)
        best_crop(pixel, 1 if self.crop is None else self.crop, self.crop_scale)
        names = [region.name for region in self.regions]
        if twice := [name for name in names if names.count(name) > 1]:
            raise InputError(f"several regions are named {twice[0]}: give each a name of its own")

    def suffixes(self) -> list[str]:
        """The endings of the files that are written for one image."""
        asked = {
            ".png": self.map,
            "_overlay.jpg": self.overlay,
            ".npy": self.npy,
            "_density.npy": self.density,
            "_crop.jpg": self.crop is not None,
        }
        return [suffix for suffix, wanted in asked.items() if wanted]

    def picture(self, stimulus: np.ndarray, saliency_map: np.ndarray) -> np.ndarray:
        """The overlay, (H, W, 3) uint8, wider with a colour bar."""
        picture = overlay(
            stimulus,
            stretched(saliency_map, self.stretch),
            opacity=self.opacity,
            colors=self.colors,
            keep_colors=self.keep_colors,
        )
        if self.contours:
            picture = draw_contours(picture, saliency_map, self.contours)
        return add_color_bar(picture, self.colors) if self.color_bar else picture

    def grey_picture(self, saliency_map: np.ndarray) -> np.ndarray:
        """The map in grey, (H, W) uint8."""
        return grey(stretched(saliency_map, self.stretch))

    def write(self, stem: Path, stimulus: np.ndarray, saliency_map: np.ndarray) -> dict[str, Any]:
        """Write one image's files, each at once or not at all; returns what there is to say of the image.

        That is `width`, `height`, and where asked for `regions`, the attention share of each by name, and
        `crop`, its left, top, width and height.
        """

        def place(suffix: str) -> Path:
            return stem.with_name(stem.name + suffix)

        facts: dict[str, Any] = {"width": stimulus.shape[1], "height": stimulus.shape[0]}
        if self.map:
            picture = Image.fromarray(self.grey_picture(saliency_map))
            write_picture(place(".png"), picture, compress_level=1)
        if self.overlay:
            picture = Image.fromarray(self.picture(stimulus, saliency_map))
            write_picture(place("_overlay.jpg"), picture, quality=90)
        if self.npy:
            write_array(place(".npy"), saliency_map)
        if self.density:
            write_array(place("_density.npy"), to_density(saliency_map))
        if self.crop is not None:
            left, top, width, height = best_crop(saliency_map, self.crop, self.crop_scale)
            cropped = stimulus[top : top + height, left : left + width]
            write_picture(place("_crop.jpg"), Image.fromarray(cropped), quality=92)
            facts["crop"] = {"x": left, "y": top, "width": width, "height": height}
        if self.regions:
            facts["regions"] = {region.name: attention_share(saliency_map, region) for region in self.regions}
        return facts
