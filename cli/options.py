"""Options that commands share. What kerasal's tables say of an option is read from them, without kerasal."""

import dataclasses
import importlib.util
import re
import types
from collections.abc import Callable, Iterable
from importlib.machinery import ModuleSpec, SourceFileLoader
from pathlib import Path
from typing import Any, get_args

import click

from kerasal_cli.completion import complete_datasets, complete_models
from kerasal_cli.loading import folder_of


def read_table(name: str) -> types.ModuleType:
    """A module of tables that imports nothing, such as "models.table", without kerasal around it."""
    folder = folder_of("kerasal")
    places = (place.joinpath(*name.split(".")).with_suffix(".py") for place in (folder, folder.parent))
    file = next(place for place in places if place.is_file())  # in a checkout weights/ lies beside kerasal/
    loader = SourceFileLoader(f"kerasal_cli.{name}", str(file))
    module = importlib.util.module_from_spec(ModuleSpec(loader.name, loader, origin=str(file)))
    loader.exec_module(module)
    return module


def either(names: Iterable[str]) -> str:
    """Names in a row, the last after "or"."""
    *first, last = names
    return f"{', '.join(first)} or {last}"


def names_in(context: click.Context, parameter: click.Parameter, text: str | None) -> list[str] | None:
    """The names of an option's value such as cc,nss."""
    if text is None:
        return None
    return [name.strip() for name in text.split(",")] if text else []


def numbers_in(text: str, option: str, example: str) -> list[float]:
    """The numbers of an option's value such as 0.5,0.9."""
    try:
        return [float(part) for part in text.split(",")]
    except ValueError:
        raise click.BadParameter(f"{text!r} is not {example}", param_hint=option) from None


def of(table: type, *names: str, **changes: dict) -> Callable:
    """Options from the fields of a dataclass: those of these names, or all; None where one is not given.

    A field says its help, in which {choices} and {models} are filled in, and where it needs them its metavar
    and its flag. `changes` are other arguments of `click.option`, by the name.
    """
    options = []
    fields = {field.name: field for field in dataclasses.fields(table)}
    for name in names or fields:
        field = fields[name]
        metadata = field.metadata
        kind: Any = get_args(field.type)[0] if isinstance(field.type, types.UnionType) else field.type
        plain = f"--{name.replace('_', '-')}"
        flag = metadata.get("flag") or (f"{plain}/--no-{plain[2:]}" if kind is bool else plain)
        arguments = {"default": None, "help": metadata["help"], "metavar": metadata.get("metavar")}
        arguments["type"] = {int: int, float: float, Path: PATH}.get(kind)
        if kind is bool and "/" not in flag:
            arguments |= {"is_flag": True, "default": False}
        arguments |= changes.get(name, {})
        if arguments["help"]:
            choices = metadata.get("choices") or NETWORKS
            arguments["help"] = arguments["help"].format(choices=either(choices), models=either(NETWORKS))
        options.append(click.option(flag, **arguments))
    return together(*options)


def together(*options: Callable) -> Callable:
    """Several options as one decorator, in their order."""

    def decorate(command: Callable) -> Callable:
        for option in reversed(options):
            command = option(command)
        return command

    return decorate


PATH = click.Path(path_type=Path)
NETWORKS = read_table("models.table").NETWORKS
TRAINING = read_table("training.table")
READING = read_table("data.options")
reading = of(READING.ReadingOptions)

processes = click.option(
    "--processes", type=click.IntRange(1), help="Scoring processes.  [default: one for each core]"
)


def models(name: str, help: str, multiple: bool = True) -> Callable:
    """The option that names trained networks and other models, or one."""
    return click.option(
        *("--model", "--weights", name),
        multiple=multiple,
        shell_complete=complete_models,
        metavar="RUN|NAME",
        help=f"{help}  [repeatable]" if multiple else help,
    )


def output(help: str, default: str | None = None) -> Callable:
    """The option that names the folder or file to write."""
    return click.option("-o", "--output", type=PATH, default=default, help=help)


maps = click.option(
    "--maps",
    multiple=True,
    type=PATH,
    metavar="DIR",
    help="Maps of another program: image files or .npy, named as the stimuli.  [repeatable]",
)


def stimuli(help: str) -> Callable:
    """The option that names stimuli whose maps a report shows."""
    return click.option("--stimuli", metavar="NAME,NAME", callback=names_in, help=help)


def metrics(default: str) -> Callable:
    """The option that names metrics."""
    return click.option(
        "--metrics",
        metavar="KEY,KEY",
        callback=names_in,
        help=f"Of those that `kerasal metrics` lists.  [default: {default}]",
    )


def cache(what: str) -> Callable:
    """The options of the feature cache."""
    place = "  [default: $KERASAL_CACHE or ~/.cache/kerasal]"
    return together(
        click.option(
            "--cache-dir",
            type=PATH,
            help=f"Where features are kept between {what}s.{place}",
        ),
        click.option(
            "--cache-size",
            type=float,
            callback=whole(1e9, "GB"),
            metavar="GB",
            help="Largest size of all features that are kept: those used least lately go.  [default: "
            "half of what is free on the disk and what they take]",
        ),
        click.option(
            "--cache-in-memory", is_flag=True, help=f"Keep the features in memory, for this {what} alone."
        ),
    )


def whole(size: float, unit: str) -> Callable:
    """A callback: of a positive number of units of `size`, such as GB of 1e9 bytes, the whole number."""

    def scale(context: click.Context, parameter, value: float | None) -> int | None:
        if value is None:
            return None
        if not 1 <= value * size < float("inf"):  # NaN fails too
            raise click.BadParameter(f"{value:g} is no size in {unit}, such as 20")
        return int(value * size)

    return scale


def data(default: str | None) -> Callable:
    """The options that name a dataset."""
    return together(
        click.option(
            "--data",
            shell_complete=complete_datasets,
            default=default,
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
        reading,
        click.option("--limit", type=click.IntRange(1), help="Use at most so many stimuli of each split."),
    )


def _folders(context: click.Context, parameter, values: tuple[str, ...]) -> str | dict[str, str] | None:
    """One folder as it is, of several datasets the folder by the name."""
    pairs = [value.split("=", 1) for value in values if re.match(r"[\w-]+=", value)]
    named = {name: str(Path(folder).expanduser()) for name, folder in pairs}
    if len(values) > 1 and len(named) < len(values):
        raise click.BadParameter("of several datasets say of each NAME=DIR, once")
    return named or (values[0] if values else None)


runtime = click.option(
    "--runtime",
    type=click.Choice(["auto", "tensorflow", "lite"]),
    default="auto",
    help="What computes a network's maps: LiteRT (lite), which starts faster, TensorFlow, or what fits.",
)

cluster = click.option(
    "--cluster",
    metavar="ADDRESS|local:N",
    help="Compute on a Dask cluster: its scheduler's address, or N processes started here.",
)


def rows_by_columns(text: str | None) -> tuple[int, int] | None:
    """The value of --size, such as 300x400, as numbers."""
    if text is None:
        return None
    try:
        rows, columns = (int(part) for part in text.lower().split("x"))
        if rows < 1 or columns < 1:
            raise ValueError
    except ValueError:
        raise click.BadParameter(
            f"{text!r} is not ROWSxCOLUMNS, such as 300x400", param_hint="--size"
        ) from None
    return rows, columns
