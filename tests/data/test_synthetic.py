import numpy as np

from kerasal.data import synthetic
from kerasal.data.synthetic_scenes import SIZE, scene


def test_the_default_dataset_has_three_splits_of_different_scenes():
    dataset = synthetic.load()
    assert {split: len(samples) for split, samples in dataset.splits.items()} == {
        "train": 220,
        "validation": 40,
        "test": 60,
    }
    assert len({sample.name for sample in dataset.samples}) == 320
    for split, index in (("train", 0), ("validation", 220), ("test", 319)):
        sample = dataset[split][0 if split != "test" else -1]
        one = scene(index)
        np.testing.assert_array_equal(sample.read_stimulus(), one.image)
        np.testing.assert_array_equal(sample.true_density(), one.density)
        np.testing.assert_array_equal(sample.all_fixations(), np.concatenate(one.fixations))
        assert sample.size == SIZE
