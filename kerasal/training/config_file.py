"""Configuration files: a run's options and data as YAML or JSON.

    loss: kld+cc+nss
    data: osie
    learning_rate: 5e-4

Keys are the command's options, with `_` or `-`; a key that is none of them is refused.
"""

from pathlib import Path
from typing import Any

import yaml

from kerasal.errors import InputError
from kerasal.training.options import OPTION_NAMES, checked_values

DATA_KEYS = ("data", "data_dir", "sigma", "pixels_per_degree", "limit")
KEYS = ("recipe", *DATA_KEYS, *OPTION_NAMES, "cache_features")


def read_config(path: Path | str) -> dict[str, Any]:
    """The options that a YAML or JSON file names, checked, by their Python names.

    InputError: no such file, no YAML, an unknown key (with the nearest known one) or a value of a wrong
    type; the file is named.
    """
    try:
        values = yaml.safe_load(Path(path).read_text())  # YAML contains JSON
    except OSError as error:
        raise InputError(f"cannot read {path}: {error.strerror}") from None
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise InputError(f"{path} is neither YAML nor JSON: {' '.join(str(error).split())}") from None
    if not isinstance(values, dict):
        raise InputError(f"{path} must hold lines such as 'epochs: 10'")
    try:
        return checked_values({str(key).replace("-", "_"): value for key, value in values.items()}, KEYS)
    except InputError as error:
        raise InputError(f"{path}: {error}") from None


def config_text(values: dict[str, Any]) -> str:
    """YAML that `read_config` reads as `values`; None is left out where it says nothing."""
    plain = {
        name: f"{value[0]}x{value[1]}"
        if name == "input_size"
        else str(value)
        if isinstance(value, Path)
        else value
        for name, value in values.items()
        if value is not None
    }
    return yaml.safe_dump(plain, sort_keys=False)
