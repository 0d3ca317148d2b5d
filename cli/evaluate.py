"""kerasal evaluate"""

from pathlib import Path

import click

from kerasal_cli.loading import data_options, load_data, load_library, progress


@click.command()
@click.argument("run", required=False, type=click.Path(path_type=Path))
@click.option(
    "--baseline", metavar="NAME", help="Instead of a run: center-bias, half-observers or upper-bound."
)
@data_options(default=None)
@click.option("--split", default="test", show_default=True, help="train, validation, test or all.")
@click.option(
    "-o",
    "--output",
    type=click.Path(path_type=Path),
    help="Folder for metrics.json and metrics.csv.  [default: the run folder]",
)
def evaluate(
    run, baseline, data, data_dir, sigma, pixels_per_degree, split_file, crop_borders, limit, split, output
) -> None:
    """Score a run's best weights, or a baseline, at the stimuli's own size.

    A run is scored on the data that it was trained on, unless --data names other data.

    \b
    Examples:
      kerasal evaluate runs/osie-10*kld+2*cc+nss
      kerasal evaluate --baseline center-bias --data osie -o results/center-bias
    """
    if (run is None) == (baseline is None):
        raise click.UsageError("give a run folder or --baseline, one of them")
    load_library()
    from kerasal import evaluation
    from kerasal.training import RunFolder

    folder = None if baseline else RunFolder.open(run)
    arguments = {
        "name": data,
        "data_dir": data_dir,
        "sigma": sigma,
        "pixels_per_degree": pixels_per_degree,
        "split_file": split_file,
        "crop_borders": crop_borders,
    }
    if data is None:
        arguments = folder.data_arguments() if folder else {**arguments, "name": "synthetic"}
        if split_file:
            arguments["split_file"] = split_file
    dataset = load_data(limit, **arguments)
    if folder:
        result = evaluation.evaluate_run(folder, dataset, split, progress=progress)
        # The run folder holds the scores on its own test split; others need a place of their own.
        own = data is None and limit is None and split_file is None and split == "test"
        output = output or (folder.path if own else folder.path / f"{dataset.name}-{split}")
    else:
        result = evaluation.evaluate_baseline(baseline, dataset, split, progress=progress)
    click.echo(evaluation.text_table(result))
    if output:
        for path in result.write(output):
            click.echo(f"wrote {path}", err=True)
