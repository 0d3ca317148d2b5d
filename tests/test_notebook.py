"""docs/notebook.ipynb: its cells run from top to bottom, and its outputs lie in it."""

import json
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
import pytest

CELLS = json.loads((Path(__file__).parents[1] / "docs/notebook.ipynb").read_text(encoding="utf-8"))["cells"]
CODE = [cell for cell in CELLS if cell["cell_type"] == "code"]


def test_every_cell_was_run_in_order_without_an_error():
    assert [cell["execution_count"] for cell in CODE] == list(range(1, len(CODE) + 1))
    outputs = [output for cell in CODE for output in cell["outputs"]]
    assert {output["output_type"] for output in outputs} <= {"stream", "display_data", "execute_result"}
    assert sum("image/png" in output.get("data", {}) for output in outputs) == 3
    assert not any(output.get("name") == "stderr" for output in outputs)


@pytest.mark.slow
def test_the_cells_run_from_top_to_bottom(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("KERASAL_CACHE", str(tmp_path / "cache"))
    plt.switch_backend("agg")
    names = {"__name__": "__main__"}
    for number, cell in enumerate(CODE, start=1):
        exec(compile("".join(cell["source"]), f"cell {number}", "exec"), names)
    assert names["saliency_map"].shape == names["photo"].shape[:2]
    scores = {name: np.mean(system.values["cc"]) for name, system in names["result"].scores.items()}
    assert scores["mine"] > scores["center-bias"] + 0.3  # it learned from the recordings
    assert set(names["results"].config["losses"]) == {"mse", "kld", "10*kld+2*cc+nss"}
