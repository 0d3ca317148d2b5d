"""What a quest can be told."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

from kerasal import losses, models
from kerasal.errors import InputError
from kerasal.training.options import TrainingOptions
from kerasal.training.options import options as recipe_options

# The same for every loss: around the default recipe's rates, 1e-4 behind a relu and 5e-4 behind a sigmoid.
SEARCHED_RATES = (1e-4, 3e-4, 1e-3)
SEARCH_EPOCHS = 1.0  # half an epoch chooses a whole training's rate for fewer losses: docs/quest.md
START = "mse"
START_EPOCHS = 2
START_RATE = 3e-4  # of the default recipe's start
SIDE_BY_SIDE = 9
PRECISIONS = ("auto", "float32", "bfloat16")  # float16 would need its loss scaled, each head by itself


@dataclass(frozen=True)
class QuestOptions:
    """All that decides a quest's result, apart from the losses, the seeds and the data.

    Attributes:
        training: of every head; its `loss`, `learning_rate` and `seed` play no part.
        recipe, learning_rate: what gives the rate of a loss where none is searched.
        search_rates: the learning rates that each loss tries; with none it takes the recipe's.
        search_epochs: the length of a trial, in epochs.
        start: the loss, a canonical spec, of a short training that every loss goes on from; None begins at
            random, where a map of zeros is a minimum of the pixel losses that some do not leave again. Where
            the training names `weights`, they take its place.
        start_epochs: its length.
    """

    training: TrainingOptions
    recipe: str = "default"
    learning_rate: float | None = None
    search_rates: tuple[float, ...] = SEARCHED_RATES
    search_epochs: float = SEARCH_EPOCHS
    start: str | None = START
    start_epochs: int = START_EPOCHS

    def __post_init__(self):
        if any(not 0 < rate < float("inf") for rate in self.search_rates):
            rates = ", ".join(f"{rate:g}" for rate in self.search_rates)
            raise InputError(f"search_rates must be positive, got {rates}")
        if not 0 < self.search_epochs < float("inf"):
            raise InputError(f"search_epochs must be positive, got {self.search_epochs}")
        if self.start_epochs < 1:
            raise InputError(f"start_epochs must be at least 1, got {self.start_epochs}")
        if "activation" not in models.option_names(self.training.model):
            raise InputError(f"a quest trains the paper's head, not that of {self.training.model}")
        if self.training.precision not in PRECISIONS:
            raise InputError(
                f"a quest computes in one of {', '.join(PRECISIONS)}; got {self.training.precision}"
            )
        if self.training.strategy != "none" or self.training.gradient_accumulation > 1:
            raise InputError("a quest trains on one device and accumulates no gradients")
        if not self.training.freeze_backbone or self.training.augmentation:
            raise InputError(
                "a quest learns on kept features of a frozen backbone: without crop, scale and color, and by "
                "no recipe that trains the backbone, as fine-tuned does"
            )

    def as_dict(self) -> dict[str, Any]:
        """The options as plain values, for JSON; without what plays no part."""
        training = self.training.as_dict()
        for unused in ("loss", "learning_rate", "seed", "checkpoint_minutes", "strategy", "xla"):
            training.pop(unused, None)
        training["input_size"] = list(self.training.input_size)
        begin = {"start_epochs": self.start_epochs if self.start else None}
        return {**asdict(self), **begin, "training": training, "search_rates": list(self.search_rates)}

    @property
    def start_rate(self) -> float:
        """The learning rate of the start."""
        plain = self.recipe == "default" and self.learning_rate is None
        return START_RATE if plain else self.recipe_rate(self.start)

    def recipe_rate(self, spec: str) -> float:
        """The learning rate of a loss where none is searched."""
        given = {"activation": self.training.activation, "learning_rate": self.learning_rate}
        return recipe_options(self.recipe, loss=spec, **given).learning_rate


def options(
    recipe: str = "default",
    *,
    learning_rate: float | None = None,
    search_rates: Sequence[float] | None = None,
    search_epochs: float | None = None,
    start: str = START,
    start_epochs: int = START_EPOCHS,
    **changes: Any,
) -> QuestOptions:
    """A recipe's training options with some changed, how each loss finds its learning rate, where all start.

    `start` is the spec of a loss, or "none".

    Without `search_rates` the default recipe searches, unless a `learning_rate` is given; the paper's does
    not: the rate is one of the things that it says. InputError: an unknown recipe, or a value out of range.
    """
    training = recipe_options(recipe, learning_rate=learning_rate, **changes)
    if search_rates is None:
        search_rates = SEARCHED_RATES if recipe == "default" and learning_rate is None else ()
    epochs = SEARCH_EPOCHS if search_epochs is None else search_epochs
    start = None if start == "none" else losses.canonical(start)
    return QuestOptions(training, recipe, learning_rate, tuple(search_rates), epochs, start, start_epochs)
