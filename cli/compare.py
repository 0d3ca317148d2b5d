"""kerasal compare"""

from pathlib import Path

import click

from kerasal_cli.completion import complete_models
from kerasal_cli.loading import data_options, load_data, load_library, progress, say


@click.command()
@data_options(default="synthetic")
@click.option(
    "--model",
    "--weights",
    "models",
    multiple=True,
    shell_complete=complete_models,
    metavar="RUN|NAME",
    help="A trained run, a weights file, or NETWORK:FILE, besides what is at hand.  [repeatable]",
)
@click.option(
    "-o",
    "--output",
    type=click.Path(path_type=Path),
    help="The comparison's folder.  [default: comparisons/DATA]",
)
@click.option("--split", default="test", show_default=True, help="train, validation, test or all.")
@click.option(
    "--metrics",
    metavar="KEY,KEY",
    help="Of cc, sim, auc_judd, auc_borji, nss, emd, kld, sauc, information_gain.  "
    "[default: all that the data allow]",
)
@click.option(
    "--stimuli", metavar="NAME,NAME", help="To show maps of.  [default: as before, or three of the split]"
)
@click.option("--processes", type=click.IntRange(1), help="Scoring processes.  [default: one for each core]")
def compare(models, output, split, metrics, stimuli, processes, limit, data, **data_arguments) -> None:
    """Score all systems that can run on your data: the paper's Table 1, beside the paper's own figures.

    The classical models, networks whose weights are at hand, and reference lines (center-bias, observers).
    Called again with the same folder it scores only what is new; what was scored before stays in the tables.

    \b
    Examples:
      kerasal compare --data osie --data-dir ~/osie
      kerasal compare --data osie --data-dir ~/osie --model runs/a --model sam-vgg:sam.weights.h5
      kerasal compare --data my_folder -o results
    """
    load_library()
    from kerasal import table1
    from kerasal._files import check_writable
    from kerasal_cli.table import show_tables

    if output:
        check_writable(output)
    dataset = load_data(limit, name=data, **data_arguments)
    folder = output or Path("comparisons") / dataset.name
    results = table1.run(
        dataset,
        folder,
        models,
        split=split,
        metrics=metrics and [key.strip() for key in metrics.split(",")],
        stimuli=stimuli and [name.strip() for name in stimuli.split(",")],
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
