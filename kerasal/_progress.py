"""How far a long piece of work is, shown by whoever wants to."""

from collections.abc import Callable, Sequence
from typing import Any

Progress = Callable[[Sequence[Any], str], Sequence[Any]]  # wraps a sequence, named, and shows how far it is
