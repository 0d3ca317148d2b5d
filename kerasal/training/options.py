"""What a training run can be told, and the recipes that give the defaults."""

from dataclasses import asdict, dataclass, fields, replace
from typing import Any

from kerasal import losses, models
from kerasal.errors import InputError

OPTIMIZERS = ("sgd", "adam", "adamw", "rmsprop")


@dataclass(frozen=True)
class TrainingOptions:
    """All that decides what a run learns, apart from the data. Written to the run's config.json."""

    loss: str = "kld+cc+nss"
    model: str = "baseline"
    activation: str | None = None  # relu or sigmoid; None: chosen by the loss's family
    backbone_weights: str = "imagenet"
    weights: str | None = None  # of the whole network, to go on from: a file, or a published one's name
    freeze_backbone: bool = True
    input_size: tuple[int, int] = (300, 400)  # rows, columns
    epochs: int = 6
    batch_size: int = 8
    optimizer: str = "adamw"
    learning_rate: float = 5e-4
    decay: str = "cosine"  # of the learning rate: "cosine" to 0 over all steps, or "none"
    weight_decay: float = 1e-2
    ema: float = 0.98  # momentum of the weights' moving average; 0 is off
    dropout: float = 0.5
    feature_dropout: float = 0.1
    flip: bool = True
    patience: int = 3  # epochs without a better validation loss before training stops; 0 is off
    seed: int = 0

    def __post_init__(self):
        if self.optimizer not in OPTIMIZERS:
            raise InputError(f"unknown optimizer {self.optimizer!r}: one of {', '.join(OPTIMIZERS)}")
        if self.decay not in ("cosine", "none"):
            raise InputError(f"unknown decay {self.decay!r}: cosine or none")
        if self.activation not in (None, "relu", "sigmoid"):
            raise InputError(f"unknown activation {self.activation!r}: relu or sigmoid")
        for name in ("epochs", "batch_size"):
            if getattr(self, name) < 1:
                raise InputError(f"{name} must be at least 1, got {getattr(self, name)}")
        if not self.learning_rate > 0:
            raise InputError(f"learning_rate must be positive, got {self.learning_rate}")
        for name in ("ema", "dropout", "feature_dropout"):
            if not 0 <= getattr(self, name) < 1:
                raise InputError(f"{name} must lie in [0, 1), got {getattr(self, name)}")
        for name in ("weight_decay", "patience", "seed"):
            if getattr(self, name) < 0:
                raise InputError(f"{name} must not be negative, got {getattr(self, name)}")

    def as_dict(self) -> dict[str, Any]:
        """The options as plain values, for JSON."""
        return asdict(self)

    @classmethod
    def from_dict(cls, values: dict[str, Any]) -> "TrainingOptions":
        """The options that `as_dict` wrote. InputError: a key that is not an option."""
        if unknown := set(values) - {field.name for field in fields(cls)}:
            raise InputError(f"unknown training options: {', '.join(sorted(unknown))}")
        return cls(**{**values, "input_size": tuple(values.get("input_size", cls.input_size))})


RECIPES = {
    # What learned best on OSIE in a few minutes on two cores; docs/results.md has the comparison.
    "default": TrainingOptions(),
    # Section 3.1: plain SGD at 0.001 in batches of 60, dropout 0.25, no augmentation.
    "paper": TrainingOptions(
        optimizer="sgd",
        learning_rate=1e-3,
        decay="none",
        weight_decay=0.0,
        ema=0.0,
        batch_size=60,
        dropout=0.25,
        feature_dropout=0.0,
        flip=False,
        epochs=30,
    ),
    # Cornia et al. 2018 and their code: RMSprop 1e-4, batches of 10, all layers, up to 10 epochs.
    "sam": TrainingOptions(
        model="sam-vgg",
        input_size=(240, 320),
        freeze_backbone=False,
        optimizer="rmsprop",
        learning_rate=1e-4,
        decay="none",
        weight_decay=0.0,
        ema=0.0,
        batch_size=10,
        flip=False,
        epochs=10,
        patience=3,
    ),
}

# The recipes that "default" stands for with these networks.
MODEL_RECIPES = {"sam-vgg": "sam", "sam-resnet": "sam"}

RELU_LEARNING_RATE = 1e-4  # at the default recipe's own, a pixel loss drives a relu's map to all zeros


def options(recipe: str = "default", **changes: Any) -> TrainingOptions:
    """A recipe's options with some changed; None leaves an option as the recipe has it.

    "default" is the recipe of the network's own authors where `MODEL_RECIPES` names one. The default recipe's
    own learning rate is lower behind a relu (see `RELU_LEARNING_RATE`).
    InputError: an unknown recipe, model or loss, a value out of range, or an option that the model has not.
    """
    if recipe == "default":
        recipe = MODEL_RECIPES.get(changes.get("model"), recipe)
    if recipe not in RECIPES:
        raise InputError(f"unknown recipe {recipe!r}: one of {', '.join(RECIPES)}")
    changes = {name: value for name, value in changes.items() if value is not None}
    chosen = replace(RECIPES[recipe], **changes)
    for name in {"activation", "dropout", "feature_dropout"} & set(changes):
        if name not in models.option_names(chosen.model):
            raise InputError(f"the model {chosen.model} has no option {name}")
    if recipe == "default" and "learning_rate" not in changes:
        activation = chosen.activation or losses.activation_for(losses.get(chosen.loss))
        if activation == "relu":
            chosen = replace(chosen, learning_rate=RELU_LEARNING_RATE)
    return chosen
