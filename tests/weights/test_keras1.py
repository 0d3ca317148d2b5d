import dataclasses
import pickle

import h5py
import numpy as np
import pytest
import theano_reference as reference

from kerasal import models
from kerasal.errors import InputError
from kerasal.weights import load_theano_weights

TINY = {
    "input_size": (32, 32),
    "filters": 6,
    "backbone_filters": 4,
    "gaussians": 3,
    "backbone_weights": "random",
}


@pytest.fixture(scope="module")
def layers():
    return reference.synthetic_weights(6, 4, 3)


@pytest.fixture(scope="module")
def network():
    return models.SAMVGG(**TINY)


@pytest.fixture
def path(tmp_path, layers):
    reference.write_keras1(tmp_path / "sam.pkl", layers)
    return tmp_path / "sam.pkl"


def rotated(kernel):
    """(out, in, rows, columns) to (rows, columns, in, out), turned by 180 degrees, entry by entry."""
    n_out, n_in, rows, columns = kernel.shape
    result = np.empty((rows, columns, n_in, n_out), kernel.dtype)
    for i in range(rows):
        for j in range(columns):
            result[i, j] = kernel[:, :, rows - 1 - i, columns - 1 - j].T
    return result


@pytest.mark.parametrize("group", [None, "model_weights"])
def test_each_array_lands_where_the_reference_code_has_it(tmp_path, layers, network, group):
    reference.write_keras1(tmp_path / "sam.pkl", layers, group)
    load_theano_weights(network.reference_layers(), tmp_path / "sam.pkl")
    places = [f"block{b}_conv{i + 1}" for b, n in enumerate((2, 2, 3, 3, 3), 1) for i in range(n)]
    places += ["attentive_convlstm", "prior1", "prior1_conv", "prior2", "prior2_conv", "saliency"]
    found = {layer.name: layer for part in (network.backbone, network.head) for layer in part.layers}
    for place, (_, arrays) in zip(places, layers, strict=True):
        arrays = [rotated(array) if array.ndim == 4 else array for array in arrays]
        if place != "attentive_convlstm":
            for one, other in zip(found[place].get_weights(), arrays, strict=True):
                np.testing.assert_array_equal(one, other)
            continue
        # Gate by gate: 0-1 W_a, 2-3 U_a, 4 V_a, then W, b, U, b of i, f, c, o.
        cell = found[place]
        weights = {weight.name: np.array(weight) for weight in cell.weights}
        w = {gate: arrays[5 + 4 * k : 9 + 4 * k] for k, gate in enumerate("ifco")}
        wanted = {
            "attention_input_kernel": arrays[2],
            "attention_input_bias": arrays[3],
            "attention_kernel": arrays[4],
            "state_kernel": np.concatenate([arrays[0], *(w[gate][2] for gate in "icof")], axis=-1),
            "state_bias": np.concatenate([arrays[1], *(w[gate][3] for gate in "icof")]),
            "input_kernel": np.concatenate([w[gate][0] for gate in "icof"], axis=-1),
            "input_bias": np.concatenate([w[gate][1] for gate in "icof"]),
        }
        assert weights.keys() == wanted.keys()
        for name, array in wanted.items():
            np.testing.assert_array_equal(weights[name], array, err_msg=name)


def test_layers_are_taken_by_order_and_not_by_name(tmp_path, layers, network):
    renamed = [(f"layer_{len(layers) - i}", arrays) for i, (_, arrays) in enumerate(layers)]
    reference.write_keras1(tmp_path / "sam.pkl", renamed)
    load_theano_weights(network.reference_layers(), tmp_path / "sam.pkl")
    np.testing.assert_array_equal(network.head.get_layer("prior2").get_weights()[0], layers[-3][1][0])


def edited(path, edit):
    with h5py.File(path, "a") as file:
        edit(file)


def replace(layer, index, array):
    def edit(file):
        name = file[layer].attrs["weight_names"][index]
        del file[layer][name]
        file[layer].create_dataset(name, data=array)

    return edit


def link(file):
    del file["block2_conv1"]
    file["block2_conv1"] = h5py.ExternalLink("/etc/hostname", "/")


def claim(file):
    name = file["block2_conv1"].attrs["weight_names"][0]
    del file["block2_conv1"][name]
    file["block2_conv1"].create_dataset(name, (10**6, 10**6), "float64", chunks=(1, 10**6))


def names_lost(file):
    del file["block1_conv2"].attrs["weight_names"]


@pytest.mark.parametrize(
    ("edit", "words"),
    [
        (
            replace("block3_conv2", 0, np.zeros((16, 8, 3, 3))),
            ["block3_conv2", r"\(16, 8, 3, 3\)", r"\(16, 16, 3, 3\)"],
        ),
        (
            replace("attentiveconvlstm_1", 4, np.zeros((1, 6, 5, 5))),
            ["attentiveconvlstm_1", r"\(1, 6, 5, 5\)"],
        ),
        (replace("learningprior_2", 0, np.zeros(64)), ["learningprior_2", r"\(64,\)", r"\(12,\)"]),
        (replace("block1_conv1", 1, np.full(4, np.nan)), ["block1_conv1", "finite"]),
        (replace("block1_conv1", 1, np.full(4, 1e300)), ["block1_conv1", "finite"]),
        (replace("block1_conv1", 1, np.array([b"a", b"b", b"c", b"d"])), ["block1_conv1", "floating"]),
        (lambda file: file.__delitem__("block4_conv1"), ["block4_conv1"]),
        (lambda file: file.attrs.__delitem__("layer_names"), ["layer_names"]),
        (names_lost, ["block1_conv2", "weight_names"]),
        (link, ["block2_conv1"]),
        (claim, ["block2_conv1", "1000000"]),
    ],
    ids=[
        "kernel",
        "cell",
        "prior",
        "nan",
        "too large",
        "text",
        "missing",
        "no names",
        "no weights",
        "link",
        "huge",
    ],
)
def test_a_file_that_does_not_fit_is_refused_by_name_and_nothing_is_set(path, network, edit, words):
    edited(path, edit)
    before = network.get_weights()
    with pytest.raises(InputError, match=r"sam\.pkl.*" + ".*".join(words)):
        load_theano_weights(network.reference_layers(), path)
    for one, other in zip(before, network.get_weights(), strict=True):
        np.testing.assert_array_equal(one, other)


def test_a_file_of_another_network_is_refused_with_both_counts(tmp_path, network):
    reference.write_keras1(tmp_path / "resnet.pkl", reference.synthetic_weights(6, 4, 3, resnet=True))
    with pytest.raises(InputError, match=r"113 layers.*has 19"):
        load_theano_weights(network.reference_layers(), tmp_path / "resnet.pkl")


class Bomb:
    def __reduce__(self):
        return (pytest.fail, ("the pickle was opened",))


def test_a_real_pickle_is_refused_unopened(tmp_path, network):
    (tmp_path / "sam.pkl").write_bytes(pickle.dumps(Bomb()))
    with pytest.raises(InputError, match="pickle"):
        load_theano_weights(network.reference_layers(), tmp_path / "sam.pkl")


@pytest.mark.parametrize("keep", [0, 7, 100, 3000, 0.5, 0.98])
def test_a_file_that_was_cut_off_is_refused(path, network, keep):
    content = path.read_bytes()
    path.write_bytes(content[: int(keep * len(content)) if isinstance(keep, float) else keep])
    with pytest.raises(InputError, match=r"sam\.pkl"):
        load_theano_weights(network.reference_layers(), path)


@pytest.mark.ci
def test_damaged_bytes_never_end_in_a_traceback(path, network, tmp_path):
    content = bytearray(path.read_bytes())
    random = np.random.default_rng(0)
    refused = 0
    for trial in range(40):
        damaged = bytearray(content)
        for place in random.integers(8, 6000, 8):  # where HDF5 keeps names and addresses
            damaged[place] = random.integers(256)
        (tmp_path / f"{trial}.pkl").write_bytes(damaged)
        try:
            load_theano_weights(network.reference_layers(), tmp_path / f"{trial}.pkl")
        except InputError:  # what is no such error fails the test
            refused += 1
    assert refused > 5


@pytest.mark.ci
def test_a_converted_file_gives_the_network_back(tmp_path, layers, monkeypatch):
    # At the published size this takes 200 MB; a small network of the same name stands in.
    for name in ("sam-vgg", "sam-resnet"):
        network_class = models.network_class(name)
        small = type("Small", (network_class,), {"__init__": small_init(network_class)})
        monkeypatch.setitem(models.NETWORKS, name, dataclasses.replace(models.NETWORKS[name], network=small))
        reference.write_keras1(
            tmp_path / f"{name}.pkl", reference.synthetic_weights(6, 4, 3, resnet=name == "sam-resnet")
        )
        assert models.convert_weights(tmp_path / f"{name}.pkl", tmp_path / f"{name}.weights.h5") == name
        one, other = (models.load_weights_file(tmp_path / f"{name}.{end}") for end in ("pkl", "weights.h5"))
        assert one.name == other.name == name
        for a, b in zip(one.get_weights(), other.get_weights(), strict=True):
            np.testing.assert_array_equal(a, b)
    assert sorted(file.name for file in tmp_path.iterdir() if "partial" in file.name) == []
    for target, word in (("sam-vgg.weights.h5", "already"), ("sam.h5", r"\.weights\.h5")):
        with pytest.raises(InputError, match=word):
            models.convert_weights(tmp_path / "sam-vgg.pkl", tmp_path / target)


def small_init(network_class):
    def init(self, **options):
        network_class.__init__(self, **{**TINY, **options})

    return init


def test_a_keras_3_file_that_names_no_network_is_refused(tmp_path, network):
    network.save_weights(tmp_path / "some.weights.h5")
    with pytest.raises(InputError, match="which network"):
        models.load_weights_file(tmp_path / "some.weights.h5")


def test_published_weights_that_are_not_here_are_refused_with_the_command(tmp_path, monkeypatch):
    monkeypatch.setenv("KERASAL_CACHE", str(tmp_path))
    with pytest.raises(InputError, match=r"kerasal weights download sam-vgg\.salicon2015"):
        models.load_weights_file("sam-vgg.salicon2015")
    with pytest.raises(InputError, match=r"nowhere\.pkl"):
        models.load_weights_file("nowhere.pkl")
