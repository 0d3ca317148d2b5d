"""Networks run by LiteRT from the exports that kerasal keeps, beside the networks themselves in Keras."""

import dataclasses
import subprocess
import sys
from pathlib import Path

import keras
import numpy as np
import pytest
from command_line import invoke
from conftest import write_photo

import kerasal
from kerasal import export, models
from kerasal.errors import InputError
from kerasal.prediction import ClassicalPredictor, choose, find, lite, make_lite
from kerasal.training import RunFolder
from kerasal.weights import SHIPPED
from kerasal_cli import serve as serving

SIZES = [(1, 1), (1, 37), (53, 1), (2, 3), (61, 97), (240, 131), (31, 48), (32, 47)]
WITHOUT_TENSORFLOW = """
import sys
from kerasal_cli import main
try:
    main(sys.argv[1:])
except SystemExit as end:
    assert not end.code, end.code
heavy = {"tensorflow", "keras", "jax", "torch"} & set(sys.modules)
assert not heavy, heavy
"""


def images(*sizes):
    random = np.random.default_rng(7)
    return [random.integers(0, 256, (*size, 3), np.uint8) for size in sizes]


def assert_same_maps(found, expected):
    for one, other in zip(found, expected, strict=True):
        assert one.shape == other.shape
        np.testing.assert_allclose(one, other, atol=1e-3 * other.max(), rtol=0)


def make_run(path: Path, seed: int) -> models.SaliencyModel:
    """A run of the tiny network with weights of its own; returns the network."""
    options = {"input_size": (32, 48), "activation": "sigmoid", "dropout": 0.0, "initial_density": 0.2}
    keras.utils.set_random_seed(seed)
    network = models.build("tiny", **options)
    config = {"model": "tiny", "model_options": options, "precision": "float32"}
    rest = {
        "loss": "kld",
        "options": {"input_size": (32, 48)},
        "cache_features": False,
        "data": {"arguments": {}, "limit": None, "fingerprint": ""},
    }
    run = RunFolder.create(path, {**config, **rest}, np.zeros((32, 48), "float32"))
    run.save_weights(network, run.best_weights)
    return network


@pytest.fixture(scope="module")
def cache(tmp_path_factory):
    folder = tmp_path_factory.mktemp("cache")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("KERASAL_CACHE", str(folder))
        patch.setattr(lite, "GPU", Path("/no/gpu"))
        yield folder


@pytest.fixture(scope="module")
def made(cache, tiny_network, tmp_path_factory):
    """A run's folder, its network, and its export, which was made by `kerasal predict`."""
    folder = tmp_path_factory.mktemp("runs")
    network = make_run(folder / "run", seed=0)
    write_photo(folder / "photo.png", (61, 97))
    run = folder / "run"
    result = invoke(
        "predict", "--model", run, "--runtime", "lite", folder / "photo.png", "-o", folder / "first"
    )
    assert result.exit_code == 0, result.output
    assert "an export for LiteRT, once" in result.stderr
    (file,) = (cache / "lite").iterdir()
    return run, network, file


def test_maps_are_those_of_keras_at_any_size(made):
    run, network, _ = made
    stimuli = images(*SIZES)
    assert_same_maps(
        choose(run, "lite").named.predictor.saliency_maps(stimuli), network.saliency_maps(stimuli)
    )


@pytest.mark.parametrize("name", ["run", "shipped"])
def test_the_next_command_loads_no_tensorflow(made, tmp_path, name):
    run, network, file = made
    model, kept = ["--model", run, "--runtime", "lite"], file
    if name == "shipped":  # a small network in the place of the large one
        model, kept = [], lite._kept_file(SHIPPED[0], runs=False)
        kept.write_bytes(file.read_bytes())
    pixels = write_photo(tmp_path / "photo.png", (50, 71), seed=3)
    command = ["predict", *model, tmp_path / "photo.png", "-o", tmp_path / "out", "--npy"]
    result = subprocess.run(
        [sys.executable, "-c", WITHOUT_TENSORFLOW, *map(str, command)],
        capture_output=True,
        text=True,
        check=False,
    )
    if name == "shipped":
        kept.unlink()
    if not Path("/dev/nvidiactl").exists() or name == "run":
        assert result.returncode == 0, result.stderr
        lines = result.stderr.splitlines()
        assert [line for line in lines if "LiteRT" in line] == [choose(run, "lite").line]
        assert not [line for line in lines if "XNNPACK" in line]
        assert_same_maps([np.load(tmp_path / "out/photo.npy")], network.saliency_maps([pixels]))


def flipped(content):
    middle = len(content) // 2
    return content[:middle] + bytes([content[middle] ^ 1]) + content[middle + 1 :]


@pytest.mark.parametrize(
    "damage",
    [
        flipped,
        lambda whole: whole[:-1],
        lambda whole: whole[: len(whole) // 2],
        lambda _: b"",
        lambda _: b"x" * 31,
    ],
)
def test_a_damaged_file_is_made_anew(made, damage):
    run, _, file = made
    whole = file.read_bytes()
    file.write_bytes(damage(whole))
    choice = choose(run, "lite")
    assert (choice.named, choice.file) == (None, file)
    assert "damaged" in choice.line
    file.write_bytes(whole)
    assert choose(run, "lite").named is not None


@pytest.fixture
def exports_at_once(made, monkeypatch):
    """An export of the run takes no time: it is the one that was made before."""
    content = made[2].read_bytes()[: -lite.DIGEST]

    def export_(source, path, format):
        assert format == "tflite"
        path.write_bytes(content)
        return export.Exported(path, len(content), 0.0, 1e-3)

    monkeypatch.setattr("kerasal.export.export", export_)


def test_what_was_damaged_is_replaced_by_the_command(made, exports_at_once, tmp_path):
    run, network, file = made
    whole = file.read_bytes()
    file.write_bytes(flipped(whole))
    pixels = write_photo(tmp_path / "photo.png", (40, 30), seed=1)
    command = ("predict", "--model", run, "--runtime", "lite", tmp_path / "photo.png", "-o", tmp_path / "out")
    assert "damaged" in invoke(*command, "--npy").stderr
    assert_same_maps([np.load(tmp_path / "out/photo.npy")], network.saliency_maps([pixels]))
    assert file.read_bytes() == whole


def test_other_weights_options_or_versions_have_files_of_their_own(made, tmp_path, monkeypatch):
    run, _, file = made
    make_run(tmp_path / "run", seed=1)
    assert choose(tmp_path / "run", "lite").file not in (None, file)
    copied = tmp_path / "copy"
    copied.mkdir()
    for part in ("config.json", "best.weights.h5"):
        (copied / part).write_bytes((run / part).read_bytes())
    assert choose(f"run:{copied}", "lite").named.name == "copy"  # the same network elsewhere
    (copied / "config.json").write_text((run / "config.json").read_text().replace("sigmoid", "relu"))
    assert choose(copied, "lite").file not in (None, file)
    monkeypatch.setattr(kerasal, "__version__", "9.9")
    assert choose(run, "lite").file not in (None, file)


def test_shipped_networks_differ_by_their_own_weights_and_their_backbones(cache, monkeypatch):
    files = {lite._kept_file(name, runs=False) for name in SHIPPED}
    assert len(files) == len(SHIPPED)
    entry = lite.REGISTRY[SHIPPED[0]]
    for name in (entry.name, entry.backbone):
        changed = dataclasses.replace(lite.REGISTRY[name], sha256="0" * 64)
        with monkeypatch.context() as patch:
            patch.setitem(lite.REGISTRY, name, changed)
            assert lite._kept_file(entry.name, runs=False) not in files


def test_another_process_that_makes_the_same_file_is_in_nobodys_way(made, exports_at_once, monkeypatch):
    run, network, file = made
    whole, mine = file.read_bytes(), export.export
    file.unlink()

    def second(*arguments):
        made_now = mine(*arguments)
        file.write_bytes(whole)  # by the first, which ends now
        return made_now

    monkeypatch.setattr("kerasal.export.export", second)
    maps = make_lite(run, file).predictor.saliency_maps(images((9, 9)))
    assert_same_maps(maps, network.saliency_maps(images((9, 9))))
    assert choose(run, "lite").named is not None
    assert list(file.parent.iterdir()) == [file]


@pytest.mark.parametrize("end", [KeyboardInterrupt(), InputError("a full disk")])
def test_nothing_is_left_of_an_export_that_was_stopped(made, monkeypatch, end):
    run, _, file = made
    whole = file.read_bytes()
    file.unlink()

    def stop(source, path, format):
        path.write_bytes(b"half")
        raise end

    monkeypatch.setattr("kerasal.export.export", stop)
    with pytest.raises(type(end)) as caught:
        make_lite(run, file)
    assert caught.value is end
    assert list(file.parent.iterdir()) == []
    file.write_bytes(whole)


def test_an_export_of_other_maps_is_refused_and_not_kept(made, exports_at_once, monkeypatch):
    run, _, file = made
    whole = file.read_bytes()
    file.unlink()
    mine = export.export
    monkeypatch.setattr(
        "kerasal.export.export", lambda *arguments: dataclasses.replace(mine(*arguments), difference=0.002)
    )
    with pytest.raises(InputError, match=r"LiteRT's maps of run differ from TensorFlow's by 0\.002"):
        make_lite(run, file)
    assert list(file.parent.iterdir()) == []
    file.write_bytes(whole)


@pytest.mark.parametrize("error", [ImportError("no libstdc++"), ValueError("op version 9")])
def test_a_litert_that_does_not_work_is_left_out_unless_asked_for(made, monkeypatch, error):
    run, _, file = made

    def broken(path):
        raise error

    monkeypatch.setattr("kerasal.prediction.runtimes.tflite", broken)
    monkeypatch.setattr(lite, "_kept_file", lambda name, runs: file)
    choice = choose(run)
    assert (choice.named, choice.file) == (None, None)
    assert choice.line.startswith("maps by TensorFlow: ")
    assert str(file) in choice.line
    with pytest.raises(InputError, match="tflite"):
        choose(run, "lite")


def test_an_export_that_could_not_be_run_is_not_kept(made, exports_at_once, tmp_path, monkeypatch):
    mine = export.export
    monkeypatch.setattr(
        "kerasal.export.export", lambda *arguments: dataclasses.replace(mine(*arguments), difference=None)
    )
    with pytest.raises(InputError, match="cannot import it: --runtime tensorflow"):
        make_lite(made[0], tmp_path / "lite/it.tflite")
    assert list((tmp_path / "lite").iterdir()) == []


def test_a_cache_that_cannot_be_written_is_told_and_no_error(made, tmp_path, monkeypatch):
    run, _, _ = made
    (tmp_path / "file").write_bytes(b"")
    monkeypatch.setenv("KERASAL_CACHE", str(tmp_path / "file"))
    # Of a network that ships, which is a tiny one here, so that it is kept unasked.
    monkeypatch.setattr(lite, "_kept_file", lambda name, runs: tmp_path / "file/lite/it.tflite")
    write_photo(tmp_path / "photo.png", (20, 30))
    result = invoke("predict", "--model", run, tmp_path / "photo.png", "-o", tmp_path / "out")
    assert result.exit_code == 0, result.output
    assert "Note: no export for LiteRT is kept: cannot make the folder" in result.stderr
    assert (tmp_path / "out/photo.png").is_file()
    result = invoke(
        "predict", "--model", run, "--runtime", "lite", tmp_path / "photo.png", "-o", tmp_path / "2"
    )
    assert result.exit_code == 2
    assert not (tmp_path / "2").exists()


def test_the_first_use_predicts_by_tensorflow_and_leaves_the_file(
    made, exports_at_once, tmp_path, monkeypatch
):
    run, network, _ = made
    monkeypatch.setattr(lite, "_kept_file", lambda name, runs: tmp_path / "lite/it.tflite")
    pixels = write_photo(tmp_path / "photo.png", (20, 30))
    command = ("predict", "--model", run, tmp_path / "photo.png", "-o", tmp_path / "out", "--npy")
    first, second = invoke(*command), invoke(*command)
    assert "maps by TensorFlow; an export for LiteRT, which starts faster, is made" in first.stderr
    assert "maps by LiteRT" in second.stderr
    assert_same_maps([np.load(tmp_path / "out/photo.npy")], network.saliency_maps([pixels]))


@pytest.mark.parametrize(
    ("change", "options", "reason"),
    [
        (lambda patch: patch.setattr(lite.importlib.util, "find_spec", lambda _: None), {}, "pip install"),
        (lambda _: None, {"precision": "bfloat16"}, "not in bfloat16"),
        (
            lambda patch: patch.setattr(lite, "bfloat16_instructions", lambda: "AMX"),
            {"few": False},
            "of videos and of more than 10 images, as AMX may be faster",
        ),
        (lambda patch: patch.setattr(lite, "GPU", Path("/")), {}, "a GPU"),
        (lambda patch: patch.setenv("KERAS_BACKEND", "jax"), {}, "jax"),
    ],
)
def test_where_litert_does_not_fit_tensorflow_is_taken_and_the_reason_told(
    cache, monkeypatch, change, options, reason
):
    change(monkeypatch)
    choice = choose(None, **options)
    assert (choice.named, choice.file) == (None, None)
    assert choice.line.startswith("maps by TensorFlow: ")
    assert reason in choice.line


def test_where_no_home_folder_is_known_tensorflow_does_without(monkeypatch):
    def nobody(_):
        raise KeyError

    for name in ("KERASAL_CACHE", "HOME"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr("pwd.getpwuid", nobody)  # as in a container, by a user that it does not know
    for precision in ("auto", "bfloat16"):
        choice = choose(None, precision=precision)
        assert (choice.named, choice.file) == (None, None)
        assert "TensorFlow: no home folder is known" in choice.line
    with pytest.raises(InputError, match="no home folder is known"):
        choose(None, "lite")


def test_runs_are_for_tensorflow_unless_litert_is_asked_for(made):
    run, _, _ = made
    assert choose(run) == choose(run, "tensorflow") == choose(None, "tensorflow") == lite.Choice()


@pytest.mark.parametrize(
    ("model", "options", "words"),
    [
        (None, {"precision": "float16"}, "not in float16"),
        ("sam-vgg", {}, "not for sam-vgg"),
        ("/nowhere", {}, "not for /nowhere"),
    ],
)
def test_litert_for_what_it_cannot_run_is_one_line(cache, model, options, words):
    with pytest.raises(InputError, match=words):
        choose(model, "lite", **options)
    with pytest.raises(InputError, match="one of auto, tensorflow, lite"):
        choose(model, "torch")


def test_missing_litert_is_named_where_it_is_asked_for(cache, monkeypatch):
    monkeypatch.setattr(lite.importlib.util, "find_spec", lambda _: None)
    with pytest.raises(InputError, match=r"pip install ai-edge-litert"):
        choose(None, "lite")


def test_classical_models_and_exports_have_no_choice(made, tmp_path, monkeypatch):
    _, network, file = made
    (tmp_path / "it.tflite").write_bytes(file.read_bytes()[: -lite.DIGEST])
    (tmp_path / "it.onnx").write_bytes(b"")
    blank = np.ones((1, 20, 31, 1), "float32")
    monkeypatch.setattr("kerasal.prediction.runtimes.onnx", lambda path: lambda stimuli: {"saliency": blank})
    stimuli = images((20, 31))
    for runtime in lite.RUNTIMES:
        assert choose("itti:1998", runtime).named.predictor == ClassicalPredictor("itti-1998")
        maps = choose(tmp_path / "it.tflite", runtime).named.predictor.saliency_maps(stimuli)
        assert_same_maps(maps, network.saliency_maps(stimuli))
        maps = choose(tmp_path / "it.onnx", runtime).named.predictor.saliency_maps(stimuli)
        assert_same_maps(maps, [blank[0, ..., 0]])


def test_a_server_takes_them_too_and_tells_runs_of_one_name_apart(made, tmp_path, capfd):
    run, network, _ = made
    copied = tmp_path / "run"
    copied.mkdir()
    for part in ("config.json", "best.weights.h5"):
        (copied / part).write_bytes((run / part).read_bytes())
    loaded = sys.modules[serving.callback.__module__]._load((run, copied, "gbvs"), "lite")
    assert list(loaded) == ["run", str(copied), "gbvs"]
    stimuli = images((25, 40))
    assert_same_maps(loaded["run"].saliency_maps(stimuli), network.saliency_maps(stimuli))
    assert capfd.readouterr().err.count("maps by LiteRT") == 2


@pytest.mark.slow
@pytest.mark.parametrize("name", SHIPPED)
def test_what_ships_gives_the_same_maps_of_photographs(cache, shared, name):
    from kerasal.data import read_image

    photographs = sorted((shared / "data/osie/stimuli").glob("*.jpg"))[::200]
    assert len(photographs) == 4
    stimuli = [*map(read_image, photographs), *images((1, 1), (3, 200), (333, 251))]
    stimuli.append(stimuli[0][:, ::-1][:517, :611])
    choice = choose(name)
    assert choice.named is None
    make_lite(name, choice.file)
    found = choose(name).named.predictor.saliency_maps(stimuli)
    assert_same_maps(found, find(name).load("float32").predictor.saliency_maps(stimuli))
