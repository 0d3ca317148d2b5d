"""How far a long piece of work is, shown by whoever wants to."""

from collections.abc import Callable, Sequence

Progress = Callable[[Sequence, str], Sequence]  # wraps a sequence, named, and shows how far it is
