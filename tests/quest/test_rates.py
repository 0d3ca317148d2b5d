"""Which learning rate a loss takes, and when its search moves on."""

import pytest

from kerasal import quest
from kerasal.errors import InputError
from kerasal.quest import jobs
from kerasal.quest.learning import Splits
from kerasal.quest.rates import best_rate, next_rate


def trials(*pairs):
    return [{"rate": rate, "loss": loss, "collapsed": loss == "flat"} for rate, loss in pairs]


@pytest.mark.parametrize("changes", [{"recipe": "fine-tuned"}, {"freeze_backbone": False}, {"scale": 0.1}])
def test_what_kept_features_cannot_have_is_refused(changes):
    with pytest.raises(InputError, match="kept features of a frozen backbone"):
        quest.options(**changes)


@pytest.mark.parametrize("rate", [0.0, -1e-3, float("nan")])
def test_a_learning_rate_that_is_none_is_refused_at_once(rate):
    with pytest.raises(InputError, match="learning_rate must be"):
        quest.options(learning_rate=rate)


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


@pytest.mark.parametrize(("highest", "expected"), [(1.0, 3e-4), (2e-4, 1e-4), (2e-5, 1e-5), (1e-6, None)])
def test_a_start_that_learns_nothing_does_so_at_a_lower_rate_or_is_refused(monkeypatch, highest, expected):
    def trained(heads, rates, *_):
        """A relu learns up to a rate, a sigmoid at any; the weights tell the rate."""
        assert len(set(rates)) == 1
        return [
            ({"state": "collapsed" if activation == "relu" and rate > highest else "learned"}, [rate])
            for activation, rate in zip(heads, rates, strict=True)
        ]

    monkeypatch.setattr(jobs, "train_heads", trained)
    monkeypatch.setattr(jobs.Learning, "make_heads", lambda _, specs, activations, *__: activations)
    lines = []
    learning = jobs.Learning({}, Splits(None, {}, quest.options()), None)
    if expected is None:
        with pytest.raises(
            InputError, match="start, mse, learns nothing behind a relu, down to a rate of 1e-05"
        ):
            learning.start(0, None, lines.append)
        return
    found = learning.start(0, None, lines.append)
    assert {activation: weights for activation, (_, weights) in found.items()} == {
        "relu": [expected],
        "sigmoid": [3e-4],
    }
    assert found["relu"][0] == {"loss": "mse", "rate": expected, "state": "learned"}
    assert len(lines) == {3e-4: 0, 1e-4: 1, 1e-5: 3}[expected]
