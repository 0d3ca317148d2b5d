"""kerasal quest"""

import shlex
from pathlib import Path

import click

from kerasal_cli import options
from kerasal_cli.completion import complete_losses, complete_models
from kerasal_cli.loading import load_data, load_library, open_cluster, progress, say


@click.command()
@click.option(
    "--losses",
    shell_complete=complete_losses,
    default="table2",
    metavar="SPEC,SPEC",
    help="Losses and sums of them, or a list: table2 (the paper's 27), table3, figure3, modern (what "
    "later networks are trained with).",
)
@options.data(default="synthetic")
@click.option("--seeds", type=click.IntRange(1), default=1, help="How many trainings of each loss.")
@click.option(
    "--tune",
    metavar="LOSS,LOSS",
    help="Search for the best sum of these losses first, and compare it with the others.",
)
@click.option("--tune-trials", type=click.IntRange(1), default=40, help="Sums to try.")
@click.option(
    "--test",
    "tests",
    multiple=True,
    metavar="NAME|PATH",
    help="Score on this dataset too, all of it; --data-dir NAME=DIR says where it lies.  [repeatable]",
)
@options.output("The quest's folder.  [default: quests/DATA]")
@click.option(
    "--recipe",
    default="default",
    help="default, or paper (SGD 0.001, batch 60, no search).",
)
@options.of(
    options.TRAINING.OptionTable,
    *("model", "backbone", "backbone_weights", "weights", "activation"),
    *("input_size", "epochs", "patience", "batch_size"),
    model={"help": "Network: baseline or light.  [default: baseline]"},
    weights={
        "help": "A network that has learned, which every loss goes on from in place of --start: a shipped "
        "one, such as baseline.fine-tuned, a run, or a weights file.",
        "shell_complete": complete_models,
    },
    activation={"help": "Output of every loss: {choices}.  [default: by the loss's family]"},
    input_size={"help": "Size that stimuli are resized to.", "default": "150x200"},
    epochs={"help": "Of every loss.  [default: 6; paper: 30]"},
    patience={"help": "Epochs without a better validation loss before a loss stops."},
)
@click.option(
    "--search-rates",
    metavar="RATE,RATE",
    help="Learning rates that each loss tries, and beyond where the first or last is best; none is the "
    "recipe's own.  [default: 1e-4,3e-4,1e-3]",
)
@click.option("--search-epochs", type=float, help="Length of each trial.  [default: 1]")
@click.option(
    "--start",
    default="mse",
    metavar="SPEC|none",
    help="Loss of the short training that every loss goes on from; none begins at random, as the paper did.",
)
@click.option("--start-epochs", type=click.IntRange(1), default=2, help="Its length.")
@options.of(
    options.TRAINING.OptionTable,
    *("learning_rate", "deterministic", "precision"),
    learning_rate={"help": "Of every loss, without a search."},
    precision={
        "help": "Of backbone, heads and the VGG-16 of df and gm: auto, float32 or bfloat16.",
        "default": "auto",
    },
)
@click.option(
    "--side-by-side",
    type=click.IntRange(1),
    default=9,
    help="Heads that share a step: more is faster and needs more memory.",
)
@options.metrics("Table 2's seven")
@options.stimuli("To show in the report.  [default: three, by their CC]")
@options.processes
@options.cluster
@options.cache("quest")
def quest(
    losses,
    data,
    data_dir,
    limit,
    seeds,
    tune,
    tune_trials,
    tests,
    output,
    recipe,
    input_size,
    search_rates,
    side_by_side,
    metrics,
    stimuli,
    processes,
    cluster,
    cache_dir,
    cache_size,
    cache_in_memory,
    **changes,
) -> None:
    """Find the loss that is best on your data: train the network once for each, score all, write a report.

    Same split, initial weights and batches for each loss. Called again with the same folder it goes on where
    it was stopped, and trains only what is new.

    \b
    Examples:
      kerasal quest --losses "mse, kld+cc+nss, lc2"
      kerasal quest --data osie --data-dir ~/osie
      kerasal quest --data my_folder --seeds 3 --test osie
      kerasal quest --data osie --seeds 5 --cluster tcp://10.0.0.1:8786
      kerasal quest --tune "kld, cc, nss, sim, df, gm, mse" --data osie --data-dir ~/osie
    """
    load_library()
    from kerasal import quest, training
    from kerasal._files import check_writable
    from kerasal.data.names import counted
    from kerasal_cli.table import show_tables

    reading = {name: changes.pop(name) for name in options.READING.NAMES}
    if search_rates is not None:
        example = "a list of numbers, such as 1e-4,3e-4, or none"
        none = search_rates.strip() == "none"
        search_rates = [] if none else options.numbers_in(search_rates, "--search-rates", example)
    chosen = quest.options(recipe, input_size=input_size, search_rates=search_rates, **changes)
    specs = quest.parse_losses(losses)
    tuning = quest.tuning(tune, tune_trials) if tune is not None else None
    if output:
        check_writable(output)
    own, *others = _sets(data, tests, data_dir, reading)
    dataset = load_data(limit, **own)
    folder = output or Path("quests") / dataset.name
    say(f"{counted(len(specs), 'loss')} on {dataset.description}, into {folder}")
    with open_cluster(cluster) as workers:
        results = quest.run(
            dataset,
            specs,
            chosen,
            folder,
            limit=limit,
            seeds=seeds,
            tests=[load_data(limit, **test) for test in others],
            tuning=tuning,
            stimuli=stimuli,
            side_by_side=side_by_side,
            processes=processes,
            cluster=workers,
            cache_folder=None if cache_in_memory else cache_dir or training.default_cache(),
            cache_bound=cache_size,
            progress=progress,
            report=say,
            **({"metrics": metrics} if metrics else {}),
        )
    for test in results.tests:
        show_tables(results.title(test), [results.table(test, errors=False)])
    if results.search:
        click.echo(f"best of the search: {results.search['best']}")
    click.echo(f"best on the validation split: {results.best}")
    best = shlex.quote(str(folder / "best"))
    click.echo(f"report: {folder / 'report.html'}   next: kerasal predict --model {best} IMAGES")


def _sets(data, tests, folders, reading):
    """The arguments of `kerasal.data.load` of the data and each test set: its folder and the options it has.

    An option that none has goes to the data, which refuse it.
    """
    from kerasal.data.datasets import options_of

    of_tests = {}
    if isinstance(folders, dict):
        of_tests = {name: folders.pop(name) for name in tests if name in folders}
    sets = [(data, folders or None), *((name, of_tests.get(name)) for name in tests)]
    has = [options_of(*each) for each in sets]
    has[0] |= {*reading}.difference(*has)
    return [
        {"name": name, "data_dir": folder, **{option: reading[option] for option in options}}
        for (name, folder), options in zip(sets, has, strict=True)
    ]
