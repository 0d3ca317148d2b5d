import os
import subprocess
import sys
from types import SimpleNamespace

import keras
import numpy as np
import pytest

from kerasal import models
from kerasal.errors import InputError


@pytest.fixture(scope="module")
def network():
    keras.utils.set_random_seed(3)
    return models.Baseline(input_size=(64, 96), backbone_weights="random")


def stimuli(*shape, seed=0):
    return np.random.default_rng(seed).integers(0, 256, shape, dtype=np.uint8)


def test_baseline_has_the_papers_trainable_parameters_on_a_frozen_vgg16(network):
    count = lambda weights: sum(int(np.prod(weight.shape)) for weight in weights)  # noqa: E731
    assert count(network.trainable_weights) == 1_622_401
    assert count(network.non_trainable_weights) == 14_714_688


def test_features_have_the_sizes_of_the_paper_at_300x400():
    backbone = models.Baseline(backbone_weights="random").backbone
    assert [tuple(output.shape[1:]) for output in backbone.outputs] == [
        (37, 50, 256),
        (18, 25, 512),
        (18, 25, 512),
    ]


def test_map_has_the_networks_size_and_is_not_negative(network):
    maps = keras.ops.convert_to_numpy(network(stimuli(2, 50, 40, 3)))
    assert maps.shape == (2, 64, 96, 1)
    assert maps.dtype == np.float32
    assert maps.min() >= 0


@pytest.mark.parametrize("activation", ["relu", "sigmoid"])
def test_map_starts_near_the_initial_density_everywhere(activation):
    # A map that starts elsewhere can collapse; one that is brighter at the border has learnt its frame.
    network = models.Baseline(
        (64, 96), activation=activation, initial_density=0.07, backbone_weights="random"
    )
    maps = keras.ops.convert_to_numpy(network(stimuli(2, 64, 96, 3)))
    np.testing.assert_allclose(maps, 0.07, rtol=0.3)


def test_saliency_has_the_stimulus_size_and_its_maximum_at_one(network):
    maps = keras.ops.convert_to_numpy(network.saliency(stimuli(2, 110, 70, 3)))
    assert maps.shape == (2, 110, 70, 1)
    np.testing.assert_allclose(maps.max(axis=(1, 2, 3)), 1, rtol=1e-6)
    assert maps.min() >= 0


def test_stimuli_of_many_sizes_give_the_maps_that_each_gives_alone(network):
    mixed = [stimuli(110, 70, 3), stimuli(64, 96, 3, seed=1), stimuli(33, 200, 3, seed=2)]
    for saliency_map, stimulus in zip(network.saliency_maps(mixed), mixed, strict=True):
        alone = keras.ops.convert_to_numpy(network.saliency(stimulus[None]))[0, ..., 0]
        np.testing.assert_allclose(saliency_map, alone, atol=1e-5)


def test_a_mark_in_a_corner_changes_the_features_most_in_that_corner():
    # What swapped axes in pre-processing would get wrong.
    network = models.Baseline((64, 96))
    plain = np.full((1, 128, 192, 3), 100, np.uint8)
    marked = plain.copy()
    marked[:, 90:110, 20:50] = [255, 0, 0]  # lower left
    features = [keras.ops.convert_to_numpy(network.backbone(x)[0]) for x in (marked, plain)]
    change = np.abs(features[0] - features[1])[0].sum(axis=-1)  # 8x12
    quadrants = {
        (row, column): change[4 * row : 4 * row + 4, 6 * column : 6 * column + 6].sum()
        for row in (0, 1)
        for column in (0, 1)
    }
    assert max(quadrants, key=quadrants.get) == (1, 0)


@pytest.mark.ci
def test_saved_model_loads_in_a_process_that_only_imported_kerasal(network, tmp_path):
    network.save(tmp_path / "network.keras")
    image = stimuli(1, 64, 96, 3)
    np.save(tmp_path / "image.npy", image)
    program = (
        "import kerasal, keras, numpy as np;"
        "network = keras.models.load_model('network.keras');"
        "np.save('map.npy', network.saliency(np.load('image.npy')))"
    )
    subprocess.run([sys.executable, "-c", program], cwd=tmp_path, check=True)
    np.testing.assert_allclose(
        np.load(tmp_path / "map.npy"), keras.ops.convert_to_numpy(network.saliency(image)), atol=1e-6
    )


@pytest.mark.parametrize(
    "options", [{"input_size": (20, 400)}, {"activation": "tanh"}, {"initial_density": 0.0}]
)
def test_wrong_options_are_refused_by_name(options):
    with pytest.raises(InputError, match=next(iter(options))):
        models.build("baseline", backbone_weights="random", **options)


@pytest.mark.parametrize("size", [300, 96.0, (300.5, 400), (64, 96, 3), (0, 0), None])
def test_a_class_refuses_what_is_no_size_as_build_does(size):
    for make in (models.Baseline, models.SAMVGG, models.SalGAN, models.ShallowNet):
        with pytest.raises(InputError, match="input_size must be two whole numbers, rows and columns, got"):
            make(size)


def test_images_with_channels_first_are_refused_in_words():
    networks = [models.network_class(name) for name in models.NETWORKS]
    networks = [network for network in networks if network.__module__.startswith("kerasal.")]  # no fixture's
    makers = [*networks, models.SalGANDiscriminator, models.vgg16]
    assert models.Baseline in makers
    keras.config.set_image_data_format("channels_first")
    try:
        for make in makers:
            with pytest.raises(InputError, match=r"channels last.*channels_first.*set_image_data_format"):
                make()
    finally:
        keras.config.set_image_data_format("channels_last")


def test_unknown_model_is_refused_with_the_known_names():
    with pytest.raises(InputError, match=r"unknown model 'sam'.*baseline"):
        models.build("sam")


@pytest.mark.ci
def test_networks_layers_losses_and_metrics_run_on_jax_without_tensorflow():
    pytest.importorskip("jax")
    program = (
        "import sys, numpy as np, keras;"
        "from kerasal import losses, metrics, models;"
        "network = models.Baseline((64, 96), backbone_weights='random');"
        "network.compile('sgd', losses.get('kld+cc+nss'), metrics=[metrics.CC(), metrics.NSS()]);"
        "random = np.random.default_rng(0);"
        "x = random.integers(0, 256, (2, 64, 96, 3)).astype('float32');"
        "y = np.stack([random.uniform(size=(2, 64, 96)), random.uniform(size=(2, 64, 96)) > 0.9], -1);"
        "history = network.fit(x, y.astype('float32'), verbose=0);"
        "maps = random.random((1, 40, 33, 3)).astype('float32');"
        "assert np.isfinite(float(losses.LC2()(maps[..., :2], maps[..., 2:])));"
        "assert np.isfinite(history.history['loss'][0]);"
        "assert network.saliency_maps([x[0]])[0].shape == (64, 96);"
        "assert 'tensorflow' not in sys.modules, 'tensorflow was imported'"
    )
    environment = {**os.environ, "KERAS_BACKEND": "jax", "JAX_PLATFORMS": "cpu"}
    subprocess.run([sys.executable, "-c", program], check=True, env=environment)


def test_a_backbone_that_is_set_later_leaves_the_head_as_it_starts():
    networks = []
    for weights in ("random", None):
        keras.utils.set_random_seed(3)
        networks.append(models.Baseline((32, 48), backbone_weights=weights))
    drawn, later = networks
    for weight, other in zip(later.head.get_weights(), drawn.head.get_weights(), strict=True):
        np.testing.assert_array_equal(weight, other)
    assert not any(weight.any() for weight in later.backbone.get_weights())
    assert any(weight.any() for weight in drawn.backbone.get_weights())


@pytest.mark.parametrize(
    ("size", "expected"), [((96, 128), 64), ((240, 320), 32), ((300, 400), 16), ((960, 1280), 2)]
)
def test_on_a_gpu_a_batch_takes_two_gib_at_most_and_on_a_cpu_four_stimuli(size, expected, monkeypatch):
    network = SimpleNamespace(input_size=size)
    batch = models.SaliencyModel.inference_batch.fget
    assert batch(network) == 4
    monkeypatch.setattr(keras.distribution, "list_devices", lambda: ["gpu:0", "gpu:1"])
    assert batch(network) == expected
    # VGG-16's first block: 64 maps of float32, read, written, and once more as workspace.
    assert expected * 3 * 64 * 4 * size[0] * size[1] <= 2**31
