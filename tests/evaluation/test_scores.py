import csv
import math

import numpy as np
import pytest
from scipy import stats

from kerasal import data, evaluation
from kerasal.errors import InputError
from kerasal.evaluation import systems


@pytest.fixture
def photos(photo_folder):
    return data.load(str(photo_folder))


def test_each_image_gets_the_metric_of_its_map_and_its_own_truth(photos):
    random = np.random.default_rng(0)
    samples = photos["train"]
    maps = [random.uniform(size=sample.size) for sample in samples]
    scores = evaluation.score(zip(maps, samples, strict=True), ["cc", "nss"])
    for index, (saliency_map, sample) in enumerate(zip(maps, samples, strict=True)):
        expected = stats.pearsonr(saliency_map.ravel(), sample.density(dtype="float64").ravel())[0]
        assert scores.values["cc"][index] == pytest.approx(expected, rel=1e-9)
        z = (saliency_map - saliency_map.mean()) / saliency_map.std(ddof=1)
        rows, columns = np.nonzero(sample.fixation_map())
        assert scores.values["nss"][index] == pytest.approx(z[rows, columns].mean(), rel=1e-9)


def test_summary_is_mean_and_standard_error_over_the_images_that_have_a_value():
    values = np.array([0.2, 0.5, np.nan, 0.9])
    summary = evaluation.Scores(["a", "b", "c", "d"], {"cc": values}).summary()["cc"]
    known = [0.2, 0.5, 0.9]
    assert summary.mean == pytest.approx(np.mean(known))
    assert summary.standard_error == pytest.approx(stats.sem(known))
    assert (summary.images, summary.skipped) == (3, 1)


def test_summary_of_one_image_has_no_standard_error():
    assert math.isnan(evaluation.Scores(["a"], {"cc": np.array([0.2])}).summary()["cc"].standard_error)


def test_csv_holds_every_value_exactly(tmp_path):
    values = {"cc": np.array([0.1, 1 / 3]), "nss": np.array([2.5, np.nan])}
    evaluation.Scores(["a", "b,c"], values).write_csv(tmp_path / "metrics.csv")
    with open(tmp_path / "metrics.csv", newline="") as file:
        rows = list(csv.DictReader(file))
    assert [row["image"] for row in rows] == ["a", "b,c"]
    assert float(rows[1]["cc"]) == 1 / 3
    assert math.isnan(float(rows[1]["nss"]))


def test_center_bias_is_the_training_splits_mean_at_each_stimulus_size(photos):
    predictions = list(systems.center_bias_baseline(photos, photos["test"]))
    for saliency_map, sample in predictions:
        assert saliency_map.shape == sample.size
        mean = np.mean([train.density((300, 400)) for train in photos["train"]], axis=0)
        # Nearest neighbour instead of the bilinear resize: the same up to a pixel's slope.
        rows = (np.arange(sample.size[0]) + 0.5) * 300 / sample.size[0]
        columns = (np.arange(sample.size[1]) + 0.5) * 400 / sample.size[1]
        nearest = mean[np.ix_(rows.astype(int), columns.astype(int))]
        np.testing.assert_allclose(saliency_map, nearest, atol=0.02)


def test_halves_of_the_observers_share_no_one_and_leave_no_one_out(photos):
    for saliency_map, scored in systems.half_observers(photos, photos["train"]):
        original = next(sample for sample in photos["train"] if sample.name == scored.name)
        assert (len(original.fixations), len(scored.fixations)) == (3, 2)
        one = [xy for xy in original.fixations if not any(xy is other for other in scored.fixations)]
        assert len(one) == 1
        peak = np.unravel_index(saliency_map.argmax(), saliency_map.shape)
        distance = np.hypot(one[0][:, 1] - peak[0], one[0][:, 0] - peak[1]).min()
        assert distance < 3 * scored.sigma  # the map is made of the observer who is not scored


def test_upper_bound_beats_the_center_bias_on_every_metric_of_generated_data():
    dataset = data.load("synthetic").limited(20)
    bound = evaluation.evaluate_baseline("upper-bound", dataset).scores.summary()
    center = evaluation.evaluate_baseline("center-bias", dataset).scores.summary()
    for key in ("cc", "sim", "auc_judd", "nss"):
        assert bound[key].mean > center[key].mean
    assert bound["kld"].mean < center["kld"].mean


def test_upper_bound_of_real_data_is_refused(photos):
    with pytest.raises(InputError, match="synthetic"):
        evaluation.evaluate_baseline("upper-bound", photos)


def test_unknown_baseline_and_split_are_refused_with_the_known_ones(photos):
    with pytest.raises(InputError, match=r"'best'.*center-bias"):
        evaluation.evaluate_baseline("best", photos)
    with pytest.raises(InputError, match=r"'all'.*train"):
        evaluation.evaluate_baseline("center-bias", photos, "all")


def test_human_ceiling_and_center_bias_on_osie_are_those_of_a_plain_script(shared):
    # An independent script at 300x400 measured CC 0.883 and NSS 3.45 for 7 of 15 observers against the other
    # 8, and 0.289 and 0.79 for the centre bias, on the same 100 images; ours are at 600x800 and other halves.
    dataset = data.load("osie", shared / "data/osie")
    ceiling = evaluation.evaluate_baseline("half-observers", dataset).scores.summary()
    assert ceiling["cc"].mean == pytest.approx(0.883, abs=0.01)
    assert ceiling["nss"].mean == pytest.approx(3.45, abs=0.05)
    center = evaluation.evaluate_baseline("center-bias", dataset).scores.summary()
    assert center["cc"].mean == pytest.approx(0.289, abs=0.005)
    assert center["nss"].mean == pytest.approx(0.79, abs=0.01)
