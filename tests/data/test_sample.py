import numpy as np
import pytest

from kerasal.data import Sample, center_bias, fingerprint, load
from kerasal.data.sample import report_merged
from kerasal.errors import InputError


def sample(fixations, size=(40, 60), sigma=3.0, name="s"):
    return Sample(name, size, lambda: np.zeros((*size, 3), np.uint8), (np.array(fixations, float),), sigma)


def test_target_holds_the_density_and_the_binary_fixation_map():
    target = sample([[10.2, 5.1], [10.9, 5.9], [50, 30]]).target((40, 60))
    assert target.shape == (40, 60, 2)
    assert target[..., 0].max() == 1
    assert np.argwhere(target[..., 1] == 1).tolist() == [[5, 10], [30, 50]]
    assert target[..., 1].sum() == 2


def test_fixations_that_share_a_pixel_are_reported():
    samples = [sample([[10.2, 5.1], [10.9, 5.9], [50, 30]]), sample([[1, 1], [3, 3]])]
    assert report_merged(samples, (40, 60)).startswith("5 fixations on 2 stimuli; at 40x60 1 share")
    assert "at 10x15 2 share" in report_merged(samples, (10, 15))


def test_density_weighs_a_pixel_by_its_fixations():
    density = sample([[10, 20]] * 3 + [[50, 20]], sigma=1.0).density()
    assert density[20, 10] == pytest.approx(1)
    assert density[20, 50] == pytest.approx(1 / 3, rel=1e-6)


def test_center_bias_is_the_mean_of_the_density_maps():
    one, other = sample([[10, 20]]), sample([[50, 30]])
    np.testing.assert_allclose(
        center_bias([one, other], (40, 60)), (one.density() + other.density()) / 2, rtol=1e-6
    )


def test_fingerprint_changes_with_every_part_of_the_content():
    base = [sample([[10, 20]])]
    others = [
        [sample([[10, 20.5]])],
        [sample([[10, 20]], sigma=4.0)],
        [sample([[10, 20]], name="t")],
        [sample([[10, 20]]), sample([[10, 20]])],
    ]
    assert fingerprint(base) == fingerprint([sample([[10, 20]])])
    assert len({fingerprint(samples) for samples in [base, *others]}) == 5


@pytest.mark.parametrize("arguments", [{"sigma": 0.0}, {"pixels_per_degree": -1.0}])
def test_a_blur_that_is_not_positive_is_refused(photo_folder, arguments):
    with pytest.raises(InputError, match="positive"):
        load(str(photo_folder), **arguments)
