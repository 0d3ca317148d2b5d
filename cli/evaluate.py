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
    "other data or a part]"
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
    folders = [Path(model.removeprefix("run:")) for model in models if not is_classical(model)]
    runs = [folder for folder in folders if (folder / "config.json").is_file()]
    own_data = not any(value for name, value in data_arguments.items() if name != "data_dir")
    dataset = load_data(limit, **_data(runs, **data_arguments))
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
        whole = own_data and limit is None and split == "test" and metrics is None and not mirror
        part = f"{dataset.name}-{split}" + ("-mirrored" if mirror else "")
        output = runs[0] if whole else runs[0] / part
    if output:
        before = {path for path in output.glob("*") if path.is_file()}
        for path in result.write(output):
            say(f"{'replaced' if path in before else 'wrote'} {path}")


def _data(runs, data, **reading) -> dict:
    """Which data to load: what the options name, or what all runs were trained on, read as they say."""
    if data is None and runs:
        from kerasal.errors import InputError
        from kerasal.training import RunFolder

        first, *others = (RunFolder.open(run).data_arguments() for run in runs)
        if any(other != first for other in others):
            raise InputError("the runs were trained on different data: name the data to evaluate with --data")
        given = {name: value for name, value in reading.items() if value is not None and value is not False}
        if isinstance(before := first["data_dir"], dict) and isinstance(reading["data_dir"], dict):
            given["data_dir"] = {**before, **reading["data_dir"]}
        return {**first, **given}
    return {"name": data or "synthetic", **reading}
