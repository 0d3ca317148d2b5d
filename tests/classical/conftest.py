"""Images that the tests of the classical models share."""

from pathlib import Path

import numpy as np
import pytest


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
    with np.load(Path(__file__).with_name("toolbox_steps.npz")) as arrays:
        return dict(arrays)


@pytest.fixture(scope="session")
def golden(shared) -> dict[str, np.ndarray]:
    """The toolbox's maps of six stimuli, and all its steps for 1001."""
    with np.load(shared / "golden" / "classical.npz") as arrays:
        return dict(arrays)


@pytest.fixture(scope="session")
def golden_image(shared):
    from kerasal.data import read_image

    return lambda number: read_image(shared / "data" / "osie" / "stimuli" / f"{number}.jpg")
