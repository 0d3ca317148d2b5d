"""What a training run can be told, and the recipes that give the defaults."""

import difflib
import math
import types
from collections.abc import Sequence
from dataclasses import asdict, dataclass, fields, replace
from typing import Any, get_args, get_type_hints

import numpy as np

from kerasal import losses, models
from kerasal._json import shown
from kerasal.data.augmentation import Augmentation
from kerasal.data.sample import Dataset
from kerasal.errors import InputError
from kerasal.training.precision import PRECISIONS

OPTIMIZERS = ("sgd", "adam", "adamw", "rmsprop", "adagrad")
DECAYS = ("cosine", "linear", "exponential", "step", "inverse", "none")
STRATEGIES = ("none", "mirrored", "multi-worker")


@dataclass(frozen=True)
class TrainingOptions:
    """All that decides what a run learns and how it is computed, apart from the data."""

    loss: str = "kld+cc+nss"
    model: str = "baseline"
    activation: str | None = None  # relu or sigmoid; None: chosen by the loss's family
    backbone: str | None = None  # under the paper's head: a name of models.BACKBONES; None: the model's own
    backbone_weights: str = "imagenet"
    weights: str | None = None  # of the whole network, to go on from: what `kerasal predict --model` takes
    freeze_backbone: bool = True
    input_size: tuple[int, int] = (300, 400)  # rows, columns
    epochs: int = 6
    adversarial_after: int | None = None  # epochs before the model's discriminator joins; None: it never does
    batch_size: int = 8  # of one step, over all devices together
    gradient_accumulation: int = 1  # steps whose mean gradient makes one update of the weights
    optimizer: str = "adamw"
    learning_rate: float = 5e-4
    momentum: float = 0.0  # of sgd and rmsprop
    nesterov: bool = False  # of sgd's momentum
    warmup: float = 0.0  # epochs over which the learning rate rises to its value
    decay: str = "cosine"  # then: "cosine" or "linear" to 0, "exponential", "step", "inverse" or "none"
    decay_rate: float = 0.1  # factor of "exponential" and "step", divisor less 1 of "inverse" ...
    decay_epochs: float = 1.0  # ... over so many epochs
    weight_decay: float = 1e-2
    clip_norm: float = 0.0  # largest norm of all gradients together; 0 is off
    clip_value: float = 0.0  # largest absolute value of a gradient's entries; 0 is off
    ema: float = 0.98  # momentum of the weights' moving average; 0 is off
    dropout: float = 0.5
    feature_dropout: float = 0.1
    flip: bool = True
    crop: float = 0.0  # at most this share of each side is cut off; 0 is off, as for the next two
    scale: float = 0.0  # a stimulus is drawn 1 - scale to 1 + scale times as large
    color: float = 0.0  # brightness, contrast and saturation change by at most this share
    patience: int = 3  # epochs without a better validation loss before training stops; 0 is off
    seed: int = 0
    precision: str = "auto"  # of backbone and head: auto, float32, bfloat16 or float16
    xla: bool | None = None  # compile with XLA; None: on a GPU
    deterministic: bool = False  # the same result bit for bit in each run, at the price of some speed
    strategy: str = "none"  # "mirrored": all GPUs of this machine; "multi-worker": machines in TF_CONFIG
    checkpoint_minutes: float = 5.0  # between checkpoints within an epoch; 0 is one after each step

    def __post_init__(self):
        for name, known in (
            ("optimizer", OPTIMIZERS),
            ("decay", DECAYS),
            ("precision", PRECISIONS),
            ("strategy", STRATEGIES),
            ("activation", (None, "relu", "sigmoid")),
        ):
            if (value := getattr(self, name)) not in known:
                raise InputError(f"unknown {name} {value!r}: one of {', '.join(filter(None, known))}")
        models.check_input_size(self.input_size)
        for name in ("epochs", "batch_size", "gradient_accumulation"):
            if getattr(self, name) < 1:
                raise InputError(f"{name} must be at least 1, got {getattr(self, name)}")
        for name in ("learning_rate", "decay_rate", "decay_epochs"):
            if not 0 < getattr(self, name) < math.inf:
                raise InputError(f"{name} must be positive, got {getattr(self, name)}")
        for name in ("ema", "dropout", "feature_dropout", "momentum", "crop", "scale", "color"):
            if not 0 <= getattr(self, name) < 1:
                raise InputError(f"{name} must lie in [0, 1), got {getattr(self, name)}")
        for name in (
            *("weight_decay", "patience", "seed", "warmup"),
            *("clip_norm", "clip_value", "checkpoint_minutes", "adversarial_after"),
        ):
            if not 0 <= (getattr(self, name) or 0) < math.inf:
                raise InputError(f"{name} must not be negative, got {getattr(self, name)}")
        if self.clip_norm and self.clip_value:
            raise InputError("clip_norm and clip_value are two ways of one thing: give one of them")
        if self.strategy != "none" and self.gradient_accumulation > 1:
            raise InputError("gradient_accumulation is for one device: with a strategy enlarge batch_size")
        if self.strategy != "none" and self.xla:
            raise InputError("xla is for one device: it cannot add up the gradients of several")
        if self.adversarial_after is not None:
            for name, given in (
                ("strategy", self.strategy != "none"),
                ("gradient_accumulation", self.gradient_accumulation > 1),
                ("ema", self.ema > 0),
                ("precision", self.precision == "float16"),
            ):
                if given:
                    value = getattr(self, name)
                    raise InputError(f"{name} {value} is not for training against a discriminator")
        if self.momentum and self.optimizer not in ("sgd", "rmsprop"):
            raise InputError(f"momentum is an option of sgd and rmsprop, not of {self.optimizer}")
        if self.nesterov and not (self.optimizer == "sgd" and self.momentum):
            raise InputError("nesterov is an option of sgd with a momentum")

    @property
    def augmentation(self) -> Augmentation:
        """What is changed of each training stimulus besides flips; false where nothing is."""
        return Augmentation(self.crop, self.scale, self.color)

    def network_options(self, center_bias: np.ndarray, activation: str | None) -> dict[str, Any]:
        """What `kerasal.models.build` takes of these options, as far as the model has them.

        center_bias: the mean density of the training data, in [0, 1], where a head starts. activation: None
        is left out.
        """
        values = {
            "input_size": self.input_size,
            "activation": activation,
            "backbone": self.backbone,
            "dropout": self.dropout,
            "feature_dropout": self.feature_dropout,
            "initial_density": float(np.clip(center_bias.mean(), 1e-3, 0.5)),
        }
        known = models.option_names(self.model)
        return {name: value for name, value in values.items() if name in known and value is not None}

    def as_dict(self) -> dict[str, Any]:
        """The options as plain values, for JSON."""
        return asdict(self)

    @classmethod
    def from_dict(cls, values: dict[str, Any]) -> "TrainingOptions":
        """The options that `as_dict` wrote, or that a user did.

        InputError: a key that is not an option, with the nearest that is; a value of a wrong type.
        """
        return cls(**checked_values(values, OPTION_NAMES))


OPTION_NAMES = tuple(field.name for field in fields(TrainingOptions))
_KINDS = get_type_hints(TrainingOptions)


def checked_values(values: dict[str, Any], known: Sequence[str]) -> dict[str, Any]:
    """`values` with each training option as the type it has: "1e-3" is a number, "300x400" a size.

    InputError: a key that is not in `known`, with the nearest that is, or a value of another type.
    """
    for name in values:
        if name not in known:
            near = difflib.get_close_matches(str(name)[:60], known, n=1, cutoff=0.5)
            hint = f"did you mean {near[0]}?" if near else f"known: {', '.join(known)}"
            raise InputError(f"unknown option {shown(name)}: {hint}")
    return {
        name: _read(name, value, _KINDS[name]) if name in _KINDS else value for name, value in values.items()
    }


def _read(name: str, value: Any, kind: Any) -> Any:
    """A value as `kind`, a type of `TrainingOptions`'s fields. InputError: it cannot be read as that."""
    kinds = get_args(kind) if isinstance(kind, types.UnionType) else (kind,)
    if value is None and type(None) in kinds:
        return None
    kind = kinds[0]
    try:
        if kind is bool or isinstance(value, bool):
            if kind is bool and isinstance(value, bool):
                return value
            raise ValueError
        if kind is str:
            if isinstance(value, str):
                return value
            raise ValueError
        if kind in (int, float):
            number = float(value)
            if kind is int and number != int(number):
                raise ValueError
            return kind(number)
        rows, columns = value.lower().split("x") if isinstance(value, str) else value
        return int(rows), int(columns)
    except (TypeError, ValueError, OverflowError):
        raise InputError(f"{name} must be {_KIND_NAMES[kind]}, got {shown(value)}") from None


_KIND_NAMES = {
    bool: "true or false",
    str: "a word",
    int: "a whole number",
    float: "a number",
    tuple[int, int]: "ROWSxCOLUMNS, such as 300x400",
}


RECIPES = {
    # What learned best on OSIE in a few minutes on two cores; docs/results.md has the comparison.
    "default": TrainingOptions(),
    # The same on EfficientNet-Lite2.
    "light": TrainingOptions(model="light", input_size=(304, 400)),
    # The best network on OSIE and Scene: VGG-16 learns too, at a fifth of the default's rate.
    "fine-tuned": TrainingOptions(freeze_backbone=False, learning_rate=1e-4, epochs=10, patience=0),
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
    # Pan et al. 2017: AdaGrad 3e-4, batches of 32, 15 epochs of BCE, then the discriminator; the published
    # weights are those of its 90th epoch. Their L2 term has no effect in their code.
    "salgan": TrainingOptions(
        loss="bce",
        model="salgan",
        input_size=(192, 256),
        adversarial_after=15,
        epochs=105,
        batch_size=32,
        optimizer="adagrad",
        learning_rate=3e-4,
        decay="none",
        weight_decay=0.0,
        ema=0.0,
        flip=False,
        patience=0,
    ),
    # Cornia et al. 2016 and their code: Nesterov 0.9, rate 1e-3 / (1 + 5e-4 updates), batches of 10: an epoch
    # of SALICON's 10,000 stimuli are 1000 updates.
    "mlnet": TrainingOptions(
        loss="mlnet-mse",
        model="mlnet",
        input_size=(480, 640),
        freeze_backbone=False,
        optimizer="sgd",
        learning_rate=1e-3,
        momentum=0.9,
        nesterov=True,
        decay="inverse",
        decay_rate=0.5,
        weight_decay=0.0,
        ema=0.0,
        batch_size=10,
        dropout=0.5,
        flip=False,
        epochs=20,
        patience=5,
    ),
    # Pan et al. 2016 and a training prototxt: 24,000 updates of 2 of SALICON's 10,000 stimuli, the rate
    # halved every 2000. Caffe's Euclidean loss is 240 x 320 times 2 MSE, and its rate 0.01 / (240 x 320). Its
    # weight decay of 5e-4 beside so large a loss comes to 6.5e-9 here, and is left out.
    "deepconvnet": TrainingOptions(
        loss="2*mse",
        model="deepconvnet",
        backbone_weights="random",
        input_size=(240, 320),
        freeze_backbone=False,
        optimizer="sgd",
        learning_rate=0.01,
        momentum=0.9,
        decay="step",
        decay_rate=0.5,
        decay_epochs=0.4,
        weight_decay=0.0,
        ema=0.0,
        batch_size=2,
        flip=False,
        epochs=5,
        patience=0,
    ),
    # Pan et al. 2016 and their code, whose maps have twice the range, so that its MSE is 4 times this one.
    # There the momentum rises from 0.9 to 0.999 in a straight line.
    "shallownet": TrainingOptions(
        loss="4*mse",
        model="shallownet",
        backbone_weights="random",
        input_size=(96, 96),
        freeze_backbone=False,
        optimizer="sgd",
        learning_rate=0.05,
        momentum=0.9,
        nesterov=True,
        decay="linear",
        weight_decay=0.0,
        ema=0.0,
        batch_size=128,
        flip=True,
        epochs=1200,
        patience=0,
    ),
}

LARGE = (375, 500)  # rows, columns: see `input_size_for`

RELU_LEARNING_RATE = 1e-4  # at the default recipe's own, a pixel loss drives a relu's map to all zeros


def input_size_for(
    dataset: Dataset, recipe: str = "default", model: str | None = None
) -> tuple[int, int] | None:
    """The input size that `kerasal train` takes for a dataset; None is the recipe's own.

    The paper's network with the default recipe sees 375x500 pixels where at least half of the training
    stimuli have as many: faces and text are small, and docs/results.md shows what it brings.
    """
    if recipe != "default" or model not in (None, "baseline"):
        return None
    rows, columns = np.median([sample.size for sample in dataset["train"]], axis=0)
    return LARGE if rows >= LARGE[0] and columns >= LARGE[1] else None


def options(recipe: str = "default", **changes: Any) -> TrainingOptions:
    """A recipe's options with some changed; None leaves an option as the recipe has it.

    "default" is the recipe that the network's row of `kerasal.models.NETWORKS` names, its own authors' for
    most. The default recipe's own learning rate is lower behind a relu (see `RELU_LEARNING_RATE`).
    InputError: an unknown recipe, model or loss, a value out of range, or an option that the model has not.
    """
    if recipe == "default" and changes.get("model") in models.NETWORKS:
        recipe = models.NETWORKS[changes["model"]].recipe
    if recipe not in RECIPES:
        raise InputError(f"unknown recipe {recipe!r}: one of {', '.join(RECIPES)}")
    changes = checked_values(
        {name: value for name, value in changes.items() if value is not None}, OPTION_NAMES
    )
    chosen = replace(RECIPES[recipe], **changes)
    # A network of the user's own, given to `fit`, is in no table.
    known = chosen.model in models.NETWORKS and models.network_class(chosen.model)
    if known and chosen.adversarial_after is not None and not hasattr(known, "discriminator"):
        raise InputError(f"the model {chosen.model} has no discriminator: leave out adversarial_after")
    for name in {"activation", "backbone", "dropout", "feature_dropout"} & set(changes):
        if known and name not in models.option_names(chosen.model):
            raise InputError(f"the model {chosen.model} has no option {name}")
    if recipe in ("default", "light") and "learning_rate" not in changes:
        activation = chosen.activation or losses.activation_for(losses.get(chosen.loss))
        if activation == "relu":
            chosen = replace(chosen, learning_rate=RELU_LEARNING_RATE)
    return chosen
