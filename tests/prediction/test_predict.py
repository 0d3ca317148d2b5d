"""`kerasal.predict`, with a predictor whose maps can be computed by hand: the mean of the channels."""

import numpy as np
import pytest
from conftest import write_photo
from PIL import Image

import kerasal
from kerasal.errors import InputError
from kerasal.prediction import NAMED, Source, as_stimulus, predictors, resolve


class Brightness:
    def __init__(self):
        self.batches = []

    def saliency_maps(self, stimuli):
        self.batches.append(len(stimuli))
        return [stimulus.mean(axis=2, dtype="float32") / 255 for stimulus in stimuli]


def colors(*shape, dtype=np.uint8):
    return np.random.default_rng(0).integers(0, 256, shape).astype(dtype)


def test_paths_pillow_images_and_arrays_give_the_same_map(tmp_path):
    pixels = write_photo(tmp_path / "a.png", (30, 41))
    for image in (tmp_path / "a.png", str(tmp_path / "a.png"), Image.fromarray(pixels), pixels):
        saliency_map = kerasal.predict(image, Brightness())
        np.testing.assert_allclose(saliency_map, pixels.mean(axis=2) / 255, atol=1e-6)


def test_a_list_gives_a_list_in_order_whatever_the_sizes_and_goes_in_batches():
    images = [np.full((3 + index, 9 - index, 3), 10 * index, np.uint8) for index in range(9)]
    model = Brightness()
    maps = kerasal.predict(images, model)
    assert [map_.shape for map_ in maps] == [image.shape[:2] for image in images]
    np.testing.assert_allclose([map_.mean() for map_ in maps], np.arange(9) * 10 / 255, rtol=1e-5)
    assert model.batches == [4, 4, 1]
    assert kerasal.predict([], model) == []


def test_an_array_of_four_dimensions_is_many_images():
    maps = kerasal.predict(colors(2, 5, 6, 3), Brightness())
    assert [map_.shape for map_ in maps] == [(5, 6), (5, 6)]


def test_a_pillow_image_is_turned_by_its_exif_tag():
    image = Image.fromarray(colors(4, 6, 3))
    image.getexif()[0x0112] = 6
    assert kerasal.predict(image, Brightness()).shape == (6, 4)


@pytest.mark.parametrize(
    ("array", "expected"),
    [
        (np.array([[0, 255]], np.uint8), [0, 255]),
        (np.array([[False, True]]), [0, 255]),
        (np.array([[[0], [255]]], np.uint8), [0, 255]),
        (np.array([[0, 65535]], np.uint16), [0, 255]),
        (np.array([[0.4, 254.6]]), [0, 255]),
        (np.array([[7, 200]], np.int64), [7, 200]),
        (np.array([[[9, 9, 9, 255], [9, 9, 9, 0]]], np.uint8), [9, 255]),
    ],
)
def test_grey_deep_float_and_transparent_arrays_are_read_as_colours(array, expected):
    stimulus = as_stimulus(array)
    assert stimulus.dtype == np.uint8
    assert stimulus.shape == (1, 2, 3)
    assert stimulus[0, :, 1].tolist() == expected


@pytest.mark.parametrize(
    ("array", "words"),
    [
        (np.zeros((2, 3, 5)), r"\(2, 3, 5\)"),
        (np.zeros(7), r"\(7,\)"),
        (np.zeros((0, 4, 3), np.uint8), r"\(0, 4, 3\)"),
        (np.full((2, 2, 3), 0.5), "multiply by 255"),
        (np.full((2, 2, 3), -1), "-1"),
        (np.full((2, 2, 3), np.nan), "nan"),
        (np.full((2, 2, 3), 300.0), "300"),
        (np.zeros((2, 2, 3), complex), "complex"),
    ],
)
def test_an_array_that_is_no_image_is_refused(array, words):
    with pytest.raises(InputError, match=words):
        kerasal.predict(array, Brightness())


def test_one_line_makes_a_name_the_default(monkeypatch):
    monkeypatch.setitem(NAMED, "bright", Source("bright", "the mean of the channels", lambda _: Brightness()))
    assert kerasal.predict(np.full((2, 2, 3), 51, np.uint8), "bright")[0, 0] == pytest.approx(0.2)
    monkeypatch.setattr(predictors, "DEFAULT", "bright")
    assert resolve().name == "bright"
    with pytest.raises(InputError, match=r"nowhere.*bright"):
        kerasal.load("nowhere")


def test_predict_and_load_are_imported_only_when_used():
    assert not {"predict", "load"} & set(vars(kerasal))
    assert kerasal.load is predictors.load
    with pytest.raises(AttributeError, match="predictt"):
        kerasal.predictt  # noqa: B018
