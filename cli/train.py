"""kerasal train"""

import re
import shlex
from functools import partial
from pathlib import Path

import click

from kerasal_cli import loading, options
from kerasal_cli.completion import complete_losses, complete_models
from kerasal_cli.loading import load_data, load_library, progress, say


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


SOURCE = click.core.ParameterSource
DATA = ("data_dir", *options.READING.NAMES)
# Where things lie may differ when a run goes on.
PLACES = ("data_dir", "cache_dir", "cache_size", "cache_in_memory")
ADAPTING = ("adapt", "data", "limit", "loss", "run", *DATA)


@click.command()
@click.option(
    "--config",
    type=options.PATH,
    is_eager=True,
    expose_value=False,
    callback=_read_config,
    help="YAML or JSON file with these options; each run writes one, options.yaml.",
)
@click.option(
    "--resume",
    type=options.PATH,
    metavar="RUN",
    help="Go on with a run that was stopped, with its own options; with --epochs longer than it was to be.",
)
@click.option(
    "--adapt",
    metavar="RUN|NAME",
    shell_complete=complete_models,
    help="Fit a trained network to the data by ten numbers, instead of training one; a few images do.",
)
@options.of(options.TRAINING.OptionTable, "loss", loss={"shell_complete": complete_losses})
@options.data(default="synthetic")
@click.option("--run", type=options.PATH, help="Run folder to make.  [default: runs/DATA-LOSS]")
@click.option(
    "--recipe",
    default="default",
    help=f"Defaults of the options below: {options.either(options.TRAINING.RECIPES)}; default is the "
    "model's own, fine-tuned better and slower.",
)
@options.of(
    options.TRAINING.OptionTable,
    *(name for name in options.TRAINING.OptionTable.__dataclass_fields__ if name != "loss"),
    weights={"shell_complete": complete_models},
)
@click.option(
    "--cache-features/--no-cache-features",
    default=True,
    help="Compute the frozen backbone's features once.",
)
@options.cache("run")
@click.pass_context
def train(context, resume, adapt, cache_dir, cache_size, cache_in_memory, **choices) -> None:
    """Train a network; writes a run folder with weights, history and configuration.

    \b
    Examples:
      kerasal train --loss kld+cc+nss
      kerasal train --loss mse --data osie --data-dir ~/osie
      kerasal train --data my_folder --recipe paper --epochs 20
      kerasal train --data "osie*2+scene" --data-dir osie=~/osie --data-dir scene=~/scene
      kerasal train --resume runs/osie-mse
      kerasal train --resume runs/osie-mse --epochs 12
      kerasal train --weights baseline.fine-tuned --data my_folder
      kerasal train --model sam-vgg --data osie --freeze-backbone
      kerasal train --model salgan --data osie
      kerasal train --adapt light.fine-tuned --data my_folder
    """
    if resume and adapt:
        raise click.UsageError("give --resume or --adapt")
    if resume:
        _refuse_other_options(
            context, ("resume", "epochs", *PLACES), "--resume goes on with the run's own options"
        )
    if adapt:
        _refuse_other_options(context, ADAPTING, "--adapt takes data, --loss and --run alone")
    file, place = context.default_map or {}, context.get_parameter_source("data_dir")
    if place.name == "DEFAULT_MAP" and file.get("data", choices["data"]) != choices["data"]:
        choices["data_dir"] = None  # where other data lie
    load_library()
    from kerasal import training

    where = {
        "cache_folder": None if cache_in_memory else cache_dir or training.default_cache(),
        "cache_bound": cache_size,
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
        result = _train(where, _of_file(context), **choices)
    if result is None:
        return  # the chief tells
    best = result.best_epoch
    scores = ", ".join(
        f"{name.upper()} {best[f'val_{name}']:.3f}" for name in ("cc", "nss") if f"val_{name}" in best
    )
    click.echo(f"best after epoch {best['epoch'] + 1:.0f} of {len(result.history)}: validation {scores}")
    _tell_next(result.path)


def _tell_next(run):
    run = shlex.quote(str(run))
    click.echo(f"next: kerasal evaluate {run}   or: kerasal predict --model {run} IMAGES")


def _of_file(context):
    """The training options that the --config file decides, if --recipe, --loss or --model is given beside it.

    UsageError: --recipe, with nothing left for it to decide.
    """
    table = options.TRAINING.OptionTable.__dataclass_fields__
    source = {name: context.get_parameter_source(name) for name in ("recipe", *table)}
    left = [name for name in table if source[name] == SOURCE.DEFAULT and table[name].default is not None]
    if source["recipe"] == SOURCE.COMMANDLINE and not left:
        raise click.UsageError("the --config file names every option, as a run's does: leave out --recipe")
    beside = SOURCE.COMMANDLINE in (source["recipe"], source["loss"], source["model"])
    return [name for name in table if beside and source[name] == SOURCE.DEFAULT_MAP]


def _train(where, of_file, loss, data, limit, run, recipe, input_size, cache_features, **changes):
    from kerasal import losses, training

    place = {name: changes.pop(name) for name in DATA}
    changes["loss"] = loss and losses.canonical(loss)
    training.make_strategy(changes["strategy"] or "none")  # before TensorFlow computes anything
    # Mistakes are told before data are read.
    training.options(recipe, input_size=input_size, **changes)
    if run:
        training.RunFolder.check_free(run)
    dataset = load_data(limit, name=data, **place)
    size = input_size or training.input_size_for(dataset, recipe, changes["model"])
    chosen = training.options(recipe, input_size=size, **changes)
    decided = {name: getattr(chosen, name) for name in ("loss", "model", "activation", "input_size")}
    plain = training.options(recipe, **decided) if of_file else chosen
    if kept := [name for name in of_file if getattr(chosen, name) != getattr(plain, name)]:
        say(f"Note: the --config file decides {', '.join(kept)}, where the recipe has other values")
    name = re.sub(r"[^\w+.-]+", "-", f"{dataset.name}-{loss or chosen.loss}")
    say(f"training on {dataset.description}, loss {chosen.loss}" + (f", into {run}" if run else ""))
    run = run or partial(training.new_run_path, name)
    return training.train(dataset, chosen, run, limit=limit, cache_features=cache_features, **where)


def _adapt(name, where, data, limit, loss, run, **choices):
    from kerasal import prediction, training
    from kerasal.errors import InputError
    from kerasal.models import SaliencyModel

    if run:
        training.RunFolder.check_free(run)
    base = prediction.load(name)
    if not isinstance(base, SaliencyModel):
        raise InputError(f"{name} is no network: --adapt takes a run folder or a network of kerasal models")
    dataset = load_data(limit, name=data, **{key: choices[key] for key in DATA})
    loss = loss or training.TrainingOptions.loss
    say(f"adapting {name} to {dataset.description}, loss {loss}")
    run = run or partial(training.new_run_path, f"{dataset.name}-adapted")
    where = {key: where[key] for key in ("progress", "report")}
    _tell_next(training.adapt(base, dataset, run, loss=loss, limit=limit, weights=name, **where).path)


def _refuse_other_options(context, free, why):
    free = {*free, "quiet", "verbose"}
    for parameter in context.command.params:
        if parameter.name not in free and context.get_parameter_source(parameter.name) == SOURCE.COMMANDLINE:
            raise click.UsageError(f"{why}: leave out {parameter.opts[0]}")
