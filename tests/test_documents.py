"""README and docs/: their Python runs, page by page, as a reader would type it."""

import re
from pathlib import Path

import numpy as np
import pytest
from conftest import write_photo, write_photo_folder

from kerasal import models

ROOT = Path(__file__).parents[1]
PAGES = {page.name: page for page in [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]}
# Pages whose Python has a test that asks more of it, or needs an export first.
ELSEWHERE = {
    "predict.md": "tests/prediction/test_predict_page.py",
    "serving.md": "tests/export/test_export_formats.py",
    "training.md": "tests/training/test_training_page.py",
    "tutorial.md": "tests/export/test_export_formats.py",
}


def python(page: Path) -> list[str]:
    return re.findall(r"```python\n(.*?)```", page.read_text(encoding="utf-8"), re.DOTALL)


SLOW = ("cluster.md", "fine-tuning.md")
HERE = [name for name, page in PAGES.items() if python(page) and name not in ELSEWHERE]


class Brightness:
    def saliency_maps(self, stimuli):
        return [stimulus.mean(axis=2, dtype="float32") / 255 for stimulus in stimuli]


@pytest.mark.parametrize(
    "name", [pytest.param(name, marks=pytest.mark.slow if name in SLOW else ()) for name in HERE]
)
def test_the_pages_python_runs(name, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    write_photo(tmp_path / "photo.jpg", (480, 640))
    if name == "fine-tuning.md":
        write_photo_folder(tmp_path / "my_folder")
    if name == "sam.md":  # its file is 200 MB
        monkeypatch.setattr(models, "load_weights_file", lambda path: Brightness())
    names = {"__name__": "__main__"}
    for block in python(PAGES[name]):
        exec(compile(block, name, "exec"), names)
    for key in ("saliency_map", "saliency"):
        if key in names:
            assert np.isfinite(names[key]).all()


@pytest.mark.parametrize("name", ELSEWHERE)
def test_pages_that_are_tested_elsewhere_are(name):
    assert python(PAGES[name])
    text = (ROOT / ELSEWHERE[name]).read_text()
    assert f"docs/{name}" in text
    assert "```python" in text
