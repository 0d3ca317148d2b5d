"""The private names of other packages that kerasal uses: each may go with their next version."""

import ast
import atexit
from pathlib import Path

import keras
import pytest
import tensorflow as tf

ROOT = Path(__file__).parents[1]
DOCUMENTED = {"_exit", "_replace"}  # os._exit and the method of named tuples
DENSE = keras.layers.Dense(1)
AVERAGING = keras.optimizers.SGD(use_ema=True)
AVERAGING.build([keras.Variable(0.0)])

# Where it is used, the name, and what must have it.
NAMES = [
    ("cli/__init__.py", "_run_exitfuncs", atexit),
    ("kerasal/models/base.py", "_flatten_layers", keras.Model),
    ("kerasal/quest/stacked.py", "_call_has_training_arg", DENSE),
    ("kerasal/training/distribution.py", "_all_reduce_sum_gradients", keras.optimizers.SGD()),
    ("kerasal/training/loop.py", "_in_multi_worker_mode", tf.distribute.StrategyExtended),
    ("kerasal/training/optimizers.py", "_iterations", keras.optimizers.SGD()),
    ("kerasal/training/optimizers.py", "_update_model_variables_moving_average", keras.optimizers.SGD()),
    ("kerasal/training/step.py", "_model_variables_moving_average", AVERAGING),
    ("kerasal/training/step.py", "_stateful_handle_finite_grads", keras.optimizers.LossScaleOptimizer),
    ("kerasal/training/step.py", "_stateful_handle_non_finite_grads", keras.optimizers.LossScaleOptimizer),
]


def sources():
    """The package's files, by their path in the repository."""
    for folder in ("kerasal", "weights", "cli"):
        for path in sorted((ROOT / folder).rglob("*.py")):
            yield path.relative_to(ROOT).as_posix(), ast.parse(path.read_text())


@pytest.mark.parametrize(("place", "name", "owner"), NAMES, ids=[name for _, name, _ in NAMES])
def test_a_private_name_that_is_used_is_there(place, name, owner):
    assert hasattr(owner, name), f"{place} uses {name}, which {owner!r} of Keras {keras.__version__} has not"


def test_all_private_names_that_are_used_are_listed():
    trees = dict(sources())
    nodes = [node for tree in trees.values() for node in ast.walk(tree)]
    ours = {node.name for node in nodes if isinstance(node, ast.FunctionDef | ast.ClassDef)}
    ours |= {
        node.attr
        for node in nodes
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id == "self"
    }
    overridden = {name for _, name, _ in NAMES if name.startswith("_stateful")}
    used = {
        (place, node.attr)
        for place, tree in trees.items()
        for node in ast.walk(tree)
        if isinstance(node, ast.Attribute) and node.attr.startswith("_") and not node.attr.endswith("__")
        if node.attr not in (ours - overridden) | DOCUMENTED
    }
    assert used == {(place, name) for place, name, _ in NAMES}


def test_no_module_of_keras_or_tensorflow_that_is_private_is_imported():
    for place, tree in sources():
        for node in ast.walk(tree):
            names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            names += [node.module or ""] if isinstance(node, ast.ImportFrom) else []
            for name in names:
                assert not name.startswith(("keras.src", "tensorflow.python")), f"{place} imports {name}"
