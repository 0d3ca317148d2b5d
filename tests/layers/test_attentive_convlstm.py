import keras
import numpy as np
import pytest
import tensorflow as tf

from kerasal.layers import AttentiveConvLSTM, LearnedGaussianPrior


def sigmoid(x):
    return 1 / (1 + np.exp(-x))


def convolve(x, kernel, bias=0.0):
    """A 'same' correlation of (H, W, in) with (k, k, in, out), by a loop over the taps."""
    side = len(kernel)
    padded = np.pad(x, [(side // 2,) * 2, (side // 2,) * 2, (0, 0)])
    height, width = x.shape[:2]
    return bias + sum(
        padded[i : i + height, j : j + width] @ kernel[i, j] for i in range(side) for j in range(side)
    )


def literal(x, arrays, steps):
    """The equations as they stand, ten convolutions a step, float64; x (H, W, D)."""
    w_a, b_wa, u_a, b_ua, v_a, *gates = arrays
    gate = {name: gates[4 * i : 4 * i + 4] for i, name in enumerate("ifco")}
    h = c = np.zeros((*x.shape[:2], gate["i"][2].shape[2]))
    for _ in range(steps):
        e = convolve(np.tanh(convolve(h, w_a, b_wa) + convolve(x, u_a, b_ua)), v_a)
        a = np.exp(e) / np.exp(e).sum()
        z = {name: convolve(a * x, w, b_w) + convolve(h, u, b_u) for name, (w, b_w, u, b_u) in gate.items()}
        c = sigmoid(z["f"]) * c + sigmoid(z["i"]) * np.tanh(z["c"])
        h = sigmoid(z["o"]) * np.tanh(c)
    return h


def random_cell(filters=4, attention=3, channels=5, kernel=3, steps=4):
    """A cell whose weights make every part count, and those weights in the per-gate order."""
    layer = AttentiveConvLSTM(filters, attention, kernel_size=kernel, steps=steps)
    layer.build((None, None, None, channels))
    random = np.random.default_rng(0)
    shapes = [array.shape for array in layer.per_gate_weights()]
    arrays = [random.normal(0, 1.5 / np.sqrt(max(np.prod(shape[:-1]), 9)), shape) for shape in shapes]
    for index in (5, 9, 13, 17):  # kernels on the attended features, which are small
        arrays[index] *= 20
    layer.set_per_gate_weights(arrays)
    return layer, arrays


@pytest.mark.parametrize(
    "sizes", [{}, {"steps": 1}, {"kernel": 5, "attention": 6}, {"steps": 2, "channels": 1}]
)
def test_the_fused_cell_equals_the_equations_as_they_stand(sizes):
    layer, arrays = random_cell(**sizes)
    x = np.random.default_rng(1).normal(size=(2, 6, 9, sizes.get("channels", 5)))
    result = keras.ops.convert_to_numpy(layer(x.astype("float32")))
    for image in (0, 1):
        expected = literal(x[image], arrays, sizes.get("steps", 4))
        np.testing.assert_allclose(result[image], expected, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("sizes", [{}, {"kernel": 5, "attention": 6, "steps": 2}])
def test_the_gradient_equals_a_central_difference_of_the_equations(sizes):
    layer, _ = random_cell(**sizes)
    steps = sizes.get("steps", 4)
    random = np.random.default_rng(1)
    arrays = [np.float64(array) for array in layer.per_gate_weights()]
    x = np.float64(np.float32(random.normal(size=(6, 9, 5))))
    weighting = random.normal(size=(6, 9, 4))
    tensor = tf.constant(x[None], "float32")
    with tf.GradientTape() as tape:
        tape.watch(tensor)
        total = tf.reduce_sum(layer(tensor) * weighting.astype("float32"))
    by_input, *by_weights = tape.gradient(total, [tensor, *(weight.value for weight in layer.weights)])
    for weight, gradient in zip(layer.weights, by_weights, strict=True):
        weight.assign(gradient)  # so that `per_gate_weights` gives the gradients gate by gate
    gradients = [by_input.numpy()[0], *layer.per_gate_weights()]
    for index, gradient in enumerate(gradients):
        direction = random.normal(size=gradient.shape)
        totals = []
        for step in (1e-5, -1e-5):
            moved = [x, *arrays]
            moved[index] = moved[index] + step * direction
            totals.append(np.sum(literal(moved[0], moved[1:], steps) * weighting))
        expected = (totals[0] - totals[1]) / 2e-5
        assert np.sum(gradient * direction) == pytest.approx(expected, rel=1e-3, abs=1e-3), index


def test_every_array_counts_in_the_comparison():
    # What could be swapped unnoticed would not be tested.
    _, arrays = random_cell()
    x = np.random.default_rng(1).normal(size=(6, 9, 5))
    expected = literal(x, arrays, 4)
    for index in range(21):
        changed = [array * (0.5 if i == index else 1) for i, array in enumerate(arrays)]
        assert np.abs(literal(x, changed, 4) - expected).max() > 1e-3, index


def test_weights_come_back_gate_by_gate_as_they_were_set():
    layer, arrays = random_cell()
    found = layer.per_gate_weights()
    assert len(found) == 21
    for one, other in zip(found, arrays, strict=True):
        np.testing.assert_array_equal(one, other.astype("float32"))
    with pytest.raises(ValueError, match=r"shapes.*\(3, 3, 4, 3\)"):
        layer.set_per_gate_weights(arrays[::-1])


def test_weights_start_as_in_the_reference_code():
    layer = AttentiveConvLSTM(8, 4)
    layer.build((None, None, None, 8))
    w_a, _, u_a, _, v_a, *gates = layer.per_gate_weights()
    assert not v_a.any()
    for kernel in (w_a, u_a, *gates[0::4]):
        assert kernel.std() == pytest.approx(0.05, rel=0.2)
    for kernel in gates[2::4]:  # U of i, f, c, o: orthogonal columns
        flat = kernel.reshape(-1, 8)
        np.testing.assert_allclose(flat.T @ flat, np.eye(8), atol=1e-5)
    assert not any(bias.any() for bias in gates[1::2])


def test_the_cell_computes_in_the_dtype_of_its_policy_and_keeps_float32_weights():
    layer = AttentiveConvLSTM(4, dtype="mixed_bfloat16")
    x = np.random.default_rng(0).normal(size=(1, 30, 40, 3)).astype("float32")
    assert keras.backend.standardize_dtype(layer(x).dtype) == "bfloat16"
    assert {weight.dtype for weight in layer.weights} == {"float32"}
    full = AttentiveConvLSTM(4)
    full.build(x.shape)
    full.set_weights(layer.get_weights())
    half, whole = (keras.ops.convert_to_numpy(keras.ops.cast(cell(x), "float32")) for cell in (layer, full))
    np.testing.assert_allclose(half, whole, atol=0.02)


@pytest.mark.parametrize(
    "arguments", [{"filters": 0}, {"filters": 4, "kernel_size": 2}, {"filters": 4, "steps": 0}]
)
def test_wrong_arguments_of_the_cell_are_refused_by_name(arguments):
    with pytest.raises(ValueError, match=list(arguments)[-1]):
        AttentiveConvLSTM(**arguments)


def test_priors_equal_the_formula_pixel_by_pixel_with_clipped_parameters():
    layer = LearnedGaussianPrior(5)
    layer.build((None, 6, 9, 2))
    random = np.random.default_rng(0)
    parameters = random.uniform(0, 1, 20)
    layer.set_weights([parameters])
    x = random.normal(size=(2, 6, 9, 2)).astype("float32")
    result = keras.ops.convert_to_numpy(layer(x))
    np.testing.assert_array_equal(result[..., :2], x)
    mu_x, mu_y, sigma_x, sigma_y = np.split(parameters, 4)
    assert ((mu_x < 0.25) | (mu_x > 0.75)).any()
    for k in range(5):
        mx, my = min(max(mu_x[k], 0.25), 0.75), min(max(mu_y[k], 0.35), 0.65)
        sx, sy = min(max(sigma_x[k], 0.1), 0.9), min(max(sigma_y[k], 0.2), 0.8)
        expected = np.empty((6, 9))
        for row in range(6):
            for column in range(9):
                px, py = column / 8, (1 - 6 / 9) / 2 + row / 5 * 6 / 9
                expected[row, column] = np.exp(-((px - mx) ** 2 / (2 * sx**2) + (py - my) ** 2 / (2 * sy**2)))
                expected[row, column] /= 2 * np.pi * sx * sy
        for image in (0, 1):
            np.testing.assert_allclose(
                result[image, ..., 2 + k], expected / expected.max(), rtol=1e-5, atol=1e-5
            )


def test_priors_start_in_the_ranges_of_the_reference_code():
    keras.utils.set_random_seed(0)
    layer = LearnedGaussianPrior(200)
    layer.build((None, 4, 4, 1))
    means, sigmas = np.split(layer.get_weights()[0], 2)
    assert (means.min(), means.max()) == pytest.approx((0.3, 0.7), abs=0.01)
    assert (sigmas.min(), sigmas.max()) == pytest.approx((0.05, 0.3), abs=0.01)
