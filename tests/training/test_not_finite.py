"""NaN and infinity put into a training, wherever and whenever, are noticed in their epoch and never kept."""

import itertools

import h5py
import keras
import numpy as np
import pytest
from conftest import write_photo_folder

from kerasal import data, models, training
from kerasal.errors import InputError
from kerasal.models.weights_file import load_keras3, write_weights
from kerasal.training import Diverged

pytestmark = pytest.mark.usefixtures("tiny_network")

EPOCHS, SIZE = 3, (32, 48)
PLACES = ("backbone", "first", "last")  # the convolutions of the tiny network
VALUES = (float("nan"), float("inf"), -float("inf"))
CASES = list(
    itertools.product(
        PLACES, range(EPOCHS), VALUES, ("float32", "bfloat16", "float16"), ("mse", "kld", "kld+cc+nss")
    )
)
# One of each place, epoch, value, precision and loss, with a run folder and without.
FEW = [
    ("backbone", 2, VALUES[0], "float32", "mse", True),
    ("first", 1, VALUES[1], "bfloat16", "kld+cc+nss", True),
    ("last", 0, VALUES[2], "float16", "kld", False),
]


@pytest.fixture(scope="module")
def photos(tmp_path_factory):
    return data.load(str(write_photo_folder(tmp_path_factory.mktemp("data") / "photos")))


class Poison(keras.callbacks.Callback):
    """Puts a value into a weight before the last step of an epoch."""

    def __init__(self, variable: keras.Variable, epoch: int, value: float):
        super().__init__()
        self.variable, self.epoch, self.value, self.now = variable, epoch, value, -1

    def on_epoch_begin(self, epoch, logs=None):
        self.now = epoch

    def on_train_batch_begin(self, batch, logs=None):
        if self.now == self.epoch and batch == 2:  # of 0, 1, 2
            array = np.array(self.variable)
            array.flat[0] = self.value
            self.variable.assign(array)


def network(precision="float32"):
    with training.computing_in(precision):
        return models.build("tiny", input_size=SIZE, activation="sigmoid", dropout=0.0, initial_density=0.1)


def kernels(model) -> dict[str, keras.Variable]:
    layers = [layer for part in (model.backbone, model.head) for layer in part.layers]
    found = [layer.kernel for layer in layers if isinstance(layer, keras.layers.Conv2D)]
    return dict(zip(PLACES, found, strict=True))


def check(photos, folder, place, epoch, value, precision, loss):
    model = network(precision)
    poison = Poison(kernels(model)[place], epoch, value)
    with pytest.raises(Diverged, match=rf"not finite (after|at) step 3 of epoch {epoch + 1}\b"):
        training.fit(
            model,
            photos,
            loss,
            run=folder,
            callbacks=[poison],
            epochs=EPOCHS,
            batch_size=2,
            report=lambda _: None,
            verbose=0,
        )
    assert poison.now == epoch
    if folder is None:
        return
    for path in folder.glob("*.weights.h5"):
        assert_finite(path)
    assert (folder / "best.weights.h5").is_file() == (epoch > 0)
    saved = list(folder.glob("checkpoints/*.npz"))
    assert saved or epoch == 0
    for path in saved:
        with np.load(path) as arrays:
            kept = [arrays[name] for name in arrays if name.startswith(("weights", "best"))]
        assert kept
        assert all(np.isfinite(array).all() for array in kept)


def assert_finite(path):
    def look(name, item):
        if isinstance(item, h5py.Dataset):
            assert np.isfinite(item[()]).all(), (path, name)

    with h5py.File(path) as file:
        file.visititems(look)


@pytest.mark.parametrize(("place", "epoch", "value", "precision", "loss", "kept"), FEW)
def test_what_is_not_finite_ends_training_in_its_epoch(
    photos, tmp_path, place, epoch, value, precision, loss, kept
):
    check(photos, tmp_path / "run" if kept else None, place, epoch, value, precision, loss)


@pytest.mark.slow
@pytest.mark.parametrize("kept", [False, True])
@pytest.mark.parametrize(("place", "epoch", "value", "precision", "loss"), CASES)
def test_wherever_it_is_put(photos, tmp_path, kept, place, epoch, value, precision, loss):
    check(photos, tmp_path / "run" if kept else None, place, epoch, value, precision, loss)


def test_a_layer_that_a_relu_hides_is_named(photos, tmp_path):
    model = network()
    dead = kernels(model)["backbone"]

    class HidesIt(keras.callbacks.Callback):
        def on_train_begin(self, logs=None):
            # What a relu makes of NaN: nothing of it reaches the map.
            model.head.trainable = False

        def on_train_batch_end(self, batch, logs=None):
            array = np.array(dead)
            array[..., 0] = np.nan
            dead.assign(array)

    features = training.open_features(model, photos, flip=True)
    with pytest.raises(Diverged, match=rf"the weights {dead.path} are not finite after step 3 of epoch 1"):
        training.fit(
            model,
            photos,
            "mse",
            run=tmp_path / "run",
            features=features,  # of before, so the map and the loss are as good as ever
            callbacks=[HidesIt()],
            epochs=EPOCHS,
            batch_size=2,
            report=lambda _: None,
            verbose=0,
        )
    assert not (tmp_path / "run").exists()  # nothing to go on from


@pytest.mark.parametrize("value", VALUES)
def test_weights_that_are_not_finite_are_neither_written_nor_loaded(tmp_path, value):
    model, path = network(), tmp_path / "best.weights.h5"
    write_weights(model, path)
    before = path.read_bytes()
    kernel = kernels(model)["last"]
    array = np.array(kernel)
    array.flat[-1] = value
    kernel.assign(array)
    with pytest.raises(InputError, match=f"not written: {kernel.path} has values that are not finite"):
        write_weights(model, path)
    assert path.read_bytes() == before
    model.save_weights(path)
    with pytest.raises(InputError, match=rf"cannot load {path}: conv2d_\d+/kernel is missing, or has"):
        load_keras3(network(), path)


def test_a_run_whose_weights_are_not_finite_is_refused(photos, tmp_path):
    run = training.train(
        photos,
        training.options(
            model="tiny", input_size=SIZE, activation="sigmoid", loss="mse", epochs=1, batch_size=2
        ),
        tmp_path / "run",
        report=lambda _: None,
        verbose=0,
    )
    run.load_model()
    with h5py.File(run.best_weights, "a") as file:
        found = []
        file.visititems(lambda _, item: found.append(item) if isinstance(item, h5py.Dataset) else None)
        kernel = next(item for item in found if item.ndim == 4)
        kernel[0, 0, 0, 0] = np.nan
    with pytest.raises(InputError, match=r"best\.weights\.h5: .* not finite"):
        run.load_model()
