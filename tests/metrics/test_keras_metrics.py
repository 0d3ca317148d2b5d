"""The Keras metrics: per image the array functions, over batches a mean of images."""

import json
import math
import os
import subprocess
import sys

import keras
import numpy as np
import pytest
from slow_metrics import (
    example,
    slow_auc_judd_over_all_orders,
    slow_cc,
    slow_kld,
    slow_nss,
    slow_sim,
)

from kerasal import losses, metrics

CLASSES = [metrics.CC, metrics.SIM, metrics.KLD, metrics.NSS, metrics.AUCJudd]
FIXATION_CLASSES = [metrics.NSS, metrics.AUCJudd]
DENSITY_CLASSES = [metrics.CC, metrics.SIM, metrics.KLD]

every_class = pytest.mark.parametrize("cls", CLASSES, ids=lambda cls: cls.__name__)
fixation_class = pytest.mark.parametrize("cls", FIXATION_CLASSES, ids=lambda cls: cls.__name__)
density_class = pytest.mark.parametrize("cls", DENSITY_CLASSES, ids=lambda cls: cls.__name__)


def batch(seeds, size=(6, 9)):
    """y_true (B, H, W, 2) and y_pred (B, H, W, 1) of one example per seed."""
    examples = [example(seed, size) for seed in seeds]
    y_true = np.stack([np.stack([density, fixated], axis=-1) for _, density, fixated in examples])
    return y_true.astype(np.float32), np.stack([p[..., None] for p, _, _ in examples]).astype(np.float32)


def array_values(metric, y_true, y_pred):
    """The array function of the same name on each image, in float64."""
    info = metrics.METRICS[metric.name]
    channel = {"density": 0, "fixations": 1}[info.target]
    return [
        info.function(p[..., 0], t[..., channel]) for t, p in zip(y_true, y_pred.astype(float), strict=True)
    ]


@pytest.mark.parametrize(
    ("cls", "slow"),
    [
        (metrics.CC, lambda p, s, f: slow_cc(p, s)),
        (metrics.SIM, lambda p, s, f: slow_sim(p, s)),
        (metrics.KLD, lambda p, s, f: slow_kld(p, s)),
        (metrics.NSS, lambda p, s, f: slow_nss(p, np.argwhere(f))),
        (metrics.AUCJudd, lambda p, s, f: slow_auc_judd_over_all_orders(p, f)),
    ],
)
def test_value_of_one_image_equals_a_plain_loop(cls, slow):
    y_true, y_pred = batch([3], size=(2, 4))
    expected = slow(y_pred[0, ..., 0], y_true[0, ..., 0], y_true[0, ..., 1])
    assert float(cls()(y_true, y_pred)) == pytest.approx(expected, rel=1e-5)


@every_class
def test_value_is_the_mean_of_the_array_function_over_images(cls):
    y_true, y_pred = batch(range(7), size=(31, 46))
    metric = cls()
    metric.update_state(y_true, y_pred)
    assert float(metric.result()) == pytest.approx(
        np.mean(array_values(metric, y_true, y_pred)), rel=1e-5, abs=1e-6
    )


@every_class
def test_images_of_a_smaller_last_batch_count_as_much_as_others(cls):
    y_true, y_pred = batch(range(5))
    metric = cls()
    for part in (slice(0, 2), slice(2, 4), slice(4, 5)):
        metric.update_state(y_true[part], y_pred[part])
    assert float(metric.result()) == pytest.approx(
        np.mean(array_values(metric, y_true, y_pred)), rel=1e-5, abs=1e-6
    )


@every_class
@pytest.mark.parametrize("shape", [(4,), (4, 1), (4, 1, 1, 1)])
def test_sample_weight_weighs_images(cls, shape):
    y_true, y_pred = batch(range(4))
    weights = np.array([0.5, 2.0, 0.0, 1.0])
    metric = cls()
    metric.update_state(y_true, y_pred, sample_weight=weights.reshape(shape))
    expected = np.average(array_values(metric, y_true, y_pred), weights=weights)
    assert float(metric.result()) == pytest.approx(expected, rel=1e-5, abs=1e-6)


def test_a_weight_per_pixel_is_refused():
    y_true, y_pred = batch(range(2))
    with pytest.raises(ValueError, match=r"one weight per image, got \(2, 6, 9\)"):
        metrics.CC().update_state(y_true, y_pred, sample_weight=np.ones((2, 6, 9)))


@fixation_class
def test_images_without_fixations_are_left_out_of_the_mean(cls):
    y_true, y_pred = batch(range(4))
    y_true[1, ..., 1] = 0
    metric = cls()
    metric.update_state(y_true, y_pred)
    expected = np.delete(array_values(metric, y_true, y_pred), 1).mean()
    assert float(metric.result()) == pytest.approx(expected, rel=1e-5)


@density_class
def test_images_with_an_all_zero_density_are_left_out_of_the_mean(cls):
    y_true, y_pred = batch(range(4))
    y_true[1, ..., 0] = 0
    metric = cls()
    metric.update_state(y_true, y_pred, sample_weight=[1.0, 5.0, 1.0, 1.0])
    expected = np.delete(array_values(metric, y_true, y_pred), 1).mean()
    assert float(metric.result()) == pytest.approx(expected, rel=1e-5, abs=1e-6)


@every_class
def test_result_is_nan_while_no_image_had_a_value(cls):
    y_true, y_pred = batch(range(2))
    metric = cls()
    assert math.isnan(metric.result())
    metric.update_state(np.zeros_like(y_true), y_pred)
    assert math.isnan(metric.result())
    metric.update_state(y_true, y_pred)
    assert math.isfinite(metric.result())
    metric.reset_state()
    assert math.isnan(metric.result())


@every_class
@pytest.mark.parametrize("constant", [0.0, 0.1, 255.0])
def test_constant_map_has_the_value_of_the_array_function(cls, constant):
    y_true, y_pred = batch(range(3))
    y_pred[:] = constant
    metric = cls()
    metric.update_state(y_true, y_pred)
    assert float(metric.result()) == pytest.approx(
        np.mean(array_values(metric, y_true, y_pred)), rel=1e-5, abs=1e-12
    )


@density_class
def test_constant_density_has_the_value_of_the_array_function(cls):
    y_true, y_pred = batch(range(3))
    y_true[..., 0] = 0.3
    metric = cls()
    metric.update_state(y_true, y_pred + 0.1)
    assert float(metric.result()) == pytest.approx(
        np.mean(array_values(metric, y_true, y_pred + 0.1)), rel=1e-5, abs=1e-12
    )


def test_every_pixel_fixated_has_nss_0_and_no_auc():
    y_true, y_pred = batch(range(2))
    y_true[..., 1] = 1
    assert float(metrics.NSS()(y_true, y_pred)) == pytest.approx(0.0, abs=1e-6)
    assert math.isnan(metrics.AUCJudd()(y_true, y_pred))


@density_class
@pytest.mark.parametrize("where", [np.s_[1, 2, 3, 0], np.s_[1, :, :, 0]], ids=["pixel", "map"])
def test_a_density_with_a_nan_is_no_blank_one_and_shows_as_nan(cls, where):
    y_true, y_pred = batch(range(3))
    y_true[where] = np.nan
    assert math.isnan(cls()(y_true, y_pred))
    loss = getattr(losses, cls.__name__)(reduction=None)
    np.testing.assert_array_equal(np.isnan(loss(y_true, y_pred)), [False, True, False])


@every_class
@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_a_prediction_that_is_not_finite_shows_as_nan(cls, bad):
    y_true, y_pred = batch(range(3))
    y_pred[1, 2, 3] = bad
    assert math.isnan(cls()(y_true, y_pred))


@every_class
def test_channels_last_shapes_are_asked_for(cls):
    y_true, y_pred = batch(range(2))
    with pytest.raises(ValueError, match=r"y_pred must be \(batch, height, width, 1\)"):
        cls()(y_true, y_pred[..., 0])
    with pytest.raises(ValueError, match=r"y_true"):
        cls()(y_true[..., 0], y_pred)
    with pytest.raises(ValueError, match=r"one height and width, got \(2, 6, 9, 2\) and \(2, 6, 1, 1\)"):
        cls()(y_true, y_pred[:, :, :1])


@fixation_class
def test_metrics_on_fixations_need_two_channels_and_say_which_they_got(cls):
    y_true, y_pred = batch(range(2))
    with pytest.raises(ValueError, match=rf"{cls.__name__} needs .*2 channels.*\(2, 6, 9, 1\)"):
        cls()(y_true[..., :1], y_pred)


@density_class
def test_metrics_on_density_do_with_one_channel(cls):
    y_true, y_pred = batch(range(2))
    assert float(cls()(y_true[..., :1], y_pred)) == float(cls()(y_true, y_pred))


def test_kld_takes_negative_predictions_for_0():
    y_true, y_pred = batch(range(2))
    y_pred = y_pred - 0.5
    clamped = np.maximum(y_pred, 0)
    assert float(metrics.KLD()(y_true, y_pred)) == pytest.approx(
        np.mean(array_values(metrics.KLD(), y_true, clamped)), rel=1e-5
    )


@every_class
def test_metric_survives_its_config_and_json(cls):
    metric = cls(name="mine")
    config = json.loads(json.dumps(keras.saving.serialize_keras_object(metric)))
    again = keras.saving.deserialize_keras_object(config)
    assert type(again) is cls
    assert again.name == "mine"
    assert cls().name == {"AUCJudd": "auc_judd"}.get(cls.__name__, cls.__name__.lower())


def test_a_compiled_model_saves_and_loads_with_loss_and_metric_of_one_name(tmp_path):
    losses = pytest.importorskip("kerasal.losses")
    y_true, y_pred = batch(range(3))
    inputs = keras.Input((6, 9, 1))
    model = keras.Model(inputs, keras.layers.Conv2D(1, 1, activation="sigmoid")(inputs))
    model.compile("sgd", loss=losses.NSS(), metrics=[cls() for cls in CLASSES], run_eagerly=True)
    model.fit(y_pred, y_true, batch_size=2, verbose=0)
    before = model.evaluate(y_pred, y_true, batch_size=2, verbose=0, return_dict=True)
    model.save(tmp_path / "model.keras")
    loaded = keras.saving.load_model(tmp_path / "model.keras")
    assert type(loaded.loss) is losses.NSS
    after = loaded.evaluate(y_pred, y_true, batch_size=2, verbose=0, return_dict=True)
    assert after == pytest.approx(before, rel=1e-6)


@every_class
@pytest.mark.parametrize("policy", ["mixed_float16", "mixed_bfloat16"])
def test_metric_computes_in_float32_under_a_mixed_policy(cls, policy):
    y_true, y_pred = batch(range(3), size=(90, 130))
    expected = float(cls()(y_true, y_pred))
    before = keras.config.dtype_policy()
    keras.config.set_dtype_policy(policy)
    try:
        assert float(cls()(y_true, y_pred)) == expected
    finally:
        keras.config.set_dtype_policy(before)


@pytest.mark.ci
def test_metrics_run_under_jax_without_tensorflow(tmp_path):
    pytest.importorskip("jax")
    y_true, y_pred = batch(range(5))
    y_true[1, ..., 1] = 0
    np.savez(tmp_path / "batch.npz", y_true=y_true, y_pred=y_pred)
    code = """
import json, sys
import jax, numpy as np
from kerasal import losses, metrics
batch = np.load(sys.argv[1])
values = {}
for cls in (metrics.CC, metrics.SIM, metrics.KLD, metrics.NSS, metrics.AUCJudd):
    metric = cls()
    state = metric.stateless_reset_state()
    update = jax.jit(metric.stateless_update_state)
    for part in (slice(0, 3), slice(3, 5)):
        state = update(state, batch["y_true"][part], batch["y_pred"][part])
    values[metric.name] = float(metric.stateless_result(state))
print(json.dumps({"values": values, "tensorflow": "tensorflow" in sys.modules}))
"""
    environment = os.environ | {
        "KERAS_BACKEND": "jax",
        "JAX_PLATFORMS": "cpu",
        "PYTHONPATH": os.pathsep.join(sys.path),
    }
    run = subprocess.run(
        [sys.executable, "-c", code, str(tmp_path / "batch.npz")],
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert run.returncode == 0, run.stderr
    output = json.loads(run.stdout.splitlines()[-1])
    assert not output["tensorflow"]
    for cls in CLASSES:
        metric = cls()
        expected = np.nanmean(array_values(metric, y_true, y_pred))
        assert output["values"][metric.name] == pytest.approx(expected, rel=1e-5, abs=1e-6)


DISTRIBUTED = """
import sys
import keras
import numpy as np
import tensorflow as tf

cpu = tf.config.list_physical_devices("CPU")[0]
tf.config.set_logical_device_configuration(cpu, [tf.config.LogicalDeviceConfiguration()] * 2)
from kerasal import losses, metrics

arrays = np.load(sys.argv[1])
with tf.distribute.MirroredStrategy(["CPU:0", "CPU:1"]).scope():
    model = keras.Sequential([keras.Input((6, 9, 1)), keras.layers.Rescaling(1.0)])
    its = [metrics.CC(), metrics.SIM(), metrics.KLD(), metrics.NSS(), metrics.AUCJudd()]
    model.compile(loss="mse", metrics=its)
data = tf.data.Dataset.from_tensor_slices((arrays["y_pred"], arrays["y_true"])).batch(4)
logs = model.evaluate(data, return_dict=True, verbose=0)
np.savez(sys.argv[2], **logs)
"""


@pytest.mark.ci
def test_images_count_alike_on_two_devices_and_in_a_last_batch_that_one_of_them_gets_none_of(tmp_path):
    y_true, y_pred = batch(range(5))  # batches of 4 and 1: the second device gets 2 and 0 images
    np.savez(tmp_path / "in.npz", y_true=y_true, y_pred=y_pred)
    result = subprocess.run(
        [sys.executable, "-c", DISTRIBUTED, str(tmp_path / "in.npz"), str(tmp_path / "out.npz")],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert result.returncode == 0, result.stderr
    with np.load(tmp_path / "out.npz") as values:
        for cls in CLASSES:
            expected = np.mean(array_values(cls(), y_true, y_pred))
            assert values[cls().name] == pytest.approx(expected, rel=1e-5, abs=1e-6), cls


def test_keras_callbacks_know_which_way_is_better():
    """EarlyStopping with its mode "auto" takes the best epoch of each metric and of each term of a loss."""
    keras.utils.set_random_seed(0)
    loss = losses.get("kld+0.1*nss")
    better = {cls().name: max if metrics.METRICS[cls().name].higher_is_better else min for cls in CLASSES}
    better |= {"kld_loss": min, "nss_loss": min, "loss": min}
    y_true, _ = batch([0, 1])
    network = keras.Sequential(
        [keras.Input((6, 9, 1)), keras.layers.Conv2D(1, 3, padding="same", activation="sigmoid")]
    )
    network.compile("sgd", loss, metrics=[*(cls() for cls in CLASSES), *losses.term_metrics(loss)])
    random = np.random.default_rng(0)

    def change(epoch, logs):  # so that no value rises or falls in every epoch
        network.set_weights([random.normal(size=w.shape) for w in network.get_weights()])

    stopping = {name: keras.callbacks.EarlyStopping(name, patience=99) for name in better}
    x = random.random((2, 6, 9, 1)).astype("float32")
    callbacks = [*stopping.values(), keras.callbacks.LambdaCallback(on_epoch_end=change)]
    history = network.fit(x, y_true, epochs=6, callbacks=callbacks, verbose=0).history
    for name, best in better.items():
        assert min(history[name]) < history[name][0] or max(history[name]) > history[name][0], name
        assert float(stopping[name].best) == pytest.approx(best(history[name])), name
