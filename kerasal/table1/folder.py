"""A comparison's folder: what is scored, so that nothing is scored twice.

config.json           data, split, metrics, the stimuli shown, versions (schema 1)
systems/NAME.csv      the scores of a system, image by image
systems/NAME/*.png    its maps of the stimuli that a report has shown
systems/NAME.json     what it is; written last, so where it is the system is finished
results.json, .csv, .md, .tex, report.html
"""

import hashlib
import re
from typing import Any

import numpy as np
from PIL import Image

from kerasal.data.images import read_map, write_picture
from kerasal.data.sample import same_data
from kerasal.evaluation import Scores
from kerasal.reports import ResultsFolder, resized
from kerasal.visualize import grey

MAP_WIDTH = 320  # pixels of a stored map


class Table1Folder(ResultsFolder):
    """The files of one comparison."""

    kind, mark, schema = "comparison", "stimuli", 1

    def differences(self, before: dict[str, Any], now: dict[str, Any]) -> list[str]:
        pairs = {key: (before[key], now[key]) for key in ("split", "metrics")}
        changed = [f"{key} {was} there, {is_} now" for key, (was, is_) in pairs.items() if was != is_]
        return changed + ["other data"] * (not same_data(before["data"], now["data"]))

    def systems(self) -> list[dict[str, Any]]:
        """The facts of each system that is scored."""
        return [
            self.read_json(str(path.relative_to(self.path)))
            for path in sorted((self.path / "systems").glob("*.json"))
        ]

    def has(self, facts: dict[str, Any]) -> bool:
        """Whether this system, and no other one of its name, is scored."""
        stored = self.read_json(f"systems/{stem(facts['name'])}.json")
        return stored is not None and stored["identity"] == facts["identity"]

    def scores(self, name: str) -> Scores:
        """The scores of a system that is there."""
        return self.read_scores(f"systems/{stem(name)}.csv")

    def map(self, name: str, stimulus: str) -> np.ndarray | None:
        """Its map of a stimulus, (rows, 320), in [0, 1]; None where it is not kept."""
        file = self.path / _map_file(name, stimulus)
        return read_map(file) / 255 if file.is_file() else None

    def write_map(self, name: str, stimulus: str, saliency_map: np.ndarray) -> None:
        small = resized(saliency_map.astype("float32"), MAP_WIDTH)
        write_picture(self.make(_map_file(name, stimulus)), Image.fromarray(grey(small)))

    def write_system(self, facts: dict[str, Any], scores: Scores) -> None:
        """Write a finished system: its scores, and then what says that it is finished."""
        name = stem(facts["name"])
        self.write_scores(f"systems/{name}.csv", scores)
        self.write_json(f"systems/{name}.json", facts)

    def forget(self, name: str) -> None:
        """Take away what is kept of a system that is about to be scored."""
        (self.path / f"systems/{stem(name)}.json").unlink(missing_ok=True)
        for file in (self.path / f"systems/{stem(name)}").glob("*.png"):
            file.unlink()


def stem(name: str) -> str:
    """A system's name as a file's: itself where it can be, otherwise with a hash that tells it apart."""
    plain = re.sub(r"[^\w+.-]+", "-", name).strip("-.")
    return plain if plain == name else f"{plain}-{hashlib.sha256(name.encode()).hexdigest()[:6]}"


def _map_file(name: str, stimulus: str) -> str:
    return f"systems/{stem(name)}/{stem(stimulus)}.png"
