import json
import re
from pathlib import Path

import numpy as np
from conftest import write_photo

from kerasal.prediction import NAMED, Source

PAGE = (Path(__file__).parents[2] / "docs/predict.md").read_text()


class Brightness:
    def saliency_maps(self, stimuli):
        return [stimulus.mean(axis=2, dtype="float32") / 255 for stimulus in stimuli]


def test_the_pages_python_runs(tmp_path, monkeypatch):
    monkeypatch.setitem(NAMED, "runs/first", Source("first", "brightness", lambda _: Brightness()))
    monkeypatch.chdir(tmp_path)
    photo = write_photo(tmp_path / "photo.jpg", (480, 640))
    names = {}
    exec(re.search(r"```python\n(.*?)```", PAGE, re.DOTALL)[1], names)
    brightness = photo.mean(axis=2)
    assert np.allclose(names["share"], brightness[:, :320].sum() / brightness.sum(), atol=1e-4)
    assert (names["width"], names["height"]) == (640, 360)


def test_the_pages_json_has_the_form_that_is_printed():
    (image,) = json.loads(re.search(r"```json\n(.*?)```", PAGE, re.DOTALL)[1]).values()
    assert set(image) == {"width", "height", "regions"}
    logo, head = image["regions"].values()
    assert logo["area"] == round(120 * 60 / (1280 * 800), 3)
    assert head["area"] == 0.2
