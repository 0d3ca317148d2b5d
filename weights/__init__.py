"""Weights that come with kerasal or can be fetched: the registry and the readers of other formats."""

from kerasal.weights.registry import REGISTRY, Weights, sha256
from kerasal.weights.vgg16 import load_vgg16, resolve_vgg16

__all__ = ["REGISTRY", "Weights", "load_vgg16", "resolve_vgg16", "sha256"]
