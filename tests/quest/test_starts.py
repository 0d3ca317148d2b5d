"""The script that compares two starts of a quest: on simulated quests, for real ones take hours."""

import json
import runpy
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest
from scipy import stats
from simulated_quest import simulated

SCRIPT = Path(__file__).parents[1] / "benchmarks/starts.py"


def test_both_starts_are_compared_loss_by_loss(monkeypatch, tmp_path, capsys):
    script = runpy.run_path(str(SCRIPT))
    main, metrics = script["main"], script["METRICS"]
    means = {"mse": (0.5, 0.6), "kld": (0.7, 0.8), "cc": (0.6, 0.9), "nss": (0.4, 0.5), "ae": (0.3, 0.3)}

    def run(dataset, specs, options, folder, **_):
        return simulated(
            {spec: pair[folder.name == "kld"] for spec, pair in means.items()},
            metrics=metrics,
            noise=0,
        )

    monkeypatch.setattr(script["quest"], "run", run)
    monkeypatch.setitem(main.__globals__, "small", lambda folder: SimpleNamespace(name="osie"))
    monkeypatch.setitem(main.__globals__, "RESULT", tmp_path / "starts.json")
    monkeypatch.setattr(sys, "argv", ["starts.py", "osie", str(tmp_path)])
    main()
    found = json.loads((tmp_path / "starts.json").read_text())
    for row in found["agreement"].values():
        assert row["losses"] == len(means)
        assert row["spearman"] == pytest.approx(stats.spearmanr(*zip(*means.values(), strict=True)).statistic)
    assert "5 losses" in capsys.readouterr().out
