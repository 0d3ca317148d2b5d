"""The feature cache: a frozen backbone's output, computed once for all epochs and runs."""

import contextlib
import hashlib
import json
import os
import socket
import zlib
from collections.abc import Sequence
from functools import cached_property
from itertools import islice
from pathlib import Path
from typing import Any

import keras
import numpy as np
import tensorflow as tf

import kerasal
from kerasal._feature_cache import ABOUT, Hold, features_folder, make_room
from kerasal._files import check_space, new_folder, write_array, write_json
from kerasal._progress import Progress
from kerasal._threads import on_all_cores
from kerasal.data.images import pad_image
from kerasal.data.reading import RESIZE, Reader, resize_stimulus
from kerasal.data.sample import Dataset, Sample, stimulus_bytes
from kerasal.errors import InputError, one_line
from kerasal.models import SaliencyModel
from kerasal.training.precision import precision_of

CACHED = ("train", "validation")  # the splits whose features training needs
SUMS = "checksums.npy"  # beside the arrays: the CRC-32 of each sample's features, (layers, N) uint32
NO_SPACE = "make room, name another place with --cache-dir, or train with --no-cache-features"


class FeatureCache:
    """Feature maps of samples, float16, as arrays (N, rows, columns, channels), one for each layer.

    With `mirrored`, the N samples are followed by their mirror images.
    """

    def __init__(
        self,
        arrays: list[np.ndarray] | None,  # None: they lie in files
        count: int,
        files: Sequence[Path] = (),  # pickled, the cache takes their paths along and not what they hold
        hold: Hold | None = None,  # on the files' folder, so that no process removes it
    ):
        if arrays is not None:
            self.arrays = arrays
        self.count = count
        self.files = [file.absolute() for file in files]
        self.hold = hold

    @cached_property
    def arrays(self) -> list[np.ndarray]:
        try:
            return [_load(file) for file in self.files]
        except FileNotFoundError as error:
            raise InputError(
                f"{error.filename} is not on {socket.gethostname()}: the cache must be on a file system that "
                "all machines share (--cache-dir), or be kept in memory (--cache-in-memory)"
            ) from None

    @cached_property
    def sums(self) -> np.ndarray | None:
        """The features' checksums; None in memory, and of files from before there were any."""
        file = self.files[0].with_name(SUMS) if self.files else None
        return _load(file) if file and file.is_file() else None

    @cached_property
    def _checked(self) -> np.ndarray:
        """Of each row whether it was found to have its checksums: these take longer than reading does."""
        return np.zeros(len(self.arrays[0]), bool)

    def __getstate__(self) -> dict[str, Any]:
        left_out = ("arrays", "sums", "_checked") if self.files else ()
        kept = {name: value for name, value in self.__dict__.items() if name not in left_out}
        return {**kept, "hold": None}

    @property
    def mirrored(self) -> bool:
        """Whether the mirror images' features are there."""
        return len(self.arrays[0]) == 2 * self.count

    @classmethod
    def open(
        cls,
        model: SaliencyModel,
        samples: list[Sample],
        *,
        mirrored: bool = False,
        folder: Path | None = None,
        bound: int | None = None,
        progress: Progress = lambda items, _: items,
    ) -> "FeatureCache":
        """The features of the samples under the model's backbone: found, or computed now.

        Args:
            mirrored: compute them for the mirrored stimuli too.
            folder: keep them there for this and later runs, memory-mapped; None keeps them in memory.
                They are found again by a hash of the stimuli, the backbone and its weights.
            bound: the largest size in bytes of all that is kept there, see `make_room`.

        InputError: not enough space on the disk or within the bound, with the sizes and what to do; damaged
        files.
        """
        count = len(samples) * (2 if mirrored else 1)
        outputs = model.backbone.compute_output_shape((None, *model.input_size, 3))
        shapes = [(count, *shape[1:]) for shape in outputs]
        if folder is None:
            arrays = [np.empty(shape, "float16") for shape in shapes]
            _compute(model, samples, mirrored, arrays, progress)
            return cls(arrays, len(samples))
        plain = features_folder(folder) / _key(model, samples)
        both = plain.with_name(f"{plain.name}-mirrored")
        entry = both if mirrored or both.is_dir() else plain  # the first half of `both` is `plain`
        files = [f"{index}.npy" for index in range(len(shapes))]
        hold = _hold(entry)
        needed = 0 if hold else sum(2 * int(np.prod(shape)) for shape in shapes)
        make_room(folder, needed, bound)
        if hold is None:
            check_space(folder, int(needed * 1.05), f"the features of {len(samples)} stimuli", NO_SPACE)
            try:
                with new_folder(entry) as partial:
                    hold = Hold(partial)
                    write_json(partial / ABOUT, _about(model, samples, mirrored))
                    arrays = [
                        _array_file(partial / file, shape) for file, shape in zip(files, shapes, strict=True)
                    ]
                    sums = _compute(model, samples, mirrored, arrays, progress)
                    for array in arrays:
                        array.flush()
                    del arrays, array
                    write_array(partial / SUMS, sums)
            except (OSError, InputError):
                hold = _hold(entry)
                if hold is None:  # else another process was first: its features are the same
                    raise
        with contextlib.suppress(OSError):  # in a folder of another user's
            os.utime(entry)  # it was used now
        cache = cls(None, len(samples), [entry / file for file in files], hold)
        cache._check(len(samples) * (2 if entry == both else 1), shapes)
        return cache

    def _check(self, count: int, shapes: Sequence[tuple[int, ...]]) -> None:
        """InputError: the files do not hold the features of so many stimuli."""
        for file, array, shape in zip(self.files, self.arrays, shapes, strict=True):
            if (array.shape, array.dtype) != ((count, *shape[1:]), np.float16):
                raise _damaged(file, f"it holds {array.dtype} of {array.shape}")
        sums = self.sums
        if sums is not None and (sums.shape, sums.dtype) != ((len(shapes), count), np.uint32):
            raise _damaged(self.files[0].with_name(SUMS), f"it holds {sums.dtype} of {sums.shape}")

    def read(self, index: int, mirrored: bool) -> list[np.ndarray]:
        """The features of one sample or its mirror image, an array (rows, columns, channels) a layer.

        InputError: they are not those that were computed, which is looked at when they are first read.
        """
        row = index + self.count * mirrored
        features = [_row(array, row) for array in self.arrays]
        if self.sums is not None and not self._checked[row]:
            for file, feature, crc in zip(self.files, features, self.sums[:, row], strict=True):
                if zlib.crc32(feature) != crc:
                    raise _damaged(file, "another checksum")
            self._checked[row] = True
        return features

    @property
    def shapes(self) -> list[tuple[int, int, int]]:
        """(rows, columns, channels) of each layer."""
        return [array.shape[1:] for array in self.arrays]

    def reader(self) -> Reader:
        """Reads one sample's features for `kerasal.data.pipeline.batches`, as float32."""

        def read(index, mirrored):
            features = tf.numpy_function(
                self.read, [index, mirrored], [tf.float16] * len(self.shapes), stateful=False
            )
            # TensorFlow casts: numpy would hold Python's lock for as long as it takes.
            features = [tf.cast(feature, tf.float32) for feature in features]
            return tuple(map(tf.ensure_shape, features, self.shapes))

        return read


def _row(array: np.ndarray, index: int) -> np.ndarray:
    if not isinstance(array, np.memmap):
        return array[index]
    # Read and not mapped: pages that are mapped count as this process's memory, for which Dask ends workers.
    start = array.offset + index * array.strides[0]
    count = int(np.prod(array.shape[1:]))
    features = np.fromfile(array.filename, array.dtype, count, offset=start)
    if features.size < count:
        raise _damaged(Path(array.filename), "it was cut off")
    return features.reshape(array.shape[1:])


def _load(file: Path) -> np.memmap:
    """A .npy file, mapped. FileNotFoundError: it is not there. InputError: it is damaged."""
    try:
        return np.load(file, mmap_mode="r")
    except FileNotFoundError:
        raise
    except Exception as error:  # what a damaged header raises depends on where it is damaged
        raise _damaged(file, one_line(error)) from None


def _damaged(file: Path, how: str) -> InputError:
    return InputError(f"{file} is damaged ({how}): remove {file.parent}, and the features are computed anew")


class JoinedFeatures(FeatureCache):
    """The features of several sets of samples, one after the other, each in a cache of its own."""

    def __init__(self, parts: Sequence[FeatureCache]):
        self.parts = list(parts)
        self.ends = np.cumsum([part.count for part in parts])
        super().__init__(None, int(self.ends[-1]))

    @property
    def mirrored(self) -> bool:
        return all(part.mirrored for part in self.parts)

    @property
    def shapes(self) -> list[tuple[int, int, int]]:
        return self.parts[0].shapes

    def read(self, index: int, mirrored: bool) -> list[np.ndarray]:
        number = int(np.searchsorted(self.ends, index, side="right"))
        part = self.parts[number]
        return part.read(index - (self.ends[number] - part.count), mirrored)


def open_features(
    model: SaliencyModel,
    dataset: Dataset,
    *,
    flip: bool = True,
    folder: Path | None = None,
    bound: int | None = None,
    progress: Progress = lambda items, _: items,
) -> dict[str, FeatureCache]:
    """The features of the training and the validation split, as `fit` takes them.

    `flip` computes those of the mirrored training stimuli too; the other arguments are those of
    `FeatureCache.open`. A mixture has a cache for each of its sets, which is theirs alone too.
    InputError: a model of another kind, or no samples in one of the splits.
    """
    check_network(model)
    for split in CACHED:
        dataset[split]  # InputError where there is none, before those of the other one are computed
    features = {}
    for split in CACHED:
        mirrored = flip and split == "train"
        caches = [
            FeatureCache.open(
                model, part[split], mirrored=mirrored, folder=folder, bound=bound, progress=progress
            )
            for part in dataset.sets
            if part.splits[split]
        ]
        features[split] = caches[0] if len(caches) == 1 else JoinedFeatures(caches)
    return features


def check_network(model: Any) -> None:
    """InputError: a model that is no network of kerasal's, such as a `keras.Sequential`."""
    if not isinstance(model, SaliencyModel):
        raise InputError(
            f"expected a network of kerasal.models, got {type(model).__name__}: other Keras models train by "
            "their own fit, on kerasal.data.batches"
        )


def _hold(entry: Path) -> Hold | None:
    try:
        return Hold(entry) if entry.is_dir() else None
    except FileNotFoundError:  # another process removed it
        return None


def _about(model: SaliencyModel, samples: list[Sample], mirrored: bool) -> dict[str, Any]:
    """What `kerasal data cache` tells of an entry."""
    rows, columns = model.input_size
    return {
        "network": model.name,
        "input_size": f"{rows}x{columns}",
        "stimuli": len(samples),
        "mirrored": mirrored,
        "first": samples[0].name,
        "last": samples[-1].name,
        "kerasal": kerasal.__version__,
    }


def _array_file(file: Path, shape: tuple[int, ...]) -> np.memmap:
    """A .npy file to fill. Its space is taken now: a full disk found later would end the process."""
    array = np.lib.format.open_memmap(file, "w+", "float16", shape)
    if hasattr(os, "posix_fallocate"):
        with open(file, "r+b") as stream:
            os.posix_fallocate(stream.fileno(), 0, array.offset + array.nbytes)
    return array


def _compute(model, samples, mirrored, arrays, progress) -> np.ndarray:
    """Fill the arrays, one for each layer; returns the features' checksums, (layers, N) uint32."""
    sums = np.zeros((len(arrays), len(arrays[0])), "uint32")
    stimulus = tf.TensorSpec((None, *model.input_size, 3), "float32")
    backbone = tf.function(lambda stimuli: model.backbone(stimuli, training=False), [stimulus])
    half = np.finfo("float16").max
    size = model.inference_batch
    resize = pad_image if model.padded else resize_stimulus
    # The next batch is read while the backbone works.
    stimuli = on_all_cores(lambda sample: resize(sample.read_stimulus(), model.input_size), samples, size)
    for start in progress(range(0, len(samples), size), f"features of {len(samples)} stimuli"):
        part = tf.stack(list(islice(stimuli, size)))
        passes = [(start, part)]
        if mirrored:
            passes.append((len(samples) + start, tf.reverse(part, [2])))
        for place, batch in passes:
            features = tf.nest.flatten(backbone(tf.cast(batch, "float32")))
            for array, checksums, feature in zip(arrays, sums, features, strict=True):
                values = np.clip(tf.cast(feature, "float32").numpy(), -half, half).astype("float16")
                array[place : place + len(part)] = values
                checksums[place : place + len(part)] = [zlib.crc32(value) for value in values]
    return sums


def _key(model: SaliencyModel, samples: list[Sample]) -> str:
    digest = hashlib.sha256(
        json.dumps(
            [
                model.name,
                model.input_size,
                "padded" if model.padded else RESIZE,
                model.backbone.output_names,
                _plain_options(model.backbone),
            ]
        ).encode()
    )
    if (precision := precision_of(model.backbone)) != "float32":
        digest.update(precision.encode())
    for weight in model.backbone.weights:
        digest.update(np.ascontiguousarray(weight.numpy()).tobytes())
    for sample in samples:
        digest.update(stimulus_bytes(sample))
    return digest.hexdigest()[:32]


def _plain_options(model: keras.Model) -> list[dict[str, Any]]:
    """The numbers and words that each layer was made with: weights do not tell a stride or a scale.

    Without names, some of which Keras counts up, and without types, which the precision stands for.
    """
    options = []
    for layer in model.layers:
        if isinstance(layer, keras.Model):
            options += _plain_options(layer)
            continue
        config = layer.get_config().items()
        options.append(
            {
                key: value
                for key, value in config
                if key not in ("name", "dtype", "trainable")
                and all(isinstance(part, str | int | float | None) for part in keras.tree.flatten(value))
            }
        )
    return options
