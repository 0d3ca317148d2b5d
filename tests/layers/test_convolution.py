"""Convolutions as matrix products against TensorFlow's own."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from kerasal._convolution import one_product, product_a_tap_in_the_gradient


@pytest.mark.parametrize("convolution", [one_product, product_a_tap_in_the_gradient])
@pytest.mark.parametrize("sides", [(3, 3), (1, 5), (2, 4)])
def test_the_convolution_and_its_gradients_are_tensorflow_s(convolution, sides):
    random = np.random.default_rng(0)
    x, kernel, upstream = (
        tf.constant(random.standard_normal(shape), "float32")
        for shape in ((2, 7, 9, 3), (*sides, 3, 5), (2, 7, 9, 5))
    )

    def learn(convolve):
        with tf.GradientTape() as tape:
            tape.watch([x, kernel])
            y = convolve(x, kernel)
        return y, *tape.gradient(y, [x, kernel], upstream)

    expected = learn(lambda x, kernel: tf.nn.conv2d(x, kernel, strides=1, padding="SAME"))
    found = tf.function(lambda: learn(keras.ops.custom_gradient(convolution)))()
    for ours, wanted in zip(found, expected, strict=True):
        np.testing.assert_allclose(ours, wanted, rtol=1e-4, atol=1e-4)
