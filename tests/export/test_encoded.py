"""The signature that takes image files."""

import io

import keras
import numpy as np
import pytest
import tensorflow as tf
from PIL import Image

from kerasal import models
from kerasal.data import read_image
from kerasal.export.encoded import encoded_function


@pytest.fixture(scope="module")
def network(tiny_network):
    keras.utils.set_random_seed(1)
    return models.build("tiny", input_size=(32, 48), activation="sigmoid", dropout=0.1, initial_density=0.1)


@pytest.fixture(scope="module")
def serve(network):
    return encoded_function(network)


def picture(mode, size, seed=0):
    small = np.random.default_rng(seed).integers(0, 256, (5, 6, 4), dtype=np.uint8)
    return Image.fromarray(small, "RGBA").resize(size[::-1], Image.Resampling.BICUBIC).convert(mode)


FILES = {
    "a.jpg": picture("RGB", (70, 41)),
    "b.png": picture("L", (20, 90), seed=1),
    "c.png": picture("RGBA", (33, 33), seed=2),
    "d.png": picture("P", (64, 50), seed=3),
    "e.png": picture("1", (40, 30), seed=4),
    "f.png": picture("RGB", (40, 30), seed=5).quantize(4),  # of 2 bits
    "g.png": picture("RGB", (30, 40), seed=6).quantize(16),  # of 4
}


def assert_maps_are_predicts_filled_up_with_zeros(network, serve, names, folder):
    for name in names:
        FILES[name].save(folder / name, **({"quality": 95} if name.endswith("jpg") else {}))
    outputs = serve(tf.constant([(folder / name).read_bytes() for name in names]))
    sizes = [FILES[name].size[::-1] for name in names]
    assert outputs["size"].numpy().tolist() == [list(size) for size in sizes]
    assert outputs["saliency"].shape == outputs["density"].shape == (len(names), *np.max(sizes, axis=0), 1)
    for index, name in enumerate(names):
        stimulus = read_image(folder / name)
        rows, columns = stimulus.shape[:2]
        saliency = outputs["saliency"][index, ..., 0].numpy()
        np.testing.assert_allclose(
            saliency[:rows, :columns], network.saliency_maps([stimulus])[0], atol=1e-3, err_msg=name
        )
        assert saliency.sum() == pytest.approx(saliency[:rows, :columns].sum())
        assert outputs["density"][index].numpy().sum() == pytest.approx(1, rel=1e-4)


def test_maps_of_a_mixed_batch_are_predicts_filled_up_with_zeros(network, serve, tmp_path):
    assert_maps_are_predicts_filled_up_with_zeros(network, serve, list(FILES), tmp_path)


@pytest.mark.ci
def test_a_network_that_sees_each_image_at_its_own_shape_takes_them_too(tmp_path):
    network = models.DeepConvNet((32, 40))
    serve = encoded_function(network)
    for names in (["a.jpg", "b.png"], ["c.png"]):
        assert_maps_are_predicts_filled_up_with_zeros(network, serve, names, tmp_path)


def test_one_file_gives_a_map_of_its_size(serve):
    file = io.BytesIO()
    picture("RGB", (31, 17)).save(file, "png")
    assert serve(tf.constant([file.getvalue()]))["saliency"].shape == (1, 31, 17, 1)


@pytest.mark.parametrize("content", [b"", b"no image", b"\xff\xd8\xff\xe0 cut"])
def test_what_is_no_image_is_an_error_of_the_request(serve, content):
    with pytest.raises(tf.errors.InvalidArgumentError):
        serve(tf.constant([content]))
