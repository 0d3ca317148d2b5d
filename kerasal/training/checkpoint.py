"""Checkpoints: all that a training needs to go on as if it had never stopped.

A checkpoint is one .npz file. Its arrays: the weights, with the dropouts' random state; the optimizer's
variables, averages included; the metrics' sums within the epoch; the best weights yet. Its `state`: a
`TrainingState`. The archive keeps a CRC-32 of each, which reading checks: a damaged file is noticed.
Keras's own BackupAndRestore keeps neither the random state nor the metrics' sums, and notices no damage.
"""

import json
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path

import keras
import numpy as np

from kerasal._files import make_folder, write_atomically
from kerasal.errors import InputError

KEPT = 2  # the newest, and the one before in case it is damaged


@dataclass
class TrainingState:
    """How far a training has come, in plain values."""

    epoch: int = 0  # the epoch that is next or under way, from 0 ...
    step: int = 0  # ... and the steps of it that are done
    steps: int = 0  # done since the beginning
    history: list[dict[str, float]] = field(default_factory=list)  # one dictionary an epoch that ended
    best: float = float("inf")  # the lowest validation loss
    waited: int = 0  # epochs since it was the lowest
    loss_scale: float = 0.0  # the largest loss of the first steps, for StopOnDivergence
    finished: bool = False
    planned: int = 0  # how many epochs a finished training was to have; 0: of one from before this was kept


class Checkpoints:
    """The checkpoints of one run: checkpoints/0000123.npz is the state after 123 steps."""

    def __init__(self, folder: Path):
        self.folder = folder

    def save(self, state: TrainingState, arrays: dict[str, list[np.ndarray]]) -> Path:
        """Write a checkpoint, then remove those before the one before. InputError: it cannot be written."""
        named = {f"{group}/{i}": array for group, part in arrays.items() for i, array in enumerate(part)}
        text = np.frombuffer(json.dumps(asdict(state)).encode(), "uint8")
        make_folder(self.folder)
        path = write_atomically(
            self.folder / f"{state.steps:07}.npz",
            lambda file: np.savez(file, state=text, **named),
            suffix=".npz",  # which NumPy would add
            durable=True,
        )
        for old in self._newest_first()[1 if state.finished else KEPT :]:
            old.unlink(missing_ok=True)
        return path

    def newest(
        self, report: Callable[[str], None] = print
    ) -> tuple[TrainingState, dict[str, list[np.ndarray]]] | None:
        """The newest checkpoint that is whole, or None.

        Damaged ones are named to `report` and set aside, as NAME.damaged.
        """
        for path in self._newest_first():
            try:
                return _read(path)
            except Exception as error:  # what a damaged archive raises depends on where it is damaged
                report(f"{path} is damaged ({' '.join(str(error).split())}): going on from the one before")
                path.replace(path.with_name(f"{path.name}.damaged"))
        return None

    def _newest_first(self) -> list[Path]:
        return sorted(self.folder.glob("[0-9]*.npz"), reverse=True)


def _read(path: Path) -> tuple[TrainingState, dict[str, list[np.ndarray]]]:
    with np.load(path, allow_pickle=False) as archive:
        arrays = {name: archive[name] for name in archive.files}
    state = TrainingState(**json.loads(arrays.pop("state").tobytes()))
    groups: dict[str, list[np.ndarray]] = {}
    for name in sorted(arrays, key=lambda name: int(name.split("/")[1])):
        groups.setdefault(name.split("/")[0], []).append(arrays[name])
    return state, groups


def values(variables: list[keras.Variable]) -> list[np.ndarray]:
    """The variables' values, copied."""
    return [np.array(keras.ops.convert_to_numpy(variable)) for variable in variables]


def assign(variables: list[keras.Variable], arrays: Sequence[np.ndarray]) -> None:
    """Give the variables the values that `values` took. InputError: they are those of another network."""
    if [tuple(variable.shape) for variable in variables] != [array.shape for array in arrays]:
        raise InputError("the checkpoint is one of another network or optimizer")
    for variable, array in zip(variables, arrays, strict=True):
        variable.assign(array)
