"""Files that are malformed in unusual ways: one line, at once, from the Python that a command calls."""

import json
import time
import zipfile

import numpy as np
import pytest
import yaml
from conftest import write_photo

from kerasal import data, losses, models, prediction, training
from kerasal.data import folder
from kerasal.data.extract import extract
from kerasal.data.images import read_map, read_npy
from kerasal.data.sample import center_bias
from kerasal.errors import InputError
from kerasal.evaluation.scores import read_csv
from kerasal.quest.folder import QuestFolder
from kerasal.training import RunFolder, read_config


@pytest.fixture(autouse=True)
def _at_once():
    start = time.perf_counter()
    yield
    assert time.perf_counter() - start < 30


def refused(function, *arguments):
    """The one line that a call is refused with."""
    with pytest.raises(InputError) as error:
        function(*arguments)
    line = str(error.value)
    assert "\n" not in line
    assert len(line) < 1000
    return line


BOMB = "a: &a [x, x, x, x, x, x, x, x, x]\n" + "".join(
    f"{chr(98 + n)}: &{chr(98 + n)} [{', '.join(['*' + chr(97 + n)] * 9)}]\n" for n in range(9)
)
YAML = {
    "alias bomb": (BOMB + "epochs: *j\n", "alias"),
    "nested": ("epochs: " + "[" * 5000 + "]" * 5000, "more than 100 brackets"),
    "nested lines": ("- " * 5000, "neither YAML nor JSON"),
    "long integer": ("epochs: " + "9" * 5000, "neither YAML nor JSON"),
    "long text": ("epochs: " + "x" * 5000, "epochs must be a whole number, got 'xxx"),
    "long key": ("x" * 900 + ": 1", "unknown option 'xxx"),
    "list for a number": ("epochs: [1, 2, 3]", "epochs must be a whole number, got a list of 3"),
    "text for a size": ("input_size: [[1], {}]", "input_size must be ROWSxCOLUMNS"),
    "large size": ("input_size: 1000000x1000000", None),
    "no date": ("epochs: 2001-99-99", "neither YAML nor JSON"),
    "unhashable key": ("? [a]\n: 1", "neither YAML nor JSON"),
    "odd tag": ("epochs: !!timestamp x", "neither YAML nor JSON"),
    "program": ("epochs: !!python/object/apply:os.abort []", "neither YAML nor JSON"),
    "Latin-1": ("loss: \xe9".encode("latin-1"), "neither YAML nor JSON"),
    "long": ("# " + "x" * 200_000, "200,002 bytes"),
    "empty": ("", "must hold lines"),
}


@pytest.mark.parametrize("name", YAML)
def test_a_configuration_file_is_refused_in_one_line(name, tmp_path):
    content, words = YAML[name]
    path = tmp_path / "options.yaml"
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    if words is None:
        values = read_config(path)
        assert "too large: at most" in refused(lambda: training.options(**values))
        return
    line = refused(read_config, path)
    assert words in line
    assert "options.yaml" in line


def npy(shape, descr="<f8", header=None, body=b"x" * 64):
    """The bytes of a .npy file of version 1, whatever it claims."""
    text = header or f"{{'descr': {descr!r}, 'fortran_order': False, 'shape': {shape!r}, }}"
    padded = text.encode().ljust(117) + b"\n"
    return b"\x93NUMPY\x01\x00" + len(padded).to_bytes(2, "little") + padded + body


NPY = {
    "146 TiB": (npy((20_000_000_000_000,)), "array"),
    "more than there is": (npy((10, 10)), "array"),
    "negative": (npy((-1, 8)), "array"),
    "nested": (npy(None, header="[" * 5000), "array"),
    "long number": (
        npy(None, header="{'descr': '<f8', 'fortran_order': False, 'shape': (" + "9" * 5000 + ",)}"),
        "array",
    ),
    "objects": (npy((8,), "|O"), "array"),
    "text": (npy((2,), "<U8"), "numeric"),
    "structures": (npy((8,), [("a", "<f8")]), "numeric"),
    "times": (npy((8,), "<M8[s]"), "numeric"),
    "version 9": (b"\x93NUMPY\x09\x00" + bytes(200), "array"),
    "nothing": (b"", "array"),
    "pickle": (b"\x80\x04K\x01.", "array"),
}


@pytest.mark.parametrize("name", NPY)
def test_an_array_file_is_refused_in_one_line(name, tmp_path):
    content, words = NPY[name]
    path = tmp_path / "map.npy"
    path.write_bytes(content)
    line = refused(read_npy, path)
    assert words in line
    assert "map.npy" in line


def test_an_archive_of_arrays_named_as_one_array_says_so(tmp_path):
    with open(tmp_path / "map.npy", "wb") as file:
        np.savez(file, a=np.ones((3, 4)))
    assert "ZIP archive" in refused(read_map, tmp_path / "map.npy")


@pytest.mark.parametrize("shape", [(0, 50), (50, 0), (0,), (7,), (), (2, 3, 4), (1, 1, 0)])
def test_a_map_without_rows_or_columns_is_refused(shape, tmp_path):
    np.save(tmp_path / "map.npy", np.ones(shape))
    assert f"got shape {shape}" in refused(read_map, tmp_path / "map.npy") or shape == (1, 1, 0)


def test_a_map_of_one_row_or_with_an_axis_of_one_is_a_map(tmp_path):
    values = np.arange(12.0)
    for shape in ((1, 12), (12, 1), (1, 1), (3, 4, 1), (1, 3, 4)):
        written = values[: int(np.prod(shape))].reshape(shape)
        np.save(tmp_path / "map.npy", written)
        expected = written.reshape([side for side in shape if side > 1]) if len(shape) > 2 else written
        np.testing.assert_array_equal(read_map(tmp_path / "map.npy"), expected)


@pytest.mark.parametrize("scale", [1e308, 1e39, 1.0, 1e-39, 1e-300, 5e-324])
def test_maps_of_any_scale_have_one_density_and_one_centre_bias(photo_folder, scale):
    (photo_folder / "fixations").rename(photo_folder / "unused")
    (photo_folder / "maps").mkdir()
    steps = np.array([0, 1, 1, 0]) if scale == 5e-324 else np.array([0.0, 0.25, 0.5, 1.0])
    for number in range(9):
        size = ((60, 90), (80, 50))[number % 2]
        np.save(photo_folder / f"maps/p{number}.npy", np.resize(steps * scale, size))
    dataset = data.load(str(photo_folder))
    for sample in dataset.samples:
        for dtype in ("float32", "float64"):
            np.testing.assert_allclose(sample.density(dtype=dtype), np.resize(steps, sample.size), rtol=1e-6)
    # At a size where nothing is resized; the others are of another size, and stay finite.
    train = [sample for sample in dataset["train"] if sample.size == (80, 50)]
    np.testing.assert_allclose(center_bias(train, (80, 50)), np.resize(steps, (80, 50)), rtol=1e-6)
    assert np.isfinite(dataset.center_bias((20, 20))).all()


def test_a_cell_of_two_hundred_thousand_characters_is_named(photo_folder):
    (photo_folder / "fixations/p3.csv").write_text('x,y\n"' + "1" * 200_000 + '",3\n')
    assert "p3.csv" in refused(folder.load, photo_folder)
    split = photo_folder / "split.csv"
    split.write_text("name,split\n" + "x" * 200_000 + ",train\n")
    (photo_folder / "fixations/p3.csv").write_text("x,y\n1,2\n")
    dataset = data.load(str(photo_folder))
    assert "split.csv" in refused(data.split_by_file, dataset, split)


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ("[" * 5000, "must be JSON"),
        ('{"train": ' + "9" * 5000 + "}", "must be JSON"),
        ('{"train": [""]}', "''"),
        ('{"train": [[], {}]}', "'[]'"),
        ('{"train": ["' + "x" * 5000 + '"]}', "xxx"),
        ('{"' + "x" * 5000 + '": ["p0"]}', "unknown split"),
        ("[]", "must be JSON"),
    ],
)
def test_a_split_file_is_refused_in_one_line(photo_folder, content, words):
    path = photo_folder / "split.json"
    path.write_text(content)
    line = refused(data.split_by_file, data.load(str(photo_folder)), path)
    assert words in line
    assert "split.json" in line


ARCHIVES = {
    "no name": (["", "a"], "no name"),
    "a dot": (["."], "no name"),
    "long": (["d/" + "x" * 300], "more than 255 bytes"),
    "long folder": (["é" * 200 + "/a"], "more than 255 bytes"),
    "long in all": (["/".join(["x" * 200] * 40) + "/a"], "long"),
}


@pytest.mark.parametrize("name", ARCHIVES)
def test_an_archive_with_names_that_cannot_be_written_is_refused(name, tmp_path):
    names, words = ARCHIVES[name]
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as file:
        for member in names:
            file.writestr(zipfile.ZipInfo(member), b"content")
    (tmp_path / "out").mkdir()
    line = refused(extract, tmp_path / "a.zip", tmp_path / "out")
    assert words in line
    assert "a.zip" in line


CONFIG = {
    "schema": 1,
    "loss": "mse",
    "model": "tiny",
    "model_options": {"input_size": [16, 24], "activation": "sigmoid", "dropout": 0, "initial_density": 0.1},
    "precision": "float32",
    "options": {},
    "cache_features": True,
    "data": {"arguments": {}, "fingerprint": "", "limit": None},
}


def changed(**changes):
    return {key: value for key, value in {**CONFIG, **changes}.items() if value is not ...}


def options(**changes):
    return changed(model_options={**CONFIG["model_options"], **changes})


def arguments(**changes):
    known = {"sigma": None, "pixels_per_degree": None, "split_file": None, "crop_borders": False}
    given = {"name": "folder", "data_dir": "x", **known, **changes}
    return changed(data={**CONFIG["data"], "arguments": given})


CONFIGS = {
    "nothing": ("", "not valid JSON"),
    "cut off": (json.dumps(CONFIG)[:50], "not valid JSON"),
    "nested": ("[" * 5000, "not valid JSON"),
    "long number": ('{"schema": ' + "1" * 5000 + "}", "not valid JSON"),
    "Latin-1": (b'{"schema": "\xe9"}', "not valid JSON"),
    "list": ([], "holds a list of 0"),
    "null": (None, "holds None"),
    "empty": ({}, "schema None"),
    "newer": (changed(schema=2), "another version"),
    "odd schema": (changed(schema=[1]), "another version"),
    "no options of the model": (changed(model_options=...), "it has no model_options"),
    "list of options": (changed(model_options=[1]), "model_options is a list of 1"),
    "list for a model": (changed(model=[1]), "model is a list of 1"),
    "no data": (changed(data=...), "it has no data"),
    "data without arguments": (changed(data={}), "it has no arguments"),
    "unknown model": (changed(model="x" * 5000), "unknown model"),
    "large": (options(input_size=[1_000_000, 1_000_000]), "too large"),
    "small": (options(input_size=[-1, 5]), "two whole numbers"),
    "no size": (options(input_size="300x400"), "two whole numbers"),
    "deep size": (options(input_size=[[1], 2]), "two whole numbers"),
    "size of text": (options(input_size=["1", "2"]), "two whole numbers"),
    "unknown option": (options(colour="red"), "has no option colour"),
    "option of another kind": (options(dropout="much"), "model tiny"),
    "unknown activation": (options(activation="nowhere"), "model tiny"),
    "number for a name": (arguments(name=5), "name is 5"),
    "text for sigma": (arguments(sigma="wide"), "sigma is 'wide'"),
    "unknown argument": (arguments(colour=1), "'colour'"),
}


@pytest.mark.usefixtures("tiny_network")
@pytest.mark.parametrize("name", CONFIGS)
def test_a_run_folder_with_such_a_configuration_is_refused_in_one_line(name, tmp_path):
    content, words = CONFIGS[name]
    path = tmp_path / "config.json"
    if isinstance(content, bytes):
        path.write_bytes(content)
    else:
        path.write_text(content if isinstance(content, str) else json.dumps(content))
    models.build("tiny", **CONFIG["model_options"]).save_weights(tmp_path / "best.weights.h5")

    def use():
        prediction.load(tmp_path)
        RunFolder.open(tmp_path).data_arguments()

    line = refused(use)
    assert words in line
    assert "config.json" in line or "no option" in line


@pytest.mark.usefixtures("tiny_network")
def test_a_run_on_data_made_in_a_program_predicts_and_says_that_they_cannot_be_loaded(tmp_path):
    (tmp_path / "config.json").write_text(json.dumps(CONFIG))
    network = models.build("tiny", **CONFIG["model_options"])
    network.save_weights(tmp_path / "best.weights.h5")
    photo = write_photo(tmp_path / "a.png", (30, 40))
    np.testing.assert_array_equal(
        prediction.load(tmp_path).saliency_maps([photo])[0], network.saliency_maps([photo])[0]
    )
    assert "made in a program" in refused(lambda: RunFolder.open(tmp_path).data_arguments())
    assert "no checkpoint" in refused(training.resume, tmp_path)
    (tmp_path / "best.weights.h5").unlink()  # as where a run is stopped in its first epoch
    assert "made in a program" in refused(training.resume, tmp_path)


@pytest.mark.usefixtures("tiny_network")
def test_weights_without_a_layers_group_are_refused_and_none_is_set(tmp_path):
    h5py = pytest.importorskip("h5py")
    (tmp_path / "config.json").write_text(json.dumps(CONFIG))
    network = models.build("tiny", **CONFIG["model_options"])
    network.save_weights(tmp_path / "best.weights.h5")
    before = network.get_weights()
    with h5py.File(tmp_path / "best.weights.h5", "a") as file:
        del file["layers"]
    assert "best.weights.h5" in refused(prediction.load, tmp_path)
    assert "best.weights.h5" in refused(models.set_weights, network, tmp_path / "best.weights.h5")
    for found, expected in zip(network.get_weights(), before, strict=True):
        np.testing.assert_array_equal(found, expected)


@pytest.mark.parametrize(
    "content", ["image,cc\na", "image,cc\na,b", "image,cc\na,1,2", "", '"' + "x" * 200_000]
)
def test_damaged_scores_are_named(tmp_path, content):
    (tmp_path / "scores.csv").write_text(content)
    assert "scores.csv" in refused(read_csv, tmp_path / "scores.csv")


@pytest.mark.parametrize("content", [None, "epoch,loss\n0,x", "epoch\n0,1", "epoch\n" + "1" * 200_000])
def test_damaged_histories_are_named(tmp_path, content):
    if content:
        (tmp_path / "history.csv").write_text(content)
    assert "history.csv" in refused(lambda: RunFolder(tmp_path).history)


@pytest.mark.parametrize(
    "content", ["[]", "[" * 5000, '{"losses": []}', '{"losses": [], "schema": 7}', "\xff"]
)
def test_a_quests_folder_with_such_a_configuration_is_refused_in_one_line(tmp_path, content):
    (tmp_path / "config.json").write_bytes(content.encode("latin-1"))
    assert str(tmp_path) in refused(lambda: QuestFolder(tmp_path).config)


def test_a_quests_folder_without_its_settings_is_refused(tmp_path):
    (tmp_path / "config.json").write_text('{"losses": [], "schema": 1}')
    assert "config.json does not hold" in refused(QuestFolder(tmp_path).begin, {"options": {}}, print)


def test_a_centre_bias_file_is_refused_in_one_line(tmp_path):
    for content in (npy((20_000_000_000_000,)), b"PK\x03\x04", b""):
        (tmp_path / "bias.npy").write_bytes(content)
        assert "bias.npy" in refused(losses.CenterBias, tmp_path / "bias.npy")


def test_the_alias_bomb_of_these_tests_is_one():
    """PyYAML takes it; its values are 9 to the 10th."""
    values = yaml.safe_load(BOMB)
    assert len(values["j"]) == 9
    assert values["j"][0] is values["j"][8]
