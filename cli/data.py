"""kerasal data"""

import shlex
from pathlib import Path

import click

from kerasal_cli import options
from kerasal_cli.completion import complete_datasets
from kerasal_cli.loading import (
    download_bars,
    load_data,
    load_library,
    load_light,
    load_tables,
    progress,
    say,
)
from kerasal_cli.options import PATH
from kerasal_cli.table import json_option, show_facts, show_json, show_rows

ABOUT = ("stimuli", "first", "last")  # what is told of the stimuli whose features are kept


@click.group()
def data() -> None:
    """Get, check, look at and prepare datasets.

    \b
    Example:
      kerasal data list
    """


@data.command("list")
@json_option
def list_(as_json) -> None:
    """The datasets: images, sizes, observers, licence, and which are on this machine.

    \b
    Example:
      kerasal data list
    """
    load_tables()
    from kerasal.data import INFO

    if as_json:
        show_json([_facts(info) for info in INFO.values()])
        return
    rows = [
        {
            "name": info.name,
            "images": f"{info.images:,}",
            "size": info.size,
            "observers": info.observers,
            "seconds": f"{info.seconds:g}",
            "licence": info.licence.split(";")[0],
            "here": "yes" if _facts(info)["here"] else "-",
        }
        for info in INFO.values()
    ]
    show_rows(rows)
    click.echo("and synthetic (generated), and the path of any folder with images/ and maps/ or fixations/")


def _facts(info) -> dict:
    """All that is known of a dataset, and whether it is on this machine."""
    from dataclasses import asdict

    from kerasal.data import default_folder

    folder = default_folder(info.name)
    return {**asdict(info), "folder": str(folder), "here": folder.is_dir()}


@data.command()
@click.option(
    "--cache-dir", type=PATH, help="The cache's folder.  [default: $KERASAL_CACHE or ~/.cache/kerasal]"
)
@click.option("--empty", is_flag=True, help="Remove what no process uses.")
@json_option
def cache(cache_dir, empty, as_json) -> None:
    """What is kept of frozen backbones' features for later trainings, the one used last coming last.

    It is removed as room is needed: kerasal train --cache-size. The exit status of --empty is 2 if some of it
    is in use.

    \b
    Examples:
      kerasal data cache
      kerasal data cache --empty
    """
    load_light()
    from kerasal import _feature_cache
    from kerasal._files import default_cache, size_text
    from kerasal.errors import InputError

    folder = cache_dir or default_cache()
    if empty:
        gone, staying = _feature_cache.empty(folder)
        if as_json:
            show_json({"removed_bytes": gone, "staying": [_cached(entry) for entry in staying]})
        else:
            click.echo(f"removed {size_text(gone)} from {folder}")
        if any(_feature_cache.is_used(entry.path) is None for entry in staying):
            place = _feature_cache.features_folder(folder)
            raise InputError(f"no locks tell what is in use: remove {place} by hand when nothing trains")
        if staying:
            raise InputError(f"{len(staying)} are in use and stay: wait for the trainings that use them")
        return
    entries = _feature_cache.entries(folder)
    if as_json:
        show_json([_cached(entry) for entry in entries])
        return
    if entries:
        show_rows([_cached_row(entry) for entry in entries])
    click.echo(f"{size_text(sum(entry.size for entry in entries))} in {folder}")


def _cached(entry) -> dict:
    """All that is known of an entry of the cache."""
    from kerasal._feature_cache import is_used

    known = {"entry": entry.path.name, "bytes": entry.size, "used": entry.used, "finished": entry.finished}
    return {**known, "in_use": is_used(entry.path), "about": entry.about}


def _cached_row(entry) -> dict[str, str]:
    """The same for people."""
    import time

    from kerasal._files import size_text

    facts, about = _cached(entry), entry.about
    states = {True: "in use", None: "no locks", False: "kept" if entry.finished else "left unfinished"}
    stimuli = f"{about['stimuli']}: {about['first']} ... {about['last']}" if {*ABOUT} <= {*about} else "-"
    return {
        "network": f"{about.get('network', '-')} {about.get('input_size', '')}".strip(),
        "stimuli": stimuli,
        "size": size_text(entry.size),
        "used last": time.strftime("%Y-%m-%d %H:%M", time.localtime(entry.used)),
        "state": states[facts["in_use"]],
    }


@data.command()
@click.argument("name", shell_complete=complete_datasets)
@json_option
def info(name, as_json) -> None:
    """What is known of a dataset: its facts, terms, layout, split and known defects.

    \b
    Example:
      kerasal data info mit1003
    """
    load_tables()
    from kerasal.data import default_folder, facts

    known = facts(name)
    if as_json:
        show_json(_facts(known))
        return
    show_facts([*known.rows(), ("looked for in", str(default_folder(name)))])


@data.command()
@click.argument("name", shell_complete=complete_datasets)
@click.argument("folder", required=False, type=PATH)
@click.option(
    "--archives", type=PATH, help="Where archives lie that you have already, and where others are kept."
)
def fetch(name, folder, archives) -> None:
    """Download a dataset from its official page into FOLDER, check and unpack it.

    Its terms are printed first. A download that broke off goes on when you try again. FOLDER is
    $KERASAL_DATA/NAME or ~/.kerasal/data/NAME unless you name one.

    \b
    Examples:
      kerasal data fetch osie
      kerasal data fetch salicon-2015 --archives ~/Downloads
    """
    load_library()
    from kerasal.data import default_folder, facts
    from kerasal.data.fetch import fetch as get

    known = facts(name)
    click.echo(f"{known.title}\nlicence: {known.licence}\ncite: {known.citation}\npage: {known.page}")
    with download_bars() as watch:
        path = get(known, folder or default_folder(name), archives=archives, watch=watch, report=say)
    click.echo(f"{name} is in {path}; next: kerasal data check {name} {shlex.quote(str(path))}")


@data.command()
@click.argument("name", shell_complete=complete_datasets)
@click.argument("folder", required=False, type=PATH)
@options.reading
@click.option(
    "--maps", type=PATH, metavar="DIR", help="Maps of another program: which would be scored against what?"
)
def check(name, folder, maps, **reading) -> None:
    """Read every file of a dataset; say what is wrong with which, what is odd, and its statistics.

    NAME is one of kerasal data list, or the path of a folder. The exit status is 1 if anything is wrong.

    \b
    Examples:
      kerasal data check osie ~/osie
      kerasal data check my_folder
      kerasal data check my_folder --maps other_program/maps
    """
    load_light()
    from kerasal.data import locate
    from kerasal.data.check import check as look
    from kerasal.data.check import statistics
    from kerasal.data.names import counted
    from kerasal.evaluation import check_maps

    name, folder = locate(name, folder)
    report = look(name, folder, progress=progress, **reading)
    usable = report.dataset if report.dataset and report.dataset.samples else None
    of_maps = check_maps(maps, usable) if maps and usable else None
    for note in (*report.notes, *(of_maps.notes if of_maps else ())):
        say(f"Note: {note}")
    if usable:
        show_facts([*statistics(usable), *(of_maps.facts if of_maps else ())])
    troubles = [*report.troubles, *(of_maps.troubles if of_maps else ())]
    if not troubles:
        click.echo("nothing is wrong with any file")
        return
    rows = []
    for path, what in troubles:
        inside = path.is_relative_to(folder)
        rows.append({"file": str(path.relative_to(folder) if inside else path), "what is wrong": what})
    show_rows(rows)
    where = f"{folder} and {maps}" if of_maps else folder
    click.echo(f"Error: {counted(len(troubles), 'trouble')} in {where}", err=True)
    raise SystemExit(1)


@data.command()
@click.argument("name", shell_complete=complete_datasets)
@click.argument("folder", required=False, type=PATH)
@options.output("Folder to make.  [default: prepared/NAME]")
@click.option(
    "--size",
    metavar="ROWSxCOLUMNS|own",
    help="Size that training will use: stimuli are shrunk to it, keeping their proportions; own: not at all. "
    " [default: as kerasal train takes it, 375x500 or 300x400]",
)
@options.reading
@click.option("--per-shard", type=click.IntRange(1), default=256, help="Samples a file.")
def prepare(name, folder, output, size, per_shard, **reading) -> None:
    """Turn a dataset into TFRecords, decoded and shrunk, that training reads fast.

    Then train with --data OUTPUT. The test split keeps its files, so that scores stay those of the dataset.
    The centre bias of the training split is written beside them, as an array and as a picture.

    \b
    Examples:
      kerasal data prepare osie ~/osie -o prepared/osie
      kerasal train --data prepared/osie
    """
    load_library()
    from kerasal import data, training, visualize
    from kerasal._files import check_free, check_writable
    from kerasal.data.prepared import prepare as write

    rows_columns = None if size == "own" else options.rows_by_columns(size)
    if output:
        check_free(output)
        check_writable(output.parent)
    dataset = load_data(None, name=name, data_dir=folder, **reading)
    if size is None:
        of_training = training.input_size_for(dataset) if dataset.splits["train"] else None
        rows_columns = of_training or training.TrainingOptions.input_size
    output = output or Path("prepared") / dataset.name

    def draw_center_bias(folder):
        if (folder / data.CENTER_BIAS).is_file():
            visualize.save_center_bias(folder / data.CENTER_BIAS, folder / "center_bias.png")

    made = write(
        dataset, output, size=rows_columns, per_shard=per_shard, progress=progress, finish=draw_center_bias
    )
    data_option = f"--data {shlex.quote(str(output))}"
    click.echo(f"wrote {len(made.samples):,} samples to {output}; next: kerasal train {data_option}")


@data.command()
@click.argument("name", shell_complete=complete_datasets)
@click.argument("folder", required=False, type=PATH)
@click.option("--split", default="train", help="train, validation, test or all.")
@click.option("--count", type=click.IntRange(1), default=6, help="Stimuli to draw.")
@click.option("--stimulus", "names", multiple=True, metavar="NAME", help="Draw this one; may be repeated.")
@click.option(
    "--center-bias", is_flag=True, help="Draw the split's centre bias instead; writes it as .npy too."
)
@options.reading
@options.output("Picture to write.  [default: NAME.jpg or NAME-center-bias.png]")
def show(name, folder, split, count, names, center_bias, output, **reading) -> None:
    """Draw stimuli of a dataset with their fixations and density maps, or its centre bias, as one picture.

    \b
    Examples:
      kerasal data show osie ~/osie -o osie.jpg
      kerasal data show scene ~/scene --center-bias
    """
    load_library()
    from kerasal import visualize

    dataset = load_data(None, name=name, data_dir=folder, **reading)
    stem = Path(dataset.name).name
    if center_bias:
        written = visualize.draw_center_bias(dataset[split], output or Path(f"{stem}-center-bias.png"))
    else:
        samples = dataset.named(names) if names else dataset.spread(split, count)
        written = [visualize.draw_samples(samples, output or Path(f"{stem}.jpg"))]
    for path in written:
        click.echo(f"wrote {path}")
