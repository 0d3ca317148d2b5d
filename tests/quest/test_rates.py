"""Which learning rate a loss takes, and when its search moves on."""

import json
import shutil

import pytest

from kerasal import data, quest
from kerasal.errors import InputError
from kerasal.quest.rates import best_rate, next_rate


def trials(*pairs):
    return [{"rate": rate, "loss": loss, "collapsed": loss == "flat"} for rate, loss in pairs]


@pytest.mark.parametrize(
    ("pairs", "best", "following"),
    [
        ([(1e-4, 3.0), (3e-4, 1.0), (1e-3, 2.0)], 3e-4, None),
        ([(1e-4, 3.0), (3e-4, 2.0), (1e-3, 1.0)], 1e-3, 3.3e-3),
        ([(1e-4, 1.0), (3e-4, 2.0), (1e-3, 3.0)], 1e-4, 3.3e-5),
        # The order of the trials does not matter, a move has been made, and its rate was worse.
        ([(1e-3, 2.0), (3e-4, 3.0), (3.3e-3, 4.0)], 1e-3, None),
        ([(1e-3, 2.0), (3e-4, 3.0), (3.3e-3, 1.0)], 3.3e-3, 0.011),
        # Losses are negative, too; what has diverged or collapsed has lost.
        ([(1e-4, -3.0), (3e-4, -2.0), (1e-3, None)], 1e-4, 3.3e-5),
        ([(1e-4, -1.0), (3e-4, -2.0), (1e-3, "flat")], 3e-4, None),
        ([(1e-4, None), (3e-4, "flat"), (1e-3, None)], 1e-4, 3.3e-5),
        ([(1e-3, 5.0)], 1e-3, None),
    ],
)
def test_the_best_rate_and_the_next_one_where_it_lies_at_the_edge(pairs, best, following):
    assert best_rate(trials(*pairs)) == best
    assert next_rate(trials(*pairs)) == following


@pytest.mark.usefixtures("tiny_network")
def test_a_start_that_learns_nothing_does_so_at_a_lower_rate_or_is_refused(tmp_path):
    dataset, lines = data.load("synthetic").limited(6), []

    def run(rate):
        chosen = {
            "model": "tiny",
            "input_size": (32, 48),
            "epochs": 1,
            "batch_size": 3,
            "learning_rate": rate,
        }
        quest.run(
            dataset, ["bce"], quest.options(**chosen), tmp_path / "q", metrics=["cc"], report=lines.append
        )

    with pytest.raises(InputError, match="mse, learns nothing behind a sigmoid, down to a rate of 33000:"):
        run(1e6)
    assert not (tmp_path / "q/start/0.json").exists()
    shutil.rmtree(tmp_path / "q")
    run(3.0)  # at which a relu dies in one step, and a sigmoid does not
    found = json.loads((tmp_path / "q/start/0.json").read_text())
    assert found["relu"]["rate"] < 3.0
    assert {its["state"] for its in found.values()} == {"learned"}
    assert any("mse, learns nothing behind a relu at a rate of 3" in line for line in lines)
