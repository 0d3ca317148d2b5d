"""What commands share: loading TensorFlow without its noise, progress bars, data options."""

import contextlib
import os
import re
import sys
import tempfile
import warnings
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import click

# What TensorFlow and Keras import where it is installed, and no command uses.
UNUSED = ("jax", "matplotlib.pyplot")


def load_library() -> None:
    """Import TensorFlow and kerasal without the dozen lines that TensorFlow logs about the machine."""
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
    with _silent_stderr(), _left_out(() if os.environ.get("KERAS_BACKEND") == "jax" else UNUSED):
        import tensorflow as tf

        tf.config.list_physical_devices()  # looks for GPUs now, and complains now
        import kerasal  # noqa: F401
    warnings.showwarning = lambda message, *_, **__: click.echo(f"Warning: {message}", err=True)


@contextlib.contextmanager
def _left_out(modules: Sequence[str]) -> Iterator[None]:
    """A block in which these modules cannot be imported, as if they were not installed."""
    missing = [name for name in modules if name not in sys.modules]
    sys.modules.update(dict.fromkeys(missing))  # Python's sign for a module that is not to be found
    try:
        yield
    finally:
        for name in missing:
            del sys.modules[name]


@contextlib.contextmanager
def _silent_stderr() -> Iterator[None]:
    """Hold back what native code writes to stderr; show it if an import fails."""
    sys.stderr.flush()
    saved = os.dup(2)
    with tempfile.TemporaryFile() as held:
        os.dup2(held.fileno(), 2)
        try:
            yield
        except BaseException:
            held.seek(0)
            os.write(saved, held.read())
            raise
        finally:
            os.dup2(saved, 2)
            os.close(saved)


def progress(items: Sequence, what: str) -> Iterator:
    """The items, with a bar on stderr that shows how far they are; a plain line where it is no terminal."""
    from rich.console import Console
    from rich.progress import track

    console = Console(stderr=True)
    if not console.is_terminal:
        click.echo(f"{what} ...", err=True)
        return iter(items)
    return iter(track(items, description=what, console=console))


def normalized_option(command: Callable) -> Callable:
    """The option that says that coordinates are shares of the image."""
    return click.option(
        "--normalized", is_flag=True, help="Folders: coordinates are 0 to 1 across the image, not pixels."
    )(command)


def data_options(default: str | None) -> Callable:
    """The options that name a dataset."""
    options = [
        click.option(
            "--data",
            default=default,
            show_default=default is not None,
            metavar="NAME|PATH",
            help="synthetic, a name of `kerasal data list`, or the path of a folder: prepared, or with "
            "images/ and maps/ or fixations/; or several: osie+scene, osie*2+scene.",
        ),
        click.option(
            "--data-dir",
            multiple=True,
            callback=_folders,
            metavar="DIR|NAME=DIR",
            help="Where the named dataset lies; of several NAME=DIR for each.  [repeatable; default: "
            "$KERASAL_DATA/NAME or ~/.kerasal/data/NAME]",
        ),
        click.option(
            "--sigma", type=float, metavar="PIXELS", help="Folders: blur from fixations to density."
        ),
        click.option(
            "--pixels-per-degree", type=float, help="Folders: the same, as one degree of visual angle."
        ),
        click.option(
            "--split-file",
            type=click.Path(path_type=Path),
            help="Lists of names that make the splits, .json or .csv.",
        ),
        click.option("--crop-borders", is_flag=True, help="cat2000: take the grey padding away."),
        normalized_option,
        click.option("--limit", type=click.IntRange(1), help="Use at most so many stimuli of each split."),
    ]

    def decorate(command):
        for option in reversed(options):
            command = option(command)
        return command

    return decorate


def _folders(context: click.Context, parameter, values: tuple[str, ...]) -> str | dict[str, str] | None:
    """One folder as it is, of several datasets the folder by the name."""
    pairs = [value.split("=", 1) for value in values if re.match(r"[\w-]+=", value)]
    named = {name: str(Path(folder).expanduser()) for name, folder in pairs}
    if len(values) > 1 and len(named) < len(values):
        raise click.BadParameter("of several datasets say of each NAME=DIR, once")
    return named or (values[0] if values else None)


def load_data(limit: int | None, **arguments):
    """The dataset that the options name; what loading left out is said on stderr."""
    from kerasal import data

    dataset = data.load(**arguments)
    for note in dataset.notes:
        click.echo(f"Note: {note}", err=True)
    return dataset.limited(limit) if limit else dataset


def cluster_option(command: Callable) -> Callable:
    """The option that names a Dask cluster."""
    return click.option(
        "--cluster",
        metavar="ADDRESS|local:N",
        help="Compute on a Dask cluster: its scheduler's address, or N processes started here.",
    )(command)


@contextlib.contextmanager
def open_cluster(where: str | None) -> Iterator:
    """The cluster that the option names, or None; Dask is imported for it alone."""
    if where is None:
        yield None
        return
    from kerasal.cluster import connect

    with connect(where, lambda line: click.echo(line, err=True)) as cluster:
        yield cluster


def rows_by_columns(text: str | None, option: str) -> tuple[int, int] | None:
    """An option's value such as 300x400, as numbers."""
    if text is None:
        return None
    try:
        rows, columns = (int(part) for part in text.lower().split("x"))
        if rows < 1 or columns < 1:
            raise ValueError
    except ValueError:
        raise click.BadParameter(
            f"{text!r} is not ROWSxCOLUMNS, such as 300x400", param_hint=option
        ) from None
    return rows, columns
