"""Three forms of Itti's model: against the toolboxes' values, and the paper's formulas by hand."""

import numpy as np
import pytest

from kerasal._imresize import imresize
from kerasal.classical import itti
from kerasal.classical.gbvs_toolbox import feature_maps
from kerasal.classical.itti_1998 import broadly_tuned_colors
from kerasal.classical.itti_1998 import normalize as normalize_1998
from kerasal.classical.itti_gbvs_toolbox import center_surround, normalize
from kerasal.classical.itti_saliency_toolbox import halve_rows, pyramid, saliency_toolbox_map
from kerasal.classical.map_operators import gabor, local_maxima
from kerasal.classical.matlab import mat2gray
from kerasal.errors import InputError


@pytest.mark.parametrize("number", [1001, 1058, 1104, 1223, 1302, 1445])
def test_the_gbvs_toolbox_s_map_is_equal(golden_maps, golden_image, number):
    saliency_map = itti(golden_image(number), variant="gbvs-toolbox")
    np.testing.assert_allclose(saliency_map[::8, ::8], golden_maps[f"itti_full/{number}"], atol=1e-6)


def test_every_step_of_the_gbvs_toolbox_is_equal(golden_maps, golden_image):
    features = feature_maps(golden_image(1001) / 255, "CIO", (2, 3, 4, 5), (0, 45, 90, 135))
    number = 0
    for channel, types in enumerate(features.values()):
        total = 0
        for levels in types:
            for center in (2, 3):
                contrast = center_surround(levels, center, center + 2)
                peaks = normalize(imresize(contrast, (75, 100)))
                total += peaks
                for name, values in (("featureActivation", contrast), ("normalizedActivation", peaks)):
                    stored = golden_maps[f"itti/1001_intermed_maps/{name}Maps/{number}/map"]
                    np.testing.assert_allclose(mat2gray(values), stored, atol=1e-6)
                number += 1
        stored = golden_maps[f"itti/1001_top_level_feat_maps/{channel}"]
        np.testing.assert_allclose(mat2gray(normalize(total)), stored, atol=1e-6)
    assert number == 14


def test_the_gbvs_toolbox_s_map_of_a_made_image_is_equal(striped_image):
    saliency_map = itti(striped_image, variant="gbvs-toolbox")
    assert saliency_map.mean() == pytest.approx(0.12638, abs=1e-5)
    assert saliency_map[110, 220] == pytest.approx(0.4972, abs=1e-4)
    assert saliency_map[190, 85] == pytest.approx(0.7859, abs=1e-4)


def test_the_saliency_toolbox_s_map_of_a_made_image_is_equal(striped_image):
    saliency_map = saliency_toolbox_map(striped_image / 255)
    assert saliency_map.shape == (16, 20)
    assert saliency_map.mean() == pytest.approx(0.08684, abs=1e-5)
    places = {(3, 3): 1.8864, (4, 18): 2.8778, (6, 13): 2.8141, (7, 13): 1.2822, (11, 5): 2.0334}
    for place, value in places.items():
        assert saliency_map[place] == pytest.approx(value, abs=1e-4)
    assert saliency_map.max() == saliency_map[4, 18]


def test_the_saliency_toolbox_s_filter_counts_only_the_taps_inside():
    expected = [1.5, 7.5, 20.878788, 42.454545, 72.030303, 101.037037]
    np.testing.assert_allclose(halve_rows(np.arange(12.0)[:, None] ** 2)[:, 0], expected, rtol=1e-7)


def test_the_saliency_toolbox_s_pyramid_ends_when_one_side_is_a_single_pixel():
    levels = pyramid(np.ones((14, 40)))
    assert [level.shape for level in levels.values()] == [(14, 40), (7, 20), (3, 10), (1, 5)]
    assert all(np.allclose(level, 1) for level in levels.values())


def test_the_saliency_toolbox_s_gabors_have_its_values():
    diagonal = gabor(45, 0, 4, sigma=(2.3333, 2.3333), period=7)
    values = [diagonal[4, 4], diagonal[0, 0], diagonal[0, 8]]
    np.testing.assert_allclose(values, [0.3269464, -0.0026615, -0.0145030], atol=1e-7)
    assert gabor(0, 90, 4, sigma=(2.3333, 2.3333), period=7)[3, 4] == pytest.approx(0.2473858, abs=1e-7)


def test_local_maxima_lie_off_the_border_and_reach_their_neighbours():
    values = np.array([[9, 0, 0, 0, 0], [0, 5, 0, 3, 3], [0, 0, 0, 0, 0], [0, 2, 0, 1, 0], [0, 0, 0, 0, 8.0]])
    assert sorted(local_maxima(values, 2)) == [2, 3, 5]
    assert sorted(local_maxima(values, 1)) == [1, 2, 3, 5]


def test_n_of_the_gbvs_toolbox_by_hand():
    values = np.zeros((5, 7))
    values[1, 1], values[3, 5] = 10, 4
    np.testing.assert_allclose(normalize(values), values * (10 - 7) ** 2)
    values[3, 5] = 0.5  # under a tenth: one peak alone
    np.testing.assert_allclose(normalize(values), values * 100)


def test_n_of_the_paper_leaves_the_global_maximum_out_of_the_mean():
    values = np.zeros((5, 9))
    values[1, 1], values[3, 5], values[1, 7] = 10, 4, 2
    np.testing.assert_allclose(normalize_1998(values), values * (10 - 3) ** 2)
    values[3, 5] = values[1, 7] = 0
    np.testing.assert_allclose(normalize_1998(values), values * 100)


def test_broadly_tuned_colours_by_hand():
    image = np.array([[[0.8, 0.2, 0.2], [0.5, 0.5, 0.5], [0.6, 0.6, 0.0], [0.02, 0.0, 0.0]]])
    red, green, blue, yellow = broadly_tuned_colors(image)
    # The first pixel divided by its I = 0.4 is (2, 0.5, 0.5); the last is too dark to have a hue.
    np.testing.assert_allclose(red, [[1.5, 0, 0.75, 0]])
    np.testing.assert_allclose(green, [[0, 0, 0.75, 0]])
    np.testing.assert_allclose(blue, [[0, 0, 0, 0]], atol=1e-12)
    np.testing.assert_allclose(yellow, [[0, 0, 1.5, 0]], atol=1e-12)


@pytest.mark.parametrize("variant", ["1998", "saliency-toolbox", "gbvs-toolbox"])
def test_a_lone_spot_is_where_the_map_has_its_maximum(variant):
    image = np.full((192, 256, 3), 100, np.uint8)
    image[60:76, 170:186] = 220
    saliency_map = itti(image, variant)
    row, column = np.unravel_index(saliency_map.argmax(), saliency_map.shape)
    assert abs(row - 68) < 24
    assert abs(column - 178) < 24


def test_the_saliency_toolbox_s_other_normalisations_differ(striped_image):
    maps = [itti(striped_image, "saliency-toolbox", normtype=n) for n in ("Iterative", "LocalMax", "None")]
    assert np.abs(maps[0] - maps[1]).max() > 0.1
    assert np.abs(maps[1] - maps[2]).max() > 0.1


def test_an_unknown_variant_or_normalisation_is_named(striped_image):
    with pytest.raises(
        InputError, match="variant of itti '2001': one of gbvs-toolbox, saliency-toolbox, 1998"
    ):
        itti(striped_image, variant="2001")
    with pytest.raises(InputError, match="normtype 'Max'"):
        itti(striped_image, "saliency-toolbox", normtype="Max")


@pytest.mark.parametrize(
    ("variant", "change", "told"),
    [
        ("gbvs-toolbox", {"ittiCenterLevels": ()}, "levels of the pyramid are whole, 1 or more, got none"),
        ("gbvs-toolbox", {"ittiCenterLevels": (0,)}, r"1 or more, got \[0, 2\]"),
        ("gbvs-toolbox", {"salmapmaxsize": -3}, "salmapmaxsize must be 1 pixel or more, got -3"),
        ("gbvs-toolbox", {"salmapmaxsize": 0}, "salmapmaxsize must be 1 pixel or more, got 0"),
        ("gbvs-toolbox", {"ittiCenterLevels": (2.5,)}, r"are whole, 1 or more, got \[2.5, 4.5\]"),
        ("gbvs-toolbox", {"channels": "O", "gaborangles": ()}, "'O' give no feature map"),
        ("1998", {"centers": (2.5,)}, r"whole scales of 0 or more, got \[2.5, 5.5, 6.5\]"),
        ("1998", {"deltas": ()}, "whole scales of 0 or more, got none"),
        ("1998", {"deltas": (-3, 1)}, r"whole scales of 0 or more, got \[-1, 0, 1, 2"),
    ],
)
def test_levels_and_sizes_out_of_range_are_named(striped_image, variant, change, told):
    with pytest.raises(InputError, match=told):
        itti(striped_image, variant, **change)


def test_without_angles_there_is_no_channel_of_orientations(striped_image):
    without = itti(striped_image, channels="CI")
    assert np.array_equal(itti(striped_image, gaborangles=()), without)


def test_fine_scales_of_the_paper_s_model_find_a_small_spot():
    # All of them are finer than the map's scale.
    image = np.full((128, 192), 100, np.uint8)
    image[60:63, 150:153] = 220
    saliency_map = itti(image, "1998", centers=(0, 1), deltas=(1, 2))
    row, column = np.unravel_index(saliency_map.argmax(), saliency_map.shape)
    assert abs(row - 61) < 16
    assert abs(column - 151) < 16
