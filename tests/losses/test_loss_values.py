"""Each loss against its formula in float64 numpy, and its gradient against central differences."""

import keras
import loss_cases
import numpy as np
import pytest
from loss_cases import FORMULAS, VARIANTS, scene, small_maps, tensors, values, values_and_gradient

from kerasal import losses, metrics

CASES = {spec: (losses.get(spec), formula) for spec, formula in FORMULAS.items()}
CASES |= {
    name: (getattr(losses, cls)(**arguments), formula) for name, (cls, arguments, formula) in VARIANTS.items()
}
STORED = list(loss_cases.stored_maps())
every_loss = pytest.mark.parametrize("name", CASES)


@every_loss
def test_a_loss_equals_its_formula_on_stored_maps_like_osies(name):
    loss, formula = CASES[name]
    for s, f, p in STORED:
        s = s + 0.01 if name == "kld reverse" else s  # the printed form is infinite where S is 0
        np.testing.assert_allclose(values(loss, *tensors((s, f, p))), [formula(s, f, p)], rtol=1e-5)


def test_every_loss_of_the_table_has_a_formula_here_or_is_perceptual():
    assert set(losses.LOSSES) - {"df", "gm", "lc2"} <= set(FORMULAS)


def test_the_stored_maps_are_like_those_of_an_eye_tracking_dataset():
    for s, f, p in STORED:
        assert s.shape[0] != s.shape[1]
        assert s.max() == 1
        assert (s == 0).any()
        assert 90 <= f.sum() <= 120  # 15 observers with 8 fixations, some on one pixel
        assert 0 < p.min() < p.max() < 1
        assert 0.5 < loss_cases.correlation(s, f, p) < 0.95
    assert len({s.shape for s, _, _ in STORED}) == 3


@every_loss
def test_a_gradient_equals_central_differences(name):
    loss, formula = CASES[name]
    for seed in range(3):
        maps = small_maps(seed, size=(5, 7))
        # What float32 makes of the maps is what both differentiate.
        maps = [np.float64(np.float32(x)) for x in maps]
        _, gradient = values_and_gradient(loss, *tensors(maps))
        expected = loss_cases.central_differences(formula, *maps)
        np.testing.assert_allclose(
            gradient[0, ..., 0], expected, rtol=1e-3, atol=1e-3 * np.abs(expected).max()
        )


@every_loss
def test_a_batch_equals_its_images_one_by_one(name):
    loss, _ = CASES[name]
    scenes = [scene(seed, size=(24, 33)) for seed in range(4)]
    one_by_one = [values(loss, *tensors(maps))[0] for maps in scenes]
    np.testing.assert_allclose(values(loss, *tensors(*scenes)), one_by_one, rtol=2e-6)


@every_loss
def test_the_value_is_one_float32_per_image_whatever_comes_in(name):
    loss, _ = CASES[name]
    y_true, y_pred = tensors(scene(0, (9, 13)), scene(1, (9, 13)), scene(2, (9, 13)))
    for dtype in ("float16", "bfloat16", "float32"):
        rounded = keras.ops.cast(y_pred, dtype)
        value = loss.call(keras.ops.convert_to_tensor(y_true), rounded)
        assert value.shape == (3,)
        assert keras.backend.standardize_dtype(value.dtype) == "float32"
        same = values(loss, y_true, keras.ops.convert_to_numpy(keras.ops.cast(rounded, "float32")))
        np.testing.assert_allclose(keras.ops.convert_to_numpy(value), same, rtol=1e-6)


@pytest.mark.parametrize("name", [name for name, (loss, _) in CASES.items() if not loss.needs_fixations])
def test_a_loss_on_density_alone_does_not_read_the_fixations(name):
    loss, _ = CASES[name]
    y_true, y_pred = tensors(scene(3, (20, 26)))
    np.testing.assert_array_equal(values(loss, y_true[..., :1], y_pred), values(loss, y_true, y_pred))


@pytest.mark.parametrize("loss", [losses.NSS(), losses.NLL(), losses.LC1()], ids=lambda loss: loss.name)
def test_a_loss_that_needs_fixations_names_the_shape_that_lacks_them(loss):
    y_true, y_pred = tensors(scene(3, (20, 26)))
    with pytest.raises(ValueError, match=r"needs y_true with 2 channels .* got shape \(1, 20, 26, 1\)"):
        loss(y_true[..., :1], y_pred)


@pytest.mark.parametrize("spec", ["mse", "kld", "nss", "bce"])
def test_maps_of_a_wrong_rank_or_channel_count_are_named(spec):
    y_true, y_pred = tensors(scene(3, (20, 26)))
    with pytest.raises(ValueError, match="y_pred must be"):
        losses.get(spec)(y_true, np.repeat(y_pred, 3, axis=-1))
    with pytest.raises(ValueError, match="y_true"):
        losses.get(spec)(y_true[..., 0], y_pred)


def test_kld_equals_the_mit_form_on_positive_maps():
    for seed in range(5):
        s, f, p = scene(seed, size=(45, 60))
        faint = p**6  # down to 1e-10 of its peak
        for prediction in (p, faint):
            s32, p32 = np.float64(np.float32(s)), np.float64(np.float32(prediction))
            expected = loss_cases.kld_mit(s32, f, p32)
            np.testing.assert_allclose(
                values(losses.KLD(), *tensors((s, f, prediction))), expected, rtol=1e-5
            )


@pytest.mark.parametrize(
    ("spec", "best"), [("kld", 0), ("bhat", 0), ("cc", -1), ("sim", -1), ("mse", 0), ("ead", 0), ("ae", 0)]
)
def test_identical_maps_get_the_best_value(spec, best):
    for size in [(60, 84), (300, 400)]:
        s, f, _ = scene(1, size)
        np.testing.assert_allclose(values(losses.get(spec), *tensors((s, f, s))), best, atol=1e-6)


@pytest.mark.parametrize("spec", ["kld", "bhat", "nll", "cc", "nss", "sim", "mlnet-mse"])
def test_a_loss_on_shape_alone_does_not_see_the_scale_of_the_prediction(spec):
    s, f, p = scene(2, (30, 41))
    expected = values(losses.get(spec), *tensors((s, f, p)))
    for scale in (1e-6, 1e-3, 255.0, 1e6):
        np.testing.assert_allclose(values(losses.get(spec), *tensors((s, f, scale * p))), expected, rtol=1e-5)


@pytest.mark.parametrize("spec", ["kld", "bhat", "cc", "sim"])
def test_a_loss_on_shape_alone_does_not_see_the_scale_of_the_density(spec):
    s, f, p = scene(2, (30, 41))
    expected = values(losses.get(spec), *tensors((s, f, p)))
    np.testing.assert_allclose(values(losses.get(spec), *tensors((0.01 * s, f, p))), expected, rtol=1e-5)


def test_sim_is_the_negative_of_the_metric_where_both_maps_reach_zero():
    for seed in range(3):
        s, f, p = scene(seed, size=(45, 60))
        s32, p32 = np.float64(np.float32(s)), np.float64(np.float32(p - p.min()))
        expected = -metrics.sim(p32, s32)
        assert -0.95 < expected < -0.3
        np.testing.assert_allclose(values(losses.SIM(), *tensors((s32, f, p32))), expected, rtol=1e-5)
        # A raised map is another prediction to the loss, and the same to the metric.
        assert values(losses.SIM(), *tensors((s32, f, p32 + 0.1)))[0] > expected + 0.01


@pytest.mark.parametrize("spec", ["cc", "nss"])
def test_cc_and_nss_do_not_see_an_affine_change_of_the_prediction(spec):
    s, f, p = scene(2, (30, 41))
    expected = values(losses.get(spec), *tensors((s, f, p)))
    # float32 keeps 1e-7 of the offset, which is 1e-5 of the deviation of p here.
    np.testing.assert_allclose(values(losses.get(spec), *tensors((s, f, 3 * p + 5))), expected, rtol=1e-4)
    np.testing.assert_allclose(values(losses.get(spec), *tensors((s, f, 1 - p))), -expected, rtol=1e-4)


def test_weighted_bce_at_a_half_is_half_of_bce():
    maps = tensors(scene(2, (30, 41)))
    np.testing.assert_allclose(
        2 * values(losses.WeightedBCE(), *maps), values(losses.BCE(), *maps), rtol=1e-6
    )


def test_an_even_map_has_the_likelihood_of_one_pixel_in_all():
    s, f, p = scene(2, (30, 41))
    maps = tensors((s, f, 0 * p + 0.3))
    np.testing.assert_allclose(values(losses.NLL(), *maps), np.log(30 * 41), rtol=1e-6)


@pytest.mark.parametrize("spec", ["mse", "kld", "nss", "cc", "df"])
def test_maps_of_two_sizes_are_refused_before_they_broadcast(spec):
    y_true, y_pred = tensors(scene(3, (40, 46)))
    with pytest.raises(ValueError, match=r"one height and width; got \(40, 46\) and \(1, 46\)"):
        losses.get(spec)(y_true, y_pred[:, :1])
