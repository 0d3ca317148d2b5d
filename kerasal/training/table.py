"""What a training can be told, as data: defaults, ranges, choices, help; and the recipes. It imports nothing.

The checks, the command line, its help and the configuration file come from here.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

# What a value must be, by what is said of one that is not.
RANGES: dict[str, Callable[[Any], bool]] = {
    "be at least 1": lambda value: value >= 1,
    "be positive": lambda value: 0 < value < math.inf,
    "lie in [0, 1)": lambda value: 0 <= value < 1,
    "not be negative": lambda value: 0 <= (value or 0) < math.inf,
    "lie in 0..4294967295": lambda value: 0 <= value < 2**32,  # NumPy's seeds have 32 bits
}
COUNT, POSITIVE, SHARE, NOT_NEGATIVE, SEED = RANGES

PRECISIONS = ("auto", "float32", "bfloat16", "float16")


def _option(default: Any, help: str | None = None, **facts: Any) -> Any:
    """A field of `OptionTable`.

    Args:
        help: of the command line; {choices} are the choices, {models} the networks.
        facts: must, a key of `RANGES`; choices; of_network, true of an option that only some networks have,
            for `kerasal.models.build`; flag and metavar, where they are not the usual ones.
    """
    return field(default=default, metadata={"help": help, **facts})


@dataclass(frozen=True)
class OptionTable:
    """All that decides what a run learns and how it is computed, apart from the data."""

    loss: str = _option(
        "kld+cc+nss",
        "A loss or a weighted sum: 10*kld+2*cc+nss.  [default: by the recipe; kld+cc+nss]",
        metavar="SPEC",
    )
    model: str = _option("baseline", "Network: {models}.  [default: baseline]")
    activation: str | None = _option(
        None,
        "Output: {choices}.  [default: by the loss's family]",
        choices=("relu", "sigmoid"),
        of_network=True,
    )
    backbone: str | None = _option(
        None,
        "Under the paper's head: vgg16, efficientnet-lite2 or resnet50.  [default: the model's]",
        of_network=True,
    )
    backbone_weights: str = _option("imagenet", "imagenet, random, or an .h5 file.", metavar="NAME|PATH")
    weights: str | None = _option(
        None,
        "Go on from a network that has learned: a shipped one, such as baseline.fine-tuned, a run, or a "
        "weights file.",
        metavar="RUN|NAME|FILE",
    )
    freeze_backbone: bool = _option(
        True,
        "Whether the backbone learns too; frozen, its features are computed once.  [default: by the recipe]",
        flag="--freeze-backbone/--train-backbone",
    )
    input_size: tuple[int, int] = _option(
        (300, 400),
        "Size that stimuli are resized to.  [default: 300x400; 375x500 for larger stimuli]",
        metavar="ROWSxCOLUMNS",
    )
    epochs: int = _option(6, must=COUNT)
    adversarial_after: int | None = _option(
        None,
        "Epochs before the discriminator joins; for salgan.  [default: 15]",
        must=NOT_NEGATIVE,
        metavar="EPOCHS",
    )
    batch_size: int = _option(8, "Stimuli in one step, on all devices together.", must=COUNT)
    gradient_accumulation: int = _option(
        1, "Steps whose mean gradient makes one update of the weights.", must=COUNT
    )
    optimizer: str = _option("adamw", "{choices}.", choices=("sgd", "adam", "adamw", "rmsprop", "adagrad"))
    learning_rate: float = _option(5e-4, must=POSITIVE)
    momentum: float = _option(0.0, "Of sgd and rmsprop.", must=SHARE)
    nesterov: bool = _option(False, "Nesterov's momentum, for sgd.")
    warmup: float = _option(
        0.0, "Let the learning rate rise over so many epochs.", must=NOT_NEGATIVE, metavar="EPOCHS"
    )
    decay: str = _option(
        "cosine",
        "Of the learning rate, cosine and linear to 0: {choices}.",
        choices=("cosine", "linear", "exponential", "step", "inverse", "none"),
    )
    decay_rate: float = _option(
        0.1, "Factor of the exponential and the step decay, divisor less 1 of the inverse ...", must=POSITIVE
    )
    decay_epochs: float = _option(1.0, "... over so many epochs.", must=POSITIVE)
    weight_decay: float = _option(1e-2, must=NOT_NEGATIVE)
    clip_norm: float = _option(0.0, "Largest norm of all gradients together; 0 is off.", must=NOT_NEGATIVE)
    clip_value: float = _option(
        0.0, "Largest absolute value of a gradient's entry; 0 is off.", must=NOT_NEGATIVE
    )
    ema: float = _option(0.98, "Momentum of the weights' moving average; 0 is off.", must=SHARE)
    dropout: float = _option(0.5, "Rate before the last convolution.", must=SHARE, of_network=True)
    feature_dropout: float = _option(0.1, "Rate of dropped feature channels.", must=SHARE, of_network=True)
    flip: bool = _option(True, "Mirror stimulus, map and fixations at random.")
    crop: float = _option(0.0, "Cut off up to this share of each side at random; 0 is off.", must=SHARE)
    scale: float = _option(0.0, "Draw stimuli up to this share smaller or larger; 0 is off.", must=SHARE)
    color: float = _option(0.0, "Change brightness, contrast, saturation by up to this share.", must=SHARE)
    patience: int = _option(
        3, "Epochs without a better validation loss before stopping; 0 is off.", must=NOT_NEGATIVE
    )
    seed: int = _option(0, must=SEED)
    precision: str = _option("auto", "Of backbone and head: {choices}.  [default: auto]", choices=PRECISIONS)
    xla: bool | None = _option(None, "Compile with XLA.  [default: on a GPU]")
    deterministic: bool = _option(False, "The same result bit for bit in each run.")
    strategy: str = _option(
        "none",
        "mirrored: all GPUs of this machine; multi-worker: the machines of TF_CONFIG.",
        choices=("none", "mirrored", "multi-worker"),
    )
    checkpoint_minutes: float = _option(
        5.0, "Between checkpoints within an epoch; 0 is one after each step.", must=NOT_NEGATIVE
    )


# What most authors' programs do without, and what three of them train with.
_PLAIN = {"decay": "none", "weight_decay": 0.0, "ema": 0.0, "flip": False}
_SGD = {**_PLAIN, "freeze_backbone": False, "optimizer": "sgd", "momentum": 0.9}

# Each recipe names all that it differs in from the one that it begins with, so that recipes look alike.
RECIPES: dict[str, dict[str, Any]] = {
    # What learned best on OSIE in a few minutes on two cores; docs/results.md has the comparison.
    "default": {},
    # The same on EfficientNet-Lite2.
    "light": dict(model="light", input_size=(304, 400)),
    # The best network on OSIE and Scene: VGG-16 learns too, at a fifth of the default's rate.
    "fine-tuned": dict(freeze_backbone=False, learning_rate=1e-4, epochs=10, patience=0),
    # Section 3.1: plain SGD at 0.001 in batches of 60, dropout 0.25, no augmentation.
    "paper": dict(
        _PLAIN,
        optimizer="sgd",
        learning_rate=1e-3,
        batch_size=60,
        dropout=0.25,
        feature_dropout=0.0,
        epochs=30,
    ),
    # Cornia et al. 2018 and their code: RMSprop 1e-4, batches of 10, all layers, up to 10 epochs.
    "sam": dict(
        _PLAIN,
        model="sam-vgg",
        input_size=(240, 320),
        freeze_backbone=False,
        optimizer="rmsprop",
        learning_rate=1e-4,
        batch_size=10,
        epochs=10,
    ),
    # Pan et al. 2017: AdaGrad 3e-4, batches of 32, 15 epochs of BCE, then the discriminator; the published
    # weights are those of its 90th epoch. Their L2 term has no effect in their code.
    "salgan": dict(
        _PLAIN,
        loss="bce",
        model="salgan",
        input_size=(192, 256),
        adversarial_after=15,
        epochs=105,
        batch_size=32,
        optimizer="adagrad",
        learning_rate=3e-4,
        patience=0,
    ),
    # Cornia et al. 2016 and their code: Nesterov 0.9, rate 1e-3 / (1 + 5e-4 updates), batches of 10: an epoch
    # of SALICON's 10,000 stimuli are 1000 updates.
    "mlnet": dict(
        _SGD,
        loss="mlnet-mse",
        model="mlnet",
        input_size=(480, 640),
        learning_rate=1e-3,
        nesterov=True,
        decay="inverse",
        decay_rate=0.5,
        batch_size=10,
        epochs=20,
        patience=5,
    ),
    # Pan et al. 2016 and a training prototxt: 24,000 updates of 2 of SALICON's 10,000 stimuli, the rate
    # halved every 2000. Caffe's Euclidean loss is 240 x 320 times 2 MSE, and its rate 0.01 / (240 x 320). Its
    # weight decay of 5e-4 beside so large a loss comes to 6.5e-9 here, and is left out.
    "deepconvnet": dict(
        _SGD,
        loss="2*mse",
        model="deepconvnet",
        backbone_weights="random",
        input_size=(240, 320),
        learning_rate=0.01,
        decay="step",
        decay_rate=0.5,
        decay_epochs=0.4,
        batch_size=2,
        epochs=5,
        patience=0,
    ),
    # Pan et al. 2016 and their code, whose maps have twice the range, so that its MSE is 4 times this one.
    # There the momentum rises from 0.9 to 0.999 in a straight line.
    "shallownet": dict(
        _SGD,
        loss="4*mse",
        model="shallownet",
        backbone_weights="random",
        input_size=(96, 96),
        learning_rate=0.05,
        nesterov=True,
        decay="linear",
        batch_size=128,
        flip=True,
        epochs=1200,
        patience=0,
    ),
}
