"""The quest: heads side by side, what is kept between calls, the paper's numbers, the report."""

import json
import os
import random
import re
import shutil
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import keras
import numpy as np
import pytest
import tensorflow as tf
from browser import chromium, errors
from conftest import without_fixations

from kerasal import data, losses, metrics, quest
from kerasal._files import held
from kerasal.errors import InputError
from kerasal.evaluation import Scores
from kerasal.evaluation.systems import as_it_is
from kerasal.models.backbones import build_backbone
from kerasal.quest import paper, scoring
from kerasal.quest.folder import QuestFolder, restored_head
from kerasal.quest.heads import Heads, build_head, first_head
from kerasal.quest.learning import train_heads
from kerasal.quest.progress import QuestProgress
from kerasal.quest.specs import LISTS, MODERN, called_as, in_order, slug
from kerasal.training import RunFolder
from kerasal.training.features import FeatureCache

METRICS = ["cc", "nss", "kld"]
SIZE = (32, 48)


def options():
    return quest.options(
        model="tiny", input_size=SIZE, epochs=2, batch_size=3, search_rates=[1e-2, 1e-3], ema=0.5
    )


@pytest.fixture(scope="module")
def finished(tiny_network, tmp_path_factory):
    dataset = data.load("synthetic").limited(6)
    folder = tmp_path_factory.mktemp("quest") / "q"
    specs = quest.parse_losses("mse, kld+cc+nss, cc, bce")
    lines = []
    results = quest.run(dataset, specs, options(), folder, metrics=METRICS, report=lines.append)
    return dataset, folder, results, lines


def stepped(specs, batches, tiny_size=SIZE):
    model_options = {"input_size": SIZE, "dropout": 0.3, "feature_dropout": 0.0, "initial_density": 0.05}
    heads = Heads(specs, model_options, options().training, np.full(SIZE, 0.05, "float32"))
    heads.train(batches, [1e-2] * len(specs), 1, 4, lambda: None)
    return {spec: heads.weights(index) for index, spec in enumerate(specs)}


@pytest.fixture
def some_batches():
    random = np.random.default_rng(0)
    features = random.random((4, 3, 16, 24, 4)).astype("float32")
    y_true = np.stack([random.random((4, 3, *SIZE)), random.random((4, 3, *SIZE)) < 0.02], -1)
    return tf.data.Dataset.from_tensor_slices((features, y_true.astype("float32")))


@pytest.mark.ci
def test_a_head_trained_beside_others_is_the_head_trained_alone(tiny_network, some_batches):
    specs = ["mse", "10*kld+2*cc+nss", "df", "gm"]
    together = stepped(specs, some_batches)
    for spec in specs:
        alone = stepped([spec], some_batches)[spec]
        # One large convolution may add in another order than several small ones.
        tolerance = 1e-4 if spec in ("df", "gm") else 2e-6  # of steps of some 1e-2
        for weight, other in zip(together[spec], alone, strict=True):
            np.testing.assert_allclose(weight, other, rtol=tolerance, atol=tolerance)


def test_heads_of_different_losses_start_alike_and_end_apart(tiny_network, some_batches):
    ended = stepped(["mse", "bce"], some_batches)
    assert not np.allclose(ended["mse"][0], ended["bce"][0])


def test_a_head_has_the_weights_of_its_seed_whatever_other_threads_draw(tiny_network, monkeypatch):
    model_options = {"input_size": SIZE, "dropout": 0.3, "initial_density": 0.05, "activation": "relu"}
    expected = build_head("tiny", model_options, 1, "float32").get_weights()
    plain, calls = keras.utils.set_random_seed, []

    def disturbed(seed):
        plain(seed)
        calls.append(seed)
        if len(calls) == 1:
            random.random()  # as another thread may

    monkeypatch.setattr(keras.utils, "set_random_seed", disturbed)
    first_head.cache_clear()
    found = build_head("tiny", model_options, 1, "float32").get_weights()
    assert len(calls) == 3
    for weight, other in zip(found, expected, strict=True):
        np.testing.assert_array_equal(weight, other)


def test_a_head_that_diverges_leaves_the_others_alone(tiny_network, some_batches):
    model_options = {"input_size": SIZE, "dropout": 0.0, "feature_dropout": 0.0, "initial_density": 0.05}
    heads = Heads(["mse", "kld"], model_options, options().training, np.full(SIZE, 0.05, "float32"))
    heads.heads[0].trainable_variables[0].assign(np.full((3, 3, 4, 8), np.nan))
    heads.train(some_batches, [1e-2, 1e-2], 1, 4, lambda: None)
    assert np.isnan(heads.weights(0)[0]).all()
    assert np.isfinite(heads.weights(1)[0]).all()


def test_a_head_whose_steps_are_all_left_out_stops_alone_with_the_weights_that_it_began_with(
    tiny_network, some_batches, monkeypatch
):
    class Poison(losses.MSE):
        """Finite values whose gradients are not: the derivative of a root at 0."""

        def call(self, y_true, y_pred):
            value = super().call(y_true, y_pred)
            return value + tf.sqrt(value * 0.0)

    monkeypatch.setattr("kerasal.quest.heads.MOST_LEFT_OUT", 4)  # steps an epoch here
    model_options = {"input_size": SIZE, "dropout": 0.0, "feature_dropout": 0.0, "initial_density": 0.05}
    chosen = options()
    heads = Heads(
        ["mse", "kld"], model_options, chosen.training, np.full(SIZE, 0.05, "float32"), precision="bfloat16"
    )
    heads.losses[0] = Poison()
    began = heads.weights(0)
    splits = SimpleNamespace(
        options=chosen,
        steps=4,
        validation=some_batches,
        train=lambda seed, epochs: some_batches.repeat(epochs),
    )
    (stuck, weights), (other, learned) = train_heads(heads, [1e-2, 1e-2], splits, 0, lambda _: lambda: None)
    assert (stuck["state"], len(stuck["history"])) == ("diverged", 1)
    assert (other["state"], len(other["history"])) == ("learned", chosen.training.epochs)
    for weight, before, of_other in zip(weights, began, learned, strict=True):
        np.testing.assert_array_equal(weight, before)
        assert np.isfinite(of_other).all()
    assert not np.array_equal(learned[0], began[0])


def test_a_head_whose_maps_are_constant_is_called_collapsed_in_plain_values(tiny_network, some_batches):
    model_options = {"input_size": SIZE, "dropout": 0.0, "feature_dropout": 0.0, "initial_density": 0.05}
    heads = Heads(["mse", "cc"], model_options, options().training, np.full(SIZE, 0.05, "float32"))
    for variable in heads.heads[0].trainable_variables:
        variable.assign(tf.zeros_like(variable))
    found = [each.collapsed for each in heads.validate(some_batches)]
    assert json.dumps(found) == "[true, false]"


def test_images_without_fixations_have_no_say_in_the_nss_of_the_validation_split(tiny_network, some_batches):
    model_options = {"input_size": SIZE, "dropout": 0.0, "feature_dropout": 0.0, "initial_density": 0.05}
    heads = Heads(["mse", "bce"], model_options, options().training, np.full(SIZE, 0.05, "float32"))
    (one, y_true), (short, without), *_ = some_batches
    without = tf.stack([without[:1, ..., 0], tf.zeros((1, *SIZE))], -1)  # a last batch of one image
    y_true = tf.concat([y_true[:2], tf.stack([y_true[2:, ..., 0], tf.zeros((1, *SIZE))], -1)], 0)
    found = heads.validate([(one, y_true), (short[:1], without)])
    for head, validation in zip(heads.heads, found, strict=True):
        maps = head(one)[..., 0].numpy().astype("float64")
        values = [
            metrics.nss(map_, fixated > 0)
            for map_, fixated in zip(maps[:2], y_true[:2, ..., 1].numpy(), strict=True)
        ]
        assert validation.values["nss"] == pytest.approx(np.mean(values), rel=1e-4)


@pytest.mark.ci
def test_a_metric_that_a_test_set_forbids_is_left_out_before_training(tiny_network, tmp_path):
    dataset = data.load("synthetic").limited(3)
    size = (2080, 2048)  # more cells than EMD takes
    large = data.Sample("large", size, lambda: np.zeros((*size, 3), np.uint8), (np.ones((2, 2)),), 24)
    other = data.Dataset("other", {"train": [], "validation": [], "test": [large]}, "", "")
    options = quest.options(model="tiny", input_size=SIZE, epochs=1, search_rates=[], start="none")
    lines = []
    asked = ("cc", "emd", "information_gain")
    results = quest.run(
        dataset, ["mse"], options, tmp_path / "q", tests=[other], metrics=asked, report=lines.append
    )
    assert lines[0] == "EMD is left out: large, 2080x2048, has 4160 cells of 32 pixels; 4096 at most"
    assert results.config["metrics"] == ["cc", "information_gain"]


def test_a_test_set_with_stimuli_that_were_learned_from_is_refused(tiny_network, tmp_path):
    dataset = data.load("synthetic").limited(3)
    for split in ("train", "validation"):
        samples = [dataset["test"][0], replace(dataset[split][1], name="elsewhere")]
        other = data.Dataset("other", {"train": [], "validation": [], "test": samples}, "", "")
        with pytest.raises(InputError, match=r"other cannot be .* on 1 of its stimuli, such as elsewhere"):
            quest.run(dataset, ["mse"], options(), tmp_path / "q", tests=[other], report=lambda _: None)
    assert not (tmp_path / "q").exists()


@pytest.mark.ci
def test_a_loss_that_collapses_behind_a_relu_searches_again_behind_a_sigmoid(
    tiny_network, tmp_path, monkeypatch
):
    made = []

    class Kept(QuestProgress):
        def __init__(self, *arguments):
            super().__init__(*arguments)
            made.append(self)

    monkeypatch.setattr(sys.modules["kerasal.quest.run"], "QuestProgress", Kept)
    dataset = data.load("synthetic").limited(6)
    # Rates at which a relu dies in one step and a sigmoid does not.
    rates = quest.options(model="tiny", input_size=SIZE, epochs=1, batch_size=3, search_rates=[3.0, 5.0])
    lines = []
    results = quest.run(dataset, ["ae", "bce"], rates, tmp_path / "q", metrics=METRICS, report=lines.append)
    tried = [trial["activation"] for trial in results.rates["ae"]["trials"]]
    assert tried[:4] == ["relu", "relu", "sigmoid", "sigmoid"]
    assert set(tried[4:]) <= {"sigmoid"}  # where the best lay at the edge
    assert results.heads[0]["ae"]["activation"] == "sigmoid"
    assert {trial["activation"] for trial in results.rates["bce"]["trials"]} == {"sigmoid"}
    assert any("once more behind a sigmoid: ae" in line for line in lines)
    for file in ("report.html", "results.md", "results.tex"):
        text = (tmp_path / "q" / file).read_text(encoding="utf-8")
        assert "behind a sigmoid)" in text
        assert "bce (behind" not in text
    # What was searched beyond the plan counts as work, so that time is left until the end.
    assert made[-1].done <= made[-1].work


def test_a_second_call_trains_nothing_and_a_new_loss_alone(finished, tmp_path):
    dataset, folder, results, _ = finished
    copy = tmp_path / "q"
    shutil.copytree(folder, copy)
    before = {path: path.stat().st_mtime_ns for path in copy.rglob("heads/*/*")}
    quest.run(dataset, quest.parse_losses("ae"), options(), copy, metrics=METRICS, report=lambda _: None)
    assert {path: path.stat().st_mtime_ns for path in before} == before
    again = quest.Results.read(copy)
    assert set(again.config["losses"]) == {*results.config["losses"], "ae"}


@pytest.mark.ci
def test_a_quest_that_grows_without_naming_its_test_sets_and_metrics_again(tiny_network, tmp_path):
    dataset, lines = data.load("synthetic").limited(3), []
    samples = [replace(sample, name=f"other-{sample.name}") for sample in data.load("synthetic")["test"][:2]]
    other = data.Dataset("other", {"train": [], "validation": [], "test": samples}, "", "")
    options = quest.options(model="tiny", input_size=SIZE, epochs=1, search_rates=[], start="none")

    def called(specs, **more):
        return quest.run(dataset, specs, options, tmp_path / "q", report=lines.append, **more)

    assert called(["mse"], tests=[other], metrics=["cc", "nss"]).tests == ["synthetic", "other"]
    results = called(["mse", "cc"], metrics=["nss"], seeds=2)
    assert results.tests == ["synthetic"]
    assert "other is left out, for not all is scored there: name it again with --test" in lines
    assert results.comparison("synthetic").metrics == ("nss",)
    results = called(["mse"], tests=[other], metrics=["cc", "nss"])
    assert results.tests == ["synthetic", "other"]
    assert set(results.comparison("other").summaries) == {"mse", "cc"}
    assert set(results.center_bias["other"].values) == {"cc", "nss"}


@pytest.mark.ci
def test_a_quest_on_a_mixture_ends_where_one_set_is_for_validation_and_test_alone(tiny_network, tmp_path):
    trained = data.load("synthetic").limited(3)
    splits = {
        split: [replace(sample, name=f"b-{sample.name}") for sample in data.load("synthetic")[split][3:5]]
        for split in ("validation", "test")
    }
    mixture = data.mix([trained, data.Dataset("b", {"train": [], **splits}, "", "")])
    options = quest.options(model="tiny", input_size=SIZE, epochs=1, search_rates=[], start="none")
    asked = ("cc", "information_gain")
    results = quest.run(mixture, ["mse"], options, tmp_path / "q", metrics=asked, report=lambda _: None)
    assert results.tests == ["synthetic+b", "synthetic", "b"]
    assert results.comparison("b").metrics == asked
    # The centre bias gains nothing over itself, which is the training images' that there are.
    assert results.center_bias["b"].values["information_gain"] == pytest.approx([0, 0], abs=1e-6)
    assert (tmp_path / "q" / "results.json").is_file()


@pytest.mark.ci
def test_a_quest_goes_on_from_the_weights_of_a_network_that_has_learned(finished, tmp_path):
    dataset, folder, before, _ = finished
    best = folder / "best"
    going_on = quest.options(
        model="tiny", input_size=SIZE, epochs=1, batch_size=3, learning_rate=1e-9, weights=str(best)
    )
    chosen = {"metrics": METRICS, "report": lambda _: None}
    results = quest.run(dataset, quest.parse_losses("bce, cc"), going_on, tmp_path / "q", **chosen)
    learned = RunFolder.open(best).load_model()
    then = before.folder.scores(0, "synthetic", before.best).values
    for spec in ("bce", "cc"):
        # At a rate of next to nothing a head stays where it began.
        weights = results.folder.weights(0, spec)
        for now, began in zip(weights, learned.head.trainable_variables, strict=True):
            np.testing.assert_allclose(now, began, atol=1e-6)
        # And so do its scores: its activation is the one that the weights were learned with, too.
        for key, values in results.folder.scores(0, "synthetic", spec).values.items():
            np.testing.assert_allclose(values, then[key], rtol=1e-3, atol=1e-4)
    assert "from the weights of best" in results.title("synthetic")
    of_no_network = replace(going_on, training=replace(going_on.training, weights="gbvs"))
    with pytest.raises(InputError, match="gbvs is no network"):
        quest.run(dataset, ["mse"], of_no_network, tmp_path / "p", **chosen)
    assert not (tmp_path / "p").exists()


@pytest.mark.ci
def test_a_quest_without_a_head_ends_with_the_same_results(finished, tmp_path):
    dataset, folder, _, _ = finished
    copy = tmp_path / "q"
    shutil.copytree(folder, copy)
    for path in [*copy.rglob("heads/0/cc.*"), *copy.rglob("scores/0/*/cc.csv"), copy / "rates/cc.json"]:
        path.unlink()
    lines = []
    quest.run(dataset, ["cc"], options(), copy, metrics=METRICS, report=lines.append)
    # Two rates, so that the best is at an edge; what searches beyond it is the head that is there.
    assert sum("preparing" in line for line in lines) == 1
    assert (copy / "results.md").read_text() == (folder / "results.md").read_text()
    for name in (
        "rates/cc.json",
        "heads/0/cc.json",
    ):  # to the digits that one large step and a small one share
        ours, theirs = (keras.tree.flatten(json.loads((path / name).read_text())) for path in (copy, folder))
        assert ours == [
            value if isinstance(value, str) else pytest.approx(value, rel=1e-4) for value in theirs
        ]


@pytest.mark.ci
def test_a_quest_on_another_backbone_ends_in_a_network_on_it(tmp_path):
    dataset = data.load("synthetic").limited(2)
    chosen = quest.options(
        backbone="efficientnet-lite2", input_size=SIZE, epochs=1, start="none", search_rates=[], batch_size=2
    )
    results = quest.run(dataset, ["kld"], chosen, tmp_path / "q", metrics=["cc"], report=lambda _: None)
    best = RunFolder.open(tmp_path / "q/best").load_model()
    assert best.get_config()["backbone"] == "efficientnet-lite2"
    stimulus = dataset["test"][0].read_stimulus()[None]
    features = build_backbone("efficientnet-lite2", SIZE, "imagenet")(stimulus.astype("float32"))
    folder = results.folder
    head = restored_head(results.config, 0, folder.head(0, "kld"), folder.weights(0, "kld"))
    maps = head(features)
    np.testing.assert_allclose(best(stimulus), maps, rtol=1e-4, atol=1e-6)


@pytest.mark.slow
@pytest.mark.parametrize("terms", [[], ["kld, cc"]], ids=["losses", "search"])
def test_a_quest_killed_at_ten_random_moments_ends_with_the_results_of_an_unbroken_one(
    tiny_network, tmp_path, terms
):
    result = subprocess.run(
        [sys.executable, Path(__file__).with_name("killed_quests.py"), tmp_path, "10", "0", *terms],
        capture_output=True,
        text=True,
        check=False,
    )
    assert result.returncode == 0, result.stderr
    assert len(json.loads(result.stdout)) == 10
    names = ["results.json", "results.csv", "results.md", "results.tex", "report.html"]
    names += ["tuning.json"] * len(terms)
    all_broken = list(tmp_path.glob("broken-*"))
    assert all_broken
    for broken in all_broken:
        for name in names:
            assert (broken / name).read_bytes() == (tmp_path / "unbroken" / name).read_bytes(), name
        # The files of equal weights differ: Keras counts the layers of a process in their names.
        best, expected = (
            RunFolder(folder / "best").load_model() for folder in (broken, tmp_path / "unbroken")
        )
        for weight, other in zip(best.get_weights(), expected.get_weights(), strict=True):
            np.testing.assert_array_equal(weight, other)
        assert not list(broken.rglob("*partial*"))


def test_the_centre_bias_is_scored_beside_the_losses(finished):
    dataset, folder, results, _ = finished
    scores = results.center_bias["synthetic"]
    assert scores.names == [sample.name for sample in dataset["test"]]
    assert list(scores.values) == METRICS
    mean = scores.values["cc"].mean()
    for spec, state in results.states_on("synthetic").items():
        above = results.comparison("synthetic").summaries[spec]["cc"].mean > mean
        assert state == ("learned" if above else "untrained")
    values = json.loads((folder / "results.json").read_text())
    assert values["tests"]["synthetic"]["center_bias"]["cc"] == pytest.approx(mean)


def test_maps_are_made_as_they_are_scored_and_not_all_before(finished, monkeypatch):
    dataset, path, results, _ = finished
    folder, waiting, most, batches = QuestFolder(path), 0, 0, []

    def restored(*arguments):
        head = restored_head(*arguments)

        def counting(features, training):
            nonlocal waiting
            maps = head(features, training=training)
            waiting += len(maps)
            batches.append(len(maps))
            return maps

        return counting

    def taken(map_, sample):
        nonlocal waiting, most
        most, waiting = max(most, waiting), waiting - 1
        return as_it_is(map_, sample)

    for name, value in {"restored_head": restored, "as_it_is": taken, "MAPS_BATCH": 2}.items():
        monkeypatch.setattr(scoring, name, value)
    features = FeatureCache.open(RunFolder.open(path / "best").load_model(), dataset["test"])
    test_set = scoring.TestSet(dataset, features)
    specs = results.config["losses"]
    heads = {spec: (folder.head(0, spec), folder.weights(0, spec)) for spec in specs}
    found = scoring.score(folder.config, test_set, 0, heads)
    assert (most, waiting) == (2, 0)
    assert batches == [2, 2, 2] * len(specs)
    for spec in specs:
        for metric, values in folder.scores(0, dataset.name, spec).values.items():
            np.testing.assert_allclose(found[spec].values[metric], values, rtol=1e-3, atol=1e-4)


def test_the_best_loss_is_chosen_on_the_validation_split(finished):
    _, _, results, _ = finished
    specs = results.config["losses"]
    worst_on_test = min(specs, key=lambda s: results.mean_scores(results.tests[0])[s].values["cc"].mean())
    heads = {
        spec: {
            "state": "learned",
            "best_epoch": 0,
            # The last epoch is not the one that was kept.
            "history": [
                {"validation": {"loss": 1.0, "cc": 0.5 + (spec == worst_on_test) / 10, "nss": 2.0}},
                {"validation": {"loss": 2.0, "cc": 0.9 - (spec == worst_on_test) / 10, "nss": 2.0}},
            ],
        }
        for spec in specs
    }
    assert replace(results, heads={0: heads}).best == worst_on_test
    heads[worst_on_test]["state"] = "collapsed"
    assert replace(results, heads={0: heads}).best != worst_on_test


def test_a_start_that_needs_fixations_is_refused_on_density_maps_alone(finished, tmp_path):
    dataset, *_ = finished
    splits = {
        name: [replace(sample, fixations=None, density_file=sample.density) for sample in samples]
        for name, samples in dataset.splits.items()
    }
    alone = data.Dataset("alone", splits, "", "")
    started = replace(options(), start="nss")
    with pytest.raises(
        InputError, match="alone has density maps alone, and these losses need fixations: nss"
    ):
        quest.run(alone, ["mse"], started, tmp_path / "q", metrics=["cc"], report=lambda _: None)
    assert not (tmp_path / "q").exists()


def test_a_folder_of_other_settings_is_refused_by_their_names(finished):
    dataset, folder, *_ = finished
    other = quest.options(model="tiny", input_size=SIZE, epochs=5, batch_size=3)
    with pytest.raises(InputError, match="epochs 2 there, 5 now"):
        quest.run(dataset, ["mse"], other, folder, report=lambda _: None)


def test_a_test_set_of_the_same_name_with_other_images_is_refused(finished):
    _, folder, results, _ = finished
    quest_folder, now = QuestFolder(folder), results.config
    set_ = {"name": "images", "description": "one", "fingerprint": "1"}
    before = {**now, "tests": [*now["tests"], set_]}
    for more, changed in (
        ({"fingerprint": "2"}, ["other images of the name images"]),
        ({"description": "two"}, []),
    ):
        after = {**now, "tests": [*now["tests"], {**set_, **more}]}
        assert quest_folder.differences(before, after) == changed
    assert quest_folder.merged(before, after)["tests"] == after["tests"]


def test_a_quest_goes_on_in_the_precision_alone_that_it_began_in_however_it_was_asked_for(finished):
    _, folder, results, _ = finished
    quest_folder, now = QuestFolder(folder), results.config
    changed = [f"precision {now['precision']} there, half now"]
    assert quest_folder.differences(now, {**now, "precision": "half"}) == changed
    for asked in ("auto", now["precision"]):
        training = {**now["options"]["training"], "precision": asked}
        assert (
            quest_folder.differences(now, {**now, "options": {**now["options"], "training": training}}) == []
        )


def test_a_quest_that_chose_its_precision_keeps_it_where_a_machine_would_choose_another(
    finished, monkeypatch
):
    dataset, folder, results, _ = finished
    asked = []

    def resolve(name):
        asked.append(name)
        raise InputError("enough")

    monkeypatch.setattr(sys.modules["kerasal.quest.run"], "resolve_precision", resolve)
    for path in (folder, folder / "nothing"):
        with pytest.raises(InputError, match="enough"):
            quest.run(dataset, ["mse"], options(), path)
    assert asked == [results.config["precision"], "auto"]


def test_a_network_without_the_papers_head_is_refused_at_once():
    for model in ("salgan", "sam-vgg"):
        with pytest.raises(InputError, match=f"a quest trains the paper's head, not that of {model}"):
            quest.options(model=model, input_size=(192, 256))


@pytest.mark.parametrize("rates", [[1e-3], []])
def test_a_sum_that_was_searched_is_found_by_whatever_name_the_quest_has_it(rates):
    def best_of(found, *names):
        folder = SimpleNamespace(read_json=lambda _: {"best": found})
        config = {"losses": names, "options": {"search_rates": rates}}
        search = quest.Results.search.func(SimpleNamespace(folder=folder, config=config))
        return search and search["best"]

    assert best_of("1*sim+1*nss", "mse", "1*nss+1*sim") == "1*nss+1*sim"
    assert best_of("1*sim+1*nss", "1*sim+1*nss") == "1*sim+1*nss"
    assert best_of("1*sim+1*nss", "mse") is None
    # At one and the same rate a factor is another step, where losses choose their rates it is none.
    lc1 = paper.LC1 if rates else None
    assert best_of("1*kld+0.2*cc+0.1*nss+0.1*r", "mse", paper.LC1) == lc1
    assert best_of("1*kld+0.21*cc+0.1*nss+0.1*r", paper.LC1) is None


def test_a_folder_of_other_data_is_called_that_and_what_else_is_other_beside_it(finished):
    _, folder, results, _ = finished
    now = results.config
    other = {
        **now,
        "data": {**now["data"], "fingerprint": "0"},
        "options": {**now["options"], "recipe": "mine"},
        "tests": [{**now["tests"][0], "fingerprint": "0"}],
    }
    expected = ["recipe default there, mine now", "other data"]
    assert QuestFolder(folder).differences(now, other) == expected


def test_a_sum_that_a_folder_has_in_another_order_of_its_terms_keeps_its_name(finished):
    _, folder, results, _ = finished
    before = {**results.config, "losses": ["mse", "2*cc+10*kld"]}
    now = {**results.config, "losses": ["10*kld+2*cc", "10*kld+1*cc"]}
    merged = QuestFolder(folder).merged(before, now)
    assert merged["losses"] == ["mse", "2*cc+10*kld", "10*kld+1*cc"]


def test_a_quest_that_is_not_finished_has_no_results(finished, tmp_path):
    _, folder, _, _ = finished
    for number, missing in enumerate(("heads/0/cc.json", "scores/0/synthetic/cc.csv")):
        copy = tmp_path / str(number)
        shutil.copytree(folder, copy)
        (copy / missing).unlink()
        with pytest.raises(InputError, match=f"the quest in {copy} is not finished"):
            quest.Results.read(copy)


@pytest.mark.usefixtures("tiny_network")
def test_what_cannot_be_shown_or_scored_is_refused_before_anything_is_computed(tmp_path):
    dataset = data.load("synthetic").limited(3)
    alone = without_fixations(dataset)
    for refused, choice, words in (
        (dataset, {"stimuli": ["nobody"]}, "no stimulus 'nobody'"),
        (dataset, {"stimuli": [dataset["train"][0].name]}, "is not in the test split"),
        (alone, {"metrics": ["nss", "auc_judd"]}, "no metric is left of nss, auc_judd"),
    ):
        with pytest.raises(InputError, match=words):
            quest.run(refused, ["mse"], options(), tmp_path / "q", report=lambda _: None, **choice)
    assert not (tmp_path / "q").exists()


def test_a_folder_that_another_process_works_in_is_refused_and_stays_as_it_is(finished):
    dataset, folder, *_ = finished
    before = {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}
    with held(folder), pytest.raises(InputError, match="another process is at work in"):
        quest.run(dataset, ["ae"], options(), folder, metrics=METRICS, report=lambda _: None)
    assert before == {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_a_folder_that_holds_something_else_is_refused(finished, tmp_path):
    (tmp_path / "thesis.tex").write_text("precious")
    with pytest.raises(InputError, match="holds no quest"):
        quest.run(finished[0], ["mse"], options(), tmp_path, report=lambda _: None)


def test_each_file_of_a_quest_that_was_damaged_is_named_and_no_score_is_made_of_it(finished, tmp_path):
    """Emptied, cut, or with a digit or a byte changed, which leaves JSON and CSV as valid as before."""
    _, folder, _, _ = finished
    copy = tmp_path / "q"
    shutil.copytree(folder, copy)
    kept = ("config.json", "checksums.json", "rates", "start", "heads", "scores")
    files = [path for path in sorted(copy.rglob("*.*")) if path.relative_to(copy).parts[0] in kept]
    assert len(files) == 2 + 4 + 3 + 2 * 4 + 4 + 1  # rates, start, heads, scores and those of the centre bias

    def read():
        quest_folder = QuestFolder(copy)
        quest_folder.start(0)
        results = quest.Results.read(quest_folder)
        for spec in results.config["losses"]:
            quest_folder.weights(0, spec)

    read()
    chance = np.random.default_rng(0)
    for path in files:
        whole = path.read_bytes()
        digits = [place for place, value in enumerate(whole) if value in b"0123456789"]
        damaged = [b"", whole[: len(whole) // 2], whole[:-2]]
        for place in (chance.choice(digits), chance.integers(len(whole))):
            value = b"%d" % (9 - int(chr(whole[place]))) if place in digits else bytes([whole[place] ^ 1])
            damaged.append(whole[:place] + value + whole[place + 1 :])
        for content in damaged:
            path.write_bytes(content)
            with pytest.raises(InputError) as caught:
                read()
            assert str(path) in str(caught.value)
            assert "\n" not in str(caught.value)
        path.write_bytes(whole)
    read()


def test_a_quest_from_before_there_were_checksums_goes_on_and_has_them_then(finished, tmp_path):
    dataset, folder, *_ = finished
    copy = tmp_path / "q"
    shutil.copytree(folder, copy)
    (copy / "checksums.json").unlink()
    quest.run(dataset, quest.parse_losses("mse"), options(), copy, metrics=METRICS, report=lambda _: None)
    assert (copy / "results.md").read_bytes() == (folder / "results.md").read_bytes()
    assert "config.json" in json.loads((copy / "checksums.json").read_text())["files"]


def test_a_file_whose_writer_was_killed_before_or_after_its_checksum_is_right(tmp_path):
    folder = QuestFolder(tmp_path)
    folder.write_json("a.json", {"a": 1})
    for value in (2, 3):
        with pytest.raises(KeyboardInterrupt), pytest.MonkeyPatch.context() as patch:  # noqa: PT012
            patch.setattr(os, "replace", killed_at_a_file(os.replace, tmp_path / "a.json"))
            QuestFolder(tmp_path).write_json("a.json", {"a": value})
        assert QuestFolder(tmp_path).read_json("a.json") == {"a": 1}
    QuestFolder(tmp_path).write_json("a.json", {"a": 4})
    assert QuestFolder(tmp_path).read_json("a.json") == {"a": 4}
    (tmp_path / "a.json").write_text('{"a": 1}')
    with pytest.raises(InputError, match=r"a\.json is damaged"):
        QuestFolder(tmp_path).read_json("a.json")


def killed_at_a_file(replace, file):
    """`os.replace` that is interrupted where it would put this file in place."""

    def interrupted(partial, path):
        if path == file:
            raise KeyboardInterrupt
        replace(partial, path)

    return interrupted


def test_table_2_is_the_papers(shared):
    text = (shared / "paper/quest-for-the-loss-function.txt").read_text()
    rows = re.findall(r"(?m)^[^\n]*?((?:\t\d\.\d{4}){7})$", text)
    assert [tuple(map(float, row.split())) for row in rows] == [row.values for row in paper.TABLE_2]


def test_tables_1_3_and_4_and_figure_4_are_the_papers(shared):
    text = (shared / "paper/quest-for-the-loss-function.txt").read_text()

    def rows(start, end):
        part = text[text.index(start) : text.index(end)]
        found = re.findall(r"(?m)^([^\t\n]+)((?:\t\d\.\d+){5})$", part)
        return [(name, tuple(map(float, values.split()))) for name, values in found]

    assert rows(" Table 1:", "(ranking)") == list(paper.TABLE_1.items())
    three = [values for by_loss in paper.TABLE_3.values() for values in by_loss.values()]
    assert [values for _, values in rows("Table 3:", "Table 4:")] == three
    four = rows("Table 4:", "References" if "References" in text else "- [1]")
    assert [values for _, values in four] == list(paper.TABLE_4.values())
    caption = text[text.index("Fig. 4:") :]
    pairs = re.findall(r"CC = ([\d.]+) and ([\d.]+)\)", caption)
    assert [tuple(map(float, pair)) for pair in pairs] == list(paper.FIGURE_4.values())


def test_the_rows_of_table_2_are_27_different_canonical_specs():
    specs = LISTS["table2"]
    assert len({slug(spec) for spec in specs}) == 27
    assert [losses.canonical(spec) for spec in specs] == list(specs)


# What each network's own code adds up, by the names of this package; a coefficient of it is in the sum.
TRAINED_WITH = {
    "SUM": {"kld": 10, "cc": 2, "sim": 1, "nss": 1, "mse": 5},
    "TranSalNet": {"kld": 10, "cc": 2, "sim": 1, "nss": 1},
    "ViNet ": {"kld": 1, "cc": 1, "sim": 1},
    "TempSAL": {"kld": 1, "cc": 1},
    "ViNet-A": {"kld": 1, "cc": 1},
    "UNISAL": {"kld": 1, "nss": 0.1, "cc": 0.1},
    "MSI-Net": {"kld": 1},
    "DeepGaze": {"nll": 1},
}


def test_the_modern_losses_are_canonical_and_have_their_sources_and_their_coefficients():
    assert quest.parse_losses("modern") == list(LISTS["modern"]) == list(MODERN)
    found = {}
    for spec, source in MODERN.items():
        assert losses.canonical(spec) == spec
        assert re.search(r"\w+/\w+, [\w/&-]+\.(py|ipynb|json|sh)", source)
        found |= {name: spec for name in TRAINED_WITH if name in source}
    for name, coefficients in TRAINED_WITH.items():
        assert {term.name: term.coefficient for term in losses.parse(found[name])} == coefficients
    page = (Path(__file__).parents[2] / "docs/quest.md").read_text()
    for spec in MODERN:
        assert f"| `{spec}` |" in page


def test_the_modern_losses_stand_behind_the_papers_in_a_quest_of_both():
    both = in_order(quest.parse_losses("modern, table2"))
    assert both[:27] == list(LISTS["table2"])
    assert both[27:] == [spec for spec in LISTS["modern"] if spec not in LISTS["table2"]]


def test_lc1_and_lc2_are_the_rows_of_the_papers_tables():
    assert quest.parse_losses("lc2, table3, lc1") == [paper.LC2, "mlnet-mse", paper.LC1]
    for name, spec in (("lc1", paper.LC1), ("lc2", paper.LC2)):
        assert losses.expand(name) == losses.parse(spec)


def test_a_sum_is_one_loss_in_any_order_of_its_terms_and_called_as_in_a_list():
    assert quest.parse_losses("cc+kld, kld+cc") == ["2*cc+10*kld"]
    assert quest.parse_losses("nss+kld+cc, cc+kld+nss+r") == ["10*kld+2*cc+nss", paper.LC1]
    others = ["10*kld", "kld", "10*kld+cc", "2*kld+10*cc", "w-bce(0.9)+kld", "w-bce(0.8)+kld", "lc1+nss"]
    assert quest.parse_losses(", ".join(others)) == [losses.canonical(spec) for spec in others]


def test_a_sum_times_a_factor_takes_the_name_of_the_one_that_is_there_where_that_is_asked():
    found = called_as(["mse", paper.LC1], ["0.1*r+1*kld+0.1*nss+0.2*cc", "3*mse", "ae"], scaled=True)
    assert found == [paper.LC1, "mse", "ae"]


def test_losses_are_parsed_once_each_and_an_empty_name_is_refused():
    assert quest.parse_losses("mse, kld+cc+nss,mse") == ["mse", "10*kld+2*cc+nss"]
    with pytest.raises(InputError, match="empty name"):
        quest.parse_losses("mse,,cc")


def test_agreement_with_the_paper_is_one_for_the_papers_own_numbers(finished):
    _, _, results, _ = finished
    printed = {row.spec: row for row in paper.TABLE_2}
    fake = {
        spec: Scores(["a", "b"], {"cc": np.full(2, printed[spec].value("cc"))})
        for spec in results.config["losses"]
    }
    own = replace(results, scores={results.tests[0]: {0: fake}})
    assert own.agreement(results.tests[0])["cc"]["spearman"] == pytest.approx(1)


def test_the_report_holds_all_it_needs(finished):
    page = (finished[1] / "report.html").read_text()
    assert not re.search(r"(?:src|href)=[\"'](?!data:|#)", page)
    assert page.count("<figcaption>") == 3 * (2 + 4)


@pytest.mark.ci
def test_the_report_works_in_a_browser(finished, tmp_path):
    with chromium(tmp_path / "profile") as browser:
        browser.get((finished[1] / "report.html").as_uri())
        images = "return [...document.images].every(i => i.complete && i.naturalWidth > 0)"
        assert browser.execute_script(images)
        column = (
            "return [...document.querySelectorAll('table tbody')[0].rows]"
            ".map(r => parseFloat(r.cells[2].textContent))"
        )
        browser.find_elements("css selector", "table.sortable th button")[2].click()
        values = browser.execute_script(column)
        assert values == sorted(values, reverse=True)
        browser.find_elements("css selector", "table.sortable th button")[2].click()
        assert browser.execute_script(column) == sorted(values)
        point = browser.find_elements("css selector", "#scatter .point")[0]
        browser.execute_script("arguments[0].dispatchEvent(new Event('click'))", point)
        assert browser.find_elements("css selector", "#hover img")
        assert browser.find_elements("css selector", "#curves polyline")
        assert errors(browser) == []
