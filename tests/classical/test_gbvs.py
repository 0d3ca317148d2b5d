"""GBVS against the toolbox's own values and a slow loop."""

import numpy as np
import pytest

from kerasal._imresize import imresize
from kerasal.classical import gbvs
from kerasal.classical.dkl import rgb_to_dkl
from kerasal.classical.gbvs import activations
from kerasal.classical.gbvs_toolbox import feature_maps, gabor_energy, map_size, subsample
from kerasal.classical.map_operators import attenuate_borders, gabor
from kerasal.classical.matlab import mat2gray
from kerasal.errors import InputError

STIMULI = (1001, 1058, 1104, 1223, 1302, 1445)
CHANNELS = {"D": "dklcolor", "I": "intensity", "O": "orientation"}


@pytest.mark.parametrize("number", STIMULI)
def test_the_map_equals_the_toolbox(golden_maps, golden_image, number):
    saliency_map = gbvs(golden_image(number))
    np.testing.assert_allclose(saliency_map[::8, ::8], golden_maps[f"gbvs_full/{number}"], atol=2e-5)


def test_every_step_on_the_way_equals_the_toolbox(golden_maps, golden_image):
    features = feature_maps(golden_image(1001) / 255, "DIO", (2, 3, 4), (0, 45, 90, 135))
    maps = []
    for channel, name in CHANNELS.items():
        for number, levels in enumerate(features[channel]):
            type_ = f"{number}/" if len(features[channel]) > 1 else ""
            for level, values in levels.items():
                stored = golden_maps[f"gbvs/1001_rawfeatmaps/{name}/maps/origval/{type_}{level - 1}"]
                np.testing.assert_allclose(values, stored, atol=5e-5 * np.ptp(stored))
                maps.append(imresize(values, (24, 32)))
                stored = golden_maps[f"gbvs/1001_rawfeatmaps/{name}/maps/val/{type_}{level - 1}"]
                np.testing.assert_allclose(maps[-1], stored, atol=5e-5 * np.ptp(stored))
    for number, activation in enumerate(activations(maps, 0.15, 1e-4)):
        stored = golden_maps[f"gbvs/1001_intermed_maps/featureActivationMaps/{number}/map"]
        np.testing.assert_allclose(mat2gray(activation), stored, atol=5e-5)


def test_the_pyramid_equals_the_toolbox_to_the_last_bit(toolbox_steps):
    # 37 rows, 50 columns: an odd side, which the last output takes in, and an even one.
    assert np.array_equal(subsample(toolbox_steps["intensity_4"]), toolbox_steps["intensity_5"])


def test_the_gabors_equal_the_toolbox_where_their_borders_meet(toolbox_steps):
    # 18 rows: 13 lines from either side are more than there are.
    energy = gabor_energy(toolbox_steps["intensity_5"], 45)
    np.testing.assert_allclose(energy, toolbox_steps["orientation_45_at_5"], rtol=1e-6)


def test_the_random_walk_equals_the_toolbox(toolbox_steps):
    values = imresize(toolbox_steps["intensity_4"], (24, 32))
    np.testing.assert_allclose(values, toolbox_steps["intensity_4_on_the_map"], rtol=1e-6)
    (activation,) = activations([values], 0.15, 1e-4)
    np.testing.assert_allclose(mat2gray(activation), toolbox_steps["activation"], atol=1e-6)
    normalized = toolbox_steps["activation_normalized"]
    np.testing.assert_allclose(mat2gray(activation**1.5), normalized, atol=1e-6)


def test_the_map_of_a_made_image_equals_the_toolbox(striped_image):
    saliency_map = gbvs(striped_image)
    assert saliency_map.mean() == pytest.approx(0.18656, abs=2e-5)
    assert saliency_map[110, 220] == pytest.approx(0.9656, abs=1e-4)
    assert saliency_map[190, 85] == pytest.approx(0.6485, abs=1e-4)
    assert (saliency_map.min(), saliency_map.max()) == (0, 1)


def test_subsampling_has_the_filter_and_the_borders_of_the_toolbox():
    for n, last in ((12, 103.03846), (13, 109.645164)):
        plane = np.tile(np.arange(n, dtype=np.float32)[:, None] ** 2, 12)
        expected = [1.5, 7.5, 21.5, 43.5, 73.5, last]
        np.testing.assert_allclose(subsample(plane)[:, 3], expected, rtol=1e-6)
        np.testing.assert_allclose(subsample(plane.T)[3], expected, rtol=1e-6)


def test_a_plane_with_a_side_of_ten_is_not_subsampled():
    plane = np.random.default_rng(0).random((10, 40), np.float32)
    assert subsample(plane) is plane


def test_gabors_have_the_toolbox_s_values():
    diagonal = gabor(45, 0, 13, sigma=(2, 4), period=np.pi)
    values = [diagonal[13, 13], diagonal[10, 10], diagonal[10, 16]]
    np.testing.assert_allclose(values, [0.2820883, 0.1607263, -0.0175545], atol=1e-7)
    assert gabor(0, 90, 13, sigma=(2, 4), period=np.pi)[12, 13] == pytest.approx(0.2269867, abs=1e-7)


@pytest.mark.parametrize(
    ("rgb", "dkl"),
    [
        ((1, 1, 1), (1.00059, -0.00359, -0.00192)),
        ((0.5, 0.25, 0.75), (-0.64909, -0.01204, 0.39647)),
        ((0, 0, 0), (-0.96843, 0.00171, 0.02110)),
    ],
)
def test_colours_have_the_toolbox_s_dkl_values(rgb, dkl):
    planes = (np.full((1, 1), value, np.float32) for value in rgb)
    np.testing.assert_allclose([plane[0, 0] for plane in rgb_to_dkl(*planes)], dkl, atol=1e-5)


def test_the_random_walk_equals_a_loop_over_all_pairs_of_pixels():
    values = np.random.default_rng(3).random((5, 7))
    sigma, tol = 0.15 * 6, 1e-3
    places = [(row, column) for row in range(5) for column in range(7)]
    transition = np.zeros((35, 35))
    for c, (row_c, column_c) in enumerate(places):
        for r, (row_r, column_r) in enumerate(places):
            squared = (row_c - row_r) ** 2 + (column_c - column_r) ** 2
            unlike = abs(values[row_r, column_r] - values[row_c, column_c])
            transition[r, c] = unlike * np.exp(-squared / (2 * sigma**2))
        transition[:, c] /= sum(transition[:, c])
    v, steps = np.full(35, 1 / 35), 0
    while True:
        before, v, steps = v, transition @ v, steps + 1
        if np.sqrt(np.sum((v - before) ** 2)) <= tol:
            break
    assert steps > 3
    (activation,) = activations([values], 0.15, tol)
    np.testing.assert_allclose(activation.ravel(), v / v.sum(), rtol=1e-12)


def test_the_equilibrium_is_each_pixel_s_sum_of_weights():
    # The weights are symmetric, so that the walk is reversible: its equilibrium has a closed form.
    values = np.random.default_rng(4).random((6, 8))
    row, column = (axis.ravel() for axis in np.indices(values.shape))
    squared = (row[:, None] - row) ** 2 + (column[:, None] - column) ** 2
    unlike = np.abs(values.ravel()[:, None] - values.ravel())
    sums = (unlike * np.exp(-squared / (2 * (0.3 * 7) ** 2))).sum(axis=0)
    (activation,) = activations([values], 0.3, 1e-15)
    np.testing.assert_allclose(activation.ravel(), sums / sums.sum(), rtol=1e-9)


def test_a_walk_that_swings_for_ever_ends_at_its_equilibrium():
    # Two values: every step leads from the one kind of pixels to the other.
    values = np.zeros((5, 7))
    values[1:3, 2] = 1
    (activation,) = activations([values], 0.15, 1e-4)
    assert activation[values == 1].sum() == pytest.approx(0.5)
    assert activation.sum() == pytest.approx(1)


def test_the_walk_on_a_constant_map_stays_uniform():
    constant, other = activations([np.full((4, 6), 0.3), np.arange(24.0).reshape(4, 6)], 0.15, 1e-4)
    assert (constant == 1 / 24).all()
    assert np.ptp(other) > 0


def test_borders_fade_and_no_further_than_half_of_the_smaller_side():
    faded = attenuate_borders(np.ones((3, 6)), 2)
    np.testing.assert_allclose(faded[1], [1 / 2, 1, 1, 1, 1, 1 / 2])
    np.testing.assert_allclose(faded[:, 2], [1 / 2, 1, 1 / 2])


def test_the_map_s_size_rounds_halves_up():
    assert map_size((600, 800), 32) == (24, 32)
    assert map_size((610, 800), 40) == (31, 40)  # 30.5


def test_a_grey_image_has_no_colour_channel_and_an_rgb_image_of_greys_has(striped_image):
    grey = striped_image[..., 0]
    alike = np.repeat(grey[..., None], 3, axis=2)
    assert np.array_equal(gbvs(grey), gbvs(grey[..., None]))
    np.testing.assert_allclose(gbvs(grey), gbvs(alike, channels="IO"), atol=1e-12)
    assert not np.allclose(gbvs(grey), gbvs(alike), atol=1e-3)


def test_the_parameters_reach_the_map(striped_image):
    default = gbvs(striped_image)
    changes = (
        {"channels": "CIO"},
        {"levels": (2,)},
        {"gaborangles": (0, 90)},
        {"tol": 0.01},
        {"sigma_frac_act": 0.05},
        {"blurfrac": 0},
        {"dklcolorWeight": 0},
        {"intensityWeight": 5},
        {"orientationWeight": 3},
        {"salmapmaxsize": 24},
    )
    for change in changes:
        assert np.abs(gbvs(striped_image, **change) - default).max() > 1e-3, change


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"levels": ()}, "levels of the pyramid are whole, 1 or more, got none"),
        ({"levels": (0, 1)}, r"levels of the pyramid are whole, 1 or more, got \[0, 1\]"),
        ({"salmapmaxsize": 0}, "salmapmaxsize must be 1 pixel or more, got 0"),
        ({"levels": (2.5,)}, r"whole, 1 or more, got \[2.5\]"),
        ({"salmapmaxsize": np.inf}, "salmapmaxsize must be 1 pixel or more, got inf"),
        ({"blurfrac": np.inf}, "finite blurfrac, got inf"),
        ({"channels": ""}, "channels '' give no feature map"),
        ({"sigma_frac_act": 0}, "sigma_frac_act above 0, got 0"),
        ({"sigma_frac_act": np.nan}, "sigma_frac_act above 0, got nan"),
    ],
)
def test_a_parameter_out_of_range_is_named(striped_image, change, told):
    with pytest.raises(InputError, match=told):
        gbvs(striped_image, **change)
