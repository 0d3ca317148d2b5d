"""Weights of Lasagne and Caffe: every tensor in its place, and what is no such file refused by name."""

import io
import pickle
import zipfile
from dataclasses import replace

import comparators_reference as reference
import keras
import numpy as np
import pytest
from command_line import invoke

from kerasal import models
from kerasal.errors import InputError
from kerasal.models.table import HELPERS, NETWORKS
from kerasal.weights import StoredLayer, load_caffe_weights, load_lasagne_weights

SIZE = (32, 48)


def upright(kernel):
    """(out, in, rows, columns) to (rows, columns, in, out), entry by entry."""
    n_out, n_in, rows, columns = kernel.shape
    result = np.empty((rows, columns, n_in, n_out), kernel.dtype)
    for i in range(rows):
        for j in range(columns):
            result[i, j] = kernel[:, :, i, j].T
    return result


def turned(kernel):
    return upright(kernel)[::-1, ::-1]


def channels_last(matrix, rows, columns, channels):
    """The rows of a dense layer's matrix from c, row, column to row, column, c."""
    result = np.empty_like(matrix)
    for c in range(channels):
        for i in range(rows):
            for j in range(columns):
                result[(i * columns + j) * channels + c] = matrix[(c * rows + i) * columns + j]
    return result


def check(network, expected):
    """`expected`: layer's name -> arrays."""
    parts = [network.backbone, network.head] if hasattr(network, "head") else [network]
    layers = {layer.name: layer for part in parts for layer in part.layers if layer.weights}
    assert layers.keys() == expected.keys()
    for name, arrays in expected.items():
        for one, other in zip(layers[name].get_weights(), arrays, strict=True):
            np.testing.assert_array_equal(one, other, err_msg=name)


def test_salgans_arrays_land_in_order_the_encoders_upright_and_the_decoders_turned(tmp_path):
    arrays = reference.salgan_arrays(4)
    np.savez(tmp_path / "gen.npz", *arrays)
    network = models.SalGAN(SIZE, filters=4, backbone_weights="random")
    models.set_weights(network, tmp_path / "gen.npz")
    encoder = [f"block{b}_conv{i + 1}" for b, n in enumerate((2, 2, 3, 3, 3), 1) for i in range(n)]
    decoder = ["5_3", "5_2", "5_1", "4_3", "4_2", "4_1", "3_3", "3_2", "3_1", "2_2", "2_1", "1_2", "1_1"]
    names = [*encoder, *(f"uconv{name}" for name in decoder), "saliency"]
    assert len(arrays) == 54
    check(
        network,
        {
            name: [(upright if name in encoder else turned)(arrays[2 * k]), arrays[2 * k + 1]]
            for k, name in enumerate(names)
        },
    )


def test_the_discriminators_arrays_land_in_order_with_fc4_by_channels(tmp_path):
    arrays = reference.discriminator_arrays(SIZE)
    np.savez(tmp_path / "discrim.npz", *arrays)
    network = models.SalGANDiscriminator(SIZE)
    models.set_weights(network, tmp_path / "discrim.npz")
    assert len(arrays) == 20
    check(
        network,
        {
            **{
                name: [turned(arrays[2 * k]), arrays[2 * k + 1]]
                for k, name in enumerate(("merge", "conv1", "conv2_1", "conv2_2"))
            },
            "conv3_1": [turned(arrays[8]), *arrays[9:11]],
            "conv3_2": [turned(arrays[11]), *arrays[12:14]],
            "fc4": [channels_last(arrays[14], 2, 3, 64), arrays[15]],
            "fc5": arrays[16:18],
            "prob": arrays[18:],
        },
    )


@pytest.mark.ci
def test_shallownets_arrays_land_in_order_with_hidden4_by_channels(tmp_path):
    arrays = reference.shallownet_arrays()
    np.savez(tmp_path / "shallow.npz", *arrays)
    network = models.load_weights_file(tmp_path / "shallow.npz")
    assert isinstance(network, models.ShallowNet)
    check(
        network,
        {
            **{f"conv{k + 1}": [turned(arrays[2 * k]), arrays[2 * k + 1]] for k in range(3)},
            "hidden4": [channels_last(arrays[6], 10, 10, 64), arrays[7]],
            "output": arrays[8:],
        },
    )


@pytest.mark.ci
@pytest.mark.parametrize("old", [False, True])
def test_deepconvnets_blobs_land_by_name_upright(tmp_path, old):
    blobs = reference.deepconvnet_blobs(seed=int(old))
    shuffled = {name: blobs[name] for name in sorted(blobs, reverse=True)}
    (tmp_path / "deep.caffemodel").write_bytes(reference.caffemodel(shuffled, old=old))
    network = models.load_weights_file(tmp_path / "deep.caffemodel")
    assert isinstance(network, models.DeepConvNet)
    # A transposed kernel is (in, out, rows, columns), and Keras wants (rows, columns, out, in).
    check(network, {name: [upright(arrays[0]), *arrays[1:]] for name, arrays in blobs.items()})


def test_deepconvnet_begins_with_the_kernels_of_vgg_cnn_m_alone(tmp_path):
    blobs = reference.deepconvnet_blobs()
    blobs = {name: blobs[name] for name in ("conv1", "conv2", "conv3")} | {"fc6": [np.ones((7, 5), "f4")]}
    (tmp_path / "VGG_CNN_M.caffemodel").write_bytes(reference.caffemodel(blobs))
    network = models.DeepConvNet(backbone_weights=tmp_path / "VGG_CNN_M.caffemodel")
    for name in ("conv1", "conv2", "conv3"):
        kernel, bias = network.backbone.get_layer(name).get_weights()
        np.testing.assert_array_equal(kernel, upright(blobs[name][0]))
        assert not bias.any()


# On two small layers from here on.


def small_layers():
    convolution, dense = keras.layers.Conv2D(4, 3, name="conv"), keras.layers.Dense(5, name="dense")
    convolution.build((None, 8, 8, 2))
    dense.build((None, 24))
    return [StoredLayer(convolution), StoredLayer(dense, features=(2, 3, 4))]


def small_arrays():
    random = np.random.default_rng(0)
    shapes = ((4, 2, 3, 3), (4,), (24, 5), (5,))
    return [random.standard_normal(shape).astype("float32") for shape in shapes]


def weights(layers):
    return [array for stored in layers for array in stored.layer.get_weights()]


def refuses(load, path, *words):
    """`load` raises an InputError of one line with these words, and sets nothing."""
    layers = small_layers()
    before = weights(layers)
    with pytest.raises(InputError, match=".*".join(words)) as caught:
        load(layers, path)
    assert "\n" not in str(caught.value)
    assert path.name in str(caught.value)
    for one, other in zip(before, weights(layers), strict=True):
        np.testing.assert_array_equal(one, other)


def with_array(index, array):
    return [*small_arrays()[:index], array, *small_arrays()[index + 1 :]]


@pytest.mark.parametrize(
    ("arrays", "words"),
    [
        (with_array(0, np.zeros((2, 4, 3, 3), "f4")), ["arr_0", r"\(2, 4, 3, 3\), conv", r"\(4, 2, 3, 3\)"]),
        (with_array(3, np.zeros(6, "f4")), ["arr_2 to arr_3", r"\(6,\), dense needs \(5,\)"]),
        (with_array(1, np.full(4, np.inf, "f4")), ["arr_0 to arr_1", "finite"]),
        (with_array(1, np.full(4, 1e300)), ["arr_0 to arr_1", "finite"]),
        (with_array(1, np.arange(4)), ["arr_1", "int64"]),
        (with_array(1, np.array([None] * 4)), ["arr_1", "Python objects"]),
        (small_arrays()[:3], ["3 arrays", "4"]),
        ([*small_arrays(), np.zeros(2)], ["5 arrays", "4"]),
    ],
    ids=["kernel", "bias", "infinite", "too large", "whole numbers", "objects", "missing", "too many"],
)
def test_arrays_that_do_not_fit_are_refused_by_name(tmp_path, arrays, words):
    np.savez(tmp_path / "net.npz", *arrays)
    refuses(load_lasagne_weights, tmp_path / "net.npz", *words)


class Bomb:
    def __reduce__(self):
        return (pytest.fail, ("the pickle was opened",))


def test_a_pickle_is_refused_unopened(tmp_path):
    for name, load in (("a.npz", load_lasagne_weights), ("a.caffemodel", load_caffe_weights)):
        (tmp_path / name).write_bytes(pickle.dumps(Bomb()))
        refuses(load, tmp_path / name, "not an? ")
    (tmp_path / "shallow_net.pickle").write_bytes(pickle.dumps(Bomb()))
    with pytest.raises(InputError, match=r"shallow_net\.pickle.*pickle.*not opened"):
        models.load_weights_file(tmp_path / "shallow_net.pickle")
    content = io.BytesIO()
    np.lib.format.write_array(content, np.array([Bomb()]), allow_pickle=True)
    with zipfile.ZipFile(tmp_path / "b.npz", "w") as archive:
        archive.writestr("arr_0.npy", content.getvalue())
    refuses(load_lasagne_weights, tmp_path / "b.npz", "Python objects")


def test_an_archive_that_claims_too_much_is_refused_before_it_is_read(tmp_path):
    header = io.BytesIO()
    np.lib.format.write_array_header_1_0(
        header, {"descr": "<f4", "fortran_order": False, "shape": (10**9, 2, 3, 3)}
    )
    with zipfile.ZipFile(tmp_path / "net.npz", "w") as archive:
        archive.writestr("arr_0.npy", header.getvalue())
        for i in (1, 2, 3):
            archive.writestr(f"arr_{i}.npy", header.getvalue())
    refuses(load_lasagne_weights, tmp_path / "net.npz", "arr_0", "1000000000")
    np.savez(tmp_path / "named.npz", **{f"w{i}": array for i, array in enumerate(small_arrays())})
    refuses(load_lasagne_weights, tmp_path / "named.npz", "arr_0")


def small_blobs():
    arrays = small_arrays()
    # Caffe's own dense layers are not read here; the small ones have Lasagne's layout.
    return {"conv": arrays[:2], "dense": arrays[2:]}


@pytest.mark.parametrize(
    "encoding", [{}, {"packed": False}, {"doubles": True}, {"doubles": True, "packed": False}, {"old": True}]
)
def test_each_encoding_of_a_caffemodel_gives_the_same_arrays(tmp_path, encoding):
    blobs = {**small_blobs(), "other": [np.zeros((3, 3), "f4")]}
    (tmp_path / "net.caffemodel").write_bytes(reference.caffemodel(blobs, **encoding))
    layers = small_layers()
    load_caffe_weights(layers, tmp_path / "net.caffemodel")
    found = weights(layers)
    np.testing.assert_array_equal(found[0], upright(blobs["conv"][0]))
    np.testing.assert_array_equal(found[2], channels_last(blobs["dense"][0], 2, 3, 4))


def short_blob():
    return reference.caffemodel(small_blobs()).replace(
        reference.message(7, reference.message(1, b"\x04")),
        reference.message(7, reference.message(1, b"\x05")),
    )


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (reference.caffemodel({"conv": small_arrays()[:2]}), ["no layer dense", "it has conv"]),
        (reference.caffemodel({}), ["no layer conv", "no layers with weights"]),
        (b"", ["no layer conv", "no layers with weights"]),
        (
            reference.caffemodel({**small_blobs(), "conv": with_array(0, np.zeros((4, 2, 5, 5)))[:2]}),
            ["conv", r"\(4, 2, 5, 5\)", r"\(4, 2, 3, 3\)"],
        ),
        (reference.caffemodel({**small_blobs(), "conv": small_arrays()[:1]}), ["conv has 1 arrays", "2"]),
        (
            reference.caffemodel({**small_blobs(), "conv": with_array(1, np.full(4, np.nan))[:2]}),
            ["conv", "finite"],
        ),
        (
            reference.caffemodel(
                {**small_blobs(), "conv": with_array(1, np.full(4, 1e300))[:2]}, doubles=True
            ),
            ["conv", "finite"],
        ),
        (b"GIF89a, not a network at all", [r"not a \.caffemodel"]),
        (short_blob(), ["conv", r"\(5,\), conv needs \(4,\)"]),
    ],
    ids=[
        "missing",
        "none",
        "empty",
        "shape",
        "bias missing",
        "nan",
        "too large",
        "gif",
        "shape says more",
    ],
)
def test_a_caffemodel_that_does_not_fit_is_refused_by_name(tmp_path, content, words):
    (tmp_path / "net.caffemodel").write_bytes(content)
    refuses(load_caffe_weights, tmp_path / "net.caffemodel", *words)


def test_a_blob_with_fewer_values_than_its_shape_says_is_refused(tmp_path):
    blobs = small_blobs()
    content = reference.caffemodel(blobs)
    kernel = reference.blob(blobs["conv"][0])
    values = blobs["conv"][0].tobytes()[:-8]
    shorter = reference.message(5, values) + kernel[kernel.rindex(b"\x3a") :]
    layer = reference.message(1, b"conv") + b"".join(
        reference.message(7, part) for part in (shorter, reference.blob(blobs["conv"][1]))
    )
    (tmp_path / "net.caffemodel").write_bytes(content + reference.message(100, layer))  # the last one counts
    refuses(load_caffe_weights, tmp_path / "net.caffemodel", "conv has more or fewer values")


@pytest.mark.parametrize("kind", ["npz", "caffemodel"])
def test_what_was_cut_off_or_damaged_never_ends_in_a_traceback(tmp_path, kind):
    path = tmp_path / f"net.{kind}"
    if kind == "npz":
        np.savez(path, *small_arrays())
    else:
        path.write_bytes(reference.caffemodel(small_blobs()))
    load = load_lasagne_weights if kind == "npz" else load_caffe_weights
    content = path.read_bytes()
    for keep in (1, 3, 30, len(content) // 2, len(content) - 3):
        path.write_bytes(content[:keep])
        refuses(load, path)
    random = np.random.default_rng(0)
    layers = small_layers()
    refused = 0
    for _ in range(150):
        damaged = bytearray(content)
        for place in random.integers(0, len(content), 6):
            damaged[place] = random.integers(256)
        path.write_bytes(damaged)
        try:
            load(layers, path)
        except InputError:  # what is no such error fails the test
            refused += 1
    assert refused > 20


@pytest.fixture
def small_networks(monkeypatch):
    """The published names stand for networks that take no time."""

    class SmallSalGAN(models.SalGAN):
        def __init__(self, **options):
            super().__init__(**{"input_size": SIZE, "filters": 4, **options})

    class SmallDiscriminator(models.SalGANDiscriminator):
        def __init__(self):
            super().__init__(SIZE)

    for rows, name, small in (
        (NETWORKS, "salgan", SmallSalGAN),
        (HELPERS, "salgan-discriminator", SmallDiscriminator),
    ):
        monkeypatch.setitem(rows, name, replace(rows[name], network=small))


@pytest.mark.usefixtures("small_networks")
def test_convert_knows_a_file_by_what_is_in_it(tmp_path):
    for name, arrays in (
        ("salgan", reference.salgan_arrays(4)),
        ("salgan-discriminator", reference.discriminator_arrays(SIZE)),
    ):
        np.savez(tmp_path / "some.npz", *arrays)
        target = tmp_path / f"{name}.weights.h5"
        result = invoke("weights", "convert", tmp_path / "some.npz", "--to", target)
        assert result.exit_code == 0, result.output
        assert f"weights of {name}\n" in result.stdout
        assert ("kerasal predict" in result.stdout) == (name == "salgan")
    salgan = models.load_weights_file(tmp_path / "salgan.weights.h5")
    np.testing.assert_array_equal(
        salgan.head.get_layer("uconv5_3").get_weights()[0], turned(reference.salgan_arrays(4)[26])
    )
    with pytest.raises(InputError, match="predicts no saliency maps"):
        models.load_weights_file(tmp_path / "salgan-discriminator.weights.h5")


@pytest.mark.usefixtures("small_networks")
@pytest.mark.parametrize(
    ("arrays", "words"),
    [
        (reference.salgan_arrays(5), ["some.npz", "arr_0", "(5, 3, 3, 3)", "(4, 3, 3, 3)"]),
        (reference.salgan_arrays(4)[:30], ["some.npz", "30 arrays", "salgan 54", "shallownet 10"]),
    ],
)
def test_convert_refuses_another_file_in_one_line_and_leaves_nothing(tmp_path, arrays, words):
    np.savez(tmp_path / "some.npz", *arrays)
    result = invoke("weights", "convert", tmp_path / "some.npz", "--to", tmp_path / "out.weights.h5")
    assert result.exit_code == 2
    assert all(word in result.stderr for word in words), result.stderr
    assert result.stderr.count("\n") == 1
    assert [path.name for path in tmp_path.iterdir()] == ["some.npz"]
