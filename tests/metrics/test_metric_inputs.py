"""What every array metric refuses, and how it says so."""

import numpy as np
import pytest

from kerasal.metrics import METRICS, cc, nss
from kerasal.metrics._inputs import Map

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


@pytest.mark.parametrize("metric", [nss, cc])
@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64, np.longdouble])
@pytest.mark.parametrize(("bad", "other"), [(np.nan, 1), (np.inf, 1), (-np.inf, 1), (np.inf, -np.inf)])
def test_a_map_that_is_summed_alone_is_refused_wherever_its_pixel_is(metric, dtype, bad, other):
    saliency_map = np.random.default_rng(0).random((200, 300)).astype(dtype)
    saliency_map[180, 7], saliency_map[199, 299] = bad, other
    target = [[0, 0]] if metric is nss else np.random.default_rng(1).random((200, 300))
    with pytest.raises(ValueError, match=rf"saliency_map must be finite, got {bad} at row 180, column 7"):
        metric(saliency_map, target)


KINDS = {
    **{dtype.__name__: dtype for dtype in (np.float16, np.float32, np.float64, np.longdouble)},
    "bool": lambda values: values > 0,
    "uint8": lambda values: (255 * (values + 0.5)).astype("uint8"),
}


@pytest.mark.parametrize("convert", KINDS.values(), ids=KINDS)
def test_the_sums_of_an_ordinary_map_are_enough_for_nss_and_cc(convert, monkeypatch):
    def found(self):
        assert self.found_extremes is not None, "asked for in a pass of their own"
        return self.found_extremes

    monkeypatch.setattr(Map, "extremes", property(found))
    saliency_map = convert(np.random.default_rng(0).random((200, 300)) - 0.5)
    density = np.random.default_rng(1).random((200, 300))
    exact = saliency_map.astype(np.float64)
    expected = (exact[3, 5] - exact.mean()) / exact.std(ddof=1)
    assert nss(saliency_map, [[3, 5]]) == pytest.approx(expected, rel=1e-11)
    expected = np.corrcoef(exact.flat, density.flat)[0, 1]
    assert cc(saliency_map, density) == pytest.approx(expected, rel=1e-10)
    with pytest.raises(AssertionError, match="asked for"):  # the spread of a constant one is seldom 0
        nss(np.full((200, 300), 0.3), [[3, 5]])


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
