import numpy as np
import pytest
import scipy.ndimage
from hypothesis import given
from hypothesis import strategies as st

from kerasal.data.fixations import count_map, density_from_counts, inside, pixels


def test_a_fixation_lies_in_the_pixel_of_its_floor():
    fixations = np.array([[0.0, 0.0], [6.999, 4.999], [3.0, 2.5]])
    rows, columns = pixels(fixations, (5, 7))
    assert list(zip(rows, columns, strict=True)) == [(0, 0), (4, 6), (2, 3)]


def test_scaling_maps_each_block_of_pixels_to_its_pixel():
    # From 6x8 to 3x2: two rows and four columns become one pixel; by hand.
    fixations = np.array([[3.9, 1.9], [4.0, 2.0], [7.99, 5.99]])
    rows, columns = pixels(fixations, (6, 8), (3, 2))
    assert list(zip(rows, columns, strict=True)) == [(0, 0), (1, 1), (2, 1)]


def test_only_finite_coordinates_within_the_image_are_valid():
    fixations = np.array([[0, 0], [7, 0], [0, 5], [-0.01, 1], [np.nan, 1], [1, np.inf], [6.99, 4.99]])
    assert inside(fixations, (5, 7)).tolist() == [True, False, False, False, False, False, True]


@given(
    rows=st.integers(1, 2000),
    columns=st.integers(1, 2000),
    target=st.tuples(st.integers(1, 500), st.integers(1, 500)),
    points=st.lists(st.tuples(st.floats(0, 1), st.floats(0, 1)), max_size=20),
)
def test_no_valid_fixation_is_lost_at_any_scale(rows, columns, target, points):
    # Up to the last float below the border, where rounding would push a fixation out.
    fixations = np.array([
        [min(x * columns, np.nextafter(columns, 0)), min(y * rows, np.nextafter(rows, 0))] for x, y in points
    ]).reshape(-1, 2)  # fmt: skip
    assert inside(fixations, (rows, columns)).all()
    counts = count_map(fixations, (rows, columns), target)
    assert counts.shape == target
    assert counts.sum() == len(fixations)


def test_two_fixations_in_one_pixel_count_twice():
    assert count_map(np.array([[2.1, 1.2], [2.8, 1.9]]), (4, 6))[1, 2] == 2


def test_density_is_a_gaussian_around_each_fixation():
    # Closed form: exp(-((x - x0)^2 + (y - y0)^2) / (2 sigma^2)) at pixel centres, peak 1.
    counts = np.zeros((41, 61))
    counts[20, 25] = 1
    y, x = np.mgrid[:41, :61]
    expected = np.exp(-((x - 25) ** 2 + (y - 20) ** 2) / (2 * 4.0**2))
    density = density_from_counts(counts, (41, 61), sigma=4.0, dtype="float64")
    np.testing.assert_allclose(density, expected, atol=4e-4)  # the kernel is cut at four sigmas


def test_density_at_half_size_blurs_with_half_the_sigma_along_each_axis():
    fixation = np.array([[30.0, 20.0]])
    # Rows are halved, columns quartered: sigmas 8/2 and 8/4.
    density = density_from_counts(
        count_map(fixation, (80, 120), (40, 30)), (80, 120), sigma=8.0, dtype="float64"
    )
    y, x = np.mgrid[:40, :30]
    expected = np.exp(-((x - 7) ** 2) / (2 * 2.0**2) - (y - 10) ** 2 / (2 * 4.0**2))
    np.testing.assert_allclose(density, expected, atol=4e-4)


@pytest.mark.parametrize("count", [1, 30, 5000])
def test_density_of_few_and_many_fixations_is_scipys_gaussian_filter(count):
    # Few points are summed by a product of matrices, many are filtered.
    fixations = np.random.default_rng(count).uniform(0, 1, (count, 2)) * [70, 50]
    counts = count_map(fixations, (50, 70))
    expected = scipy.ndimage.gaussian_filter(counts.astype("float64"), 3.3, mode="constant", truncate=4.0)
    density = density_from_counts(counts, (50, 70), 3.3, "float64")
    np.testing.assert_allclose(density, expected / expected.max(), rtol=1e-9, atol=1e-12)


def test_density_without_fixations_is_zero_everywhere():
    assert not density_from_counts(np.zeros((5, 7)), (5, 7), sigma=2.0).any()


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_density_has_its_peak_at_one(dtype):
    random = np.random.default_rng(0)
    fixations = random.uniform(0, 1, (30, 2)) * [60, 40]
    density = density_from_counts(count_map(fixations, (40, 60)), (40, 60), 3.0, dtype)
    assert density.dtype == dtype
    assert density.max() == 1
    assert density.min() >= 0
