"""What holds for every classical model: its entry, its inputs, its work in several processes."""

import inspect
from pathlib import Path

import numpy as np
import pytest

from kerasal import classical
from kerasal.classical import CLASSICAL
from kerasal.errors import InputError

every_model = pytest.mark.parametrize("entry", CLASSICAL.values(), ids=list(CLASSICAL))


def photo(rows: int, columns: int, seed: int = 0) -> np.ndarray:
    blocks = np.random.default_rng(seed).integers(0, 256, (rows // 16 + 1, columns // 16 + 1, 3), np.uint8)
    return blocks.repeat(16, axis=0).repeat(16, axis=1)[:rows, :columns]


@every_model
def test_a_map_has_the_image_s_size_and_lies_in_0_to_1(entry):
    image = photo(131, 174)
    before = image.copy()
    saliency_map = entry.function(image)
    assert saliency_map.shape == (131, 174)
    assert saliency_map.dtype == np.float64
    assert saliency_map.min() >= 0
    assert saliency_map.max() == 1
    assert np.array_equal(image, before)
    np.testing.assert_allclose(entry.function(image / 255), saliency_map, atol=1e-9)


@every_model
def test_the_smallest_image_has_a_map_and_a_smaller_one_an_error(entry):
    saliency_map = entry.function(photo(entry.smallest, entry.smallest + 9))
    assert np.isfinite(saliency_map).all()
    assert np.ptp(saliency_map) > 0
    for rows, columns in ((entry.smallest - 1, 300), (300, entry.smallest - 1), (16, 16), (1, 1)):
        with pytest.raises(
            InputError, match=f"at least {entry.smallest}x{entry.smallest}, got {rows}x{columns}"
        ):
            entry.function(np.zeros((rows, columns, 3), np.uint8))


@every_model
@pytest.mark.parametrize("size", [(128, 1400), (1400, 128)])
def test_a_long_strip_has_a_map(entry, size):
    saliency_map = entry.function(photo(*size))
    assert saliency_map.shape == size
    assert np.isfinite(saliency_map).all()


@every_model
@pytest.mark.parametrize("value", [0, 100, 255])
def test_a_constant_image_has_a_map_of_zeros(entry, value):
    image = np.full((130, 140, 3), value, np.uint8)
    image[..., 1] //= 2
    for constant in (image, image[..., 0]):
        saliency_map = entry.function(constant)
        assert saliency_map.shape == (130, 140)
        assert not saliency_map.any()


@every_model
def test_grey_images_of_either_form_have_maps(entry):
    grey = photo(130, 150)[..., 0]
    saliency_map = entry.function(grey)
    assert np.array_equal(saliency_map, entry.function(grey[..., None]))
    alike = entry.function(np.repeat(grey[..., None], 3, axis=2))
    for map_ in (saliency_map, alike):
        assert np.isfinite(map_).all()
        assert (map_.min() >= 0, map_.max()) == (True, 1)


@every_model
def test_a_black_and_white_image_has_a_map(entry):
    image = np.zeros((128, 128, 3), np.uint8)
    image[40:80, 50:100] = 255
    assert np.isfinite(entry.function(image)).all()


@every_model
@pytest.mark.parametrize(
    ("image", "message"),
    [
        (np.zeros((200, 200, 4), np.uint8), r"got shape \(200, 200, 4\)"),
        (np.zeros((2, 200, 200, 3), np.uint8), "got shape"),
        (np.zeros(200, np.uint8), "got shape"),
        (np.zeros((200, 200, 3), np.int32), "uint8 or floats in 0..1, got int32"),
        (np.full((200, 200, 3), 255.0), "floats in 0..1, got 255 to 255"),
        (np.full((200, 200), np.nan), "floats in 0..1, got nan"),
        (np.broadcast_to(np.uint8(0), (9000, 9000, 3)), "megapixels, got 9000x9000: shrink it first"),
    ],
)
def test_what_is_no_image_is_refused_in_one_line(entry, image, message):
    with pytest.raises(InputError, match=message) as caught:
        entry.function(image)
    assert "\n" not in str(caught.value)


@every_model
def test_an_entry_is_complete_and_its_page_tells_of_it(entry):
    assert CLASSICAL[entry.name] is entry
    assert 1990 < entry.year < 2020
    page = (Path(__file__).parents[2] / "docs" / "models.md").read_text()
    assert f"`{entry.name}`" in page
    assert entry.exact.rstrip(".") in page.replace("\n", " ")


def test_every_public_function_has_a_docstring():
    for name in classical.__all__:
        assert inspect.getdoc(getattr(classical, name)), name


def test_processes_give_the_maps_of_one_process_in_order():
    images = [photo(128, 128 + n, seed=n) for n in range(5)]
    images[2] = images[2][:50]
    errors = []
    both = [
        list(
            classical.saliency_maps(
                "gbvs", images, processes=processes, on_error=lambda *error: errors.append(error)
            )
        )
        for processes in (1, 2)
    ]
    for (index, expected), (other, saliency_map) in zip(*both, strict=True):
        assert index == other
        assert np.array_equal(saliency_map, expected)
    assert [index for index, _ in both[1]] == [0, 1, 3, 4]
    assert [(index, str(error)) for index, error in errors] == [
        (2, "gbvs needs an image of at least 128x128, got 50x130")
    ] * 2


def test_only_a_few_stimuli_are_read_ahead():
    read = []

    def stimuli():
        for n in range(20):
            read.append(n)
            yield photo(64, 64, seed=n)

    maps = classical.saliency_maps("itti-1998", stimuli(), processes=1)
    next(maps)
    assert len(read) == 1


def test_an_unknown_model_and_a_refused_stimulus_are_errors():
    with pytest.raises(InputError, match="unknown classical model 'gvbs': one of itti,"):
        next(classical.saliency_maps("gvbs", []))
    with pytest.raises(InputError, match="at least one process"):
        next(classical.saliency_maps("gbvs", [], processes=0))
    with pytest.raises(InputError, match="at least 128x128"):
        next(classical.saliency_maps("gbvs", [photo(20, 20)], processes=1))
