"""A quest of one loss and `kerasal train` of the same options end with the same weights."""

import dataclasses

import keras
import numpy as np
import pytest
import tensorflow as tf

from kerasal import data, models, quest, training
from kerasal.losses.pixel import MSE
from kerasal.quest.folder import QuestFolder
from kerasal.training.precision import computing_in

SIZE = (32, 48)
CHANGES = {
    "input_size": SIZE,
    "epochs": 3,
    "batch_size": 2,
    "dropout": 0.0,
    "feature_dropout": 0.0,
    "activation": "relu",
    "ema": 0.5,
    "warmup": 0.5,
    "clip_norm": 0.01,
    "deterministic": True,
}


@pytest.fixture
def dataset(photo_folder):
    return data.load(str(photo_folder))


def poisoned(monkeypatch, dataset):
    """Give the gradient of MSE no finite value in the one batch of an epoch that has the first sample."""
    size = tf.constant(dataset.center_bias(SIZE)).shape
    target = next(iter(training_targets(dataset, size)))
    plain = MSE.call

    def call(self, y_true, y_pred):
        seen = tf.reduce_any(tf.reduce_all(tf.abs(y_true - target) < 1e-6, axis=(1, 2, 3)))

        @tf.custom_gradient
        def guard(value):
            return value, lambda upstream: tf.where(seen, tf.constant(np.nan, upstream.dtype), upstream)

        return guard(plain(y_true, y_pred))

    monkeypatch.setattr(MSE, "call", call)


def training_targets(dataset, size):
    from kerasal.data.pipeline import batches

    for _, y_true in batches(dataset["train"], size, 1):
        yield y_true[0]


def trained_weights(dataset, model, rate, seed, start, path, precision, loss):
    options = training.options(
        **CHANGES, model=model, loss=loss, learning_rate=rate, seed=seed, precision=precision
    )
    if start is not None:
        keras.utils.set_random_seed(seed)  # which the tiny network's backbone follows
        with computing_in(precision):
            options_of = options.network_options(dataset.center_bias(SIZE), "relu")
            network = models.build(model, **options_of)
        for variable, value in zip(network.head.trainable_variables, start, strict=True):
            variable.assign(value)
        network.save_weights(path / "start.weights.h5")
        options = dataclasses.replace(options, weights=str(path / "start.weights.h5"))
    lines = []
    run = training.train(dataset, options, path / "run", report=lines.append, verbose=0)
    return [variable.numpy() for variable in run.load_model().head.trainable_variables], lines


@pytest.mark.usefixtures("tiny_network")
@pytest.mark.parametrize(
    ("model", "loss", "start", "precision", "poison"),
    [
        ("tiny", "mse", "none", "float32", False),
        pytest.param("baseline", "10*kld+2*cc+nss", "kld", "float32", False, marks=pytest.mark.ci),
        pytest.param("tiny", "mse", "kld", "bfloat16", True, marks=pytest.mark.ci),
        pytest.param("baseline", "mse", "none", "float32", False, marks=pytest.mark.slow),
        pytest.param("baseline", "mse", "kld", "bfloat16", True, marks=pytest.mark.slow),
        pytest.param("baseline", "10*kld+2*cc+nss", "none", "bfloat16", False, marks=pytest.mark.slow),
        pytest.param("baseline", "mse", "mse", "float32", False, marks=pytest.mark.slow),
    ],
)
def test_a_quest_of_one_loss_is_a_training(
    dataset, tmp_path, monkeypatch, model, loss, start, precision, poison
):
    if poison:
        poisoned(monkeypatch, dataset)
    options = quest.options(
        **CHANGES, model=model, learning_rate=3e-3, start=start, start_epochs=1, precision=precision
    )
    quest.run(dataset, [loss], options, tmp_path / "quest", metrics=["cc"], report=lambda _: None)
    folder = QuestFolder(tmp_path / "quest")
    weights = None if start == "none" else folder.start(0)["relu"]
    expected, lines = trained_weights(dataset, model, 3e-3, 0, weights, tmp_path, precision, loss)
    assert any("steps were left out" in line for line in lines) == poison
    for weight, other in zip(folder.weights(0, loss), expected, strict=True):
        np.testing.assert_array_equal(weight, other)
