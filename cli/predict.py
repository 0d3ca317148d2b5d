"""kerasal predict"""

from pathlib import Path

import click

from kerasal_cli.loading import load_library, progress


@click.command()
@click.argument("images", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option(
    "--model",
    required=True,
    type=click.Path(path_type=Path),
    metavar="RUN|WEIGHTS",
    help="Run folder of a trained network, or a weights file (see kerasal weights).",
)
@click.option(
    "-o",
    "--output",
    default="saliency",
    show_default=True,
    type=click.Path(path_type=Path),
    help="Folder to write to.",
)
@click.option("--npy", is_flag=True, help="Write the map's float values as .npy too.")
def predict(images, model, output, npy) -> None:
    """Write saliency maps of images, or of all images in folders, at the images' own size.

    For photo.jpg: photo.png is the map in grey, photo_overlay.jpg the heat map over the image.

    \b
    Example:
      kerasal predict --model runs/osie-10*kld+2*cc+nss photo.jpg holiday/ -o maps
    """
    load_library()
    from kerasal import models, prediction
    from kerasal.training import RunFolder

    files = prediction.find_images(images)
    network = models.load_weights_file(model) if model.is_file() else RunFolder.open(model).load_model()
    skipped: list[str] = []
    written = prediction.predict_to_folder(
        network, files, output, npy=npy, skipped=skipped, progress=progress
    )
    for line in skipped:
        click.echo(f"Warning: skipped: {line}", err=True)
    if not written:
        raise click.ClickException(f"none of {len(files)} images could be read")
    click.echo(
        f"wrote maps of {written} images to {output}" + (f", skipped {len(skipped)}" if skipped else "")
    )
