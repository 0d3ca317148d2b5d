"""kerasal compare"""

from pathlib import Path

import click

from kerasal_cli import options
from kerasal_cli.loading import load_data, load_library, progress, say


@click.command()
@options.data(default="synthetic")
@options.models("models", "A trained run, a weights file, or NETWORK:FILE, besides what is at hand.")
@options.maps
@options.output("The comparison's folder.  [default: comparisons/DATA]")
@click.option("--split", default="test", help="train, validation, test or all.")
@options.metrics("all that the data allow")
@options.stimuli("To show maps of.  [default: as before, or three of the split]")
@options.processes
def compare(models, maps, output, split, metrics, stimuli, processes, limit, data, **data_arguments) -> None:
    """Score all systems that can run on your data: the paper's Table 1, beside the paper's own figures.

    The classical models, networks whose weights are at hand, other programs whose maps are there, and
    reference lines (center-bias, observers).
    Called again with the same folder it scores only what is new; what was scored before stays in the tables.

    \b
    Examples:
      kerasal compare --data osie --data-dir ~/osie
      kerasal compare --data osie --data-dir ~/osie --model runs/a --model sam-vgg:sam.weights.h5
      kerasal compare --data my_folder --maps other_program/maps -o results
    """
    load_library()
    from kerasal import table1
    from kerasal._files import check_writable
    from kerasal_cli.table import show_tables

    if output:
        check_writable(output)
    dataset = load_data(limit, name=data, **data_arguments)
    folder = output or Path("comparisons") / dataset.name
    results = table1.run(  # a command hands its own options on, each by its name, as `evaluate` does
        dataset,
        folder,
        models,
        maps=maps,
        split=split,
        metrics=metrics,
        stimuli=stimuli,
        processes=processes,
        progress=progress,
        report=say,
    )
    show_tables(results.title, [results.table(errors=False), results.paper_table()])
    for line in results.findings():
        click.echo(line)
    for line in results.missing:
        click.echo(f"not run: {line}")
    click.echo(f"report: {folder / 'report.html'}   tables: {folder / 'results.md'}, .tex, .csv, .json")
