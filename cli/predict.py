"""kerasal predict"""

import click

from kerasal_cli import options
from kerasal_cli.loading import keep_export, load_predictor, load_tables, progress, say
from kerasal_cli.options import numbers_in
from kerasal_cli.table import show_json

DEFAULT = options.read_table("weights.registry").DEFAULT


@click.command()
@click.argument("images", nargs=-1, required=True, type=options.PATH)
@options.models(
    "model",
    "Run folder of a trained network, name of `kerasal models` such as gbvs, weights file, or what "
    f"`kerasal export` wrote.  [default: {DEFAULT}, which comes with kerasal]",
    multiple=False,
)
@click.option("--recursive", is_flag=True, help="Folders with all that lies in folders within.")
@options.output("Folder to write to.", default="saliency")
@click.option("--precision", default="auto", help="Of backbone and head: auto, float32, bfloat16 or float16.")
@options.runtime
@click.option(
    "--mirror",
    is_flag=True,
    help="Take the mean of the maps of an image and of its mirror image: twice the time, a little better.",
)
@click.option("--map/--no-map", default=True, help="Write STEM.png, the map in grey.")
@click.option(
    "--overlay/--no-overlay", default=True, help="Write STEM_overlay.jpg, the heat map over the image."
)
@click.option("--npy", is_flag=True, help="Write STEM.npy, the map's float values in [0, 1].")
@click.option("--density", is_flag=True, help="Write STEM_density.npy, float values that sum to 1.")
@click.option("--colors", default="inferno", help="Colour map, one of Matplotlib's.")
@click.option("--opacity", default=0.6, help="Of the heat map's hottest parts, 0 to 1.")
@click.option(
    "--contours",
    metavar="Q[,Q...]",
    help="Lines in the overlay at quantiles of the map: 0.9 encloses the most salient tenth.",
)
@click.option("--keep-colors", is_flag=True, help="The overlay's image in its own colours, not in grey.")
@click.option(
    "--stretch",
    type=click.Choice(["none", "min-max", "percentile"]),
    default="none",
    help="Of pictures of flat maps: between their lowest and highest value, or percentiles 1 and 99.",
)
@click.option("--color-bar", is_flag=True, help="Put the scale beside the overlay.")
@click.option(
    "--region",
    "regions",
    multiple=True,
    metavar="NAME:X,Y,W,H",
    help="Print the region's share of attention as JSON; pixels, or percent as in logo:0%,0%,50%,20%.",
)
@click.option(
    "--crop", metavar="W:H", help="Write STEM_crop.jpg, the most salient part of this aspect, such as 16:9."
)
@click.option("--crop-scale", default=1.0, help="Its size: 1 is the largest of that aspect.")
@click.option("--every", type=click.IntRange(1), default=1, help="Videos: predict each N-th frame.")
def predict(
    images, model, precision, runtime, mirror, output, regions, crop, contours, every, recursive, **options
) -> None:
    """Write saliency maps of images, folders of images and videos, at their own size.

    The exit status is 1 where some of them could not be predicted.
    A video gets STEM.webm and STEM_overlay.webm, predicted frame by frame, without regard to motion.

    \b
    Examples:
      kerasal predict --model runs/osie-kld+cc+nss photo.jpg holiday/ 'trip/*.png' -o maps
      kerasal predict --model gbvs holiday/
      kerasal predict --model runs/first page.png --region logo:20,10,120,60 --contours 0.5,0.9
      kerasal predict --model runs/first photo.jpg --crop 16:9 --no-map --no-overlay
    """
    load_tables()
    from kerasal import prediction
    from kerasal._files import check_writable
    from kerasal.data.names import counted, listed

    check_writable(output)
    outputs = prediction.Outputs(
        regions=tuple(prediction.Region.parse(region) for region in regions),
        crop=prediction.parse_aspect(crop) if crop else None,
        contours=tuple(numbers_in(contours, "--contours", "such as 0.5,0.9")) if contours else (),
        **options,
    )
    inputs = prediction.find_inputs(images, recursive=recursive, output=output)
    stems = prediction.video_stems(inputs.videos, output, outputs)
    few = len(inputs.images) <= prediction.FEW and not inputs.videos
    named, to_make = load_predictor(model, runtime, precision, few)
    predictor = named.predictor
    if mirror:
        predictor = prediction.Mirrored(predictor)
    if inputs.left_out:
        say(f"Note: {len(inputs.left_out)} that are no images are left out: {listed(inputs.left_out)}")
        if any(path.is_dir() for path in inputs.left_out):
            say("Note: folders within a folder are taken with --recursive")
    if inputs.in_output:
        say(f"Note: {counted(len(inputs.in_output), 'image')} in {output}, where the maps go, left out")
    replaced = prediction.written_before(inputs.images, output, outputs)
    replaced += prediction.videos_written_before(stems, outputs)
    if replaced:
        say(
            f"Note: {counted(len(replaced), 'file')} of an earlier prediction replaced, such as {replaced[0]}"
        )
    skipped: list[str] = []
    facts = {}
    if inputs.images:
        facts = prediction.predict_to_folder(
            predictor, inputs.images, output, outputs, skipped=skipped, progress=progress
        )
    for video, stem in stems.items():
        say(f"predicting {video}, frame by frame: no motion is modelled")
        try:
            facts[str(video)] = prediction.predict_video(predictor, video, stem, outputs, every=every)
        except prediction.UnreadableVideo as error:
            skipped.append(str(error))
    for line in skipped:
        click.echo(f"Warning: skipped: {line}", err=True)
    if not facts:
        raise click.ClickException(f"none of {counted(len(skipped), 'file')} could be predicted")
    what = counted(len(facts), "file" if inputs.videos else "image")
    last = f"wrote maps of {what} to {output}" + (f", skipped {len(skipped)}" if skipped else "")
    if regions or crop:
        show_json(facts)
        say(last)  # JSON has stdout for itself
    else:
        click.echo(last)
    keep_export(model, to_make)
    if skipped:
        raise SystemExit(1)
