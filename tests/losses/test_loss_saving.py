"""Losses through Keras's serialisation and inside saved models."""

import keras
import numpy as np
import pytest
from loss_cases import FORMULAS, VARIANTS, scene, tensors, values

from kerasal import losses

SIZE = (20, 26)
BIAS = np.random.default_rng(5).random(SIZE).astype("float32")
LOSSES = {spec: losses.get(spec) for spec in FORMULAS}
LOSSES |= {name: getattr(losses, cls)(**arguments) for name, (cls, arguments, _) in VARIANTS.items()}
LOSSES |= {
    "r of an array": losses.CenterBias(BIAS, alpha=0.3),
    "lc1 of an array": losses.LC1(BIAS),
    "lc1 without r": losses.LC1(None),
    "lc1 in a sum": losses.get("lc1+3*mse", center_bias=BIAS),
    "named": losses.LinearCombination([(0.25, losses.KLD(name="divergence"))], name="mine", reduction="sum"),
}
every_loss = pytest.mark.parametrize("name", LOSSES)


@every_loss
def test_a_loss_survives_keras_serialisation(name):
    loss = LOSSES[name]
    same = keras.losses.deserialize(keras.losses.serialize(loss))
    assert type(same) is type(loss)
    assert (same.name, same.reduction) == (loss.name, loss.reduction)
    maps = tensors(scene(0, SIZE), scene(1, SIZE))
    np.testing.assert_array_equal(values(same, *maps), values(loss, *maps))
    assert type(keras.losses.get(keras.losses.serialize(loss))) is type(loss)
    assert type(loss).from_config(loss.get_config()).get_config() == loss.get_config()


@pytest.mark.parametrize(
    "name",
    ["kld", *(name for name, loss in LOSSES.items() if isinstance(loss, losses.LinearCombination))],
)
def test_a_compiled_model_is_saved_and_loaded_with_its_loss(name, tmp_path):
    loss = LOSSES[name]
    y_true, y_pred = tensors(scene(0, SIZE), scene(1, SIZE))
    model = keras.Sequential(
        [keras.Input((*SIZE, 1)), keras.layers.Conv2D(1, 3, padding="same", activation="sigmoid")]
    )
    model.compile(
        optimizer="sgd",
        loss=loss,
        weighted_metrics=losses.term_metrics(loss),
        run_eagerly=True,
        jit_compile=False,
    )
    expected = model.evaluate(y_pred, y_true, verbose=0, return_dict=True)
    model.save(tmp_path / "model.keras")
    loaded = keras.saving.load_model(tmp_path / "model.keras")
    assert type(loaded.loss) is type(loss)
    assert loaded.evaluate(y_pred, y_true, verbose=0, return_dict=True) == pytest.approx(expected, rel=1e-6)


def test_every_loss_is_saved_and_loaded_with_a_model_of_as_many_outputs(tmp_path):
    y_true, y_pred = tensors(scene(0, SIZE), scene(1, SIZE))
    inputs = keras.Input((*SIZE, 1))
    map_ = keras.layers.Conv2D(1, 3, padding="same", activation="sigmoid")(inputs)
    each = {f"output{number}": loss for number, loss in enumerate(LOSSES.values())}
    model = keras.Model(inputs, {output: keras.layers.Identity(name=output)(map_) for output in each})
    model.compile(loss=each, run_eagerly=True, jit_compile=False)
    targets = dict.fromkeys(each, y_true)
    expected = model.evaluate(y_pred, targets, verbose=0, return_dict=True)
    assert set(expected) == {"loss", *(f"{output}_loss" for output in each)}
    model.save(tmp_path / "model.keras")
    loaded = keras.saving.load_model(tmp_path / "model.keras")
    assert {output: type(loss) for output, loss in loaded.loss.items()} == {
        output: type(loss) for output, loss in each.items()
    }
    assert loaded.evaluate(y_pred, targets, verbose=0, return_dict=True) == pytest.approx(expected, rel=1e-6)


@every_loss
@pytest.mark.parametrize("reduction", ["sum_over_batch_size", "sum", "mean", "mean_with_sample_weight", None])
def test_reduction_and_sample_weight_are_keras_own(name, reduction):
    config = LOSSES[name].get_config()
    loss = type(LOSSES[name]).from_config({**config, "reduction": reduction})
    maps = tensors(*(scene(seed, SIZE) for seed in range(3)))
    per_image = values(loss, *maps)
    weight = np.array([0.5, 2.0, 0.0], "float32")
    weighted = per_image * weight
    # The divisors that keras.losses.Loss documents.
    expected = {
        "sum_over_batch_size": (per_image.sum() / 3, weighted.sum() / 3),
        "mean": (per_image.sum() / 3, weighted.sum() / 3),
        "mean_with_sample_weight": (per_image.sum() / 3, weighted.sum() / 2.5),
        "sum": (per_image.sum(), weighted.sum()),
        None: (per_image, weighted),
    }[reduction]
    np.testing.assert_allclose(loss(*maps), expected[0], rtol=1e-5, atol=1e-7)
    np.testing.assert_allclose(loss(*maps, sample_weight=weight), expected[1], rtol=1e-5, atol=1e-7)


@every_loss
def test_weights_of_images_count_alike_whatever_their_rank_and_those_of_pixels_are_refused(name):
    maps = tensors(*(scene(seed, SIZE) for seed in range(3)))
    weight = np.array([0.5, 2.0, 0.0], "float32")
    expected = LOSSES[name](*maps, sample_weight=weight)
    for shape in ((3, 1), (3, 1, 1), (3, 1, 1, 1)):
        actual = LOSSES[name](*maps, sample_weight=weight.reshape(shape))
        np.testing.assert_allclose(actual, expected, rtol=1e-5, atol=1e-7)
    for shape in ((3, *SIZE), (3, *SIZE, 1)):
        with pytest.raises(ValueError, match="one weight per image"):
            LOSSES[name](*maps, sample_weight=np.ones(shape))


@pytest.mark.parametrize("name", ["ae", "kld", "cc", "sig_mse"])
def test_a_model_that_was_compiled_with_a_function_loads_again(name, tmp_path):
    y_true, y_pred = tensors(*(scene(seed, SIZE) for seed in range(3)))
    model = keras.Sequential([keras.Input((*SIZE, 1)), keras.layers.Conv2D(1, 3, padding="same")])
    model.compile("sgd", getattr(losses.functional, name), run_eagerly=True)
    model.save(tmp_path / "model.keras")
    loaded = keras.saving.load_model(tmp_path / "model.keras")
    expected = model.evaluate(y_pred, y_true, verbose=0)
    loaded.run_eagerly = True
    assert loaded.evaluate(y_pred, y_true, verbose=0) == pytest.approx(expected, rel=1e-6)


@pytest.mark.parametrize("reduction", ["sum_over_batch_size", "sum", "mean_with_sample_weight", None])
def test_mse_of_one_pixel_maps_equals_keras_mean_squared_error(reduction):
    y_true, y_pred = np.random.default_rng(0).random((2, 5, 1, 1, 1)).astype("float32")
    weight = np.array([1, 0, 2, 0.5, 1], "float32")
    keras_loss = keras.losses.MeanSquaredError(reduction=reduction)
    expected = keras_loss(y_true[:, 0, 0], y_pred[:, 0, 0], sample_weight=weight)
    actual = losses.MSE(reduction=reduction)(y_true, y_pred, sample_weight=weight)
    np.testing.assert_allclose(actual, expected, rtol=1e-6)


def test_the_map_in_a_file_is_saved_with_the_loss(tmp_path):
    np.save(tmp_path / "center_bias.npy", BIAS)
    loss = losses.CenterBias(tmp_path / "center_bias.npy")
    config = keras.losses.serialize(loss)
    (tmp_path / "center_bias.npy").unlink()
    maps = tensors(scene(0, SIZE))
    expected = 0.1 * np.mean((np.float64(maps[1][0, ..., 0]) - BIAS) ** 2)
    np.testing.assert_allclose(values(keras.losses.deserialize(config), *maps), [expected], rtol=1e-5)
