"""Photographs with an EXIF orientation: predicted, and scored, in the frame that people saw."""

import numpy as np
import pytest
from PIL import Image
from scipy import stats

from kerasal import data, evaluation
from kerasal.data.sample import Sample
from kerasal.prediction import Outputs, predict_to_folder


class Brightness:
    def saliency_maps(self, stimuli):
        return [stimulus.mean(axis=2, dtype="float32") / 255 for stimulus in stimuli]


def brightness(sample: Sample) -> np.ndarray:
    return sample.read_stimulus().mean(axis=2)


# What turns the shown pixels into the stored ones, for each EXIF orientation (CIPA DC-008).
STORED = {
    1: lambda shown: shown,
    2: np.fliplr,
    3: lambda shown: np.rot90(shown, 2),
    4: np.flipud,
    5: lambda shown: np.swapaxes(shown, 0, 1),
    6: lambda shown: np.rot90(shown, 1),
    7: lambda shown: np.swapaxes(np.rot90(shown, 2), 0, 1),
    8: lambda shown: np.rot90(shown, -1),
}


def test_predicted_maps_of_turned_photographs_are_scored_as_they_were_seen(tmp_path):
    shown, exif = {}, Image.Exif()
    (tmp_path / "data/images").mkdir(parents=True)
    (tmp_path / "data/fixations").mkdir()
    for turned, store in STORED.items():
        random = np.random.default_rng(turned)
        picture = np.full((24, 40, 3), 30, "uint8")
        row, column = random.integers(0, 18), random.integers(0, 34)
        picture[row : row + 6, column : column + 6] = 220  # a bright square, which everyone looks at
        exif[0x0112] = turned
        path = tmp_path / f"data/images/{turned}.png"
        Image.fromarray(np.ascontiguousarray(store(picture))).save(path, exif=exif)
        looked = np.array([[column, row], [column + 4, row + 2], [column + 1, row + 5]]) + 0.5
        np.save(tmp_path / f"data/fixations/{turned}.npy", looked)
        shown[str(turned)] = picture.mean(axis=2)
    dataset = data.load(str(tmp_path / "data"))
    images = [sample.stimulus for sample in dataset.samples]
    predict_to_folder(Brightness(), images, tmp_path / "maps", Outputs(overlay=False, npy=False), skipped=[])
    systems = [evaluation.MapFolder(tmp_path / "maps", "maps"), evaluation.Function("direct", brightness)]
    result = evaluation.evaluate(systems, dataset, "all", metrics=["cc", "nss"])
    assert "none of them resized" in result.notes[0]
    for system in ("maps", "direct"):
        values = result.scores[system].values
        for sample, cc, nss in zip(dataset.samples, values["cc"], values["nss"], strict=True):
            seen = shown[sample.name]
            density = sample.density(dtype="float64")
            assert cc == pytest.approx(stats.pearsonr(seen.ravel(), density.ravel())[0], abs=1e-3)
            assert nss == pytest.approx((seen.max() - seen.mean()) / seen.std(), rel=1e-2)
