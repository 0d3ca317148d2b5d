"""A quest and an evaluation on a cluster give what they give without one, whatever becomes of the workers."""

import json
import os
import re
import signal
from pathlib import Path

import keras
import numpy as np
import pytest
from conftest import write_photo_folder

from kerasal import cluster, data, evaluation, models, quest
from kerasal.errors import InputError
from kerasal.training import RunFolder

distributed = pytest.importorskip("distributed")

METRICS = ["cc", "nss", "information_gain"]
SIX_JOBS = {"specs": "mse, kld+cc, cc, bce, kld, nss", "seeds": 2, "side_by_side": 2}
TWO_JOBS = {"specs": "mse, cc", "seeds": 1, "side_by_side": 1}
WRITTEN = ("*.csv", "heads/*/*.json", "rates/*.json", "results.md")


def run(path, dataset, specs, report=lambda _: None, **arguments):
    options = quest.options(
        model="tiny", input_size=(32, 48), epochs=2, batch_size=3, search_rates=[1e-2, 1e-3]
    )
    return quest.run(
        dataset, quest.parse_losses(specs), options, path, metrics=METRICS, report=report, **arguments
    )


@pytest.fixture(scope="module")
def photos(tmp_path_factory):
    return data.load(str(write_photo_folder(tmp_path_factory.mktemp("data") / "photos")))


@pytest.fixture(scope="module")
def unclustered(photos, tiny_network, tmp_path_factory):
    """A quest without a cluster, its features kept in a folder."""
    root = tmp_path_factory.mktemp("quests")
    run(root / "q", photos, **TWO_JOBS, cache_folder=root / "cache")
    return root


@pytest.fixture
def in_this_process():
    """A cluster of one worker that is a thread of this process: all of Dask but the processes."""
    settings = {"n_workers": 1, "threads_per_worker": 1, "processes": False, "dashboard_address": None}
    with distributed.LocalCluster(**settings) as workers, distributed.Client(workers) as client:
        yield cluster.Cluster(client)


def same_results(path, other):
    """Whether two quests hold the same files with the same numbers, but for the last digits of sums."""
    found = sorted(file.relative_to(path) for pattern in WRITTEN for file in path.rglob(pattern))
    assert found == sorted(file.relative_to(other) for pattern in WRITTEN for file in other.rglob(pattern))
    assert {name.suffix for name in found} == {".csv", ".json", ".md"}
    for name in found:
        texts = [(folder / name).read_text() for folder in (path, other)]
        if name.suffix == ".csv":
            ours, theirs = (text.replace("\n", ",").split(",") for text in texts)
        elif name.suffix == ".json":
            ours, theirs = (keras.tree.flatten(json.loads(text)) for text in texts)
        else:  # rounded numbers, which the others have in full
            ours, theirs = (re.sub(r"\d+", "0", text).split() for text in texts)
        for a, b in zip(ours, theirs, strict=True):
            assert a == b or float(a) == pytest.approx(float(b), rel=1e-4, abs=1e-6), name
    seed = max(quest.Results.read(path).config["seeds"])
    weights = [quest.Results.read(folder).folder.weights(seed, "cc") for folder in (path, other)]
    for a, b in zip(*weights, strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-4, atol=1e-6)
    return True


@pytest.mark.ci
def test_a_quest_is_the_same_on_a_cluster(unclustered, photos, in_this_process):
    lines = []
    settings = {**TWO_JOBS, "cache_folder": unclustered / "cache", "cluster": in_this_process}
    run(unclustered / "clustered", photos, **settings, report=lines.append)
    assert same_results(unclustered / "q", unclustered / "clustered")
    assert sum("is finished" in line for line in lines) == 2
    assert not list(unclustered.rglob(".*partial*"))
    # What is finished is not sent again.
    run(unclustered / "clustered", photos, **settings, report=lines.append)
    assert sum("is finished" in line for line in lines) == 2


@pytest.mark.ci
def test_an_evaluation_is_the_same_on_a_cluster(unclustered, photos, in_this_process, tmp_path):
    systems = [
        evaluation.model(unclustered / "q/best"),
        evaluation.baseline("center-bias"),
        evaluation.baseline("half-observers"),  # its halves are drawn in the order of the images
    ]
    settings = {"split": "all", "metrics": METRICS}
    alone = evaluation.evaluate(systems, photos, **settings)
    taken = []

    def progress(items, what):
        taken.append(what)
        yield from items

    found = evaluation.evaluate(systems, photos, **settings, cluster=in_this_process, progress=progress)
    assert taken == ["scoring 9 images of 3 systems"]
    for name, scores in alone.scores.items():
        assert found.scores[name].names == scores.names
        for key in METRICS:
            np.testing.assert_allclose(found.scores[name].values[key], scores.values[key], rtol=1e-5)


def test_a_mistake_on_a_worker_is_the_users_line(photos, in_this_process, tmp_path):
    def load():
        raise InputError("no weights here")

    broken = evaluation.Network("broken", load)
    with pytest.raises(InputError, match="no weights here"):
        evaluation.evaluate([broken], photos, "all", cluster=in_this_process)


def test_cached_features_are_pickled_as_their_places_and_others_as_they_are(photos, tiny_network, tmp_path):
    import pickle

    from kerasal import training

    options = {"input_size": (32, 48), "activation": "sigmoid", "dropout": 0.0, "initial_density": 0.1}
    model = models.build("tiny", **options)
    kept = training.FeatureCache.open(model, photos["train"], mirrored=True, folder=tmp_path)
    in_memory = training.FeatureCache.open(model, photos["train"], mirrored=True)
    pickled = pickle.dumps(kept)
    assert len(pickled) < 1000
    for cache in (kept, pickle.loads(pickled), pickle.loads(pickle.dumps(in_memory))):
        for index, mirrored in ((0, False), (2, True)):
            np.testing.assert_array_equal(cache.read(index, mirrored)[0], in_memory.read(index, mirrored)[0])
    for file in tmp_path.rglob("*.npy"):
        file.unlink()
    with pytest.raises(InputError, match="all machines share"):
        pickle.loads(pickled).read(0, False)


def test_a_worker_with_other_versions_computes_nothing():
    versions = cluster.versions()
    assert cluster._compute(versions, max, 2, 3) == 3
    with pytest.raises(InputError, match=r"has numpy .* and the client has 0\.1"):
        cluster._compute({**versions, "numpy": "0.1"}, max, 2, 3)


def test_a_run_folder_is_pickled_with_its_whole_path(tmp_path, monkeypatch):
    import pickle

    monkeypatch.chdir(tmp_path)
    assert pickle.loads(pickle.dumps(RunFolder("runs/a"))).path == tmp_path / "runs/a"


@pytest.mark.parametrize(
    ("where", "words"),
    [("local:0", "local:N"), ("nonsense", "local:N"), ("tcp://127.0.0.1:9", "no Dask scheduler")],
)
def test_a_wrong_address_is_one_line(where, words, monkeypatch):
    monkeypatch.setattr(cluster, "CONNECTING", 1.0)
    with pytest.raises(InputError, match=words) as caught, cluster.connect(where):
        pass
    assert "\n" not in str(caught.value)


@pytest.fixture
def tiny_network_on_workers():
    import dask

    with dask.config.set(
        {"distributed.worker.preload": [str(Path(__file__).with_name("worker_preload.py"))]}
    ):
        yield


@pytest.mark.slow
@pytest.mark.usefixtures("tiny_network_on_workers")
def test_six_jobs_on_two_workers_of_which_one_is_killed_end_as_without(unclustered, photos, tmp_path):
    settings = {**SIX_JOBS, "cache_folder": unclustered / "cache"}
    run(tmp_path / "alone", photos, **settings)
    killed = []
    with cluster.connect("local:2") as workers:

        def pids():
            return [nanny.pid for nanny in workers.client.cluster.workers.values()]

        def report(line):
            if "is finished" in line and not killed:
                killed.append(pids()[0])
                os.kill(killed[0], signal.SIGKILL)

        run(tmp_path / "clustered", photos, **settings, cluster=workers, report=report)
        assert killed
        assert killed[0] not in pids()
    assert same_results(tmp_path / "alone", tmp_path / "clustered")


@pytest.mark.slow
def test_a_job_that_kills_every_worker_is_one_line():
    import dask

    with (
        dask.config.set({"distributed.scheduler.allowed-failures": 0}),
        cluster.connect("local:1") as workers,
    ):
        jobs = workers.jobs()
        jobs.add("x", os._exit, 1)
        with pytest.raises(InputError, match="killed 1 workers"):
            list(jobs)
