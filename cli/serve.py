"""kerasal serve"""

import contextlib
import sys

import click

from kerasal_cli import options
from kerasal_cli.completion import complete_models
from kerasal_cli.loading import keep_export, load_predictor, load_tables


@click.command()
@click.argument("models", metavar="[RUN|NAME]...", nargs=-1, shell_complete=complete_models)
@options.models("named", "The same.")
@click.option("--host", default="127.0.0.1", help="Address to listen on.")
@click.option("--name", "names", multiple=True, help="Name of a proxy in front; repeatable.")
@click.option("--port", default=8000, type=click.IntRange(0, 65535), help="0 takes a free one.")
@click.option(
    *("--max-megabytes", "max_bytes"),
    default=20.0,
    callback=options.whole(1e6, "MB"),
    help="Largest file that is taken.",
)
@click.option(
    *("--max-megapixels", "max_pixels"),
    default=50.0,
    callback=options.whole(1e6, "megapixels"),
    help="Largest image that is taken.",
)
@options.runtime
def serve(models, named, runtime, host, names, port, max_bytes, max_pixels) -> None:
    """Show saliency maps in the browser, and answer programs over HTTP.

    Only this computer can reach it, unless --host says otherwise: it asks nobody for a password.

    \b
    Examples:
      kerasal serve runs/osie-kld+cc+nss
      kerasal serve runs/first gbvs --port 9000            # two models to compare
      curl --data-binary @photo.jpg http://127.0.0.1:8000/predict -o map.png
    """
    load_tables()
    from kerasal import prediction
    from kerasal.errors import InputError

    try:
        from kerasal import serving
    except ImportError as error:
        raise InputError(f"kerasal serve needs {error.name}: pip install 'kerasal[serve]'") from None

    limits = serving.Limits(bytes=max_bytes, pixels=max_pixels)
    with serving.listen(host, port) as socket:
        predictors = _load((*models, *named) or (None,), runtime)
        if "keras" in sys.modules:
            prediction.warm_up(predictors)
        address = f"http://{f'[{host}]' if ':' in host else host}:{socket.getsockname()[1]}/"
        click.echo(f"serving {', '.join(predictors)} on {address} until Ctrl-C")
        with contextlib.suppress(KeyboardInterrupt):  # is how it ends
            serving.server(serving.create_app(predictors, limits, (host, *names))).run(sockets=[socket])


def _load(models, runtime) -> dict:
    """The predictors by their names. Exports that are wanted are made before a server would be kept busy."""
    from kerasal.prediction import by_names

    loaded = [(model, *load_predictor(model, runtime)) for model in models]
    for model, _, to_make in loaded:
        keep_export(model, to_make)
    return by_names((model, named) for model, named, _ in loaded)
