import shutil

import h5py
import keras
import numpy as np
import pytest

from kerasal.errors import InputError
from kerasal.models import vgg16
from kerasal.models.resnet50 import RESNET50_LAYERS, _application_name, load_resnet50
from kerasal.weights import (
    REGISTRY,
    layers_by_name,
    load_keras_layers,
    load_vgg16,
    resolve_vgg16,
    sha256,
)
from kerasal.weights.convert import vgg16_to_float16
from kerasal.weights.imagenet import VGG16_FILE

SHIPPED = REGISTRY["vgg16.imagenet"]
SOURCE = "weights/vgg16_weights_tf_dim_ordering_tf_kernels_notop.h5"


def test_every_entry_of_the_registry_is_the_file_that_is_shipped():
    for entry in REGISTRY.values():
        assert entry.path.stat().st_size == entry.size
        assert sha256(entry.path) == entry.sha256


def test_imagenet_is_the_shipped_copy_where_keras_has_none(tmp_path, monkeypatch):
    monkeypatch.setenv("KERAS_HOME", str(tmp_path))
    assert resolve_vgg16("imagenet") == SHIPPED.path


def test_imagenet_is_the_shipped_copy_where_no_home_folder_is_known(monkeypatch):
    def nobody(_):
        raise KeyError

    for name in ("KERAS_HOME", "HOME"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr("pwd.getpwuid", nobody)  # as in a container, by a user that it does not know
    assert resolve_vgg16("imagenet") == SHIPPED.path


def test_a_damaged_file_in_the_keras_cache_is_passed_over(tmp_path, monkeypatch):
    monkeypatch.setenv("KERAS_HOME", str(tmp_path))
    (tmp_path / "models").mkdir()
    (tmp_path / "models" / VGG16_FILE).write_bytes(b"cut off")
    assert resolve_vgg16("imagenet") == SHIPPED.path


def test_a_damaged_shipped_copy_is_refused(tmp_path, monkeypatch):
    monkeypatch.setenv("KERAS_HOME", str(tmp_path))
    damaged = tmp_path / "damaged.h5"
    damaged.write_bytes(SHIPPED.path.read_bytes()[:-1])
    monkeypatch.setattr(type(SHIPPED), "path", property(lambda _: damaged))
    with pytest.raises(InputError, match="damaged"):
        resolve_vgg16("imagenet")


def test_a_path_that_does_not_exist_is_refused(tmp_path):
    with pytest.raises(InputError, match=r"nothing\.h5"):
        resolve_vgg16(tmp_path / "nothing.h5")


def test_shipped_weights_come_back_in_the_layers_of_their_names():
    model = vgg16("imagenet")
    with h5py.File(SHIPPED.path) as file:
        for layer in ("block1_conv1", "block5_conv3"):
            kernel, bias = model.get_layer(layer).get_weights()
            np.testing.assert_array_equal(kernel, file[layer]["kernel"][()].astype("float32"))
            np.testing.assert_array_equal(bias, file[layer]["bias"][()].astype("float32"))


def test_a_layer_of_another_shape_is_refused_by_name_and_nothing_is_set(tmp_path):
    shutil.copy(SHIPPED.path, tmp_path / "wrong.h5")
    with h5py.File(tmp_path / "wrong.h5", "a") as file:
        del file["block3_conv2/kernel"]
        file["block3_conv2/kernel"] = np.zeros((3, 3, 256, 128), "float16")
    model = vgg16(None)
    before = model.get_layer("block1_conv1").get_weights()[0]
    with pytest.raises(InputError, match=r"wrong\.h5.*block3_conv2.*128.*256"):
        load_vgg16(model, tmp_path / "wrong.h5")
    np.testing.assert_array_equal(model.get_layer("block1_conv1").get_weights()[0], before)


@pytest.mark.parametrize("value", [np.nan, 1e300])  # which float32 does not hold
def test_a_value_that_is_not_finite_is_refused_by_its_layer_and_nothing_is_set(tmp_path, value):
    layer, last = keras.layers.Conv2D(4, 3, name="first"), keras.layers.Conv2D(2, 1, name="last")
    model = keras.Sequential([keras.Input((8, 8, 3)), layer, last])
    before = model.get_weights()
    with h5py.File(tmp_path / "wrong.h5", "w") as file:
        for each in (layer, last):
            for name, weight in zip(("kernel", "bias"), each.get_weights(), strict=True):
                file[f"{each.name}/{name}"] = weight.astype("float64") + 1
        file["last/bias"][1] = value
    with pytest.raises(InputError, match=r"wrong\.h5: last has values that are not finite"):
        load_keras_layers(layers_by_name(model), tmp_path / "wrong.h5", "VGG-16")
    for one, other in zip(before, model.get_weights(), strict=True):
        np.testing.assert_array_equal(one, other)


@pytest.mark.parametrize("load", [load_vgg16, load_resnet50])
def test_a_deeper_network_with_layers_of_the_same_names_is_refused_and_nothing_is_set(tmp_path, load):
    deeper = {load_vgg16: "block3_conv4", load_resnet50: "conv4_block7_1_conv"}[load]
    layer = keras.layers.Conv2D(4, 3, name="block1_conv1")
    model = keras.Sequential([keras.Input((8, 8, 3)), layer])
    model.get_layer = lambda _: layer  # for all that ResNet-50 has
    before = layer.get_weights()

    def write(names):
        with h5py.File(tmp_path / "it.h5", "w") as file:
            for each in names:
                for part, weight in zip(("kernel", "bias"), before, strict=True):
                    file[f"{each}/{each}/{part}:0"] = weight + 1

    names = ["block1_conv1", *map(_application_name, RESNET50_LAYERS)]
    write([*names, deeper])
    with pytest.raises(InputError, match=rf"it\.h5 has a layer {deeper}: .*deeper"):
        load(model, tmp_path / "it.h5")
    np.testing.assert_array_equal(layer.get_weights()[0], before[0])
    write(names)
    load(model, tmp_path / "it.h5")
    np.testing.assert_array_equal(layer.get_weights()[0], before[0] + 1)


def test_a_missing_layer_is_refused_by_name(tmp_path):
    shutil.copy(SHIPPED.path, tmp_path / "part.h5")
    with h5py.File(tmp_path / "part.h5", "a") as file:
        del file["block4_conv1"]
    with pytest.raises(InputError, match="block4_conv1"):
        load_vgg16(vgg16(None), tmp_path / "part.h5")


@pytest.mark.parametrize("content", [b"", b"not HDF5", None])
def test_what_is_not_hdf5_or_cut_off_is_refused(tmp_path, content):
    path = tmp_path / "bad.h5"
    path.write_bytes(SHIPPED.path.read_bytes()[:1_000_000] if content is None else content)
    with pytest.raises(InputError, match=r"bad\.h5 is not a readable HDF5 weights file: \S"):
        load_vgg16(vgg16(None), path)


def test_the_keras_file_and_its_half_precision_copy_give_the_same_features(shared):
    full, half = vgg16(shared / SOURCE), vgg16(SHIPPED.path)
    image = np.random.default_rng(0).uniform(-120, 130, (1, 64, 96, 3)).astype("float32")
    one, other = (keras.ops.convert_to_numpy(model(image)["block5_pool"]).ravel() for model in (full, half))
    assert np.corrcoef(one, other)[0, 1] > 0.99999


def test_the_shipped_copy_is_made_from_its_source_byte_for_byte(shared, tmp_path):
    assert sha256(shared / SOURCE) == SHIPPED.source_sha256
    vgg16_to_float16(shared / SOURCE, tmp_path / "copy.h5")
    assert sha256(tmp_path / "copy.h5") == SHIPPED.sha256


def test_features_equal_those_of_keras_applications(shared):
    reference = keras.applications.VGG16(include_top=False, weights=None)
    reference.load_weights(shared / SOURCE)
    image = np.random.default_rng(0).uniform(0, 255, (1, 64, 96, 3)).astype("float32")
    expected = reference(keras.applications.vgg16.preprocess_input(image.copy()))
    from kerasal.layers import StimulusPreprocessing

    found = vgg16(shared / SOURCE)(StimulusPreprocessing((64, 96))(image))["block5_pool"]
    np.testing.assert_allclose(found, expected, rtol=1e-3, atol=1e-3 * np.abs(expected).max())
