"""What the repr of a loss and of a network tells."""

from collections.abc import Collection, Mapping
from typing import Any

import numpy as np


def arguments_of(config: Mapping[str, Any], but: Collection[str] = ()) -> list[str]:
    """`argument=value` for all of a configuration but the names in `but`. A map is told by its shape."""
    return [f"{name}={_value(value)}" for name, value in config.items() if name not in but]


def _value(value: Any) -> str:
    shape = np.shape(value)
    return f"<array of {shape}>" if len(shape) > 1 else repr(value)
