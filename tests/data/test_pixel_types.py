"""Every type of pixel that the readers may meet: files written bit by bit, so that no reader judges itself.

TensorFlow's reader and Python's agree to one level of 255 with what the type says, for files, arrays and
tensors alike.
"""

import io
import struct
import zlib

import numpy as np
import pytest
import tensorflow as tf
from PIL import Image

from kerasal.data import Sample, read_image, read_map
from kerasal.data.images import image_size
from kerasal.data.reading import stimulus_source
from kerasal.errors import InputError
from kerasal.prediction import as_stimulus


def png(bits, colors, rows, columns, lines, *chunks) -> bytes:
    """A PNG file; `lines` are the bytes of each row, `colors` is 0 grey, 2 RGB, 3 palette, 4 LA, 6 RGBA."""

    def chunk(kind, data):
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    header = struct.pack(">IIBBBBB", columns, rows, bits, colors, 0, 0, 0)
    data = zlib.compress(b"".join(b"\0" + line for line in lines))
    parts = [(b"IHDR", header), *chunks, (b"IDAT", data), (b"IEND", b"")]
    return b"\x89PNG\r\n\x1a\n" + b"".join(chunk(*part) for part in parts)


def tiff(array, *, bits=None, data=None, order="<", photometric=1, more=()) -> bytes:
    """An uncompressed TIFF of one strip, grey (H, W) or RGB (H, W, 3); `data` are its bytes if packed."""
    kind = {"u": 1, "b": 1, "i": 2, "f": 3}[array.dtype.kind]
    bits = bits or 8 * array.dtype.itemsize
    data = data or array.astype(array.dtype.newbyteorder(order)).tobytes()
    rows, columns = array.shape[:2]
    samples = 1 if array.ndim == 2 else array.shape[2]
    tags = {256: columns, 257: rows, 258: bits, 259: 1, 262: photometric, 273: 0, 277: samples}
    tags |= {278: rows, 279: len(data), 339: kind, **dict(more)}
    start = 8 + 2 + 12 * len(tags) + 4
    per_sample = struct.pack(order + f"{2 * samples}H", *[bits] * samples, *[kind] * samples)
    entries = b""
    for tag, value in sorted(tags.items()):
        if tag == 273:
            entries += struct.pack(order + "HHII", tag, 4, 1, start + len(per_sample))
        elif tag in (258, 339) and samples > 2:
            place = start + (2 * samples if tag == 339 else 0)
            entries += struct.pack(order + "HHII", tag, 3, samples, place)
        else:
            entries += struct.pack(order + "HHIHH", tag, 3, 1, value, 0)
    head = (b"II" if order == "<" else b"MM") + struct.pack(order + "HI", 42, 8)
    return head + struct.pack(order + "H", len(tags)) + entries + bytes(4) + per_sample + data


def grey_png(array, *chunks) -> bytes:
    lines = [row.astype(f">u{array.itemsize}").tobytes() for row in array]
    return png(8 * array.itemsize, 0, *array.shape, lines, *chunks)


# Values that hold both ends of each type, and its middle.
BYTES = np.array([[0, 1, 127, 128], [200, 254, 255, 3]], "uint8")
DARK = BYTES // 64  # a picture whose content says nothing of its type
WORDS = np.array([[0, 128, 129, 255], [256, 257, 32768, 65535]], "uint16")
DARK_WORDS = np.array([[0, 1, 200, 255], [9, 8, 7, 6]], "uint16")  # at most 255: still 16 bits
NUMBERS = np.array([[0, 1, 100, 254], [255, 3, 2, 7]])
COLORS = np.stack([BYTES, BYTES[::-1], BYTES[:, ::-1]], axis=2)
ALPHA = np.array([[0, 255, 255, 128], [255, 255, 0, 255]], "uint8")
BITS = np.array([[0, 1, 1, 0], [1, 0, 0, 1]], "uint8")


def on_white(colors, alpha):
    share = alpha[..., None] / 255
    return np.round(colors * share + 255 * (1 - share))


def packed(levels, bits):
    """Rows of numbers of 1, 2 or 4 bits as bytes, the first in the highest bits."""
    text = ["".join(f"{value:0{bits}b}" for value in row) for row in levels]
    return [int(row.ljust(-(-len(row) // 8) * 8, "0"), 2).to_bytes(-(-len(row) // 8), "big") for row in text]


def pillow(array, suffix, **options):
    file = io.BytesIO()
    Image.fromarray(array).save(file, suffix, **options)
    return file.getvalue()


PALETTE = bytes([10, 20, 30, 200, 100, 50, 0, 0, 0, 255, 255, 255])
RGBA = np.concatenate([COLORS, ALPHA[..., None]], axis=2)
DEEP_COLORS = np.minimum(COLORS * 257.0 + 100, 65535)
DEEP_RGBA = RGBA.astype("uint16") * 257

# name of the file -> its bytes, and what it shows: (H, W) grey or (H, W, 3), in levels of 255.
PICTURES = {
    "grey1.png": (png(1, 0, 2, 4, packed(BITS, 1)), BITS * 255),
    "grey2.png": (png(2, 0, 2, 4, packed(DARK, 2)), DARK * 85.0),
    "grey4.png": (png(4, 0, 2, 4, packed(BYTES // 16, 4)), BYTES // 16 * 17.0),
    "grey8.png": (grey_png(BYTES), BYTES),
    "grey16.png": (grey_png(WORDS), WORDS / 257),
    "dark16.png": (grey_png(DARK_WORDS), DARK_WORDS / 257),
    "clear16.png": (
        png(16, 0, 2, 4, [row.astype(">u2").tobytes() for row in WORDS], (b"tRNS", struct.pack(">H", 257))),
        np.where(WORDS == 257, 255, WORDS / 257),
    ),
    "clear8.png": (
        png(8, 0, 2, 4, [row.tobytes() for row in BYTES], (b"tRNS", struct.pack(">H", 200))),
        np.where(BYTES == 200, 255, BYTES),
    ),
    "rgb8.png": (png(8, 2, 2, 4, [row.tobytes() for row in COLORS]), COLORS),
    "rgb16.png": (
        png(16, 2, 2, 4, [row.astype(">u2").tobytes() for row in DEEP_COLORS]),
        DEEP_COLORS / 257,
    ),
    "la8.png": (
        png(8, 4, 2, 4, [row.tobytes() for row in np.stack([BYTES, ALPHA], 2)]),
        on_white(BYTES[..., None], ALPHA)[..., 0],
    ),
    "rgba8.png": (png(8, 6, 2, 4, [row.tobytes() for row in RGBA]), on_white(COLORS, ALPHA)),
    "rgba16.png": (
        png(16, 6, 2, 4, [row.astype(">u2").tobytes() for row in DEEP_RGBA]),
        on_white(COLORS, ALPHA),
    ),
    "palette.png": (
        png(2, 3, 2, 4, packed(DARK, 2), (b"PLTE", PALETTE)),
        np.frombuffer(PALETTE, "uint8").reshape(4, 3)[DARK],
    ),
    "clear-palette.png": (
        png(2, 3, 2, 4, packed(DARK, 2), (b"PLTE", PALETTE), (b"tRNS", bytes([255, 0]))),
        np.array([[10, 20, 30], [255, 255, 255], [0, 0, 0], [255, 255, 255]])[DARK],
    ),
    "bool.tif": (tiff(BITS, bits=1, data=b"".join(packed(BITS, 1))), BITS * 255),
    "grey2.tif": (tiff(DARK, bits=2, data=b"".join(packed(DARK, 2))), DARK * 85.0),
    "grey4.tif": (tiff(BYTES // 16, bits=4, data=b"".join(packed(BYTES // 16, 4))), BYTES // 16 * 17.0),
    "grey8.tif": (tiff(BYTES), BYTES),
    "from-white8.tif": (tiff(BYTES, photometric=0), 255.0 - BYTES),
    "int8.tif": (tiff(BITS.astype("int8") * 127), BITS * 127),
    "grey12.tif": (tiff(WORDS, bits=12, data=bytes([0, 0x0F, 0xFF] * 4)), np.tile([0, 255], (2, 2))),
    "grey16.tif": (tiff(WORDS), WORDS / 257),
    "grey16-big-endian.tif": (tiff(WORDS, order=">"), WORDS / 257),
    "from-white16.tif": (tiff(WORDS, photometric=0), 255 - WORDS / 257),
    "int16.tif": (tiff(NUMBERS.astype("int16")), NUMBERS),
    "int16-big-endian.tif": (tiff(NUMBERS.astype("int16"), order=">"), NUMBERS),
    "uint32.tif": (tiff(NUMBERS.astype("uint32")), NUMBERS),
    "int32.tif": (tiff(NUMBERS.astype("int32")), NUMBERS),
    "int32-big-endian.tif": (tiff(NUMBERS.astype("int32"), order=">"), NUMBERS),
    "float32.tif": (tiff(NUMBERS.astype("float32") * 0.9), NUMBERS * 0.9),
    "float32-big-endian.tif": (tiff(NUMBERS.astype("float32"), order=">"), NUMBERS),
    "rgb8.tif": (tiff(COLORS, photometric=2), COLORS),
    "rgb16.tif": (tiff(COLORS.astype("uint16") * 257, photometric=2), COLORS),
    "a.pbm": (b"P4 4 2\n" + bytes([0b10010000, 0b01100000]), BITS * 255),  # where 1 is black
    "a.pgm": (b"P5 4 2 255\n" + BYTES.tobytes(), BYTES),
    "dark.pgm": (b"P5 4 2 3\n" + DARK.tobytes(), DARK * 85.0),
    "grey16.pgm": (b"P5 4 2 65535\n" + WORDS.astype(">u2").tobytes(), WORDS / 257),
    "dark16.pgm": (b"P5 4 2 65535\n" + DARK_WORDS.astype(">u2").tobytes(), DARK_WORDS / 257),
    "a.ppm": (b"P6 4 2 255\n" + COLORS.tobytes(), COLORS),
    "a.pfm": (b"Pf\n4 2\n-1.0\n" + NUMBERS[::-1].astype("<f4").tobytes(), NUMBERS),
    "a.bmp": (pillow(COLORS, "bmp"), COLORS),
    "a.gif": (pillow(BYTES, "gif"), BYTES),
    "grey.webp": (pillow(COLORS, "webp", lossless=True), COLORS),
    "a.jfif": (pillow(np.full((2, 4), 77, "uint8"), "jpeg"), np.full((2, 4), 77)),
    "a.jpe": (pillow(np.full((2, 4), 78, "uint8"), "jpeg"), np.full((2, 4), 78)),
    "cmyk.tif": (  # inks, which darken: 51 of black leaves 204
        tiff(np.concatenate([0 * COLORS, BYTES[..., None]], 2), photometric=5),
        255.0 - BYTES,
    ),
}


def grey_as_rgb(expected):
    return np.repeat(expected[..., None], 3, axis=2) if np.ndim(expected) == 2 else expected


@pytest.fixture(scope="module")
def pictures(tmp_path_factory):
    folder = tmp_path_factory.mktemp("pictures")
    for name, (data, _) in PICTURES.items():
        (folder / name).write_bytes(data)
    return folder


def test_both_readers_show_every_type_of_pixel_to_one_level(pictures):
    samples = [Sample(name, (2, 4), pictures / name, (), 1.0) for name in PICTURES]
    in_graph = tf.data.Dataset.range(len(samples)).map(stimulus_source(samples)).as_numpy_iterator()
    for (name, (_, expected)), by_tensorflow in zip(PICTURES.items(), in_graph, strict=True):
        by_python = read_image(pictures / name)
        assert by_python.dtype == by_tensorflow.dtype == np.uint8
        np.testing.assert_allclose(by_python, grey_as_rgb(expected), atol=1, err_msg=name)
        np.testing.assert_allclose(by_tensorflow, grey_as_rgb(expected), atol=1, err_msg=name)


ARRAYS = {
    "bool": (BITS.astype(bool), BITS * 255),
    "uint8": (BYTES, BYTES),
    "uint16": (WORDS, WORDS / 257),
    "dark uint16": (DARK_WORDS, DARK_WORDS / 257),
    "uint16 big-endian": (WORDS.astype(">u2"), WORDS / 257),
    "int8": (BITS.astype("int8") * 127, BITS * 127),
    **{kind: (NUMBERS.astype(kind), NUMBERS) for kind in ("int16", "int32", "int64", "uint32", "uint64")},
    **{kind: (NUMBERS.astype(kind), NUMBERS) for kind in ("float16", "float32", "float64", ">f4", ">i4")},
    "alpha": (RGBA, on_white(COLORS, ALPHA)),
    "deep alpha": (DEEP_RGBA, on_white(COLORS, ALPHA)),
}


@pytest.mark.parametrize("name", ARRAYS)
def test_an_array_and_a_tensor_show_what_their_type_says(name):
    array, expected = ARRAYS[name]
    np.testing.assert_allclose(as_stimulus(array), grey_as_rgb(expected), atol=1)
    tensor = tf.constant(array.astype(array.dtype.newbyteorder("=")))
    np.testing.assert_allclose(as_stimulus(tensor), grey_as_rgb(expected), atol=1)


def test_a_tensor_of_bfloat16_is_read_as_numbers_up_to_255():
    tensor = tf.constant(NUMBERS, tf.bfloat16)
    np.testing.assert_allclose(as_stimulus(tensor), grey_as_rgb(NUMBERS), atol=1)


@pytest.mark.parametrize(
    ("name", "array"),
    [
        ("float32.tif", NUMBERS.astype("float32") / 255),
        ("float32.tif", NUMBERS.astype("float32") * 2),
        ("float32.tif", NUMBERS.astype("float32") - 1),
        ("float32.tif", np.full((2, 4), np.nan, "float32")),
        ("int32.tif", NUMBERS.astype("int32") * 257),
        ("int32.tif", NUMBERS.astype("int32") - 5),
        ("uint32.tif", np.full((2, 4), 2**32 - 1, "uint32")),
        ("int16.tif", NUMBERS.astype("int16") * 100),
        ("int8.tif", np.full((2, 4), -1, "int8")),
    ],
)
def test_numbers_that_are_no_levels_are_refused_alike_in_a_file_and_in_an_array(tmp_path, name, array):
    (tmp_path / name).write_bytes(tiff(array))
    with pytest.raises(InputError, match="between 0 and 255") as of_array:
        as_stimulus(array)
    with pytest.raises(InputError, match=name) as of_file:
        read_image(tmp_path / name)
    assert str(of_file.value).endswith(str(of_array.value))


# name -> bytes, and the numbers that the map has: any scale will do, but they are in proportion and exact.
UNIT = np.linspace(0, 1, 8).reshape(2, 4)
MAPS = {
    "bits.png": (png(1, 0, 2, 4, packed(BITS, 1)), BITS * 255),
    "grey8.png": (grey_png(BYTES), BYTES),
    "grey16.png": (grey_png(WORDS), WORDS),
    "dark16.png": (grey_png(DARK_WORDS), DARK_WORDS),
    "opaque16.png": (grey_png(DARK_WORDS, (b"tRNS", b"\0\5")), DARK_WORDS),  # no pixel has the level 5
    "unit.tif": (tiff(UNIT.astype("float32")), UNIT.astype("float32")),
    "unit-big-endian.tif": (tiff(UNIT.astype("float32"), order=">"), UNIT.astype("float32")),
    "float-large.tif": (tiff((UNIT * 1e6).astype("float32")), (UNIT * 1e6).astype("float32")),
    "grey12.tif": (tiff(WORDS, bits=12, data=bytes([0, 0x0F, 0xFF] * 4)), np.tile([0, 65535], (2, 2))),
    "uint32.tif": (tiff(WORDS.astype("uint32") << 16), WORDS.astype("float64") * 65536),
    "int32.tif": (tiff(WORDS.astype("int32") * 1000), WORDS.astype("float64") * 1000),
    "from-white16.tif": (tiff(WORDS, photometric=0), 65535.0 - WORDS),
    "grey-as-rgb.png": (png(8, 2, 2, 4, [row.tobytes() for row in np.repeat(BYTES[..., None], 3, 2)]), BYTES),
    "opaque.png": (
        png(8, 4, 2, 4, [r.tobytes() for r in np.stack([BYTES, np.full_like(BYTES, 255)], 2)]),
        BYTES,
    ),
    "unit.pfm": (b"Pf\n4 2\n-1.0\n" + UNIT[::-1].astype("<f4").tobytes(), UNIT.astype("float32")),
    "grey16.pgm": (b"P5 4 2 65535\n" + WORDS.astype(">u2").tobytes(), WORDS),
}


@pytest.mark.parametrize("name", MAPS)
def test_a_map_has_the_numbers_of_its_file(tmp_path, name):
    data, expected = MAPS[name]
    (tmp_path / name).write_bytes(data)
    np.testing.assert_array_equal(read_map(tmp_path / name), expected)


@pytest.mark.parametrize(
    "kind", ["bool", "uint8", "int8", "uint16", "int64", "uint64", "float16", ">f4", "float64"]
)
def test_a_map_in_an_array_has_its_numbers(tmp_path, kind):
    array = (NUMBERS % 2).astype(kind)
    np.save(tmp_path / "a.npy", array)
    np.testing.assert_array_equal(read_map(tmp_path / "a.npy"), NUMBERS % 2)
    np.save(tmp_path / "a.npy", array[..., None])
    np.testing.assert_array_equal(read_map(tmp_path / "a.npy"), NUMBERS % 2)
    np.save(tmp_path / "a.npy", array[:1])  # one row is a map, too
    assert read_map(tmp_path / "a.npy").shape == (1, 4)


@pytest.mark.parametrize(
    ("name", "data", "words"),
    [
        ("heat.png", png(8, 2, 2, 4, [row.tobytes() for row in COLORS]), "colours"),
        ("heat.gif", png(2, 3, 2, 4, packed(DARK, 2), (b"PLTE", PALETTE)), "colours"),
        ("alpha.png", png(8, 4, 2, 4, [r.tobytes() for r in np.stack([BYTES * 0, BYTES], 2)]), "alpha"),
        ("clear.png", png(8, 0, 2, 4, [r.tobytes() for r in BYTES], (b"tRNS", b"\0\0")), "transparent"),
        ("clear16.png", grey_png(DARK_WORDS, (b"tRNS", b"\0\1")), "transparent"),
        ("minus.tif", tiff(NUMBERS.astype("float32") - 1), "negative"),
        ("minus8.tif", tiff(np.full((2, 4), -1, "int8")), "negative"),
        ("minus16.tif", tiff(np.full((2, 4), -1, "int16")), "negative"),
    ],
)
def test_a_map_in_colours_in_an_alpha_channel_or_below_zero_is_refused(tmp_path, name, data, words):
    (tmp_path / name).write_bytes(data)
    with pytest.raises(InputError, match=rf"{name}.*{words}"):
        read_map(tmp_path / name)


# The stored pixels of an image that shows [[1, 2, 3], [4, 5, 6]], for each EXIF orientation (CIPA DC-008).
STORED = {
    1: [[1, 2, 3], [4, 5, 6]],
    2: [[3, 2, 1], [6, 5, 4]],
    3: [[6, 5, 4], [3, 2, 1]],
    4: [[4, 5, 6], [1, 2, 3]],
    5: [[1, 4], [2, 5], [3, 6]],
    6: [[3, 6], [2, 5], [1, 4]],
    7: [[6, 3], [5, 2], [4, 1]],
    8: [[4, 1], [5, 2], [6, 3]],
}


@pytest.mark.parametrize("suffix", ["png", "late.png", "tif", "16.tif", "webp"])
def test_both_readers_turn_an_image_as_it_was_seen(tmp_path, suffix):
    shown = np.array(STORED[1])
    samples = []
    for turned, pixels in STORED.items():
        stored = np.array(pixels, "uint8") * 40
        path = tmp_path / f"{turned}.{suffix}"
        exif = Image.Exif()
        exif[0x0112] = turned
        if suffix == "late.png":  # after the pixels, where few look
            before, end = grey_png(stored)[:-12], grey_png(stored)[-12:]
            data = exif.tobytes()[6:]
            checksum = struct.pack(">I", zlib.crc32(b"eXIf" + data))
            path.write_bytes(before + struct.pack(">I", len(data)) + b"eXIf" + data + checksum + end)
        elif suffix.endswith("tif"):
            deep = stored.astype("uint16") * 257 if suffix == "16.tif" else stored
            path.write_bytes(tiff(deep, more={274: turned}))
        else:
            Image.fromarray(stored).save(path, exif=exif, **({"lossless": True} if suffix == "webp" else {}))
        assert image_size(path) == (2, 3)
        np.testing.assert_array_equal(read_image(path)[..., 0], shown * 40)
        np.testing.assert_array_equal(read_map(path), shown * (40 * 257 if suffix == "16.tif" else 40))
        samples.append(Sample(str(turned), (2, 3), path, (), 1.0))
    for stimulus in tf.data.Dataset.range(8).map(stimulus_source(samples)).as_numpy_iterator():
        np.testing.assert_array_equal(stimulus[..., 0], shown * 40)


def test_a_photograph_with_an_orientation_is_turned_in_the_graph_too(tmp_path):
    flat = np.zeros((16, 32, 3), "uint8")
    flat[:, 16:] = 200
    exif = Image.Exif()
    exif[0x0112] = 6  # a quarter turn clockwise: the left half is shown above
    Image.fromarray(flat).save(tmp_path / "a.jpg", exif=exif)
    sample = Sample("a", image_size(tmp_path / "a.jpg"), tmp_path / "a.jpg", (), 1.0)
    assert sample.size == (32, 16)
    [stimulus] = tf.data.Dataset.range(1).map(stimulus_source([sample])).as_numpy_iterator()
    assert stimulus[:12].max() < 20
    assert stimulus[20:].min() > 180
    np.testing.assert_array_equal(stimulus, sample.read_stimulus())
