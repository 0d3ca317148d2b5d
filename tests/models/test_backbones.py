"""The backbones under the paper's head, held to networks that are written differently."""

from dataclasses import replace

import h5py
import keras
import numpy as np
import pytest
from scipy.signal import correlate

from kerasal import models, training
from kerasal.errors import InputError
from kerasal.models.backbones import build_backbone
from kerasal.models.efficientnet_lite2 import efficientnet_lite2
from kerasal.weights import REGISTRY
from kerasal.weights.convert import lite2_to_float16

SOURCE = "weights/efficientnet_lite2_imagenet.h5"
LEVELS = tuple(models.BACKBONES["efficientnet-lite2"].levels)
# Of each block: kernel, stride and dilation as measured.md tells them; the widths are those of the arrays.
KERNELS = (3, *3 * (3,), *3 * (5,), *4 * (3,), *4 * (5,), *5 * (5,), 3)
HALVING = (1, 4, 7, 15)


def same_padded(x, side, stride, dilation):
    """TensorFlow's 'same': the larger half below and to the right."""
    reach = dilation * (side - 1) + 1
    pads = []
    for length in x.shape[:2]:
        whole = max((-(-length // stride) - 1) * stride + reach - length, 0)
        pads.append((whole // 2, whole - whole // 2))
    return np.pad(x, (*pads, (0, 0)))


def depthwise(x, kernel, stride, dilation):
    """A sum of shifted products."""
    side = kernel.shape[-1]
    padded = same_padded(x, side, stride, dilation)
    rows, columns = (length - dilation * (side - 1) for length in padded.shape[:2])
    return sum(
        padded[dilation * i :, dilation * j :][:rows:stride, :columns:stride] * kernel[:, 0, i, j]
        for i in range(side)
        for j in range(side)
    )


def normalised(x, file, name):
    gain, shift, mean, variance = (
        file[f"{name}.{part}"][()].astype(float) for part in ("weight", "bias", "running_mean", "running_var")
    )
    return (x - mean) / np.sqrt(variance + 1e-3) * gain + shift


def reference(file, x, dilated):
    """The blocks' outputs in float64, from the published arrays, batch normalisation where it stands."""
    clip = lambda x: np.clip(x, 0, 6)  # noqa: E731
    array = lambda name: file[name + ".weight"][()].astype(float)  # noqa: E731
    stem = array("_conv_stem")
    padded = same_padded(x, 3, 2, 1)
    whole = [correlate(padded, kernel.transpose(1, 2, 0), "valid")[::2, ::2, 0] for kernel in stem]
    x, blocks = clip(normalised(np.stack(whole, axis=-1), file, "_bn0")), []
    for number, side in enumerate(KERNELS):
        block, entered = f"_blocks.{number}.", x
        if number > 0:
            x = clip(normalised(x @ array(block + "_expand_conv")[..., 0, 0].T, file, block + "_bn0"))
        kernel = array(block + "_depthwise_conv")
        assert kernel.shape[-1] == side
        stride = 2 if number in HALVING and not (dilated and number == 15) else 1
        x = depthwise(x, kernel, stride, 2 if dilated and number > 15 else 1)
        x = clip(normalised(x, file, block + "_bn1"))
        x = normalised(x @ array(block + "_project_conv")[..., 0, 0].T, file, block + "_bn2")
        if x.shape == entered.shape and number not in HALVING:
            x = x + entered
        blocks.append(x)
    return blocks


@pytest.fixture(scope="module")
def source(shared):
    with h5py.File(shared / SOURCE) as file:
        yield file


@pytest.mark.parametrize("size", [(64, 80), (47, 61)])  # even sides, and odd ones at each halving
def test_features_are_those_of_an_independent_reference(source, size):
    x = np.random.default_rng(0).uniform(-1, 1, (*size, 3))
    expected = reference(source, x, dilated=True)
    found = efficientnet_lite2(outputs=LEVELS)(x[None].astype("float32"))
    for level in LEVELS:
        wanted = expected[int(level.removeprefix("block"))]
        ours = keras.ops.convert_to_numpy(found[level])[0]
        assert ours.shape == wanted.shape
        # What float16 leaves of the weights: a thousandth of a feature's size.
        assert np.sqrt(np.mean((ours - wanted) ** 2)) < 0.02 * wanted.std()


def test_the_classifier_knows_a_mouse_and_a_keyboard(source, shared):
    # Whether the arrays are whole: the labels of OSIE's 1001.jpg at the classifier's size, undilated.
    image = keras.utils.load_img(
        next((shared / "data/osie").rglob("1001.jpg")), target_size=(260, 260), interpolation="bilinear"
    )
    x = reference(source, (np.asarray(image, float) - 127) / 128, dilated=False)[-1]
    x = np.clip(normalised(x @ source["_conv_head.weight"][()][..., 0, 0].T, source, "_bn1"), 0, 6)
    scores = source["_fc.weight"][()] @ x.mean(axis=(0, 1)) + source["_fc.bias"][()]
    share = np.exp(scores - scores.max())
    share /= share.sum()
    mouse, keyboard = 673, 508
    assert list(np.argsort(-share)[:2]) == [mouse, keyboard]
    np.testing.assert_allclose(share[[mouse, keyboard]], [0.29, 0.15], atol=0.03)


def test_the_shipped_weights_are_made_from_their_source(shared, tmp_path):
    lite2_to_float16(shared / SOURCE, tmp_path / "copy.h5")
    shipped = REGISTRY["efficientnet-lite2.imagenet"]
    assert (tmp_path / "copy.h5").read_bytes() == shipped.path.read_bytes()
    assert shipped.size == shipped.path.stat().st_size


def test_the_stimulus_is_brought_to_what_lite2_was_trained_with():
    stimulus = np.random.default_rng(0).integers(0, 256, (1, 64, 96, 3)).astype("float32")
    backbone = build_backbone("efficientnet-lite2", (64, 96), "imagenet")
    features = efficientnet_lite2(outputs=LEVELS)((stimulus - 127) / 128)
    rms = models.BACKBONES["efficientnet-lite2"].levels
    for level, found in zip(LEVELS, backbone(stimulus), strict=True):
        np.testing.assert_allclose(found, keras.ops.convert_to_numpy(features[level]) / rms[level], atol=1e-5)


def test_vgg16_is_the_papers_with_its_features_brought_to_one_size():
    stimulus = np.random.default_rng(0).integers(0, 256, (1, 64, 96, 3)).astype("float32")
    features = models.vgg16("imagenet", ("block3_pool", "block4_pool", "block5_conv3"))(
        stimulus[..., ::-1] - np.float32([103.939, 116.779, 123.68])  # of Caffe: BGR less ImageNet's mean
    )
    assert training.options().model == "baseline"
    network = models.Baseline((64, 96))  # the paper's, without a word about its backbone
    divisors = (627.0, 123.0, 7.0)
    for expected, divisor, found in zip(features.values(), divisors, network.backbone(stimulus), strict=True):
        np.testing.assert_allclose(found, expected / divisor, rtol=1e-5, atol=1e-6)


def test_a_row_is_all_that_another_network_of_keras_applications_needs(monkeypatch):
    def build(weights, outputs):
        network = keras.applications.MobileNetV2((None, None, 3), include_top=False, weights=None)
        return keras.Model(network.inputs, {name: network.get_layer(name).output for name in outputs})

    levels = {"block_6_expand_relu": 2.0, "block_13_expand_relu": 1.0, "out_relu": 1.0}
    row = replace(
        models.BACKBONES["resnet50"],
        name="mobilenet",
        build=build,
        levels=levels,
        preprocessing={"mean": (127.5,) * 3, "divisor": 127.5, "order": "RGB"},
    )
    monkeypatch.setitem(models.BACKBONES, "mobilenet", row)
    network = models.Baseline((64, 96), backbone="mobilenet", backbone_weights="random")
    stimulus = np.random.default_rng(0).integers(0, 256, (1, 64, 96, 3)).astype("float32")
    plain = build(None, tuple(levels))
    plain.set_weights(network.backbone.get_weights())
    expected = plain(keras.applications.mobilenet_v2.preprocess_input(stimulus.copy()))
    found = network.backbone(stimulus)
    for (level, divisor), ours in zip(levels.items(), found, strict=True):
        np.testing.assert_allclose(ours, expected[level] / divisor, rtol=1e-4, atol=1e-5)
    assert keras.ops.convert_to_numpy(network(stimulus)).shape == (1, 64, 96, 1)


@pytest.mark.parametrize("name", models.BACKBONES)
def test_every_backbone_carries_the_papers_head(name):
    network = models.Baseline((64, 96), backbone=name, backbone_weights="random")
    assert tuple(network.backbone.outputs[0].shape[1:3]) == (8, 12)  # the head's grid: 1/8
    stimulus = np.random.default_rng(0).integers(0, 256, (2, 50, 40, 3), dtype=np.uint8)
    assert keras.ops.convert_to_numpy(network(stimulus)).shape == (2, 64, 96, 1)
    assert network.get_config()["backbone"] == name
    assert all(not weight.trainable for weight in network.backbone.weights)


def test_light_is_the_papers_head_on_lite2_and_a_fifteenth_of_its_arithmetic():
    light = models.build("light", backbone_weights=None)
    assert light.count_params() == models.NETWORKS["light"].parameters
    assert light.input_size == (304, 400)
    other = models.build("baseline", backbone="efficientnet-lite2", backbone_weights=None)
    assert light.head.count_params() == other.head.count_params()

    arithmetic = [
        2 * multiplications(models.BACKBONES[name], network.input_size)
        for name, network in (
            ("efficientnet-lite2", light),
            ("vgg16", models.Baseline(backbone_weights=None)),
        )
    ]
    np.testing.assert_allclose(arithmetic, [4.9e9, 73e9], rtol=0.03)  # as measured.md counts them


def multiplications(backbone, size):
    """Of the convolutions: a kernel's values for each pixel that they give."""
    network = backbone.build(None, outputs=tuple(backbone.levels))
    layers = {layer.name: layer for layer in network.layers if hasattr(layer, "kernel")}
    outputs = keras.Model(network.inputs, {name: layer.output for name, layer in layers.items()})
    shapes = outputs.compute_output_shape((1, *size, 3))
    return sum(
        int(np.prod(layer.kernel.shape)) * int(np.prod(shapes[name][1:3])) for name, layer in layers.items()
    )


def test_an_unknown_backbone_is_refused_with_the_known_names():
    with pytest.raises(InputError, match=r"unknown backbone 'resnet'.*vgg16.*efficientnet-lite2"):
        models.build("light", backbone="resnet")
    with pytest.raises(InputError, match="has no option backbone"):
        models.build("sam-vgg", backbone="vgg16")


@pytest.mark.ci
def test_resnet50_takes_files_that_keras_reads_and_refuses_others_in_words(tmp_path):
    options = {"input_size": (32, 48), "backbone": "resnet50"}
    (tmp_path / "garbage.h5").write_bytes(b"no HDF5")
    with pytest.raises(InputError, match=r"cannot load .*garbage\.h5"):
        models.build("baseline", **options, backbone_weights=tmp_path / "garbage.h5")
    resnet = keras.applications.ResNet50(include_top=False, weights=None)
    resnet.save_weights(tmp_path / "resnet.weights.h5")
    network = models.build("baseline", **options, backbone_weights=tmp_path / "resnet.weights.h5")
    for layer in ("conv1_conv", "conv5_block3_3_conv"):
        one, other = (model.get_layer(layer) for model in (network.backbone.get_layer("resnet50"), resnet))
        np.testing.assert_array_equal(one.kernel, other.kernel)


def test_random_weights_and_weights_that_come_later_leave_the_same_head():
    heads = []
    for weights in ("random", None):
        keras.utils.set_random_seed(3)
        heads.append(models.Light((32, 48), backbone_weights=weights).head.get_weights())
    for weight, other in zip(*heads, strict=True):
        np.testing.assert_array_equal(weight, other)


def test_the_weights_that_ship_for_a_network_follow_its_backbone():
    assert models.shipped_backbone("baseline", {}) == "vgg16.imagenet"
    assert (
        models.shipped_backbone("baseline", {"backbone": "efficientnet-lite2"})
        == "efficientnet-lite2.imagenet"
    )
    assert models.shipped_backbone("light", {}) == "efficientnet-lite2.imagenet"
    assert models.shipped_backbone("sam-resnet", {}) is None
    assert models.shipped_backbone("shallownet", {}) is None
