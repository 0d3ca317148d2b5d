"""What commands share: loading TensorFlow without its noise, progress bars, data."""

import contextlib
import importlib.util
import os
import sys
import tempfile
import types
import warnings
from collections.abc import Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import click

# What TensorFlow and Keras import where it is installed, and no command uses.
UNUSED = ("jax", "matplotlib.pyplot")

# Packages that hold tables, and import Keras.
TABLES = ("kerasal.losses", "kerasal.models", "kerasal.weights")

QUIET = False  # set by -q
VERBOSE = False  # set by -v


def say(line: str) -> None:
    """A line about what is going on, on stderr, unless -q was given."""
    if not QUIET:
        click.echo(line, err=True)


def load_light() -> None:
    """Import kerasal without Keras, for what needs none; `load_library` may follow."""
    if "kerasal" not in sys.modules:
        os.environ["KERASAL_WITHOUT_KERAS"] = "1"
        try:
            import kerasal  # noqa: F401
        finally:
            del os.environ["KERASAL_WITHOUT_KERAS"]
    _show_warnings()


def load_tables() -> None:
    """Import kerasal for its tables of losses, networks and weights alone, in a fraction of a second.

    These lie in packages that import Keras; here the packages are nothing but their folders, until
    `load_library` follows.
    """
    load_light()
    for name in TABLES:
        if name not in sys.modules:
            package = types.ModuleType(name)
            package.__path__ = [str(folder_of(name))]
            sys.modules[name] = package


def folder_of(package: str) -> Path:
    """Where a package that is installed lies, without importing it."""
    found = importlib.util.find_spec(package)
    assert found is not None
    assert found.submodule_search_locations
    return Path(found.submodule_search_locations[0])


def load_library() -> None:
    """Import TensorFlow and kerasal without the dozen lines that TensorFlow logs about the machine."""
    _drop_tables()
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "0" if VERBOSE else "2")
    with silent_stderr(), _left_out(() if os.environ.get("KERAS_BACKEND") == "jax" else UNUSED):
        import kerasal

        kerasal.register()  # first, as it imports TensorFlow without looking for garbage meanwhile
        import tensorflow as tf

        tf.config.list_physical_devices()  # looks for GPUs now, and complains now
    _show_warnings()


def _drop_tables() -> None:
    """Forget the bare folders of `load_tables`, and what came from them, in favour of the packages."""
    for package in TABLES:
        if package in sys.modules and getattr(sys.modules[package], "__file__", None) is None:
            for name in [name for name in sys.modules if f"{name}.".startswith(f"{package}.")]:
                del sys.modules[name]


def _show_warnings() -> None:
    warnings.showwarning = lambda message, *_, **__: click.echo(f"Warning: {message}", err=True)


@contextlib.contextmanager
def _left_out(modules: Sequence[str]) -> Iterator[None]:
    """A block in which these modules cannot be imported, as if they were not installed."""
    missing = [name for name in modules if name not in sys.modules]
    modules_by_name: dict[str, Any] = sys.modules
    modules_by_name.update(dict.fromkeys(missing))  # Python's sign for a module that is not to be found
    try:
        yield
    finally:
        for name in missing:
            del sys.modules[name]


@contextlib.contextmanager
def silent_stderr() -> Iterator[None]:
    """Hold back what is written to stderr; show it with -v, and before an error that is no user's mistake."""
    sys.stderr.flush()
    saved = os.dup(2)
    with tempfile.TemporaryFile() as held:
        os.dup2(held.fileno(), 2)
        shown = VERBOSE
        try:
            yield
        except Exception as error:
            shown = shown or not is_input_error(error)
            raise
        finally:
            sys.stderr.flush()
            if shown:
                held.seek(0)
                os.write(saved, held.read())
            os.dup2(saved, 2)
            os.close(saved)


def is_input_error(error: BaseException) -> bool:
    """Whether it is the library's error for mistakes of the user, which need not be loaded for that."""
    library = sys.modules.get("kerasal.errors")
    return library is not None and isinstance(error, library.InputError)


def _verbosity(context: click.Context, parameter: click.Parameter, value: bool) -> None:
    globals()[parameter.name.upper()] = value


def verbosity_options() -> list[click.Option]:
    """The options -q and -v, which every command has."""
    option = partial(click.Option, is_flag=True, expose_value=False, is_eager=True, callback=_verbosity)
    return [
        option(["-q", "--quiet"], help="Only results, warnings and errors."),
        option(["-v", "--verbose"], help="TensorFlow's lines too, and where an error arose."),
    ]


def progress(items: Sequence, what: str) -> Iterator:
    """The items, with a bar on stderr that shows how far they are; a plain line where it is no terminal."""
    if QUIET:
        return iter(items)
    from rich import progress as rich
    from rich.console import Console

    console = Console(stderr=True)
    if not console.is_terminal:
        say(f"{what} ...")
        return iter(items)

    def shown():
        with _bars(console, rich.TaskProgressColumn(), rich.TimeRemainingColumn()) as bars:
            yield from bars.track(items, description=what)

    return shown()


@contextlib.contextmanager
def download_bars() -> Iterator:
    """A context: makes, for a file's name, what shows how many of its bytes are there, or None."""
    from rich import progress as rich
    from rich.console import Console

    console = Console(stderr=True)
    if QUIET or not console.is_terminal:
        yield lambda name: None
        return
    numbers = rich.DownloadColumn(), rich.TransferSpeedColumn(), rich.TimeRemainingColumn()
    with _bars(console, *numbers, transient=True) as bars:

        def watch(name):
            task = bars.add_task(name, total=None)
            return lambda done, total: bars.update(task, completed=done, total=total)

        yield watch


def _bars(console, *numbers, **options):
    """Rich's bars behind what they are of, whose brackets and colons stay as they are."""
    from rich.progress import BarColumn, Progress, TextColumn

    what = TextColumn("{task.description}", markup=False)
    return Progress(what, BarColumn(), *numbers, console=console, **options)


def load_predictor(model: str | Path | None, runtime: str, precision: str = "float32", few: bool = True):
    """The `LoadedPredictor` of a model by the runtime that fits, and the file for `keep_export` or None.

    After `load_tables`: TensorFlow is loaded where it is needed. InputError: see `prediction.choose`.
    """
    from kerasal import prediction

    with silent_stderr():  # LiteRT tells of itself
        choice = prediction.choose(model, runtime, precision=precision, few=few)
    if choice.line:
        say(choice.line)
    if choice.named is not None:
        return choice.named, None
    load_library()
    if runtime == "lite" and choice.file:
        return _make_export(model, choice.file), None
    return prediction.resolve(model, precision), choice.file


def keep_export(model: str | Path | None, file: Path | None) -> None:
    """Make the export that `load_predictor` wanted for the next time; that it cannot be is no error."""
    if file is None:
        return
    from kerasal.errors import InputError

    try:
        _make_export(model, file)
    except (InputError, OSError) as error:
        say(f"Note: no export for LiteRT is kept: {error}")


def _make_export(model: str | Path | None, file: Path):
    from kerasal import prediction

    say("making an export for LiteRT, once ...")
    with silent_stderr():  # converters and runtimes tell of themselves
        return prediction.make_lite(model, file)


def load_data(limit: int | None, **arguments):
    """The dataset that the options name; what loading left out is said on stderr."""
    from kerasal import data

    dataset = data.load(**arguments)
    for note in dataset.notes:
        say(f"Note: {note}")
    return dataset.limited(limit) if limit else dataset


def open_cluster(where: str | None) -> contextlib.AbstractContextManager:
    """The cluster that the option names, or None; Dask is imported for it alone."""
    if where is None:
        return contextlib.nullcontext()
    from kerasal.cluster import connect

    return connect(where, say)
