"""Trains the tests' tiny network on one device, on two of one machine, or as one of two workers.

python distributed_runs.py DATA RUN one|mirrored|multi-worker

"mirrored" splits the CPU into two logical devices. "multi-worker" expects TF_CONFIG. Batches of 4 on 14
stimuli: the last of an epoch has 2, or with DATA of 13 a single one, and one device has nothing to do.
"""

import os
import sys
from pathlib import Path

os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"
sys.path.insert(0, str(Path(__file__).parents[1]))

import tensorflow as tf
from conftest import add_tiny_network

from kerasal import data, training

OPTIONS = {
    "model": "tiny",
    "input_size": (32, 48),
    "epochs": 3,
    "batch_size": 4,
    "learning_rate": 1e-2,
    "clip_norm": 0.5,
    "dropout": 0.0,  # its masks are each device's own
}


def main() -> None:
    folder, run, how = sys.argv[1:]
    if how == "mirrored":
        cpu = tf.config.list_physical_devices("CPU")[0]
        tf.config.set_logical_device_configuration(cpu, [tf.config.LogicalDeviceConfiguration()] * 2)
    strategy = "none" if how == "one" else how
    training.make_strategy(strategy)
    add_tiny_network()
    options = training.options(strategy=strategy, **OPTIONS)
    result = training.train(data.load(folder), options, run, report=lambda _: None, verbose=0)
    print("wrote" if result else "wrote nothing")


if __name__ == "__main__":
    main()
