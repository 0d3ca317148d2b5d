"""SalGAN, ShallowNet, DeepConvNet and ML-Net against their reference codes, written out in NumPy.

SalGAN and ML-Net are small here; the other two have their published sizes, and small stimuli where they may.
"""

import copy

import comparators_reference as reference
import cv2
import keras
import numpy as np
import pytest
import theano_reference
from PIL import Image

from kerasal import models
from kerasal.errors import InputError

SIZE = (32, 48)


def photo(size, seed=0):
    """A smooth random stimulus, (H, W, 3) uint8."""
    small = np.random.default_rng(seed).integers(0, 256, (7, 9, 3), dtype=np.uint8)
    return cv2.resize(small, size[::-1], interpolation=cv2.INTER_CUBIC)


def raw(network, stimulus):
    return keras.ops.convert_to_numpy(network(stimulus[None].astype("float32")))[0, ..., 0]


@pytest.fixture(scope="module")
def salgan(tmp_path_factory):
    arrays = reference.salgan_arrays(4)
    path = tmp_path_factory.mktemp("salgan") / "gen.npz"
    np.savez(path, *arrays)
    network = models.SalGAN(SIZE, filters=4, backbone_weights="random")
    models.set_weights(network, path)
    return network, arrays


@pytest.fixture(scope="module")
def shallownet(tmp_path_factory):
    arrays = reference.shallownet_arrays()
    path = tmp_path_factory.mktemp("shallownet") / "shallow.npz"
    np.savez(path, *arrays)
    network = models.load_weights_file(path)
    path.unlink()
    return network, arrays


@pytest.fixture(scope="module")
def deepconvnet(tmp_path_factory):
    blobs = reference.deepconvnet_blobs()
    path = tmp_path_factory.mktemp("deepconvnet") / "deep_net_model.caffemodel"
    path.write_bytes(reference.caffemodel(blobs))
    network = models.load_weights_file(path)
    path.unlink()
    return network, blobs


MLNET_SIZE = (80, 160)


@pytest.fixture(scope="module")
def mlnet(tmp_path_factory):
    random = np.random.default_rng(0)
    layers = theano_reference.synthetic_weights(64, 4, 1)[:13]
    for name, n_in, n_out, side in (("c14", 16 + 32 + 32, 64, 3), ("c15", 64, 1, 1)):
        kernel = random.normal(0, 1.4 / (n_in * side**2) ** 0.5, (n_out, n_in, side, side))
        layers.append((name, [kernel if n_out > 1 else np.abs(kernel), random.normal(0, 0.1, n_out)]))
    layers.append(("eltwiseproduct_1", [random.normal(0, 0.5, (1, 2))]))
    path = tmp_path_factory.mktemp("mlnet") / "mlnet.pkl"
    theano_reference.write_keras1(path, layers)
    network = models.MLNet(MLNET_SIZE, backbone_filters=4, backbone_weights="random")
    models.set_weights(network, path)
    return network, [arrays for _, arrays in layers]


@pytest.mark.parametrize("size", [(97, 130), (60, 41), (16, 20), SIZE])
def test_salgans_maps_are_the_reference_codes(salgan, size):
    network, arrays = salgan
    small = cv2.resize(photo(size), SIZE[::-1], interpolation=cv2.INTER_AREA)
    expected = reference.salgan(small, arrays)
    assert np.ptp(expected) > 0.2  # a flat map would compare well with anything
    np.testing.assert_allclose(raw(network, small), expected, atol=1e-5)
    map_ = reference.salgan_map(expected, size)
    found = network.saliency_maps([photo(size)])[0]
    # Where a side is enlarged, a grey level may be rounded the other way.
    enlarged = size[0] < SIZE[0] or size[1] < SIZE[1]
    np.testing.assert_allclose(found, map_ / map_.max(), atol=0.01 if enlarged else 1e-5)
    eight_bits = reference.salgan_8_bit_map(expected, size)
    assert np.abs(found * map_.max() - eight_bits).max() < 3 / 255


def test_shallownets_maps_are_the_reference_codes(shallownet):
    network, arrays = shallownet
    for size in ((97, 130), (300, 200)):
        small = np.asarray(Image.fromarray(photo(size)).resize((96, 96), Image.Resampling.BILINEAR))
        expected = reference.shallownet(small, arrays)
        np.testing.assert_allclose(raw(network, small), (expected + 1) / 2, atol=1e-4)
        map_ = cv2.resize(expected.astype("float32"), size[::-1])
        map_ = (map_ - map_.min()) / np.ptp(map_)
        np.testing.assert_allclose(network.saliency_maps([photo(size)])[0], map_, atol=0.01)


@pytest.mark.parametrize("size", [(30, 41), (23, 16)])
def test_deepconvnets_maps_are_the_reference_codes(deepconvnet, size):
    network, blobs = deepconvnet  # whose stimuli are enlarged nowhere
    expected = reference.deepconvnet(photo(size), blobs)
    assert expected.shape == (size[0] // 4 * 4, size[1] // 4 * 4)
    np.testing.assert_allclose(raw(network, photo(size)), expected / 2 + 31 / 255, atol=1e-4)
    map_ = reference.deepconvnet_map(expected, size)
    assert np.ptp(map_) > 0.1
    np.testing.assert_allclose(network.saliency_maps([photo(size)])[0], map_, atol=1e-4)


@pytest.mark.parametrize("size", [(97, 130), (60, 200), MLNET_SIZE])
def test_mlnets_maps_are_the_reference_codes(mlnet, size):
    network, layers = mlnet
    x = theano_reference.preprocess(photo(size), MLNET_SIZE)
    features, layers = [], iter(layers)
    for block, count in enumerate((2, 2, 3, 3, 3), start=1):
        for _ in range(count):
            x = np.maximum(theano_reference.conv2d(x, *next(layers)), 0)
        if block < 5:
            x = theano_reference.pool2d(x, 2, 1 if block == 4 else 2, same=True)
        if block > 2:
            features.append(x)
    x = np.concatenate(features, axis=1)
    for _ in range(2):
        x = np.maximum(theano_reference.conv2d(x, *next(layers)), 0)
    prior = theano_reference.bilinear_upsampling(1 + next(layers)[0][None, None], 10)
    expected = np.maximum(x * prior, 0)[0, 0]
    found = raw(network, photo(size))
    assert found.shape == network.map_size(MLNET_SIZE) == (10, 20)
    np.testing.assert_allclose(found, expected, atol=1e-5 * expected.max())
    box = [min(10, size[0] * 20 // size[1]), min(20, size[1] * 10 // size[0])]
    cover = [max(size[0], 10 * size[1] // 20), max(size[1], 20 * size[0] // 10)]
    assert min(box) > 0
    big = cv2.resize(expected.astype("float32"), cover[::-1])
    top, left = ((c - s) // 2 for c, s in zip(cover, size, strict=True))
    map_ = big[top : top + size[0], left : left + size[1]]
    np.testing.assert_allclose(network.saliency_maps([photo(size)])[0], map_ / map_.max(), atol=1e-4)


def counts(network):
    return {
        layer.name: layer.count_params()
        for part in (network.backbone, network.head)
        for layer in part.layers
        if layer.weights
    }


def trainable(network):
    return sum(int(np.prod(weight.shape)) for weight in network.trainable_variables)


def test_salgan_has_the_published_parameters_and_shapes():
    network = models.SalGAN(backbone_weights="random")
    assert network.count_params() == 31_787_009
    assert trainable(network) == 30_051_521
    found = counts(network)
    assert sum(count for name, count in found.items() if name.startswith("block")) == 14_714_688
    expected = {"uconv5_3": 2_359_808, "uconv4_1": 2_359_808, "uconv3_3": 1_179_904, "uconv3_1": 590_080}
    expected |= {"uconv2_2": 295_040, "uconv2_1": 147_584, "uconv1_2": 73_792, "uconv1_1": 36_928}
    assert {name: found[name] for name in expected} == expected
    assert found["saliency"] == 65
    shapes = {layer.name: layer.output.shape[1:] for layer in network.head.layers}
    assert shapes["block5_conv3"] == (12, 16, 512)
    assert shapes["uconv4_1"] == (24, 32, 512)
    assert shapes["uconv1_1"] == (192, 256, 64)
    assert network.output_size == (192, 256)


def test_salgans_discriminator_has_the_published_parameters_and_computes_what_the_code_does(tmp_path):
    network = models.SalGANDiscriminator()
    assert (network.count_params(), trainable(network)) == (1_359_424, 1_359_296)
    assert network.name == "salgan-discriminator"
    arrays = reference.discriminator_arrays(SIZE)
    np.savez(tmp_path / "discrim.npz", *arrays)
    small = models.SalGANDiscriminator(SIZE)
    models.set_weights(small, tmp_path / "discrim.npz")
    random = np.random.default_rng(1)
    x = np.concatenate([random.uniform(size=(*SIZE, 1)), random.integers(0, 256, (*SIZE, 3))], axis=-1)
    assert float(small(x[None].astype("float32"))[0, 0]) == pytest.approx(
        reference.discriminator(x, [array.astype("float64") for array in arrays]), rel=1e-4
    )
    again = models.SalGANDiscriminator.from_config(small.get_config())
    assert again.get_config() == small.get_config()


def test_deepconvnet_has_the_published_parameters(deepconvnet):
    network, _ = deepconvnet
    assert network.count_params() == 25_806_209
    assert counts(network) == {
        "conv1": 14_208,
        "conv2": 614_656,
        "conv3": 1_180_160,
        "conv4": 6_554_112,
        "conv5": 6_554_112,
        "conv6": 6_422_784,
        "conv7": 3_965_056,
        "conv8": 495_648,
        "conv9": 5_409,
        "deconv1": 64,
    }
    keras.utils.set_random_seed(0)
    fresh = models.DeepConvNet()
    deviations = {"conv4": 0.0125, "conv6": 0.008928, "conv7": 0.008035, "conv8": 0.011363, "conv9": 0.013598}
    for name, deviation in deviations.items():
        kernel = np.array(fresh.head.get_layer(name).kernel)
        four_standard_errors = 4 / np.sqrt(2 * kernel.size)
        assert kernel.std() == pytest.approx(deviation, rel=four_standard_errors), name
    assert np.array(fresh.head.get_layer("deconv1").kernel).mean() == pytest.approx(1 / 64, rel=1e-4)


def test_deepconvnets_map_is_computed_in_float32_under_every_policy():
    keras.config.set_dtype_policy("mixed_bfloat16")
    try:
        layer = models.DeepConvNet().head.get_layer("conv9")
    finally:
        keras.config.set_dtype_policy("float32")
    features = np.random.default_rng(0).normal(size=(1, 13, 13, 32)).astype("float32")
    layer.bias.assign([10.0])  # bfloat16 has steps of 1/16 here
    # At the middle pixel the kernel covers all of them.
    expected = np.sum(features[0].astype("float64") * np.array(layer.kernel)[..., 0]) + 10
    assert float(layer(features)[0, 6, 6, 0]) == pytest.approx(expected, abs=1e-4)


def test_shallownet_has_the_codes_parameters(shallownet):
    network, _ = shallownet
    assert network.count_params() == 34_864_384
    assert counts(network)["hidden4"] == 29_495_808
    assert network.backbone.outputs[0].shape[1:] == (10, 10, 64)
    assert network.output_size == network.map_size((96, 96)) == (48, 48)


def test_mlnet_has_the_published_parameters():
    network = models.MLNet(backbone_weights="random")
    assert network.count_params() == trainable(network) == 15_452_145
    assert counts(network)["encoding"] == 737_344
    assert counts(network)["prior"] == 48
    assert [output.shape[1:] for output in network.backbone.outputs] == [
        (60, 80, 256),
        (60, 80, 512),
        (60, 80, 512),
    ]
    assert network.output_size == network.map_size((480, 640)) == (60, 80)


def test_imagenet_weights_reach_both_parts_of_salgan():
    network, vgg16 = models.SalGAN(SIZE), models.vgg16("imagenet")
    for part, layer in ((network.backbone, "block1_conv1"), (network.head, "block5_conv3")):
        for one, other in zip(
            part.get_layer(layer).get_weights(), vgg16.get_layer(layer).get_weights(), strict=True
        ):
            np.testing.assert_array_equal(one, other)


def test_mlnets_last_kernel_starts_without_negative_values():
    kernel = np.array(models.MLNet(MLNET_SIZE, backbone_weights="random").head.get_layer("saliency").kernel)
    assert kernel.min() >= 0
    assert kernel.std() > 0


BAD = {
    "grey, three channels": np.repeat(photo((60, 80))[..., :1], 3, axis=-1),
    "tiny": photo((16, 16)),
    "one pixel": photo((16, 16))[:1, :1],
    "a line": photo((16, 300))[:1],
    "constant": np.full((40, 50, 3), 77, np.uint8),
    "black": np.zeros((40, 50, 3), np.uint8),
    "huge": np.zeros((3000, 2200, 3), np.uint8),
}


@pytest.mark.parametrize("name", ["salgan", "shallownet", "deepconvnet", "mlnet"])
def test_odd_stimuli_have_maps_of_their_size(request, name):
    network, _ = request.getfixturevalue(name)
    for kind, stimulus in BAD.items():
        if (kind, name) == ("huge", "deepconvnet"):
            stimulus = stimulus[:, :300]  # it computes at 320 pixels
        (map_,) = network.saliency_maps([stimulus])
        assert map_.shape == stimulus.shape[:2], kind
        assert np.isfinite(map_).all(), kind
        assert map_.min() >= 0, kind
        assert map_.max() == pytest.approx(1) or not map_.any(), kind
    for wrong in (photo((16, 16))[..., 0], photo((16, 16))[..., :2], np.zeros((0, 4, 3), np.uint8)):
        with pytest.raises(InputError, match=r"must be \(rows, columns, 3\), RGB; got \("):
            network.saliency_maps([wrong])


@pytest.mark.parametrize("name", ["salgan", "shallownet", "deepconvnet", "mlnet"])
def test_a_saved_network_gives_the_same_maps_and_has_the_same_options(request, tmp_path, name):
    network, _ = request.getfixturevalue(name)
    network.save(tmp_path / "network.keras")
    again = keras.models.load_model(tmp_path / "network.keras")
    assert again.get_config() == network.get_config()
    stimulus = photo((29, 40))
    np.testing.assert_allclose(
        again.saliency_maps([stimulus])[0], network.saliency_maps([stimulus])[0], atol=1e-5
    )


def test_a_saved_network_goes_on_with_the_layers_that_learned(tmp_path):
    network = models.SalGAN(SIZE, filters=4, backbone_weights="random")
    network.backbone.trainable = True  # frozen in a new one
    network.backbone.get_layer("block1_conv1").trainable = False
    network.head.get_layer("saliency").trainable = False
    network.compile("adam", "mse", run_eagerly=True)  # one step
    stimuli = photo(SIZE)[None].astype("float32")
    network.fit(stimuli, np.zeros((1, *SIZE, 1), "float32"), verbose=0)
    network.save(tmp_path / "network.keras")
    loaded = keras.saving.load_model(tmp_path / "network.keras")
    assert [v.path for v in loaded.trainable_variables] == [v.path for v in network.trainable_variables]
    assert len(loaded.trainable_variables) == len(network.variables) - 4
    assert [v.shape for v in loaded.optimizer.variables] == [v.shape for v in network.optimizer.variables]
    for mine, theirs in zip(loaded.optimizer.variables, network.optimizer.variables, strict=True):
        np.testing.assert_array_equal(np.array(mine), np.array(theirs))


@pytest.mark.parametrize("way", ["within", "uncompiled", "compiled, loaded without", "copied"])
def test_a_saved_network_keeps_which_layers_learn_however_it_is_kept(way, tmp_path):
    network = models.SalGAN(SIZE, filters=4, backbone_weights="random")
    network.backbone.trainable = True  # frozen in a new one
    network.backbone.get_layer("block1_conv1").trainable = False
    if way == "copied":
        kept = copy.deepcopy(network)
    else:
        stimulus = keras.Input((*SIZE, 3))
        model = keras.Model(stimulus, network(stimulus)) if way == "within" else network
        if way != "uncompiled":
            model.compile("adam", "mse")
        model.save(tmp_path / "model.keras")
        kept = keras.saving.load_model(tmp_path / "model.keras", compile=way == "within")
        kept = kept.get_layer(network.name) if way == "within" else kept
    assert [v.path for v in kept.trainable_variables] == [v.path for v in network.trainable_variables]
    assert 0 < len(kept.trainable_variables) < len(kept.variables)


def test_a_network_with_a_head_of_ones_own_is_saved_and_loaded(tmp_path):
    base = models.SalGAN(SIZE, filters=4, backbone_weights="random")
    features = keras.Input(base.backbone.outputs[0].shape[1:])
    map_ = keras.layers.Resizing(*SIZE)(keras.layers.Conv2D(1, 1, activation="sigmoid")(features))
    network = models.SaliencyModel(base.backbone, keras.Model([features], map_), SIZE, name="mine")
    network.save(tmp_path / "mine.keras")
    loaded = keras.saving.load_model(tmp_path / "mine.keras")
    assert (type(loaded), loaded.name, loaded.input_size) == (models.SaliencyModel, "mine", SIZE)
    expected = network.saliency_maps([photo((29, 40))])[0]
    np.testing.assert_allclose(loaded.saliency_maps([photo((29, 40))])[0], expected, atol=1e-6)


def test_mlnets_head_is_loaded_and_cloned_without_its_network(tmp_path):
    network = models.MLNet(MLNET_SIZE, backbone_filters=4, backbone_weights="random")
    network.head.save(tmp_path / "head.keras")
    loaded = keras.saving.load_model(tmp_path / "head.keras")
    cloned = keras.models.clone_model(network.head)
    assert np.all(np.array(cloned.get_layer("saliency").kernel) >= 0)
    cloned.set_weights(network.head.get_weights())
    features = network.backbone(photo(MLNET_SIZE)[None].astype("float32"))
    expected = np.array(network.head(features))
    for head in (loaded, cloned):
        np.testing.assert_allclose(np.array(head(features)), expected, atol=1e-6)


@pytest.mark.parametrize("name", ["salgan", "shallownet", "deepconvnet", "mlnet"])
def test_an_exported_graph_gives_the_same_maps(request, name):
    from kerasal.export.graph import PORTABLE, serving_function

    network, _ = request.getfixturevalue(name)
    serve = serving_function(network, PORTABLE)  # whose sizes are known at run time alone
    for size in ((29, 40), (50, 33)):
        exported = serve(photo(size)[None])["saliency"].numpy()[0, ..., 0]
        # A grey level may be rounded the other way.
        np.testing.assert_allclose(exported, network.saliency_maps([photo(size)])[0], atol=1e-3)


def test_stimuli_of_many_shapes_go_through_deepconvnet_together(deepconvnet):
    network, _ = deepconvnet
    stimuli = [photo((30, 41)), photo((23, 16))]
    for one, stimulus in zip(network.saliency_maps(stimuli), stimuli, strict=True):
        alone = keras.ops.convert_to_numpy(network.saliency(stimulus[None]))[0, ..., 0]
        np.testing.assert_allclose(one, alone, atol=1e-5)


@pytest.mark.parametrize(
    ("name", "options", "word"),
    [
        ("salgan", {"input_size": (200, 256)}, "input_size"),
        ("salgan", {"input_size": (16, 16)}, "input_size"),
        ("mlnet", {"input_size": (480, 600)}, "input_size"),
        ("deepconvnet", {"input_size": (242, 320)}, "input_size"),
        ("deepconvnet", {"backbone_weights": "imagenet"}, "VGG_CNN_M"),
        ("deepconvnet", {"backbone_weights": "nowhere.caffemodel"}, r"nowhere\.caffemodel"),
        ("shallownet", {"input_size": (100, 100)}, "input_size"),
        ("shallownet", {"backbone_weights": "imagenet"}, "backbone_weights"),
    ],
)
def test_wrong_options_are_refused_by_name(name, options, word):
    with pytest.raises(InputError, match=word):
        models.build(name, **options)
