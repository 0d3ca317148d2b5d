"""Samples as records of TFRecord files, read back one at a time from any place in a file.

A record is a `tf.train.Example` with the features

    name         bytes
    stimulus     bytes: RGB pixels, row after row, where `raw` is 1; else an image file
    size, sigma  (rows, columns) of the stimulus; its blur from fixations to density, in pixels
    fixations    bytes of float64, x, y, x, y, ...; `observers`: how many of them each observer has
    density      bytes of float32, row after row: a given density map, where there is one

TFRecord (tensorflow/core/lib/io/record_writer.h): eight bytes of length, four of checksum, the data, four of
checksum. With the place and length of its data a record is read without those before it. That checksum is a
CRC-32C, which Python has not: a CRC-32 of the data is noted beside the place.
"""

import zlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from kerasal.data.images import decode_image
from kerasal.data.sample import Sample
from kerasal.errors import InputError, reading

HEADER, FOOTER = 12, 4  # bytes around a record's data


@dataclass(frozen=True)
class Record:
    """The place of a record's data: bytes from `start` on in a TFRecord file."""

    path: Path
    start: int
    length: int
    raw: bool  # whether the stimulus is stored as pixels, not as an image file
    crc32: int | None = None  # of its data; None where it was prepared before that was noted

    def __call__(self) -> np.ndarray:
        """The stimulus, (H, W, 3) uint8 RGB."""
        features = self.features()
        with reading(f"{self.path} does not hold a stimulus of its size"):
            data = features["stimulus"].bytes_list.value[0]
            if self.raw:
                return np.frombuffer(data, "uint8").reshape(*features["size"].int64_list.value, 3)
        return decode_image(data, self.path)

    def read(self) -> bytes:
        """The record's data, a serialized Example. InputError: the file is missing, cut off or damaged."""
        try:
            with open(self.path, "rb") as file:
                file.seek(self.start)
                data = file.read(self.length)
        except OSError as error:
            raise InputError(
                f"cannot read {self.path}: {error.strerror}; prepare the dataset again"
            ) from None
        if len(data) != self.length:
            raise InputError(f"{self.path} was cut off: prepare the dataset again")
        if self.crc32 not in (None, zlib.crc32(data)):
            raise InputError(f"{self.path} is damaged (another checksum): prepare the dataset again")
        return data

    def features(self):
        """The features by their names. InputError: the data is no Example."""
        import tensorflow as tf  # here, as what scores maps in processes of its own does without it

        with reading(f"{self.path} is damaged, prepare the dataset again"):  # DecodeError has no stable place
            return tf.train.Example.FromString(self.read()).features.feature

    def density(self) -> np.ndarray:
        """A given density map, (H, W) float32, any non-negative scale."""
        features = self.features()
        with reading(f"{self.path} does not hold a density of its size"):
            return np.frombuffer(features["density"].bytes_list.value[0], "float32").reshape(
                tuple(features["size"].int64_list.value)
            )


class Observers(Sequence):
    """The fixations of each observer, (N, 2), read from a record when asked for."""

    def __init__(self, record: Record, count: int):
        self.record, self.observers = record, count

    def __len__(self) -> int:
        return self.observers

    def __getitem__(self, index):
        return self._read()[index]

    def __iter__(self) -> Iterator[np.ndarray]:
        return iter(self._read())

    def _read(self) -> list[np.ndarray]:
        if not self.observers:
            return []
        features = self.record.features()
        with reading(f"{self.record.path} does not hold the fixations of each observer"):
            xy = np.frombuffer(features["fixations"].bytes_list.value[0], "float64").reshape(-1, 2)
            return np.split(xy, np.cumsum(features["observers"].int64_list.value)[:-1])


def example(sample: Sample, stimulus: bytes, raw: bool, density: np.ndarray | None) -> bytes:
    """A sample's record, with the bytes of its stimulus; `density` (H, W) of the stimulus's size."""
    import tensorflow as tf

    def integers(*values):
        return tf.train.Feature(int64_list=tf.train.Int64List(value=values))

    def data(value):
        return tf.train.Feature(bytes_list=tf.train.BytesList(value=[value]))

    feature = {
        "name": data(sample.name.encode()),
        "stimulus": data(stimulus),
        "raw": integers(int(raw)),
        "size": integers(*sample.size),
        "sigma": tf.train.Feature(float_list=tf.train.FloatList(value=[sample.sigma])),
    }
    if sample.fixations is not None:
        feature["fixations"] = data(sample.all_fixations().astype("float64").tobytes())
        feature["observers"] = integers(*map(len, sample.fixations))
    if density is not None:
        feature["density"] = data(density.astype("float32").tobytes())
    return tf.train.Example(features=tf.train.Features(feature=feature)).SerializeToString()
