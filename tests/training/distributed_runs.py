"""Trains the tests' tiny network on one device, on two of one machine, or as one of two workers.

python distributed_runs.py DATA FOLDER one|mirrored|multi-worker ...

Makes FOLDER/one and so on, or goes on with it where it is there. "mirrored" splits the CPU into two logical
devices. "multi-worker" expects TF_CONFIG and comes alone. PRECISION in the environment is that of training;
with DIES_AFTER_EPOCH the process ends at the end of that epoch, as one that is killed.
"""

import os
import sys
from pathlib import Path

os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"
sys.path.insert(0, str(Path(__file__).parents[1]))

import tensorflow as tf
from conftest import add_tiny_network

from kerasal import data, training
from kerasal.training.callbacks import SaveCheckpoints

OPTIONS = {
    "model": "tiny",
    "input_size": (32, 48),
    "epochs": 3,
    "batch_size": 4,
    "learning_rate": 1e-2,
    "clip_norm": 0.5,
    "precision": os.environ.get("PRECISION", "float32"),
    "dropout": 0.0,  # its masks are each device's own
}


def die_after(epoch: int) -> None:
    """Have this process end, without any tidying, when it has saved so many epochs."""
    plain = SaveCheckpoints.on_epoch_end

    def on_epoch_end(self, number, logs=None):
        plain(self, number, logs)
        if number + 1 == epoch:
            os._exit(9)

    SaveCheckpoints.on_epoch_end = on_epoch_end


def main() -> None:
    folder, root, *ways = sys.argv[1:]
    if "mirrored" in ways:
        cpu = tf.config.list_physical_devices("CPU")[0]
        tf.config.set_logical_device_configuration(cpu, [tf.config.LogicalDeviceConfiguration()] * 2)
    if "multi-worker" in ways:
        training.make_strategy("multi-worker")
    add_tiny_network()
    if epoch := os.environ.get("DIES_AFTER_EPOCH"):
        die_after(int(epoch))
    silent = {"report": lambda _: None, "verbose": 0}
    results = []
    for way in ways:
        options = training.options(strategy="none" if way == "one" else way, **OPTIONS)
        run = Path(root) / way
        if run.exists():
            results.append(training.resume(run, **silent))
        else:
            results.append(training.train(data.load(folder), options, run, **silent))
    print(*("wrote" if result else "wrote nothing" for result in results))


if __name__ == "__main__":
    main()
