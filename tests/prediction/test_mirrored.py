import json

import numpy as np
from click.testing import CliRunner
from conftest import write_photo_folder
from PIL import Image

from kerasal import prediction
from kerasal.prediction import Mirrored
from kerasal_cli import main


class Left:
    """Maps that lean to the left: the mean colour, weighted by the column."""

    def saliency_maps(self, stimuli):
        weights = [np.linspace(1, 0, stimulus.shape[1], dtype="float32") for stimulus in stimuli]
        maps = [
            image.mean(axis=-1).astype("float32") * weight
            for image, weight in zip(stimuli, weights, strict=True)
        ]
        return [saliency_map / max(saliency_map.max(), 1) for saliency_map in maps]


def test_the_map_of_a_mirror_image_is_the_mirrored_map():
    stimulus = np.random.default_rng(0).integers(0, 256, (7, 9, 3), dtype=np.uint8)
    (found,) = Mirrored(Left()).saliency_maps([stimulus])
    (mirrored,) = Mirrored(Left()).saliency_maps([stimulus[:, ::-1]])
    np.testing.assert_allclose(found, mirrored[:, ::-1], atol=1e-6)
    (plain,), (other,) = Left().saliency_maps([stimulus]), Left().saliency_maps([stimulus[:, ::-1]])
    mean = (plain + other[:, ::-1]) / 2
    np.testing.assert_allclose(found, mean / mean.max(), atol=1e-6)


def test_stimuli_of_several_sizes_keep_theirs_and_an_empty_map_stays_empty():
    black, grey = np.zeros((4, 6, 3), np.uint8), np.full((5, 3, 3), 90, np.uint8)
    empty, found = Mirrored(Left()).saliency_maps([black, grey])
    assert empty.shape == (4, 6)
    assert not empty.any()
    assert found.shape == (5, 3)
    assert found.max() == 1


def test_predict_and_evaluate_take_the_mean_of_two_looks(tmp_path):
    folder = write_photo_folder(tmp_path / "photos")
    photo = folder / "images" / "p0.jpg"
    for options in ([], ["--mirror"]):
        where = str(tmp_path / f"maps{len(options)}")
        arguments = ["predict", str(photo), "--model", "aws", "-o", where, "--npy", "--no-overlay", *options]
        result = CliRunner().invoke(main, arguments)
        assert result.exit_code == 0, result.output
    plain, mirrored = (np.load(tmp_path / f"maps{number}" / "p0.npy") for number in (0, 1))
    stimulus = np.asarray(Image.open(photo).convert("RGB"))
    other = prediction.load("aws").saliency_maps([stimulus[:, ::-1]])[0][:, ::-1]
    mean = (plain + other) / 2
    np.testing.assert_allclose(mirrored, mean / mean.max(), atol=1e-5)
    assert np.abs(mirrored - plain).max() > 1e-4
    arguments = ["evaluate", "--model", "aws", "--mirror", "--data", str(folder), "--sigma", "3"]
    result = CliRunner().invoke(main, [*arguments, "--metrics", "cc", "--split", "all", "--format", "json"])
    assert result.exit_code == 0, result.output
    assert json.loads(result.stdout)["system"] == "aws, mirrored"
