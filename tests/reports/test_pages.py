"""The pages of reports: axes that one outlier does not flatten, sentences that are right, tables that fit."""

import json
import math
import re

import numpy as np
import pytest
from browser import chromium, errors

from kerasal.evaluation import Scores, tables
from kerasal.metrics import METRICS
from kerasal.reports import axis_range, html_page, html_table, ticks
from kerasal.reports.page import HERE, with_contents
from kerasal.table1.folder import Table1Folder
from kerasal.table1.plot import interval_plot
from kerasal.table1.report import report_page
from kerasal.table1.results import Results


def results(folder, means, images=12, metrics=("cc", "kld"), spread=0.01):
    """A comparison whose systems score their mean, label -> metric -> mean, give or take `spread`."""
    random = np.random.default_rng(0)
    comparison = Table1Folder(folder)
    comparison.make("config.json")
    data = {"name": "photos", "description": "some photographs", "train": 9}
    comparison.write_json(
        "config.json",
        {"schema": 1, "data": data, "split": "test", "metrics": list(metrics), "stimuli": []},
    )
    for label, values in means.items():
        kind = "reference" if label == "center-bias" else "network"
        facts = {"name": label, "label": label, "kind": kind, "competes": True, "model": None, "loss": None}
        scores = {key: values[key] + spread * random.standard_normal(images) for key in metrics}
        names = tuple(f"p{number}" for number in range(images))
        comparison.write_system({**facts, "trained_on": "photos", "identity": label}, Scores(names, scores))
    return Results.read(comparison)


MEANS = {
    "center-bias": {"cc": 0.3, "kld": 1.3},
    "better": {"cc": 0.7, "kld": 0.7},
    "worse": {"cc": 0.1, "kld": 1.5},
    "alike": {"cc": 0.3, "kld": 1.25},
    "broken": {"cc": 0.2, "kld": 18.0},
}


@pytest.mark.parametrize(
    ("low", "high", "expected"),
    [
        (0, 1, [0, 0.2, 0.4, 0.6, 0.8, 1]),
        (0.41, 0.88, [0.5, 0.6, 0.7, 0.8]),
        (-23, 2, [-20, -15, -10, -5, 0]),
        (0.001, 0.0042, [0.001, 0.002, 0.003, 0.004]),
        (3, 3, [3]),
    ],
)
def test_ticks_are_round_and_within(low, high, expected):
    assert ticks(low, high) == pytest.approx(expected)


def test_ticks_are_two_to_six_multiples_of_1_2_or_5_for_any_range():
    random = np.random.default_rng(0)
    for _ in range(300):
        low = random.normal() * 10 ** random.uniform(-3, 3)
        high = low + 10 ** random.uniform(-3, 3)
        found = ticks(low, high)
        assert 2 <= len(found) <= 6
        assert low - 1e-9 * abs(low) <= found[0]
        assert found[-1] <= high + 1e-9 * abs(high)
        step = found[1] - found[0]
        assert float(f"{step / 10 ** math.floor(math.log10(step) + 1e-6):.3g}") in (1, 2, 5)


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ([0.6, 1.1, 1.3, 1.3, 1.5], (0.6, 1.5)),
        ([0.6, 1.1, 1.3, 1.3, 1.5, 18.0], (0.6, 1.5)),
        ([18.0, 1.1, -70.0, 1.3, 0.6, 1.5], (0.6, 1.5)),  # the farther one first
        ([0.0, 1.0, 2.0, 8.0], (0, 8)),  # four times as long, and no more
        ([0.0, 1.0, 2.0, 8.1], (0, 2)),
        ([1.0, 1.0, 1.0, 1.0, 9.0], (1, 9)),  # where all others are equal there is nothing to flatten
        ([1.0, 2.0, 90.0], (1, 90)),
        ([3.0], (3, 3)),
    ],
)
def test_an_axis_leaves_out_what_would_flatten_the_others(values, expected):
    assert axis_range(values) == expected


def test_one_outlier_is_marked_at_the_border_and_the_others_use_the_plot(tmp_path):
    plot = interval_plot(results(tmp_path, MEANS), "kld")
    at = {name: float(x) for x, name in re.findall(r'<circle[^>]*cx="([\d.]+)"[^>]*><title>([\w-]+):', plot)}
    assert set(at) == {"center-bias", "better", "worse", "alike"}
    assert max(at.values()) - min(at.values()) > 80  # pixels of 250; flattened they would have 14
    (beyond,) = re.findall(
        r'class="system beyond"[^>]*><title>([^<]+)</title></path><text[^>]*>([^<]+)<', plot
    )
    assert beyond[0].startswith("broken: 1")
    assert float(beyond[1]) == pytest.approx(18, abs=0.1)
    assert plot.count('class="axis"') >= 2


def test_behind_and_not_told_apart_are_two_things(tmp_path):
    found = results(tmp_path, MEANS).findings()
    behind = next(line for line in found if line.startswith("Significantly behind the centre bias"))
    open_ = next(line for line in found if line.startswith("Not told apart from the centre bias"))
    assert behind.endswith(": broken, worse.")
    assert open_.endswith(": alike.")
    assert not any("better" in line for line in (behind, open_))


def test_systems_that_share_the_lowest_mean_place_are_all_called_best(tmp_path):
    means = {"sharp": {"cc": 0.7, "kld": 0.9}, "smooth": {"cc": 0.6, "kld": 0.5}, "last": MEANS["broken"]}
    found = results(tmp_path, means)
    assert found.best == "sharp"
    said = r"Best by the mean place over all metrics: sharp, CC 0\.[67].* and smooth, CC 0\.[56].*\)\."
    assert re.fullmatch(said, found.findings()[0])


@pytest.mark.parametrize(("images", "words"), [(5, "5 images are too few"), (1, "1 image is too few")])
def test_with_fewer_than_six_images_no_test_is_quoted(tmp_path, images, words):
    comparison = results(tmp_path, MEANS, images=images)
    text = " ".join(comparison.findings())
    assert words in text
    assert "ignificantly" not in text
    assert "told apart" not in text
    assert "nan" not in text
    assert comparison.title == f"5 systems on photos, test split, {words.split(' is')[0].split(' are')[0]}"


def test_a_comparison_without_cc_says_what_it_can(tmp_path):
    assert results(tmp_path, MEANS, metrics=("kld",)).findings() == [
        "Best by the mean place over all metrics: better."
    ]


def test_markdown_prints_the_names_in_its_headings_as_they_are(tmp_path):
    loss = "10*kld+2*cc"
    text = results(tmp_path, {loss: MEANS["better"], "b": MEANS["worse"]}).document(tables.markdown)
    (heading,) = (line for line in text.splitlines() if "difference from" in line)
    assert r"difference from 10\*kld+2\*cc; intervals" in heading


def test_the_contents_lead_to_every_section():
    page = with_contents("<header></header><main><h2>One</h2><h2>Two &amp; more</h2></main>")
    links = re.findall(r'<a href="#([\w-]+)">(.*?)</a>', page)
    assert [text for _, text in links] == ["One", "Two &amp; more"]
    for place, text in links:
        assert f'<h2 id="{place}">{text}</h2>' in page
    assert page.index("<nav") < page.index("<main>")


@pytest.mark.ci
def test_every_column_is_in_a_window_of_1280_pixels_and_the_first_stays_on_a_phone(tmp_path):
    means = {
        label: {key: 0.5 for key in METRICS} for label in (*MEANS, "a network of a long name (variant 2)")
    }
    page = report_page(results(tmp_path / "c", means, metrics=tuple(METRICS)), [])
    header = [
        "loss",
        "family",
        *[f"{metric.name} ↑" for metric in METRICS.values()][:7],
        "mean place ↓",
        "learning rate",
    ]
    row = [
        "10*kld+2*cc+nss+df+gm (untrained)",
        "combination",
        *["0.684 ± 0.013"] * 5,
        *["14.690 ± 0.213"] * 2,
        "12.3",
        "0.0003",
    ]
    wide = html_table(tables.Table("of a quest", header, [[tables.Cell(text) for text in row]] * 3, names=2))
    style = (HERE / "style.css").read_text(encoding="utf-8")
    head = f"<meta charset=utf-8><meta name=viewport content='width=device-width'><style>{style}</style>"
    quest = f"<!doctype html>{head}<main>{wide}</main>"
    with chromium(tmp_path / "profile") as browser:
        for name, text in (("comparison", page), ("quest", quest)):
            file = tmp_path / f"{name}.html"
            file.write_text(text, encoding="utf-8")
            for width in (1280, 1920, 390):
                size = {"width": width, "height": 900, "deviceScaleFactor": 1, "mobile": width < 600}
                browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", size)
                browser.get(file.as_uri())
                assert browser.execute_script("return document.documentElement.scrollWidth") <= width
                hidden, left = browser.execute_script(
                    "const box = document.querySelector('.scroll'); box.scrollLeft = 200;"
                    "const cell = box.querySelector('tbody td').getBoundingClientRect();"
                    "return [box.scrollWidth - box.clientWidth, cell.left - box.getBoundingClientRect().left]"
                )
                assert abs(left) < 1
                assert width < 600 or hidden <= 0, (name, width, hidden)
            assert errors(browser) == []


def test_what_a_script_reads_ends_no_element_and_begins_none_whatever_a_name_holds():
    """Within a script `</script` ends it, and `<!--<script` keeps the next end from doing so."""
    data = {"names": ["</script><b>", "<!--<script>", "\"quoted\" & 'so'"]}
    page = html_page("title", "", [], "", {}, "settings", data=data)
    text = re.search(r'<script type="application/json" id="data">(.*)</script>', page)[1]
    assert "<" not in text
    assert json.loads(text) == data
    assert 'id="data"' not in html_page("title", "", [], "", {}, "settings")
