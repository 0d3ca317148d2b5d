"""The best loss's network as a run folder, for `kerasal predict`, `evaluate` and `export`."""

from pathlib import Path

from kerasal._files import folder_beside
from kerasal.data.images import read_map
from kerasal.models import SaliencyModel, build
from kerasal.quest.results import Results
from kerasal.training.checkpoint import assign
from kerasal.training.options import TrainingOptions
from kerasal.training.precision import computing_in
from kerasal.training.run_folder import RunFolder


def write_best(results: Results, network: SaliencyModel) -> Path | None:
    """Write the folder best/ of a quest: the first seed's network of the best loss; None if none learned.

    network: one with the quest's backbone, whose weights it takes.
    """
    spec, folder, config = results.best, results.folder, results.config
    if spec is None:
        return None
    seed = config["seeds"][0]
    record = folder.head(seed, spec)
    path = folder.path / "best"
    model_options = {**config["model_options"], "activation": record["activation"]}
    training = {**config["options"]["training"], "loss": spec, "learning_rate": record["rate"], "seed": seed}
    options = TrainingOptions.from_dict(training)
    with computing_in(config["precision"]):
        whole = build(options.model, **{**model_options, "backbone_weights": None})
    whole.backbone.set_weights(network.backbone.get_weights())
    assign(whole.head.trainable_variables, folder.weights(seed, spec))
    run_config = {
        "loss": spec,
        "model": options.model,
        "model_options": model_options,
        "precision": config["precision"],
        "options": options.as_dict(),
        "cache_features": True,
        "data": config["data"],
    }
    bias = read_map(folder.path / "center_bias.npy").astype("float32")
    with folder_beside(path) as place:
        run = RunFolder.create(place / "new", run_config, bias)
        run.save_weights(whole, run.best_weights)
        if path.exists():
            path.rename(place / "old")  # at once, where removing it takes a while in which it is half a run
        run.path.rename(path)
    return path
