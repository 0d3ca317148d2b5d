"""From a trained network to a file that other programs run, pre- and post-processing inside.

A new format is a file with a function that writes it, and its name in `kerasal.export.formats`.
"""

from kerasal.export.formats import FORMATS, SUFFIXES, Exported, export

__all__ = ["FORMATS", "SUFFIXES", "Exported", "export"]
