"""The two re-implementations: their parts against closed forms, their maps by what must stand out."""

import cv2
import numpy as np
import pytest

from kerasal.classical import aws, rare2012
from kerasal.classical.aws import whitened_norm
from kerasal.classical.rare2012 import contrast, fuse, rarity
from kerasal.classical.spectrum import KEPT, FrequencyPlane, kept_for_next, principal_components
from kerasal.errors import InputError


@pytest.fixture
def odd_one_out():
    """Green discs on grey with a little noise; the one at row 40, column 110 is red and as bright."""
    image = np.random.default_rng(0).normal(120, 2, (120, 160, 3))
    row, column = np.mgrid[:120, :160]
    for y in (40, 80):
        for x in (30, 70, 110, 140):
            disc = (row - y) ** 2 + (column - x) ** 2 < 64
            image[disc] += (60, -30, 0) if (y, x) == (40, 110) else (-60, 31, 0)
    return image.clip(0, 255).astype(np.uint8)


@pytest.mark.parametrize("model", [rare2012, aws])
def test_the_only_disc_of_its_colour_stands_out(model, odd_one_out):
    saliency_map = model(odd_one_out)
    assert saliency_map.shape == (120, 160)
    assert (saliency_map.min(), saliency_map.max()) == (0, 1)
    discs = [saliency_map[y - 8 : y + 9, x - 8 : x + 9].mean() for y in (40, 80) for x in (30, 70, 110, 140)]
    assert np.argmax(discs) == 2


@pytest.mark.parametrize("model", [rare2012, aws])
def test_a_bar_turned_against_the_others_stands_out_in_a_grey_image(model):
    image = np.full((128, 160), 0.5)
    for y in (24, 64, 104):
        for x in (24, 64, 104, 136):
            height, width = (10, 2) if (y, x) == (64, 104) else (2, 10)
            image[y - height : y + height, x - width : x + width] = 0.9
    saliency_map = model(image)
    bars = {
        (y, x): saliency_map[y - 10 : y + 10, x - 10 : x + 10].mean()
        for y in (24, 64, 104)
        for x in (24, 64, 104, 136)
    }
    assert max(bars, key=bars.get) == (64, 104)


def test_rarity_is_the_self_information_of_a_pixel_s_bin():
    values = np.zeros((8, 10))
    values[0, 0], values[:4, 5] = 1.0, 0.5  # shares 1/80, 4/80, 75/80
    information = -np.log(np.array([1, 4, 75]) / 80)
    stretched = (information - information[2]) / (information[0] - information[2])
    rare = rarity(values, levels=1)
    np.testing.assert_allclose([rare[0, 0], rare[1, 5], rare[7, 0]], stretched, atol=1e-6)


def test_fusion_weighs_maps_by_their_rank_and_drops_the_least_contrasted():
    random = np.random.default_rng(1)
    maps = [np.pad(random.random((6, 6)) ** power, 1) for power in (1, 3, 9, 27)]
    maps = [map_ / map_.max() for map_ in maps]
    assert sorted(maps, key=contrast) == maps  # fewer and fewer high values: more and more contrast
    expected = 0.5 * maps[1] + 0.75 * maps[2] + 1.0 * maps[3]  # 1/4 is under 0.3
    np.testing.assert_allclose(fuse(maps[::-1], 0.3), expected)


def test_the_whitened_norm_is_the_mahalanobis_distance():
    random = np.random.default_rng(2)
    features = random.normal(size=(4, 4)) @ random.exponential(size=(4, 500))
    centred = features - features.mean(axis=1, keepdims=True)
    inverse = np.linalg.inv(np.cov(features, bias=True))
    expected = [sample @ inverse @ sample for sample in centred.T]
    np.testing.assert_allclose(whitened_norm(features), expected, rtol=1e-8)
    assert whitened_norm(features).mean() == pytest.approx(4)


def test_the_whitened_norm_leaves_directions_without_variance_out():
    features = np.random.default_rng(3).normal(size=(3, 200))
    dependent = np.vstack([features, features[0] + features[1]])
    np.testing.assert_allclose(whitened_norm(dependent), whitened_norm(features), rtol=1e-6)


def test_the_principal_components_do_not_correlate_and_greys_have_one():
    image = np.random.default_rng(4).random((20, 30, 3)) @ np.array([[1, 0.5, 0.2], [0, 1, 0.5], [0, 0, 1]])
    components = np.stack([component.ravel() for component in principal_components(image)])
    covariance = np.cov(components)
    np.testing.assert_allclose(covariance, np.diag(np.diag(covariance)), atol=1e-12)
    assert (np.diff(np.diag(covariance)) < 0).all()
    assert len(principal_components(np.repeat(image[..., :1], 3, axis=2))) == 1


def test_a_grating_answers_at_its_own_frequency_and_direction():
    grating = np.tile(np.cos(2 * np.pi * np.arange(96) / 8), (64, 1))  # varies along the rows: direction 0
    plane = FrequencyPlane(grating.shape, 16)
    spectrum = plane.spectrum(grating)

    def answer(frequency, direction):
        near = np.abs(plane.rho - frequency) < 0.03
        transfer = near * (np.abs(plane.angle_from(direction)) < 0.3)
        whole = [(slice(None), transfer.astype(np.float32))]
        return plane.energy(spectrum, whole, np.empty_like(spectrum)).mean()

    # A filter of one direction holds one of the cosine's two halves.
    assert answer(1 / 8, 0) == pytest.approx(0.5, abs=0.05)
    assert answer(1 / 8, np.pi / 2) < 0.03
    assert answer(1 / 4, 0) < 0.05


@pytest.mark.parametrize("size", [(64, 96), (63, 97), (33, 50)])
@pytest.mark.parametrize("between", [(-0.5, 0.5), (-0.2, 0.31), (0.1, 0.3), (-0.4, -0.1), (0.9, 1.0)])
def test_a_filter_s_columns_are_all_that_the_transform_needs(size, between):
    random = np.random.default_rng(5)
    plane = FrequencyPlane(size, 8)
    spectrum = plane.spectrum(random.random(size))
    along_rows = np.fft.fftfreq(spectrum.shape[1])
    transfer = random.random(spectrum.shape, np.float32)
    transfer[:, (along_rows < between[0]) | (along_rows > between[1])] = 0
    columns = plane.columns_between(*between)
    parts = [(part, transfer[:, part]) for part in columns]
    memory = np.full_like(spectrum, np.nan)  # as another filter may have left it
    energy = plane.energy(spectrum, parts, memory)
    response = np.abs(np.fft.ifft2(spectrum.astype(complex) * transfer))
    top, left = ((long - short) // 2 for long, short in zip(spectrum.shape, size, strict=True))
    expected = response[top : top + size[0], left : left + size[1]]
    np.testing.assert_allclose(energy, expected, rtol=1e-4, atol=2e-7)
    whole = plane.energy(spectrum, [(slice(None), transfer)], memory)
    assert (energy == whole).all()  # to the last bit, as the bins of a histogram want it
    fast = np.empty_like(energy)
    plane.fast_energy(spectrum, parts, memory, out=fast)
    np.testing.assert_allclose(fast, expected, rtol=1e-4, atol=2e-7)


@pytest.mark.parametrize("direction", [0, np.pi / 8, np.pi / 2, 3.1])
def test_the_angle_from_a_direction_is_that_of_the_quotient_of_unit_vectors(direction):
    plane = FrequencyPlane((40, 55), 8)
    expected = np.angle(np.exp(1j * (plane.alpha.astype(float) - direction)))
    difference = plane.angle_from(direction) - expected
    assert (np.abs(difference / (2 * np.pi) - np.round(difference / (2 * np.pi))) < 1e-6).all()
    assert np.abs(plane.angle_from(direction)).max() <= np.pi + 1e-6


@pytest.mark.parametrize("model", [rare2012, aws])
@pytest.mark.parametrize("size", [(120, 160, 3), (61, 47, 3), (33, 90)])
def test_the_number_of_threads_does_not_matter(model, size):
    image = np.random.default_rng(6).integers(0, 256, size, np.uint8)
    threads, maps = cv2.getNumThreads(), []
    try:
        for count in (1, 2, 4):
            cv2.setNumThreads(count)
            maps.append(model(image))
    finally:
        cv2.setNumThreads(threads)
    assert (maps[0] == maps[1]).all()
    assert (maps[0] == maps[2]).all()


@pytest.mark.parametrize("model", [rare2012, aws])
def test_the_filters_of_the_image_before_do_not_matter(model, odd_one_out):
    """Neither those of its own size nor those of its transpose, which has as many pixels."""
    turned = odd_one_out.transpose(1, 0, 2)
    first, before = model(odd_one_out), model(turned)
    again = [model(odd_one_out), model(odd_one_out)]
    np.testing.assert_array_equal(again, [first, first])
    np.testing.assert_array_equal(model(turned), before)
    fewer = rare2012(odd_one_out, orientation=3)  # other filters of the same size
    assert np.abs(fewer - rare2012(odd_one_out)).max() > 0.01


def test_filters_are_made_once_for_a_size_unless_they_are_large():
    made = []

    @kept_for_next
    def filters(size, count):
        made.append((size, count))
        return object()

    small, large = (1024, KEPT // 1024), (1024, KEPT // 1024 + 1)
    assert filters(small, 3) is filters(small, 3)
    assert filters(large, 3) is not filters(large, 3)
    filters(small, 4)
    filters(small, 3)  # one alone is kept
    assert made == [(small, 3), (large, 3), (large, 3), (small, 4), (small, 3)]


def test_the_parameters_reach_the_map(odd_one_out):
    default = rare2012(odd_one_out)
    for change in (
        {"color": "LAB"},
        {"color": "YCBCR"},
        {"orientation": 0},
        {"orientation": 2},
        {"multiscale": 1},
        {"pyr_level": 1},
        {"gabor_threshold": 0.9},
        {"inter_threshold": 0.9},
        {"gaussian": True},
    ):
        assert np.abs(rare2012(odd_one_out, **change) - default).max() > 1e-3, change
    default = aws(odd_one_out)
    assert np.abs(aws(odd_one_out, sp=0) - default).max() > 0.05
    half = aws(odd_one_out, fr=0.5)
    assert half.shape == default.shape
    assert np.abs(half - default).max() > 0.01


def test_parameters_out_of_range_are_named(odd_one_out):
    with pytest.raises(InputError, match="color 'HSV': one of PCA, LAB, YCBCR"):
        rare2012(odd_one_out, color="HSV")
    with pytest.raises(InputError, match="pyr_level of 1 or more, got 0"):
        rare2012(odd_one_out, pyr_level=0)
    for name in ("gabor_threshold", "inter_threshold"):
        for value in (30, np.nan):
            with pytest.raises(InputError, match=f"thresholds of at most 1, got .*{value}"):
                rare2012(odd_one_out, **{name: value})
    with pytest.raises(InputError, match=r"fr in \(0, 1\], got 2"):
        aws(odd_one_out, fr=2)
    with pytest.raises(InputError, match="sp of 0 or more, got -1"):
        aws(odd_one_out, sp=-1)
    with pytest.raises(InputError, match="finite sp of 0 or more, got inf"):
        aws(odd_one_out, sp=np.inf)
    with pytest.raises(InputError, match="at least 128x128"):
        aws(odd_one_out, fr=0.25)
