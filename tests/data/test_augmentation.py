"""Fixations stay on what was fixated: each test traces them from the file to the batch."""

import numpy as np
import pytest

from kerasal.data import Sample
from kerasal.data.augmentation import Augmentation, View, change_color, cut_target, view
from kerasal.data.pipeline import batches
from kerasal.errors import InputError

SIZE = (60, 80)


def spotted(number, spots, size=(90, 150)):
    """A dark stimulus with a bright spot around each fixation."""
    y, x = np.mgrid[: size[0], : size[1]] + 0.5
    brightness = sum(np.exp(-((x - a) ** 2 + (y - b) ** 2) / (2 * 3.0**2)) for a, b in spots)
    stimulus = np.repeat((250 * np.minimum(1, brightness))[..., None], 3, axis=2).astype("uint8")
    return Sample(f"s{number}", size, lambda: stimulus, (np.array(spots, float),), 4.0)


@pytest.fixture
def samples():
    random = np.random.default_rng(0)
    return [spotted(number, random.uniform([15, 15], [135, 75], (1, 2))) for number in range(12)]


@pytest.mark.parametrize(
    "augmentation", [Augmentation(crop=0.4), Augmentation(scale=0.5), Augmentation(0.3, 0.4, 0.5)]
)
def test_the_fixation_stays_on_the_spot_that_was_fixated(samples, augmentation):
    seen = 0
    for stimuli, targets in batches(
        samples, SIZE, 4, epochs=4, seed=1, flip=True, augmentation=augmentation
    ).as_numpy_iterator():
        assert stimuli.shape[1:] == (*SIZE, 3)
        assert targets.shape[1:] == (*SIZE, 2)
        for stimulus, target in zip(stimuli, targets, strict=True):
            fixated = np.argwhere(target[..., 1])
            if not len(fixated):
                continue
            assert len(fixated) == 1
            spot = stimulus[..., 0] - np.median(stimulus[..., 0])
            row, column = fixated[0]
            if 4 <= row < SIZE[0] - 4 and 4 <= column < SIZE[1] - 4:  # else the spot is half outside
                seen += 1
                window = np.maximum(spot[row - 4 : row + 5, column - 4 : column + 5], 0)
                offset = [np.average(np.mgrid[-4:5, -4:5][axis], weights=window) for axis in range(2)]
                assert np.abs(offset).max() <= 1
                assert np.unravel_index(target[..., 0].argmax(), SIZE) == (row, column)
    assert seen >= 20


def test_windows_of_the_target_are_exact():
    sample = spotted(0, [(75, 45), (10, 10), (140, 80)])
    whole = sample.target((120, 160))
    part = cut_target(sample, SIZE, 120, 160, 30, 50)
    np.testing.assert_array_equal(part[..., 1], whole[30:90, 50:130, 1])
    expected = whole[30:90, 50:130, 0]
    np.testing.assert_allclose(part[..., 0], expected / expected.max(), rtol=1e-6)
    small = sample.target((30, 40))
    around = cut_target(sample, SIZE, 30, 40, -7, -20)
    np.testing.assert_array_equal(around[7:37, 20:60], small)
    assert around.sum() == pytest.approx(small.sum())


def test_a_view_keeps_its_window_on_the_grid_and_reaches_both_ends():
    rows = []
    for number in np.linspace(0, 0.9999, 30):
        draw = np.array([0.8, 0.5, number, 1 - number, 0, 0, 0], "float32")
        seen = View(*(int(x) for x in view(Augmentation(crop=0.5), draw, SIZE)))
        assert (seen.rows, seen.columns) == (100, 133)  # 60 / 0.6 and 80 / 0.6
        assert 0 <= seen.top <= seen.rows - SIZE[0]
        assert 0 <= seen.left <= seen.columns - SIZE[1]
        rows.append(seen.top)
        small = np.array([0, 0.0, number, number, 0, 0, 0], "float32")
        seen = View(*(int(x) for x in view(Augmentation(scale=0.5), small, SIZE)))
        assert (seen.rows, seen.columns) == (30, 40)
        assert seen.rows - SIZE[0] <= seen.top <= 0
    assert rows[0] == 0
    assert rows[-1] == 40


def test_around_a_small_stimulus_lies_the_colour_that_networks_see_as_zero(samples):
    stimuli, _ = next(
        iter(batches(samples, SIZE, 12, augmentation=Augmentation(scale=0.9), seed=0).as_numpy_iterator())
    )
    mean = np.array([123.68, 116.779, 103.939], "float32")
    grey = np.isclose(stimuli, mean, atol=1e-3).all(axis=-1)
    assert any(grey[i, 0, 0] and grey[i, -1, -1] and not grey[i].all() for i in range(12))


def test_color_alone_changes_no_target(samples):
    changed = batches(samples, SIZE, 12, augmentation=Augmentation(color=0.4)).as_numpy_iterator()
    (stimuli, targets), (plain, expected) = (
        next(changed),
        next(batches(samples, SIZE, 12).as_numpy_iterator()),
    )
    np.testing.assert_allclose(targets, expected, atol=1e-6)
    assert np.abs(stimuli - plain).max() > 10
    assert stimuli.min() >= 0
    assert stimuli.max() <= 255


def test_brightness_contrast_and_saturation_are_what_their_names_say():
    stimulus = np.random.default_rng(0).uniform(60, 120, (5, 6, 3)).astype("float32")
    neutral = np.full(7, 0.5, "float32")

    def changed(place):
        draw = neutral.copy()
        draw[place] = 1.0
        return change_color(stimulus, 0.5, draw).numpy()

    luma = [0.299, 0.587, 0.114]
    np.testing.assert_allclose(change_color(stimulus, 0.5, neutral), stimulus, rtol=1e-5)
    np.testing.assert_allclose(changed(4), 1.5 * stimulus, rtol=1e-5)
    mean = (stimulus @ luma).mean()
    np.testing.assert_allclose(changed(5), mean + 1.5 * (stimulus - mean), rtol=1e-4)
    np.testing.assert_allclose(changed(6) @ luma, stimulus @ luma, rtol=1e-4)  # as bright as before
    assert np.ptp(changed(6), axis=-1).mean() == pytest.approx(
        1.5 * np.ptp(stimulus, axis=-1).mean(), rel=1e-3
    )


def test_augmentation_depends_on_seed_and_epoch_alone(samples):
    options = {"seed": 3, "augmentation": Augmentation(0.3, 0.3, 0.3)}
    whole = list(batches(samples, SIZE, 12, epochs=3, **options).as_numpy_iterator())
    resumed = next(batches(samples, SIZE, 12, first_epoch=2, **options).as_numpy_iterator())
    for one, other in zip(whole[2], resumed, strict=True):
        np.testing.assert_array_equal(one, other)
    assert not np.array_equal(whole[0][1], whole[1][1])


def test_augmentation_is_off_by_default_and_refuses_what_makes_no_sense():
    assert not Augmentation()
    for name in ("crop", "scale", "color"):
        with pytest.raises(InputError, match=name):
            Augmentation(**{name: 1.0})
        with pytest.raises(InputError, match=name):
            Augmentation(**{name: -0.1})
