"""Configuration files: a run's options and data as YAML or JSON.

    loss: kld+cc+nss
    data: osie
    learning_rate: 5e-4

Keys are the command's options, with `_` or `-`; a key that is none of them is refused.
"""

import os
from pathlib import Path
from typing import Any, get_type_hints

import yaml

from kerasal.data.options import ReadingOptions
from kerasal.errors import InputError, reading
from kerasal.training.options import KINDS, checked_values

LARGEST, BRACKETS = 100_000, 100  # bytes of a configuration file, and opening brackets in it
KEYS = {
    **{"recipe": str, "data": str, "data_dir": str | dict | None, "limit": int | None},
    **{**get_type_hints(ReadingOptions), "split_file": str | None},
    **{**KINDS, "cache_features": bool},
}


class _Loader(yaml.SafeLoader):
    """YAML without aliases: options have no use for them, and a few lines of them make an endless value."""

    def compose_node(self, parent, index):
        if self.check_event(yaml.AliasEvent):
            raise yaml.YAMLError("it has an alias, such as *name, which is not taken")
        return super().compose_node(parent, index)


def read_config(path: Path | str) -> dict[str, Any]:
    """The options that a YAML or JSON file names, checked, by their Python names.

    InputError: no such file, no YAML, an unknown key (with the nearest known one) or a value of a wrong
    type; the file is named.
    """
    try:
        data = Path(path).read_bytes()
    except OSError as error:
        raise InputError(f"cannot read {path}: {error.strerror}") from None
    if len(data) > LARGEST:
        raise InputError(f"{path} has {len(data):,} bytes: a configuration file has a few lines")
    if data.count(b"[") + data.count(b"{") > BRACKETS:  # PyYAML takes seconds for a thousand, one in another
        raise InputError(f"{path} has more than {BRACKETS} brackets: a configuration file has a few lines")
    with reading(f"{path} is neither YAML nor JSON"):  # Python raises, too, at its values and depths
        values = yaml.load(data.decode(), _Loader)  # YAML contains JSON
    if not isinstance(values, dict):
        raise InputError(f"{path} must hold lines such as 'epochs: 10'")
    try:
        values = checked_values({str(key).replace("-", "_"): value for key, value in values.items()}, KEYS)
    except InputError as error:
        raise InputError(f"{path}: {error}") from None
    for name in ("weights", "backbone_weights"):  # no shell has seen a ~ in them
        if values.get(name):
            values[name] = os.path.expanduser(values[name])
    return values


def config_text(values: dict[str, Any]) -> str:
    """YAML that `read_config` reads as `values`; None is left out where it says nothing."""
    plain = {name: value for name, value in values.items() if value is not None}
    rows, columns = plain["input_size"]
    plain["input_size"] = f"{rows}x{columns}"
    return yaml.safe_dump(plain, sort_keys=False)
