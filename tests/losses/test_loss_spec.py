"""The loss language: what it reads, how it spells it, and what it says about mistakes."""

import itertools

import keras
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from kerasal import losses
from kerasal.errors import InputError
from kerasal.losses import LOSSES

# The names of the language and the classes behind them.
CLASSES = {
    "mse": "MSE",
    "ead": "EAD",
    "ae": "AE",
    "mlnet-mse": "MLNetMSE",
    "sig-mse": "SigmoidMSE",
    "kld": "KLD",
    "bhat": "Bhattacharyya",
    "bce": "BCE",
    "w-bce": "WeightedBCE",
    "focal": "FocalLoss",
    "nll": "NLL",
    "cc": "CC",
    "nss": "NSS",
    "sim": "SIM",
    "df": "DeepFeatures",
    "gm": "GramMatrices",
    "r": "CenterBias",
    "lc1": "LC1",
    "lc2": "LC2",
}
TABLE_2 = """mse, ead, ae, mlnet-mse, sig-mse(0.25), sig-mse(0.55), sig-mse(0.75), bce, w-bce(0.9),
    w-bce(0.8), w-bce(0.7), w-bce(0.6), w-bce(0.5), w-bce(0.4), focal, kld, bhat, nll, cc, nss, df, gm,
    sig-mse+r, kld+cc+nss, kld+cc+nss+df+gm, kld+cc+nss+r, kld+cc+nss+df+gm+sig-mse+r"""
TABLE_2 = [spec.strip() for spec in TABLE_2.split(",")]


def terms(spec):
    return [tuple(term) for term in losses.parse(spec)]


@pytest.mark.parametrize(("name", "cls"), CLASSES.items())
def test_a_name_gives_its_class(name, cls):
    assert type(losses.get(name)) is getattr(losses, cls)
    assert {name for name, info in LOSSES.items() if info.equation} <= set(CLASSES)


def test_a_single_name_has_coefficient_1_and_a_bare_name_in_a_sum_the_papers():
    assert terms("kld") == [(1, "kld", None)]
    assert terms("kld+cc+nss+mse") == [(10, "kld", None), (2, "cc", None), (1, "nss", None), (1, "mse", None)]


def test_a_written_coefficient_replaces_the_papers():
    assert terms("3*kld + 0.5 * cc+1e-2*nss") == [(3, "kld", None), (0.5, "cc", None), (0.01, "nss", None)]
    assert terms("2.5*kld") == [(2.5, "kld", None)]
    assert terms("1*kld+cc") == [(1, "kld", None), (2, "cc", None)]


def test_an_argument_goes_to_the_parameter_of_its_loss():
    assert losses.get("mlnet-mse(1.2)").alpha == 1.2
    assert losses.get("sig-mse(0.25)").lam == 0.25
    assert losses.get("w-bce( 0.9 )").weight == 0.9
    assert losses.get("focal(3)").gamma == 3
    assert losses.get("r(0.5)").alpha == 0.5


def test_the_numbers_of_a_spec_reach_the_sum():
    loss = losses.get("kld+0.5*sig-mse(0.25)")
    assert [(coefficient, name) for coefficient, name, _ in loss.terms] == [(10, "kld"), (0.5, "sig-mse")]
    assert loss.terms[1][2].lam == 0.25


def test_one_term_with_a_coefficient_is_a_combination():
    assert type(losses.get("2*kld")) is losses.LinearCombination
    assert type(losses.get("1*kld")) is losses.KLD


def test_a_loss_passes_through():
    loss = losses.KLD(reverse=True)
    assert losses.get(loss) is loss


def test_the_27_rows_of_table_2_all_parse():
    assert len(TABLE_2) == 27
    assert len({losses.canonical(spec) for spec in TABLE_2}) == 27
    for spec in TABLE_2:
        assert losses.canonical(losses.get(spec)) == losses.canonical(spec)


@pytest.mark.parametrize(
    ("spec", "expected"),
    [
        ("kld", "kld"),
        ("1*kld", "kld"),
        ("2*kld", "2*kld"),
        (" kld +cc+ nss", "10*kld+2*cc+nss"),
        ("1*kld+1*nss", "1*kld+nss"),
        ("10*kld+2*cc+1.0*nss", "10*kld+2*cc+nss"),
        ("sig-mse(0.55)+r", "sig-mse+r"),
        ("sig-mse(.250)+r(0.1)", "sig-mse(0.25)+r"),
        ("0.1*mse+1e-7*ae", "0.1*mse+1e-07*ae"),
        ("lc2", "lc2"),
        ("lc1+3*df", "lc1+3*df"),
        ("10*kld+2*cc+sim+nss+5*mse", "10*kld+2*cc+sim+nss+5*mse"),
    ],
)
def test_the_canonical_spelling(spec, expected):
    assert losses.canonical(spec) == expected
    assert losses.canonical(losses.get(spec)) == expected


def test_lc1_without_r_is_spelled_as_its_terms():
    assert losses.canonical(losses.LC1()) == "lc1"
    assert losses.canonical(losses.LC1(center_bias=None)) == "10*kld+2*cc+nss"


def test_every_combination_of_up_to_four_names_parses_back_to_itself():
    count = 0
    for size in (1, 2, 3, 4):
        for names in itertools.combinations(CLASSES, size):
            canonical = losses.canonical("+".join(names))
            assert losses.canonical(canonical) == canonical
            assert terms(canonical) == terms("+".join(names))
            assert [name for _, name, _ in terms(canonical)] == list(names)
            count += 1
    assert count == 19 + 171 + 969 + 3876


ARGUMENTS = {"mlnet-mse": (1.0001, 9), "sig-mse": (0, 1), "w-bce": (0, 1), "focal": (1e-3, 9), "r": (0, 9)}
written_terms = st.sampled_from(sorted(CLASSES)).flatmap(
    lambda name: st.tuples(
        st.floats(0, allow_infinity=False),
        st.just(name),
        st.floats(*ARGUMENTS[name]) if name in ARGUMENTS else st.none(),
    )
)


@settings(deadline=None)
@given(st.lists(written_terms, min_size=1, max_size=8, unique_by=lambda term: term[1]))
def test_every_written_number_comes_back_exactly(written):
    assume(any(coefficient for coefficient, *_ in written))
    spec = "+".join(f"{c!r}*{name}" + (f"({a!r})" if a is not None else "") for c, name, a in written)
    assert terms(spec) == written
    canonical = losses.canonical(spec)
    assert terms(canonical) == written
    assert losses.canonical(canonical) == canonical


@pytest.mark.parametrize(
    ("spec", "position", "message"),
    [
        ("kdl", 1, "unknown loss 'kdl'; nearest: kld"),
        ("cc+sigmse", 4, "unknown loss 'sigmse'; nearest: sig-mse"),
        ("KLD", 1, "unknown loss 'KLD'; nearest: kld"),
        ("qqq", 1, "unknown loss 'qqq'; known: mse, ead"),
        ("-1*nss+cc", 1, "cannot be negative"),
        ("cc+ -1*nss", 5, "cannot be negative"),
        ("nan*kld", 1, "must be finite"),
        ("inf*kld", 1, "must be finite"),
        ("1e999*kld", 1, "must be finite"),
        ("0*kld", 1, "every coefficient is 0"),
        ("0*kld + 0.0*cc", 1, "every coefficient is 0"),
        ("kld+cc+kld", 8, "kld appears twice"),
        ("w-bce(0.1)+w-bce(0.2)", 12, "w-bce appears twice"),
        ("", 1, "expected the name of a loss"),
        ("   ", 4, "expected the name of a loss"),
        ("kld+", 5, "expected the name of a loss"),
        ("+kld", 1, "expected the name of a loss"),
        ("2", 2, "expected '*' and the name of a loss after '2'"),
        ("2kld", 2, "expected '*'"),
        ("2**kld", 3, "expected the name of a loss"),
        ("kld*2", 4, "a coefficient comes before the name"),
        ("kld - cc", 5, "no minus"),
        ("kld cc", 5, "expected '+' or the end, got 'c'"),
        ("kld\ncc", 4, "expected '+' or the end, got '\\\\n'"),
        ("kld(1)", 4, "kld takes no argument"),
        ("sig-mse()", 9, "expected a number for lam"),
        ("sig-mse(nan)", 9, "expected a number for lam"),
        ("sig-mse(0.5", 12, "expected ')'"),
        ("sig-mse(1.5)", 9, "lam must be in [0, 1]; got 1.5"),
        ("w-bce(-0.5)", 7, "weight must be in [0, 1]; got -0.5"),
        ("mlnet-mse(1)", 11, "alpha must be above 1"),
        ("focal(0)", 7, "gamma must be positive"),
        ("r(1e999)", 3, "alpha must be at least 0 and finite"),
    ],
)
def test_a_mistake_gets_one_line_with_its_position(spec, position, message):
    with pytest.raises(losses.SpecError) as caught:
        losses.get(spec)
    text = str(caught.value)
    assert f"position {position}: " in text
    assert message.replace("\\\\", "\\") in text
    assert "\n" not in text
    assert isinstance(caught.value, InputError)


def test_something_that_is_no_text_is_refused_in_the_same_way():
    for spec in (None, 3, ["kld"]):
        with pytest.raises(losses.SpecError, match="must be text"):
            losses.get(spec)


def only_spec_error(spec):
    message = ""
    try:
        canonical = losses.canonical(spec)
    except losses.SpecError as error:
        canonical, message = None, str(error)
    assert len(message.splitlines()) <= 1
    assert len(message) < 500
    assert canonical is None or losses.canonical(canonical) == canonical


@given(st.text(max_size=200))
def test_no_text_raises_anything_but_a_spec_error(spec):
    only_spec_error(spec)


PIECES = [*CLASSES, *"+*()-.,; \t\n0123456789e", "1e5", "nan", "10*", "(0.5)", "²", "\u0663", "kldd"]


@settings(max_examples=400)
@given(st.lists(st.sampled_from(PIECES), max_size=12))
def test_no_text_made_of_the_languages_pieces_raises_anything_but_a_spec_error(pieces):
    only_spec_error("".join(pieces))


@pytest.mark.parametrize(
    "spec", ["9" * 100_000 + "*kld", "k" * 100_000, "mse+" * 20_000, "(" * 100_000, "1" * 5000]
)
def test_a_very_long_text_is_refused_quickly_with_a_short_message(spec):
    only_spec_error(spec)


@pytest.mark.parametrize(
    ("loss", "words"),
    [
        (losses.KLD(reverse=True), "kld has options .*'reverse': True"),
        (losses.MLNetMSE(normalize=False), "mlnet-mse has options .*'normalize': False"),
        (losses.FocalLoss(modulation="lin"), "focal has options .*'modulation': 'lin'"),
        (
            losses.LinearCombination([(1, losses.KLD(reverse=True)), (1, losses.CC())]),
            "kld has options .*'reverse': True",
        ),
        (
            losses.LinearCombination(
                [(1, losses.WeightedBCE(0.1, name="low")), (1, losses.WeightedBCE(0.9))]
            ),
            "w-bce appears twice",
        ),
        (keras.losses.MeanSquaredError(), "MeanSquaredError is no loss that a spec has a name for"),
    ],
    ids=["reverse", "unnormalised", "lin", "in a sum", "twice", "foreign"],
)
def test_a_loss_that_the_language_cannot_say_has_no_canonical_spelling(loss, words):
    with pytest.raises(InputError, match=words):
        losses.canonical(loss)


@pytest.mark.parametrize(
    ("spec", "activation"),
    [
        ("mse", "relu"),
        ("cc+nss", "relu"),
        ("sim", "relu"),
        ("kld", "sigmoid"),
        ("w-bce(0.9)", "sigmoid"),
        ("mse+nll", "sigmoid"),
        ("lc1", "sigmoid"),
        ("mse+lc1", "sigmoid"),
        ("sig-mse+r", "relu"),
    ],
)
def test_a_sigmoid_stands_before_a_loss_with_a_term_of_the_distribution_family(spec, activation):
    assert losses.activation_for(losses.get(spec)) == activation


@pytest.mark.parametrize(
    ("spec", "needed"),
    [
        ("kld", False),
        ("nss", True),
        ("kld+cc", False),
        ("kld+cc+sim", False),
        ("mse+nll", True),
        ("lc1", True),
    ],
)
def test_a_sum_needs_fixations_if_one_of_its_terms_does(spec, needed):
    assert losses.get(spec).needs_fixations is needed
