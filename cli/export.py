"""kerasal export"""

from pathlib import Path

import click

from kerasal_cli import options
from kerasal_cli.completion import complete_models
from kerasal_cli.loading import load_library, say, silent_stderr

_TABLE = options.read_table("export.table")
FORMATS = _TABLE.FORMATS
FIXED, SMALL, SMALLEST = (", ".join(_TABLE.having(option, "title")) for option in ("size", "float16", "int8"))


@click.command()
@click.argument("model", metavar="[RUN|NAME]", required=False, shell_complete=complete_models)
@options.models("named", "The same.", multiple=False)
@click.option(
    "--format",
    type=click.Choice(list(FORMATS)),
    default="saved_model",
    help=f"For {', '.join(entry.title for entry in FORMATS.values())}.",
)
@options.output("Folder (saved_model) or file to make.  [default: RUN/saved_model, RUN/model.onnx, ...]")
@click.option("--float16", is_flag=True, help=f"{SMALL}: store the weights in half the space.")
@click.option(
    "--int8", is_flag=True, help=f"{SMALLEST}: store the weights in a quarter, and compute with such numbers."
)
@click.option(
    "--size",
    metavar="ROWSxCOLUMNS",
    help=f"{FIXED}: take one image of this size alone, where sizes must be fixed.",
)
def export(model, named, format, output, float16, int8, size) -> None:
    """Write a trained network for other programs: uint8 RGB of any size in, saliency map of that size out.

    Pre- and post-processing are inside. What was written is run in its own runtime and compared with what
    `kerasal predict` gives.

    \b
    Examples:
      kerasal export runs/osie-kld+cc+nss -o saliency_model
      kerasal export runs/osie-kld+cc+nss --format onnx -o saliency.onnx
    """
    if model and named:
        raise click.UsageError(f"one network at a time: {model} or {named}")
    model = model or named
    rows_columns = options.rows_by_columns(size)
    load_library()
    from kerasal._files import check_writable
    from kerasal.export import export as write
    from kerasal.export.formats import check_request
    from kerasal.prediction import find

    source = find(model)
    if output is None:
        # A name that is no run folder has no folder to write to.
        run = Path(model.removeprefix("run:")) if model else None
        folder = run if run and run.is_dir() else Path(source.name)
        suffix = FORMATS[format].suffix
        output = folder / (f"model{suffix}" if suffix else format)
    stored = {"float16": float16, "int8": int8, "size": rows_columns}
    check_request(output, format, **stored)
    check_writable(output.parent)
    network = source.load()
    say(f"writing {output}, and running it to compare ...")
    with silent_stderr():  # converters and runtimes tell of themselves
        result = write(network, output, format, **stored)
    click.echo(f"wrote {result.path}, {result.size_bytes / 1e6:.1f} MB")
    if result.difference is None:
        say(f"not compared with kerasal predict: the runtime of {format} is not installed")
    else:
        click.echo(f"largest difference from kerasal predict: {result.difference:.1e} (maps from 0 to 1)")
        if not result.agrees:
            click.echo(
                f"Warning: that is more than {result.tolerance:g}: do not rely on this export", err=True
            )
