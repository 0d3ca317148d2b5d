"""kerasal evaluate"""

from pathlib import Path

import click

from kerasal_cli import options
from kerasal_cli.completion import complete_models
from kerasal_cli.loading import load_data, load_library, load_light, open_cluster, progress, say


@click.command()
@click.argument("models", metavar="[RUN|NAME]...", nargs=-1, shell_complete=complete_models)
@options.models("named", "The same as RUN|NAME: run folder, name of `kerasal models`, or weights file.")
@options.maps
@click.option(
    "--baseline",
    "baselines",
    multiple=True,
    metavar="NAME",
    help="chance, center-bias, observers, half-observers or upper-bound.  [repeatable]",
)
@options.data(default=None)
@click.option("--split", default="test", help="train, validation, test or all.")
@options.metrics("all that the data allow")
@click.option(
    "--reference", metavar="NAME", help="The system that others are compared with.  [default: the first]"
)
@click.option("--seed", type=click.IntRange(0), default=0, help="Of the bootstrap intervals.")
@options.processes
@options.cluster
@click.option(
    "--mirror", is_flag=True, help="Models: score the mean of the maps of a stimulus and its mirror image."
)
@click.option(
    "--format",
    "style",
    type=click.Choice(["table", "markdown", "latex", "json"]),
    default="table",
    help="What to print.",
)
@options.output(
    "Folder for the files .json, .csv, .md and .tex.  [default: of a single run its folder, or one in it for "
    "other data, weights or a part]"
)
def evaluate(
    models,
    named,
    maps,
    baselines,
    split,
    metrics,
    reference,
    seed,
    processes,
    cluster,
    mirror,
    style,
    output,
    limit,
    **data_arguments,
) -> None:
    """Score trained runs, classical models, maps of other programs and baselines side by side.

    At the stimuli's own size. Runs are scored on the data that they were trained on, unless --data names
    other data. Differences are taken image by image from the first system: models come first, then --maps,
    then --baseline.

    \b
    Examples:
      kerasal evaluate runs/osie-kld+cc+nss
      kerasal evaluate runs/a runs/b --baseline observers -o results
      kerasal evaluate --model itti --model gbvs --model run:runs/a --data osie
      kerasal evaluate --maps other_program/osie --baseline center-bias --data osie
    """
    models = (*models, *named)
    if not (models or maps or baselines):
        raise click.UsageError("give run folders, names of models, --maps or --baseline")
    load_light()
    from kerasal.classical import is_classical

    if not all(is_classical(model) for model in models):
        load_library()
    from kerasal import evaluation
    from kerasal._files import check_writable
    from kerasal_cli.table import show

    if output:
        check_writable(output)
    systems = [
        *(evaluation.model(model, mirrored=mirror) for model in models),
        *(evaluation.MapFolder(folder) for folder in maps),
        *(evaluation.baseline(name) for name in baselines),
    ]
    # A folder may have the name of a classical model, or be an export.
    paths = [Path(model.removeprefix("run:")) for model in models if not is_classical(model)]
    folders = [path.parent if path.name.endswith(".weights.h5") else path for path in paths]
    runs = [folder for folder in folders if (folder / "config.json").is_file()]
    own_data = not any(value for name, value in data_arguments.items() if name != "data_dir")
    dataset = _load(runs, **data_arguments)
    dataset = dataset.limited(limit) if limit else dataset
    with open_cluster(cluster) as workers:
        result = evaluation.evaluate(
            systems,
            dataset,
            split,
            metrics=metrics,
            reference=reference,
            processes=processes,
            cluster=workers,
            seed=seed,
            progress=progress,
        )
    for note in result.notes:
        say(f"Note: {note}")
    show(result, style)
    if output is None and len(systems) == len(runs) == 1:
        # The run folder holds the scores on its own test split; others need a place of their own.
        weights = "" if paths == runs else f"-{paths[0].name.removesuffix('.weights.h5')}"
        whole = own_data and split == "test" and not (limit or metrics or mirror or weights)
        part = f"{dataset.name}-{split}{weights}" + ("-mirrored" if mirror else "")
        output = runs[0] if whole else runs[0] / part
    if output:
        before = {path for path in output.glob("*") if path.is_file()}
        for path in result.write(output):
            say(f"{'replaced' if path in before else 'wrote'} {path}")


def _load(runs, data, data_dir, **reading):
    """The data that the options name, or those that all runs were trained on, read as the options say."""
    if data or not runs:
        return load_data(None, name=data or "synthetic", data_dir=data_dir, **reading)
    from kerasal.data import load
    from kerasal.errors import InputError
    from kerasal.training import RunFolder

    runs = [RunFolder.open(run) for run in runs]
    own, *others = (run.data_arguments(data_dir) for run in runs)
    if any(other != own for other in others):
        raise InputError("the runs were trained on different data: name the data to evaluate with --data")
    given = {name: value for name, value in reading.items() if value is not None and value is not False}
    dataset = load_data(None, **{**own, **given})
    if "split_file" not in given:  # which says itself what is the test split
        before = load(**own) if given else dataset
        for run in {str(run.config["data"]): run for run in runs}.values():
            run.trained_on(before)
    return dataset
