"""A trained network that is fitted to another data set by a few numbers."""

from pathlib import Path
from typing import Any

import keras

from kerasal.layers import Adaptation
from kerasal.models.base import SaliencyModel


@keras.saving.register_keras_serializable(package="kerasal")
class Adapted(SaliencyModel):
    """A frozen network and, behind its map, `kerasal.layers.Adaptation`: nine numbers that learn.

    Args:
        base_model: the network's name, of `kerasal.models.NETWORKS`.
        base_options: its options; the `input_size` among them is where it sees stimuli, the tenth number.
        backbone_weights: of the network's backbone.

    The whole network is the backbone here, and its map what a feature cache holds.
    """

    def __init__(
        self,
        base_model: str,
        base_options: dict[str, Any],
        backbone_weights: str | Path | None = None,
        name: str = "adapted",
        **kwargs,
    ):
        from kerasal.models import build  # which knows this class

        size = tuple(base_options["input_size"])
        base = build(base_model, **{**base_options, "input_size": size}, backbone_weights=backbone_weights)
        stimulus = keras.Input((None, None, 3), name="stimulus")
        backbone = keras.Model(stimulus, [base(stimulus)], name="backbone")
        backbone.trainable = False
        map_ = keras.Input(base.output.shape[1:], name="map")
        head = keras.Model([map_], Adaptation(name="adaptation", dtype="float32")(map_), name="head")
        options = {"base_model": base_model, "base_options": dict(base_options)}
        super().__init__(backbone, head, size, options, name=name, **kwargs)
        self.base = base
        self.padded = base.padded
        self.fixed_size = base.fixed_size

    def prepare(self, stimuli, **resize):
        return self.base.prepare(stimuli, **resize)

    def restore(self, maps, size, **resize):
        return self.base.restore(maps, size, **resize)

    def get_config(self):
        return {**self._options, "backbone_weights": None, "name": self.name}
