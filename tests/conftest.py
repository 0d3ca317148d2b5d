"""Fixtures for all tests, and a quiet TensorFlow."""

import contextlib
import dataclasses
import functools
import gc
import http.server
import os
import re
import signal
import threading
import time

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
if "PYTEST_XDIST_WORKER" in os.environ:
    # The processes of `pytest -n` have the cores already: threads of theirs would wait for each other.
    for variable in ("TF_NUM_INTRAOP_THREADS", "OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS"):
        os.environ.setdefault(variable, "1")

if signal.getsignal(signal.SIGINT) == signal.SIG_IGN:
    # A shell's background job ignores it, and all that such a job starts: tests interrupt what they start.
    signal.signal(signal.SIGINT, signal.default_int_handler)

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

gc.disable()  # until all tests are imported, see `pytest_collection_finish`

SHARED = Path(__file__).parents[2] / "shared"


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config, log):
    """The tests of a file in one process of `pytest -n`, so that what they share is made once."""
    from xdist.scheduler import LoadFileScheduling

    config.option.loadscopereorder = False  # files with few tests are no faster: not at the end, one alone
    return LoadFileScheduling(config, log)


def pytest_collection_modifyitems(items):
    """Files that train come first, so that `pytest -n` has no long one left at the end, alone."""
    items.sort(key=lambda item: item.path.parent.name not in ("training", "quest", "cli"))


def pytest_collection_finish():
    """Python looks for garbage from here on, and not in what was imported, of which all stays."""
    gc.freeze()
    gc.enable()


@pytest.fixture(scope="session")
def shared() -> Path:
    """Data that is too large to ship: eye tracking, golden metric values, ImageNet weights."""
    if not SHARED.is_dir():
        pytest.skip(f"needs the data folder {SHARED}, which is not here")
    return SHARED


@pytest.fixture(autouse=True, scope="session")
def no_bfloat16_hardware():
    """The same arithmetic on every machine, where a test does not ask for another."""
    from kerasal.training import precision

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(precision, "bfloat16_hardware", lambda: None)
        yield


@pytest.fixture(autouse=True, scope="session")
def scenes_are_drawn_once():
    """Tests load the synthetic dataset some eighty times: 320 scenes that are the same each time."""
    from kerasal.data import synthetic

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(synthetic, "_sample", functools.lru_cache(320)(synthetic._sample))
        yield


@contextlib.contextmanager
def loopback_server(handler):
    """A server on loopback whose requests go to an http.server handler class; gives its address."""
    httpd = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
    thread = threading.Thread(target=httpd.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield f"http://127.0.0.1:{httpd.server_port}"
    finally:
        httpd.shutdown()
        httpd.server_close()
        thread.join()


@contextlib.contextmanager
def no_file_above(size: int):
    """Writes past `size` bytes of a file fail, after a short write as on a disk that fills."""
    import resource  # here, as Windows has none

    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    ignored = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
        signal.signal(signal.SIGXFSZ, ignored)


def high_water() -> int:
    """The most memory that this process has had since `forget_high_water`, in bytes."""
    status = Path("/proc/self/status").read_text()
    return 1024 * int(re.search(r"VmHWM:\s+(\d+) kB", status)[1])


def forget_high_water() -> None:
    Path("/proc/self/clear_refs").write_text("5")


needs_linux = pytest.mark.skipif(
    not Path("/proc/self/clear_refs").exists(), reason="only Linux tells a process its peak of memory"
)


def write_photo(path: Path, size: tuple[int, int], seed: int = 0, mode: str = "RGB") -> np.ndarray:
    """An image file of (rows, columns) with smooth random content; returns its RGB pixels."""
    random = np.random.default_rng(seed)
    small = random.integers(0, 256, (6, 8, 3), dtype=np.uint8)
    image = Image.fromarray(small).resize(size[::-1], Image.Resampling.BICUBIC).convert(mode)
    path.parent.mkdir(parents=True, exist_ok=True)
    image.save(path)
    return np.array(Image.open(path).convert("RGB"))


def add_tiny_network() -> None:
    """Add the model "tiny", with the baseline's options and a thousandth of its work."""
    import keras

    from kerasal import layers, models

    @keras.saving.register_keras_serializable(package="tests")  # as a .keras file needs it
    class Tiny(models.SaliencyModel):
        def __init__(
            self, input_size, activation, dropout, initial_density, feature_dropout=0, backbone_weights=None
        ):
            rows, columns = input_size
            stimulus = keras.Input((None, None, 3))
            preprocessed = layers.StimulusPreprocessing(input_size)(stimulus)
            features = keras.layers.Conv2D(4, 3, 2, padding="same", activation="relu")(
                keras.layers.Rescaling(1 / 128)(preprocessed)
            )
            backbone = keras.Model(stimulus, [features])
            backbone.trainable = False
            inputs = keras.Input((rows // 2, columns // 2, 4))
            x = keras.layers.Conv2D(8, 3, padding="same", activation="relu")(inputs)
            x = keras.layers.Dropout(dropout)(x)
            start = (
                initial_density if activation == "relu" else np.log(initial_density / (1 - initial_density))
            )
            x = keras.layers.Conv2D(1, 1, bias_initializer=keras.initializers.Constant(start))(x)
            x = keras.layers.Resizing(rows, columns)(x)
            head = keras.Model([inputs], keras.layers.Activation(activation)(x))
            super().__init__(backbone, head, input_size, name="tiny")
            self.activation, self.dropout, self.initial_density = activation, dropout, initial_density

        def get_config(self):
            names = ("input_size", "activation", "dropout", "initial_density")
            return {name: getattr(self, name) for name in names}

    models.NETWORKS["tiny"] = dataclasses.replace(models.NETWORKS["baseline"], name="tiny", network=Tiny)


@pytest.fixture(scope="session")
def tiny_network():
    """The model "tiny" is there: see `add_tiny_network`."""
    from kerasal import models

    add_tiny_network()
    yield
    del models.NETWORKS["tiny"]


class ReadAhead:
    """Samples of (30, 40) whose reading is watched: who read which, and `enough` once the first are read."""

    def __init__(self, count: int, ahead: int, damaged: tuple[int, ...] = ()):
        from kerasal.data import Sample

        self.ahead, self.damaged = ahead, damaged
        self.readers, self.enough = {}, threading.Event()
        self.samples = [
            Sample(f"s{number}", (30, 40), functools.partial(self.read, number), None, 1.0)
            for number in range(count)
        ]

    def read(self, number: int) -> np.ndarray:
        from kerasal.errors import InputError

        self.readers[number] = threading.current_thread()
        if set(range(self.ahead)) <= set(self.readers):
            self.enough.set()
        if number in self.damaged:
            time.sleep(0.2 / (1 + number))  # the later one is found first
            raise InputError(f"s{number} is damaged")
        return np.full((30, 40, 3), number, "uint8")


def without_fixations(dataset):
    """The same dataset with density maps alone."""
    samples = {
        split: [dataclasses.replace(sample, fixations=None, density_file=sample.density) for sample in some]
        for split, some in dataset.splits.items()
    }
    return dataclasses.replace(dataset, splits=samples)


def write_photo_folder(folder: Path) -> Path:
    """Write a dataset of nine photographs of two sizes, with three observers' fixations in CSV files."""
    (folder / "fixations").mkdir(parents=True)
    for number in range(9):
        rows, columns = ((60, 90), (80, 50))[number % 2]
        write_photo(folder / "images" / f"p{number}.jpg", (rows, columns), seed=number)
        random = np.random.default_rng(100 + number)
        lines = ["x,y,observer"]
        lines += [
            f"{random.uniform(0, columns):.2f},{random.uniform(0, rows):.2f},{observer}"
            for observer in range(3)
            for _ in range(5)
        ]
        (folder / "fixations" / f"p{number}.csv").write_text("\n".join(lines) + "\n")
    return folder


@pytest.fixture
def photo_folder(tmp_path) -> Path:
    """A dataset of its own for each test: see `write_photo_folder`."""
    return write_photo_folder(tmp_path / "photos")


@pytest.fixture(scope="session")
def striped_image() -> np.ndarray:
    """256x320, sawtooth ramps that differ by channel, with a red and a blue rectangle."""
    row, column = np.mgrid[:256, :320]
    image = np.stack([((row * (k + 1) + column * (3 - k)) % 256) // 2 + 40 for k in range(3)], axis=-1)
    image[90:130, 200:240] = (250, 30, 60)
    image[180:200, 60:110] = (20, 60, 240)
    assert image.sum() == 25_508_644
    return image.astype(np.uint8)


@pytest.fixture(scope="session")
def toolbox_steps() -> dict[str, np.ndarray]:
    """Steps of the GBVS toolbox on OSIE's stimulus 1001 (MIT licence), run in Octave 7.3, float32.

    The toolbox hands out its activation maps stretched to 0..1.
    """
    with np.load(Path(__file__).with_name("classical") / "toolbox_steps.npz") as arrays:
        return dict(arrays)


@pytest.fixture(scope="session")
def golden_maps(shared) -> dict[str, np.ndarray]:
    """The toolbox's maps of six stimuli, and all its steps for 1001."""
    with np.load(shared / "golden" / "classical.npz") as arrays:
        return dict(arrays)


@pytest.fixture(scope="session")
def golden_image(shared):
    from kerasal.data import read_image

    return lambda number: read_image(shared / "data" / "osie" / "stimuli" / f"{number}.jpg")
