"""Metrics over images that come one by one."""

import numpy as np
import pytest

from kerasal import metrics
from kerasal.metrics import Running


def images(count, seed=0):
    random = np.random.default_rng(seed)
    maps = random.uniform(size=(count, 20, 30))
    densities = random.uniform(size=(count, 20, 30))
    fixations = [random.integers(0, 20, (7, 2)) for _ in range(count)]
    return maps, densities, fixations


def test_the_means_are_those_of_the_functions_however_the_images_come():
    maps, densities, fixations = images(5)
    running = Running(("cc", "nss"))
    running.update(maps[0], density=densities[0], fixations=fixations[0])
    running.update(maps[1:3], density=densities[1:3], fixations=fixations[1:3])
    running.update(list(maps[3:]), density=list(densities[3:]), fixations=fixations[3:])
    expected = {
        "cc": np.mean(
            [np.corrcoef(m.ravel(), d.ravel())[0, 1] for m, d in zip(maps, densities, strict=True)]
        ),
        "nss": np.mean([metrics.nss(m, f) for m, f in zip(maps, fixations, strict=True)]),
    }
    assert running.compute() == pytest.approx(expected, rel=1e-12)
    running.reset()
    assert all(np.isnan(value) for value in running.compute().values())
    running.update(maps[4], density=densities[4], fixations=fixations[4])
    assert running.compute()["nss"] == pytest.approx(metrics.nss(maps[4], fixations[4]))


def test_images_of_several_sizes_and_without_fixations():
    maps, _, fixations = images(2)
    running = Running(["nss"])
    running.update([maps[0], maps[1][:15]], fixations=[fixations[0], np.empty((0, 2), int)])
    assert running.compute()["nss"] == pytest.approx(metrics.nss(maps[0], fixations[0]))


@pytest.mark.parametrize(
    ("keys", "targets", "words"),
    [
        (["nss"], {"fixations": 1}, "2 maps and 1 of fixations"),
        (["nss"], {"fixations": 2, "other_fixations": 1}, "2 maps and 1 of other_fixations"),
        (["nss"], {}, "NSS needs fixations"),
        (["nnss"], {"fixations": 2}, "unknown metric 'nnss'"),
    ],
)
def test_what_is_refused_leaves_the_means_as_they_were(keys, targets, words):
    maps, _, fixations = images(2)
    running = Running(keys)
    with pytest.raises(ValueError, match=words):
        running.update(maps, **{name: fixations[:count] for name, count in targets.items()})
    assert not any(running.values.values())


def test_of_maps_of_which_one_is_refused_none_is_kept():
    maps, densities, fixations = images(3)
    running = Running(["cc", "nss"])
    running.update(maps[0], density=densities[0], fixations=fixations[0])
    before = running.compute()
    maps[2, 3, 4] = np.nan
    with pytest.raises(ValueError, match="finite"):
        running.update(maps[1:], density=densities[1:], fixations=fixations[1:])
    assert running.compute() == before
