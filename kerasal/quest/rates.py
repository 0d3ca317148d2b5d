"""How each loss finds its learning rate: short trainings, of which the best validation loss decides."""

from collections.abc import Callable, Sequence

from kerasal._files import null_for_nan
from kerasal.quest.heads import Heads
from kerasal.quest.learning import WATCHED, Splits


class RateSearch:
    """The trials of losses that search side by side.

    Behind a relu a map of zeros has no gradient and stays one: a loss that ends there with every rate is
    `dead` and may search once more behind a sigmoid. A rate that wins at the edge of those tried moves the
    search on.

    Args:
        progress: as for `train_heads`.

    Attributes:
        activations: of each loss, the one that it searched with last.
    """

    def __init__(self, splits: Splits, seed: int, progress: Callable[[str], Callable[[], None]]):
        self.splits = splits
        self.progress = progress
        self.batches = splits.trial(seed)
        self.activations: dict[str, str] = {}
        self._trials: dict[str, list[dict]] = {}

    def try_all(self, heads: Heads) -> None:
        """Try the options' rates with each head."""
        rates = self.splits.options.search_rates
        for number, rate in enumerate(rates, start=1):
            self._try(heads, [rate] * len(heads.specs), f"learning rate {number} of {len(rates)}")

    def dead(self, heads: Heads) -> list[str]:
        """The losses of heads with a relu whose maps are constant after every trial."""
        activations = dict(zip(heads.specs, heads.activations, strict=True))
        relus = [spec for spec, activation in activations.items() if activation == "relu"]
        return [spec for spec in relus if all(trial["collapsed"] for trial in self._last(spec))]

    def moving(self) -> dict[str, float]:
        """The losses whose best rate lies at the edge of those tried, with the rate to try next."""
        found = {spec: next_rate(self._last(spec)) for spec in self._trials}
        return {spec: rate for spec, rate in found.items() if rate is not None}

    def move(self, heads: Heads, rates: Sequence[float]) -> None:
        """Try one rate more with each head."""
        self._try(heads, rates, "beyond the edge, at " + ", ".join(map("{:g}".format, rates)))

    def found(self) -> dict[str, dict]:
        """What each loss has chosen: `rate`, `activation`, and all its `trials`."""
        return {
            spec: {
                "rate": best_rate(self._last(spec)),
                "activation": self.activations[spec],
                "trials": trials,
            }
            for spec, trials in self._trials.items()
        }

    def _try(self, heads, rates, what):
        """A short training of each head at its rate: `rate`, `loss`, `collapsed`, the metrics of `WATCHED`.

        The loss is the head's own on the validation split, None where it is not finite; collapsed: all maps
        are constant.
        """
        progress = self.progress(what)
        heads.reset()
        heads.train(self.batches, rates, 1, self.splits.trial_steps, progress)
        with heads.averaged():
            found = heads.validate(self.splits.validation)
        for spec, activation, rate, head in zip(heads.specs, heads.activations, rates, found, strict=True):
            values = {key: head.values[key] for key in ("loss", *WATCHED) if key in head.values}
            trial = {"activation": activation, "rate": rate, "collapsed": head.collapsed}
            self.activations[spec] = activation
            self._trials.setdefault(spec, []).append({**trial, **null_for_nan(values)})

    def _last(self, spec):
        """The trials with the activation of the last."""
        return [trial for trial in self._trials[spec] if trial["activation"] == self.activations[spec]]


def best_rate(trials: Sequence[dict]) -> float:
    """The rate with the lowest loss; of maps that are constant, or where no loss is a number, the lowest."""
    usable = [trial for trial in trials if trial["loss"] is not None and not trial["collapsed"]]
    if not usable:
        return min(trial["rate"] for trial in trials)
    return min(usable, key=lambda trial: trial["loss"])["rate"]


def next_rate(trials: Sequence[dict]) -> float | None:
    """The rate to try next, where the best is the lowest or the highest yet; None where it lies within.

    It lies as far beyond as the one before lies within, to two digits.
    """
    rates = sorted(trial["rate"] for trial in trials)
    best = best_rate(trials)
    if len(rates) < 2 or best not in (rates[0], rates[-1]):
        return None
    within = rates[1] if best == rates[0] else rates[-2]
    return float(f"{best * best / within:.2g}")
