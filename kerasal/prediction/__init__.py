"""Maps of a user's own images and videos, and what they are good for."""

from kerasal.prediction.predictors import DEFAULT, NAMED, Named, Predictor, load, resolve

__all__ = ["DEFAULT", "NAMED", "Named", "Predictor", "load", "resolve"]
