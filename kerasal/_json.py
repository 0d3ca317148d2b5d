"""JSON files that may be damaged, or be something else."""

import json
import zlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from kerasal.errors import InputError

Kinds = Mapping[str, type | tuple[type, ...]]  # of the entries of a file, by their names


def read_json(path: Path, hint: str = "") -> dict[str, Any]:
    """The object that a JSON file holds. InputError: it cannot be read, or holds something else.

    `hint` says in the error what to do.
    """
    try:
        values = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise InputError(f"cannot read {path}: {error.strerror}{hint}") from None
    except (ValueError, RecursionError):  # also what is no UTF-8, and numbers of thousands of digits
        raise InputError(f"{path} is not valid JSON{hint}") from None
    if not isinstance(values, dict):
        raise InputError(f"{path} must hold a JSON object, and holds {shown(values)}{hint}")
    return values


def crc32_of(values: dict[str, Any]) -> int:
    """A CRC-32 of plain values, which is the same after they were written and read."""
    return zlib.crc32(json.dumps(values, sort_keys=True).encode())


def shown(value: Any) -> str:
    """A value from a file, for a message: its beginning, whatever it is."""
    if isinstance(value, dict | list | tuple | set):
        # What lies in it is not looked at: YAML can make it endless.
        return f"a {type(value).__name__} of {len(value)}"
    if isinstance(value, int) and abs(value) > 10**20:  # Python refuses to write those of thousands of digits
        return "a number out of all measure"
    return repr(value[:60] if isinstance(value, str | bytes) else value)


def check_entries(path: Path, values: dict[str, Any], kinds: Kinds) -> None:
    """InputError: one of the entries is missing in the values of a file, or is of another kind."""
    for name, kind in kinds.items():
        if name not in values:
            raise InputError(f"{path} is damaged: it has no {name}")
        if not isinstance(values[name], kind):
            raise InputError(f"{path} is damaged: {name} is {shown(values[name])}")
