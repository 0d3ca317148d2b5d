"""Pixels that a program hands over, with predictors whose maps can be computed by hand."""

import jax.numpy as jnp
import keras
import numpy as np
import pytest
import tensorflow as tf

import kerasal
from kerasal import models
from kerasal.data import Sample
from kerasal.errors import InputError
from kerasal.prediction import ClassicalPredictor

PHOTO = np.random.default_rng(0).integers(0, 256, (20, 30, 3), dtype=np.uint8)
BATCH = np.random.default_rng(1).integers(0, 256, (2, 20, 30, 3), dtype=np.uint8)


class Brightness:
    """The mean of the channels."""

    def saliency_maps(self, stimuli):
        return [stimulus.mean(axis=2, dtype="float32") / 255 for stimulus in stimuli]


class TorchLike:
    """What a PyTorch tensor on a GPU, with a gradient, allows: NumPy sees it after `detach` and `cpu`."""

    dtype = "torch.bfloat16"

    def __init__(self, array, ready=()):
        self.array, self.ready = array, ready

    def detach(self):
        return TorchLike(self.array, (*self.ready, "detached"))

    def cpu(self):
        return TorchLike(self.array, (*self.ready, "on the CPU"))

    def float(self):
        return TorchLike(self.array.astype("float32"), (*self.ready, "float"))

    def __array__(self, dtype=None, copy=None):
        if self.ready != ("detached", "on the CPU", "float"):
            raise TypeError("can't convert cuda:0 device type tensor to numpy")
        return self.array


def torch_kinds():
    torch = pytest.importorskip("torch")
    return lambda array: torch.tensor(array.astype("float32"), requires_grad=True)


KINDS = {
    "tensorflow": lambda: tf.constant,
    "tensorflow variable": lambda: tf.Variable,
    "tensorflow float": lambda: lambda array: tf.cast(array, "float64"),
    "jax": lambda: jnp.asarray,
    "jax float": lambda: lambda array: jnp.asarray(array, "float32"),
    "keras variable": lambda: lambda array: keras.Variable(array, dtype="uint8"),
    "torch-like": lambda: TorchLike,
    "torch": torch_kinds,
}


@pytest.mark.parametrize("kind", KINDS)
def test_tensors_and_batches_of_them_give_what_their_arrays_would(kind):
    tensor = KINDS[kind]()
    expected = PHOTO.mean(axis=2) / 255
    found = kerasal.predict(tensor(PHOTO), Brightness())
    assert found.shape == (20, 30)
    np.testing.assert_allclose(found, expected, atol=1e-6)
    for images in (tensor(BATCH), [tensor(image) for image in BATCH], map(tensor, BATCH)):
        maps = kerasal.predict(images, Brightness())
        np.testing.assert_allclose(maps, BATCH.mean(axis=3) / 255, atol=1e-6)
    np.testing.assert_allclose(
        kerasal.predict(tensor(PHOTO[..., :1]), Brightness()), PHOTO[..., 0] / 255, atol=1e-6
    )


@pytest.mark.parametrize("dtype", ["bfloat16", "float16"])
@pytest.mark.parametrize("make", [tf.cast, jnp.asarray], ids=["tensorflow", "jax"])
def test_half_precision_is_read_to_its_own_rounding(make, dtype):
    # Of 0..255 float16 holds every number; bfloat16 has 8 bits, and these are whole in it.
    image = (PHOTO // 2 * 2) if dtype == "bfloat16" else PHOTO
    found = kerasal.predict(make(image, dtype), Brightness())
    np.testing.assert_allclose(found, image.mean(axis=2) / 255, atol=1e-6)


def test_a_data_set_of_images_is_several_images():
    maps = kerasal.predict(tf.data.Dataset.from_tensor_slices(BATCH), Brightness())
    np.testing.assert_allclose(maps, BATCH.mean(axis=3) / 255, atol=1e-6)


@pytest.mark.parametrize(
    ("images", "words"),
    [
        (tf.constant(PHOTO.transpose(2, 0, 1)), "channels come last"),
        ([BATCH], "without a list around it"),
        (tf.ragged.constant([[1], [2, 3]]), "RaggedTensor"),
        (tf.constant(["photo.jpg"]), r"got \(1,\)"),
        ([(BATCH, [1, 2])], "tuple"),
        ([[1, 2], [3, 4]], r"\(2,\)"),
        (keras.KerasTensor((20, 30, 3)), "KerasTensor"),
        (7, "got int$"),
        ([None], r"\(\)"),
        (tf.constant(PHOTO / 255), "multiply by 255"),
        (jnp.asarray(PHOTO / 255, "bfloat16"), "multiply by 255"),
    ],
)
def test_what_is_no_image_is_refused_in_one_line(images, words):
    with pytest.raises(InputError, match=words) as error:
        kerasal.predict(images, Brightness())
    assert "\n" not in str(error.value)


@pytest.fixture(scope="module")
def network(request):
    request.getfixturevalue("tiny_network")
    keras.utils.set_random_seed(0)
    return models.build("tiny", input_size=(16, 24), activation="sigmoid", dropout=0.0, initial_density=0.1)


def takers(network):
    """Everything that takes a float image, by name."""
    return {
        "network": lambda image: network.saliency_maps([image]),
        "batch of a network": lambda image: network.saliency_maps(image[None]),
        "graph of a network": lambda image: network.saliency(image[None]),
        "tensor": lambda image: network.saliency(tf.constant(image[None])),
        "classical": lambda image: ClassicalPredictor("itti").saliency_maps([np.tile(image, (8, 8, 1))]),
        "predict": lambda image: kerasal.predict(image, network),
        "sample": lambda image: Sample("of mine", (20, 30), lambda: image, (), 1.0).read_stimulus(),
    }


@pytest.mark.parametrize("dtype", ["float16", "float32", "float64"])
def test_floats_from_0_to_1_are_refused_wherever_an_image_is_taken(network, dtype):
    for take in takers(network).values():
        with pytest.raises(InputError, match="at most 1: multiply by 255"):
            take((PHOTO / 255).astype(dtype))
        with pytest.raises(InputError, match="between 0 and 255"):
            take(PHOTO.astype(dtype) - 100)


def test_floats_up_to_255_and_black_ones_are_images_wherever_one_is_taken(network):
    for take in takers(network).values():
        for image in (PHOTO, np.zeros_like(PHOTO)):
            expected, found = take(image), take(image.astype("float32"))
            np.testing.assert_array_equal(np.array(found), np.array(expected))


def test_an_exported_graph_has_no_values_to_look_at(network):
    saliency = tf.function(network.saliency)
    np.testing.assert_allclose(
        saliency(PHOTO[None].astype("float32")), network.saliency(PHOTO[None]), atol=1e-6
    )


def test_one_image_without_a_list_around_it_is_told_from_many(network):
    for image in (PHOTO, tf.constant(PHOTO), PHOTO[..., 0]):
        for predictor in (network, ClassicalPredictor("itti")):
            with pytest.raises(InputError, match=r"pass a list.*\[stimulus\]"):
                predictor.saliency_maps(image)
        with pytest.raises(InputError, match="pass a list"):
            models.DeepConvNet.saliency_maps(None, image)  # the one with a loop of its own
    with pytest.raises(InputError, match="got str"):
        network.saliency_maps("photo.jpg")
    assert network.saliency_maps([]) == []
    for many in (BATCH, list(BATCH), tf.constant(BATCH)):
        np.testing.assert_allclose(
            network.saliency_maps(many), [network.saliency_maps([one])[0] for one in BATCH], atol=1e-6
        )
