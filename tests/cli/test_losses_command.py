"""kerasal losses: the table, one spec explained, a wrong one refused."""

import re

import pytest
from click.testing import CliRunner

from kerasal import losses
from kerasal.losses import LOSSES
from kerasal_cli import main


def kerasal(*arguments, columns=None):
    environment = {"COLUMNS": columns and str(columns)}
    return CliRunner(env=environment).invoke(main, ["losses", *arguments], catch_exceptions=False)


@pytest.mark.parametrize("columns", [None, 80, 120])
def test_the_table_has_a_whole_line_for_every_loss_within_the_width(columns):
    result = kerasal(columns=columns)
    assert result.exit_code == 0
    table, legend = result.stdout.split("\n\n")
    assert all(len(line) <= 80 for line in result.stdout.splitlines())
    assert "\x1b" not in result.stdout
    rows = [re.split(r" {2,}", line.strip()) for line in table.splitlines()[1:]]
    expected = []
    for name, info in LOSSES.items():
        parameter = [f"{info.parameter} {info.default:g}"] if info.parameter else []
        row = [name, info.loss.__name__, info.loss.family, info.equation or "-", info.ground_truth]
        expected.append([*row, *parameter, f"{info.coefficient:g}"])
    assert rows == expected
    assert ["kld", "KLD", "distribution", "5", "density", "10"] in rows
    assert ["sig-mse", "SigmoidMSE", "pixel", "4", "density", "lam 0.55", "1"] in rows
    assert ["sim", "SIM", "saliency", "-", "density", "1"] in rows
    assert "kerasal losses SPEC" in legend


def test_a_narrow_terminal_breaks_words_and_loses_none():
    narrow, wide = (sorted(re.sub(r"\s+", "", kerasal(columns=width).stdout)) for width in (40, 80))
    assert "".join(narrow) == "".join(wide)  # letter by letter, as the parts of words stand below each other
    assert "…" not in narrow


def test_a_spec_is_explained_term_by_term():
    result = kerasal(" kld + 0.5*sig-mse(0.25)+nss")
    assert result.exit_code == 0
    blocks = [[line.strip() for line in block.splitlines()] for block in result.stdout.split("\n\n")]
    assert blocks[0] == ["10*kld+0.5*sig-mse(0.25)+nss"]
    assert blocks[1] == [
        "10 * kld  (KLD, distribution, eq. 5)",
        "sum dist(S) log(dist(S) / dist(P))",
        "needs density, best value 0",
    ]
    assert blocks[2] == [
        "0.5 * sig-mse  (SigmoidMSE, pixel, eq. 4)",
        "mean w (S - P)^2, w = k / (1 + exp(-k (S - lam))), k = 10; lam = 0.25",
        "needs density, best value 0",
    ]
    assert blocks[3][2] == "needs fixations, best value depends on the image"
    assert blocks[4] == ["Needs fixations: yes.", "Output activation in training: sigmoid."]


def test_a_loss_that_the_paper_does_not_have_is_said_to_be_none_of_its():
    blocks = [
        [line.strip() for line in block.splitlines()] for block in kerasal("kld+sim").stdout.split("\n\n")
    ]
    assert blocks[1][0].endswith("eq. 5)")
    assert blocks[2] == [
        "1 * sim  (SIM, saliency, not in the paper)",
        "-sum min(dist(S), dist(P))",
        "needs density, best value -1",
    ]


def test_a_combination_is_explained_by_its_terms():
    result = kerasal("lc2")
    terms = re.findall(r"^(\d+) \* ([\w-]+)  ", result.stdout, re.MULTILINE)
    assert [(int(coefficient), name) for coefficient, name in terms] == [
        (10, "kld"), (2, "cc"), (1, "nss"), (1, "df"), (1, "gm"), (1, "sig-mse"), (1, "r")
    ]  # fmt: skip
    assert all(len(line) <= 80 for line in result.stdout.splitlines())


def test_the_activation_is_the_one_that_training_chooses():
    assert "training: relu" in kerasal("sig-mse+r").stdout
    assert "Needs fixations: no" in kerasal("sig-mse+r").stdout


@pytest.mark.parametrize("spec", ["kdl", "", "-1*nss+cc", "-x", "kld+", "kld(1)", "sig-mse(2)"])
def test_a_bad_spec_gets_the_parsers_own_message_and_status_2(spec):
    result = kerasal(spec)
    with pytest.raises(losses.SpecError) as caught:
        losses.parse(spec)
    assert result.exit_code == 2
    assert result.stderr == f"Error: {caught.value}\n"
    assert result.stdout == ""
