import cv2
import numpy as np
import pytest
from scipy import stats

from kerasal.data.synthetic_scenes import CENTER_SIGMA, KINDS, SHARES, SIZE, scene

POP_OUT = ("color", "orientation", "size")


@pytest.fixture(scope="module")
def scenes():
    return [scene(index, seed=11) for index in range(160)]


def assert_equal_scenes(one, other):
    assert one.kind == other.kind
    np.testing.assert_array_equal(one.image, other.image)
    np.testing.assert_array_equal(one.density, other.density)
    np.testing.assert_array_equal(one.targets, other.targets)
    np.testing.assert_array_equal(np.array(one.fixations), np.array(other.fixations))


def test_a_scene_depends_on_seed_and_index_alone_and_not_on_the_order(scenes):
    for index in (7, 90, 3):
        assert_equal_scenes(scene(index, seed=11), scenes[index])


def test_other_seeds_and_other_indices_give_other_scenes(scenes):
    for other in (scene(3, seed=12), scene(4, seed=11), scene(11, seed=3)):
        assert not np.array_equal(other.image, scenes[3].image)
        assert not np.array_equal(other.fixations[0], scenes[3].fixations[0])


def test_more_observers_are_added_to_the_earlier_ones(scenes):
    more = scene(5, seed=11, observers=20)
    assert len(more.fixations) == 20
    np.testing.assert_array_equal(np.array(more.fixations[:15]), np.array(scenes[5].fixations))
    np.testing.assert_array_equal(more.image, scenes[5].image)


def test_shapes_types_and_ranges(scenes):
    for one in scenes:
        assert one.image.shape == (*SIZE, 3)
        assert one.image.dtype == np.uint8
        assert one.image.std() > 3  # not a blank page
        assert one.density.shape == SIZE
        assert one.density.dtype == np.float64
        assert len(one.fixations) == 15
        for fixations in one.fixations:
            assert fixations.shape == (8, 2)
            assert fixations.dtype == np.float64
        assert one.targets.shape[1] == 3
        assert 1 <= len(one.targets) <= 3


def test_a_density_is_positive_and_sums_to_one(scenes):
    for one in scenes:
        # Every pixel has at least its part of the uniform share.
        assert one.density.min() > 0.999 * SHARES["uniform"] / one.density.size
        np.testing.assert_allclose(one.density.sum(), 1, rtol=1e-12)


def test_fixations_lie_inside_the_image(scenes):
    x, y = np.concatenate([fixations for one in scenes for fixations in one.fixations]).T
    assert x.min() >= 0
    assert x.max() < SIZE[1]
    assert y.min() >= 0
    assert y.max() < SIZE[0]


def test_every_kind_occurs_as_often_as_stated():
    count = 400
    kinds = [scene(index, seed=5, size=(64, 80), observers=1).kind for index in range(count)]
    observed = [kinds.count(kind) for kind in KINDS]
    assert sum(observed) == count
    assert stats.chisquare(observed, [count * share for share in KINDS.values()]).pvalue > 1e-3


def test_many_fixations_of_a_scene_follow_its_density_block_by_block():
    one = scene(2, seed=1, observers=50, fixations_per_observer=800)
    fixations = np.concatenate(one.fixations)
    blocks = (20, 25)  # rows and columns of blocks of 15 x 16 pixels
    observed, _, _ = np.histogram2d(
        fixations[:, 1], fixations[:, 0], bins=blocks, range=((0, SIZE[0]), (0, SIZE[1]))
    )
    expected = len(fixations) * one.density.reshape(20, 15, 25, 16).sum(axis=(1, 3))
    assert expected.min() > 3  # enough for the chi-square distribution to hold
    assert stats.chisquare(observed.ravel(), expected.ravel()).pvalue > 1e-3


def test_fixations_are_uniform_inside_their_pixel():
    fixations = np.concatenate(scene(2, seed=1, observers=10, fixations_per_observer=500).fixations)
    for fraction in (fixations % 1).T:
        assert stats.kstest(fraction, "uniform").pvalue > 1e-3


def test_each_scene_has_the_fixations_of_its_own_density(scenes):
    # The smallest region of about half the mass: the number of hits is a sum of Bernoulli draws.
    hits = expected = variance = 0.0
    for one in scenes:
        descending = np.sort(one.density.ravel())[::-1]
        region = one.density >= descending[np.searchsorted(np.cumsum(descending), 0.5)]
        mass = one.density[region].sum()
        x, y = np.concatenate(one.fixations).astype(int).T
        hits += region[y, x].sum()
        expected += len(x) * mass
        variance += len(x) * mass * (1 - mass)
    assert abs(hits - expected) < 4 * variance**0.5


def test_the_density_peaks_inside_a_target(scenes):
    for one in scenes:
        y, x = np.unravel_index(one.density.argmax(), SIZE)
        distances = np.hypot(one.targets[:, 0] - x - 0.5, one.targets[:, 1] - y - 0.5)
        assert (distances < one.targets[:, 2]).any()


def test_every_target_draws_its_share_of_fixations(scenes):
    rows, columns = np.mgrid[: SIZE[0], : SIZE[1]] + 0.5
    for one in scenes:
        inside = [np.hypot(columns - x, rows - y) < max(radius, 32) for x, y, radius in one.targets]
        # Two sigmas of the widest spot are 32 px, and 1 - exp(-2) = 0.86 of a Gaussian lie within two sigmas.
        # Weights are from 0.7 to 1, so the least of three targets has at least 0.7 / 2.7 of their share.
        assert min(one.density[mask].sum() for mask in inside) > 0.8 * SHARES["targets"] * 0.7 / 2.7
        assert one.density[np.any(inside, axis=0)].sum() > 0.8 * SHARES["targets"]


def items(one):
    """The items of a pop-out display by their difference to the ground: each a mask, and whether a target."""
    image = one.image.astype(np.float64)
    ground = np.median(image.reshape(-1, 3), axis=0)
    mask = (np.linalg.norm(image - ground, axis=2) > 45).astype(np.uint8)
    count, labels, statistics, centers = cv2.connectedComponentsWithStats(mask)
    found = []
    for label in range(1, count):
        if statistics[label, cv2.CC_STAT_AREA] > 40:
            distances = np.hypot(*(one.targets[:, :2] - centers[label] - 0.5).T)
            found.append((labels == label, bool((distances < 0.5 * one.targets[:, 2]).any())))
    return found


def compare(scenes, kind, measure):
    """Pairs (values of odd items, values of distractors) of every display of that kind."""
    displays = [one for one in scenes if one.kind == kind]
    assert len(displays) > 10
    for one in displays:
        found = items(one)
        odd = [measure(one, mask) for mask, is_target in found if is_target]
        rest = [measure(one, mask) for mask, is_target in found if not is_target]
        assert len(odd) == len(one.targets)
        assert len(rest) >= 10  # the smallest array has 3 x 4 items
        yield np.array(odd), np.array(rest)


def test_odd_items_are_large_enough_to_see(scenes):
    for kind in POP_OUT:
        for odd, _ in compare(scenes, kind, lambda one, mask: np.sqrt(mask.sum())):
            assert odd.min() >= 14


def test_an_item_odd_by_color_is_warm_among_cool_ones(scenes):
    def red_minus_blue(one, mask):
        red, _, blue = np.median(one.image[mask], axis=0)
        return red - blue

    for odd, rest in compare(scenes, "color", red_minus_blue):
        assert odd.min() > rest.max() + 50


def test_an_item_odd_by_size_has_at_least_three_times_the_area(scenes):
    for odd, rest in compare(scenes, "size", lambda one, mask: mask.sum()):
        assert odd.min() > 3 * rest.max()  # 2.0 to 2.3 times as wide, less the blur of small edges


def test_an_item_odd_by_orientation_is_tilted_by_at_least_thirty_degrees(scenes):
    def tilt(one, mask):
        y, x = np.nonzero(mask)
        (xx, xy), (_, yy) = np.cov(x, y)
        return np.degrees(0.5 * np.arctan2(2 * xy, xx - yy))  # of the long axis from the horizontal

    for odd, rest in compare(scenes, "orientation", tilt):
        difference = np.abs(odd[:, None] - rest[None])
        assert np.minimum(difference, 180 - difference).min() > 30


def standard_scores(saliency_map):
    return (saliency_map - saliency_map.mean()) / saliency_map.std()


def centered_gaussian():
    rows, columns = np.mgrid[: SIZE[0], : SIZE[1]] + 0.5
    y, x = rows / SIZE[0] - 0.5, columns / SIZE[1] - 0.5
    return np.exp(-0.5 * (x**2 + y**2) / CENTER_SIGMA**2)


def test_the_center_bias_earns_its_share_and_far_less_than_the_truth(scenes):
    """E[NSS] of a map P under a density q is the sum of q times P's standard scores.

    Truth: that is the coefficient of variation of q. q is at least its target share t spread over k Gaussians
    of sigma s, so sum q^2 >= t^2 / (k 4 pi s^2), and E[NSS]^2 = n sum q^2 - 1. Two odd items have k = 2 and
    s = 14; at the most a line has k = 8 letters of s = 12 (three faces: k = 6 and s at most 16, which is more
    spread than all six at 16).
    Centre: the uniform share scores 0, the centre's share scores the Gaussian's own coefficient of variation.
    A target that is anywhere with equal chance scores 0 with variance 1, so the mean over N displays is
    within 4 t / sqrt(N) of the centre's share alone.
    """
    center = centered_gaussian()
    from_center = SHARES["center"] * center.std() / center.mean()
    truth = np.array([(one.density * standard_scores(one.density)).sum() for one in scenes])
    baseline = np.array([(one.density * standard_scores(center)).sum() for one in scenes])
    pop_out = np.array([one.kind in POP_OUT for one in scenes])

    def least(count, sigma):
        return np.sqrt(SIZE[0] * SIZE[1] * SHARES["targets"] ** 2 / (count * 4 * np.pi * sigma**2) - 1)

    assert truth[pop_out].min() > least(2, 14)  # 3.8
    assert truth[~pop_out].min() > min(least(8, 12), least(6, 16))  # 1.7
    assert abs(baseline[pop_out].mean() - from_center) < 4 * SHARES["targets"] / np.sqrt(pop_out.sum())
    # Things lie wholly inside the image, so on the whole they are nearer to its centre than odd items.
    assert from_center < baseline.mean() < 0.5 * least(6, 16)


def test_another_size_of_the_same_proportions_gives_the_same_scene(scenes):
    for index in range(12):
        half = scene(index, seed=11, size=(150, 200))
        assert half.kind == scenes[index].kind
        np.testing.assert_allclose(half.targets, scenes[index].targets / 2, rtol=1e-12)
        pooled = scenes[index].density.reshape(150, 2, 200, 2).sum(axis=(1, 3))
        # Sigma is at least 6 px: a pixel's sum and its middle differ by less than 1 / (12 * 6^2) of the peak.
        np.testing.assert_allclose(half.density, pooled, atol=pooled.max() / (12 * 6**2))
        shrunk = cv2.resize(scenes[index].image, (200, 150), interpolation=cv2.INTER_AREA)
        # The finest noise and the edges differ; places and colours do not.
        blurred = [cv2.blur(image.astype(np.float32), (9, 9)) for image in (half.image, shrunk)]
        assert np.abs(blurred[0] - blurred[1]).mean() < 3


@pytest.mark.parametrize("size", [(64, 64), (64, 300), (480, 90), (333, 251)])
def test_any_size_from_64_by_64_works(size):
    for index in range(8):
        one = scene(index, size=size, observers=3)
        assert one.image.shape == (*size, 3)
        assert one.density.shape == size
        np.testing.assert_allclose(one.density.sum(), 1, rtol=1e-12)
        assert (np.concatenate(one.fixations) < size[::-1]).all()
        assert (one.targets[:, :2] > 0).all()
        assert (one.targets[:, :2] < size[::-1]).all()
