"""Datasets and models of pysaliency and back, held to pysaliency's own numbers."""

import importlib.util
import pickle
import sys
import types

import numpy as np
import pytest
from conftest import write_photo

from kerasal import data, evaluation, prediction
from kerasal.errors import InputError

with pytest.MonkeyPatch.context() as patch:
    if importlib.util.find_spec("torch") is None:  # which DeepGaze alone uses, and nothing here
        patch.setitem(sys.modules, "torch", types.ModuleType("torch"))
    pysaliency = pytest.importorskip(
        "pysaliency", reason="needs pysaliency: pip install 'kerasal[pysaliency]'"
    )

SIZES = ((40, 60), (50, 30), (33, 47))


def gaze(seed=0):
    """Fixations of three subjects on stimuli of SIZES, no two in one pixel."""
    random = np.random.default_rng(seed)
    x, y, n, subjects = [], [], [], []
    for number, (rows, columns) in enumerate(SIZES):
        for place in random.choice(rows * columns, 12, replace=False):
            x.append(place % columns + random.uniform(0, 0.99))
            y.append(place // columns + random.uniform(0, 0.99))
            n.append(number)
            subjects.append(random.integers(3))
    return pysaliency.Fixations.create_without_history(*map(np.array, (x, y, n, subjects)))


def pixels(seed=0):
    random = np.random.default_rng(seed)
    images = [random.integers(0, 256, (*size, 3), np.uint8) for size in SIZES]
    return [*images[:2], images[2][..., 0]]  # the last one is grey


class Ramp(pysaliency.SaliencyMapModel):
    def _saliency_map(self, stimulus):
        rows, columns = stimulus.shape[:2]
        return np.mgrid[:rows, :columns].sum(axis=0) / (rows + columns) + stimulus[..., 0] / 1000


class Density(pysaliency.Model):
    def _log_density(self, stimulus):
        rows, columns = stimulus.shape[:2]
        density = np.mgrid[:rows, :columns].sum(axis=0) + 1.0
        return np.log(density / density.sum())


def test_stimuli_and_fixations_come_over_and_go_back():
    fixations = gaze()
    dataset = data.from_pysaliency(pysaliency.Stimuli(pixels()), fixations, split="test", sigma=3.0)
    samples = dataset["test"]
    assert [sample.size for sample in samples] == list(SIZES)
    for number, (sample, image) in enumerate(zip(samples, pixels(), strict=True)):
        expected = image if image.ndim == 3 else np.repeat(image[..., None], 3, axis=-1)
        np.testing.assert_array_equal(sample.read_stimulus(), expected)
        counts = np.zeros(sample.size)
        for i in np.flatnonzero(fixations.n == number):
            counts[fixations.y_int[i], fixations.x_int[i]] = 1  # as pysaliency finds the pixel
        np.testing.assert_array_equal(sample.fixation_map(), counts)
        assert set(sample.observers) == {
            str(subject) for subject in fixations.subjects[fixations.n == number]
        }
        assert pickle.loads(pickle.dumps(sample)).read_stimulus().shape == expected.shape
    stimuli, back = data.to_pysaliency(samples)
    assert [tuple(size) for size in stimuli.sizes] == list(SIZES)
    rows = [sorted(zip(points.n, points.x, points.y, strict=True)) for points in (fixations, back)]
    assert rows[0] == rows[1]
    again = data.from_pysaliency(stimuli, back, split="test", sigma=3.0)["test"]
    for one, two in zip(samples, again, strict=True):
        for ours, theirs in zip(one.fixations, two.fixations, strict=True):
            np.testing.assert_array_equal(ours, theirs)


def test_files_are_read_as_pysaliency_reads_them_and_named_by_their_stems(tmp_path):
    files = []
    for name, size in zip("abc", SIZES, strict=True):
        write_photo(tmp_path / f"{name}.png", size)
        files.append(str(tmp_path / f"{name}.png"))
    dataset = data.from_pysaliency(pysaliency.FileStimuli(files), gaze(), name="mine")
    assert sorted(dataset.names) == ["a", "b", "c"]
    for sample in dataset.samples:
        expected = pysaliency.FileStimuli([str(tmp_path / f"{sample.name}.png")]).stimuli[0]
        np.testing.assert_array_equal(pickle.loads(pickle.dumps(sample)).read_stimulus(), expected)
        assert sample.sigma == pytest.approx(0.03 * sample.size[1])


def test_scanpaths_come_over_and_one_subject_alone_is_no_observer():
    trains = pysaliency.FixationTrains.from_fixation_trains(
        [[1, 2], [3]], [[4, 5], [6]], [[0, 1], [0]], [0, 1], [0, 0]
    )
    dataset = data.from_pysaliency(pysaliency.Stimuli(pixels()), trains, split="train")
    np.testing.assert_array_equal(dataset["train"][0].all_fixations(), [[1, 4], [2, 5]])
    assert all(sample.pooled for sample in dataset["train"])
    assert len(dataset["train"][2].all_fixations()) == 0


def test_fixations_beside_their_stimulus_are_counted_and_left_out():
    fixations = gaze()
    fixations.x[0], fixations.y[5] = -1, 40
    dataset = data.from_pysaliency(pysaliency.Stimuli(pixels()), fixations, split="test")
    assert dataset.notes == ["2 fixations lie beside their stimulus and are left out"]
    assert sum(len(sample.all_fixations()) for sample in dataset["test"]) == 34


@pytest.mark.parametrize(
    ("change", "options", "words"),
    [
        (lambda f: f.n.__setitem__(0, 3), {}, "stimuli 0 to 3, and there are 3"),
        (lambda f: None, {"sigma": 0.0}, "sigma must be positive"),
        (lambda f: None, {"split": "tests"}, "unknown split 'tests'"),
    ],
)
def test_what_does_not_belong_together_is_one_line(change, options, words):
    fixations = gaze()
    change(fixations)
    with pytest.raises(InputError, match=words):
        data.from_pysaliency(pysaliency.Stimuli(pixels()), fixations, **options)


def test_models_of_pysaliency_are_scored_as_pysaliency_scores_them():
    images = pixels()
    images[2] = np.repeat(images[2][..., None], 3, axis=-1)
    stimuli, fixations = pysaliency.Stimuli(images), gaze()
    dataset = data.from_pysaliency(stimuli, fixations, split="test", sigma=3.0)
    models = {"ramp": Ramp(), "density": Density()}
    result = evaluation.evaluate(
        [evaluation.PysaliencyModel(name, model) for name, model in models.items()],
        dataset,
        metrics=["nss"],
    )
    for name, model in models.items():
        maps = model if name == "ramp" else pysaliency.saliency_map_models.DensitySaliencyMapModel(model)
        for number in range(3):
            of_image = fixations[fixations.n == number]
            nss = maps.NSS(stimuli, of_image)
            assert result.scores[name].values["nss"][number] == pytest.approx(nss, rel=2e-3)


def test_a_predictor_is_a_model_of_pysaliency():
    class Red:
        def saliency_maps(self, stimuli):
            return [stimulus[..., 0] / np.float32(255) for stimulus in stimuli]

    images, fixations = pixels(), gaze()
    stimuli = pysaliency.Stimuli(images)
    model = prediction.pysaliency_model(Red(), caching=False)
    assert isinstance(model, pysaliency.SaliencyMapModel)
    for number, image in enumerate(images):
        expected = (image if image.ndim == 2 else image[..., 0]) / 255
        np.testing.assert_allclose(model.saliency_map(stimuli[number]), expected, atol=1e-6)
    z = [(m - m.mean()) / m.std() for m in (model.saliency_map(stimulus) for stimulus in stimuli)]
    expected = np.mean(
        [z[n][y, x] for n, y, x in zip(fixations.n, fixations.y_int, fixations.x_int, strict=True)]
    )
    assert model.NSS(stimuli, fixations) == pytest.approx(expected, rel=1e-5)


def test_a_map_that_is_negative_or_of_another_size_is_one_line():
    dataset = data.from_pysaliency(pysaliency.Stimuli(pixels()), gaze(), split="test")

    class Wrong:
        def __init__(self, make):
            self.saliency_map = lambda stimulus: make(*stimulus.shape[:2])

    for make, words in (
        (lambda rows, columns: -np.ones((rows, columns)), "negative"),
        (lambda rows, columns: np.ones((columns, rows)), "a map of 60x40 of a stimulus of 40x60"),
    ):
        with pytest.raises(InputError, match=words):
            evaluation.evaluate([evaluation.PysaliencyModel("wrong", Wrong(make))], dataset, metrics=["nss"])
