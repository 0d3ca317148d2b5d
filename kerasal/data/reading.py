"""Stimuli in a tf.data graph: plain files by TensorFlow's own decoders, all else through Python.

TensorFlow decodes JPEG and PNG without Python's lock. It gives the values of `read_image` for files of 8
bits, grey or RGB, upright and without transparency: JPEG with the accurate DCT and smooth upsampling, as
Pillow has it. The others (palettes, alpha, 1 or 16 bits, CMYK, an EXIF orientation) and what is no file go
the slow way.
"""

import contextlib
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import tensorflow as tf
from PIL import Image

from kerasal.data.images import check_size, file_orientation, pad_image
from kerasal.data.records import Record
from kerasal.data.sample import Sample
from kerasal.errors import InputError

RESIZE = "bicubic"
PYTHON, JPEG, PNG, RECORD = range(4)  # how a stimulus is read
ENDS = {"JPEG": b"\xff\xd9", "PNG": b"\x00\x00\x00\x00IEND\xaeB`\x82"}

# What takes the stimulus out of a record in a graph.
STIMULUS = {"stimulus": tf.io.FixedLenFeature([], tf.string), "size": tf.io.FixedLenFeature([2], tf.int64)}

# What reads the network's inputs of a sample: (index, mirrored) -> tensors of one image.
Reader = Callable[[tf.Tensor, tf.Tensor], tuple[tf.Tensor, ...]]


def stimulus_reader(samples: list[Sample], size: tuple[int, int], padded: bool = False) -> Reader:
    """Reads stimuli at `size` (rows, columns): (rows, columns, 3) float32 RGB 0..255, stretched or padded."""
    read_stimulus = stimulus_source(samples)

    def read(index, mirrored):
        stimulus = read_stimulus(index)
        if padded:
            stimulus = tf.numpy_function(
                lambda image: pad_image(image, size), [stimulus], tf.uint8, stateful=False
            )
            stimulus = tf.cast(stimulus, tf.float32)
        else:
            stimulus = resize_stimulus(stimulus, size)
        return (mirror(tf.ensure_shape(stimulus, (*size, 3)), mirrored),)

    return read


def stimulus_source(samples: list[Sample]) -> Callable[[tf.Tensor], tf.Tensor]:
    """index -> stimulus, (H, W, 3) uint8 RGB, in a graph."""
    ways = [_way(sample) for sample in samples]
    present = sorted(set(ways))
    way_of = tf.constant([present.index(way) for way in ways], tf.int32)
    by_way = zip(samples, ways, strict=True)
    files = tf.constant([str(sample.stimulus) if way in (JPEG, PNG) else "" for sample, way in by_way])

    def by_python(index):
        return tf.numpy_function(lambda i: samples[i].read_stimulus(), [index], tf.uint8, stateful=False)

    def jpeg(index):
        return tf.io.decode_jpeg(tf.io.read_file(files[index]), channels=3, dct_method="INTEGER_ACCURATE")

    def png(index):
        return tf.io.decode_png(tf.io.read_file(files[index]), channels=3)

    def record(index):
        data = tf.numpy_function(lambda i: samples[i].stimulus.read(), [index], tf.string, stateful=False)
        parsed = tf.io.parse_single_example(tf.ensure_shape(data, []), STIMULUS)
        pixels = tf.io.decode_raw(parsed["stimulus"], tf.uint8)
        return tf.reshape(pixels, tf.concat([parsed["size"], [3]], 0))

    branches = [(by_python, jpeg, png, record)[way] for way in present]

    def read(index):
        if len(branches) == 1:
            stimulus = branches[0](index)
        else:
            stimulus = tf.switch_case(way_of[index], [lambda branch=b: branch(index) for b in branches])
        return tf.ensure_shape(stimulus, (None, None, 3))

    return read


@contextlib.contextmanager
def naming_undecodable(samples: Sequence[Sample]) -> Iterator[None]:
    """A block that reads stimuli in graphs. InputError: a file that Pillow reads and TensorFlow does not.

    Pillow passes over damage within a JPEG file, where TensorFlow's decoder stops, and names no file.
    """
    try:
        yield
    except tf.errors.InvalidArgumentError:
        for sample in samples:
            try:
                stimulus_source([sample])(tf.constant(0))
            except tf.errors.InvalidArgumentError:
                raise InputError(
                    f"cannot read image {sample.stimulus}: its data are damaged: save it anew or leave it out"
                ) from None
        raise


def resize_stimulus(stimulus: tf.Tensor, size: tuple[int, int]) -> tf.Tensor:
    """A stimulus (H, W, 3) at `size` (rows, columns), float32, as the networks' pre-processing resizes it.

    That then has nothing left to do: `kerasal.layers.resize_stimuli` is the same for every backend.
    """
    return tf.cond(
        tf.reduce_all(tf.shape(stimulus)[:2] == size),
        lambda: tf.cast(stimulus, tf.float32),
        lambda: shrink_then_grow(stimulus, size),
    )


def shrink_then_grow(images: tf.Tensor, size: tuple, method: str = RESIZE) -> tf.Tensor:
    """`tf.image.resize` with antialiasing: images (..., H, W, C) at `size` (rows, columns), float32.

    Where one side shrinks and the other grows, the one shrinks first: TensorFlow goes along the rows first,
    and a long image of a few rows would grow by hundreds of rows as long.
    """
    smaller = tf.minimum(tf.shape(images)[-3:-1], size)
    images = tf.image.resize(images, smaller, method=method, antialias=True)
    return tf.image.resize(images, size, method=method, antialias=True)


def mirror(image: tf.Tensor, mirrored: tf.Tensor) -> tf.Tensor:
    """An image (H, W, C), left and right exchanged where `mirrored`."""
    known = tf.get_static_value(mirrored)
    if known is not None and not known:
        return image
    return tf.cond(mirrored, lambda: tf.reverse(image, [1]), lambda: image)


def _way(sample: Sample) -> int:
    if isinstance(sample.stimulus, Record):
        return RECORD if sample.stimulus.raw else PYTHON
    if not isinstance(sample.stimulus, Path):
        return PYTHON
    # What is damaged, cut off or too large is left to Python, whose error names the file.
    try:
        with Image.open(sample.stimulus) as image:  # its header alone
            check_size(str(sample.stimulus), *image.size)
            plain = image.mode in ("RGB", "L") and "transparency" not in image.info
            kind = image.format
            if kind == "PNG":
                image.verify()  # the checksums
        with open(sample.stimulus, "rb") as file:
            file.seek(-len(ENDS.get(kind, b" ")), 2)
            whole = file.read() == ENDS.get(kind)
    except Exception:  # a damaged file makes Pillow's readers raise nearly anything
        return PYTHON
    if not (plain and whole) or file_orientation(sample.stimulus) != 1:
        return PYTHON
    return {"JPEG": JPEG, "PNG": PNG}[kind]
