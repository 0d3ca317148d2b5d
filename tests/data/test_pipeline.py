import numpy as np
import pytest
from scipy.ndimage import gaussian_filter

from kerasal.data import Sample, folder
from kerasal.data.pipeline import batches
from kerasal.data.reading import resize_stimulus
from kerasal.layers import resize_stimuli

SIZE = (24, 36)


@pytest.fixture
def samples(photo_folder):
    return folder.load(photo_folder).samples


def epochs_of(dataset, per_epoch):
    """The batches, epoch by epoch."""
    parts = list(dataset.as_numpy_iterator())
    return [parts[start : start + per_epoch] for start in range(0, len(parts), per_epoch)]


def test_batches_hold_stimuli_densities_and_fixations_in_order(samples):
    (inputs, target), *rest = batches(samples, SIZE, 4).as_numpy_iterator()
    assert inputs.shape == (4, *SIZE, 3)
    assert inputs.dtype == np.float32
    assert target.shape == (4, *SIZE, 2)
    assert [len(part[0]) for part in rest] == [4, 1]
    for index in range(4):
        expected = samples[index].target(SIZE)
        np.testing.assert_allclose(target[index, ..., 0], expected[..., 0], atol=1e-6)
        np.testing.assert_array_equal(target[index, ..., 1], expected[..., 1])
        stimulus = samples[index].read_stimulus().astype("float64")
        np.testing.assert_allclose(inputs[index].mean(axis=(0, 1)), stimulus.mean(axis=(0, 1)), atol=3)


def test_targets_are_scipys_blur_of_the_fixations_and_zero_without_any():
    # On the borders, twice in a pixel, twice at one place; an image of another shape; none.
    size, other = (40, 60), (90, 45)
    points = np.array([[0.0, 0.0], [59.9, 39.9], [20.2, 30.1], [20.9, 30.8], [31.0, 7.0], [31.0, 7.0]])
    samples = [
        Sample("a", size, blank(size), (points[:3], points[3:]), 3.3),
        Sample("b", other, blank(other), (points[:1], points[2:3]), 4.0),
        Sample("c", size, blank(size), (np.empty((0, 2)),), 3.3),
    ]
    ((_, targets),) = batches(samples, SIZE, 3).as_numpy_iterator()
    for sample, target in zip(samples[:2], targets, strict=False):
        scale = np.array(SIZE) / sample.size
        counts = np.zeros(SIZE)
        for x, y in sample.all_fixations():
            counts[int(y * scale[0]), int(x * scale[1])] += 1
        blurred = gaussian_filter(counts, sample.sigma * scale, mode="constant", truncate=4)
        np.testing.assert_allclose(target[..., 0], blurred / blurred.max(), atol=1e-6)
        np.testing.assert_array_equal(target[..., 1], counts > 0)
    assert not targets[2].any()


def blank(size):
    return lambda: np.zeros((*size, 3), np.uint8)


def test_the_pipeline_resizes_a_stimulus_as_the_networks_do(samples):
    for sample in samples[:2]:  # of two sizes
        stimulus = sample.read_stimulus().astype("float32")
        np.testing.assert_allclose(
            resize_stimulus(stimulus, SIZE), resize_stimuli(stimulus[None], SIZE)[0], rtol=1e-5, atol=1e-3
        )


def test_every_epoch_shows_each_sample_once_in_an_order_of_its_own(samples):
    orders = []
    for epoch in epochs_of(batches(samples, SIZE, 4, epochs=3, seed=5), per_epoch=3):
        means = np.concatenate([inputs.mean(axis=(1, 2, 3)) for inputs, _ in epoch])
        orders.append(means.round(3).tolist())
    assert sorted(orders[0]) == sorted(orders[1]) == sorted(orders[2])
    assert len(set(orders[0])) == 9
    assert len(set(map(tuple, orders))) == 3


def test_the_order_depends_on_seed_and_epoch_alone(samples):
    whole = epochs_of(batches(samples, SIZE, 4, epochs=3, seed=5, flip=True), per_epoch=3)
    resumed = epochs_of(batches(samples, SIZE, 4, epochs=1, first_epoch=2, seed=5, flip=True), per_epoch=3)
    for (one, one_target), (other, other_target) in zip(whole[2], resumed[0], strict=True):
        np.testing.assert_array_equal(one, other)
        np.testing.assert_array_equal(one_target, other_target)
    other_seed = epochs_of(batches(samples, SIZE, 4, seed=6), per_epoch=3)
    assert not np.array_equal(other_seed[0][0][0], whole[0][0][0])


def test_a_flip_mirrors_stimulus_density_and_fixations_alike(samples):
    plain = {i: (x, y) for i, (x, y) in enumerate(batches(samples, SIZE, 1).as_numpy_iterator())}
    flipped = 0
    for index, (x, y) in enumerate(batches(samples, SIZE, 1, epochs=4, flip=True).as_numpy_iterator()):
        expected_x, expected_y = plain[index % 9]
        if np.array_equal(y, expected_y):
            np.testing.assert_array_equal(x, expected_x)
        else:
            flipped += 1
            np.testing.assert_array_equal(x, expected_x[:, :, ::-1])
            np.testing.assert_array_equal(y, expected_y[:, :, ::-1])
    assert 9 < flipped < 27  # of 36; a binomial with p = 1/2 leaves this with probability 0.003
