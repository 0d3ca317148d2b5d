"""Prepared datasets: decoded once, shrunk to what training needs, as sharded TFRecords that it reads fast.

    prepared.json                   what the dataset is, and each sample's facts and place in a shard
    train-00000-of-00002.tfrecord   records, see `kerasal.data.records`
    center_bias.npy                 the mean density map of the training split

Stimuli of the training and validation splits are shrunk, in their own proportions, until the smaller ratio to
the chosen size is 1, so that training at this size loses nothing; fixations, sigma and given maps with them.
The test split keeps its files, so that its scores are those of the dataset itself.
"""

import json
import zlib
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from kerasal._files import check_space, new_folder, write_array
from kerasal._json import crc32_of, read_json
from kerasal._progress import Progress
from kerasal._threads import on_all_cores
from kerasal.data.records import FOOTER, HEADER, Observers, Record, example
from kerasal.data.sample import SPLITS, Dataset, Sample
from kerasal.errors import InputError

SCHEMA = 1
INDEX = "prepared.json"
CHECKSUM = "crc32"  # of the rest of the index
CENTER_BIAS = "center_bias.npy"
BIAS_SIZE = (300, 400)  # of the mean density, where the stimuli keep their own sizes


def is_prepared(folder: Path) -> bool:
    """Whether `prepare` wrote this folder."""
    return (folder / INDEX).is_file()


def prepare(
    dataset: Dataset,
    folder: Path | str,
    *,
    size: tuple[int, int] | None = (300, 400),
    per_shard: int = 256,
    progress: Progress = lambda items, _: items,
    finish: Callable[[Path], object] = lambda folder: None,
) -> Dataset:
    """Write a dataset as TFRecords; returns it as `load` reads it back.

    Two samples a core are in memory at a time.

    Args:
        folder: to be made; it appears when all is written.
        size: (rows, columns) that training will use; None keeps the stimuli's own sizes.
        per_shard: samples a file.
        progress: shows how far it is.
        finish: adds files of its own to the folder, before that appears.

    InputError: the folder is there already, a full disk, a file that cannot be read; a mixture.
    """
    if len(dataset.sets) > 1:
        raise InputError("prepare each dataset by itself, and mix what is written: prepared/a+prepared/b")
    import tensorflow as tf  # here, as reading a dataset's facts does without it

    folder = Path(folder).absolute()
    check_space(folder.parent, _bytes(dataset, size), f"preparing {dataset.name}")
    bias = np.zeros(size or BIAS_SIZE, "float32")
    with new_folder(folder) as made:
        splits: dict[str, list[dict[str, Any]]] = {split: [] for split in SPLITS}
        for split, samples in dataset.splits.items():
            shards = -(-len(samples) // per_shard)
            for shard in range(shards):
                part = samples[shard * per_shard : (shard + 1) * per_shard]
                name = f"{split}-{shard:05}-of-{shards:05}.tfrecord"
                place = 0
                with tf.io.TFRecordWriter(str(made / name)) as writer:
                    reading = progress(part, f"{split} {shard + 1} of {shards}")
                    for small, raw, data, density in on_all_cores(partial(_record, split, size), reading):
                        writer.write(data)
                        splits[split].append(_entry(small, raw, name, place + HEADER, data))
                        place += HEADER + len(data) + FOOTER
                        if density is not None:
                            bias += density
        if splits["train"]:
            write_array(made / CENTER_BIAS, (bias / len(splits["train"])).astype("float32"))
        index = {
            "schema": SCHEMA,
            "name": dataset.name,
            "description": dataset.description
            + (f", prepared at {size[0]}x{size[1]}" if size else ", prepared"),
            "licence": dataset.licence,
            "notes": dataset.notes,
            "size": size,
            "splits": splits,
            "left_out": list(dataset.left_out),
        }
        (made / INDEX).write_text(json.dumps({**index, CHECKSUM: crc32_of(index)}), encoding="utf-8")
        finish(made)
    return load(folder)


def load(folder: Path) -> Dataset:
    """What `prepare` wrote. InputError: damaged or incomplete."""
    try:
        index = read_json(folder / INDEX, hint=": prepare the dataset again")
        if index["schema"] != SCHEMA:
            raise InputError(f"{folder} was prepared by another version of kerasal: prepare it again")
        if index.pop(CHECKSUM, None) not in (None, crc32_of(index)):  # None: prepared before there was one
            raise ValueError("another checksum")
        splits = {split: [_sample(folder, entry) for entry in index["splits"][split]] for split in SPLITS}
        about = (index[key] for key in ("description", "licence", "notes"))
        dataset = Dataset(index["name"], splits, *about, left_out=tuple(index.get("left_out", ())))
        ends: dict[Path, int] = {}
        for record in (sample.stimulus for sample in dataset.samples):
            ends[record.path] = max(ends.get(record.path, 0), record.start + record.length + FOOTER)
    except InputError:
        raise
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise InputError(f"{folder / INDEX} is damaged ({error}): prepare the dataset again") from None
    for path, end in ends.items():
        if not path.is_file() or path.stat().st_size != end:
            raise InputError(f"{path} is missing or was cut off: prepare the dataset again")
    return dataset


def shrunk(size: tuple[int, int], target: tuple[int, int] | None) -> tuple[int, int]:
    """`size` in its own proportions, as small as it can be without a side below `target`'s; never larger."""
    if target is None:
        return size
    scale = min(1.0, max(target[0] / size[0], target[1] / size[1]))
    return max(1, round(size[0] * scale)), max(1, round(size[1] * scale))


def _record(
    split: str, size: tuple[int, int] | None, sample: Sample
) -> tuple[Sample, bool, bytes, np.ndarray | None]:
    """The sample as it is stored, whether as pixels, its record, and in training its share of the bias."""
    small, stimulus, raw = _stored(sample, size, whole=split == "test")
    density = None if sample.density_file is None else small.density()
    data = example(small, stimulus, raw, density)
    return small, raw, data, small.density(size or BIAS_SIZE) if split == "train" else None


def _stored(sample: Sample, target: tuple[int, int] | None, whole: bool) -> tuple[Sample, bytes, bool]:
    """The sample as it is stored, the bytes of its stimulus, and whether they are pixels."""
    from kerasal.data.reading import resize_stimulus

    if whole and isinstance(sample.stimulus, Path):
        return sample, sample.stimulus.read_bytes(), False
    pixels = sample.read_stimulus()
    size = sample.size if whole else shrunk(sample.size, target)
    if size == sample.size:
        return sample, pixels.tobytes(), True
    scale = np.array([size[1] / sample.size[1], size[0] / sample.size[0]])
    limit = np.nextafter(size[::-1], 0)  # the last float inside: rounding must not push a fixation out
    small = Sample(
        sample.name,
        size,
        lambda: pixels,
        None if sample.fixations is None else tuple(np.minimum(xy * scale, limit) for xy in sample.fixations),
        float(sample.sigma * np.sqrt(scale.prod())),
        density_file=None if sample.density_file is None else lambda: sample.density(size),
        observers=sample.observers,
        pixels_per_degree=sample.pixels_per_degree
        and float(sample.pixels_per_degree * np.sqrt(scale.prod())),
        pooled=sample.pooled,
        shrunk=True,
    )
    resized = resize_stimulus(pixels, size).numpy()
    return small, np.clip(np.rint(resized), 0, 255).astype("uint8").tobytes(), True


def _entry(sample: Sample, raw: bool, shard: str, start: int, data: bytes) -> dict[str, Any]:
    return {
        "name": sample.name,
        "size": sample.size,
        "sigma": sample.sigma,
        "pixels_per_degree": sample.pixels_per_degree,
        "observers": sample.observers,
        "count": None if sample.fixations is None else len(sample.fixations),
        "pooled": sample.pooled,
        "shrunk": sample.shrunk,
        "density": sample.density_file is not None,
        "raw": raw,
        "shard": shard,
        "start": start,
        "length": len(data),
        "crc32": zlib.crc32(data),
    }


def _sample(folder: Path, entry: dict[str, Any]) -> Sample:
    if Path(entry["shard"]).name != entry["shard"]:
        raise ValueError(f"a shard outside the folder: {entry['shard']}")
    record = Record(
        folder / entry["shard"], entry["start"], entry["length"], entry["raw"], entry.get("crc32")
    )
    return Sample(
        entry["name"],
        tuple(entry["size"]),
        record,
        None if entry["count"] is None else Observers(record, entry["count"]),
        entry["sigma"],
        density_file=record.density if entry["density"] else None,
        observers=None if entry["observers"] is None else tuple(entry["observers"]),
        pixels_per_degree=entry["pixels_per_degree"],
        pooled=entry["pooled"],
        shrunk=entry.get("shrunk", False),
    )


def _bytes(dataset: Dataset, size: tuple[int, int] | None) -> int:
    """About how much the records take: pixels, given maps, and the test split's files."""
    total = 0
    for split, samples in dataset.splits.items():
        for sample in samples:
            if split == "test" and isinstance(sample.stimulus, Path):
                total += sample.stimulus.stat().st_size
            else:
                rows, columns = shrunk(sample.size, None if split == "test" else size)
                total += rows * columns * (3 if sample.density_file is None else 7)
    return int(total * 1.02) + 1_000_000
