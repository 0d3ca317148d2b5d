import json
import re
import shlex
import shutil
import threading
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path

import h5py
import keras
import numpy as np
import pytest
from conftest import write_photo_folder

from kerasal import data, losses, models, quest, training
from kerasal.data.pipeline import batches
from kerasal.errors import InputError
from kerasal.training.features import FeatureCache

pytestmark = pytest.mark.usefixtures("tiny_network")

TINY = {
    "model": "tiny",
    "input_size": (32, 48),
    "epochs": 3,
    "batch_size": 4,
    "learning_rate": 1e-2,
}


class Seen(Exception):
    """Carries out what a function was called with."""


@pytest.fixture(scope="module")
def photos(tmp_path_factory):
    return data.load(str(write_photo_folder(tmp_path_factory.mktemp("data") / "photos")))


@pytest.fixture(scope="module")
def finished(photos, tmp_path_factory, tiny_network):
    """A run of the default recipe on the photographs, for tests that only look at one."""
    return run(photos, tmp_path_factory.mktemp("runs") / "finished")


def network(seed=0):
    keras.utils.set_random_seed(seed)
    return models.build("tiny", input_size=(32, 48), activation="sigmoid", dropout=0.0, initial_density=0.05)


def run(dataset, path, cache=True, **changes):
    options = training.options(**{**TINY, **changes})
    return training.train(dataset, options, path, cache_features=cache, report=lambda _: None, verbose=0)


def test_cached_and_uncached_features_give_the_same_training(photos, finished, tmp_path):
    # With dropout, flips, shuffling and averaged weights on: all of them must fall alike.
    cached = finished.history
    uncached = run(photos, tmp_path / "uncached", cache=False).history
    assert len(cached) == 3
    for one, other in zip(cached, uncached, strict=True):
        for name in ("loss", "val_loss", "kld_loss", "val_cc"):
            # float16 keeps three digits of a feature.
            assert one[name] == pytest.approx(other[name], rel=5e-3, abs=2e-3), name


@pytest.mark.ci
def test_the_same_seed_gives_the_same_training_and_another_seed_another(photos, finished, tmp_path):
    seed = finished.config["options"]["seed"]
    others = [run(photos, tmp_path / str(number), seed=number) for number in (seed, seed + 1)]
    losses = [each.history[-1]["loss"] for each in (finished, *others)]
    assert losses[0] == pytest.approx(losses[1], rel=1e-4)  # sums over threads differ in their last digits
    assert losses[0] != pytest.approx(losses[2], rel=1e-4)


@pytest.mark.ci
def test_training_learns_a_spot_that_the_stimulus_shows(tmp_path):
    # Every stimulus has one bright square, and everyone looks at it; the shipped backbone sees it.
    random = np.random.default_rng(0)

    def sample(number):
        stimulus = random.integers(80, 110, (48, 64, 3), dtype=np.uint8)
        x, y = random.integers(12, 52), random.integers(12, 36)
        stimulus[y - 6 : y + 6, x - 6 : x + 6] = [250, 40, 40]
        fixations = np.clip(random.normal([x, y], 2, (30, 2)), 0, [63.9, 47.9])
        return data.Sample(f"s{number}", (48, 64), lambda: stimulus, (fixations,), 6.0)

    samples = [sample(number) for number in range(40)]
    dataset = data.Dataset(
        "squares",
        {"train": samples[:28], "validation": samples[28:34], "test": samples[34:]},
        "squares",
        "MIT",
    )
    result = run(
        dataset,
        tmp_path / "run",
        model="baseline",
        input_size=(48, 64),
        epochs=4,
        learning_rate=2e-3,
    )
    assert max(epoch["val_cc"] for epoch in result.history) > 0.6
    assert result.history[-1]["val_loss"] < result.history[0]["val_loss"]


def test_run_folder_holds_all_that_its_description_names(photos, finished):
    names = {path.name for path in finished.path.iterdir()}
    assert names == {
        "config.json",
        "options.yaml",
        "checkpoints",
        "maps",
        "history.csv",
        "tensorboard",
        "best.weights.h5",
        "last.weights.h5",
        "center_bias.npy",
    }
    assert list(finished.path.glob("tensorboard/**/*tfevents*"))
    config = json.loads((finished.path / "config.json").read_text())
    assert config["loss"] == "10*kld+2*cc+nss"
    assert config["data"]["train"] == 6
    assert re.fullmatch("[0-9a-f]{64}", config["data"]["fingerprint"])
    assert training.TrainingOptions.from_dict(config["options"]) == training.options(**TINY)
    bias = np.load(finished.path / "center_bias.npy")
    mean = np.mean([sample.density((32, 48)) for sample in photos["train"]], axis=0)
    np.testing.assert_allclose(bias, mean, rtol=1e-5)


def test_best_weights_are_those_that_the_history_calls_best(photos, finished):
    network = finished.load_model()
    network.compile(loss=losses.get("kld+cc+nss"))
    measured = network.evaluate(batches(photos["validation"], (32, 48), 4), verbose=0, return_dict=True)
    best = min(epoch["val_loss"] for epoch in finished.history)
    assert measured["loss"] == pytest.approx(best, rel=5e-3, abs=2e-3)


def test_best_and_last_weights_hold_the_network_and_no_optimizer(finished):
    count = sum(np.prod(weight.shape) for weight in finished.load_model().weights)
    for path in (finished.best_weights, finished.last_weights):
        sizes = []
        with h5py.File(path) as file:
            file.visititems(
                lambda _, item, sizes=sizes: (
                    sizes.append(item.size) if isinstance(item, h5py.Dataset) else None
                )
            )
        assert sum(sizes) - count < 10  # the dropout's random state


@pytest.mark.parametrize(
    ("changes", "activation"),
    [
        ({"loss": "kld"}, "sigmoid"),
        ({"loss": "mse"}, "relu"),
        ({"loss": "mse", "activation": "sigmoid"}, "sigmoid"),
    ],
)
def test_output_is_a_sigmoid_for_the_distribution_family_and_relu_else(
    photos, tmp_path, monkeypatch, changes, activation
):
    def build(name, **options):
        raise Seen(options["activation"])

    monkeypatch.setattr(models, "build", build)
    with pytest.raises(Seen, match=f"^{activation}$"):
        run(photos, tmp_path / "run", **changes)


def test_a_collapsed_network_is_named_and_stopped(photos, tmp_path):
    lines = []
    options = training.options(**{**TINY, "loss": "mse", "learning_rate": 1e3, "decay": "none", "epochs": 5})
    result = training.train(photos, options, tmp_path / "run", report=lines.append, verbose=0)
    assert any("collapsed" in line for line in lines)
    assert len(result.history) < 5
    assert result.config["model_options"]["activation"] == "relu"


def test_the_activation_of_a_run_is_in_its_folder(finished):
    assert finished.config["model_options"]["activation"] == "sigmoid"


def test_a_model_that_is_no_network_of_kerasals_is_refused_in_words(photos):
    model = keras.Sequential([keras.Input((32, 48, 3)), keras.layers.Conv2D(1, 3, padding="same")])
    for train in (training.fit, training.open_features):
        with pytest.raises(InputError, match=r"network of kerasal\.models, got Sequential"):
            train(model, photos)


def test_a_command_that_is_proposed_takes_a_folder_with_spaces(tmp_path):
    run_folder = tmp_path / "my first run's"
    run_folder.mkdir()
    with pytest.raises(InputError) as refused:
        training.RunFolder.check_free(run_folder)
    assert shlex.split(str(refused.value).partition("go on with ")[2]) == ["--resume", str(run_folder)]


def test_existing_run_folder_is_refused_and_left_alone(photos, tmp_path):
    (tmp_path / "run").mkdir()
    (tmp_path / "run" / "mine.txt").write_text("keep")
    with pytest.raises(InputError, match="is there already"):
        run(photos, tmp_path / "run")
    assert (tmp_path / "run" / "mine.txt").read_text() == "keep"


def test_runs_without_a_name_that_begin_at_once_get_folders_of_their_own(tmp_path):
    def begin(number, path):
        """One of the trainings that come to the making of their folders at one moment."""
        together.wait()
        return training.RunFolder.create(path, configuration(number), np.zeros((2, 2))).path

    def configuration(number):
        about = {"mine": number, "options": {"input_size": (2, 2)}, "cache_features": False}
        return {**about, "data": {"arguments": {}, "limit": None}}

    def free():
        return training.new_run_path("osie-mse", tmp_path)

    together = threading.Barrier(4)
    with ThreadPoolExecutor(4) as pool:
        paths = list(pool.map(begin, range(4), [free] * 4))
    assert sorted(path.name for path in paths) == ["osie-mse", "osie-mse-2", "osie-mse-3", "osie-mse-4"]
    for number, path in enumerate(paths):
        assert json.loads((path / "config.json").read_text())["mine"] == number
    assert sorted(tmp_path.iterdir()) == sorted(paths)  # and nothing half-written
    with ThreadPoolExecutor(4) as pool:  # one that has a name is made once
        runs = [pool.submit(begin, number, tmp_path / "mine") for number in range(4)]
    errors = [str(run.exception()) for run in runs if run.exception()]
    assert len(errors) == 3
    assert all("made meanwhile" in error or "is there already" in error for error in errors)
    with pytest.raises(InputError, match="is there already"):  # and not asked for ever
        training.RunFolder.create(lambda: tmp_path / "mine", configuration(0), np.zeros((2, 2)))


def test_the_folder_of_a_run_without_a_name_is_told(photos, tmp_path, monkeypatch):
    def stop(*_, **__):
        raise Seen

    monkeypatch.setattr(FeatureCache, "open", stop)
    monkeypatch.chdir(tmp_path)
    (tmp_path / "runs/it").mkdir(parents=True)
    lines = []
    with pytest.raises(Seen):
        training.train(
            photos, training.options(**TINY), partial(training.new_run_path, "it"), report=lines.append
        )
    assert f"into {Path('runs/it-2')}" in lines


def test_a_failure_before_the_first_epoch_leaves_no_run_folder(photos, tmp_path, monkeypatch):
    def fail(*_, **__):
        raise KeyboardInterrupt

    monkeypatch.setattr(FeatureCache, "open", fail)
    with pytest.raises(KeyboardInterrupt):
        run(photos, tmp_path / "run")
    assert not (tmp_path / "run").exists()


def test_nss_on_data_without_fixations_is_refused_before_anything_is_written(photo_folder, tmp_path):
    (photo_folder / "maps").mkdir()
    for image in (photo_folder / "images").iterdir():
        np.save(
            photo_folder / "maps" / f"{image.stem}.npy",
            np.ones(((60, 80)[int(image.stem[1]) % 2], (90, 50)[int(image.stem[1]) % 2])),
        )
    for path in (photo_folder / "fixations").iterdir():
        path.unlink()
    (photo_folder / "fixations").rmdir()
    with pytest.raises(InputError, match="needs fixations"):
        run(data.load(str(photo_folder)), tmp_path / "run")
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize("split", ["train", "validation"])
@pytest.mark.parametrize("mixed", [False, True])
def test_a_missing_split_is_refused_before_features_are_computed_or_a_folder_is_made(
    split, mixed, tmp_path, monkeypatch
):
    monkeypatch.setattr("kerasal.training.features._compute", lambda *_: pytest.fail("computed"))
    parts = [data.load(str(write_photo_folder(tmp_path / name))) for name in "ab"]
    parts = [part.with_splits({**part.splits, split: []}) for part in parts]
    dataset = data.mix(parts) if mixed else parts[0]
    line = f"no samples in its {split} split"
    with pytest.raises(InputError, match=line):
        training.open_features(network(), dataset)
    with pytest.raises(InputError, match=line):
        run(dataset, tmp_path / "run")
    options = quest.options(model="tiny", input_size=(32, 48), epochs=1, search_rates=[], start="none")
    with pytest.raises(InputError, match=line):
        quest.run(dataset, ["mse"], options, tmp_path / "quest", report=lambda _: None)
    assert not (tmp_path / "run").exists()
    assert not (tmp_path / "quest").exists()


def test_features_are_found_again_and_not_computed_twice(photos, tmp_path):
    model = network()
    calls = []

    def progress(items, what):
        calls.append(what)
        return items

    first = FeatureCache.open(
        model, photos["train"], mirrored=True, folder=tmp_path / "cache", progress=progress
    )
    again = FeatureCache.open(
        model, photos["train"], mirrored=True, folder=tmp_path / "cache", progress=progress
    )
    assert calls == ["features of 6 stimuli"]
    for one, other in zip(first.arrays, again.arrays, strict=True):
        np.testing.assert_array_equal(one, other)
    assert len(list((tmp_path / "cache" / "features").iterdir())) == 1  # nothing half-written beside it


def test_features_of_other_stimuli_or_weights_are_another_entry(photos, tmp_path):
    one, two = network(), network(seed=9)
    for model, samples in ((one, photos["train"]), (two, photos["train"]), (one, photos["test"])):
        FeatureCache.open(model, samples, folder=tmp_path / "cache")
    assert len(list((tmp_path / "cache" / "features").iterdir())) == 3


def test_an_interrupted_computation_of_features_leaves_nothing(photos, tmp_path):
    model = network()

    def stop(items, what):
        yield items[0]
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        FeatureCache.open(model, photos["train"], folder=tmp_path / "cache", progress=stop)
    assert not list((tmp_path / "cache" / "features").iterdir())


def test_a_full_disk_is_told_before_features_are_computed(photos, tmp_path, monkeypatch):
    model = network()
    monkeypatch.setattr(shutil, "disk_usage", lambda _: shutil._ntuple_diskusage(10**9, 10**9, 1000))
    with pytest.raises(InputError, match="--no-cache-features"):
        FeatureCache.open(model, photos["train"], folder=tmp_path / "cache")


@pytest.mark.parametrize(
    "changes",
    [{"optimizer": "lion"}, {"epochs": 0}, {"learning_rate": 0.0}, {"dropout": 1.0}, {"patience": -1}],
)
def test_options_out_of_range_are_refused_by_name(changes):
    with pytest.raises(InputError, match=next(iter(changes))):
        training.options(**changes)


def test_the_default_recipe_is_slower_behind_a_relu_unless_told():
    assert training.options(loss="mse").learning_rate == 1e-4
    assert training.options(loss="kld+cc+nss").learning_rate == 5e-4
    assert training.options(loss="mse", activation="sigmoid").learning_rate == 5e-4
    assert training.options(loss="mse", learning_rate=3e-4).learning_rate == 3e-4
    assert training.options("paper", loss="mse").learning_rate == 1e-3


def test_the_papers_recipe_is_the_papers():
    # Section 3.1: batch 60, stochastic gradient descent, 0.001, dropout 0.25, no augmentation named.
    paper = training.RECIPES["paper"]
    assert (paper.optimizer, paper.learning_rate, paper.batch_size, paper.dropout) == ("sgd", 0.001, 60, 0.25)
    assert not paper.flip
    assert paper.ema == paper.weight_decay == paper.feature_dropout == 0
