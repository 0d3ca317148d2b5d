"""Batched map arithmetic that losses and Keras metrics share, in keras.ops.

Tensors are channels last. `y_true` is (B, H, W, 1 or 2): the density map S in channel 0, the binary
fixation map F in channel 1. `y_pred` is (B, H, W, 1): the predicted map P. Everything is computed in
float32, whatever the dtype policy: a sum over 120,000 pixels does not fit float16.
"""

import keras
from keras import ops

PIXELS = (1, 2, 3)  # the axes of one image


def density(y_true: keras.KerasTensor) -> keras.KerasTensor:
    """The density map S of `y_true`, as (B, H, W, 1) float32."""
    y_true = ops.convert_to_tensor(y_true)
    if len(y_true.shape) != 4 or y_true.shape[-1] not in (1, 2):
        raise ValueError(
            f"y_true must be (batch, height, width, 1 or 2): density, fixations; got {tuple(y_true.shape)}"
        )
    return ops.cast(y_true[..., :1], "float32")


def fixation_map(y_true: keras.KerasTensor, user: str) -> keras.KerasTensor:
    """The binary fixation map F of `y_true`, as (B, H, W, 1) float32. `user` is named in the error."""
    y_true = ops.convert_to_tensor(y_true)
    if len(y_true.shape) != 4 or y_true.shape[-1] != 2:
        raise ValueError(
            f"{user} needs y_true with 2 channels (density, fixations), got shape {tuple(y_true.shape)}"
        )
    return ops.cast(y_true[..., 1:], "float32")


def prediction(y_pred: keras.KerasTensor) -> keras.KerasTensor:
    """The predicted map P, as (B, H, W, 1) float32."""
    y_pred = ops.convert_to_tensor(y_pred)
    if len(y_pred.shape) != 4 or y_pred.shape[-1] != 1:
        raise ValueError(f"y_pred must be (batch, height, width, 1); got {tuple(y_pred.shape)}")
    return ops.cast(y_pred, "float32")


def pixel_count(x: keras.KerasTensor) -> keras.KerasTensor:
    """H times W of a (B, H, W, 1) tensor, as a float32 scalar."""
    _, height, width, _ = ops.shape(x)
    return ops.cast(ops.convert_to_tensor(height * width), "float32")


def distribution(x: keras.KerasTensor) -> keras.KerasTensor:
    """dist(X): X clamped at 0 and divided by its sum, per image; (B, H, W, 1), sums to 1.

    A map with a mean under 1e-12 counts as blank: 1 is added to every pixel, so that its distribution is
    uniform and its gradient finite, and of the size that an even map of ones would have.
    """
    # `where` and not `maximum`: an exact 0 keeps its whole gradient, on every backend.
    x = ops.where(x < 0, 0.0, x)
    total = ops.sum(x, axis=PIXELS, keepdims=True)
    count = pixel_count(x)
    lift = ops.cast(total < 1e-12 * count, "float32")
    return (x + lift) * (1.0 / (total + lift * count))


def has_density(s: keras.KerasTensor) -> keras.KerasTensor:
    """Whether S, (B, H, W, 1), is above 0 anywhere, (B,); or NaN, which is to be seen in what comes of it."""
    return ops.logical_not(ops.all(s <= 0, axis=PIXELS))


def unless_blank(s: keras.KerasTensor, values: keras.KerasTensor) -> keras.KerasTensor:
    """`values` (B,), with 0 for the images whose density S, (B, H, W, 1), is all zero."""
    return ops.where(has_density(s), values, 0.0)


def centred(x: keras.KerasTensor) -> tuple[keras.KerasTensor, keras.KerasTensor]:
    """X less its mean over the image, (B, H, W, 1), and its standard deviation, (B, 1, 1, 1), divisor HW.

    The deviation of a flat map is given as 1: dividing by it yields 0 with a finite gradient that still
    points somewhere. Flat means a deviation under a millionth of the mean, where float32 holds little but
    rounding, or under 1e-12.
    """
    # Less its first pixel a constant map is exactly 0; less its mean it would be what rounding left.
    first = ops.stop_gradient(x[:, 0, 0])[:, None, None]  # (B, 1, 1, 1), for maps of unknown size too
    x = x - first
    mean = ops.mean(x, axis=PIXELS, keepdims=True)
    x = x - mean
    variance = ops.mean(ops.square(x), axis=PIXELS, keepdims=True)
    flat = variance <= ops.square(1e-6 * ops.abs(first + mean) + 1e-12)
    return x, ops.sqrt(ops.where(flat, 1.0, variance))  # sqrt never sees the 0: its slope there is infinite


def guarded_log(x: keras.KerasTensor, floor) -> keras.KerasTensor:
    """Natural logarithm, continued under `floor` by its tangent there.

    Exact for x >= floor; below it finite, with the constant slope 1 / floor, so that an x of 0 (or less)
    is still pushed up. At 0 the value is log(floor) - 1.
    """
    # Two summands and no choice between two results: one of the two is constant on either side of the floor.
    return ops.log(ops.maximum(x, floor)) + ops.minimum(x - floor, 0.0) / floor


def per_image(sample_weight: keras.KerasTensor) -> keras.KerasTensor:
    """Sample weights as (B,) float32, of whatever rank they came. ValueError: they are of pixels."""
    sample_weight = ops.cast(ops.convert_to_tensor(sample_weight), "float32")
    if any(side != 1 for side in sample_weight.shape[1:]):
        raise ValueError(f"sample_weight must hold one weight per image, got {tuple(sample_weight.shape)}")
    return ops.reshape(sample_weight, (-1,)) if len(sample_weight.shape) > 1 else sample_weight


def same_size(truth: keras.KerasTensor, p: keras.KerasTensor) -> tuple[keras.KerasTensor, keras.KerasTensor]:
    """Both tensors, (B, H, W, 1). ValueError: their sizes differ, where broadcasting might hide it."""
    for true_side, side in zip(truth.shape[1:3], p.shape[1:3], strict=True):
        if None not in (true_side, side) and true_side != side:
            raise ValueError(
                f"y_true and y_pred must have one height and width; got {tuple(truth.shape[1:3])} "
                f"and {tuple(p.shape[1:3])}"
            )
    return truth, p
