"""Training a network that pads its stimuli and has maps of another size: a small SAM-VGG."""

import json
from dataclasses import replace

import cv2
import keras
import numpy as np
import pytest
from training_cases import marked_samples

from kerasal import data, models, training
from kerasal.data.images import pad_image, padded_box
from kerasal.data.pipeline import batches
from kerasal.errors import InputError
from kerasal.layers import pad_stimuli


class SmallSAM(models.SAMVGG):
    """SAM-VGG with a hundredth of its channels, and half the steps of its memory."""

    def __init__(self, *args, **options):
        super().__init__(
            *args, **{"filters": 8, "backbone_filters": 4, "gaussians": 2, "steps": 2, **options}
        )


@pytest.fixture(scope="module", autouse=True)
def _small_sam():
    small = replace(models.NETWORKS["sam-vgg"], name="sam-small", network=SmallSAM)
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(models.NETWORKS, small.name, small)
        yield


@pytest.fixture(scope="module")
def start(tmp_path_factory):
    """A network that has learned nothing, and the file of its weights."""
    keras.utils.set_random_seed(0)
    network = SmallSAM((32, 48), backbone_weights="random", initial_density=0.1)
    path = tmp_path_factory.mktemp("start") / "start.weights.h5"
    network.save_weights(path)
    return network, str(path)


@pytest.fixture(scope="module")
def fine_tuned(start, tmp_path_factory):
    """A run from there, in which the backbone learned as well."""
    path = tmp_path_factory.mktemp("runs") / "fine-tuned"
    return run(marked_samples(20), path, epochs=6, learning_rate=3e-4, weights=start[1])


def run(samples, path, **changes):
    splits = {"train": samples[:-4], "validation": samples[-4:], "test": samples[-4:]}
    options = {"model": "sam-small", "input_size": (32, 48), "backbone_weights": "random", "batch_size": 2}
    options = training.options("sam", **{**options, "epochs": 2, **changes})
    dataset = data.Dataset("squares", splits, "squares", "MIT")
    return training.train(dataset, options, path, report=lambda _: None, verbose=0)


def test_a_padded_target_lies_where_the_padded_stimulus_shows_it():
    sample = marked_samples(1)[0]
    stimulus = pad_image(sample.read_stimulus(), (32, 48)).astype(float)
    target = sample.target((64, 96), padded=True)
    rows, columns = np.nonzero(stimulus[..., 0] > 170)
    marks = np.argwhere(target[..., 1])
    # The map has twice the stimulus's size; the centres of pixel i are at 2 i + 0.5.
    assert marks.mean(axis=0) == pytest.approx([2 * rows.mean() + 0.5, 2 * columns.mean() + 0.5], abs=1.5)
    assert np.unravel_index(target[..., 0].argmax(), (64, 96)) == pytest.approx(marks.mean(axis=0), abs=2.5)
    box = padded_box(sample.size, (64, 96))
    assert (box[0].start, box[0].stop, box[1].start, box[1].stop) == (12, 52, 0, 96)  # by hand: 40 rows of 64
    outside = np.ones((64, 96), bool)
    outside[box] = False
    assert not target[outside].any()
    assert len(marks) == sample.fixation_map((40, 96)).sum()


@pytest.mark.parametrize("size", [(40, 96), (70, 41), (32, 48), (300, 2)])
def test_the_pipeline_pads_a_stimulus_as_the_networks_do(size):
    stimulus = np.random.default_rng(0).integers(0, 256, (*size, 3), dtype=np.uint8)
    np.testing.assert_array_equal(pad_image(stimulus, (32, 48)), pad_stimuli(stimulus[None], (32, 48))[0])


def test_batches_hold_padded_stimuli_and_targets_of_the_maps_size():
    samples = marked_samples(3)
    (x, y), _ = batches(samples, (64, 96), 2, input_size=(32, 48), padded=True).as_numpy_iterator()
    np.testing.assert_array_equal(x[1], pad_image(samples[1].read_stimulus(), (32, 48)))
    np.testing.assert_array_equal(y[1], samples[1].target((64, 96), padded=True))


@pytest.mark.ci
def test_fine_tuning_lowers_the_loss_and_changes_the_backbone(fine_tuned):
    result, history = fine_tuned, fine_tuned.history
    # The best epoch: with so few stimuli a late step may throw the network back, and rounding decides which.
    assert min(epoch["loss"] for epoch in history) < history[0]["loss"] / 2
    assert max(epoch["val_cc"] for epoch in history) > history[0]["val_cc"]
    assert result.config["options"]["freeze_backbone"] is False
    assert result.config["cache_features"] is False
    assert result.config["model_options"].keys() == {"input_size", "initial_density"}
    assert np.load(result.path / "center_bias.npy").shape == (64, 96)
    network = result.load_model()
    assert network.saliency_maps([marked_samples(1)[0].read_stimulus()])[0].shape == (40, 96)


@pytest.mark.ci
def test_a_frozen_backbone_stays_as_it_was_and_its_features_are_cached(start, fine_tuned, tmp_path):
    network, weights = start
    frozen = run(marked_samples(10), tmp_path / "run", epochs=1, weights=weights, freeze_backbone=True)
    assert frozen.config["cache_features"] is True
    before = network.backbone.get_weights()
    same = [
        [np.array_equal(a, b) for a, b in zip(before, after.load_model().backbone.get_weights(), strict=True)]
        for after in (frozen, fine_tuned)
    ]
    assert all(same[0])
    assert not any(same[1])


def test_cached_features_are_those_of_the_padded_stimulus(start):
    network, _ = start
    samples = marked_samples(2)
    cache = training.FeatureCache.open(network, samples)
    stimuli = np.stack([sample.read_stimulus() for sample in samples]).astype("float32")
    features = keras.ops.convert_to_numpy(network.backbone(stimuli))
    np.testing.assert_allclose(cache.arrays[0], features, rtol=2e-3, atol=1e-3 * features.max())


def test_the_recipe_is_the_reference_codes():
    # Cornia et al. 2018 and main.py, config.py of their code; batch 10 from the paper.
    recipe = training.options(model="sam-vgg")
    assert (recipe.optimizer, recipe.learning_rate, recipe.decay) == ("rmsprop", 1e-4, "none")
    assert (recipe.batch_size, recipe.epochs, recipe.patience) == (10, 10, 3)
    assert recipe.input_size == (240, 320)
    assert not recipe.freeze_backbone
    assert not recipe.flip
    assert recipe.ema == recipe.weight_decay == 0
    assert training.options(model="sam-resnet", batch_size=4).batch_size == 4
    assert training.options().freeze_backbone


@pytest.mark.parametrize("option", [{"dropout": 0.2}, {"activation": "sigmoid"}, {"feature_dropout": 0.1}])
def test_options_that_sam_has_not_are_refused_by_name(option):
    with pytest.raises(InputError, match=f"sam-vgg has no option {next(iter(option))}"):
        training.options(model="sam-vgg", **option)


@pytest.mark.ci
def test_a_run_of_sam_is_exported_with_its_padding_and_blur(fine_tuned, tmp_path):
    import tensorflow as tf

    from kerasal.export.saved_model import write_saved_model

    network = fine_tuned.load_model()
    write_saved_model(network, tmp_path / "saved", card="")
    serve = tf.saved_model.load(tmp_path / "saved").signatures["serving_default"]
    for size in ((40, 96), (130, 61), (48, 64)):
        small = np.random.default_rng(1).integers(0, 256, (5, 7, 3), dtype=np.uint8)
        stimulus = cv2.resize(small, size[::-1])
        exported = serve(stimuli=tf.constant(stimulus[None]))["saliency"].numpy()[0, ..., 0]
        np.testing.assert_allclose(exported, network.saliency_maps([stimulus])[0], atol=1e-5)
    assert json.loads((fine_tuned.path / "config.json").read_text())["model"] == "sam-small"
