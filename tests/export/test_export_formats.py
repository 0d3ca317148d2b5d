"""Each format in the runtime it is made for."""

import dataclasses
import json
import math
import re
import sys
import zipfile
from pathlib import Path
from types import SimpleNamespace

import keras
import numpy as np
import pytest
from click.testing import CliRunner
from conftest import write_photo

from kerasal import models
from kerasal._files import json_text
from kerasal.errors import InputError
from kerasal.export import FORMATS, Exported, export, formats
from kerasal.export.card import model_card
from kerasal.export.graph import PORTABLE, TENSORFLOW, serving_function
from kerasal.export.saved_model import write_keras
from kerasal.prediction import LoadedPredictor, runtimes
from kerasal_cli import main

ROOT = Path(__file__).parents[2]
SIZES = [(32, 48), (70, 41), (1, 1), (2, 90)]
CASES = [
    ("saved_model", {}, 1e-5),
    pytest.param(("onnx", {}, 1e-3), marks=pytest.mark.ci),
    pytest.param(("onnx", {"float16": True}, 1e-2), marks=pytest.mark.slow),
    ("tflite", {}, 1e-3),
    ("tflite", {"float16": True}, 1e-2),
    ("tflite", {"int8": True}, 1e-1),
]
RUNTIMES = {"onnx": ("tf2onnx", "onnxruntime"), "tflite": ("ai_edge_litert",)}


def stimuli(batch, size, seed=0):
    return np.random.default_rng(seed).integers(0, 256, (batch, *size, 3), dtype=np.uint8)


@pytest.fixture(scope="module")
def source(tiny_network):
    keras.utils.set_random_seed(1)
    network = models.build(
        "tiny", input_size=(32, 48), activation="sigmoid", dropout=0.1, initial_density=0.1
    )
    facts = {"model": "tiny", "trained_on": "nothing at all"}
    return LoadedPredictor("a tiny one", network, facts)


@pytest.fixture(
    scope="module", params=CASES, ids=["saved_model", "onnx", "onnx16", "tflite", "tflite16", "tflite8"]
)
def exported(request, source, tmp_path_factory):
    """(what `export` returned, its runner, tolerance)."""
    format, options, tolerance = request.param
    for module in RUNTIMES.get(format, ()):
        pytest.importorskip(module)
    path = tmp_path_factory.mktemp(format) / f"it{FORMATS[format].suffix}"
    result = export(source, path, format, **options)
    return result, getattr(runtimes, format)(result.path), tolerance


def test_an_export_gives_the_networks_maps_at_any_size_and_batch(exported, source):
    _, run, tolerance = exported
    for size, batch in zip(SIZES, (1, 2, 7, 1), strict=True):
        images = stimuli(batch, size)
        outputs = run(images)
        assert set(outputs) == {"saliency", "density"}
        assert outputs["saliency"].shape == outputs["density"].shape == (batch, *size, 1)
        assert outputs["saliency"].dtype == outputs["density"].dtype == np.float32
        expected = np.stack(source.predictor.saliency_maps(list(images)))[..., None]
        np.testing.assert_allclose(outputs["saliency"], expected, atol=tolerance)
        np.testing.assert_allclose(
            outputs["density"],
            expected / expected.sum(axis=(1, 2, 3), keepdims=True),
            atol=tolerance / expected.sum(axis=(1, 2, 3)).min(),
        )
        np.testing.assert_allclose(outputs["density"].sum(axis=(1, 2, 3)), 1, rtol=1e-4)


def test_an_export_measures_its_difference_and_size(exported):
    result, _, tolerance = exported
    assert result.agrees
    assert 0 <= result.difference <= tolerance
    assert (result.tolerance > 1e-3) == (tolerance > 1e-3)  # of weights stored in less than float32 alone
    files = [result.path] if result.path.is_file() else result.path.rglob("*")
    assert result.size_bytes == sum(path.stat().st_size for path in files if path.is_file())
    assert [path.name for path in result.path.parent.iterdir()] == [result.path.name]


def card_of(path) -> str:
    if path.suffix == ".onnx":
        import onnx

        card = {entry.key: entry.value for entry in onnx.load(path).metadata_props}["model_card"]
    elif path.suffix == ".tflite":
        card = zipfile.ZipFile(path).read("README.md").decode()
    else:
        card = (path / "README.md").read_text()
    return card


def test_the_model_card_is_inside(exported):
    card = card_of(exported[0].path)
    assert "a tiny one" in card
    assert "nothing at all" in card
    assert "- Network: tiny\n" in card
    assert "sums to 1" in card


def test_a_metric_without_a_mean_is_left_out_of_the_model_card():
    def card(**metrics):
        metrics = json.loads(json_text({name: {"mean": mean} for name, mean in metrics.items()}))
        scores = {"split": "test", "data": "photos", "metrics": metrics}
        return model_card(
            LoadedPredictor("it", None, {"scores": scores}), "onnx", stored="float32", size=None
        )

    assert "- Scores on the test split of photos: cc 0.8000, sim 1.0000\n" in card(
        cc=0.8, nss=math.nan, sim=1
    )
    for without in (card(nss=math.nan), card()):
        assert "- Scores: not evaluated\n" in without


EXAMPLES = [
    example
    for page in ("docs/serving.md", "docs/tutorial.md")
    for example in re.findall(r"```python\n(.*?)```", (ROOT / page).read_text(), re.DOTALL)
]


def test_the_examples_of_the_documents_and_of_the_card_run(exported, tmp_path, monkeypatch):
    path = exported[0].path
    name = {".onnx": "saliency.onnx", ".tflite": "saliency.tflite"}.get(path.suffix, "saliency_model")
    (tmp_path / name).symlink_to(path)
    photo = write_photo(tmp_path / "photo.jpg", (50, 70))
    monkeypatch.chdir(tmp_path)
    examples = [example for example in EXAMPLES if name in example]
    assert examples
    for example in [*examples, re.search(r"```python\n(.*?)```", card_of(path), re.DOTALL)[1]]:
        names = {"photo": photo}
        exec(example, names)
        assert np.squeeze(names["saliency"]).shape == (50, 70)
        assert np.max(names["saliency"]) == pytest.approx(1)


@pytest.mark.parametrize("resizes", [TENSORFLOW, PORTABLE], ids=["tensorflow", "portable"])
def test_an_adapted_network_has_the_graphs_of_every_format(source, resizes):
    adapted = models.Adapted("tiny", source.predictor.get_config())
    adapted.base.set_weights(source.predictor.get_weights())
    image = stimuli(1, (40, 30))
    found = serving_function(adapted, resizes)(image)["saliency"].numpy()
    np.testing.assert_allclose(found[0, ..., 0], adapted.saliency_maps(image)[0], atol=1e-3)


def test_large_constants_are_stored_as_float16_and_used_as_float32():
    pytest.importorskip("onnxruntime")
    pytest.importorskip("tf2onnx")
    import onnx
    import onnxruntime
    from onnx import numpy_helper

    from kerasal.export.onnx import _store_as_float16

    values = np.random.default_rng(0).normal(size=(50, 40)).astype("float32")
    graph = onnx.helper.make_graph(
        [onnx.helper.make_node("MatMul", ["x", "w"], ["y"])],
        "g",
        [onnx.helper.make_tensor_value_info("x", onnx.TensorProto.FLOAT, (1, 50))],
        [onnx.helper.make_tensor_value_info("y", onnx.TensorProto.FLOAT, (1, 40))],
        [numpy_helper.from_array(values, "w")],
    )
    model = onnx.helper.make_model(graph, opset_imports=[onnx.helper.make_opsetid("", 18)], ir_version=9)
    whole = len(model.SerializeToString())
    _store_as_float16(model)
    assert len(model.SerializeToString()) < 0.6 * whole
    x = np.ones((1, 50), "float32")
    (y,) = onnxruntime.InferenceSession(model.SerializeToString()).run(None, {"x": x})
    np.testing.assert_allclose(y, x @ values.astype("float16").astype("float32"), rtol=1e-5, atol=1e-5)


def test_a_fixed_size_is_the_only_one_taken(source, tmp_path):
    onnxruntime = pytest.importorskip("onnxruntime")
    pytest.importorskip("tf2onnx")
    result = export(source, tmp_path / "fixed.onnx", "onnx", size=(40, 30))
    assert result.agrees
    run = runtimes.onnx(result.path)
    assert run(stimuli(1, (40, 30)))["saliency"].shape == (1, 40, 30, 1)
    with pytest.raises(onnxruntime.capi.onnxruntime_pybind11_state.InvalidArgument):
        run(stimuli(1, (40, 31)))


def test_keras_file_still_loads_with_the_card_in_it(tmp_path):
    network = keras.Sequential([keras.Input((4, 4, 3)), keras.layers.Conv2D(2, 3)])
    write_keras(network, tmp_path / "it.keras", "# one")
    assert zipfile.ZipFile(tmp_path / "it.keras").read("README.md").decode() == "# one"
    loaded = keras.models.load_model(tmp_path / "it.keras")
    images = np.random.default_rng(0).uniform(size=(1, 4, 4, 3)).astype("float32")
    np.testing.assert_allclose(loaded(images), network(images), atol=1e-6)


def test_saved_model_is_a_layer_of_keras(source, tmp_path):
    export(source, tmp_path / "it", "saved_model")
    layer = keras.layers.TFSMLayer(tmp_path / "it", call_endpoint="serving_default")
    images = stimuli(2, (50, 33))
    maps = layer(images)["saliency"]
    np.testing.assert_allclose(
        np.asarray(maps)[..., 0], np.stack(source.predictor.saliency_maps(list(images))), atol=1e-5
    )


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"format": "caffe"}, "caffe.*onnx"),
        ({"format": "saved_model", "float16": True}, "float16"),
        ({"format": "onnx", "int8": True}, "int8 is for tflite, not for onnx"),
        ({"format": "tflite", "float16": True, "int8": True}, "not as both"),
        ({"format": "saved_model", "size": (30, 30)}, "30x30"),
        ({"format": "onnx", "size": (0, 30)}, "0x30"),
        # which nothing would open by the name "it"
        ({"format": "onnx"}, r"it is no name of a file of onnx: .* ends in \.onnx$"),
        ({"format": "tflite", "int8": True}, r"ends in \.tflite$"),
        ({"format": "keras"}, r"ends in \.keras$"),
    ],
)
def test_what_a_format_cannot_do_is_refused_and_leaves_nothing(source, tmp_path, options, words):
    with pytest.raises(InputError, match=words):
        export(source, tmp_path / "it", **options)
    assert not list(tmp_path.iterdir())


def test_a_place_that_is_taken_and_a_predictor_that_is_no_network_are_refused(source, tmp_path):
    (tmp_path / "there").touch()
    with pytest.raises(InputError, match="is there already"):
        export(source, tmp_path / "there")

    class Constant:
        def saliency_maps(self, stimuli):
            return [np.ones(stimulus.shape[:2]) for stimulus in stimuli]

    with pytest.raises(InputError, match="centre is no network"):
        export(LoadedPredictor("centre", Constant()), tmp_path / "it")


def test_another_backend_of_keras_is_refused(source, tmp_path, monkeypatch):
    monkeypatch.setattr(keras.config, "backend", lambda: "jax")
    with pytest.raises(InputError, match="KERAS_BACKEND"):
        export(source, tmp_path / "it", "onnx")


def test_an_export_that_gives_no_numbers_does_not_agree(source, tmp_path, monkeypatch):
    monkeypatch.setattr(
        runtimes, "saved_model", lambda _: lambda x: {"saliency": np.full((*x.shape[:3], 1), np.nan)}
    )
    assert not export(source, tmp_path / "it").agrees


def test_without_a_runtime_nothing_is_compared(source, tmp_path, monkeypatch):
    def missing(_):
        raise ImportError

    monkeypatch.setattr(runtimes, "saved_model", missing)
    result = export(source, tmp_path / "it")
    assert result.difference is None
    assert not result.agrees


def test_every_format_has_a_runtime_that_its_suffix_finds_and_a_tolerance_of_each_coarser_storage():
    assert {row.suffix: name for name, row in FORMATS.items() if row.suffix} == runtimes.SUFFIXES
    for name, row in FORMATS.items():
        assert getattr(runtimes, name).__module__ == runtimes.__name__
        assert set(row.tolerances) == set(row.options) - {"size"}
        assert all(tolerance > formats.TOLERANCE for tolerance in row.tolerances.values())


def test_the_command_offers_every_format():
    from kerasal_cli.export import export as command

    choices = {option.name: option.type for option in command.params}["format"].choices
    assert tuple(choices) == tuple(FORMATS)


@pytest.mark.parametrize(
    ("model", "place"),
    [("runs/one", "runs/one"), ("run:runs/one", "runs/one"), ("runs/one/last.weights.h5", "one-last")],
)
def test_a_run_gets_its_export_however_it_is_named(source, tmp_path, monkeypatch, model, place):
    made = []

    def export_(source, path, format, **options):
        made.append(path)
        return Exported(path, 1, 0.0, 1e-3)

    (tmp_path / "runs/one").mkdir(parents=True)
    monkeypatch.chdir(tmp_path)
    named = dataclasses.replace(source, name=place.rpartition("/")[2])
    found = SimpleNamespace(name=named.name, load=lambda: named)
    monkeypatch.setattr("kerasal.prediction.find", lambda model: found)
    monkeypatch.setattr("kerasal.export.export", export_)
    result = CliRunner().invoke(main, ["export", model, "--format", "onnx"])
    assert result.exit_code == 0, result.output
    assert made == [Path(place, "model.onnx")]


def test_a_missing_converter_is_named_and_leaves_nothing(source, tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "tf2onnx", None)
    with pytest.raises(InputError, match=r"pip install 'kerasal\[onnx\]'"):
        export(source, tmp_path / "it.onnx", "onnx")
    assert not list(tmp_path.iterdir())
