"""What each part of the default recipe brings, one change at a time: the paper's network on OSIE and Scene.

KERAS_BACKEND=jax python tests/benchmarks/recipe.py OSIE SCENE RESULT.json [--minutes M] [--seeds N]
    [--only TEXT,TEXT] [--limit N]

It needs JAX, and a GPU to end within minutes: the features of all stimuli stay in its memory, and an epoch is
one compiled loop. Each variant is trained on both training splits, in bfloat16, and scored on both validation
splits, map and density at 450x600; the weights of the last epoch count. Seeds are the outer loop: what has
not begun when M minutes are over is left out. `--only` takes the variants whose names hold one of the texts.
RESULT.json holds what a variant changes and CC and NSS of each seed and validation image:
docs/figures/results_table.py prints the table of one.
"""

import argparse
import dataclasses
import functools
import json
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np

SETS = ("osie", "scene")
LAYERS = ("block3_pool", "block4_pool", "block5_conv3")
SCORED_AT = (450, 600)
LUMA = (0.299, 0.587, 0.114)  # of R, G, B (ITU-R BT.601)
CHUNK = 10  # stimuli of one pass without gradients


@dataclasses.dataclass(frozen=True)
class Recipe:
    """What a training can vary; the values here are the defaults of `kerasal train` at 450x600."""

    loss: str = "kld+cc+nss"
    learning_rate: float = 5e-4
    decay: str = "cosine"
    weight_decay: float = 1e-2
    epochs: int = 6
    batch: int = 8
    flip: bool = True
    ema: float = 0.98
    dropout: float = 0.5
    feature_dropout: float = 0.1
    sigma: float = 1.0  # of the training density, times its own
    without: str = ""  # a feature layer that is left out
    size: tuple[int, int] = (450, 600)
    data: str = "osie+scene"
    tuned: str = ""  # layers of VGG-16 that learn afterwards, with the head: names start with one of these
    tuning_rate: float = 1e-5
    tuning_epochs: int = 0
    scale: float = 0.0  # while they learn, stimuli are drawn 1 - scale to 1 + scale times as large ...
    color: float = 0.0  # ... and brightness, contrast and saturation change by at most this share


ALL = "block1,block2,block3,block4,block5"


def fine_tuned(epochs: int, size: tuple[int, int], rate: float = 1e-4, **changes) -> dict:
    """VGG-16 learns with the head from the start."""
    return {"epochs": 0, "tuned": ALL, "tuning_epochs": epochs, "tuning_rate": rate, "size": size, **changes}


VARIANTS = {
    "default": {},
    "learning rate 2.5e-4": {"learning_rate": 2.5e-4},
    "learning rate 1e-3": {"learning_rate": 1e-3},
    "no decay": {"decay": "none"},
    "no flips": {"flip": False},
    "no averaged weights": {"ema": 0.0},
    "averaged with 0.995": {"ema": 0.995},
    "no dropout": {"dropout": 0.0},
    "dropout 0.25": {"dropout": 0.25},
    "no feature dropout": {"feature_dropout": 0.0},
    "feature dropout 0.3": {"feature_dropout": 0.3},
    "no weight decay": {"weight_decay": 0.0},
    "weight decay 0.1": {"weight_decay": 0.1},
    "4 epochs": {"epochs": 4},
    "10 epochs": {"epochs": 10},
    "batches of 16": {"batch": 16},
    "sigma times 0.75": {"sigma": 0.75},
    "sigma times 1.5": {"sigma": 1.5},
    "without block3_pool": {"without": "block3_pool"},
    "without block4_pool": {"without": "block4_pool"},
    "without block5_conv3": {"without": "block5_conv3"},
    "loss kld": {"loss": "kld"},
    "loss 10*kld+2*cc": {"loss": "10*kld+2*cc"},
    "loss 3*kld+3*cc+nss": {"loss": "3*kld+3*cc+nss"},
    "loss 10*kld+2*cc+3*nss": {"loss": "10*kld+2*cc+3*nss"},
    "input 300x400": {"size": (300, 400)},
    "input 375x500": {"size": (375, 500)},
    "input 600x800": {"size": (600, 800)},
    "trained on osie alone": {"data": "osie"},
    "trained on scene alone": {"data": "scene"},
    "then block5 too, 1e-4, 4 epochs": {"tuned": "block5", "tuning_rate": 1e-4, "tuning_epochs": 4},
    "then all, 1e-5, 4 epochs": {"tuned": ALL, "tuning_rate": 1e-5, "tuning_epochs": 4},
    "then all, 3e-5, 4 epochs": {"tuned": ALL, "tuning_rate": 3e-5, "tuning_epochs": 4},
    "then all, 1e-4, 4 epochs": {"tuned": ALL, "tuning_rate": 1e-4, "tuning_epochs": 4},
    "fine-tuned, 450x600, 6 epochs": fine_tuned(6, (450, 600)),
    "fine-tuned, 450x600, 6 epochs, 2e-4": fine_tuned(6, (450, 600), 2e-4),
    "fine-tuned, 450x600, 6 epochs, osie alone": fine_tuned(6, (450, 600), data="osie"),
    "fine-tuned, 450x600, 10 epochs": fine_tuned(10, (450, 600)),
    "fine-tuned, 375x500, 6 epochs": fine_tuned(6, (375, 500)),
    "fine-tuned, 375x500, 6 epochs, osie alone": fine_tuned(6, (375, 500), data="osie"),
    "fine-tuned, 375x500, 10 epochs": fine_tuned(10, (375, 500)),
    "fine-tuned, 375x500, 10 epochs, osie alone": fine_tuned(10, (375, 500), data="osie"),
    "fine-tuned, 375x500, 10 epochs, scale 0.25": fine_tuned(10, (375, 500), scale=0.25),
    "fine-tuned, 375x500, 10 epochs, scale 0.25, colour 0.2": fine_tuned(
        10, (375, 500), scale=0.25, color=0.2
    ),
    "fine-tuned, 375x500, 10 epochs, scale 0.5": fine_tuned(10, (375, 500), scale=0.5),
    "fine-tuned, 300x400, 6 epochs": fine_tuned(6, (300, 400)),
    "fine-tuned, 300x400, 6 epochs, 2e-4": fine_tuned(6, (300, 400), 2e-4),
    "fine-tuned, 300x400, 6 epochs, the head 6 epochs before": fine_tuned(6, (300, 400)) | {"epochs": 6},
    "fine-tuned, 300x400, 10 epochs": fine_tuned(10, (300, 400)),
    "fine-tuned, 300x400, 10 epochs, feature dropout 0.3": fine_tuned(10, (300, 400), feature_dropout=0.3),
    "fine-tuned, 300x400, 10 epochs, scale 0.25": fine_tuned(10, (300, 400), scale=0.25),
}


class Experiment:
    """The data in the accelerator's memory, and trainings on it."""

    def __init__(self, folders: dict[str, Path], limit: int | None):
        import jax.numpy as jnp

        from kerasal import data

        self.datasets = [data.load(name, folder) for name, folder in folders.items()]
        if limit:
            self.datasets = [dataset.limited(limit) for dataset in self.datasets]
        self.train = [sample for dataset in self.datasets for sample in dataset["train"]]
        self.validation = [sample for dataset in self.datasets for sample in dataset["validation"]]
        self.of_set = {
            split: np.concatenate([np.full(len(d[split]), i) for i, d in enumerate(self.datasets)])
            for split in ("train", "validation")
        }
        # Of the sizes in turn, no more than two fit into the memory.
        self.training_targets = functools.lru_cache(2)(self._training_targets)
        self.stimuli = functools.lru_cache(2)(self._stimuli)
        self.features = functools.lru_cache(2)(self._features)
        self.scored = jnp.asarray(self.targets(self.validation, SCORED_AT, 1.0))

    @staticmethod
    def targets(samples: list, size: tuple[int, int], sigma: float) -> np.ndarray:
        """`y_true`, (N, rows, columns, 2) float32."""
        with ThreadPoolExecutor(16) as threads:
            changed = (dataclasses.replace(sample, sigma=sigma * sample.sigma) for sample in samples)
            return np.stack(list(threads.map(lambda sample: sample.target(size), changed)))

    def _training_targets(self, size, sigma):
        import jax.numpy as jnp

        return jnp.asarray(self.targets(self.train, size, sigma))

    def _stimuli(self, size: tuple[int, int]):
        """Of both splits, (N, rows, columns, 3) uint8. Pillow's bicubic is antialiased, as the pipeline's."""
        import jax.numpy as jnp
        from PIL import Image

        def read(sample):
            image = Image.fromarray(sample.read_stimulus())
            return np.asarray(image.resize(size[::-1], Image.Resampling.BICUBIC))

        with ThreadPoolExecutor(16) as threads:
            return [
                jnp.asarray(np.stack(list(threads.map(read, split))))
                for split in (self.train, self.validation)
            ]

    def _features(self, size: tuple[int, int]):
        """Of training stimuli, of their mirror images, and of validation stimuli: lists of layers."""
        import jax
        import jax.numpy as jnp

        backbone = network(Recipe(size=size)).backbone
        weights = [v.value for v in backbone.trainable_variables + backbone.non_trainable_variables]

        @jax.jit
        def compute(weights, stimuli):
            return backbone.stateless_call([], weights, stimuli.astype("float32"), training=False)[0]

        train, validation = self.stimuli(size)
        passes = []
        for stimuli, mirrored in ((train, False), (train, True), (validation, False)):
            found = [
                compute(weights, part[:, :, ::-1] if mirrored else part)
                for part in (stimuli[i : i + CHUNK] for i in range(0, len(stimuli), CHUNK))
            ]
            passes.append([jnp.concatenate(layer) for layer in zip(*found, strict=True)])
        return passes

    def run(self, recipe: Recipe, seed: int):
        """Train; returns CC and NSS of each validation image, (N, 2)."""
        import jax.numpy as jnp
        import keras

        keras.utils.set_random_seed(seed)
        model = network(recipe)
        chosen = [i for i, dataset in enumerate(self.datasets) if dataset.name in recipe.data.split("+")]
        training = np.flatnonzero(np.isin(self.of_set["train"], chosen))
        target = self.training_targets(recipe.size, recipe.sigma)
        if recipe.epochs:
            plain, mirrored, seen = self.features(recipe.size)
            if recipe.without:
                left = LAYERS.index(recipe.without)
                plain, mirrored, seen = (
                    [jnp.zeros_like(layer) if i == left else layer for i, layer in enumerate(layers)]
                    for layers in (plain, mirrored, seen)
                )
            learn(model.head, (plain, mirrored, target), training, recipe, recipe.learning_rate, seed)
        if recipe.tuned:
            for layer in model.backbone.get_layer("vgg16").layers:
                layer.trainable = layer.name.startswith(tuple(recipe.tuned.split(",")))
            stimuli, seen = self.stimuli(recipe.size)
            later = dataclasses.replace(recipe, epochs=recipe.tuning_epochs)
            learn(model, ([stimuli], None, target), training, later, recipe.tuning_rate, seed + 1000)
            return score(model, [seen], self.scored)
        return score(model.head, seen, self.scored)


def network(recipe: Recipe):
    """The paper's network in bfloat16, its last layers in float32."""
    import keras

    from kerasal import losses, models

    keras.config.set_dtype_policy("mixed_bfloat16")
    model = models.Baseline(
        recipe.size,
        losses.activation_for(losses.get(recipe.loss)),
        dropout=recipe.dropout,
        feature_dropout=recipe.feature_dropout,
    )
    keras.config.set_dtype_policy("float32")
    model.backbone.trainable = bool(recipe.tuned)
    return model


def learn(model, arrays, training, recipe: Recipe, rate: float, seed: int) -> None:
    """Train a Keras model on rows `training` of the arrays; it has its averaged weights afterwards.

    arrays: lists of inputs, of mirrored inputs (None: mirror them here), and y_true.
    """
    import jax
    import jax.numpy as jnp
    import keras

    from kerasal import losses

    loss = losses.get(recipe.loss)
    steps = len(training) // recipe.batch
    schedule = keras.optimizers.schedules.CosineDecay(rate, steps * recipe.epochs)
    optimizer = keras.optimizers.AdamW(
        schedule if recipe.decay == "cosine" else rate,
        weight_decay=recipe.weight_decay,
        use_ema=bool(recipe.ema),
        ema_momentum=recipe.ema or 0.99,
    )
    optimizer.build(model.trainable_variables)

    def step(arrays, state, batch):
        weights, others, moments = state
        rows, flipped, draws = batch
        plain, mirrored, target = arrays
        turned = flipped[:, None, None, None]
        if mirrored is None:
            inputs = [jnp.where(turned, x[rows][:, :, ::-1], x[rows]).astype("float32") for x in plain]
        else:
            inputs = [jnp.where(turned, y[rows], x[rows]) for x, y in zip(plain, mirrored, strict=True)]
        y_true = jnp.where(turned, target[rows][:, :, ::-1], target[rows])
        if mirrored is None and (recipe.scale or recipe.color):
            changed = functools.partial(change, scale=recipe.scale, color=recipe.color)
            inputs[0], y_true = jax.vmap(changed)(inputs[0], y_true, draws)

        def objective(weights):
            maps, after = model.stateless_call(
                weights, others, inputs if len(inputs) > 1 else inputs[0], training=True
            )
            return loss(y_true, maps), after

        (value, others), gradients = jax.value_and_grad(objective, has_aux=True)(weights)
        weights, moments = optimizer.stateless_apply(moments, gradients, weights)
        return (weights, others, moments), value

    @jax.jit
    def epoch(arrays, state, order):
        return jax.lax.scan(functools.partial(step, arrays), state, order)

    groups = (model.trainable_variables, model.non_trainable_variables, optimizer.variables)
    state = [[v.value for v in variables] for variables in groups]
    random = np.random.default_rng(seed)
    for _ in range(recipe.epochs):
        order = random.permutation(training)[: steps * recipe.batch].reshape(steps, recipe.batch)
        flipped = random.random(order.shape) < (0.5 if recipe.flip else 0)
        draws = random.random((*order.shape, 6), "float32")
        state, values = epoch(arrays, tuple(state), (order, flipped, draws))
        if not np.isfinite(values).all():
            raise FloatingPointError("the loss is not finite")
    for variables, values in zip(groups, state, strict=True):
        for variable, value in zip(variables, values, strict=True):
            variable.assign(value)
    if recipe.ema:
        for variable, average in zip(
            model.trainable_variables, optimizer._model_variables_moving_average, strict=True
        ):
            variable.assign(average.value)


def change(stimulus, y_true, draw, scale: float, color: float):
    """One stimulus and its `y_true` at another scale and in other colours, as `kerasal train` changes them.

    Fixations are taken from the nearest pixel, where `kerasal train` draws them anew.
    """
    import jax.numpy as jnp
    from jax.image import scale_and_translate

    from kerasal.layers.stimulus import IMAGENET_MEAN_BGR

    rows, columns = stimulus.shape[:2]
    times = 1 - scale + 2 * scale * draw[0]
    sides = jnp.array([rows, columns], "float32")
    shift = -(times - 1) * sides * draw[1:3]
    mean = jnp.array(IMAGENET_MEAN_BGR[::-1])
    brightness, contrast, saturation = 1 - color + 2 * color * draw[3:]
    stimulus = stimulus * brightness
    grey = (stimulus * jnp.array(LUMA)).sum(-1, keepdims=True)
    stimulus = grey + (stimulus - grey) * saturation
    stimulus = jnp.clip(grey.mean() + (stimulus - grey.mean()) * contrast, 0, 255)
    factors = jnp.array([times, times])
    drawn = scale_and_translate(stimulus - mean, stimulus.shape, (0, 1), factors, shift, "linear") + mean
    density = scale_and_translate(y_true[..., 0], (rows, columns), (0, 1), factors, shift, "linear")
    places = [
        jnp.floor((jnp.arange(side) + 0.5 - shift[axis]) / times).astype("int32")
        for axis, side in enumerate((rows, columns))
    ]
    seen = [(place >= 0) & (place < side) for place, side in zip(places, (rows, columns), strict=True)]
    fixated = y_true[..., 1][places[0][:, None] % rows, places[1][None] % columns]
    fixated = jnp.where(seen[0][:, None] & seen[1][None], fixated, 0.0)
    density = density / jnp.maximum(density.max(), 1e-6)
    return drawn, jnp.stack([density, fixated], axis=-1)


def score(model, inputs, scored) -> np.ndarray:
    """CC and NSS of each stimulus, (N, 2), its map brought to the size of `scored`."""
    import jax
    from keras import ops

    from kerasal.losses import functional

    state = [[v.value for v in group] for group in (model.trainable_variables, model.non_trainable_variables)]

    @jax.jit
    def of_batch(state, inputs, y_true):
        inputs = [ops.cast(x, "float32") if x.dtype == "uint8" else x for x in inputs]
        maps = model.stateless_call(*state, inputs if len(inputs) > 1 else inputs[0], training=False)[0]
        maps = ops.image.resize(maps, y_true.shape[1:3], antialias=True)
        return ops.stack([-functional.cc(y_true, maps), -functional.nss(y_true, maps)], axis=1)

    return np.concatenate(
        [
            np.asarray(of_batch(state, [x[i : i + CHUNK] for x in inputs], scored[i : i + CHUNK]))
            for i in range(0, len(scored), CHUNK)
        ]
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("folders", nargs=2, type=Path, metavar="FOLDER", help="of OSIE and of Scene")
    parser.add_argument("result", type=Path)
    parser.add_argument("--minutes", type=float, default=60)
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--only", type=lambda text: text.split(","), default=[""])
    parser.add_argument("--limit", type=int)
    given = parser.parse_args()
    start = time.perf_counter()
    experiment = Experiment(dict(zip(SETS, given.folders, strict=True)), given.limit)
    print(f"{time.perf_counter() - start:6.1f} s  data read", flush=True)
    found = {
        "sets": [SETS[i] for i in experiment.of_set["validation"]],
        "images": [sample.name for sample in experiment.validation],
        "variants": {},
    }
    for seed in range(given.seeds):
        for name, changes in VARIANTS.items():
            if not any(text in name for text in given.only):
                continue
            if time.perf_counter() - start > 60 * given.minutes:
                continue
            recipe = Recipe(**changes)
            scores = experiment.run(recipe, seed)
            entry = found["variants"].setdefault(name, {"changes": changes, "cc": [], "nss": []})
            for column, metric in enumerate(("cc", "nss")):
                entry[metric].append([round(float(value), 5) for value in scores[:, column]])
            given.result.write_text(json.dumps(found))
            means = "  ".join(
                f"{SETS[i]} {cc:.4f} {nss:.4f}"
                for i in range(len(SETS))
                for cc, nss in [scores[experiment.of_set["validation"] == i].mean(axis=0)]
            )
            print(f"{time.perf_counter() - start:6.1f} s  {name}, seed {seed}: {means}", flush=True)


if __name__ == "__main__":
    main()
