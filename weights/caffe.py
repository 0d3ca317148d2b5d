"""Weights of networks that were trained with Caffe: .caffemodel files, protocol buffers of a NetParameter.

Reading them takes a handful of fields of Caffe's src/caffe/proto/caffe.proto, and no Caffe.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from kerasal.errors import InputError
from kerasal.weights.stored import StoredLayer, check_shapes, existing

# Numbers of fields.
LAYERS = {100: (1, 7), 2: (4, 6)}  # of a net, new and old ones; the name and the blobs of each
BLOB_OLD_SHAPE = (1, 2, 3, 4)  # num, channels, height, width
BLOB_DATA, BLOB_SHAPE, BLOB_DOUBLES = 5, 7, 8
SHAPE_SIDES = 1
# Wire types of protocol buffers, and the bytes of those that have a fixed number.
VARINT, DELIMITED = 0, 2
FIXED = {1: 8, 5: 4}


@dataclass(frozen=True)
class Blob:
    """An array of a .caffemodel, not unpacked yet. Old files give every shape four sides, leading ones 1."""

    shape: tuple[int, ...]
    old: bool
    data: bytes | memoryview
    dtype: str

    def shape_as(self, wanted: tuple[int, ...]) -> tuple[int, ...]:
        """The shape, without an old file's leading ones where `wanted` has none of them."""
        padded = (1,) * (len(self.shape) - len(wanted)) + wanted
        return wanted if self.old and padded == self.shape else self.shape

    def array(self, shape: tuple[int, ...]) -> np.ndarray:
        """The values. ValueError: there are more or fewer."""
        return np.frombuffer(self.data, self.dtype).reshape(shape)


def load_caffe_weights(layers: Sequence[StoredLayer], path: Path | str) -> None:
    """Set layers from a .caffemodel, by their names.

    Layers of the file that are not asked for are passed over. All shapes and values are checked before the
    first weight is set. InputError: no such file, or a damaged one; a layer missing, or with arrays of
    another number or shape, or values that are not finite, by name.
    """
    blobs = read_caffemodel(path)
    converted = []
    for stored in layers:
        where = f"{path}: {stored.name}"
        if stored.name not in blobs:
            known = f"it has {', '.join(blobs)}" if blobs else "it has no layers with weights"
            raise InputError(f"{path} has no layer {stored.name}: {known}")
        found = blobs[stored.name]
        shapes = [
            blob.shape_as(stored.shapes[i] if i < len(stored.shapes) else blob.shape)
            for i, blob in enumerate(found)
        ]
        check_shapes(shapes, stored, where)
        try:
            arrays = [blob.array(shape) for blob, shape in zip(found, shapes, strict=True)]
        except ValueError:
            raise InputError(f"{where} has more or fewer values than its shape says: it is damaged") from None
        converted.append(stored.convert(arrays, where))
    for stored, arrays in zip(layers, converted, strict=True):
        stored.set(arrays)


def read_caffemodel(path: Path | str) -> dict[str, list[Blob]]:
    """The arrays of each layer that has any, by its name. InputError: no such file, or none of Caffe's."""
    path = existing(path)
    layers = {}
    try:
        for number, _, value in _fields(memoryview(path.read_bytes())):
            if number in LAYERS:
                name, blobs = _layer(value, *LAYERS[number])
                if blobs:
                    layers[name] = blobs
    except ValueError as error:  # that of a name that is no UTF-8 too
        raise InputError(f"{path} is not a .caffemodel, or a damaged one: {error}") from None
    return layers


def _layer(message, name_field, blobs_field):
    name, blobs = "", []
    for number, wire, value in _fields(message):
        if number == name_field and wire == DELIMITED:
            name = bytes(value).decode()
        elif number == blobs_field:
            blobs.append(_blob(value))
    return name, blobs


def _blob(message):
    sides, old_sides, parts = [], dict.fromkeys(BLOB_OLD_SHAPE, 0), {BLOB_DATA: [], BLOB_DOUBLES: []}
    for number, wire, value in _fields(message):
        if number in old_sides and wire == VARINT:
            old_sides[number] = value
        elif number == BLOB_SHAPE:
            sides = _sides(value)
        elif number in parts and wire != VARINT:  # packed, or one number a field
            parts[number].append(value)
    field = BLOB_DOUBLES if parts[BLOB_DOUBLES] else BLOB_DATA
    data = parts[field][0] if len(parts[field]) == 1 else b"".join(parts[field])
    old = not sides
    return Blob(tuple(sides or old_sides.values()), old, data, "<f8" if field == BLOB_DOUBLES else "<f4")


def _sides(message):
    sides = []
    for number, wire, value in _fields(message):
        if number == SHAPE_SIDES and wire == VARINT:
            sides.append(value)
        elif number == SHAPE_SIDES:
            place = 0
            while place < len(value):
                side, place = _varint(value, place)
                sides.append(side)
    return sides


def _fields(message: memoryview) -> Iterator[tuple[int, int, int | memoryview]]:
    """A message's fields: number, wire type, value; bytes for all but a varint. ValueError: it is none."""
    if not isinstance(message, memoryview):
        raise ValueError("a number where a message should be")
    place = 0
    while place < len(message):
        key, place = _varint(message, place)
        number, wire = key >> 3, key & 7
        if wire == VARINT:
            value, place = _varint(message, place)
        else:
            if wire == DELIMITED:
                length, place = _varint(message, place)
            elif wire in FIXED:
                length = FIXED[wire]
            else:
                raise ValueError(f"an unknown wire type {wire}")
            if number == 0 or length > len(message) - place:
                raise ValueError("it ends within a field")
            value, place = message[place : place + length], place + length
        yield number, wire, value


def _varint(message, place):
    value = shift = 0
    while place < len(message) and shift < 70:
        byte = message[place]
        value |= (byte & 127) << shift
        place, shift = place + 1, shift + 7
        if byte < 128:
            return value, place
    raise ValueError("it ends within a number")
