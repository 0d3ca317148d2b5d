"""Many maps at once, against `measure` one by one and closed forms."""

import os

import numpy as np
import pytest

from kerasal import metrics
from kerasal._processes import in_processes
from kerasal.errors import InputError

KEYS = ["cc", "sim", "kld", "nss", "auc_judd", "auc_borji", "sauc", "information_gain", "emd"]


def drawn(count, sizes=((70, 101),)):
    random = np.random.default_rng(3)
    sizes = [sizes[index % len(sizes)] for index in range(count)]
    maps, densities, baselines = ([random.uniform(0.1, 1, size) for size in sizes] for _ in range(3))
    fixations, others = (
        [np.stack([random.integers(0, side, points) for side in size], axis=1) for size in sizes]
        for points in (9, 14)
    )
    return maps, densities, fixations, others, baselines


@pytest.mark.parametrize("processes", [None, 1, 2])
@pytest.mark.parametrize("dtype", ["float64", "float32"])
def test_many_are_each_by_itself(processes, dtype):
    given = [np.stack(values) for values in drawn(5)]
    given[0] = given[0].astype(dtype)
    found = metrics.measure_many(KEYS, *given, processes=processes)
    assert list(found) == KEYS
    for index in range(5):
        alone = metrics.measure(KEYS, *(values[index] for values in given))
        assert {key: values[index] for key, values in found.items()} == alone
    expected = [np.corrcoef(one.ravel(), other.ravel())[0, 1] for one, other in zip(*given[:2], strict=True)]
    np.testing.assert_allclose(found["cc"], expected, rtol=1e-5)


def test_each_of_several_processes_has_one_thread_of_opencv_and_a_single_one_is_this():
    threads = "__import__('cv2').getNumThreads()"
    assert [result() for result in in_processes(eval, [threads] * 2, 2)] == [1, 1]
    process = "__import__('os').getpid()"
    assert [result() for result in in_processes(eval, [process], 1)] == [os.getpid()]


def test_sizes_may_differ_and_only_what_is_needed_is_given():
    maps, densities, _, _, _ = drawn(4, ((70, 101), (5, 30)))
    found = metrics.measure_many(iter(["cc"]), maps, densities)["cc"]
    expected = [np.corrcoef(a.ravel(), b.ravel())[0, 1] for a, b in zip(maps, densities, strict=True)]
    np.testing.assert_allclose(found, expected, rtol=1e-9)
    assert found.dtype == np.float64


def test_none_give_none():
    assert metrics.measure_many(["cc"], [], [])["cc"].shape == (0,)


@pytest.mark.parametrize("processes", [1, 2])
def test_what_is_wrong_is_told_with_its_map(processes):
    maps, densities, _, _, _ = drawn(3)
    maps[1][0, 0] = np.nan
    with pytest.raises(ValueError, match=r"^map 1: "):
        metrics.measure_many(["cc"], maps, densities, processes=processes)


def test_mistakes_of_all_are_told_before_any_is_measured():
    maps, densities, _, _, _ = drawn(3)
    with pytest.raises(InputError, match="densities must have one for each of 3 maps, got 2"):
        metrics.measure_many(["cc"], maps, densities[:2])
    with pytest.raises(InputError, match="got 0"):
        metrics.measure_many(["cc"], maps, densities, processes=0)
    with pytest.raises(ValueError, match="unknown metric 'cd'"):
        metrics.measure_many(["cd"], maps, densities)
