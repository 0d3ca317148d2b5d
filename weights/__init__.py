"""Weights that come with kerasal or can be fetched: the registry and the readers of other formats."""

from kerasal.weights.caffe import load_caffe_weights, read_caffemodel
from kerasal.weights.imagenet import (
    load_vgg16,
    resolve_efficientnet_lite2,
    resolve_resnet50,
    resolve_vgg16,
)
from kerasal.weights.keras1 import load_theano_weights, open_keras1
from kerasal.weights.keras_file import load_keras_layers
from kerasal.weights.lasagne import is_npz, lasagne_shapes, load_lasagne_weights
from kerasal.weights.published import fetch_published, find_weights, published_here, published_path
from kerasal.weights.registry import PUBLISHED, REGISTRY, SHIPPED, Published, Weights, sha256
from kerasal.weights.stored import StoredLayer, keras_kernel, layers_by_name

__all__ = [
    "PUBLISHED",
    "REGISTRY",
    "SHIPPED",
    "Published",
    "StoredLayer",
    "Weights",
    "fetch_published",
    "find_weights",
    "is_npz",
    "keras_kernel",
    "lasagne_shapes",
    "layers_by_name",
    "load_caffe_weights",
    "load_keras_layers",
    "load_lasagne_weights",
    "load_theano_weights",
    "load_vgg16",
    "open_keras1",
    "published_here",
    "published_path",
    "read_caffemodel",
    "resolve_efficientnet_lite2",
    "resolve_resnet50",
    "resolve_vgg16",
    "sha256",
]
