"""DF and GM against VGG-16 written in float64 numpy, and what they must not do to a model."""

import functools

import h5py
import keras
import numpy as np
import pytest
from loss_cases import scene, small_maps, stored_maps, tensors, values, values_and_gradient
from numpy.lib.stride_tricks import sliding_window_view

from kerasal import losses
from kerasal.errors import InputError
from kerasal.losses import perceptual
from kerasal.weights import resolve_vgg16

SIZE = (34, 45)
SCENES = [scene(seed, SIZE, sigma=3) for seed in range(3)]


@functools.cache
def convolutions():
    """VGG-16's 13 pairs (kernel, bias) in float64, in order."""
    pairs = []
    with h5py.File(resolve_vgg16("imagenet")) as file:
        for name in sorted(name for name in file if "_conv" in name):
            arrays = []
            file[name].visititems(
                lambda _, item, found=arrays: found.append(item) if hasattr(item, "ndim") else None
            )
            pairs.append([np.float64(array[()]) for array in sorted(arrays, key=lambda array: -array.ndim)])
    return pairs


def slow_features(x):
    """The five pooled feature maps (H, W, C) of a map (H, W), repeated to three channels."""
    x = np.repeat(x[..., None], 3, axis=-1)
    pooled = []
    for layer, (kernel, bias) in enumerate(convolutions(), start=1):
        windows = sliding_window_view(np.pad(x, ((1, 1), (1, 1), (0, 0))), (3, 3), axis=(0, 1))
        x = np.maximum(np.tensordot(windows, kernel, axes=([3, 4, 2], [0, 1, 2])) + bias, 0)
        if layer in (2, 4, 7, 10, 13):
            rows, columns = x.shape[0] // 2, x.shape[1] // 2
            x = x[: 2 * rows, : 2 * columns].reshape(rows, 2, columns, 2, -1).max(axis=(1, 3))
            pooled.append(x)
    return pooled


def slow_df_and_gm(features_s, features_p):
    """DF and GM from the features of both maps."""
    df = gm = 0
    for phi_s, phi_p in zip(features_s, features_p, strict=True):
        df += np.sum((phi_s - phi_p) ** 2) / phi_s.size
        grams = [np.einsum("ijc,ijd->cd", phi, phi, optimize=True) / phi.size for phi in (phi_s, phi_p)]
        gm += np.sum((grams[0] - grams[1]) ** 2)
    return np.array([df, gm])


DF_AND_GM = losses.DeepFeatures(), losses.GramMatrices()


def test_perceptual_losses_equal_their_formulas_on_stored_maps_like_osies():
    for s, f, p in stored_maps(6):
        expected = slow_df_and_gm(slow_features(s), slow_features(p))
        actual = [values(loss, *tensors((s, f, p)))[0] for loss in DF_AND_GM]
        np.testing.assert_allclose(actual, expected, rtol=1e-5)


def test_perceptual_gradients_equal_central_differences():
    # Random maps: in an even region the maxima that pooling looks for tie, and the losses have kinks there.
    s, f, p = (np.float64(np.float32(x)) for x in small_maps(0, SIZE))
    gradients = [values_and_gradient(loss, *tensors((s, f, p)))[1][0, ..., 0] for loss in DF_AND_GM]
    features_s, step = slow_features(s), 1e-7
    rng = np.random.default_rng(0)
    for _ in range(2):
        direction = rng.normal(size=SIZE)
        up, down = (
            slow_df_and_gm(features_s, slow_features(p + sign * step * direction)) for sign in (1, -1)
        )
        slopes = [np.sum(gradient * direction) for gradient in gradients]
        np.testing.assert_allclose(slopes, (up - down) / (2 * step), rtol=1e-3)


def test_lc2_is_the_sum_of_its_terms():
    maps = tensors(*SCENES)
    expected = values(losses.LC1(), *maps) + sum(
        values(losses.get(spec), *maps) for spec in ("df", "gm", "sig-mse(0.55)")
    )
    np.testing.assert_allclose(values(losses.LC2(), *maps), expected, rtol=1e-5)


def test_identical_maps_are_at_distance_0():
    s, f, _ = SCENES[0]
    for loss in DF_AND_GM:
        assert values(loss, *tensors((s, f, s))) == 0


@pytest.mark.parametrize("spec", ["df", "gm", "lc2"])
def test_a_batch_equals_its_images_one_by_one(spec):
    loss = losses.get(spec)
    one_by_one = [values(loss, *tensors(maps))[0] for maps in SCENES]
    np.testing.assert_allclose(values(loss, *tensors(*SCENES)), one_by_one, rtol=1e-5)


@pytest.mark.parametrize("spec", ["df", "gm", "lc2"])
def test_perceptual_values_and_gradients_are_finite_on_flat_huge_and_one_hot_maps(spec):
    rng = np.random.default_rng(0)
    zero, one_hot = np.zeros((2, 38, 33))
    one_hot[3, 5] = 1
    predictions = zero, zero + 0.4, zero + 1e6, one_hot, 1e6 * one_hot, 1e6 * rng.random(zero.shape)
    for s in (zero, one_hot):
        maps = tensors(*((s, zero, p) for p in predictions))
        value, gradient = values_and_gradient(losses.get(spec), *maps)
        assert np.isfinite(value).all()
        assert np.isfinite(gradient).all()


def count_passes(monkeypatch):
    """The sizes of the batches that go through VGG-16 from here on, in a list that grows."""
    passes, pooled = [], perceptual._pooled

    def counted(x, *dtype):
        passes.append(x.shape)
        return pooled(x, *dtype)

    monkeypatch.setattr(perceptual, "_pooled", counted)
    return passes


@pytest.mark.parametrize("spec", ["df", "df+gm", "lc2", "mse+lc2"])
def test_each_map_passes_through_vgg_once(spec, monkeypatch):
    passes = count_passes(monkeypatch)
    losses.get(spec)(*tensors(*SCENES))
    assert passes == [(3, *SIZE, 1)] * 2


def network():
    return keras.Sequential(
        [keras.Input((*SIZE, 1)), keras.layers.Conv2D(1, 3, padding="same", activation="sigmoid")]
    )


@pytest.mark.skipif(keras.backend.backend() != "tensorflow", reason="XLA removes the repetition under JAX")
def test_the_terms_metrics_add_no_pass_through_vgg(monkeypatch):
    y_true, y_pred = tensors(*SCENES)
    loss = losses.LC2()
    model = network()
    model.compile(optimizer="sgd", loss=loss, metrics=losses.term_metrics(loss), run_eagerly=True)
    model.fit(y_pred, y_true, verbose=0)  # the first step also builds the loss's own bookkeeping
    passes = count_passes(monkeypatch)
    logs = model.fit(y_pred, y_true, verbose=0).history
    assert len(passes) == 2
    assert {"df_loss", "gm_loss", "sig-mse_loss"} < set(logs)


@pytest.mark.skipif(keras.backend.backend() != "tensorflow", reason="asks TensorFlow's tape")
def test_no_gradient_goes_through_the_ground_truth():
    import tensorflow as tf

    y_true, y_pred = (tf.constant(x) for x in tensors(SCENES[0]))
    for loss in (losses.DeepFeatures(), losses.GramMatrices()):
        with tf.GradientTape() as tape:
            tape.watch(y_true)
            value = loss(y_true, y_pred)
        assert tape.gradient(value, y_true) is None


@pytest.mark.ci
@pytest.mark.parametrize("spec", ["df", "gm", "lc2"])
def test_the_network_of_a_loss_is_neither_the_models_nor_saved_with_it(spec, tmp_path):
    y_true, y_pred = tensors(*SCENES)
    model = network()
    weights = len(model.variables)
    model.compile(optimizer=keras.optimizers.SGD(1e-4), loss=losses.get(spec), jit_compile=False)
    model.fit(y_pred, y_true, verbose=0)
    assert len(model.variables) == weights
    assert len(model.trainable_variables) == weights
    model.save(tmp_path / "model.keras")
    assert (tmp_path / "model.keras").stat().st_size < 100_000
    loaded = keras.saving.load_model(tmp_path / "model.keras")
    assert type(loaded.loss) is type(losses.get(spec))
    np.testing.assert_allclose(
        loaded.evaluate(y_pred, y_true, verbose=0), model.evaluate(y_pred, y_true, verbose=0), rtol=1e-6
    )


@pytest.mark.parametrize("spec", ["df", "gm", "lc2"])
def test_a_perceptual_loss_survives_keras_serialisation(spec):
    loss = losses.get(spec)
    same = keras.losses.deserialize(keras.losses.serialize(loss))
    assert type(same) is type(loss)
    maps = tensors(*SCENES)
    np.testing.assert_array_equal(values(same, *maps), values(loss, *maps))


@pytest.mark.parametrize("reduction", ["sum_over_batch_size", "sum", "mean_with_sample_weight", None])
def test_reduction_and_sample_weight_are_keras_own(reduction):
    maps, weight = tensors(*SCENES), np.array([0.5, 2.0, 0.0], "float32")
    for cls in (losses.DeepFeatures, losses.GramMatrices, losses.LC2):
        weighted = values(cls(), *maps) * weight
        expected = {
            "sum_over_batch_size": weighted.sum() / 3,
            "mean_with_sample_weight": weighted.sum() / 2.5,
            "sum": weighted.sum(),
            None: weighted,
        }[reduction]
        np.testing.assert_allclose(cls(reduction=reduction)(*maps, sample_weight=weight), expected, rtol=1e-5)


def test_a_perceptual_loss_computes_in_float32_under_a_mixed_policy():
    maps = tensors(*SCENES)
    expected = values(losses.LC2(), *maps)
    before = keras.config.dtype_policy()
    keras.config.set_dtype_policy("mixed_float16")
    perceptual._kernels.cache_clear()
    try:
        np.testing.assert_array_equal(values(losses.LC2(), *maps), expected)
    finally:
        keras.config.set_dtype_policy(before)
        perceptual._kernels.cache_clear()


def test_maps_that_five_poolings_leave_nothing_of_are_refused():
    maps = tensors(scene(0, (31, 40)))
    with pytest.raises(InputError, match=r"at least 32x32 pixels; got \(31, 40\)"):
        losses.DeepFeatures()(*maps)
