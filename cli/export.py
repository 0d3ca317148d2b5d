"""kerasal export"""

from pathlib import Path

import click

from kerasal_cli.loading import load_library


@click.command()
@click.argument("run", type=click.Path(path_type=Path))
@click.option(
    "-o", "--output", type=click.Path(path_type=Path), help="Folder to make.  [default: RUN/saved_model]"
)
def export(run, output) -> None:
    """Write a run's best weights as a SavedModel: uint8 RGB of any size in, saliency map of that size out.

    \b
    Example:
      kerasal export runs/osie-10*kld+2*cc+nss -o saliency_model
    """
    load_library()
    from kerasal.export import export_saved_model
    from kerasal.training import RunFolder

    folder = RunFolder.open(run)
    click.echo(f"wrote {export_saved_model(folder.load_model(), output or folder.path / 'saved_model')}")
