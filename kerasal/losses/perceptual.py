"""Perceptual losses: S and P compared in the feature space of VGG-16. Paper, section 3.2.4.

The network is frozen and lives outside Keras: its kernels are constants of this process, shared by all
losses, never a model's variables, never saved.
"""

import functools

import keras
from keras import ops

from kerasal._map_ops import PIXELS, density, prediction, same_size
from kerasal.errors import InputError
from kerasal.losses._base import Loss

BLOCKS = (2, 2, 3, 3, 3)  # convolutions of each of VGG-16's blocks; a pooling layer ends each
SMALLEST_SIDE = 32  # five poolings by 2


def df(y_true, y_pred, features=None):
    """The formula of `DeepFeatures`: one value per image, (B,).

    `features` are the two maps' `vgg_features`, where they are known already.
    """
    return sum(
        ops.mean(ops.square(phi_s - phi_p), axis=PIXELS)
        for phi_s, phi_p in features or vgg_features(y_true, y_pred)
    )


@keras.saving.register_keras_serializable(package="kerasal")
class DeepFeatures(Loss):
    """Deep features: sum over layers j of ||phi_j(S) - phi_j(P)||^2 / (C_j H_j W_j). Best value 0.

    phi_j is the output of VGG-16's j-th pooling layer, of five. S and P in [0, 1], at least 32x32 pixels.
    Paper, eq. 13.
    """

    family = "perceptual"
    call = staticmethod(df)

    def __init__(self, name="df", **kwargs):
        super().__init__(name=name, **kwargs)
        _kernels()  # read here: a graph under construction is no place for it


def gm(y_true, y_pred, features=None):
    """The formula of `GramMatrices`: one value per image, (B,). `features` as in `df`."""
    return sum(
        ops.sum(ops.square(_gram(phi_s) - _gram(phi_p)), axis=(1, 2))
        for phi_s, phi_p in features or vgg_features(y_true, y_pred)
    )


@keras.saving.register_keras_serializable(package="kerasal")
class GramMatrices(Loss):
    """Gram matrices: sum over layers j of ||G_j(S) - G_j(P)||_F^2, G = psi psi^T / (C H W). Best value 0.

    psi is phi_j of `DeepFeatures` as a matrix (C, H W). S and P as there. Paper, eqs. 14, 15.
    """

    family = "perceptual"
    call = staticmethod(gm)

    def __init__(self, name="gm", **kwargs):
        super().__init__(name=name, **kwargs)
        _kernels()


def vgg_features(y_true, y_pred) -> list[tuple]:
    """Pairs (phi(S), phi(P)) of the five pooling layers, each (B, H_j, W_j, C_j) float32.

    No gradient goes through phi(S). InputError: maps under 32x32.
    """
    return shared_vgg_features(y_true, [y_pred])[0]


def shared_vgg_features(y_true, predictions, dtype="float32") -> list[list[tuple]]:
    """`vgg_features` of each of several predictions of one truth, in one pass for all of them.

    predictions: N tensors (B, H, W, 1). phi(S) is computed once. With `dtype` "bfloat16" the convolutions
    compute in it, and phi is float32 again.
    """
    s = density(y_true)
    p = [same_size(s, prediction(y_pred))[1] for y_pred in predictions]
    for size in p[0].shape[1:3]:
        if size is not None and size < SMALLEST_SIDE:
            raise InputError(f"df and gm need maps of at least 32x32 pixels; got {tuple(p[0].shape[1:3])}")
    # Apart from S's pass: only P's is differentiated.
    phi_s = _pooled(ops.stop_gradient(s), dtype)
    phi_p = [ops.split(phi, len(p)) for phi in _pooled(ops.concatenate(p), dtype)]
    return [list(zip(phi_s, each, strict=True)) for each in zip(*phi_p, strict=True)]


def _pooled(x, dtype):
    """The outputs of the five pooling layers for a map (B, H, W, 1)."""
    kernels = iter(_kernels())
    outputs = []
    x = ops.cast(x, dtype)
    for convolutions in BLOCKS:
        for _ in range(convolutions):
            kernel, bias = (ops.cast(array, dtype) for array in next(kernels))
            x = ops.relu(ops.conv(x, kernel, padding="same", data_format="channels_last") + bias)
        x = ops.max_pool(x, 2, strides=2, data_format="channels_last")
        outputs.append(ops.cast(x, "float32"))
    return outputs


def _gram(features):
    """G of eq. 14 for features (B, H, W, C): (B, C, C)."""
    batch, height, width, channels = ops.shape(features)
    psi = ops.reshape(features, (batch, height * width, channels))
    count = ops.cast(ops.convert_to_tensor(height * width * channels), "float32")
    return ops.matmul(ops.transpose(psi, (0, 2, 1)), psi) / count


@functools.cache
def _kernels():
    """VGG-16's 13 pairs (kernel, bias), ImageNet weights; the first kernel takes one channel.

    A map repeated three times and convolved is the map convolved with the kernel summed over its input
    channels.
    """
    from kerasal.models.vgg16 import vgg16

    pairs = []
    for layer in vgg16("imagenet").layers:
        if layer.weights:
            try:
                kernel, bias = layer.get_weights()
            except NotImplementedError:
                raise InputError(
                    "df and gm cannot read VGG-16 inside a graph: compile with kerasal.losses.DeepFeatures() "
                    "or GramMatrices(), which have read it by then"
                ) from None
            if not pairs:
                kernel = kernel.sum(axis=2, keepdims=True)
            pairs.append(tuple(ops.convert_to_tensor(array, "float32") for array in (kernel, bias)))
    return pairs
