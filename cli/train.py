"""kerasal train"""

import re
import sys
from pathlib import Path

import click

from kerasal_cli.loading import data_options, load_data, load_library, progress


@click.command()
@click.option(
    "--loss",
    default="kld+cc+nss",
    show_default=True,
    metavar="SPEC",
    help="A loss or a weighted sum: 10*kld+2*cc+nss.",
)
@data_options(default="synthetic")
@click.option("--run", type=click.Path(path_type=Path), help="Run folder to make.  [default: runs/DATA-LOSS]")
@click.option(
    "--recipe",
    default="default",
    show_default=True,
    help="Defaults of the options below: default, paper (SGD 0.001, batch 60) or sam.",
)
@click.option("--model", help="Network: baseline, sam-vgg or sam-resnet.  [default: baseline]")
@click.option("--activation", help="Output: relu or sigmoid.  [default: by the loss's family]")
@click.option("--backbone-weights", metavar="NAME|PATH", help="imagenet, random, or an .h5 file.")
@click.option(
    "--weights", metavar="NAME|PATH", help="Start the whole network from published or converted weights."
)
@click.option(
    "--freeze-backbone/--train-backbone",
    default=None,
    help="Whether the backbone learns too; frozen, its features are computed once.  [default: by the recipe]",
)
@click.option(
    "--input-size", metavar="ROWSxCOLUMNS", help="Size that stimuli are resized to.  [default: 300x400]"
)
@click.option("--epochs", type=int)
@click.option("--batch-size", type=int)
@click.option("--optimizer", help="sgd, adam, adamw or rmsprop.")
@click.option("--learning-rate", type=float)
@click.option("--decay", help="Of the learning rate: cosine or none.")
@click.option("--weight-decay", type=float)
@click.option("--ema", type=float, help="Momentum of the weights' moving average; 0 is off.")
@click.option("--dropout", type=float, help="Rate before the last convolution.")
@click.option("--feature-dropout", type=float, help="Rate of dropped feature channels.")
@click.option("--flip/--no-flip", default=None, help="Mirror stimulus, map and fixations at random.")
@click.option(
    "--patience", type=int, help="Epochs without a better validation loss before stopping; 0 is off."
)
@click.option("--seed", type=int)
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
def train(
    loss,
    data,
    data_dir,
    sigma,
    pixels_per_degree,
    limit,
    run,
    recipe,
    input_size,
    cache_features,
    cache_dir,
    cache_in_memory,
    **changes,
) -> None:
    """Train a network; writes a run folder with weights, history and configuration.

    \b
    Examples:
      kerasal train --loss kld+cc+nss
      kerasal train --loss mse --data osie --data-dir ~/osie
      kerasal train --data my_folder --recipe paper --epochs 20
      kerasal train --model sam-vgg --data osie --freeze-backbone
    """
    load_library()
    from kerasal import losses, training

    spec = losses.canonical(loss)
    options = training.options(recipe, loss=spec, input_size=_size(input_size), **changes)
    dataset = load_data(limit, name=data, data_dir=data_dir, sigma=sigma, pixels_per_degree=pixels_per_degree)
    run = run or training.new_run_path(re.sub(r"[^\w+.-]+", "-", f"{dataset.name}-{loss}"))
    click.echo(f"training on {dataset.description}, loss {spec}, into {run}", err=True)
    result = training.train(
        dataset,
        options,
        run,
        cache_features=cache_features,
        cache_folder=None if cache_in_memory else cache_dir or training.default_cache(),
        progress=progress,
        report=lambda line: click.echo(line, err=True),
        verbose=1 if sys.stdout.isatty() else 2,
    )
    best = min(result.history, key=lambda epoch: epoch["val_loss"])
    scores = ", ".join(
        f"{name.upper()} {best[f'val_{name}']:.3f}" for name in ("cc", "nss") if f"val_{name}" in best
    )
    click.echo(f"best after epoch {best['epoch'] + 1:.0f} of {len(result.history)}: validation {scores}")
    click.echo(f"next: kerasal evaluate {run}   or: kerasal predict --model {run} IMAGES")


def _size(text: str | None) -> tuple[int, int] | None:
    if text is None:
        return None
    try:
        rows, columns = (int(part) for part in text.lower().split("x"))
    except ValueError:
        raise click.BadParameter(
            f"{text!r} is not ROWSxCOLUMNS, such as 300x400", param_hint="--input-size"
        ) from None
    return rows, columns
