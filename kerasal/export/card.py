"""The model card that goes into an export: what the model is, how it is called, what its numbers mean."""

from typing import Any

import kerasal
from kerasal.export.table import FORMATS
from kerasal.prediction.predictors import LoadedPredictor


def model_card(source: LoadedPredictor, format: str, *, stored: str, size: tuple[int, int] | None) -> str:
    """The card as Markdown."""
    entry = FORMATS[format]
    place = f"saliency{entry.suffix}" if entry.suffix else "saliency_model"
    parts = [
        f"# {source.name}: a saliency model, {format}",
        "It predicts where people look in an image within the first seconds. "
        f"Exported by kerasal {kerasal.__version__}.",
        _interface(format, stored, size),
        f"```python\n{entry.call.format(path=place)}\n```",
        "## The model",
        "\n".join(f"- {line}" for line in _facts(source.facts)),
        "## Limits",
        "The maps say where eyes go on average, in free viewing of images like those it was trained on; "
        "they say nothing of one person. Saliency is relative to each map's maximum, so heights do not "
        "compare between images; shares of the density do.",
        "## Licence",
        source.facts.get("licence", "Not stated."),
    ]
    return "\n\n".join(parts) + "\n"


def _interface(format, stored, size):
    if format == "keras":
        return "`saliency_maps(list of (H, W, 3) uint8 RGB)` gives maps (H, W), float32, in [0, 1]."
    batch, shape = ("1", f"{size[0]}, {size[1]}") if size else ("B", "H, W")
    lines = [
        "| | name | shape | type | range |",
        "|---|---|---|---|---|",
        f"| in | `stimuli` | ({batch}, {shape}, 3) | uint8 | RGB, 0 to 255"
        + (" |" if size else ", any size |"),
        f"| out | `saliency` | ({batch}, {shape}, 1) | float32 | 0 to 1, each map's maximum is 1 |",
        f"| out | `density` | ({batch}, {shape}, 1) | float32 | sums to 1 over each map |",
    ]
    if format == "saved_model":
        lines.append(
            "\nThe signature `serve_encoded` takes `image_bytes` (B,), JPEG or PNG files, and returns the "
            "same and `size` (B, 2), the rows and columns of each image; smaller maps of a batch are filled "
            "up with 0."
        )
    if stored != "float32":
        lines.append(f"\nThe weights are stored as {stored}.")
    return "\n".join(lines)


def _facts(facts: dict[str, Any]) -> list[str]:
    lines = []
    if "model" in facts:
        options = ", ".join(f"{key} {value}" for key, value in facts.get("model_options", {}).items())
        lines.append(f"Network: {facts['model']}" + (f" ({options})" if options else ""))
    if "options" in facts:
        lines.append(f"Loss: {facts['options'].get('loss')}")
    lines.append(f"Trained on: {facts.get('trained_on', 'not known')}")
    scores = facts.get("scores")
    if isinstance(scores, str):
        lines.append(f"Scores: {scores}")
    elif scores and (values := _means(scores["metrics"])):
        lines.append(f"Scores on the {scores['split']} split of {scores['data']}: {values}")
    else:
        lines.append("Scores: not evaluated")
    if "made_with" in facts:
        lines.append(
            "Made with: " + ", ".join(f"{key} {value}" for key, value in facts["made_with"].items() if value)
        )
    return lines


def _means(metrics: dict[str, Any]) -> str:
    """Each metric's mean, where it has one: NSS has none of images without fixations."""
    means = {name: value.get("mean") for name, value in metrics.items() if isinstance(value, dict)}
    return ", ".join(f"{name} {mean:.4f}" for name, mean in means.items() if isinstance(mean, int | float))
