"""Predictors that need no file of the user's, by their names. Listings read them: no Keras is imported."""

from kerasal.classical import CLASSICAL
from kerasal.prediction.classical import ClassicalPredictor
from kerasal.prediction.predictor import Predictor, Source
from kerasal.weights.registry import REGISTRY, SHIPPED


def _classical(name: str) -> Source:
    """A model that learns nothing."""
    facts = {"model": name, "trained_on": "nothing"}
    return Source(name, CLASSICAL[name].title, lambda _: ClassicalPredictor(name), facts)


def backbone_licence(name: str) -> str:
    """Whose the weights of a backbone are, and their licence, in a sentence."""
    weights = REGISTRY[name]
    return f"The backbone's weights: {weights.architecture}, {weights.credit}, {weights.licence}."


def _shipped(name: str) -> Source:
    """A trained network that comes with kerasal."""
    weights = REGISTRY[name]

    def make(precision: str) -> Predictor:
        from kerasal.prediction.shipped import load_shipped  # here: it loads Keras

        return load_shipped(name, precision)

    facts = {
        "model": name.partition(".")[0],
        "trained_on": weights.trained_on,
        "scores": weights.scores,
        "licence": f"{weights.licence}. {backbone_licence(weights.backbone)}",
    }
    return Source(name, weights.about, make, facts, (weights.path, REGISTRY[weights.backbone].path))


NAMED: dict[str, Source] = {name: _classical(name) for name in CLASSICAL}
NAMED |= {name: _shipped(name) for name in SHIPPED}
