"""What a user of `import kerasal` sees: names, signatures, reprs, types."""

import importlib
import inspect
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from setuptools import Distribution

import kerasal
from kerasal import losses, models

ROOT = Path(__file__).parents[1]
ROOMS = ["data", "evaluation", "layers", "losses", "metrics", "models", "training"]


def public(room):
    """The public names of a room, and what they stand for."""
    module = importlib.import_module(f"kerasal.{room}")
    return {name: getattr(module, name) for name in module.__all__}


def test_every_public_name_is_there_after_the_import_and_dir_shows_no_other():
    for name in kerasal.__all__:
        if inspect.ismodule(found := getattr(kerasal, name)):
            assert found is sys.modules[f"kerasal.{name}"]
    assert dir(kerasal) == sorted([*kerasal.__all__, "__version__"])


@pytest.mark.parametrize("room", ROOMS)
def test_dir_of_a_room_shows_its_public_names_and_no_other(room):
    assert dir(importlib.import_module(f"kerasal.{room}")) == sorted(public(room))


@pytest.mark.ci
@pytest.mark.parametrize("without_keras", ["", "1"])
def test_rooms_are_imported_when_they_are_used_and_not_before(without_keras):
    program = (
        "import gc, sys, kerasal\n"
        "assert gc.isenabled()\n"
        "late = ('kerasal.data', 'kerasal.evaluation', 'kerasal.training', 'kerasal.prediction')\n"
        "assert not set(late) & set(sys.modules)\n"
        "dir(kerasal)\n"
        "assert not set(late) & set(sys.modules)\n"
        "kerasal.data.load, kerasal.evaluation.evaluate\n"
        "assert ('keras' in sys.modules) == (not sys.argv[1])\n"
        "assert 'kerasal.training' not in sys.modules\n"
        "assert sys.argv[1] or kerasal.training.options().loss\n"
        "try:\n"
        "    kerasal.trainig\n"
        "except AttributeError as error:\n"
        "    assert 'trainig' in str(error)\n"
        "assert kerasal.weights.REGISTRY['vgg16.imagenet'].path.is_file()\n"
    )
    environment = {**os.environ, "KERASAL_WITHOUT_KERAS": without_keras}
    # In the checkout, from which the package is imported there.
    subprocess.run([sys.executable, "-c", program, without_keras], cwd=ROOT, check=True, env=environment)


def test_py_typed_goes_into_the_wheel():
    package = Distribution({"name": "kerasal", "package_dir": {"kerasal": str(ROOT / "kerasal")}})
    package.parse_config_files([ROOT / "setup.cfg"])
    package.packages = ["kerasal"]
    command = package.get_command_obj("build_py")
    command.ensure_finalized()
    ((_, folder, _, files),) = command.data_files
    assert "py.typed" in [Path(file).name for file in files]
    assert (Path(folder) / "py.typed").is_file()


@pytest.mark.parametrize("name", losses.LOSSES)
def test_the_repr_of_a_loss_is_the_call_that_makes_it(name):
    loss = losses.get(name)
    if isinstance(loss, losses.LinearCombination):
        terms = " + ".join(f"{coefficient:g}*{term!r}" for coefficient, _, term in loss.terms)
        assert repr(loss) == f"{type(loss).__name__}({terms})"
    else:
        again = eval(repr(loss), dict(vars(losses)))
        assert (type(again), again.get_config()) == (type(loss), loss.get_config())


def test_the_repr_of_a_loss_tells_what_is_not_the_usual():
    assert repr(losses.SigmoidMSE(0.25, k=3)) == "SigmoidMSE(lam=0.25, k=3.0)"
    assert repr(losses.CC(name="mine", reduction=None)) == "CC(name='mine', reduction=None)"
    assert repr(losses.CenterBias(np.ones((3, 4)))) == "CenterBias(center_bias=<array of (3, 4)>, alpha=0.1)"
    assert repr(losses.get("2*kld+nss")) == "LinearCombination(2*KLD(reverse=False) + 1*NSS())"


def test_the_repr_of_a_network_tells_its_options():
    network = models.SAMVGG((32, 40), filters=2, backbone_filters=1, gaussians=3, backbone_weights="random")
    assert repr(network) == (
        "SAMVGG(input_size=(32, 40), fidelity='original', filters=2, backbone_filters=1, gaussians=3, "
        "steps=4, initial_density=0.0, name='sam-vgg')"
    )


def test_the_repr_of_a_network_tells_the_options_that_it_hands_on():
    told = repr(models.Light((64, 96), activation="sigmoid", backbone_weights="random", name="mine"))
    assert told.startswith("Light(input_size=(64, 96), activation='sigmoid', ")
    assert told.endswith("name='mine')")


@pytest.mark.usefixtures("tiny_network")
def test_a_network_without_a_configuration_has_a_repr():
    class Plain(models.NETWORKS["tiny"].network):
        get_config = models.SaliencyModel.get_config

    network = Plain((8, 8), activation="relu", dropout=0.0, initial_density=0.1)
    assert repr(network) == "Plain()"


@pytest.mark.parametrize("room", ROOMS)
def test_signatures_can_be_read(room):
    for name, thing in public(room).items():
        is_exception = inspect.isclass(thing) and issubclass(thing, BaseException)
        if not callable(thing) or is_exception or getattr(thing, "_is_protocol", False):
            continue
        signature = inspect.signature(thing)
        assert "args" not in signature.parameters, name
        assert "numpy._typing" not in str(signature), name
