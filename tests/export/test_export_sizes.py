"""Networks of any input size in every format."""

import sys

import keras
import numpy as np
import pytest
import tensorflow as tf

from kerasal import models
from kerasal.export import FORMATS, export
from kerasal.prediction import LoadedPredictor

SIZES = [(rows, round(rows / 6) * 8) for rows in range(64, 481, 8)]  # 64x88 to 480x640, sides divisible by 8
NEEDED = {"onnx": "tf2onnx", "tflite": "ai_edge_litert", "saved_model": "tensorflow", "keras": "keras"}


@pytest.fixture
def thin_baseline(monkeypatch):
    """Makes networks of the baseline's graph, with a 32nd of its channels in VGG-16."""
    blocks = sys.modules["kerasal.models.vgg16"].BLOCKS
    for block, (filters, convolutions) in blocks.copy().items():
        monkeypatch.setitem(blocks, block, (filters // 32, convolutions))

    def make(size):
        keras.utils.set_random_seed(0)
        network = models.Baseline(size, activation="sigmoid", backbone_weights="random")
        kernel = network.head.get_layer("saliency").kernel
        kernel.assign(kernel * 1e3)  # maps that are not flat
        return network

    return make


def test_every_resize_of_the_baseline_keeps_its_size_in_onnx():
    onnxruntime = pytest.importorskip("onnxruntime")
    pytest.importorskip("tf2onnx")
    from kerasal.export.onnx import converted

    lengths = {side for size in SIZES for side in size}
    resizes = sorted({(side // 16, side // 8) for side in lengths} | {(side // 8, side) for side in lengths})
    # What runtimes make of the factor in float32.
    hard = [(old, new) for old, new in resizes if int(old * float(np.float32(new / old))) != new]
    assert (7, 15) in hard
    pairs = list(zip(hard, reversed(hard), strict=True))
    shapes = [(None, rows[0], columns[0], 2) for rows, columns in pairs]

    @tf.function(input_signature=[[tf.TensorSpec(shape, tf.float32) for shape in shapes]])
    def function(maps):
        return [
            tf.image.resize(map_, (rows[1], columns[1]))
            for map_, (rows, columns) in zip(maps, pairs, strict=True)
        ]

    random = np.random.default_rng(0)
    maps = [random.uniform(size=(3, *shape[1:])).astype("float32") for shape in shapes]
    session = onnxruntime.InferenceSession(converted(function).SerializeToString())
    inputs = {spec.name: map_ for spec, map_ in zip(session.get_inputs(), maps, strict=True)}
    for result, expected in zip(session.run(None, inputs), function(maps), strict=True):
        np.testing.assert_allclose(result, expected, atol=1e-5)


@pytest.mark.ci
def test_a_network_whose_features_grow_by_no_whole_factor_is_exported(thin_baseline, tmp_path):
    pytest.importorskip("onnxruntime")
    pytest.importorskip("tf2onnx")
    # 120 rows are 15 at block 3, and 7 at block 4.
    source = LoadedPredictor("thin", thin_baseline((120, 160)))
    assert export(source, tmp_path / "it.onnx", "onnx", size=(50, 70)).agrees


@pytest.mark.slow
@pytest.mark.parametrize("format", NEEDED)
@pytest.mark.parametrize("size", SIZES, ids=lambda size: f"{size[0]}x{size[1]}")
def test_every_input_size_is_exported(thin_baseline, tmp_path, format, size):
    pytest.importorskip(NEEDED[format])
    assert export(
        LoadedPredictor("thin", thin_baseline(size)), tmp_path / f"it{FORMATS[format].suffix}", format
    ).agrees
