"""The losses in models that know nothing of kerasal."""

import keras
import numpy as np
import pytest
from loss_cases import scene, tensors, values

from kerasal import losses
from kerasal.losses import LOSSES


def maps(size):
    return tensors(scene(0, size), scene(1, size))


@pytest.mark.ci
@pytest.mark.skipif(keras.backend.backend() != "tensorflow", reason="other backends know every size")
def test_a_model_for_images_of_any_size_trains_with_every_loss():
    import tensorflow as tf

    stimulus = keras.Input((None, None, 1))
    map_ = keras.layers.Conv2D(1, 3, padding="same", activation="sigmoid")(stimulus)
    # One output for each, the same map: a model for each would take twenty times as long to build.
    model = keras.Model(stimulus, {name: keras.layers.Identity(name=name)(map_) for name in LOSSES})
    each = {name: losses.get(name) for name in LOSSES}
    batches = [maps(size) for size in [(33, 40), (36, 33)]]
    unknown = [tf.TensorSpec((None, None, None, channels)) for channels in (1, 2)]
    dataset = tf.data.Dataset.from_generator(
        lambda: ((y_pred, y_true) for y_true, y_pred in batches), output_signature=tuple(unknown)
    ).map(lambda x, y: (x, dict.fromkeys(LOSSES, y)))
    model.compile(optimizer=keras.optimizers.SGD(0.0), loss=each, jit_compile=False)
    told = model.fit(dataset.repeat(), steps_per_epoch=2, verbose=0).history
    found = [model(x)["mse"] for _, x in batches]
    for name, loss in each.items():
        expected = np.mean(
            [values(loss, y_true, y_pred) for (y_true, _), y_pred in zip(batches, found, strict=True)]
        )
        np.testing.assert_allclose(told[f"{name}_loss"], [expected], rtol=1e-4, err_msg=name)


def test_a_functional_model_with_two_outputs_takes_a_loss_for_one_of_them():
    inputs = keras.Input((33, 40, 1))
    saliency = keras.layers.Conv2D(1, 3, padding="same", activation="sigmoid", name="saliency")(inputs)
    score = keras.layers.Dense(1, name="score")(keras.layers.GlobalAveragePooling2D()(saliency))
    model = keras.Model(inputs, {"saliency": saliency, "score": score})
    model.compile(loss={"saliency": losses.LC2(), "score": "mse"}, run_eagerly=True)
    y_true, y_pred = maps((33, 40))
    logs = model.evaluate(
        y_pred, {"saliency": y_true, "score": np.zeros((2, 1))}, verbose=0, return_dict=True
    )
    expected = values(losses.LC2(), y_true, model(y_pred)["saliency"]).mean()
    np.testing.assert_allclose(logs["saliency_loss"], expected, rtol=1e-5)


def test_keras_losses_get_takes_a_class_an_object_a_config_and_a_function():
    assert type(keras.losses.get(losses.LC2)) is losses.LC2
    loss = losses.get("sig-mse(0.25)")
    assert keras.losses.get(loss) is loss
    assert keras.losses.get({"class_name": "kerasal>SigmoidMSE", "config": {"lam": 0.25}}).lam == 0.25
    assert keras.losses.get(losses.functional.kld) is losses.functional.kld
