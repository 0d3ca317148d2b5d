"""Fitting a network to other data by ten numbers."""

import inspect
import math
import sys
from dataclasses import replace
from types import SimpleNamespace

import keras
import numpy as np
import pytest
from click.testing import CliRunner
from conftest import write_photo_folder
from scipy.ndimage import gaussian_filter

from kerasal import metrics, models, prediction, training
from kerasal.data import Dataset, Sample, mix
from kerasal.errors import InputError
from kerasal.export import export
from kerasal.training.adapt import scaled
from kerasal_cli import main

SIZE = (48, 64)


@pytest.fixture(scope="module")
def base():
    """A network whose maps vary: its last convolution sees much."""
    keras.utils.set_random_seed(1)
    network = models.Light(SIZE, "sigmoid", backbone_weights="random", initial_density=0.2)
    kernel = network.head.get_layer("saliency").kernel
    kernel.assign(np.random.default_rng(0).normal(0, 3, kernel.shape))
    return network


@pytest.fixture(scope="module")
def others(base):
    """Data whose densities are the network's maps of the middle, sharpened, and smoothed."""
    y, x = ((np.arange(length) + 0.5) / length - 0.5 for length in SIZE)
    bias = np.exp(-0.5 * ((y - 0.1) / 0.2) ** 2)[:, None] * np.exp(-0.5 * (x / 0.25) ** 2)
    random, samples = np.random.default_rng(0), []
    for number in range(12):
        blobs = gaussian_filter(random.uniform(size=(*SIZE, 3)), (6, 6, 0))
        stimulus = (255 * (blobs - blobs.min()) / np.ptp(blobs)).astype("uint8")
        density = gaussian_filter(base(stimulus[None].astype("float32"))[0, ..., 0].numpy() ** 2 * bias, 2)
        samples.append(
            Sample(f"p{number}", SIZE, lambda s=stimulus: s, None, 1.0, lambda d=density: d / d.max())
        )
    splits = {"train": samples[:6], "validation": [], "test": samples[6:]}
    arguments = {"name": "folder", "data_dir": "/others", "sigma": 2.5, "crop_borders": False}
    arguments |= {"pixels_per_degree": None, "split_file": None}
    return Dataset("others", splits, "others", "MIT", arguments=arguments)


@pytest.fixture(scope="module")
def adapted(base, others, tmp_path_factory):
    """The run of the network fitted to these data, what was told meanwhile, and its weights before."""
    before, lines = base.get_weights(), []
    path = tmp_path_factory.mktemp("adapted") / "run"
    return training.adapt(base, others, path, loss="kld", report=lines.append), lines, before


def mean_cc(network, samples):
    maps = network.saliency_maps([sample.read_stimulus() for sample in samples])
    return np.mean([metrics.cc(m, sample.density()) for m, sample in zip(maps, samples, strict=True)])


@pytest.mark.ci
def test_what_other_data_differ_by_is_found_from_six_images_and_carries_over(base, others, adapted):
    run, lines, before = adapted
    network = run.load_model()
    assert mean_cc(base, others["test"]) < 0.9
    assert mean_cc(network, others["test"]) > 0.99
    assert len(lines) == 3
    options = training.read_config(run.path / "options.yaml")
    assert (options["model"], options["loss"]) == (base.name, "kld")
    assert options["input_size"] == network.input_size
    assert (options["data"], options["data_dir"], options["sigma"]) == ("folder", "/others", 2.5)
    assert run.options.model == base.name == "light"
    numbers = sum(int(np.prod(variable.shape)) for variable in network.head.trainable_variables)
    assert numbers < 20
    assert not network.backbone.trainable_variables
    for weight, earlier in zip(base.get_weights(), before, strict=True):
        np.testing.assert_array_equal(weight, earlier)


@pytest.mark.ci
def test_an_adapted_network_is_used_like_any_other(others, adapted, tmp_path):
    run, *_ = adapted
    network = run.load_model()
    stimulus = others["test"][0].read_stimulus()
    expected = network.saliency_maps([stimulus])[0]
    np.testing.assert_array_equal(prediction.load(run.path).saliency_maps([stimulus])[0], expected)
    network.save(tmp_path / "network.keras")
    again = keras.models.load_model(tmp_path / "network.keras")
    np.testing.assert_allclose(again.saliency_maps([stimulus])[0], expected, atol=1e-6)
    exported = export(prediction.resolve(run.path), tmp_path / "exported")
    assert exported.agrees
    again = prediction.load(tmp_path / "exported").saliency_maps([stimulus])[0]
    np.testing.assert_allclose(again, expected, atol=1e-3)
    with pytest.raises(InputError, match="nothing to go on with"):
        training.resume(run.path)


@pytest.fixture(scope="module")
def tiny(tiny_network):
    """A network whose maps vary and cost little."""
    keras.utils.set_random_seed(1)
    network = models.build("tiny", input_size=SIZE, activation="sigmoid", dropout=0.0, initial_density=0.2)
    for variable in network.head.trainable_variables:
        variable.assign(3 * variable)
    return network


def seen_by(network, samples):
    """The samples, fixated wherever the network's maps are high, with these maps for densities."""
    found = []
    for sample in samples:
        density = network(sample.read_stimulus()[None].astype("float32"))[0, ..., 0].numpy()
        places = np.argwhere(density > np.quantile(density, 0.9))[:, ::-1] + 0.5
        found.append(replace(sample, fixations=(places,), density_file=lambda d=density: d / d.max()))
    return found


def of(name, samples):
    return Dataset(name, {"train": samples, "validation": [], "test": []}, name, "MIT")


@pytest.mark.ci
def test_sizes_are_compared_by_the_loss_of_maps_of_one_size(tiny, others, tmp_path, monkeypatch):
    monkeypatch.setattr(
        sys.modules["kerasal.training.adapt"],
        "minimize",
        lambda objective, start, **_: SimpleNamespace(x=start, fun=objective(start)[0]),
    )
    samples, lines = seen_by(tiny, others["train"][:3]), []
    run = training.adapt(tiny, of("seen", samples), tmp_path / "nll", loss="nll", report=lines.append)
    expected = {}
    for size in ((32, 48), SIZE, (64, 88)):
        options = {key: value for key, value in tiny.get_config().items() if key != "name"}
        network = models.Adapted("tiny", {**options, "input_size": size})
        network.base.set_weights(tiny.get_weights())
        values = []
        for sample in samples:
            map_ = network(sample.read_stimulus()[None].astype("float32"))
            map_ = network.restore(map_, SIZE)[0, ..., 0].numpy().astype("float64")
            fixated = sample.fixation_map() > 0
            values.append(-np.log(map_ / map_.sum())[fixated].mean())
        expected[size] = np.mean(values)
    assert [line.split(":")[0] for line in lines] == [f"at {h}x{w}" for h, w in expected]
    found = [float(line.split()[-1]) for line in lines]
    np.testing.assert_allclose(found, list(expected.values()), atol=2e-3)  # cached maps are float16
    assert run.load_model().input_size == min(expected, key=expected.get)
    assert np.ptp(found) < math.log(2) / 2  # of maps of their own sizes they differ by log 2, and by log 16/9
    run = training.adapt(tiny, of("seen", samples), tmp_path / "kld", loss="kld", report=lambda _: None)
    assert run.load_model().input_size == SIZE


@pytest.mark.ci
def test_a_mixtures_weights_weigh_its_sets_whether_all_is_held_in_memory_or_not(
    tiny, others, tmp_path, monkeypatch
):
    module = sys.modules["kerasal.training.adapt"]

    def stepped(objective, start, **_):
        value, slope = objective(start)
        return SimpleNamespace(x=start - slope, fun=value)

    for name, value in {"minimize": stepped, "SCALES": (1.0,), "BATCH": 4}.items():
        monkeypatch.setattr(module, name, value)
    few, many = seen_by(tiny, others["train"][:2]), others["train"][2:6]

    def gradient(dataset):
        run = training.adapt(tiny, dataset, tmp_path / dataset.name, loss="kld", report=lambda _: None)
        return np.concatenate([variable.numpy() for variable in run.load_model().head.trainable_variables])

    mixed = gradient(mix([of("few", few), of("many", many)], [1, 1]))
    monkeypatch.setattr(module, "HELD", 0)
    # Three of each are drawn: one of the two counts as much as two of the four.
    again = [replace(sample, name=f"again-{sample.name}") for sample in few]
    np.testing.assert_allclose(mixed, gradient(of("plain", [*few, *again, *many])), rtol=1e-3, atol=1e-5)


def test_a_network_that_pads_has_a_centre_bias_that_is_padded(others, tmp_path, monkeypatch):
    monkeypatch.setattr(sys.modules["kerasal.training.adapt"], "STEPS", 1)
    base = models.MLNet((160, 160), backbone_filters=4, backbone_weights="random")
    named = {"weights": "light.fine-tuned", "report": lambda _: None}
    run = training.adapt(base, others, tmp_path / "run", loss="mse+r", **named)
    assert run.options.weights == "light.fine-tuned"
    assert run.config["origin"].startswith("light.fine-tuned, trained on OSIE")
    found = np.load(run.path / "center_bias.npy")
    assert found.shape == (20, 20)  # at 240x240 its prior would not fit
    assert not found[:2].any()  # stimuli are 48x64: fifteen rows of twenty
    assert not found[-2:].any()
    assert found[3:-3].all()


def test_what_cannot_be_adapted_is_told(base, others, tmp_path):
    empty = Dataset("none", {"train": [], "validation": [], "test": others["test"]}, "none", "MIT")
    with pytest.raises(InputError, match="no samples in its train split"):
        training.adapt(base, empty, tmp_path / "run")
    with pytest.raises(InputError, match="needs fixations and others has density maps alone"):
        training.adapt(base, others, tmp_path / "run")
    assert not (tmp_path / "run").exists()
    with pytest.raises(InputError, match="deepconvnet cannot be adapted"):  # its maps have any size
        training.adapt(SimpleNamespace(name="deepconvnet"), others, tmp_path / "run", loss="kld")
    (tmp_path / "run").mkdir()
    with pytest.raises(InputError, match="run is there already"):  # before anything is fitted
        training.adapt(base, empty, tmp_path / "run")


@pytest.mark.parametrize("name", sorted(set(models.NETWORKS) - {"deepconvnet"}))
def test_the_sizes_that_are_tried_are_such_as_the_network_takes(name):
    network = models.network_class(name)
    size = inspect.signature(network.__init__).parameters["input_size"].default
    for scale, least, most in ((0.75, 0.66, 1), (1, 0.98, 1.02), (4 / 3, 1, 1.4)):
        found = scaled(
            SimpleNamespace(
                input_size=size, side_multiple=network.side_multiple, smallest_side=network.smallest_side
            ),
            scale,
        )
        network.check_input_size(found)
        for side, own in zip(found, size, strict=True):
            assert least <= side / own <= most


@pytest.mark.parametrize(
    ("options", "line"),
    [
        (["--adapt", "gbvs"], "gbvs is no network"),
        (["--adapt", "baseline.fine-tuned", "--epochs", "3"], "leave out --epochs"),
        (["--adapt", "runs/a", "--resume", "runs/b"], "give --resume or --adapt"),
        (["--adapt", "nowhere"], "nowhere is neither a run folder"),
    ],
)
def test_the_command_line_refuses_what_makes_no_sense(options, line, tmp_path):
    folder = write_photo_folder(tmp_path / "photos")
    result = CliRunner().invoke(main, ["train", *options, "--data", str(folder), "--sigma", "3"])
    assert result.exit_code != 0
    assert line in " ".join(result.output.split())


def test_the_command_line_hands_on_what_is_adapted(base, tmp_path, monkeypatch):
    folder, given = write_photo_folder(tmp_path / "photos"), {}
    adapted = SimpleNamespace(path=tmp_path / "run")
    monkeypatch.setattr(training, "adapt", lambda *_, **options: given.update(options) or adapted)
    monkeypatch.setattr(prediction, "load", lambda _: base)
    command = ["train", "--adapt", "light.fine-tuned", "--data", str(folder), "--sigma", "3"]
    result = CliRunner().invoke(main, [*command, "--run", str(tmp_path / "run")])
    assert result.exit_code == 0, result.output
    assert given["weights"] == "light.fine-tuned"
