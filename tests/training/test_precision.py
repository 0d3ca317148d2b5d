import keras
import numpy as np
import pytest
import tensorflow as tf

from kerasal import data, models, training
from kerasal._cpu import bfloat16_instructions
from kerasal.training import precision
from kerasal.training.features import FeatureCache
from kerasal.training.precision import bfloat16_hardware, resolve_precision


@pytest.fixture(scope="module")
def both():
    """The baseline in float32 and in bfloat16, with the same weights."""
    exact = models.Baseline((32, 48), "sigmoid", backbone_weights="random")
    with training.computing_in("bfloat16"):
        fast = models.Baseline((32, 48), "sigmoid", backbone_weights="random")
    fast.set_weights(exact.get_weights())
    return exact, fast


@pytest.mark.parametrize(
    ("flags", "expected"),
    [
        ("fpu avx512f avx512_bf16 amx_bf16 amx_tile", "AMX"),
        ("fpu avx512f avx512_bf16", "AVX512-BF16"),
        ("fpu avx2 avx512f amx_tile", None),
    ],
)
def test_the_cpus_flags_tell_whether_it_computes_in_bfloat16(tmp_path, flags, expected):
    (tmp_path / "cpuinfo").write_text(f"processor\t: 0\nflags\t\t: {flags}\nbugs\t\t: none\n")
    assert bfloat16_instructions(tmp_path / "cpuinfo") == expected
    assert bfloat16_instructions(tmp_path / "nowhere") is None


@pytest.mark.parametrize(("capability", "expected"), [((8, 0), "GPU"), ((9, 0), "GPU"), ((7, 5), None)])
def test_a_gpu_counts_instead_of_the_cpu(monkeypatch, capability, expected):
    monkeypatch.setattr(tf.config, "list_physical_devices", lambda _: ["gpu"])
    details = {"compute_capability": capability}
    monkeypatch.setattr(tf.config.experimental, "get_device_details", lambda _: details)
    assert bfloat16_hardware() == expected


def test_without_a_gpu_the_cpu_counts(monkeypatch):
    monkeypatch.setattr(tf.config, "list_physical_devices", lambda _: [])
    monkeypatch.setattr(precision, "bfloat16_instructions", lambda: "AMX")
    assert bfloat16_hardware() == "AMX"


@pytest.mark.parametrize(
    ("hardware", "speed", "expected"),
    [
        ("GPU", 0.0, "bfloat16"),
        ("AMX", 3.0, "bfloat16"),
        ("AVX512-BF16", 0.5, "float32"),
        (None, 3.0, "float32"),
    ],
)
def test_auto_takes_bfloat16_where_it_is_fast_and_says_so(monkeypatch, hardware, speed, expected):
    monkeypatch.setattr(precision, "bfloat16_hardware", lambda: hardware)
    monkeypatch.setattr(precision, "bfloat16_speed", lambda: speed)
    chosen, line = resolve_precision("auto")
    assert chosen == expected
    assert line is None if hardware is None else f"computing in {expected}" in line
    assert training.options().precision == "auto"
    assert resolve_precision("float32") == ("float32", None)


def test_backbone_and_head_compute_in_bfloat16_with_float32_weights_and_map(both):
    _, model = both
    assert keras.config.dtype_policy().name == "float32"  # what is built later is not concerned
    layers = {layer.name: layer for layer in model._flatten_layers()}
    for name in ("block1_conv1", "block5_conv3", "reduction", "aspp", "dilation12"):
        assert layers[name].compute_dtype == "bfloat16", name
    # A map in bfloat16 would have 256 levels between 0.5 and 1; the stimulus's levels need as many.
    for name in ("preprocessing", "saliency", "smoothing", "resized", "sigmoid"):
        assert layers[name].compute_dtype == "float32", name
    assert {weight.dtype for weight in model.weights} == {"float32"}
    assert model.output.dtype == "float32"


def test_features_and_maps_in_bfloat16_are_those_in_float32_to_its_three_digits(both, photo_folder):
    samples = data.load(str(photo_folder))["train"]
    exact, fast = both
    for one, other in zip(
        FeatureCache.open(exact, samples).arrays, FeatureCache.open(fast, samples).arrays, strict=True
    ):
        assert not np.array_equal(one, other)
        assert np.corrcoef(one.ravel(), other.ravel())[0, 1] > 0.9995
    stimuli = np.random.default_rng(0).uniform(0, 255, (2, 32, 48, 3)).astype("float32")
    np.testing.assert_allclose(fast.predict_on_batch(stimuli), exact.predict_on_batch(stimuli), atol=2e-3)


def test_cached_features_of_one_precision_are_not_taken_for_anothers(both, photo_folder, tmp_path):
    samples = data.load(str(photo_folder))["validation"]
    kept = []
    for model in (*both, *both):
        FeatureCache.open(model, samples, folder=tmp_path)
        kept.append({path.name for path in (tmp_path / "features").iterdir()})
    assert [len(names) for names in kept] == [1, 2, 2, 2]


@pytest.mark.usefixtures("tiny_network")
@pytest.mark.parametrize("name", ["bfloat16", pytest.param("float16", marks=pytest.mark.slow)])
def test_a_run_remembers_its_precision_and_loads_in_any(photo_folder, tmp_path, name):
    options = training.options(model="tiny", loss="kld", input_size=(32, 48), epochs=1, precision=name)
    lines = []
    run = training.train(
        data.load(str(photo_folder)), options, tmp_path / "run", report=lines.append, verbose=0
    )
    assert any(f"computing in {name}" in line for line in lines)
    assert run.config["precision"] == name
    assert np.isfinite(run.history[0]["val_loss"])
    assert {weight.dtype for weight in run.load_model(name).weights} == {"float32"}
    assert run.load_model("bfloat16").head.layers[1].compute_dtype == "bfloat16"
    assert run.load_model().head.layers[1].compute_dtype == "float32"


@pytest.mark.parametrize("name", ["float32", "bfloat16", "float16"])
@pytest.mark.parametrize(
    "build",
    [
        lambda: models.Light((32, 48), backbone_weights="random"),
        lambda: models.MLNet((80, 80), backbone_filters=4, backbone_weights="random"),
        lambda: models.SAMVGG((32, 32), filters=2, backbone_filters=4, steps=1, backbone_weights="random"),
    ],
)
def test_a_networks_precision_is_that_of_the_policy_it_was_built_under(build, name):
    with training.computing_in(name):
        network = build()
    assert precision.precision_of(network.head) == name
