"""Images made to take memory: every reader refuses them before they are unpacked, and no shape takes more."""

import io
import re
import struct

import numpy as np
import pytest
import tensorflow as tf
from conftest import forget_high_water, high_water, needs_linux
from PIL import Image
from serving_cases import black_png

from kerasal import data
from kerasal.data.images import (
    LARGEST_IMAGE,
    LARGEST_SIDE,
    ImageTooLarge,
    decode_image,
    read_image,
    read_map,
    read_upload,
)
from kerasal.data.reading import shrink_then_grow, stimulus_source
from kerasal.data.sample import Sample
from kerasal.errors import InputError
from kerasal.export.encoded import encoded_function
from kerasal.export.graph import matrix_resize
from kerasal.layers import shrink_then_grow as keras_shrink_then_grow
from kerasal.models import NETWORKS, build

BOMBS = [(8_000_000, 1), (1, 8_000_000), (50_000_000, 1), (65_501, 2), (2, 65_501), (20_000, 10_000)]
# What kerasal.data.images promises: of the default network, and of all.
BYTES_A_PIXEL, MOST_BYTES_A_PIXEL, MARGIN = 24, 40, 300e6


@pytest.mark.parametrize(("width", "height"), BOMBS)
def test_every_reader_refuses_an_image_with_too_long_a_side_or_too_many_pixels(width, height, tmp_path):
    content = black_png(width, height)
    path = tmp_path / "photos" / "images" / "bomb.png"
    path.parent.mkdir(parents=True)
    path.write_bytes(content)
    (tmp_path / "photos" / "fixations").mkdir()
    (tmp_path / "photos" / "fixations" / "bomb.csv").write_text("x,y,observer\n0,0,0\n")
    readers = {
        "predict": lambda: read_image(path),
        "serve": lambda: read_upload(content, LARGEST_IMAGE),
        "data check": lambda: decode_image(content, path),
        "evaluate": lambda: read_map(path),
        "train": lambda: data.load("folder", tmp_path / "photos"),
    }
    # Of too many pixels Pillow itself tells, once there are too many for it.
    what = f"{width}x{height} pixels|exceeds limit of {LARGEST_IMAGE} pixels"
    for reader in readers.values():
        with pytest.raises(ImageTooLarge, match=what):
            reader()
    sample = Sample("bomb", (height, width), path, (np.zeros((1, 2)),), 1.0)
    with pytest.raises(ImageTooLarge, match=what):
        stimulus_source([sample])(tf.constant(0))


def test_an_upload_may_have_fewer_pixels_still():
    content = black_png(400, 300)
    assert read_upload(content, 120_000).shape == (300, 400, 3)
    with pytest.raises(ImageTooLarge, match="400x300 pixels, more than 119,999"):
        read_upload(content, 119_999)


def test_the_longest_side_allowed_is_read_and_its_overlay_written(tmp_path):
    stimulus = read_upload(black_png(LARGEST_SIDE, 1), LARGEST_IMAGE)
    assert stimulus.shape == (1, LARGEST_SIDE, 3)
    Image.fromarray(stimulus).save(tmp_path / "overlay.jpg")
    with pytest.raises(OSError, match="broken data stream"):
        Image.new("RGB", (LARGEST_SIDE + 1, 1)).save(tmp_path / "longer.jpg")


def test_a_map_file_that_tells_of_more_than_it_holds_takes_no_memory(tmp_path):
    header = b"{'descr': '<f8', 'fortran_order': False, 'shape': (1000000, 1000000), }"
    path = tmp_path / "map.npy"
    path.write_bytes(b"\x93NUMPY\x01\x00" + struct.pack("<H", len(header) + 1) + header + b"\n" + bytes(100))
    with pytest.raises(InputError, match=re.escape(f"cannot read {path} as a .npy array")):
        read_map(path)


@pytest.fixture(scope="module")
def network():
    return build("baseline", backbone_weights="random", input_size=(60, 80))


def test_the_graph_that_takes_files_refuses_them_before_decoding(network):
    serve = encoded_function(network)
    good = io.BytesIO()
    Image.new("RGB", (90, 60), "red").save(good, "jpeg")
    assert serve(tf.constant([good.getvalue(), black_png(50, 40)]))["saliency"].shape == (2, 60, 90, 1)
    for width, height in BOMBS:
        with pytest.raises(tf.errors.InvalidArgumentError, match=r"sides may have 65,500 pixels"):
            serve(tf.constant([black_png(width, height)]))


@pytest.mark.parametrize("size", [(5, 700), (700, 5), (200, 300), (40, 30), (60, 80), (59, 81)])
@pytest.mark.parametrize("method", ["bicubic", "bilinear"])
def test_shrinking_first_gives_what_one_resize_gives(size, method):
    image = np.random.default_rng(0).uniform(0, 255, (1, *size, 3)).astype("float32")
    expected = tf.image.resize(image, (60, 80), method=method, antialias=True).numpy()
    for resize in (shrink_then_grow, keras_shrink_then_grow, matrix_resize):
        np.testing.assert_allclose(resize(tf.constant(image), (60, 80), method), expected, atol=2e-3)


@needs_linux
@pytest.mark.parametrize("resize", [shrink_then_grow, keras_shrink_then_grow])
@pytest.mark.parametrize(
    "lengths", [((1, 65_500), (300, 400)), ((300, 400), (65_500, 1)), ((65_500, 1), (300, 400))]
)
def test_a_long_thin_image_is_not_thickened_at_its_full_length(resize, lengths):
    before, after = lengths
    images = tf.zeros((1, *before, 3))
    forget_high_water()
    start = high_water()
    assert resize(images, after, "bilinear").shape == (1, *after, 3)
    assert high_water() - start < 20e6  # 65,500 x 300 x 3 floats would be 236 MB


@needs_linux
@pytest.mark.parametrize("size", [(1600, 2500), (62, 64_500), (64_500, 62), (2, 65_500), (65_500, 2)])
def test_predicting_takes_no_more_memory_than_is_promised_whatever_the_shape(network, size):
    network.saliency_maps([np.zeros((64, 64, 3), "uint8")])
    content = black_png(*size[::-1])
    forget_high_water()
    start = high_water()
    (saliency_map,) = network.saliency_maps([read_upload(content, LARGEST_IMAGE)])
    assert saliency_map.shape == size
    assert high_water() - start < BYTES_A_PIXEL * size[0] * size[1] + MARGIN * 60 / 300


@pytest.mark.slow
@needs_linux
@pytest.mark.parametrize("name", NETWORKS)
@pytest.mark.parametrize("size", [(3000, 4000), (190, 65_500), (65_500, 190)])
def test_no_network_takes_more(name, size):
    network = build(name, **({} if name == "shallownet" else {"backbone_weights": "random"}))
    network.saliency_maps([np.zeros((64, 64, 3), "uint8")])
    stimulus = np.zeros((*size, 3), "uint8")
    forget_high_water()
    start = high_water()
    network.saliency_maps([stimulus])
    assert high_water() - start < (MOST_BYTES_A_PIXEL - 3) * size[0] * size[1] + MARGIN
