"""Predictors: what gives saliency maps, and the names that users call them by."""

from collections.abc import Sequence
from difflib import get_close_matches
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from kerasal._json import check_entries, read_json
from kerasal.classical import classical_model, is_classical
from kerasal.errors import InputError
from kerasal.models import NETWORKS, SaliencyModel, load_weights_file, shipped_backbone
from kerasal.prediction.exported import export_format, load_export
from kerasal.prediction.named import NAMED, backbone_licence
from kerasal.prediction.predictor import LoadedPredictor, Predictor, Source, by_names
from kerasal.training.run_folder import RunFolder
from kerasal.weights import PUBLISHED, find_weights, published_here
from kerasal.weights.registry import DEFAULT


def find(model: str | Path | None = None) -> Source:
    """What a user calls by a name, without loading it; the default one for None.

    Args:
        model: a name of NAMED; a variant such as "itti:1998"; a run folder, with or without "run:" before
            it, or a weights file in one; a weights file, or the name of published weights that were
            downloaded, with or without its network before it, as in "sam-vgg:FILE"; a network's name, for
            its published weights; a file or folder that `kerasal export` wrote.

    InputError: none of these, or weights that are not on this machine.
    """
    name = DEFAULT if model is None else str(model)
    if name in NAMED:
        return NAMED[name]
    if is_classical(name):
        return NAMED[classical_model(name).name]
    kind, _, rest = name.partition(":")
    if kind == "run" and rest:
        return _of_run(rest)
    if kind in NETWORKS and rest:
        return _of_weights(rest, kind)
    if export_format(Path(name)):
        return _of_export(Path(name))
    if name in PUBLISHED or Path(name).is_file():
        return _of_weights(name)
    if Path(name).exists():
        return _of_run(name)
    if name in NETWORKS:
        here = published_here(name)
        if not here:
            raise InputError(how_to_get(name))
        return _of_weights(here[0])
    near = get_close_matches(name, [*NAMED, *NETWORKS], n=1)
    raise InputError(
        f"{name} is neither a run folder nor a weights file nor an export nor one of "
        f"{', '.join([*NAMED, *NETWORKS])}" + (f"; did you mean {near[0]}?" if near else "")
    )


def resolve(model: str | Path | None = None, precision: str = "float32") -> LoadedPredictor:
    """The predictor that `find` finds, loaded. `precision`: as `RunFolder.load_model` takes it.

    InputError: see `find`; or damaged weights.
    """
    return find(model).load(precision)


def load(model: str | Path | None = None) -> Predictor:
    """The predictor of a name, run folder or weights file, to be used for many calls of `kerasal.predict`."""
    return resolve(model).predictor


def resolve_all(models: Sequence[str | Path]) -> dict[str, Predictor]:
    """The predictors of several names or run folders, or the default one, by names that differ."""
    return by_names((model, resolve(model)) for model in models or [None])


def how_to_get(network: str) -> str:
    """A line that says how a network of `kerasal.models.NETWORKS` gets weights."""
    published = [name for name, weights in PUBLISHED.items() if weights.model == network]
    ways = [f"kerasal weights download {published[0]}"] if published else []
    if NETWORKS[network].original:
        ways.append(f"a file of its authors (--model {network}:FILE)")
    ways.append(f"train it (kerasal train --model {network}) and name its run folder (--model RUN)")
    return f"{network} needs weights: {', or '.join(ways)}"


def warm_up(predictors: dict[str, Predictor]) -> None:
    """Predict one image with each, so that the first user does not wait for the network to be compiled."""
    for predictor in predictors.values():
        if isinstance(predictor, SaliencyModel):
            predictor.saliency_maps([np.zeros((64, 64, 3), "uint8")])


def _of_run(path: str | Path, weights: Path | None = None) -> Source:
    """A run folder, with its best weights or with others of its files."""
    run = RunFolder.open(path)
    name = run.path.resolve().name
    facts = _facts(run)
    if weights not in (None, run.best_weights):
        facts["scores"] = None  # they are the best ones'
    return Source(
        f"{name}-{weights.name.removesuffix('.weights.h5')}" if weights else name,
        f"{run.config['model']}, {run.config.get('loss', '')}",
        partial(run.load_model, weights=weights),
        facts,
        (weights or run.best_weights,),
    )


def _of_export(path: Path) -> Source:
    files = [path] if path.is_file() else sorted(file for file in path.rglob("*") if file.is_file())
    return Source(
        path.stem,
        f"export of kerasal, {path.name}",
        lambda _: load_export(path),
        {"export": str(path)},
        tuple(files),
    )


def is_weights_alone(model: str | Path) -> bool:
    """Whether `find` takes it for a weights file, of which a network is made, and which lies in no run."""
    name = str(model)
    path = Path(name)
    return name in PUBLISHED or (path.is_file() and not export_format(path) and not _is_run_s(path))


def _is_run_s(path: Path) -> bool:
    return path.name.endswith(".weights.h5") and (path.parent / "config.json").is_file()


def _of_weights(weights: str, network: str | None = None) -> Source:
    """A published name or a file; of `network`, if that is given."""
    path = find_weights(weights)
    if network is None and _is_run_s(path):
        return _of_run(path.parent, path)
    published = PUBLISHED.get(weights)
    network = network or (published and published.model)
    facts = {"weights": str(path)}
    if network:
        facts["model"] = network
    if published:
        facts |= {"trained_on": published.trained_on, "licence": published.licence}

    def make(_: str | None) -> SaliencyModel:
        loaded = load_weights_file(path)
        if network not in (None, loaded.name):
            raise InputError(f"{path} holds the weights of {loaded.name}, not of {network}")
        return loaded

    name = weights if published else path.name.removesuffix(".h5").removesuffix(".weights")
    return Source(name, f"weights of {network or 'a network'}", make, facts, (path,))


def _facts(run: RunFolder) -> dict[str, Any]:
    config = run.config
    known = ("model", "model_options", "loss", "options", "made_with", "licence")
    facts = {key: config[key] for key in known if key in config}
    data = config.get("data", {})
    facts["trained_on"] = data.get("description", "unknown data")
    if "train" in data and data["arguments"]:
        arguments = run.data_arguments()
        folder = arguments["name"] == "folder"
        name = Path(arguments["data_dir"]).name if folder else arguments["name"]
        facts["training_images"] = f"{data['train']} images of {name}"
    if data.get("licence"):
        facts["trained_on"] += f"; its licence: {data['licence']}"
    if "origin" in config:
        learned = f"; from the weights of {config['origin']}"
        facts |= {key: facts[key] + learned for key in ("trained_on", "training_images") if key in facts}
    try:
        backbone = shipped_backbone(config["model"], config["model_options"])
    except InputError as error:
        raise InputError(f"{run.path / 'config.json'}: {error}") from None
    if backbone and "licence" not in facts and config["options"].get("backbone_weights") == "imagenet":
        facts["licence"] = backbone_licence(backbone)
    try:
        facts["scores"] = read_json(run.path / "metrics.json")
        kinds = {"metrics": dict, "split": str, "data": str}
        check_entries(run.path / "metrics.json", facts["scores"], kinds)
    except InputError:
        facts["scores"] = None  # not evaluated yet
    return facts
