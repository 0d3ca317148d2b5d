"""The command line as a module; its files are in cli/, installed as kerasal_cli so that it starts fast."""

from kerasal_cli import main

__all__ = ["main"]
