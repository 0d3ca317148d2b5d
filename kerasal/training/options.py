"""What a training run can be told, and the recipes that give the defaults."""

import difflib
import types
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields, replace
from typing import Any, get_args, get_type_hints

import numpy as np

from kerasal import losses, models
from kerasal._json import shown
from kerasal.data.augmentation import Augmentation
from kerasal.data.sample import Dataset
from kerasal.errors import InputError
from kerasal.training import table


@dataclass(frozen=True)
class TrainingOptions(table.OptionTable):
    """The options of `kerasal.training.table.OptionTable`, checked. InputError: values that do not do."""

    def __post_init__(self):
        for field in fields(self):
            value = getattr(self, field.name)
            choices, must = (field.metadata.get(key) for key in ("choices", "must"))
            if choices and value not in choices and value != field.default:
                raise InputError(f"unknown {field.name} {value!r}: one of {', '.join(choices)}")
            if must and not table.RANGES[must](value):
                raise InputError(f"{field.name} must {must}, got {value}")
        models.check_input_size(self.input_size)
        if self.clip_norm and self.clip_value:
            raise InputError("clip_norm and clip_value are two ways of one thing: give one of them")
        if self.strategy != "none" and self.gradient_accumulation > 1:
            raise InputError("gradient_accumulation is for one device: with a strategy enlarge batch_size")
        if self.strategy != "none" and self.xla:
            raise InputError("xla is for one device: it cannot add up the gradients of several")
        if self.adversarial_after is not None:
            usual = {"strategy": "none", "gradient_accumulation": 1, "ema": 0}
            wrong = [name for name, value in usual.items() if getattr(self, name) != value]
            if self.precision == "float16":
                wrong.append("precision")
            if wrong:
                value = getattr(self, wrong[0])
                raise InputError(f"{wrong[0]} {value} is not for training against a discriminator")
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
            **{name: getattr(self, name) for name in ("input_size", *OF_NETWORK)},
            "activation": activation,
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
        return cls(**checked_values(values, KINDS))


KINDS = get_type_hints(TrainingOptions)
OF_NETWORK = tuple(field.name for field in fields(TrainingOptions) if field.metadata.get("of_network"))


def checked_values(values: dict[str, Any], kinds: Mapping[str, Any]) -> dict[str, Any]:
    """`values` with each as the type that it has in `kinds`: "1e-3" is a number, "300x400" a size.

    InputError: a key that is not in `kinds`, with the nearest that is, or a value of another type.
    """
    for name in values:
        if name not in kinds:
            near = difflib.get_close_matches(str(name)[:60], kinds, n=1, cutoff=0.5)
            hint = f"did you mean {near[0]}?" if near else f"known: {', '.join(kinds)}"
            raise InputError(f"unknown option {shown(name)}: {hint}")
    return {name: _read(name, value, kinds[name]) for name, value in values.items()}


def _read(name: str, value: Any, kind: Any) -> Any:
    """A value as `kind`, a type as `TrainingOptions`'s fields have. InputError: it cannot be read as that."""
    kinds = get_args(kind) if isinstance(kind, types.UnionType) else (kind,)
    if value is None and type(None) in kinds:
        return None
    if isinstance(value, dict) and dict in kinds:  # of words
        return {_read(name, k, str): _read(f"{name} of {shown(k)}", word, str) for k, word in value.items()}
    kind = kinds[0]
    try:
        if kind in (bool, str):
            if isinstance(value, kind):
                return value
            raise ValueError
        if isinstance(value, bool):  # which is a whole number to Python
            raise ValueError
        if kind in (int, float):
            number = float(value)
            if kind is int and number != int(number):
                raise ValueError
            return kind(number)
        sides = value.lower().split("x") if isinstance(value, str) else value
        rows, columns = (int(side) if isinstance(side, str) else _read(name, side, int) for side in sides)
        return rows, columns
    except (TypeError, ValueError, OverflowError):
        raise InputError(f"{name} must be {_KIND_NAMES[kind]}, got {shown(value)}") from None


_KIND_NAMES = {
    bool: "true or false",
    str: "a word",
    int: "a whole number",
    float: "a number",
    tuple[int, int]: "ROWSxCOLUMNS, such as 300x400",
}


RECIPES = {name: TrainingOptions(**changes) for name, changes in table.RECIPES.items()}

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
    changes = checked_values({name: value for name, value in changes.items() if value is not None}, KINDS)
    chosen = replace(RECIPES[recipe], **changes)
    # A network of the user's own, given to `fit`, is in no table.
    known = chosen.model in models.NETWORKS and models.network_class(chosen.model)
    if known:
        known.check_input_size(chosen.input_size)
    if known and chosen.adversarial_after is not None and not hasattr(known, "discriminator"):
        raise InputError(f"the model {chosen.model} has no discriminator: leave out adversarial_after")
    for name in OF_NETWORK:
        if known and name in changes and name not in models.option_names(chosen.model):
            raise InputError(f"the model {chosen.model} has no option {name}")
    if recipe in ("default", "light") and "learning_rate" not in changes:
        activation = chosen.activation or losses.activation_for(losses.get(chosen.loss))
        if activation == "relu":
            chosen = replace(chosen, learning_rate=RELU_LEARNING_RATE)
    return chosen
