import numpy as np
import pytest
from matplotlib import colormaps
from PIL import Image

from kerasal.data import Sample
from kerasal.data.images import write_picture
from kerasal.errors import InputError
from kerasal.visualize import (
    add_color_bar,
    draw_center_bias,
    draw_contours,
    draw_samples,
    grey,
    overlay,
    stretched,
    with_fixations,
)


def test_grey_keeps_zero_and_takes_the_maximum_to_255():
    assert grey(np.array([[0.0, 0.1, 0.4]])).tolist() == [[0, 64, 255]]


def test_grey_of_an_empty_map_is_black():
    assert not grey(np.zeros((3, 4))).any()


def test_overlay_is_hottest_where_the_map_is_and_shows_the_stimulus_elsewhere():
    stimulus = np.full((30, 40, 3), 100, np.uint8)
    saliency_map = np.zeros((30, 40))
    saliency_map[20, 10] = 1
    picture = overlay(stimulus, saliency_map)
    assert picture.shape == stimulus.shape
    assert picture[0, 0].tolist() == [100, 100, 100]
    assert picture[20, 10, 0] > 150  # red or yellow
    assert picture[20, 10, 2] < picture[20, 10, 0]


def test_overlay_of_full_opacity_is_the_colour_map_at_the_peak():
    picture = overlay(np.zeros((2, 3, 3), np.uint8), np.ones((2, 3)), opacity=1, colors="viridis")
    expected = np.array(colormaps["viridis"](1.0)[:3]) * 255
    np.testing.assert_allclose(picture[0, 0], expected, atol=1)


def test_overlay_without_opacity_is_the_grey_stimulus():
    stimulus = np.random.default_rng(0).integers(0, 256, (5, 7, 3), dtype=np.uint8)
    picture = overlay(stimulus, np.ones((5, 7)), opacity=0)
    luma = stimulus @ [0.299, 0.587, 0.114]  # ITU-R BT.601
    np.testing.assert_allclose(picture, np.repeat(luma[..., None], 3, axis=2), atol=1)


def test_unknown_colours_and_opacities_are_refused():
    stimulus, saliency_map = np.zeros((2, 2, 3), np.uint8), np.zeros((2, 2))
    with pytest.raises(InputError, match="inferno"):
        overlay(stimulus, saliency_map, colors="nice")
    with pytest.raises(InputError, match=r"1\.5"):
        overlay(stimulus, saliency_map, opacity=1.5)


def test_a_contour_runs_where_the_map_passes_its_quantile():
    columns = np.tile(np.linspace(0, 1, 101), (60, 1))  # its 0.8 quantile is at column 80
    picture = draw_contours(np.full((60, 101, 3), 90, np.uint8), columns, [0.8])
    changed = np.nonzero((picture != 90).any(axis=(0, 2)))[0]
    assert 76 <= changed.min() <= 80 <= changed.max() <= 84
    assert (picture[30, 80] > 200).all()


def test_contours_of_constant_and_thin_maps_are_none_and_of_wrong_quantiles_refused():
    for shape in ((9, 9), (1, 20), (20, 1)):
        picture = np.full((*shape, 3), 90, np.uint8)
        assert (draw_contours(picture, np.ones(shape), [0.5]) == 90).all()
    with pytest.raises(InputError, match="quantile"):
        draw_contours(np.zeros((4, 4, 3), np.uint8), np.zeros((4, 4)), [1.0])


@pytest.mark.parametrize("rows", [1, 300])
def test_a_colour_bar_stands_at_the_right_with_the_hottest_colour_on_top(rows):
    picture = np.full((rows, 50, 3), 7, np.uint8)
    whole = add_color_bar(picture, "gray")
    assert (whole[:rows, :50] == 7).all()
    assert whole.shape[0] >= rows
    bar = whole[:, 50 + 11 + 3, 0]  # a column within the scale
    shades = bar[bar < 255][::-1]  # without the white above and below it
    assert shades[0] <= 5
    assert (np.diff(shades.astype(int)) >= 0).all()


@pytest.mark.parametrize(
    ("size", "panel"),
    [((1, 5000), (1, 400)), ((5000, 1), (1600, 1)), ((1, 1), (400, 400)), ((300, 400), (300, 400))],
)
def test_stimuli_that_are_a_line_are_drawn_and_in_no_gigabytes(tmp_path, size, panel):
    stimulus = np.full((*size, 3), 90, np.uint8)
    sample = Sample("line", size, lambda: stimulus, (np.array([[0.5, 0.5]]),), 2.0)
    assert with_fixations(stimulus, sample.all_fixations()).size <= 3 * max(5000, 400 * 1600)
    picture = np.asarray(Image.open(draw_samples([sample], tmp_path / "line.png")))
    assert picture.shape[1] == 3 * 400 + 2 * 6
    assert picture.shape[0] == panel[0] + 22
    assert (picture[: panel[0], : panel[1]] == 90).all()
    assert (picture[: panel[0], panel[1] : 400] == 255).all()


@pytest.mark.parametrize("draw", [draw_samples, draw_center_bias])
def test_a_stimulus_that_cannot_be_read_leaves_no_folder_for_its_picture(tmp_path, draw):
    (tmp_path / "a.png").write_bytes(b"no picture")
    sample = Sample("a", (20, 30), tmp_path / "a.png", None, 2.0, density_file=tmp_path / "a.png")
    with pytest.raises(InputError, match=r"a\.png"):
        draw([sample], tmp_path / "new/a.png")
    assert [path.name for path in tmp_path.iterdir()] == ["a.png"]


@pytest.mark.parametrize("size", [(65_501, 1), (1, 65_501)])
def test_a_picture_larger_than_a_jpeg_can_be_is_one_line(tmp_path, size):
    with pytest.raises(InputError, match=rf"a\.jpg: it would have {size[0]}x{size[1]} pixels.* 65,500"):
        write_picture(tmp_path / "a.jpg", Image.new("RGB", size))
    assert not list(tmp_path.iterdir())
    write_picture(tmp_path / "a.png", Image.new("RGB", size))
    write_picture(tmp_path / "b.jpg", Image.new("RGB", (65_500, 1)))


@pytest.mark.parametrize("shape", [(5, 7), (1, 1), (64, 33)])
def test_an_overlay_that_keeps_colours_is_the_photograph_mixed_with_the_heat(shape):
    random = np.random.default_rng(0)
    stimulus = random.integers(0, 256, (*shape, 3), dtype=np.uint8)
    saliency_map = random.random(shape)
    saliency_map[0, 0] = 1
    picture = overlay(stimulus, saliency_map, opacity=0.5, colors="viridis", keep_colors=True)
    alpha = 0.5 * np.minimum(1, 1.5 * saliency_map**0.7)[..., None]
    heat = colormaps["viridis"](saliency_map)[..., :3] * 255
    np.testing.assert_allclose(picture, (1 - alpha) * stimulus + alpha * heat, atol=3)
    assert (overlay(stimulus, saliency_map * 0, keep_colors=True) == stimulus).all()


def test_a_stretch_goes_over_the_whole_range_and_keeps_the_order():
    flat = 0.9 + 0.01 * np.random.default_rng(0).random((40, 50))
    flat[3, 4] = 5.0  # one peak, which percentiles leave out
    low, high = flat.min(), flat.max()
    np.testing.assert_allclose(stretched(flat, "min-max"), (flat - low) / (high - low))
    values, places = np.sort(flat.ravel()), np.arange(flat.size)
    first, last = (np.interp(share * places[-1], places, values) for share in (0.01, 0.99))
    np.testing.assert_allclose(
        stretched(flat, "percentile"), np.clip((flat - first) / (last - first), 0, 1), atol=1e-12
    )
    assert stretched(flat, "none") is flat
    spot = np.zeros((40, 50))
    spot[3:5, 4] = 0.2, 0.4  # less than a hundredth of the map
    np.testing.assert_allclose(stretched(spot, "percentile"), spot / 0.4)
    for how in ("min-max", "percentile"):
        assert not stretched(np.full((2, 3), 0.7), how).any()
    with pytest.raises(InputError, match=r"'more': one of none, min-max, percentile"):
        stretched(flat, "more")


@pytest.mark.parametrize("columns", [1, 400])
def test_a_colour_bar_of_a_long_page_is_no_wider_than_the_page_needs(columns):
    bar = add_color_bar(np.zeros((8000, columns, 3), np.uint8)).shape[1] - columns
    assert bar <= max(5 * 11, 0.2 * columns)


@pytest.mark.parametrize("rows", [300, 4000])
def test_a_colour_bar_takes_the_same_share_of_a_picture_of_any_size(rows):
    picture = np.zeros((rows, rows * 4 // 3, 3), np.uint8)
    bar = add_color_bar(picture).shape[1] - picture.shape[1]
    assert bar / rows == pytest.approx(5 / 28, rel=0.05)
