"""Linear combinations, their terms as metrics, and the centre bias."""

import keras
import numpy as np
import pytest
from loss_cases import FORMULAS, scene, tensors, values

from kerasal import losses
from kerasal.errors import InputError

SIZE = (20, 26)
SCENES = [scene(seed, SIZE) for seed in range(5)]


def network():
    keras.utils.set_random_seed(3)
    return keras.Sequential(
        [keras.Input((*SIZE, 1)), keras.layers.Conv2D(1, 3, padding="same", activation="sigmoid")]
    )


class Counting(losses.CC):
    """CC that counts how often its formula is evaluated."""

    calls = 0

    def call(self, y_true, y_pred):
        type(self).calls += 1
        return super().call(y_true, y_pred)


def test_a_combination_is_the_weighted_sum_of_its_terms_formulas():
    loss = losses.LinearCombination([(3, losses.MSE()), (0.5, losses.Bhattacharyya()), (0, losses.AE())])
    expected = [3 * FORMULAS["mse"](*maps) + 0.5 * FORMULAS["bhat"](*maps) for maps in SCENES]
    np.testing.assert_allclose(values(loss, *tensors(*SCENES)), expected, rtol=1e-5)


def test_lc1_and_lc2_have_the_terms_of_tables_3_and_4():
    lc1 = [(10, "kld"), (2, "cc"), (1, "nss")]
    lc2 = [*lc1, (1, "df"), (1, "gm"), (1, "sig-mse")]
    for loss, expected in [
        (losses.LC1(), [*lc1, (1, "r")]),
        (losses.LC1(center_bias=None), lc1),
        (losses.LC2(), [*lc2, (1, "r")]),
        (losses.LC2(center_bias=None), lc2),
    ]:
        assert [(coefficient, name) for coefficient, name, _ in loss.terms] == expected
    assert {name: term for _, name, term in losses.LC2().terms}["sig-mse"].lam == 0.55


@pytest.mark.parametrize(
    ("terms", "words"),
    [
        ([(-1, losses.NSS())], "at least 0; got -1"),
        ([(float("nan"), losses.NSS())], "finite .*got nan"),
        ([("x", losses.NSS())], "must be a number; got 'x'"),
        ([], "at least one term"),
        ([(0, losses.KLD()), (0.0, losses.CC())], "every coefficient .* is 0"),
    ],
)
def test_a_combination_refuses_a_coefficient_that_is_no_positive_number_and_an_empty_sum(terms, words):
    with pytest.raises(InputError, match=words):
        losses.LinearCombination(terms)


def test_a_combination_refuses_two_terms_of_one_name_and_what_is_no_loss():
    with pytest.raises(InputError, match="must differ"):
        losses.LinearCombination([(1, losses.WeightedBCE(0.1)), (1, losses.WeightedBCE(0.9))])
    with pytest.raises(InputError, match=r"must be a keras\.losses\.Loss; got str"):
        losses.LinearCombination([(1, "kld")])
    for wrong in ([losses.KLD()], [(losses.KLD(),)], "kld"):
        with pytest.raises(InputError, match=r"must be a pair \(coefficient, loss\); got"):
            losses.LinearCombination(wrong)
    with pytest.raises(InputError, match="cannot be a term"):
        losses.LinearCombination([(1, losses.get("kld+cc"))])


@pytest.mark.parametrize("count", [1, 3])
def test_a_term_that_gives_no_value_per_image_is_refused_whatever_would_broadcast(count):
    loss = losses.LinearCombination([(1, losses.KLD()), (1, keras.losses.MeanSquaredError())])
    with pytest.raises(InputError, match="mean_squared_error must give one value per image"):
        loss(*tensors(*SCENES[:count]))


def test_the_repr_of_a_loss_whose_own_arguments_name_no_name():
    class Stronger(losses.KLD):
        def __init__(self, strength=2.0, **kwargs):
            super().__init__(**kwargs)
            self.strength = strength

    assert repr(Stronger()) == "Stronger(strength=2.0, name='kld')"


def test_each_term_shows_in_training_under_its_own_name_as_that_loss_alone_would():
    y_true, y_pred = tensors(*SCENES)
    loss = losses.get("kld+cc+nss+sig-mse")
    model = network()
    model.compile(optimizer=keras.optimizers.SGD(0.0), loss=loss, metrics=losses.term_metrics(loss))
    logs = model.fit(y_pred, y_true, batch_size=2, verbose=0).history
    assert set(logs) == {"loss", "kld_loss", "cc_loss", "nss_loss", "sig-mse_loss"}
    prediction = keras.ops.convert_to_numpy(model(y_pred))  # the network is as it was: learning rate 0
    for name in ("kld", "cc", "nss", "sig-mse"):
        alone = values(losses.get(name), y_true, prediction).mean()
        np.testing.assert_allclose(logs[f"{name}_loss"], alone, rtol=1e-5)
    total = 10 * logs["kld_loss"][0] + 2 * logs["cc_loss"][0] + logs["nss_loss"][0] + logs["sig-mse_loss"][0]
    np.testing.assert_allclose(logs["loss"], total, rtol=1e-5)


@pytest.mark.parametrize("reduction", ["sum_over_batch_size", "mean_with_sample_weight", "sum"])
def test_a_terms_metric_honours_sample_weight_as_the_loss_alone_does(reduction):
    y_true, y_pred = tensors(*SCENES)
    weight = np.array([1, 0.5, 0, 3, 1], "float32")
    loss = losses.LinearCombination(
        [(10, losses.KLD(reduction=reduction)), (1, losses.MSE(reduction=reduction))]
    )
    model = network()
    model.compile(loss=loss, weighted_metrics=losses.term_metrics(loss), run_eagerly=True)
    logs = model.evaluate(y_pred, y_true, batch_size=3, sample_weight=weight, verbose=0, return_dict=True)
    model = network()
    model.compile(loss=losses.KLD(reduction=reduction), run_eagerly=True)
    alone = model.evaluate(y_pred, y_true, batch_size=3, sample_weight=weight, verbose=0)
    np.testing.assert_allclose(logs["kld_loss"], alone, rtol=1e-5)


@pytest.mark.skipif(keras.backend.backend() != "tensorflow", reason="XLA removes the repetition under JAX")
def test_a_terms_metric_does_not_compute_the_term_again():
    y_true, y_pred = tensors(*SCENES)
    loss = losses.LinearCombination([(1, Counting(name="counted")), (1, losses.MSE())])
    model = network()
    model.compile(optimizer="sgd", loss=loss, metrics=losses.term_metrics(loss), jit_compile=False)
    Counting.calls = 0
    model.train_on_batch(y_pred, y_true)
    traced = Counting.calls
    model.compile(optimizer="sgd", loss=loss, jit_compile=False)
    Counting.calls = 0
    model.train_on_batch(y_pred, y_true)
    assert traced == Counting.calls >= 1


def test_terms_are_computed_anew_for_other_maps_and_other_weights():
    y_true, y_pred = tensors(*SCENES)
    loss = losses.get("kld+cc")
    metric = losses.term_metrics(loss)[1]
    for maps in [(y_true, y_pred), (y_true, 1 - y_pred), (y_true[:2], y_pred[:2])]:
        maps = [keras.ops.convert_to_tensor(x) for x in maps]
        loss(*maps)
        metric.reset_state()
        metric.update_state(*maps)
        np.testing.assert_allclose(metric.result(), values(losses.CC(), *maps).mean(), rtol=1e-6)


def test_a_single_loss_has_no_terms_to_show():
    assert losses.term_metrics(losses.KLD()) == []


def test_r_is_the_mean_squared_distance_to_the_training_maps_mean():
    bias = np.random.default_rng(1).random(SIZE)
    s, f, p = SCENES[0]
    expected = 0.3 * np.mean((p - bias) ** 2)
    loss = losses.CenterBias(bias, alpha=0.3)
    np.testing.assert_allclose(values(loss, *tensors((s, f, p))), [expected], rtol=1e-5)
    np.testing.assert_allclose(values(loss, *tensors((1 - s, f, p))), [expected], rtol=1e-5)


def test_the_gaussian_centre_bias_is_centred_and_as_wide_as_its_share_of_the_map():
    bias = losses.functional.gaussian_center_bias(120, 90)
    assert bias.shape == (120, 90)
    np.testing.assert_allclose(bias, bias[::-1, ::-1], rtol=1e-6)
    np.testing.assert_allclose(bias.max(), 0.15, rtol=1e-3)
    # One deviation from the middle a Gaussian is at exp(-1/2): 0.21 of 120 rows, 0.23 of 90 columns.
    rows = np.interp(60 - 0.5 + 0.21 * 120, np.arange(120), bias[:, 45])
    columns = np.interp(45 - 0.5 + 0.23 * 90, np.arange(90), bias[60])
    np.testing.assert_allclose([rows, columns], 0.15 * np.exp(-0.5), rtol=1e-3)


def test_the_centre_bias_reaches_r_lc1_and_lc2_through_the_spec():
    bias = np.random.default_rng(1).random(SIZE).astype("float32")
    for spec in ("r", "sig-mse+r", "lc1", "lc1+mse"):
        with_map, with_gaussian = losses.get(spec, center_bias=bias), losses.get(spec)
        maps = tensors(SCENES[0])
        p = np.float64(maps[1][0, ..., 0])
        gaussian = losses.functional.gaussian_center_bias(*SIZE)
        difference = 0.1 * np.mean((p - bias) ** 2) - 0.1 * np.mean((p - gaussian) ** 2)
        actual = values(with_map, *maps) - values(with_gaussian, *maps)
        np.testing.assert_allclose(actual, [difference], atol=1e-5)


def test_a_centre_bias_of_another_size_or_kind_is_named(tmp_path):
    with pytest.raises(InputError, match=r"size of the predicted map, \(20, 26\); got \(20, 25\)"):
        losses.CenterBias(np.zeros((20, 25)))(*tensors(SCENES[0]))
    with pytest.raises(InputError, match=r"finite map \(height, width\); got shape \(3,\)"):
        losses.CenterBias(np.zeros(3))
    with pytest.raises(InputError, match="finite map"):
        losses.CenterBias([[float("nan")]])
    with pytest.raises(InputError, match=r"no centre bias in .*missing\.npy"):
        losses.CenterBias(tmp_path / "missing.npy")
    with pytest.raises(InputError, match="must be a map"):
        losses.CenterBias({"a": 1})
    (tmp_path / "text.npy").write_text("no array")
    with pytest.raises(InputError, match=r"expected a \.npy file"):
        losses.CenterBias(tmp_path / "text.npy")
