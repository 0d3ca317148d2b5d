"""Values and gradients stay finite on maps that no formula is made for."""

import contextlib

import keras
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from loss_cases import FORMULAS, VARIANTS, scene, tensors, values, values_and_gradient

from kerasal import losses
from kerasal.losses import perceptual

PERCEPTUAL = [losses.get(spec) for spec in ("df", "gm", "lc2")]
LOSSES = [losses.get(spec) for spec in FORMULAS]
LOSSES += [getattr(losses, cls)(**arguments) for cls, arguments, _ in VARIANTS.values()]

# JAX compiles every operation for every size of map.
EXAMPLES = 30 if keras.backend.backend() == "tensorflow" else 3

PREDICTIONS = {
    "zero": lambda rng, size: np.zeros(size),
    "constant": lambda rng, size: np.full(size, rng.choice([1e-30, 1e-6, 0.1, 1.0, 1e6])),
    "one-hot": lambda rng, size: one_hot(rng, size),
    "huge one-hot": lambda rng, size: 1e6 * one_hot(rng, size),
    "tiny one-hot": lambda rng, size: 1e-30 * one_hot(rng, size),
    "huge": lambda rng, size: 1e6 * rng.random(size),
    "nearly constant": lambda rng, size: 0.3 + 1e-7 * rng.random(size),
    "half zero": lambda rng, size: rng.random(size) * (rng.random(size) > 0.5),
    "negative": lambda rng, size: rng.normal(size=size),
    "saturated": lambda rng, size: np.round(rng.random(size)),
    "border": lambda rng, size: border(size),
    "huge border": lambda rng, size: 1e6 * border(size),
    "all but the border": lambda rng, size: 1 - border(size),
}
DENSITIES = {
    "zero": PREDICTIONS["zero"],
    "one-hot": PREDICTIONS["one-hot"],
    "ones": lambda rng, size: np.ones(size),
    "sparse": lambda rng, size: rng.random(size) * (rng.random(size) > 0.7),
    "faint": lambda rng, size: 1e-20 * rng.random(size),
    "border": PREDICTIONS["border"],
    "all but the border": PREDICTIONS["all but the border"],
}


def one_hot(rng, size):
    x = np.zeros(size)
    x.flat[rng.integers(x.size)] = 1
    return x


def border(size):
    """1 along the frame of the map, one pixel wide, and 0 inside."""
    x = np.ones(size)
    x[1:-1, 1:-1] = 0
    return x


SMALL = st.tuples(st.integers(1, 6), st.integers(1, 9))


@st.composite
def extreme_maps(draw, sizes=SMALL):
    """Maps (s, f, p) of any small size, one pixel and one row included."""
    size = draw(sizes)
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    s = DENSITIES[draw(st.sampled_from(sorted(DENSITIES)))](rng, size)
    p = PREDICTIONS[draw(st.sampled_from(sorted(PREDICTIONS)))](rng, size)
    f = (rng.random(size) < draw(st.sampled_from([0, 0.2, 1]))).astype("float64")
    return s, f, p


def assert_finite(loss, *batch):
    value, gradient = values_and_gradient(loss, *tensors(*batch))
    assert value.dtype == gradient.dtype == np.float32
    assert np.isfinite(value).all(), loss.name
    assert np.isfinite(gradient).all(), loss.name


@pytest.mark.ci
@settings(max_examples=EXAMPLES, deadline=None)
@given(maps=extreme_maps())
def test_value_and_gradient_are_finite_on_any_map(maps):
    for loss in LOSSES:
        assert_finite(loss, maps)


@pytest.mark.ci
@settings(max_examples=EXAMPLES // 3, deadline=None)
@given(maps=extreme_maps(st.sampled_from([(32, 41), (37, 33)])))
def test_perceptual_value_and_gradient_are_finite_on_any_map(maps):
    for loss in PERCEPTUAL:
        assert_finite(loss, maps)


@pytest.mark.parametrize("kind", PREDICTIONS)
def test_value_and_gradient_are_finite_at_the_size_of_training(kind):
    rng, size = np.random.default_rng(4), (75, 100)
    batch = [
        (target(rng, size), 0 * one_hot(rng, size), PREDICTIONS[kind](rng, size))
        for target in DENSITIES.values()
    ]
    for loss in LOSSES:
        assert_finite(loss, *batch)


@contextlib.contextmanager
def mixed(policy):
    """Keras under a dtype policy, for what the losses read of it too."""
    before = keras.config.dtype_policy()
    keras.config.set_dtype_policy(policy)
    perceptual._kernels.cache_clear()
    try:
        yield
    finally:
        keras.config.set_dtype_policy(before)
        perceptual._kernels.cache_clear()


@pytest.mark.parametrize("policy", ["mixed_float16", "mixed_bfloat16"])
@settings(max_examples=max(EXAMPLES // 3, 1), deadline=None)
@given(maps=extreme_maps())
def test_value_and_gradient_are_finite_and_float32_under_a_mixed_policy(policy, maps):
    with mixed(policy):
        for loss in LOSSES:
            assert_finite(loss, maps)


@pytest.mark.parametrize("policy", ["mixed_float16", "mixed_bfloat16"])
def test_perceptual_value_and_gradient_are_finite_and_float32_under_a_mixed_policy(policy):
    rng, size = np.random.default_rng(0), (32, 41)
    batch = [(one_hot(rng, size), 0 * one_hot(rng, size), make(rng, size)) for make in PREDICTIONS.values()]
    with mixed(policy):
        for loss in PERCEPTUAL[2:]:
            assert_finite(loss, *batch)


@pytest.mark.parametrize("dtype", ["float16", "bfloat16"])
def test_the_value_of_a_prediction_of_half_precision_is_that_of_the_same_numbers_in_float32(dtype):
    rng, size = np.random.default_rng(0), (32, 41)
    for kind in ("zero", "constant", "one-hot", "huge", "half zero", "border"):
        make = PREDICTIONS[kind]
        y_true, y_pred = tensors((one_hot(rng, size), border(size), np.minimum(make(rng, size), 6e4)))
        half = keras.ops.cast(y_pred, dtype)
        single = keras.ops.cast(half, "float32")
        for loss in [*LOSSES, losses.DeepFeatures()]:
            value = loss(y_true, half)
            assert keras.backend.standardize_dtype(value.dtype) == "float32"
            assert np.isfinite(value), loss.name
            np.testing.assert_array_equal(value, loss(y_true, single))


@pytest.mark.parametrize("policy", ["mixed_float16", "mixed_bfloat16"])
@pytest.mark.parametrize("activation", ["sigmoid", "relu"])
@pytest.mark.parametrize("spec", ["kld", "nll", "bce", "cc", "lc1"])
def test_a_model_of_half_precision_trains_and_is_evaluated_with_a_finite_loss(policy, spec, activation):
    # A relu leaves exact zeros: there the slope of KLD and NLL leaves float16, and Keras scales the loss.
    y_true, y_pred = tensors(scene(0, (24, 30)), scene(1, (24, 30)))
    with mixed(policy):
        model = keras.Sequential(
            [keras.Input((24, 30, 1)), keras.layers.Conv2D(1, 3, padding="same", activation=activation)]
        )
        model.compile(optimizer="sgd", loss=losses.get(spec), run_eagerly=True, jit_compile=False)
        for _ in range(2):
            assert np.isfinite(model.train_on_batch(y_pred - 0.3, y_true))
        assert np.isfinite(model.evaluate(y_pred - 0.3, y_true, verbose=0))
        assert all(np.isfinite(weight).all() for weight in model.get_weights())


@pytest.mark.parametrize("spec", ["nss", "nll"])
def test_an_image_without_fixations_gives_0_and_pulls_nowhere(spec):
    s, f, p = scene(0, (11, 17))
    value, gradient = values_and_gradient(losses.get(spec), *tensors((s, 0 * f, p)))
    assert value == 0
    assert (gradient == 0).all()


@pytest.mark.parametrize("spec", ["kld", "bhat", "cc", "sim"])
def test_an_image_without_density_gives_0_and_pulls_nowhere(spec):
    s, f, p = scene(0, (11, 17))
    value, gradient = values_and_gradient(losses.get(spec), *tensors((0 * s, f, p)))
    np.testing.assert_allclose(value, 0, atol=1e-7)
    np.testing.assert_allclose(gradient, 0, atol=1e-7)


@pytest.mark.parametrize("spec", ["cc", "nss"])
@pytest.mark.parametrize("level", [0.0, 0.1, 0.7, 1e6])
def test_a_constant_prediction_scores_0_and_is_pulled_towards_the_people(spec, level):
    s, f, p = scene(0, (60, 84))
    value, gradient = values_and_gradient(losses.get(spec), *tensors((s, f, 0 * p + level)))
    assert value == 0
    target = s if spec == "cc" else f
    expected = (target - target.mean()) / (target.size * s.std() if spec == "cc" else f.sum())
    np.testing.assert_allclose(-gradient[0, ..., 0], expected, atol=1e-3 * np.abs(expected).max())


@pytest.mark.parametrize("spec", ["kld", "bhat", "nll", "sim"])
def test_an_all_zero_prediction_counts_as_an_even_one(spec):
    s, f, p = scene(0, (31, 44))
    even, slope = values_and_gradient(losses.get(spec), *tensors((s, f, 0 * p + 1)))
    value, gradient = values_and_gradient(losses.get(spec), *tensors((s, f, 0 * p)))
    np.testing.assert_allclose(value, even, rtol=1e-6)
    np.testing.assert_allclose(gradient, slope, rtol=1e-4, atol=1e-9)


def test_kld_pulls_a_missed_pixel_up_with_a_slope_that_an_optimiser_survives():
    s, f, p = scene(0, (60, 84))
    p = np.where(np.arange(84) < 42, p, 0.0)  # the right half is missed, with exact zeros
    value, gradient = values_and_gradient(losses.KLD(), *tensors((s, f, p)))
    missed = (p == 0) & (s > 0)
    # The mass that is missed costs at most log(H W / 1e-7) + 1 nats more than on an even map.
    assert value < np.log(60 * 84 / 1e-7) + 1
    pull = -gradient[0, ..., 0]
    assert (pull[missed] > 0).all()
    # Slope s / floor with respect to dist(P), and dist(P) = P / sum P.
    share = s / s.sum()
    np.testing.assert_allclose(pull[missed], share[missed] * 60 * 84 / 1e-7 / p.sum(), rtol=1e-3)


@pytest.mark.parametrize("level", [0.0, 0.3, 1e6])
def test_sim_pulls_up_where_the_share_is_too_small_and_gives_way_alike_everywhere_else(level):
    s, f, p = scene(0, (60, 84))
    p = np.where(np.arange(84) < 42, p, level)  # the right half is flat
    _, gradient = values_and_gradient(losses.SIM(), *tensors((s, f, p)))
    s, p = np.float64(np.float32(s)), np.float64(np.float32(p))
    short = p / p.sum() < s / s.sum()
    covered = p[short].sum() / p.sum()
    expected = np.where(short, 1 - covered, -covered) / p.sum()
    np.testing.assert_allclose(-gradient[0, ..., 0], expected, rtol=1e-3, atol=1e-9 * np.abs(expected).max())
    assert (s[short] > 0).all()
    assert not short.all()
    # Density with exact zeros, and a P that is 0 there too: nothing pulls on what neither has.
    _, gradient = values_and_gradient(losses.SIM(), *tensors((s, f, s)))
    np.testing.assert_allclose(gradient, 0, atol=1e-7)


def test_the_cross_entropies_drive_a_prediction_back_into_0_to_1():
    s, f, _ = scene(0, (20, 30))
    p = np.full((20, 30), 1.5)
    p[:, ::2] = -0.5
    for spec in ("bce", "w-bce", "focal"):
        _, gradient = values_and_gradient(losses.get(spec), *tensors((0.1 + 0.8 * s, f, p)))
        assert (gradient[0, :, ::2] < 0).all(), spec
        assert (gradient[0, :, 1::2] > 0).all(), spec


def test_ead_does_not_overflow_and_still_grows_beyond_float32s_exponential():
    s, f, p = scene(0, (20, 30))
    near, far = (values(losses.EAD(), *tensors((s, f, p + shift)))[0] for shift in (100, 1e6))
    assert np.isfinite(far)
    assert far > near > np.expm1(10)
