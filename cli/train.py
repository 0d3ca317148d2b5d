"""kerasal train"""

import re
from pathlib import Path

import click

from kerasal_cli import loading
from kerasal_cli.completion import complete_losses, complete_models
from kerasal_cli.loading import data_options, load_data, load_library, progress, rows_by_columns, say


def _read_config(context: click.Context, _, path: Path | None) -> None:
    """Make a configuration file's values the defaults of the other options."""
    if path is None:
        return
    load_library()
    from kerasal.training import read_config

    values = read_config(path)
    if size := values.get("input_size"):
        values["input_size"] = "x".join(str(side) for side in size)
    if folders := values.get("data_dir"):
        several = isinstance(folders, dict)
        values["data_dir"] = (
            [f"{name}={folder}" for name, folder in folders.items()] if several else [folders]
        )
    context.default_map = values


DATA = ("data_dir", "sigma", "pixels_per_degree", "split_file", "crop_borders", "normalized")
PLACES = ("data_dir", "cache_dir", "cache_in_memory")  # where things lie may differ when a run goes on
ADAPTING = ("adapt", "data", "limit", "loss", "run", *DATA)


@click.command()
@click.option(
    "--config",
    type=click.Path(path_type=Path),
    is_eager=True,
    expose_value=False,
    callback=_read_config,
    help="YAML or JSON file with these options; each run writes one, options.yaml.",
)
@click.option(
    "--resume",
    type=click.Path(path_type=Path),
    metavar="RUN",
    help="Go on with a run that was stopped, with its own options; with --epochs longer than it was to be.",
)
@click.option(
    "--adapt",
    metavar="RUN|NAME",
    shell_complete=complete_models,
    help="Fit a trained network to the data by ten numbers, instead of training one; a few images do.",
)
@click.option(
    "--loss",
    metavar="SPEC",
    shell_complete=complete_losses,
    help="A loss or a weighted sum: 10*kld+2*cc+nss.  [default: by the recipe; kld+cc+nss]",
)
@data_options(default="synthetic")
@click.option("--run", type=click.Path(path_type=Path), help="Run folder to make.  [default: runs/DATA-LOSS]")
@click.option(
    "--recipe",
    default="default",
    show_default=True,
    help="Defaults of the options below: default, fine-tuned (VGG-16 learns too: better and slower), paper "
    "(SGD 0.001, batch 60) or the authors' of a model: sam, salgan, mlnet, deepconvnet, shallownet.",
)
@click.option(
    "--model",
    help="Network: baseline, light, sam-vgg, sam-resnet, salgan, mlnet, deepconvnet or shallownet.  "
    "[default: baseline]",
)
@click.option("--activation", help="Output: relu or sigmoid.  [default: by the loss's family]")
@click.option(
    "--backbone",
    help="Under the paper's head: vgg16, efficientnet-lite2 or resnet50.  [default: the model's]",
)
@click.option("--backbone-weights", metavar="NAME|PATH", help="imagenet, random, or an .h5 file.")
@click.option(
    "--weights",
    metavar="RUN|NAME|FILE",
    shell_complete=complete_models,
    help="Go on from a network that has learned: a shipped one, such as baseline.fine-tuned, a run, or a "
    "weights file.",
)
@click.option(
    "--freeze-backbone/--train-backbone",
    default=None,
    help="Whether the backbone learns too; frozen, its features are computed once.  [default: by the recipe]",
)
@click.option(
    "--input-size",
    metavar="ROWSxCOLUMNS",
    help="Size that stimuli are resized to.  [default: 300x400; 375x500 for larger stimuli]",
)
@click.option("--epochs", type=int)
@click.option(
    "--adversarial-after",
    type=int,
    metavar="EPOCHS",
    help="Epochs before the discriminator joins; for salgan.  [default: 15]",
)
@click.option("--batch-size", type=int, help="Stimuli in one step, on all devices together.")
@click.option("--gradient-accumulation", type=int, help="Steps for each update of the weights.")
@click.option("--optimizer", help="sgd, adam, adamw, rmsprop or adagrad.")
@click.option("--learning-rate", type=float)
@click.option("--momentum", type=float, help="Of sgd and rmsprop.")
@click.option("--nesterov/--no-nesterov", default=None, help="Nesterov's momentum, for sgd.")
@click.option(
    "--warmup", type=float, metavar="EPOCHS", help="Let the learning rate rise over so many epochs."
)
@click.option("--decay", help="Of the learning rate: cosine, linear, exponential, step, inverse or none.")
@click.option(
    "--decay-rate",
    type=float,
    help="Factor of the exponential and the step decay, divisor less 1 of the inverse ...",
)
@click.option("--decay-epochs", type=float, help="... over so many epochs.")
@click.option("--weight-decay", type=float)
@click.option("--clip-norm", type=float, help="Largest norm of all gradients together; 0 is off.")
@click.option("--clip-value", type=float, help="Largest absolute value of a gradient's entry; 0 is off.")
@click.option("--ema", type=float, help="Momentum of the weights' moving average; 0 is off.")
@click.option("--dropout", type=float, help="Rate before the last convolution.")
@click.option("--feature-dropout", type=float, help="Rate of dropped feature channels.")
@click.option("--flip/--no-flip", default=None, help="Mirror stimulus, map and fixations at random.")
@click.option("--crop", type=float, help="Cut off up to this share of each side at random; 0 is off.")
@click.option("--scale", type=float, help="Draw stimuli up to this share smaller or larger; 0 is off.")
@click.option("--color", type=float, help="Change brightness, contrast, saturation by up to this share.")
@click.option(
    "--patience", type=int, help="Epochs without a better validation loss before stopping; 0 is off."
)
@click.option("--seed", type=int)
@click.option(
    "--precision", help="Of backbone and head: auto, float32, bfloat16 or float16.  [default: auto]"
)
@click.option("--xla/--no-xla", default=None, help="Compile with XLA.  [default: on a GPU]")
@click.option(
    "--deterministic/--no-deterministic", default=None, help="The same result bit for bit in each run."
)
@click.option(
    "--strategy", help="mirrored: all GPUs of this machine; multi-worker: the machines of TF_CONFIG."
)
@click.option("--checkpoint-minutes", type=float, help="Between checkpoints within an epoch.")
@click.option(
    "--cache-features/--no-cache-features",
    default=True,
    show_default=True,
    help="Compute the frozen backbone's features once.",
)
@click.option(
    "--cache-dir",
    type=click.Path(path_type=Path),
    help="Where features are kept between runs.  [default: $KERASAL_CACHE or ~/.cache/kerasal]",
)
@click.option("--cache-in-memory", is_flag=True, help="Keep the features in memory, for this run alone.")
@click.pass_context
def train(context, resume, adapt, cache_dir, cache_in_memory, **choices) -> None:
    """Train a network; writes a run folder with weights, history and configuration.

    \b
    Examples:
      kerasal train --loss kld+cc+nss
      kerasal train --loss mse --data osie --data-dir ~/osie
      kerasal train --data my_folder --recipe paper --epochs 20
      kerasal train --data osie*2+scene --data-dir osie=~/osie --data-dir scene=~/scene
      kerasal train --resume runs/osie-mse
      kerasal train --resume runs/osie-mse --epochs 12
      kerasal train --weights baseline.fine-tuned --data my_folder
      kerasal train --model sam-vgg --data osie --freeze-backbone
      kerasal train --model salgan --data osie
      kerasal train --adapt baseline.fine-tuned --data my_folder
    """
    if resume and adapt:
        raise click.UsageError("give --resume or --adapt")
    if resume:
        _refuse_other_options(
            context, ("resume", "epochs", *PLACES), "--resume goes on with the run's own options"
        )
    if adapt:
        _refuse_other_options(context, ADAPTING, "--adapt takes data, --loss and --run alone")
    load_library()
    from kerasal import training

    where = {
        "cache_folder": None if cache_in_memory else cache_dir or training.default_cache(),
        "progress": progress,
        "report": say,
        "verbose": 0 if loading.QUIET else "auto",
    }
    if adapt:
        _adapt(adapt, where, **choices)
        return
    if resume:
        result = training.resume(resume, epochs=choices["epochs"], data_dir=choices["data_dir"], **where)
    else:
        result = _train(where, **choices)
    if result is None:
        return  # the chief tells
    best = min(result.history, key=lambda epoch: epoch["val_loss"])
    scores = ", ".join(
        f"{name.upper()} {best[f'val_{name}']:.3f}" for name in ("cc", "nss") if f"val_{name}" in best
    )
    click.echo(f"best after epoch {best['epoch'] + 1:.0f} of {len(result.history)}: validation {scores}")
    click.echo(f"next: kerasal evaluate {result.path}   or: kerasal predict --model {result.path} IMAGES")


def _train(
    where,
    loss,
    data,
    limit,
    run,
    recipe,
    input_size,
    cache_features,
    **changes,
):
    from kerasal import losses, training

    place = {name: changes.pop(name) for name in DATA}
    changes["loss"] = loss and losses.canonical(loss)
    training.make_strategy(changes["strategy"] or "none")  # before TensorFlow computes anything
    size = rows_by_columns(input_size, "--input-size")
    # Mistakes are told before data are read.
    training.options(recipe, input_size=size, **changes)
    if run:
        training.RunFolder.check_free(run)
    dataset = load_data(limit, name=data, **place)
    size = size or training.input_size_for(dataset, recipe, changes["model"])
    options = training.options(recipe, input_size=size, **changes)
    run = run or training.new_run_path(re.sub(r"[^\w+.-]+", "-", f"{dataset.name}-{loss or options.loss}"))
    say(f"training on {dataset.description}, loss {options.loss}, into {run}")
    return training.train(dataset, options, run, limit=limit, cache_features=cache_features, **where)


def _adapt(name, where, data, limit, loss, run, **choices):
    from kerasal import prediction, training
    from kerasal.errors import InputError
    from kerasal.models import SaliencyModel

    base = prediction.load(name)
    if not isinstance(base, SaliencyModel):
        raise InputError(f"{name} is no network: --adapt takes a run folder or a network of kerasal models")
    dataset = load_data(limit, name=data, **{key: choices[key] for key in DATA})
    run = run or training.new_run_path(f"{dataset.name}-adapted")
    loss = loss or training.TrainingOptions.loss
    say(f"adapting {name} to {dataset.description}, loss {loss}, into {run}")
    where = {key: where[key] for key in ("progress", "report")}
    training.adapt(base, dataset, run, loss=loss, limit=limit, **where)
    click.echo(f"next: kerasal evaluate {run}   or: kerasal predict --model {run} IMAGES")


def _refuse_other_options(context, free, why):
    given = click.core.ParameterSource.COMMANDLINE
    free = {*free, "quiet", "verbose"}
    for parameter in context.command.params:
        if parameter.name not in free and context.get_parameter_source(parameter.name) == given:
            raise click.UsageError(f"{why}: leave out {parameter.opts[0]}")
