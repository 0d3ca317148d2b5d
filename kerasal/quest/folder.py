"""A quest's folder: what is finished, so that nothing is done twice.

config.json               options, losses, seeds, test sets, data, versions (schema 1)
center_bias.npy           the mean density map of the training split, at the network's size
start/SEED.json           how a seed's common start learned, behind each activation; written last
start/SEED/ACTIVATION.npz its weights
rates/LOSS.json           the learning rate that a loss chose, and its trials
heads/SEED/LOSS.json      how a head learned; written last, so where it is the head is finished
heads/SEED/LOSS.npz       its weights
scores/SEED/DATA/LOSS.csv its scores, image by image
scores/center-bias/DATA.csv those of the training split's mean density, which losses have to beat
tuning.journal            Optuna's storage of a search for a combination, by whole batches of trials
tuning.json               what the search found
pending.json              values that are about to be written, where a process was killed in between
checksums.json            the CRC-32 of each of these
results.json, .csv, .md, .tex, report.html
best/                     a run folder of the best loss's network

Every file is written whole or not at all.
"""

from collections.abc import Callable
from typing import Any

import keras
import numpy as np

from kerasal.data.sample import same_data
from kerasal.errors import InputError, one_line
from kerasal.evaluation import Scores
from kerasal.quest.heads import build_head
from kerasal.quest.specs import called_as, in_order, slug
from kerasal.reports import ResultsFolder
from kerasal.training.checkpoint import assign


class QuestFolder(ResultsFolder):
    """The files of one quest. A later call may add losses, seeds and test sets."""

    kind, mark, schema = "quest", "losses", 1

    def differences(self, before: dict[str, Any], now: dict[str, Any]) -> list[str]:
        was, is_ = (
            {
                **{key: value for key, value in config["options"].items() if key != "training"},
                "samples of each set in an epoch": [n for _, n in config["data"].get("draws") or ()] or None,
                **config["options"]["training"],
                "precision": config["precision"],  # what the one that was asked for came to
            }
            for config in (before, now)
        )
        changed = [
            f"{name} {was.get(name)} there, {value} now"
            for name, value in is_.items()
            if was.get(name) != value
        ]
        if not same_data(before["data"], now["data"]):
            return [*changed, "other data"]  # and with them their test split
        known = {test["name"]: test["fingerprint"] for test in before["tests"]}
        return changed + [
            f"other images of the name {test['name']}"
            for test in now["tests"]
            if known.get(test["name"]) not in (None, test["fingerprint"])
        ]

    def merged(self, before: dict[str, Any], now: dict[str, Any]) -> dict[str, Any]:
        losses = [*before["losses"], *called_as(before["losses"], now["losses"])]
        tests = {test["name"]: test for test in (*before["tests"], *now["tests"])}  # as it is described now
        return {
            **now,
            "losses": in_order(losses),
            "seeds": sorted({*before["seeds"], *now["seeds"]}),
            "tests": list(tests.values()),
        }

    def rate(self, spec: str) -> dict[str, Any] | None:
        """The learning rate of a loss and its trials; None where none is chosen yet."""
        return self.read_json(f"rates/{slug(spec)}.json")

    def write_rates(self, found: dict[str, dict[str, Any]]) -> None:
        """Write what losses that searched side by side have chosen: all of them or none."""
        self._write_together({f"rates/{slug(spec)}.json": values for spec, values in found.items()})

    def start(self, seed: int) -> dict[str, list[np.ndarray]] | None:
        """The weights of a seed's common start by activation; None where it is not finished."""
        records = self.read_json(f"start/{seed}.json")
        return records and {
            activation: self._weights(f"start/{seed}/{activation}.npz", f"start/{seed}.json")
            for activation in records
        }

    def write_start(self, seed: int, found: dict[str, tuple[dict[str, Any], list[np.ndarray]]]) -> None:
        """Write a seed's start: activation -> (how it learned, its weights)."""
        for activation, (_, weights) in found.items():
            self._write_weights(f"start/{seed}/{activation}.npz", weights)
        self.write_json(
            f"start/{seed}.json", {activation: record for activation, (record, _) in found.items()}
        )

    def head(self, seed: int, spec: str) -> dict[str, Any] | None:
        """How a head learned; None where it is not finished."""
        return self.read_json(f"heads/{seed}/{slug(spec)}.json")

    def write_heads(self, seed: int, found: dict[str, tuple[dict[str, Any], list[np.ndarray]]]) -> None:
        """Write heads that learned side by side, spec -> (how it learned, its weights): all or none.

        Were a few of them left for another process, they would learn in a smaller step, whose sums may
        differ in their last digits.
        """
        for spec, (_, weights) in found.items():
            self._write_weights(f"heads/{seed}/{slug(spec)}.npz", weights)
        records = {f"heads/{seed}/{slug(spec)}.json": record for spec, (record, _) in found.items()}
        self._write_together(records)

    def weights(self, seed: int, spec: str) -> list[np.ndarray]:
        """The trainable weights of a finished head. InputError: a damaged file."""
        name = f"heads/{seed}/{slug(spec)}"
        return self._weights(f"{name}.npz", f"{name}.json")

    def begin(self, config: dict[str, Any], report: Callable[[str], None]) -> dict[str, Any]:
        config = super().begin(config, report)
        if pending := self.read_json("pending.json"):
            self._write_together(pending)
        return config

    def _write_together(self, values):
        self.write_json("pending.json", values)
        for name, value in values.items():
            self.write_json(name, value)
        (self.path / "pending.json").unlink()

    def _write_weights(self, name, weights):
        self.write(name, lambda path: np.savez(path, *weights), suffix=".npz")

    def _weights(self, name, record):
        """The weights of a file; `record` tells that they are there, and goes with them."""
        file, hint = self.path / name, f": remove it and {self.path / record}, and they are made anew"
        self.check(name, hint)
        try:
            with np.load(file) as arrays:
                return [arrays[f"arr_{index}"] for index in range(len(arrays))]
        except Exception as error:  # a damaged zip raises a dozen types
            raise InputError(f"cannot read {file} ({one_line(error)}){hint}") from None

    def scores(self, seed: int, data: str, spec: str) -> Scores | None:
        """The scores of a head on a test set; None where they are not there."""
        return self.read_scores(f"scores/{seed}/{data}/{slug(spec)}.csv")

    def write_head_scores(self, seed: int, data: str, spec: str, scores: Scores) -> None:
        self.write_scores(f"scores/{seed}/{data}/{slug(spec)}.csv", scores)


def restored_head(
    config: dict[str, Any], seed: int, record: dict[str, Any], weights: list[np.ndarray]
) -> keras.Model:
    """A head of a quest as it was when it had finished."""
    options = {**config["model_options"], "activation": record["activation"]}
    head = build_head(config["options"]["training"]["model"], options, seed, config["precision"])
    assign(head.trainable_variables, weights)
    return head
