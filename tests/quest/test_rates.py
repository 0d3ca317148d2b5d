"""Which learning rate a loss takes, and when its search moves on."""

import pytest

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
