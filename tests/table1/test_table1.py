"""`kerasal compare`: what is scored, what is kept, the paper's Table 1, the report."""

import csv
import html
import json
import re
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from browser import chromium, errors
from command_line import invoke
from conftest import write_photo, write_photo_folder

from kerasal import data, evaluation, table1
from kerasal.classical import CLASSICAL
from kerasal.errors import InputError
from kerasal.evaluation import Scores, tables
from kerasal.prediction import NAMED, Source
from kerasal.quest import paper
from kerasal.table1.folder import stem

METRICS = ["cc", "auc_judd", "nss"]


class Brightness:
    name = "sam-vgg"

    def saliency_maps(self, stimuli):
        return [stimulus.mean(axis=2, dtype="float32") / 255 for stimulus in stimuli]


@pytest.fixture(scope="module", autouse=True)
def classical_models_alone(tmp_path_factory):
    """No trained networks: neither those that come with kerasal nor what was downloaded here."""
    with pytest.MonkeyPatch.context() as patch:
        for name in set(NAMED) - set(CLASSICAL):
            patch.delitem(NAMED, name)
        patch.setenv("KERASAL_CACHE", str(tmp_path_factory.mktemp("cache")))
        yield


@pytest.fixture(scope="module")
def dataset(tmp_path_factory):
    """Nine photographs that every classical model takes."""
    folder = tmp_path_factory.mktemp("data") / "large"
    random = np.random.default_rng(0)
    for number in range(9):
        write_photo(folder / "images" / f"p{number}.jpg", (130, 150), seed=number)
        (folder / "fixations").mkdir(exist_ok=True)
        lines = ["x,y,observer"]
        lines += [
            f"{random.normal(75, 20) % 150:.1f},{random.normal(65, 20) % 130:.1f},{observer}"
            for observer in range(3)
            for _ in range(6)
        ]
        (folder / "fixations" / f"p{number}.csv").write_text("\n".join(lines) + "\n")
    return data.load(str(folder))


@pytest.fixture(scope="module")
def weights(tmp_path_factory):
    """A stand-in for a weights file."""
    path = tmp_path_factory.mktemp("weights") / "w.h5"
    path.write_bytes(b"first")
    return path


def run(dataset, folder, *models, **options):
    """The results, and the systems that were scored."""
    scored = []

    def progress(items, text):
        scored.append(text.split(":")[0])
        return items

    options = {"split": "all", "metrics": METRICS, "processes": 1, **options}
    return table1.run(dataset, folder, models, progress=progress, **options), scored


@pytest.fixture(scope="module")
def finished(dataset, tmp_path_factory):
    folder = tmp_path_factory.mktemp("comparison") / "c"
    return folder, *run(dataset, folder)


def test_all_that_can_run_is_scored_as_evaluate_scores_it(finished, dataset):
    _, results, scored = finished
    titles = [entry.title for entry in CLASSICAL.values()]
    assert list(results.systems) == [*titles, "center-bias", "half-observers", "observers"]
    assert sorted(scored) == sorted(results.systems)
    alone = evaluation.evaluate([evaluation.model("gbvs")], dataset, "all", metrics=METRICS)
    for metric in METRICS:
        np.testing.assert_allclose(
            results.scores["GBVS"].values[metric], alone.scores["gbvs"].values[metric], rtol=1e-12
        )
    assert all(line.split()[1] == "needs" for line in results.missing)
    assert {line.split()[0] for line in results.missing} >= {"baseline", "sam-vgg", "sam-resnet"}


def test_the_files_hold_the_same_numbers(finished):
    folder, results, _ = finished
    values = json.loads((folder / "results.json").read_text())
    with open(folder / "results.csv", newline="") as file:
        rows = {row["system"]: row for row in csv.DictReader(file)}
    assert list(rows) == list(values["systems"]) == list(results.systems)
    with open(folder / "systems/gbvs.csv", newline="") as file:
        by_hand = np.mean([float(row["nss"]) for row in csv.DictReader(file)])
    assert float(rows["GBVS"]["nss"]) == pytest.approx(by_hand, rel=1e-12)
    assert values["systems"]["GBVS"]["metrics"]["nss"]["mean"] == pytest.approx(by_hand, rel=1e-12)
    assert values["reference"] == "center-bias"
    assert "AWS (re-implemented)" in (folder / "results.md").read_text()
    assert r"\begin{tabular}" in (folder / "results.tex").read_text()


def test_what_could_not_run_is_printed_in_markdown_as_it_is(finished):
    results = replace(finished[1], failed=("10*kld|x [1]: no map of <b>_",))
    shown = r"Not run: 10\*kld\|x \[1\]: no map of \<b>\_"
    assert shown in results.document(tables.markdown).splitlines()
    assert "% Not run: 10*kld|x [1]: no map of <b>_" in results.document(tables.latex, "% ").splitlines()


def test_a_second_call_scores_only_what_is_new_or_has_changed(finished, dataset, weights, monkeypatch):
    folder = finished[0]
    facts = {"model": "sam-vgg", "trained_on": "x"}
    loaded = []
    source = Source("bright", "brightness", lambda _: loaded.append(1) or Brightness(), facts, (weights,))
    monkeypatch.setitem(NAMED, "bright", source)
    results, scored = run(dataset, folder)
    assert scored == ["bright"]
    assert list(results.systems).index("bright") == len(CLASSICAL)  # behind them, before the reference lines
    assert not any(line.startswith("sam-vgg ") for line in results.missing)
    assert results.printed["Sam-VGG"] == ["bright"]
    assert loaded == [1]
    assert run(dataset, folder)[1] == []
    assert loaded == [1]  # nothing is scored or drawn with it
    weights.write_bytes(b"second")
    assert run(dataset, folder)[1] == ["bright"]
    monkeypatch.delitem(NAMED, "bright")
    results, scored = run(dataset, folder)  # what was scored stays
    assert (scored, "bright" in results.systems) == ([], True)


def test_runs_of_one_name_are_all_systems_in_any_order(dataset, tmp_path, monkeypatch):
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")
    config = {
        "schema": 1,
        "loss": "mse",
        "model": "baseline",
        "model_options": {},
        "precision": "float32",
        "options": {},
        "cache_features": True,
        "data": {"arguments": {}, "fingerprint": "", "limit": None},
    }
    runs = ["../old/first", "first", "../new/first", "gbvs"]
    for number, run in enumerate(map(Path, runs)):
        run.mkdir(parents=True)
        (run / "config.json").write_text(json.dumps(config))
        (run / "best.weights.h5").write_bytes(bytes([number]))
    runs[-1] = "run:gbvs"
    alone = table1.entries(dataset, dataset["test"])
    identities = {entry.facts["identity"] for entry in alone}
    for order in (runs, runs[::-1], [runs[1], runs[0], runs[2], runs[3]]):
        found = table1.entries(dataset, dataset["test"], [*order, order[0], str(Path(runs[1]).resolve())])
        others = [entry.facts["identity"] for entry in found if entry.facts["identity"] not in identities]
        assert (len(set(others)), len(found)) == (4, len(alone) + 4)


def test_a_system_that_was_stopped_is_scored_again(finished, dataset):
    folder = finished[0]
    (folder / "systems/aws.json").unlink()
    (folder / ".x.partial").write_text("")
    assert run(dataset, folder)[1] == ["AWS (re-implemented)"]
    assert not list(folder.rglob(".*"))


def test_other_settings_and_another_kind_of_folder_are_refused(finished, dataset, tmp_path):
    folder = finished[0]
    with pytest.raises(InputError, match=r"other settings: metrics .*cc"):
        run(dataset, folder, metrics=["cc"])
    with pytest.raises(InputError, match="other data"):
        run(dataset.limited(1), folder, stimuli=finished[1].config["stimuli"][:1], split="all")
    with pytest.raises(InputError, match="other data"):
        run(dataset.limited(1), folder)
    train, validation, test = dataset.splits.values()  # the same images in the same order, split elsewhere
    longer = {"train": train + validation, "validation": [], "test": test}
    with pytest.raises(InputError, match="other data"):
        run(dataset.with_splits(longer), folder)
    (tmp_path / "config.json").write_text('{"schema": 1, "losses": []}')
    with pytest.raises(InputError, match="holds no comparison"):
        run(dataset, tmp_path)


@pytest.mark.ci
def test_maps_of_other_programs_are_systems_and_scored_anew_when_they_change(dataset, tmp_path):
    folder = tmp_path / "theirs"
    folder.mkdir()
    for sample in dataset["all"]:
        np.save(folder / f"{sample.name}.npy", sample.read_stimulus().mean(axis=2, dtype="float32"))
    results, _ = run(dataset, tmp_path / "c", maps=[folder])
    (expected,) = evaluation.evaluate(
        [evaluation.MapFolder(folder)], dataset, "all", metrics=METRICS
    ).scores.values()
    for key in METRICS:
        np.testing.assert_allclose(results.scores[str(folder)].values[key], expected.values[key])
    assert "theirs" in (tmp_path / "c/report.html").read_text()
    assert run(dataset, tmp_path / "c", maps=[folder])[1] == []
    first = folder / f"{dataset['all'][0].name}.npy"
    np.save(first, np.load(first)[::-1])
    assert run(dataset, tmp_path / "c", maps=[folder])[1] == [str(folder)]
    first.unlink()
    results, _ = run(dataset, tmp_path / "c", maps=[folder])
    assert any("has no map for 1 of 9 stimuli" in line for line in results.missing)
    with pytest.raises(InputError, match="nowhere"):
        run(dataset, tmp_path / "c", maps=[tmp_path / "nowhere"])


def test_images_too_small_for_a_model_are_named_and_the_others_go_on(tmp_path):
    small = data.load(str(write_photo_folder(tmp_path / "photos")))  # 60x90 and 80x50
    results, _ = run(small, tmp_path / "c", split="test", stimuli=[small["test"][0].name])
    assert {"AWS (re-implemented)", "RARE2012 (re-implemented)", "center-bias"} <= set(results.systems)
    (line,) = [line for line in results.missing if line.startswith("GBVS: ")]
    assert re.fullmatch(r"GBVS: p\d: gbvs needs an image of at least 128x128, got \d+x\d+", line)


def test_wrong_names_are_one_line_and_leave_nothing(dataset, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "GBVS").mkdir()
    np.save(tmp_path / "GBVS/p0.npy", np.ones((2, 2)))
    for arguments, words in (
        ({"metrics": ["auc"]}, "'auc': of cc"),
        ({"stimuli": ["nobody"]}, "no stimulus 'nobody'"),
        ({"split": "exam"}, "unknown split 'exam'"),
        ({"split": "test", "stimuli": [dataset["train"][0].name]}, "not in the test split"),
        ({"maps": ["GBVS"]}, "two systems are called GBVS"),
    ):
        with pytest.raises(InputError, match=words):
            run(dataset, tmp_path / "c", **arguments)
    with pytest.raises(InputError, match="nowhere is neither"):
        run(dataset, tmp_path / "c", "nowhere")
    assert not (tmp_path / "c").exists()


def test_table_1_is_the_papers(shared):
    text = (shared / "paper/quest-for-the-loss-function.txt").read_text()
    for row, values in paper.TABLE_1.items():
        assert "\t".join([row, *(f"{value:.2f}" for value in values)]) in text, row
    header = text[: text.index("\nItti\t0.28")].splitlines()[-1]
    order = [header.index(name) for name in ("CC", "SIM", "AUC-J", "AUC-B", "NSS")]
    assert order == sorted(order)


@pytest.mark.parametrize(
    ("model", "loss", "row"),
    [
        ("itti", None, "Itti"),
        ("itti-1998", None, "Itti"),
        ("rare2012", None, "Rare2012"),
        ("sam-resnet", None, "Sam-ResNet"),
        ("salgan", None, "SalGan"),
        ("shallownet", "mse", "ShallowNet"),
        ("deepconvnet", None, "DeepConvNet"),
        ("baseline", "mse", "Our model"),
        ("baseline", "kld", None),
        ("mlnet", None, None),
    ],
)
def test_a_model_stands_in_its_row_of_table_1(model, loss, row):
    assert paper.table_1_row(model, loss) == row


def test_the_papers_own_numbers_agree_with_the_paper(finished):
    results = finished[1]
    fake = {
        label: Scores(["a", "b"], {"cc": np.full(2, paper.TABLE_1.get(row, (0.1,))[0])})
        for label, row in (
            (label, paper.table_1_row(facts["model"] or "none")) for label, facts in results.systems.items()
        )
    }
    own = replace(results, scores=fake)
    # Of the 24 orders of four systems two agree as well, this one and its reverse.
    assert own.agreement()["cc"] == pytest.approx(
        {"spearman": 1, "spearman_p": 0, "kendall": 1, "kendall_p": 2 / 24, "systems": 4}
    )


def test_names_become_files_that_differ():
    assert stem("gbvs") == "gbvs"
    assert stem("a*b") != stem("a-b") == "a-b"
    assert "/" not in stem("runs/a")


def test_the_report_holds_all_it_needs(finished):
    page = (finished[0] / "report.html").read_text()
    assert not re.search(r"(?:src|href)=[\"'](?!data:|#)", page)
    for entry in CLASSICAL.values():
        assert html.escape(entry.exact) in page
    assert len(list((finished[0] / "systems/gbvs").iterdir())) == 3
    assert page.count('alt="GBVS: CC ') == 3


def test_other_stimuli_are_shown_without_scoring_again(finished, dataset):
    folder, results, _ = finished
    other = next(s.name for s in dataset.samples if s.name not in results.config["stimuli"])
    assert run(dataset, folder, stimuli=[other])[1] == []
    assert (folder / "report.html").read_text().count('alt="GBVS: CC ') == 1
    assert run(dataset, folder)[0].config["stimuli"] == [other]
    run(dataset, folder, stimuli=results.config["stimuli"])


@pytest.mark.ci
def test_the_report_works_in_a_browser(finished, tmp_path):
    address = (finished[0] / "report.html").as_uri()
    with chromium(tmp_path / "wide") as browser:
        browser.get(address)
        assert browser.execute_script(
            "return document.images.length > 0 && [...document.images].every(i => i.naturalWidth > 0)"
        )
        column = (
            "return [...document.querySelector('table tbody').rows]"
            ".map(r => parseFloat(r.cells[2].textContent))"
        )
        browser.find_elements("css selector", "table.sortable th button")[2].click()
        values = browser.execute_script(column)
        assert values == sorted(values, reverse=True)
        assert len(browser.find_elements("css selector", "svg.intervals")) == len(METRICS)
        # No text is cut off at the left border of a plot.
        assert browser.execute_script(
            "return [...document.querySelectorAll('svg.intervals text')].every(t => t.getBBox().x >= 0)"
        )
        assert errors(browser) == []
        phone = {"width": 390, "height": 800, "deviceScaleFactor": 1, "mobile": True}
        browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", phone)
        dark = {"features": [{"name": "prefers-color-scheme", "value": "dark"}]}
        browser.execute_cdp_cmd("Emulation.setEmulatedMedia", dark)
        assert browser.execute_script("return document.documentElement.scrollWidth") <= 390
        assert browser.execute_script("return getComputedStyle(document.body).backgroundColor") == (
            "rgb(20, 23, 28)"
        )


def test_the_command_prints_the_table_and_what_did_not_run(dataset, tmp_path):
    command = ("compare", "--data", dataset.arguments["data_dir"], "--limit", "2", "-o", tmp_path / "c")
    result = invoke(*command, "--metrics", "cc,nss", "--processes", "1")
    assert result.exit_code == 0, result.output
    assert "GBVS" in result.stdout
    assert "not run: sam-vgg needs weights" in result.stdout
    assert str(tmp_path / "c" / "report.html") in result.stdout.replace("\n", "")
    refused = invoke(*command, "--metrics", "auc")
    assert (refused.exit_code, refused.stderr.count("Error")) == (2, 1)
