"""The losses as data agree with the classes, their docstrings, docs/losses.md and the paper."""

import re
from pathlib import Path

import keras
import numpy as np
import pytest
from loss_cases import scene, tensors, values

from kerasal import losses
from kerasal.losses import LOSSES

PAGE = (Path(__file__).parents[2] / "docs/losses.md").read_text()
ENTRIES = dict(re.findall(r"^### `([\w-]+)`: `\w+`\n(.*?)(?=^#)", PAGE, re.MULTILINE | re.DOTALL))
every_name = pytest.mark.parametrize("name", LOSSES)

PAPERS = {name: info for name, info in LOSSES.items() if info.equation}

# Numbers of the equations as printed in the paper, and the family of each name in its Table 2.
EQUATIONS = {
    "mse": "1", "ead": "2", "ae": "3", "mlnet-mse": "4", "sig-mse": "4", "kld": "5", "bhat": "6", "bce": "7",
    "w-bce": "8", "focal": "9", "nll": "10", "nss": "11", "cc": "12", "df": "13", "gm": "14, 15", "r": "16",
    "lc1": "3.2.6", "lc2": "3.2.6",
}  # fmt: skip
FAMILIES = {
    "pixel": ["mse", "ead", "ae", "mlnet-mse", "sig-mse"],
    "distribution": ["kld", "bhat", "bce", "w-bce", "focal", "nll"],
    "saliency": ["cc", "nss"],
    "perceptual": ["df", "gm"],
    "regularization": ["r"],
    "combination": ["lc1", "lc2"],
}


def plain(text):
    """Text without line breaks and marks of code."""
    return re.sub(r"\s+", " ", text.replace("`", ""))


def test_equations_and_families_are_the_papers():
    assert {name: info.equation for name, info in PAPERS.items()} == EQUATIONS
    for family, names in FAMILIES.items():
        assert [name for name, info in PAPERS.items() if info.loss.family == family] == names


def test_a_loss_that_is_not_the_papers_is_of_one_of_its_families():
    assert {info.loss.family for info in LOSSES.values()} == set(FAMILIES)


@every_name
def test_the_table_says_what_the_class_does(name):
    info, loss = LOSSES[name], LOSSES[name].loss()
    assert (info.family, info.needs_fixations) == (loss.family, loss.needs_fixations)


@every_name
def test_the_docstring_has_the_formula_the_equation_and_the_best_value(name):
    info, doc = LOSSES[name], plain(LOSSES[name].loss.__doc__)
    assert info.formula in doc
    if info.equation:
        assert re.search(rf"(eqs?\.|Section) {re.escape(info.equation)}\b", doc)
    else:
        assert "Not in the paper" in doc
    stated = re.search(r"Best value (-?\d+)", doc)
    assert (stated and float(stated[1])) == info.best


@every_name
def test_the_page_has_the_formula_and_the_equation_under_the_losss_name(name):
    info, entry = LOSSES[name], plain(ENTRIES[name])
    assert f"Here: {info.formula}" in entry
    printed = re.search(r"Paper \((?:eqs?\.|section) ([\d., ]*\d)", entry)
    assert (printed and printed[1]) == info.equation
    assert ("Not in the paper" in entry) == (info.equation is None)


@every_name
def test_the_parameter_and_its_default_are_those_of_the_class(name):
    info = LOSSES[name]
    loss = info.loss()
    assert info.default == (getattr(loss, info.parameter) if info.parameter else None)
    if info.parameter:
        assert info.parameter in info.formula


@every_name
def test_the_value_depends_on_the_ground_truth_that_the_loss_is_said_to_need_and_on_no_other(name):
    info, size = LOSSES[name], (33, 40)
    (s, f, p), (other_s, other_f, _) = scene(0, size), scene(1, size)
    loss = losses.get(name)
    as_it_is = values(loss, *tensors((s, f, p)))
    assert (values(loss, *tensors((other_s, f, p))) != as_it_is) == info.needs_density
    assert (values(loss, *tensors((s, other_f, p))) != as_it_is) == loss.needs_fixations
    says = {
        "density": (True, False),
        "fixations": (False, True),
        "both": (True, True),
        "none": (False, False),
    }
    assert says[info.ground_truth] == (info.needs_density, loss.needs_fixations)


@pytest.mark.parametrize("name", [name for name, info in LOSSES.items() if info.best is not None])
def test_a_perfect_prediction_has_the_best_value_and_another_a_larger_one(name):
    info, (s, f, p) = LOSSES[name], scene(0, (33, 40))
    perfect = losses.functional.gaussian_center_bias(33, 40) if name == "r" else s
    loss = losses.get(name)
    np.testing.assert_allclose(values(loss, *tensors((s, f, perfect))), info.best, atol=1e-6)
    assert values(loss, *tensors((s, f, p)))[0] > info.best + 1e-5


@pytest.mark.parametrize("name", ["lc1", "lc2"])
def test_a_combinations_terms_are_those_of_its_formula(name):
    built = [(coefficient, term) for coefficient, term, _ in losses.get(name).terms]
    assert [(term.coefficient, term.name) for term in losses.parse(LOSSES[name].formula)] == built
    assert losses.canonical(LOSSES[name].formula) == LOSSES[name].formula


def test_expanding_multiplies_the_coefficients_of_a_combination_in_a_sum():
    terms = [tuple(term) for term in losses.expand("0.5*lc1+mse")]
    assert terms == [
        (5, "kld", None), (1, "cc", None), (0.5, "nss", None), (0.5, "r", 0.1), (1, "mse", None)
    ]  # fmt: skip
    assert losses.expand("kld") == losses.parse("kld")
    with pytest.raises(losses.SpecError):
        losses.expand("lc3")


def test_every_loss_class_of_the_package_is_in_the_table():
    classes = {
        value
        for value in vars(losses).values()
        if isinstance(value, type) and issubclass(value, keras.losses.Loss)
    }
    assert classes - {losses.LinearCombination} == {info.loss for info in LOSSES.values()}
