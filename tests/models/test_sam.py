"""SAM against its reference code, written out in tests/theano_reference.py, and its published figures."""

import os
import subprocess
import sys

import cv2
import keras
import numpy as np
import pytest
import theano_reference as reference

from kerasal import models
from kerasal.data.images import pad_image
from kerasal.errors import InputError

SIZE = (48, 64)
TINY = {"input_size": SIZE, "filters": 6, "backbone_filters": 4, "gaussians": 3, "backbone_weights": "random"}
CLASSES = {"sam-vgg": models.SAMVGG, "sam-resnet": models.SAMResNet}


def photo(size, seed=0):
    """A smooth random stimulus, (H, W, 3) uint8."""
    small = np.random.default_rng(seed).integers(0, 256, (7, 9, 3), dtype=np.uint8)
    return cv2.resize(small, size[::-1], interpolation=cv2.INTER_CUBIC)


@pytest.fixture(scope="module")
def published(tmp_path_factory):
    """For each network: synthetic arrays of all layers, a file of them, and the network that loaded it."""
    made = {}
    for name, network_class in CLASSES.items():
        layers = reference.synthetic_weights(6, 4, 3, resnet=name == "sam-resnet")
        path = tmp_path_factory.mktemp("published") / f"{name}_weights.pkl"
        reference.write_keras1(path, layers)
        network = network_class(**TINY)
        models.set_weights(network, path)
        made[name] = ([arrays for _, arrays in layers], path, network)
    return made


@pytest.mark.parametrize("name", CLASSES)
@pytest.mark.parametrize("size", [(97, 130), (60, 41), SIZE])
def test_maps_equal_the_reference_codes_from_stimulus_to_last_blur(published, name, size):
    layers, _, network = published[name]
    raw = reference.network(reference.preprocess(photo(size), SIZE), layers, resnet=name == "sam-resnet")
    found = keras.ops.convert_to_numpy(network(photo(size)[None].astype("float32")))[0, ..., 0]
    np.testing.assert_allclose(found, raw[0, 0], atol=1e-5 * raw.max())
    expected = reference.postprocess(raw[0, 0], size) / 255
    np.testing.assert_allclose(network.saliency_maps([photo(size)])[0], expected, atol=1e-5)
    assert expected.std() > 0.1  # a flat map would compare well with anything


def test_keras_fidelity_gives_other_maps(published):
    _, path, network = published["sam-vgg"]
    other = models.SAMVGG(**TINY, fidelity="keras")
    models.set_weights(other, path)
    stimulus = photo((97, 130))
    difference = other.saliency_maps([stimulus])[0] - network.saliency_maps([stimulus])[0]
    assert np.abs(difference).max() > 0.01


def test_sam_vgg_has_the_published_parameters_and_shapes():
    network = models.SAMVGG(backbone_weights="random")
    assert network.count_params() == 51_835_841
    backbone = {layer.name: layer for layer in network.backbone.layers}
    for layer, shape in {
        "preprocessing": (240, 320, 3),
        "block1_pool": (120, 160, 64),
        "block2_pool": (60, 80, 128),
        "block3_pool": (30, 40, 256),
        "block4_pool": (30, 40, 512),
        "block5_conv3": (30, 40, 512),
    }.items():
        assert backbone[layer].output.shape[1:] == shape, layer
    counts = {layer.name: layer.count_params() for layer in network.head.layers if layer.weights}
    assert counts == {
        "attentive_convlstm": 10 * 2_359_808 + 4_608,
        "prior1": 64,
        "prior1_conv": 6_758_912,
        "prior2": 64,
        "prior2_conv": 6_758_912,
        "saliency": 513,
    }
    assert network.output.shape[1:] == (480, 640, 1)
    assert network.output_size == network.map_size((240, 320)) == (480, 640)


def test_sam_resnet_has_the_parameters_of_resnet50_and_the_head():
    # keras.applications.ResNet50 without its classifier: 23,587,712, with biases as here.
    network = models.SAMResNet((64, 64), filters=16, gaussians=2, backbone_weights="random")
    assert network.backbone.count_params() == 23_587_712
    assert network.backbone.outputs[0].shape[1:] == (8, 8, 2048)
    shapes = {layer.name: layer.output.shape[1:] for layer in network.backbone.layers}
    assert shapes["conv1"] == (32, 32, 64)
    assert shapes["res2c_relu"] == (16, 16, 256)
    assert shapes["res3d_relu"] == (8, 8, 512)
    assert shapes["res4f_relu"] == (8, 8, 1024)


def test_imagenet_weights_of_vgg16_are_those_that_kerasal_ships():
    network = models.SAMVGG((32, 32), filters=4)
    vgg16 = models.vgg16("imagenet")
    for layer in ("block1_conv1", "block5_conv3"):
        for one, other in zip(
            network.backbone.get_layer(layer).get_weights(), vgg16.get_layer(layer).get_weights(), strict=True
        ):
            np.testing.assert_array_equal(one, other)


@pytest.mark.slow
def test_resnet50_takes_the_weights_of_keras_applications(tmp_path):
    # Without dilation stages 2 and 3 are the same network; the pool differs, so Keras's is taken.
    application = keras.applications.ResNet50(include_top=False, weights=None, input_shape=(64, 96, 3))
    random = np.random.default_rng(0)
    for layer in application.layers:
        if isinstance(layer, keras.layers.BatchNormalization):
            layer.set_weights([random.uniform(0.5, 1.5, weight.shape) for weight in layer.weights])
    application.save_weights(tmp_path / "resnet.weights.h5")
    with pytest.raises(InputError, match="conv1_conv"):  # a layout of Keras 3, which knows no names
        models.SAMResNet((64, 96), filters=4, backbone_weights=tmp_path / "resnet.weights.h5")
    _save_as_keras2(application, tmp_path / "resnet.h5")
    network = models.SAMResNet((64, 96), filters=4, fidelity="keras", backbone_weights=tmp_path / "resnet.h5")
    for ours, theirs in (("bn3d_branch2c", "conv3_block4_3_bn"), ("bn5a_branch1", "conv5_block1_0_bn")):
        for one, other in zip(
            network.backbone.get_layer(ours).get_weights(),
            application.get_layer(theirs).get_weights(),
            strict=True,
        ):
            np.testing.assert_allclose(one, other, rtol=1e-6)


def _save_as_keras2(model, path):
    import h5py

    with h5py.File(path, "w") as file:
        for layer in model.layers:
            for weight, array in zip(layer.weights, layer.get_weights(), strict=True):
                file[f"{layer.name}/{layer.name}/{weight.name}:0"] = array


def test_sam_resnet_without_a_file_says_where_to_get_one(tmp_path, monkeypatch):
    monkeypatch.setenv("KERAS_HOME", str(tmp_path))
    with pytest.raises(InputError, match=r"keras\.applications\.ResNet50.*\.keras/models"):
        models.build("sam-resnet", input_size=(32, 32), filters=4)


@pytest.mark.parametrize(
    "options",
    [{"input_size": (300, 400)}, {"input_size": (24, 64)}, {"fidelity": "exact"}, {"initial_density": 1.0}],
)
def test_wrong_options_are_refused_by_name(options):
    with pytest.raises(InputError, match=next(iter(options))):
        models.build("sam-vgg", **{**TINY, **options})


def test_a_stimulus_prepared_beforehand_gives_the_same_map(published):
    network = published["sam-vgg"][2]
    padded = pad_image(photo((97, 130)), SIZE)
    one, other = (network(x[None].astype("float32"), training=False) for x in (padded, photo((97, 130))))
    np.testing.assert_allclose(one, other, atol=1e-6 * float(np.max(other)))


def test_stimuli_of_many_sizes_give_the_maps_that_each_gives_alone(published):
    network = published["sam-vgg"][2]
    mixed = [photo((110, 70)), photo(SIZE, seed=1), photo((33, 200), seed=2)]
    for saliency_map, stimulus in zip(network.saliency_maps(mixed), mixed, strict=True):
        assert saliency_map.shape == stimulus.shape[:2]
        assert saliency_map.max() == pytest.approx(1)
        alone = keras.ops.convert_to_numpy(network.saliency(stimulus[None]))[0, ..., 0]
        np.testing.assert_allclose(saliency_map, alone, atol=1e-5)


def test_a_saved_network_gives_the_same_maps_and_has_the_same_options(published, tmp_path):
    network = published["sam-vgg"][2]
    network.save(tmp_path / "sam.keras")
    again = keras.models.load_model(tmp_path / "sam.keras")
    assert again.get_config() == network.get_config()
    np.testing.assert_allclose(
        again.saliency_maps([photo((60, 41))])[0], network.saliency_maps([photo((60, 41))])[0], atol=1e-6
    )


@pytest.mark.slow  # JAX compiles every operation of the building by itself
def test_jax_gives_the_maps_that_tensorflow_gives_without_loading_it(published, tmp_path):
    pytest.importorskip("jax")
    _, path, network = published["sam-vgg"]
    np.savez(tmp_path / "maps.npz", photo((97, 130)), network.saliency_maps([photo((97, 130))])[0])
    program = (
        "import sys, numpy as np\n"
        "from kerasal import models\n"
        f"network = models.SAMVGG(**{TINY})\n"
        f"models.set_weights(network, {str(path)!r})\n"
        "stimulus, expected = np.load('maps.npz').values()\n"
        "difference = np.abs(network.saliency_maps([stimulus])[0] - expected).max()\n"
        "assert difference < 1e-4, difference\n"
        "assert 'tensorflow' not in sys.modules\n"
    )
    environment = {**os.environ, "KERAS_BACKEND": "jax"}
    subprocess.run([sys.executable, "-c", program], check=True, cwd=tmp_path, env=environment)


def test_a_network_with_a_trainable_backbone_learns_under_mixed_precision(published):
    keras.config.set_dtype_policy("mixed_bfloat16")
    try:
        network = models.SAMVGG(**TINY, initial_density=0.1)
    finally:
        keras.config.set_dtype_policy("float32")
    before = [keras.ops.convert_to_numpy(weight) for weight in network.trainable_weights]
    network.compile("rmsprop", "mse", run_eagerly=True)  # one step
    y = np.random.default_rng(0).uniform(size=(2, 96, 128, 1))
    network.fit(np.stack([photo(SIZE), photo(SIZE, 1)]).astype("float32"), y, verbose=0)
    assert network.output.dtype == "float32"
    assert len(before) == 13 * 2 + 7 + 2 + 3 * 2
    changed = [
        not np.array_equal(one, keras.ops.convert_to_numpy(weight))
        for one, weight in zip(before, network.trainable_weights, strict=True)
    ]
    assert sum(changed) > len(before) // 2


def test_stimuli_and_maps_are_computed_in_float32_under_every_policy():
    stimulus = photo((32, 32))[None].astype("float32")
    keras.config.set_dtype_policy("mixed_bfloat16")
    try:
        network = models.SAMVGG(
            (32, 32), filters=8, backbone_filters=8, gaussians=1, steps=1, backbone_weights="random"
        )
    finally:
        keras.config.set_dtype_policy("float32")
    prepared = np.array(network.backbone.get_layer("preprocessing")(stimulus))
    np.testing.assert_allclose(prepared, stimulus[..., ::-1] - (103.939, 116.779, 123.68), atol=1e-4)
    features = np.random.default_rng(0).normal(size=(1, 4, 4, 8)).astype("float32")
    layer = network.head.get_layer("saliency")
    layer.bias.assign([10.0])  # bfloat16 has steps of 1/16 here
    kernel, bias = layer.get_weights()
    np.testing.assert_allclose(np.array(layer(features)), features @ kernel[0, 0] + bias, atol=1e-4)
