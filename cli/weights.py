"""kerasal weights"""

import shlex

import click

from kerasal_cli import options
from kerasal_cli.loading import download_bars, load_library, load_tables
from kerasal_cli.table import json_option, show_json


@click.group()
def weights() -> None:
    """List, download and convert the published weights of networks.

    \b
    Example:
      kerasal weights download sam-vgg.salicon2015
      kerasal weights convert sam-vgg_salicon_weights.pkl --to sam-vgg.weights.h5
    """


@weights.command("list")
@json_option
def list_(as_json) -> None:
    """List the weights that come with kerasal and those that can be downloaded.

    \b
    Example:
      kerasal weights list
    """
    load_tables()
    from dataclasses import asdict

    from kerasal.weights.published import published_path
    from kerasal.weights.registry import PUBLISHED, REGISTRY

    if as_json:
        places = {entry.name: entry.path for entry in REGISTRY.values()}
        places |= {name: published_path(name) for name in PUBLISHED}
        show_json(
            [
                {**asdict(entry), "path": str(places[name]), "here": places[name].is_file()}
                for name, entry in (REGISTRY | PUBLISHED).items()
            ]
        )
        return
    for entry in REGISTRY.values():
        click.echo(f"{entry.name}\n  comes with kerasal; {entry.architecture}; trained on {entry.trained_on}")
        click.echo(f"  {entry.licence}; {entry.credit}")
    for entry in PUBLISHED.values():
        path = published_path(entry.name)
        place = f"here: {path}" if path.is_file() else f"not here: {entry.url}"
        click.echo(f"{entry.name}\n  {place}\n  network {entry.model}; trained on {entry.trained_on}")
        click.echo(f"  {entry.licence}; {entry.credit}")


@weights.command()
@click.argument("name")
def download(name) -> None:
    """Download published weights by the name that `kerasal weights list` shows.

    A download that broke off goes on with the same command.

    \b
    Example:
      kerasal weights download sam-vgg.salicon2015
    """
    load_library()
    from kerasal.weights import PUBLISHED, fetch_published, sha256

    with download_bars() as watch:
        path = fetch_published(name, progress=watch(name))
    entry = PUBLISHED[name]
    click.echo(
        f"{path}\nsha256 {sha256(path)}"
        + ("" if entry.sha256 else " (the authors name none to compare with)")
    )
    click.echo(f"{entry.credit}; {entry.licence}; {entry.source}")


@weights.command()
@click.argument("source", metavar="FILE|NAME")
@click.option("--to", "target", required=True, type=options.PATH, help="File to write; ends in .weights.h5.")
def convert(source, target) -> None:
    """Convert an original weights file to Keras 3.

    FILE is one of Keras 1 on Theano (HDF5, although its name ends in .pkl), of Lasagne (.npz) or of Caffe
    (.caffemodel), and tells whose it is. Nothing is ever unpickled. NAME is one that was downloaded.

    \b
    Example:
      kerasal weights convert sam-vgg_salicon_weights.pkl --to sam-vgg.weights.h5
      kerasal weights convert gen_modelWeights0090.npz --to salgan.weights.h5
    """
    load_library()
    from kerasal import models

    name = models.convert_weights(source, target)
    click.echo(f"wrote {target}: weights of {name}")
    if name in models.NETWORKS:
        file = shlex.quote(str(target))
        click.echo(
            f"next: kerasal predict --model {file} IMAGES   or: kerasal train --model {name} --weights {file}"
        )
