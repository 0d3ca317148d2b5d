"""Tables: what is marked, what is escaped, what stands in them."""

import re

import numpy as np
import pytest

from kerasal.evaluation import Scores, compare, tables


@pytest.fixture
def comparison():
    random = np.random.default_rng(0)
    means = {
        "run_a|x": (0.81, 1.0),
        "b&c 50%": (0.79, 0.5),
        "d": (0.78, 0.7),
        "e": (0.2, 2.0),
        "people": (0.9, 0.1),
    }
    scores = {
        name: Scores(
            [str(i) for i in range(30)],
            {"cc": cc + random.normal(0, 1e-4, 30), "kld": kld + random.normal(0, 1e-4, 30)},
        )
        for name, (cc, kld) in means.items()
    }
    return compare(scores, unranked=["people"])


def test_best_is_bold_second_and_third_are_italic_as_in_the_paper(comparison):
    marks = {row[0].text: [cell.mark for cell in row[1:]] for row in tables.means(comparison).rows}
    assert marks == {
        "run_a|x": ["bold", "italic"],
        "b&c 50%": ["italic", "bold"],
        "d": ["italic", "italic"],
        "e": ["", ""],
        "people": ["", ""],
    }


def test_a_system_without_competition_is_not_marked():
    scores = {name: Scores(["a", "b"], {"cc": np.array([0.1, 0.2])}) for name in ("net", "people")}
    comparison = compare(scores, unranked=["people"])
    assert not any(cell.mark for row in tables.means(comparison).rows for cell in row)


def test_markdown_has_one_cell_for_each_column_whatever_a_name_holds(comparison):
    lines = tables.markdown(tables.means(comparison)).splitlines()
    assert lines[0] == "| system | CC ↑ | KLD ↓ |"
    assert lines[1] == "| --- | ---: | ---: |"
    assert lines[2] == r"| run_a\|x | **0.810 ± 0.000** | *1.000 ± 0.000* |"
    assert {len(re.findall(r"(?<!\\)\|", line)) for line in lines} == {4}


def test_markdown_prints_names_as_they_are():
    names = ["10*kld+2*cc", "run_a", "_b_", "a[1]", "<b>"]
    scores = {name: Scores(["a", "b"], {"cc": np.array([0.1, 0.2])}) for name in names}
    text = tables.document("10*kld", compare(scores), tables.markdown)
    assert text.startswith(r"10\*kld: mean")
    for printed in (r"10\*kld+2\*cc", "run_a", r"\_b\_", r"a\[1\]", r"\<b>"):
        # Each name once in the means, marked as second or best, and once among the differences.
        assert re.search(rf"^\| {re.escape(printed)} \|", text, re.MULTILINE), printed


def test_latex_escapes_what_has_a_meaning_there(comparison):
    text = tables.latex(tables.means(comparison))
    assert r"run\_a|x & \textbf{0.810 $\pm$ 0.000} & \textit{1.000 $\pm$ 0.000} \\" in text
    assert r"b\&c 50\% & \textit{0.790 $\pm$ 0.000} & \textbf{0.500 $\pm$ 0.000} \\" in text
    assert text.startswith("\\begin{tabular}{lrr}\n")


def test_differences_hold_interval_and_p_value_of_every_system_but_the_reference(comparison):
    table = tables.differences(comparison)
    assert table.title == (
        "difference from run_a|x; intervals over images; p corrected by Holm for 4 comparisons"
    )
    assert [row[0].text for row in table.rows] == ["b&c 50%", "", "d", "", "e", "", "people", ""]
    first = [cell.text for cell in table.rows[0]]
    assert first[1:3] == ["CC ↑", "-0.020"]
    assert first[4:] == ["<0.0001", "<0.0001", "30"]
    assert r"& $-$0.020 & $-$0.02" in tables.latex(table)


def test_what_is_not_known_is_a_dash_and_a_rounded_zero_has_no_sign():
    scores = {name: Scores(["a"], {"nss": np.array([value])}) for name, value in (("a", 1e-9), ("b", -1e-9))}
    comparison = compare(scores)
    assert [cell.text for cell in tables.details(comparison, "b").rows[0]] == [
        "NSS ↑",
        "0.000",
        "–",
        "–",
        "1",
        "0",
    ]
    assert [cell.text for cell in tables.means(comparison).rows[1]] == ["b", "0.000"]
    assert tables.differences(comparison).rows[0][2].text == "0.000"


def test_of_several_seeds_the_p_value_over_both_stands_beside_wilcoxons():
    random = np.random.default_rng(0)
    scores = {name: [Scores(list("abcdef"), {"cc": random.random(6)}) for _ in range(3)] for name in "xy"}
    comparison = compare(scores)
    table = tables.differences(comparison)
    assert table.title == (
        "difference from x; intervals over images and 3 seeds; p corrected by Holm for 1 comparison"
    )
    row = dict(zip(table.header, [cell.text for cell in table.rows[0]], strict=True))
    difference = comparison.differences["y"]["cc"]
    assert row["p (images and seeds)"] == f"{difference.p_seeds:.4f}"
    assert row["p (corrected)"] == f"{max(difference.p_value, difference.p_seeds):.4f}"


def test_a_difference_is_bold_where_the_corrected_test_tells_it_apart():
    names = [str(image) for image in range(30)]
    slightly, not_at_all = np.linspace(-1, 1.9, 30), np.linspace(-1, 1.001, 30)
    values = {"a": np.zeros(30), "b": np.linspace(1, 2, 30), "c": slightly}
    values |= {f"d{index}": not_at_all for index in range(10)}
    comparison = compare({name: Scores(names, {"cc": scores}) for name, scores in values.items()})
    assert comparison.differences["c"]["cc"].p_value < 0.05
    assert comparison.differences["c"]["cc"].interval[0] > 0
    marks = {row[0].text: row[1].mark for row in tables.difference_matrix(comparison, "loss").rows}
    assert {name for name, mark in marks.items() if mark == "bold"} == {"b"}


def test_a_difference_without_an_interval_or_without_digits_is_printed_as_in_every_table():
    def row(*values):
        scores = {
            name: Scores([str(i) for i in range(len(of_system))], {"cc": np.array(of_system)})
            for name, of_system in zip(("first", "other"), values, strict=True)
        }
        return tables.difference_matrix(compare(scores)).rows[0][1].text

    assert row([0.5], [0.7]) == "+0.200"  # of one image there is no interval
    assert row([np.nan, 0.5], [0.5, np.nan]) == "–"
    assert row([0.5] * 9, [0.5 - 1e-12] * 9) == "0.000 [0.000, 0.000]"
