"""A map through the layers that SAM brings, on whichever Keras backend runs: python sam_layers.py FILE.npy"""

import sys

import keras
import numpy as np

from kerasal import layers

STIMULUS = np.random.default_rng(0).integers(0, 256, (1, 13, 10, 3), dtype="uint8")


def network():
    """The function from stimuli (1, 13, 10, 3) to maps of that size."""
    cell, prior = layers.AttentiveConvLSTM(3, 2, steps=3), layers.LearnedGaussianPrior(1)
    cell.build((1, 4, 6, 3))
    prior.build((1, 4, 6, 3))
    random = np.random.default_rng(1)
    cell.set_per_gate_weights([random.normal(size=array.shape) for array in cell.per_gate_weights()])
    prior.set_weights([np.array([0.4, 0.5, 0.3, 0.2])])

    def maps(stimuli):
        x = layers.TheanoMaxPooling2D(3, 2)(layers.pad_stimuli(stimuli, (8, 12)) / 255)
        x = layers.BilinearUpsampling(4)(prior(cell(x)))[..., 2:]
        return layers.gaussian_blur(layers.crop_maps(x, (13, 10)), 5, 1.0)

    return maps


if __name__ == "__main__":
    import jax

    assert keras.backend.backend() == "jax"
    np.save(sys.argv[1], jax.jit(network())(STIMULUS))
    assert "tensorflow" not in sys.modules
