"""What every array metric refuses, and how it says so."""

import numpy as np
import pytest

from kerasal.metrics import METRICS

MAP = np.arange(12.0).reshape(3, 4)
TARGETS = {"density": MAP + 1, "fixations": np.array([[0, 1], [2, 3]])}
EXTRAS = {"other_fixations": np.array([[1, 1], [2, 0]]), "baseline": MAP[::-1]}

every_metric = pytest.mark.parametrize("info", METRICS.values(), ids=METRICS)
fixation_metric = pytest.mark.parametrize(
    "info", [info for info in METRICS.values() if info.target == "fixations"], ids=lambda info: info.key
)


def call(info, saliency_map=MAP, target=None):
    target = TARGETS[info.target] if target is None else target
    options = {"scale": None} if info.key == "emd" else {}
    return info.function(saliency_map, target, *[EXTRAS[name] for name in info.also_needs], **options)


@every_metric
@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_nan_and_infinity_are_refused_with_their_place(info, bad):
    saliency_map = MAP.copy()
    saliency_map[1, 2] = bad
    with pytest.raises(ValueError, match=rf"saliency_map must be finite, got {bad} at row 1, column 2"):
        call(info, saliency_map)


@every_metric
@pytest.mark.parametrize("shape", [(12,), (3, 4, 1), (1, 3, 4, 1), (0, 4)])
def test_a_saliency_map_that_is_not_one_image_is_refused(info, shape):
    saliency_map = np.zeros(shape)
    with pytest.raises(ValueError, match=r"saliency_map must be \(height, width\), got shape"):
        call(info, saliency_map)


@every_metric
@pytest.mark.parametrize("dtype", [complex, object, "U3"])
def test_a_map_that_does_not_hold_real_numbers_is_refused(info, dtype):
    with pytest.raises(ValueError, match="saliency_map must hold real numbers, got dtype"):
        call(info, MAP.astype(dtype))


@every_metric
def test_values_whose_sum_leaves_float64_are_refused(info):
    with pytest.raises(ValueError, match="saliency_map must have a sum within float64"):
        call(info, np.full((3, 4), 1.7e308))


@every_metric
@pytest.mark.parametrize("dtype", [np.uint8, np.int32, np.float16, np.float32, bool])
def test_the_dtype_of_the_map_does_not_matter(info, dtype):
    saliency_map = MAP.astype(dtype)
    assert call(info, saliency_map) == call(info, saliency_map.astype(np.float64))


@every_metric
def test_a_map_that_is_not_contiguous_gives_the_same_value(info):
    saliency_map = np.asfortranarray(MAP)
    assert call(info, saliency_map) == call(info)
    wide = np.repeat(MAP, 2, axis=1)
    assert call(info, wide[:, ::2]) == call(info)


@every_metric
def test_a_target_of_another_shape_is_refused(info):
    with pytest.raises(ValueError, match=rf"{info.target} .*\(4, 3\)"):
        call(info, target=np.zeros((4, 3)))


@fixation_metric
@pytest.mark.parametrize("outside", [(3, 0), (0, 4), (-1, 0), (0, -1)])
def test_a_fixation_outside_the_map_is_refused_with_its_index(info, outside):
    row, column = outside
    message = rf"fixations must lie on the map .* got row {row}, column {column} at index 1"
    with pytest.raises(ValueError, match=message):
        call(info, target=np.array([[0, 1], outside, [2, 2]]))


@fixation_metric
@pytest.mark.parametrize("value", [0.5, 2, 255, -1, np.nan])
def test_a_fixation_map_that_is_not_binary_is_refused(info, value):
    fixation_map = np.zeros((3, 4))
    fixation_map[0, 1], fixation_map[2, 2] = 1, value
    with pytest.raises(ValueError, match=rf"fixations must be binary \(0 and 1\), got the value {value}"):
        call(info, target=fixation_map)


@fixation_metric
def test_coordinates_that_are_not_whole_numbers_are_refused(info):
    with pytest.raises(ValueError, match=r"fixations must be integer \(row, column\), got dtype float64"):
        call(info, target=np.array([[0.0, 1.0], [2.5, 3.0]]))


@fixation_metric
@pytest.mark.parametrize("dtype", [bool, np.uint8, np.int64, np.float32])
def test_the_dtype_of_a_fixation_map_does_not_matter(info, dtype):
    fixation_map = np.zeros((3, 4), dtype)
    fixation_map[0, 1] = fixation_map[2, 3] = 1
    assert call(info, target=fixation_map) == call(info)


@fixation_metric
@pytest.mark.parametrize("dtype", [np.uint8, np.int16, np.int64])
def test_small_integer_coordinates_do_not_overflow(info, dtype):
    saliency_map = np.arange(200.0 * 250).reshape(200, 250)
    extras = {"other_fixations": [[7, 9], [150, 20]], "baseline": saliency_map[::-1]}
    arguments = [extras[name] for name in info.also_needs]
    coordinates = np.array([[199, 249], [120, 77]])
    expected = info.function(saliency_map, coordinates, *arguments)
    assert info.function(saliency_map, coordinates.astype(dtype), *arguments) == expected
