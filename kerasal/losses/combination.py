"""Weighted sums of losses, and the activation that suits one. Paper, sections 3.2.2 and 3.2.6."""

import math
from collections.abc import Sequence

import keras

from kerasal.errors import InputError
from kerasal.losses._base import Loss
from kerasal.losses.center_bias import CenterBias
from kerasal.losses.distribution import KLD
from kerasal.losses.perceptual import DeepFeatures, GramMatrices, vgg_features
from kerasal.losses.pixel import SigmoidMSE
from kerasal.losses.saliency import CC, NSS


@keras.saving.register_keras_serializable(package="kerasal")
class LinearCombination(Loss):
    """A weighted sum of losses: sum over terms of coefficient times value.

    Args:
        terms: pairs (coefficient, loss). A coefficient is finite and at least 0, since every loss is in the
            form that is minimised, and one of them above 0; a loss gives one value per image. Names of
            losses must differ.

    Attributes:
        terms: list of (coefficient, name, loss).

    DF and GM in one combination share one pass through VGG-16.
    """

    family = "combination"

    def __init__(self, terms: Sequence[tuple[float, keras.losses.Loss]], name="linear_combination", **kwargs):
        super().__init__(name=name, **kwargs)
        self.terms = [_checked(term) for term in terms]
        names = [name for _, name, _ in self.terms]
        if not names:
            raise InputError("a linear combination needs at least one term")
        if not any(coefficient for coefficient, *_ in self.terms):
            raise InputError("every coefficient of a linear combination is 0: there is nothing to learn")
        if len(set(names)) < len(names):
            raise InputError(f"the terms of a linear combination must differ; got {', '.join(names)}")
        self.needs_fixations = any(getattr(loss, "needs_fixations", False) for _, _, loss in self.terms)
        self.remember_terms = False  # set by term_metrics, so that the values are not computed twice
        self._last: tuple | None = None  # the maps of the last call, and their values

    def call(self, y_true, y_pred, features=None):
        values = self.term_values(y_true, y_pred, features)
        return sum(coefficient * values[name] for coefficient, name, _ in self.terms)

    def term_values(self, y_true, y_pred, features=None) -> dict:
        """Each term's value per image, (B,), without its coefficient, by name. `features` as in `df`."""
        if self._last is not None and self._last[0] is y_true and self._last[1] is y_pred:
            return self._last[2]
        if features is None and _sees_features(self):
            features = vgg_features(y_true, y_pred)
        values = {}
        for _, name, loss in self.terms:
            also = {"features": features} if _sees_features(loss) else {}
            values[name] = loss.call(y_true, y_pred, **also)
            if len(values[name].shape) != 1:
                got = tuple(values[name].shape)
                raise InputError(f"the term {name} must give one value per image, (batch,), got {got}")
        if self.remember_terms:
            self._last = (y_true, y_pred, values)
        return values

    def _told(self):
        return [" + ".join(f"{coefficient:g}*{loss!r}" for coefficient, _, loss in self.terms)]

    def get_config(self):
        terms = [
            [coefficient, keras.saving.serialize_keras_object(loss)] for coefficient, _, loss in self.terms
        ]
        return {**super().get_config(), "terms": terms}

    @classmethod
    def from_config(cls, config):
        terms = [(c, keras.saving.deserialize_keras_object(loss)) for c, loss in config["terms"]]
        return cls(**{**config, "terms": terms})


class _WithCenterBias(LinearCombination):
    """SAM's terms, then `more`, then R unless `center_bias` is None, which alone is its configuration."""

    def __init__(self, more, center_bias, name, **kwargs):
        terms = [(10.0, KLD()), (2.0, CC()), (1.0, NSS()), *more]  # coefficients: SAM (Cornia et al. 2018)
        if center_bias is not None:
            terms.append((1.0, CenterBias(center_bias)))
        super().__init__(terms, name=name, **kwargs)

    def get_config(self):
        config = keras.losses.Loss.get_config(self)
        biases = [loss.get_config()["center_bias"] for _, name, loss in self.terms if name == "r"]
        return {**config, "center_bias": biases[0] if biases else None}

    @classmethod
    def from_config(cls, config):
        return cls(**config)


@keras.saving.register_keras_serializable(package="kerasal")
class LC1(_WithCenterBias):
    """The paper's first combination: 10*kld+2*cc+nss+r. Section 3.2.6, Tables 3 and 4.

    Args:
        center_bias: B of R, as `CenterBias` takes it; None leaves R out.
    """

    def __init__(self, center_bias="gaussian", name="lc1", **kwargs):
        super().__init__([], center_bias, name, **kwargs)


@keras.saving.register_keras_serializable(package="kerasal")
class LC2(_WithCenterBias):
    """The paper's second combination: 10*kld+2*cc+nss+df+gm+sig-mse+r. Section 3.2.6, Tables 3 and 4.

    Args:
        center_bias: B of R, as `CenterBias` takes it; None leaves R out.
    """

    def __init__(self, center_bias="gaussian", name="lc2", **kwargs):
        perceptual = [(1.0, DeepFeatures()), (1.0, GramMatrices()), (1.0, SigmoidMSE(0.55))]
        super().__init__(perceptual, center_bias, name, **kwargs)


def activation_for(loss: keras.losses.Loss) -> str:
    """The output activation that suits a loss: "sigmoid" or "relu".

    "sigmoid" for the distribution family and for a combination with a term of it (paper, section 3.2.2).
    """
    families = [getattr(part, "family", None) for part in _parts(loss)]
    return "sigmoid" if "distribution" in families else "relu"


def _parts(loss):
    """A loss and, of a combination, its terms and theirs."""
    yield loss
    if isinstance(loss, LinearCombination):
        for _, _, term in loss.terms:
            yield from _parts(term)


def _sees_features(loss):
    """Whether a loss, or a term of it, compares maps by their VGG-16 features."""
    return any(isinstance(part, DeepFeatures | GramMatrices) for part in _parts(loss))


def _checked(term):
    """A pair (coefficient, loss) as (coefficient, name, loss). InputError: it cannot be a term."""
    if not isinstance(term, tuple | list) or len(term) != 2:
        raise InputError(f"a term must be a pair (coefficient, loss); got {term!r}")
    coefficient, loss = term
    if not isinstance(loss, keras.losses.Loss):
        raise InputError(f"a term must be a keras.losses.Loss; got {type(loss).__name__}")
    if type(loss) is LinearCombination:
        raise InputError("a linear combination cannot be a term of another: give its terms instead")
    try:
        number = float(coefficient)
    except (TypeError, ValueError):
        raise InputError(f"a coefficient must be a number; got {coefficient!r}") from None
    if not (math.isfinite(number) and number >= 0):
        raise InputError(f"a coefficient must be finite and at least 0; got {coefficient}")
    return number, loss.name, loss
